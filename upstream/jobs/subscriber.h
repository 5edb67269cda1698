/* SPDX-License-Identifier: Apache-2.0 */
/* The frontends that read our answers: who is subscribed, who was cut off and may come back. Told
 * by the XPUB mailbox.
 *
 *   (none) -> ATTACHED <-> DETACHED -> (none)     [reader_subscribed, reader_unsubscribed; after
 * RESUME_WAIT]
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

struct upstream;

struct reader {
    uint64_t incarnation;
    bool is_attached;
    uint64_t gone_ms;   /* DETACHED: when it is given up */
    uint64_t resend_ms; /* come back: when calls that it has not resumed are sent again; 0: none are
                           left */
    size_t call_count;
    UT_hash_handle hh;
};

/* What concerns the calls of a frontend (jobs.c). */
struct reader_events {
    void (*back)(struct reader *reader, struct upstream *upstream);
    void (*late)(struct reader *reader, struct upstream *upstream); /* it had time to resume them */
    void (*gone)(struct reader *reader, struct upstream *upstream); /* for good */
};

void reader_subscribed(struct upstream *upstream, uint64_t incarnation);
void reader_unsubscribed(struct upstream *upstream, uint64_t incarnation);

/* NULL: not subscribed and not expected back. */
struct reader *reader_find(struct upstream *upstream, uint64_t incarnation);

/* Gives up those that did not come back in time, sends again what was not resumed. Returns when to
 * look again. */
uint64_t readers_tick(struct upstream *upstream, uint64_t now_ms);

void readers_close(struct upstream *upstream);
