/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering rows. Called by writer.c, which fills and empties it, and store.c, which reads it. */
#include "writer/batch.h"

#include <assert.h>

void batch_add(struct batch *batch, uint64_t sender, uint64_t seq, struct view payload,
               uint64_t now_ms)
{
    assert(batch->count < BATCH_MOST);
    if (!batch->count)
        batch->since_ms = now_ms;
    batch->entries[batch->count++] =
        (struct batch_entry){sender, seq, batch->payloads.len, payload.len};
    bytes_append(&batch->payloads, payload);
}

bool batch_is_full(const struct batch *batch)
{
    return batch->count == BATCH_MOST;
}

bool batch_is_due(const struct batch *batch, uint64_t now_ms)
{
    return batch->count >= BATCH_ENOUGH ||
           (batch->count && now_ms >= batch->since_ms + BATCH_WAIT_MS);
}

void batch_record(const struct batch *batch, size_t index, struct msg_record *record)
{
    const struct batch_entry *entry = &batch->entries[index];
    struct view payload = {batch->payloads.at + entry->at, entry->len};
    union message letter;
    enum message_kind kind;
    const char *wrong = message_unpack(&payload, &kind, &letter);

    assert(!wrong && kind == MSG_RECORD); /* it was unpacked before it was added */
    *record = letter.record;
}

void batch_empty(struct batch *batch)
{
    batch->count = 0;
    batch->payloads.len = 0;
}

void batch_clear(struct batch *batch)
{
    bytes_clear(&batch->payloads);
    batch->count = 0;
}
