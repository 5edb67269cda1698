/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes until they are settled, and what else a balancer is told when it welcomes us. */
#include "jobs/balancer_link.h"

#include <stdlib.h>
#include <utlist.h>

#include "fault.h"
#include "upstream.h"

enum { MODEL_MOST = 64, WORDS_MOST = 200 };

struct outcome {
    struct msg_outcome msg;
    char model[MODEL_MOST];
    char *words; /* NULL: none */
    char *names; /* likewise */
    struct outcome *prev, *next;
};

void balancer_tell_readers(struct balancer_link *balancer)
{
    struct reader *reader, *next;

    HASH_ITER (hh, balancer->upstream->readers, reader, next) {
        struct msg_sees sees = {.peer = reader->incarnation};
        link_post(&balancer->link, MSG_SEES, &sees);
    }
}

void balancer_tell_outcomes(struct balancer_link *balancer)
{
    struct outcome *outcome;

    DL_FOREACH (balancer->outcomes, outcome)
        link_post(&balancer->link, MSG_OUTCOME, &outcome->msg);
}

/* Cut where a character begins. */
static char *words_copy(struct view words)
{
    if (words.len > WORDS_MOST)
        for (words.len = WORDS_MOST; words.len && (words.at[words.len] & 0xc0) == 0x80;)
            words.len--;
    return words.len ? memory_text(words) : NULL;
}

void balancer_init(struct balancer_link *balancer, struct upstream *upstream)
{
    *balancer = (struct balancer_link){.upstream = upstream};
}

void balancer_tell(struct balancer_link *balancer, struct msg_outcome *msg)
{
    struct outcome *outcome = memory_new(sizeof(*outcome));
    size_t len = msg->model.len < MODEL_MOST ? msg->model.len : MODEL_MOST;

    msg->seq = ++balancer->last_seq;
    outcome->msg = *msg;
    if (len)
        memcpy(outcome->model, msg->model.at, len);
    outcome->msg.model = (struct view){outcome->model, len};
    outcome->words = words_copy(msg->words);
    outcome->msg.words = outcome->words ? view_of(outcome->words) : VIEW("");
    outcome->names = msg->names.len ? memory_text(msg->names) : NULL;
    outcome->msg.names = outcome->names ? view_of(outcome->names) : VIEW("");
    DL_APPEND(balancer->outcomes, outcome);
    if (msg->fault == FAULT_NONE && !msg->names.len)
        link_post_lazily(&balancer->link, MSG_OUTCOME, &outcome->msg);
    else /* a key or a call may depend on it: the client's next one, if it has made something */
        link_post(&balancer->link, MSG_OUTCOME, &outcome->msg);
}

bool balancer_keeps(const struct balancer_link *balancer, uint64_t seq)
{
    return balancer->outcomes && balancer->outcomes->msg.seq <= seq;
}

size_t balancer_unsettled(const struct balancer_link *balancer)
{
    const struct outcome *outcome;
    size_t count = 0;

    DL_COUNT(balancer->outcomes, outcome, count);
    return count;
}

void balancer_settled(struct balancer_link *balancer, uint64_t seq)
{
    while (balancer->outcomes && balancer->outcomes->msg.seq <= seq) {
        struct outcome *outcome = balancer->outcomes;

        DL_DELETE(balancer->outcomes, outcome);
        free(outcome->words);
        free(outcome->names);
        free(outcome);
    }
}

void balancer_clear(struct balancer_link *balancer)
{
    balancer_settled(balancer, UINT64_MAX);
}
