/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way from the spool into the database, gathered until there are enough for one
 * statement or the oldest has waited long enough. No sockets and no SQL in it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "message.h"

enum {
    BATCH_MOST = 1000,
    BATCH_ENOUGH = 200,  /* worth a statement at once */
    BATCH_WAIT_MS = 200, /* fewer wait this long for company */
};

struct batch_entry {
    uint64_t sender, seq;
    size_t at, len; /* of its payload */
};

struct batch {
    struct batch_entry entries[BATCH_MOST];
    size_t count;
    struct bytes payloads;
    uint64_t since_ms; /* when the first came */
};

/* Adds a record's payload (a packed RECORD); the batch must not be full. */
void batch_add(struct batch *batch, uint64_t sender, uint64_t seq, struct view payload,
               uint64_t now_ms);

bool batch_is_full(const struct batch *batch);

/* Whether it should be stored now. */
bool batch_is_due(const struct batch *batch, uint64_t now_ms);

/* Entry `index` as it was recorded; its views borrow the batch. */
void batch_record(const struct batch *batch, size_t index, struct msg_record *record);

void batch_empty(struct batch *batch);
void batch_clear(struct batch *batch);
