/* SPDX-License-Identifier: Apache-2.0 */
/* What clients with terms of their own have used, and whether that is enough. Plain functions, no
 * sockets; time is passed in (UTC, milliseconds). */
#pragma once

#include <uthash.h>

#include "clients/terms.h"
#include "error.h"

enum { WINDOW_SECONDS = 60 };

struct client_use {
    uint64_t id;
    uint32_t calls[WINDOW_SECONDS]; /* by second, of the last minute */
    uint64_t second;                /* the newest of them, since 1970 */
    uint64_t day;                   /* that the sums are of, since 1970 */
    uint64_t tokens, cost;          /* cost in 10^-12 US dollars */
    UT_hash_handle hh;
};

struct limits {
    struct terms terms;
    struct client_use *by_id;
    bool is_changed; /* the sums, since limits_save */
};

/* A call of this client has come. ERROR_NONE: it may go, and is counted; else how long to wait, and
 * it is not. Clients without terms are not limited. */
enum error limits_admit(struct limits *limits, uint64_t client, uint64_t utc_ms, uint64_t *wait_ms);

/* An attempt for this client has used so much. */
void limits_spend(struct limits *limits, uint64_t client, uint64_t tokens, uint64_t cost,
                  uint64_t utc_ms);

/* The sums of the day survive the process in this file; both do nothing where there is nothing. */
void limits_load(struct limits *limits, const char *path);
void limits_save(struct limits *limits, const char *path);
void limits_clear(struct limits *limits);
