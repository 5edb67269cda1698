/* SPDX-License-Identifier: Apache-2.0 */
/* The tables `sums` and `sum_times`: what the rows of a batch add to the sums of all, of their model, their
 * client and their key. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "database/database.h"
#include "message.h"

enum { BUCKETS = 72 }; /* of times: each 2^(1/4) times the one before, from 1 ms to 262 s */

struct sums {
    struct sum *all; /* hash tables of what is to be added */
    struct sum_count *times;
    struct bytes sql;
};

/* Which bucket a time belongs to. */
unsigned sums_bucket(uint64_t ms);

/* Whether the attempt was answered. */
bool ledger_is_good(const struct msg_record *record);

/* What its tokens cost, in 10^-12 dollars. False: it has some, and nobody knows. */
bool ledger_cost(const struct msg_record *record, uint64_t *cost);

/* The record's row is about to be stored. Copies what it needs. */
void sums_add(struct sums *sums, const struct msg_record *record);

/* Adds all to the tables, in the transaction that is open. */
bool sums_write(struct sums *sums, struct database *database);

/* Forgets what was added, written or not. */
void sums_empty(struct sums *sums);
void sums_clear(struct sums *sums);
