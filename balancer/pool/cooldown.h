/* SPDX-License-Identifier: Apache-2.0 */
/* The cool-down of a key, of a key for one model, or of a way out.
 *
 *   OPEN -> COOLING -> HALF_OPEN -> OPEN            [cooldown_begin, time, cooldown_take, cooldown_open]
 *              ^___________|                        [cooldown_begin]
 *
 * HALF_OPEN lets one attempt through, until one is good. Since refusals come fast and answers may
 * take minutes, each PROBE_MS in which nobody refuses lets as many more through as went before. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pool/rules.h"

enum {
    PROBE_MS = 250,
    PROBES_MOST = 64, /* so many not refused are as good as an answer */
};

struct cooldown {
    uint64_t since_ms, until_ms;
    uint64_t probe_by_ms; /* HALF_OPEN: when more may go */
    uint32_t last_ms;     /* the last length that was not stated; the next is twice that */
    uint16_t probes;      /* HALF_OPEN: attempts let through */
    uint16_t probes_left; /* that may go before that time */
    uint8_t why;          /* enum fault; NONE: it has never been refused */
    bool is_open;
};

/* The news of an attempt that cools down. */
struct cause {
    uint64_t fault;
    uint64_t stated_ms; /* how long the provider says; 0: it does not */
    uint64_t begun_ms;  /* when the attempt began; 0: unknown */
};

/* When an attempt may begin: now_ms, or later. */
uint64_t cooldown_free_ms(const struct cooldown *cooldown, uint64_t now_ms);

/* An attempt begins now, which may be done. */
void cooldown_take(struct cooldown *cooldown, uint64_t now_ms);

/* An attempt that began then has ended and said nothing. True: another may go in its place. */
bool cooldown_return(struct cooldown *cooldown, uint64_t begun_ms);

/* An attempt was good. A cool-down that has not ended stays: the attempt began before it, and says
 * nothing of now. True: it was not open before. */
bool cooldown_open(struct cooldown *cooldown, uint64_t now_ms);

/* An attempt was refused: cools down. What was under way when the last cool-down began is old news,
 * unless it states a later end. */
void cooldown_begin(struct cooldown *cooldown, const struct cause *cause, uint64_t now_ms);
