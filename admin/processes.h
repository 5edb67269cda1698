/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes there are, and how they are. Plain functions; time is passed in. What must stay
 * true: a process that was there and is not any more is told, until another of its kind has come. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum { PROCESSES_MOST = 256, PROCESS_WORD = 32 };

enum process_state { PROCESS_UP, PROCESS_TROUBLE, PROCESS_AWAY };

struct process {
    char role[PROCESS_WORD], id[PROCESS_WORD],
        code[PROCESS_WORD]; /* code: what is wrong, or empty */
    enum process_state state;
    uint64_t since_at; /* UTC: of this state */
    uint64_t seen_ms;  /* 0: free */
    uint64_t open, rss_bytes, lag_ms;
};

struct processes {
    struct process at[PROCESSES_MOST];
    uint64_t changes; /* counts up whenever a state changes */
};

/* As it was just told; the copy's state, times and numbers are its own. */
void processes_see(struct processes *processes, const struct process *now, uint64_t now_ms,
                   uint64_t utc_ms);

/* After all have been seen that were told at `now_ms`: those that were not are away. */
void processes_end_look(struct processes *processes, uint64_t now_ms, uint64_t utc_ms);

/* Appends a JSON list, by role. */
void processes_write(const struct processes *processes, struct bytes *json);

/* How many of that role are up; NULL: of all. */
size_t processes_count(const struct processes *processes, const char *role,
                       enum process_state state);
