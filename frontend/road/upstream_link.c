/* SPDX-License-Identifier: Apache-2.0 */
/* One XSUB for each upstream that a balancer announces. What must stay true: balancers are told
 * SEES only of upstreams whose connection stands, and LOST of each that broke and was not GONE;
 * what an upstream answers is acknowledged within ACK_DELAY_MS of being taken. */
#include "road/upstream_link.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "road/private.h"
#include "settings/options.h"

enum {
    ACK_DELAY_MS = 100, /* a stream of fifty events a second is acknowledged every fifth */
    ACKS_MOST = 1024,   /* in a batch */
};

static struct upstream_link *find(const struct road *road, uint64_t incarnation)
{
    struct upstream_link *upstream;

    HASH_FIND(hh, road->upstreams.by_incarnation, &incarnation, sizeof(incarnation), upstream);
    return upstream;
}

static void say_sees(struct upstream_link *upstream, struct balancer_link *to)
{
    struct msg_sees sees = {.peer = upstream->incarnation};

    link_post(&to->link, MSG_SEES, &sees);
}

/* Acknowledgements */

static void begin_round(struct upstream_link *upstream)
{
    upstream->ack_round = ++upstream->road->upstreams.ack_rounds;
    upstream->ack_count = 0;
}

static void post_acks(struct upstream_link *upstream)
{
    for (size_t i = 0; i < upstream->ack_count; i++) {
        const struct ack *due = &upstream->acks[i];
        struct msg_ack ack = {.frontend = upstream->road->actor->incarnation,
                              .call = due->call,
                              .offer = due->offer,
                              .seq = due->seq,
                              .reply_us = due->reply_us};

        mailbox_post(&upstream->box, 0, MSG_ACK, &ack);
    }
    begin_round(upstream);
}

static void wait_for_acks(struct road *road)
{
    road->upstreams.acks_due_ms = road->actor->now_ms + ACK_DELAY_MS;
    actor_wake(road->actor, road->upstreams.acks_due_ms);
}

void upstream_ack(struct upstream_link *upstream, struct ack_place *place, struct ack ack,
                  bool is_urgent)
{
    struct upstreams *all = &upstream->road->upstreams;

    if (place->round != upstream->ack_round) {
        if (upstream->ack_count == upstream->ack_size) {
            upstream->ack_size = upstream->ack_size ? upstream->ack_size * 2 : 64;
            upstream->acks =
                memory_grow(upstream->acks, upstream->ack_size * sizeof(*upstream->acks));
        }
        *place = (struct ack_place){upstream->ack_round, upstream->ack_count++};
    }
    upstream->acks[place->index] = ack;
    if (is_urgent || upstream->ack_count >= ACKS_MOST)
        post_acks(upstream);
    else if (!all->acks_due_ms)
        wait_for_acks(upstream->road);
}

static void flush(struct road *road)
{
    struct upstream_link *upstream, *next;

    road->upstreams.acks_due_ms = 0;
    HASH_ITER (hh, road->upstreams.by_incarnation, upstream, next)
        if (upstream->ack_count)
            post_acks(upstream);
}

void upstream_cancel(struct upstream_link *upstream, uint64_t call, uint64_t offer)
{
    struct msg_cancel cancel = {
        .frontend = upstream->road->actor->incarnation, .call = call, .offer = offer};

    mailbox_post(&upstream->box, 0, MSG_CANCEL, &cancel);
}

/* Coming and going */

static void detached(struct upstream_link *upstream)
{
    if (!upstream->is_attached)
        return;
    upstream->is_attached = false;
    if (--upstream->road->upstreams.attached == 0)
        upstream->road->seen.upstream_ms = upstream->road->actor->now_ms;
}

/* The connection is given up; the memory goes when the mailbox is closed. */
static void drop(struct upstream_link *upstream)
{
    detached(upstream);
    HASH_DEL(upstream->road->upstreams.by_incarnation, upstream);
    upstream->road->upstreams.on_lost(upstream);
    mailbox_close(&upstream->box);
}

static void lose(struct upstream_link *upstream)
{
    struct msg_lost lost = {.upstream = upstream->incarnation};

    log_info("upstream.lost", F_ID("upstream", upstream->incarnation));
    balancers_tell(upstream->road, NULL, MSG_LOST, &lost);
    drop(upstream);
}

