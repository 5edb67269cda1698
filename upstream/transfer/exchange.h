/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer on a connection: what direct.c and reading.c share. What must stay true:
 * `done` is called from inside the loop alone. */
#pragma once

#include "transfer/connection.h"
#include "transfer/engine.h"
#include "transfer/request.h"
#include "transfer/response.h"

enum { READ_LEN = 32 * 1024 };

struct exchange {
    struct transfer base; /* is the first */
    struct direct *direct;
    struct bytes origin;
    struct bytes head; /* the key is in it: wiped when it has left */
    bool is_tls;
    const char *refusal; /* why it cannot be sent */
    struct view body;    /* of the order */
    struct connection *connection;
    struct view unsent_head, unsent_body;
    const struct transfer_feed *feed; /* of the order; NULL: none */
    bool is_chunked;                  /* …and nobody knows its length */
    bool is_fed;                      /* its last byte has left, or its last chunk is unsent */
    bool has_chunk;                   /* one has been written */
    size_t fed_len;                   /* of what was looked at last, and is not taken */
    uint64_t opening_us;              /* when its new connection was begun; 0: it has a kept one */
    uint64_t connect_us;              /* that it took */
    bool has_begun;                   /* to send */
    bool is_sent;
    bool is_send_broken; /* what the provider has said to that is still read */
    bool is_paused;
    bool is_stream; /* of events: its connection knows it */
    struct response response;
    struct bytes lines; /* wanted ones of its head */
    struct bytes held;  /* paused: a slice, and behind it what is not read yet */
    size_t held_slice;  /* bytes of it */
    size_t held_rest;   /* where that begins */
    bool is_due;        /* in the list of those */
    bool has_ended;     /* to be told by the loop: */
    enum transfer_end end;
    struct bytes why;
};

struct direct {
    struct engine *engine;
    struct connections connections;
    struct targets targets;
    struct bytes headers;
    struct transfer *due; /* those that the next turn must look at */
    struct transfer *pool;
    size_t pool_count;
    char buffer[READ_LEN];
};

struct exchange *exchange_of(struct transfer *transfer);

/* An engine's `make`. */
struct transfer *exchange_make(void *self, const struct transfer_order *order);

/* Back into the pool. */
void exchange_give(struct exchange *exchange);

/* The next turn looks at it. */
void exchange_make_due(struct exchange *exchange);

/* It leaves its connection, which is closed, and the engine. */
void exchange_detach(struct exchange *exchange);

/* Tells the end that was noted; it is gone afterwards. */
void exchange_tell_end(struct exchange *exchange);

/* The end has come: told at once if this is inside the loop, else by it. */
void exchange_end(struct exchange *exchange, bool is_inside, enum transfer_end how,
                  const char *why);

/* The connection is there, and it is the first time; then: it takes more. */
void exchange_send_first(struct exchange *exchange);
void exchange_send_on(struct exchange *exchange);
bool exchange_wants_write(const struct exchange *exchange);

/* More of the feed is there. */
void exchange_feed(struct exchange *exchange);

/* Frees those in the pool beyond `most`. */
void exchanges_trim(struct direct *direct, size_t most);
