/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's side of a connection: a handle that connects (CURLOPT_CONNECT_ONLY). Called by the
 * connections alone. */
#pragma once

#include <openssl/ssl.h>

#include "transfer/connection.h"
#include "transfer/handle.h"

struct opener {
    struct handle handle;
    CURLSH *share; /* with TLS */
    SSL *session;  /* of its connection, once made; NULL: none */
    struct connection *connection;
    struct opener *next;
};

/* For one connection; not yet in the multi. */
struct opener *opener_take(struct connections *connections, bool is_tls);

/* Takes it out of the multi: its connection, if it still has one, is closed. */
void opener_give(struct connections *connections, struct opener *opener);

/* Frees those that are kept. */
void openers_clear(struct connections *connections);
