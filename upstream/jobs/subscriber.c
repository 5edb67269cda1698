/* SPDX-License-Identifier: Apache-2.0 */
/* Readers: frontends as our answers' subscribers. What must stay true: balancers are told of each
 * change, in order, and a frontend that is gone for good leaves no job behind. */
#include "jobs/subscriber.h"

#include <stdlib.h>

#include "base/log.h"
#include "upstream.h"

enum { RESUME_PAUSE_MS = 100 }; /* RESUMEs follow the subscription at once */

static void tell_balancers(struct upstream *upstream, enum message_kind kind, uint64_t peer)
{
    struct msg_sees sees = {.peer = peer};
    struct msg_unsees unsees = {.peer = peer};
    const void *letter = kind == MSG_SEES ? (const void *)&sees : (const void *)&unsees;

    for (size_t i = 0; i < upstream->balancer_count; i++)
        link_post(&upstream->balancers[i].link, kind, letter);
}

struct reader *reader_find(struct upstream *upstream, uint64_t incarnation)
{
    struct reader *reader;

    HASH_FIND(hh, upstream->readers, &incarnation, sizeof(incarnation), reader);
    return reader;
}

static void come_back(struct upstream *upstream, struct reader *reader)
{
    reader->is_attached = true;
    reader->gone_ms = 0;
    reader->resend_ms = upstream->actor.now_ms + RESUME_PAUSE_MS;
    actor_wake(&upstream->actor, reader->resend_ms);
    upstream->reader_events->back(reader, upstream);
    log_info("frontend.back", F_ID("frontend", reader->incarnation));
}

void reader_subscribed(struct upstream *upstream, uint64_t incarnation)
{
    struct reader *reader = reader_find(upstream, incarnation);

    if (reader) {
        come_back(upstream, reader);
        return;
    }
    reader = memory_new(sizeof(*reader));
    reader->incarnation = incarnation;
    reader->is_attached = true;
    HASH_ADD(hh, upstream->readers, incarnation, sizeof(incarnation), reader);
    log_info("frontend.subscribed", F_ID("frontend", incarnation));
    tell_balancers(upstream, MSG_SEES, incarnation);
}

static void give_up(struct upstream *upstream, struct reader *reader)
{
    uint64_t incarnation = reader->incarnation;

    log_info("frontend.gone", F_ID("frontend", incarnation), F_NUM("calls", reader->call_count));
    /* Before the outcomes: the balancer has a living frontend offer again what it still has placed
     * here. */
    tell_balancers(upstream, MSG_UNSEES, incarnation);
    upstream->reader_events->gone(reader, upstream);
    mailbox_forget(&upstream->answers, incarnation);
    HASH_DEL(upstream->readers, reader);
    free(reader);
}

void reader_unsubscribed(struct upstream *upstream, uint64_t incarnation)
{
    struct reader *reader = reader_find(upstream, incarnation);

    if (!reader)
        return;
    if (!upstream->resume_ms) {
        give_up(upstream, reader);
        return;
    }
    reader->is_attached = false;
    reader->resend_ms = 0;
    reader->gone_ms = upstream->actor.now_ms + upstream->resume_ms;
    mailbox_forget(&upstream->answers, incarnation);
    actor_wake(&upstream->actor, reader->gone_ms);
    log_info("frontend.unsubscribed", F_ID("frontend", incarnation),
             F_NUM("calls", reader->call_count));
}

uint64_t readers_tick(struct upstream *upstream, uint64_t now_ms)
{
    struct reader *reader, *next;
    uint64_t at_ms = UINT64_MAX;

    HASH_ITER (hh, upstream->readers, reader, next) {
        if (reader->resend_ms && now_ms >= reader->resend_ms) {
            reader->resend_ms = 0;
            upstream->reader_events->late(reader, upstream);
        }
        if (!reader->is_attached && now_ms >= reader->gone_ms) {
            give_up(upstream, reader);
            continue;
        }
        if (reader->resend_ms && reader->resend_ms < at_ms)
            at_ms = reader->resend_ms;
        if (reader->gone_ms && reader->gone_ms < at_ms)
            at_ms = reader->gone_ms;
    }
    return at_ms;
}

void readers_close(struct upstream *upstream)
{
    struct reader *reader, *next;

    HASH_ITER (hh, upstream->readers, reader, next) {
        HASH_DEL(upstream->readers, reader);
        free(reader);
    }
}
