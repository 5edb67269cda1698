/* SPDX-License-Identifier: Apache-2.0 */
/* What the two engines behind transfer.h share: how many transfers may run, and how the caller is
 * woken. transfer.c owns it; direct.c and multi.c run what it hands over. */
#pragma once

#include "base/bytes.h"
#include "transfer/transfer.h"

enum {
    ENGINE_LOOKUPS_MOST = 32,        /* transfers that may look up a name while others wait */
    ENGINE_POOL_MOST = 256,          /* idle transfers kept, of each engine */
    ENGINE_POOL_TRIMMED = 16,        /* of them after a trim */
    ENGINE_CONNECTIONS_TRIMMED = 32, /* so many may stay open when nothing is under way */
};

struct engine {
    struct transfers *front;
    struct transfer_settings settings;
    size_t connections_most;
    size_t starting_count; /* no connection yet: perhaps they look up a name */
    size_t running_count;
    uint64_t due_ms;          /* of the list; the engines have their own */
    struct transfer *waiting; /* for a connection, or for others to have found theirs */
    struct multi *multi;
    struct direct *direct;
};

/* The beginning of a transfer of either engine. */
struct transfer {
    struct engine *engine;
    const struct transfer_events *events;
    void *owner;
    bool is_direct;
    bool is_waiting; /* in the list: the engine has not got it yet */
    bool is_starting;
    struct transfer *prev, *next; /* in the list; then the engine's */
};

/* A due_ms has changed. */
void engine_due(struct engine *engine);

/* The transfer needs no look-up any more. */
void engine_found(struct transfer *transfer);

/* The transfer runs no more. */
void engine_leave(struct transfer *transfer);

/* How many direct connections there may be beside those that libcurl has. */
size_t engine_direct_most(const struct engine *engine);

/* Events were told: hands over what waits, and tells the caller. */
void engine_after(struct engine *engine);