static void on_connected(struct upstream_link *upstream)
{
    struct msg_sees sees = {.peer = upstream->incarnation};

    if (upstream->is_attached)
        return;
    upstream->is_attached = true;
    upstream->broken_ms = 0;
    upstream->road->upstreams.attached++;
    log_info("upstream.connected", F_ID("upstream", upstream->incarnation));
    balancers_tell(upstream->road, NULL, MSG_SEES, &sees);
    if (upstream->was_attached)
        upstream->road->upstreams.on_back(upstream);
    upstream->was_attached = true;
}

static void on_disconnected(struct upstream_link *upstream)
{
    struct actor *actor = upstream->road->actor;

    if (!upstream->is_attached && upstream->was_attached)
        return; /* it is waited for already */
    detached(upstream);
    if (upstream->is_ipc || settings_now()->resume_ms == 0) {
        lose(upstream);
        return;
    }
    log_info("upstream.broken", F_ID("upstream", upstream->incarnation));
    upstream->broken_ms = actor->now_ms;
    actor_wake(actor, actor->now_ms + settings_now()->resume_ms);
}

static void on_event(void *owner, struct mailbox *box, enum mailbox_event event, uint64_t peer)
{
    struct upstream_link *upstream = owner;

    (void)box, (void)peer;
    switch (event) {
    case MAILBOX_CONNECTED:
        on_connected(upstream);
        return;
    case MAILBOX_DISCONNECTED:
        on_disconnected(upstream);
        return;
    case MAILBOX_CLOSED:
        free(upstream->acks);
        free(upstream);
        return;
    case MAILBOX_SUBSCRIBED:
    case MAILBOX_UNSUBSCRIBED:
    case MAILBOX_UNREACHABLE:
        return;
    }
}

void upstreams_add(struct road *road, uint64_t incarnation, struct view address,
                   struct balancer_link *from)
{
    struct upstream_link *upstream = find(road, incarnation);
    const char *fault;
    char *text;

    if (upstream) {
        if (upstream->is_attached)
            say_sees(upstream, from);
        return;
    }
    text = memory_text(address);
    upstream = memory_new(sizeof(*upstream));
    upstream->road = road;
    upstream->incarnation = incarnation;
    upstream->is_ipc = view_starts(address, VIEW("ipc:"));
    begin_round(upstream);
    fault = mailbox_try(&upstream->box, road->actor, MAILBOX_XSUB, "answers", text,
                        road->upstreams.handlers, on_event, upstream);
    if (fault) {
        log_error("upstream.refused", F_ID("upstream", incarnation), F_STR("address", text),
                  F_STR("why", fault));
        free(upstream);
        free(text);
        return;
    }
    HASH_ADD(hh, road->upstreams.by_incarnation, incarnation, sizeof(upstream->incarnation),
             upstream);
    free(text);
}

void upstreams_gone(struct road *road, uint64_t incarnation, const struct balancer_link *from)
{
    struct upstream_link *upstream = find(road, incarnation);
    struct msg_lost lost = {.upstream = incarnation};

    if (!upstream)
        return;
    log_info("upstream.gone", F_ID("upstream", incarnation));
    balancers_tell(road, from, MSG_LOST, &lost);
    drop(upstream);
}

void upstreams_tell(struct road *road, struct balancer_link *to)
{
    struct upstream_link *upstream, *next;

    HASH_ITER (hh, road->upstreams.by_incarnation, upstream, next)
        if (upstream->is_attached || upstream->broken_ms) /* the pair stands until it is lost */
            say_sees(upstream, to);
}

void upstreams_tick(struct road *road, uint64_t now_ms)
{
    struct upstream_link *upstream, *next;

    if (road->upstreams.acks_due_ms && now_ms >= road->upstreams.acks_due_ms)
        flush(road);
    else if (road->upstreams.acks_due_ms)
        actor_wake(road->actor, road->upstreams.acks_due_ms);
    HASH_ITER (hh, road->upstreams.by_incarnation, upstream, next) {
        if (!upstream->broken_ms)
            continue;
        if (now_ms >= upstream->broken_ms + settings_now()->resume_ms)
            lose(upstream);
        else
            actor_wake(road->actor, upstream->broken_ms + settings_now()->resume_ms);
    }
}

void upstreams_dump(const struct road *road)
{
    const struct upstream_link *upstream;

    for (upstream = road->upstreams.by_incarnation; upstream; upstream = upstream->hh.next)
        log_info("dump.upstream", F_ID("upstream", upstream->incarnation),
                 F_STR("state", upstream->is_attached ? "attached"
                                : upstream->broken_ms ? "broken"
                                                      : "connecting"),
                 F_NUM("acks", upstream->ack_count));
}
