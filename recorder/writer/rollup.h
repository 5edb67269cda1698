/* SPDX-License-Identifier: Apache-2.0 */
/* The tables `rollups` and `rollup_times`: what the rows of a batch add to the sums of their minute,
 * hour and day. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "database/database.h"
#include "message.h"

enum { BUCKETS = 72 }; /* of times: each 2^(1/4) times the one before, from 1 ms to 262 s */

struct rollup {
    struct rollup_sum *sums; /* hash tables of what is to be added */
    struct rollup_count *times;
    struct bytes sql;
};

/* Which bucket a time belongs to. */
unsigned rollup_bucket(uint64_t ms);

/* The record's row is about to be stored. Copies what it needs. */
void rollup_add(struct rollup *rollup, const struct msg_record *record);

/* Adds all to the tables, in the transaction that is open. */
bool rollup_write(struct rollup *rollup, struct database *database);

/* Forgets what was added, written or not. */
void rollup_empty(struct rollup *rollup);
void rollup_clear(struct rollup *rollup);
