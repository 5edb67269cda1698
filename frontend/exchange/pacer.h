/* SPDX-License-Identifier: Apache-2.0 */
/* Events on their way to a client that is to see them one after the other, though they came at
 * once. No timer and no client: who has both asks what is due. What must stay true: events keep their
 * order; none waits for long, however many there are; and no more than PACER_MOST bytes wait. */
#pragma once

#include "base/bytes.h"

enum {
    PACER_MOST = 256 * 1024, /* bytes that wait */
    PACER_LAG_MS = 1000,     /* of a longer queue several go at once */
};

/* Valid when zeroed. */
struct pacer {
    struct bytes queue;  /* a head and its event, again and again */
    size_t begin;        /* of the first that waits */
    uint64_t waiting_ms; /* all that wait, one after the other */
    uint64_t due_ms;     /* time that has passed and was not used */
    bool is_running;     /* time passes: something waits, or went just now */
};

/* Adds events, each of which ends with an empty line, and is to be seen so long after the one before
 * it; what is due at once goes to `out`. */
void pacer_put(struct pacer *pacer, struct view events, uint64_t delay_ms, struct bytes *out);

/* So much time has passed: what is due goes to `out`. */
void pacer_pass(struct pacer *pacer, uint64_t passed_ms, struct bytes *out);

/* All goes to `out`. */
void pacer_flush(struct pacer *pacer, struct bytes *out);

bool pacer_is_empty(const struct pacer *pacer);
size_t pacer_len(const struct pacer *pacer);
void pacer_clear(struct pacer *pacer);
