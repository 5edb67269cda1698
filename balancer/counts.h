/* SPDX-License-Identifier: Apache-2.0 */
/* What has come of calls since the balancer's start, as counters that only grow. No sockets. */
#pragma once

#include "base/bytes.h"
#include "fault.h"
#include "message.h"

enum { COUNTS_BUCKETS = 12 };

struct counts {
    uint64_t calls; /* that have ended */
    uint64_t failed;
    uint64_t attempts[FAULT_COUNT];
    uint64_t tokens_in, tokens_cached, tokens_out, tokens_thoughts;
    uint64_t first[COUNTS_BUCKETS + 1],
        first_sum_ms; /* attempts by the time of their first content */
};

/* An attempt has ended. */
void counts_note(struct counts *counts, const struct msg_outcome *outcome);

/* Appends them as a JSON object. */
void counts_write(const struct counts *counts, struct bytes *json);
