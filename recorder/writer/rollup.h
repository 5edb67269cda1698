/* SPDX-License-Identifier: Apache-2.0 */
/* The table `rollups`: what the rows of a batch add to the sums of their minute, hour and day, of each
 * combination of key, model, client and fault. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "database/database.h"
#include "message.h"

struct rollup {
    struct rollup_sum *sums; /* hash table of what is to be added */
    struct bytes sql;
};

/* The record's row is about to be stored. Copies what it needs. */
void rollup_add(struct rollup *rollup, const struct msg_record *record);

/* Adds all to the tables, in the transaction that is open. */
bool rollup_write(struct rollup *rollup, struct database *database);

/* Forgets what was added, written or not. */
void rollup_empty(struct rollup *rollup);
void rollup_clear(struct rollup *rollup);
