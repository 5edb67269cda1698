/* SPDX-License-Identifier: Apache-2.0 */
/* What attempts have taken from the pool and not yet given back. */
#pragma once

#include "pool/lane.h"
#include "pool/proxies.h"
#include "pool/quota.h"

struct reservation {
    uint64_t number; /* 0: free */
    uint32_t key;
    struct lane *lane;
    struct proxy *proxy;
    uint64_t begun_ms;
    uint64_t tokens;
    struct account *account; /* whose book it is in; NULL: none */
    struct spend spend;      /* as what */
    uint64_t stamp_ms, day;  /* and where */
    size_t next_free;        /* index + 1 */
};

/* Valid zeroed. */
struct reservations {
    struct reservation *at;
    size_t size;
    size_t first_free; /* index + 1; 0: none */
    uint64_t last;
};

/* A new one, to be filled in; its number is never 0 and never used again. Valid until the next. */
struct reservation *reservation_make(struct reservations *reservations);
struct reservation *reservation_find(const struct reservations *reservations, uint64_t number);
void reservation_end(struct reservations *reservations, struct reservation *reservation);
void reservations_clear(struct reservations *reservations);
