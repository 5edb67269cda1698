/* SPDX-License-Identifier: Apache-2.0 */
/* What outside.c and errand.c share: the engine, and one of its transfers. */
#pragma once

#include "transfer/cache.h"
#include "transfer/handle.h"
#include "transfer/outside.h"
#include "transfer/sockets.h"

enum { STATUS_OK = 200 };

enum errand_state {
    ERRAND_WAITS, /* for a place among those that run */
    ERRAND_RUNS,
    ERRAND_FOLLOWS, /* another one that leads there */
    ERRAND_TELLS,   /* out of the cache, without libcurl */
    ERRAND_FAILS,   /* as the one did that it followed */
    ERRAND_STATES
};

struct errand {
    struct transfer base; /* is the first */
    struct outside *outside;
    struct handle handle;
    bool is_guarded;         /* a client has named it */
    enum errand_state state; /* which says in which list it is */
    uint64_t client;
    char *url;               /* as it was asked for; NULL: it is not shared */
    struct cached *gathered; /* RUNS: what comes, to be kept; NULL: it is not */
    struct cached *told;     /* TELLS */
    size_t told_len;         /* of its body */
    size_t body_len;
    struct view wanted; /* names of header lines */
    uint64_t by_ms;
    unsigned hops;
    size_t head_len, hop_head_len; /* bytes of heads: of all, and of this hop */
    size_t aside, taken;           /* bytes of bodies */
    long status;                   /* of the hop; 0: not yet */
    bool has_head;                 /* it was told */
    bool is_paused, is_stopped;
    const char *refusal;   /* why it is not gone on with; NULL: nothing is against it */
    const char *unreached; /* why an address of the hop's was passed over */
    struct bytes lines, why;
};

struct outside {
    struct engine *engine;
    CURLM *curl;
    struct sockets sockets;
    struct transfer *lists[ERRAND_STATES]; /* by state */
    size_t running_count;
    struct cache cache;
    uint64_t due_ms;
};

static inline struct errand *errand_of(struct transfer *transfer)
{
    return (struct errand *)transfer;
}

struct errand *errand_make(struct outside *outside, const struct transfer_order *order);

/* Gives it to libcurl, for the time that it has left. */
void errand_add(struct errand *errand);

/* Tells the head of the last hop, once. False: the answer is none that is wanted. */
bool errand_give_head(struct errand *errand);

/* Goes where the answer points. False: it does not, and the errand has ended. */
bool errand_follow(struct errand *errand);

/* How it ended; `why` is set, for a client where it has named the address. */
enum transfer_end errand_end(struct errand *errand, CURLcode code);

/* What was gathered of it is not kept. */
void errand_free(struct errand *errand);
