/* SPDX-License-Identifier: Apache-2.0 */
/* Objects whose key nobody knows: keys are asked one after another, a few at once. Plain functions, no sockets; time is passed
 * in. Bounded: so many objects are sought at once, so many keys are asked for each, with a pause between two questions; what no
 * key had is not sought again for a while. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "holdings/holdings.h"

enum {
    SEEKS_MOST = 64,
    SEEKS_KEYS_MOST = 500, /* asked for one object */
    SEEKS_AT_ONCE = 8,     /* questions under way */
    SEEKS_GAP_MS = 20,
    SEEKS_WAIT_MS = 12000, /* longer than an upstream waits for the provider */
    SEEKS_MISSED_MS = 30000,
    SEEKS_MISSED = 256, /* remembered */
};

struct seek {
    char *name;
    size_t next_key; /* its place in the pool */
    size_t asked;
    size_t under_way;
    bool is_over; /* found, or no key has it */
    struct seek *prev, *next;
};

struct seek_question {
    uint64_t number; /* 0: free */
    uint64_t upstream, reservation;
    uint64_t by_ms;
    struct seek *seek;
};

/* Valid zeroed. */
struct seeks {
    struct seek *list; /* the oldest first */
    size_t count;
    uint64_t last_number;
    uint64_t next_ms;
    struct seek_question questions[SEEKS_AT_ONCE];
    struct {
        uint64_t hash, until_ms;
    } missed[SEEKS_MISSED];
    size_t missed_at;
};

/* Whether no key had it, a little while ago. */
bool seeks_missed(const struct seeks *seeks, struct view name, uint64_t now_ms);

/* Begins to seek it, if that is not under way. False: too much is sought already. */
bool seeks_begin(struct seeks *seeks, struct view name);

/* The next key to be asked, out of `keys`. NULL: none, or not yet. */
struct seek *seeks_next(const struct seeks *seeks, size_t keys, uint64_t now_ms);

/* That key is asked now; or passed over, since it is of no use at the moment. Good until it ends. */
struct seek_question *seeks_ask(struct seeks *seeks, struct seek *seek, uint64_t upstream,
                                uint64_t now_ms);
void seeks_pass(struct seek *seek);

/* An answer has come. NULL: nobody waits for it. Else the question, which is over; its seek too, if the object was found. */
const struct seek_question *seeks_answer(struct seeks *seeks, uint64_t number, bool is_found);

/* One that this upstream has (0: any) without an answer in time, which is over; NULL: there is none. */
const struct seek_question *seeks_lost(struct seeks *seeks, uint64_t upstream, uint64_t now_ms);

/* Drops what is over, and remembers what no key had. Returns whether anything was. */
bool seeks_settle(struct seeks *seeks, size_t keys, const struct holdings *holdings,
                  uint64_t now_ms);

/* When to look again; UINT64_MAX: no need. */
uint64_t seeks_due_ms(const struct seeks *seeks, size_t keys);

void seeks_clear(struct seeks *seeks);
