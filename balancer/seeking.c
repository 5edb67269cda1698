/* SPDX-License-Identifier: Apache-2.0 */
/* Questions go out as PROBEs, and what comes of them. Called by main.c, handlers.c and balancer.c. What must stay true: a key
 * that cools down is not asked; and no answer costs a key anything, since clients choose what is asked. */
#include "seeking.h"

#include "base/clock.h"
#include "base/log.h"
#include "calls/claims.h"
#include "probing.h"

/* Objects have the names of their paths. */
static void send(struct balancer *b, struct peer *upstream, struct seek *seek)
{
    uint64_t now_ms = b->actor.now_ms;
    uint32_t key = (uint32_t)seek->next_key;
    struct seek_question *question = seeks_ask(&b->seeks, seek, upstream->id, now_ms);
    struct bytes path = {0};
    struct grant grant;

    pool_probe(&b->pool, key, now_ms, &grant);
    question->reservation = grant.reservation;
    bytes_printf(&path, "/%s", seek->name);
    mailbox_post(&b->upstream, upstream->id, MSG_PROBE,
                 &(struct msg_probe){.balancer = b->actor.incarnation,
                                     .number = SEEKING_NUMBERS | question->number,
                                     .key_id = grant.key_id,
                                     .key = grant.key,
                                     .proxy = grant.proxy,
                                     .path = bytes_view(&path)});
    bytes_clear(&path);
}

static void give_up(struct balancer *b, uint64_t upstream)
{
    const struct seek_question *question;

    while ((question = seeks_lost(&b->seeks, upstream, b->actor.now_ms)))
        pool_release(&b->pool, question->reservation, b->actor.now_ms);
}

void seeking_turn(struct balancer *b)
{
    uint64_t now_ms = b->actor.now_ms;
    struct peer *upstream;
    struct seek *seek;

    if (!b->seeks.list)
        return;
    give_up(b, 0);
    upstream = probing_upstream(b);
    while (upstream && (seek = seeks_next(&b->seeks, b->pool.count, now_ms))) {
        if (b->pool.keys[seek->next_key].cooldown.until_ms > now_ms)
            seeks_pass(seek);
        else
            send(b, upstream, seek);
    }
    if (seeks_settle(&b->seeks, b->pool.count, &b->holdings, now_ms))
        claims_look_again(&b->calls);
    if (upstream && b->seeks.list)
        actor_wake(&b->actor, seeks_due_ms(&b->seeks, b->pool.count));
}

void seeking_lost(struct balancer *b, uint64_t upstream)
{
    give_up(b, upstream);
    actor_wake(&b->actor, b->actor.now_ms);
}

void seeking_probed(struct balancer *b, const struct msg_probed *msg)
{
    bool is_found = msg->fault == FAULT_NONE;
    const struct seek_question *question;

    if (msg->balancer != b->actor.incarnation)
        return;
    question = seeks_answer(&b->seeks, msg->number & ~SEEKING_NUMBERS, is_found);
    if (!question)
        return;
    pool_release(&b->pool, question->reservation, b->actor.now_ms);
    if (is_found) {
        log_info("object.found", F_STR("name", question->seek->name), F_ID("key", msg->key_id));
        holdings_note(&b->holdings, view_of(question->seek->name), msg->key_id, 0, 0,
                      clock_utc_ms());
    }
    actor_wake(&b->actor, b->actor.now_ms);
}
