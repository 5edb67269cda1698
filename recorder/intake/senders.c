/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which records are new. Called by the intake for each RECORD. */
#include "intake/senders.h"

#include <stdlib.h>

#include "base/bytes.h"

struct sender *senders_get(struct senders *senders, uint64_t id, uint64_t now_ms)
{
    struct sender *sender;

    HASH_FIND(hh, senders->table, &id, sizeof(id), sender);
    if (!sender) {
        sender = memory_new(sizeof(*sender));
        sender->id = id;
        HASH_ADD(hh, senders->table, id, sizeof(sender->id), sender);
    }
    sender->heard_ms = now_ms;
    return sender;
}

enum senders_verdict sender_offer(struct sender *sender, uint64_t seq)
{
    bool is_again = seq == sender->ahead;

    if (seq <= sender->written)
        return SENDERS_REPEAT;
    if (seq <= sender->queued)
        return SENDERS_QUEUED;
    if (seq == sender->queued + 1 || is_again) {
        enum senders_verdict verdict = is_again ? SENDERS_JUMP : SENDERS_NEXT;
        sender->queued = seq;
        sender->ahead = 0;
        return verdict;
    }
    if (!sender->ahead) {
        sender->ahead = seq;
        return SENDERS_EARLY;
    }
    if (seq < sender->ahead)
        sender->ahead = seq;
    return SENDERS_LATER;
}

void sender_wrote(struct sender *sender, uint64_t seq)
{
    if (seq > sender->written)
        sender->written = seq;
    if (seq > sender->queued)
        sender->queued = seq;
}

void senders_forget(struct senders *senders, uint64_t before_ms)
{
    struct sender *sender, *next;

    HASH_ITER (hh, senders->table, sender, next) {
        if (sender->heard_ms >= before_ms || sender->queued != sender->written)
            continue;
        HASH_DEL(senders->table, sender);
        free(sender);
    }
}

void senders_clear(struct senders *senders)
{
    struct sender *sender, *next;

    HASH_ITER (hh, senders->table, sender, next) {
        HASH_DEL(senders->table, sender);
        free(sender);
    }
}
