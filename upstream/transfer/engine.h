/* SPDX-License-Identifier: Apache-2.0 */
/* What the engines behind transfer.h share: the table that each of them is, how many transfers may
 * run, and how the caller is woken. transfer.c owns it; the engines run what it hands over. */
#pragma once

#include "base/bytes.h"
#include "transfer/transfer.h"

enum {
    ENGINE_SIDES_MOST = 4,
    ENGINE_LOOKUPS_MOST = 32,        /* transfers that may look up a name while others wait */
    ENGINE_POOL_MOST = 256,          /* idle transfers kept, of each engine */
    ENGINE_POOL_TRIMMED = 16,        /* of them after a trim */
    ENGINE_CONNECTIONS_TRIMMED = 32, /* so many may stay open when nothing is under way */
};

struct engine;

/* Who moves the bytes: a new way of doing so is one such table and one line in transfer.c. */
struct engine_kind {
    bool (*takes)(const struct engine *engine, const struct transfer_order *order);
    void *(*open)(struct engine *engine);
    void (*close)(void *self);
    uint64_t (*due_ms)(const void *self); /* when `turn` must be called */
    void (*turn)(void *self, uint64_t now_ms);
    void (*trim)(void *self);
    size_t (*connections)(const void *self); /* open ones */
    /* Closes the oldest idle connections until there are fewer than `most`, or none idles. NULL: it
     * does so by itself. */
    void (*make_room)(void *self, size_t most);

    /* It has a list and bounds of its own, and is nobody's rival: what it runs waits for no others. */
    bool is_apart;

    struct transfer *(*make)(void *self, const struct transfer_order *order); /* not yet run */
    void (*run)(struct transfer *transfer);
    void (*resume)(struct transfer *transfer);
    void (*feed)(struct transfer *transfer);   /* more of the body is there; NULL: it comes whole */
    void (*cancel)(struct transfer *transfer); /* ends it, if it runs, and frees it */
    bool (*is_sent)(const struct transfer *transfer);
    uint64_t (*connect_us)(const struct transfer *transfer);
    bool (*has_idle)(const struct transfer *transfer);
    /* How many such transfers a connection takes, as far as is known. */
    size_t (*streams)(const struct transfer *transfer);
};

struct engine_side {
    const struct engine_kind *kind;
    void *self;
};

struct engine {
    struct transfers *front;
    struct transfer_settings settings;
    size_t connections_most;
    size_t starting_count; /* no connection yet: perhaps they look up a name */
    size_t running_count;
    uint64_t due_ms;          /* of the list; the engines have their own */
    struct transfer *waiting; /* for a connection, or for others to have found theirs */
    struct engine_side sides[ENGINE_SIDES_MOST];
    size_t side_count; /* 0: it is being opened or closed */
};

/* The beginning of a transfer of any engine. */
struct transfer {
    struct engine *engine;
    const struct engine_kind *kind;
    const struct transfer_events *events;
    void *owner;
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

/* How many connections there may be beside those of the other kinds. */
size_t engine_most_beside(const struct engine *engine, const struct engine_kind *kind);

/* Hands over what waits, as far as it may run. */
void engine_hand_over(struct engine *engine);

/* Events were told: hands over what waits, and tells the caller. */
void engine_after(struct engine *engine);
