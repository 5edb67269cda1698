/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the provider for the models of some of the keys, all pages, and makes one list of them. Who
 * needs the list while it is being read waits for the same one. */
#pragma once

#include "parts/catalog.h"
#include "road/road.h"

enum {
    CATALOG_KEYS = 3, /* that are asked at once: keys of several projects have different models */
    CATALOG_PAGES = 100, /* of one key at most */
};

/* One that waits, in memory of its own. `ready` comes once: the list is there, or cannot be had.
 * It comes while letters are read, and may free the waiter. */
struct catalog_waiter {
    void (*ready)(struct catalog_waiter *waiter);
    uint64_t until_ms; /* whatever is known by then */
    bool is_waiting;
    struct catalog_waiter *prev, *next;
};

/* The models of one key, on their way. */
struct catalog_lookup {
    struct catalog_reader *reader;
    struct call *call;  /* NULL: it is done */
    struct order order; /* which it reads as long as it lives */
    struct bytes path, page, token;
    uint64_t key_id; /* that has begun the list: its pages go on with it */
    size_t pages;
};

/* Valid when zeroed but for `catalog`, `road` and `actor`. */
struct catalog_reader {
    struct catalog *catalog;
    struct road *road;
    struct actor *actor;
    struct catalog_lookup lookups[CATALOG_KEYS];
    size_t open;
    bool has_page;      /* one of them has brought something */
    struct bytes names; /* so far */
    uint64_t deadline_ms;
    struct catalog_waiter *waiters;
};

/* The waiter waits; the list is asked for unless it is on its way. */
void catalog_wait(struct catalog_reader *reader, struct catalog_waiter *waiter, uint64_t now_ms);

/* It waits no longer, if it does. */
void catalog_leave(struct catalog_reader *reader, struct catalog_waiter *waiter);

/* From the actor's on_tick: waits that are over. */
void catalog_tick(struct catalog_reader *reader, uint64_t now_ms);

/* Nobody waits any longer: the process stops. */
void catalog_stop(struct catalog_reader *reader);
