/* SPDX-License-Identifier: Apache-2.0 */
/* A connection, for the files of this folder only. */
#pragma once

#include "web/stream.h"

struct client;

/* Who reads what the client sends while its request is under way; stream.c. */
struct client_reader {
    bool (*readable)(struct client *client); /* false: it is not for it */
    void (*stop)(struct client *client);     /* nothing more is read */
    void (*clear)(struct client *client);    /* the connection is over */
};

/* What we know of a connection besides h2o. It hangs on the socket's on_close. */
struct client {
    struct web *web;
    h2o_socket_t *socket;
    int linger_fd; /* of a connection that h2o will close while its client still sends; else -1 */
    void (*on_gone)(void *data);
    void *data;
    h2o_timeout_entry_t look;  /* when data that nobody reads hides a hang-up */
    h2o_socket_cb read;        /* h2o's own, behind that of early.c */
    bool is_judged;            /* the head of the request that is being read, and `fault` is its */
    const char *fault;         /* NULL: none */
    size_t seen;               /* bytes of a head that has no end yet, which were looked at */
    h2o_timeout_entry_t again; /* early.c puts itself in front of it again */
    const struct client_reader *reader; /* NULL: nobody has ever */
    struct stream stream; /* the body of the request under way, if h2o does not see it */
};

/* Of a socket that has just been accepted; to be followed by h2o_accept. Frees itself when the
 * socket closes. */
struct client *client_open(struct web *web, h2o_socket_t *socket);

struct client *client_of(const h2o_req_t *req);

/* The connection will be closed while its client may still be sending: what it sends is read for a
 * while, for a reset would take the reply from it. */
void client_linger(struct client *client);

/* Of a tapped connection: reads what its client sends, or tells if it hangs up; or leaves it unread, and
 * asks the kernel now and then whether it has. */
void client_listen(struct client *client);
void client_rest(struct client *client);
