/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server: accepts, routes, and reads what every route needs of a request. */
#pragma once

#include <h2o.h>
#include <openssl/ssl.h>

#include "span.h"

/* What a request's query says. */
struct query {
    struct span key;
    bool has_key;
    bool is_sse;   /* alt=sse */
    bool is_media; /* alt=media */
    bool is_flat;  /* prettyPrint=false */
    struct span page_size;
    struct span page_token;
    struct span upload_id;
    struct span last;        /* of the admin's routes */
    struct span unknown;     /* the first parameter that Google doesn't know */
    struct span unknown_alt; /* a value of alt that is none */
};

struct call {
    h2o_req_t *req;
    bool is_vertex;   /* at Vertex's address, which has keys of its own: vertex-… */
    bool is_bearer;   /* the key is to come as a Bearer token */
    struct span path; /* percent-decoded, without the query; behind the route's prefix */
    struct query query;
};

/* Keeps SIGTERM and SIGINT for server_run, which ends on them; before anyone can know that the
 * process is there. */
void server_hold_signals(void);

/* Serves on this socket until SIGTERM or SIGINT. With `tls` (NULL: plain HTTP) a client chooses
 * between HTTP/1.1 and HTTP/2 by ALPN. */
void server_run(int listener, SSL_CTX *tls);
