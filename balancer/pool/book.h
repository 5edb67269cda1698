/* SPDX-License-Identifier: Apache-2.0 */
/* What a project has asked of one model within the last window, and on this day. The window is a
 * minute and as long again as requests differ on their way (rule S): so many within any window of ours
 * are never more within any minute of the provider's, whether that is fixed, slides, or is a bucket. */
#pragma once

#include "pool/allowance.h"

struct stamp {
    uint64_t ms; /* when it was sent, or a little later */
    uint64_t requests, tokens;
};

/* Valid zeroed. */
struct book {
    struct stamp *ring; /* oldest first */
    size_t size, first, count;
    uint64_t requests, tokens; /* of all in the ring */
    uint64_t day;              /* calendar_day */
    uint64_t day_requests;
    uint64_t early; /* of these, those that count in the next day too */
};

/* What is asked for. */
struct spend {
    uint64_t tokens;
    uint64_t grain_ms; /* stamps that are nearer than this are one, as of the later; 0: exact */
    bool is_late;      /* counts in the next day too */
};

void book_clear(struct book *book);

/* Forgets what is older than the window, and the day before. */
void book_turn(struct book *book, uint64_t window_ms, uint64_t day, uint64_t now_ms);

/* When one more request with so many tokens fits into the minute's limits: now_ms or later;
 * UINT64_MAX: never, it asks for more than there ever is. */
uint64_t book_free_ms(const struct book *book, const struct allowance *limits, uint64_t tokens,
                      uint64_t window_ms, uint64_t now_ms);
bool book_day_is_spent(const struct book *book, const struct allowance *limits);

/* Takes it. Returns the stamp's time, by which it can be found again. */
uint64_t book_take(struct book *book, const struct spend *spend, uint64_t now_ms);

/* What was sent before this process began; in the order of time, before anything is taken. */
void book_restore(struct book *book, uint64_t ms, uint64_t requests, uint64_t tokens);

/* It has cost so many tokens, not as many as were taken. */
void book_settle(struct book *book, uint64_t stamp_ms, uint64_t taken, uint64_t tokens);

/* The provider has not counted it. */
void book_undo(struct book *book, uint64_t stamp_ms, const struct spend *spend, uint64_t day);
