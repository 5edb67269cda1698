/* SPDX-License-Identifier: Apache-2.0 */
/* What is said between this frontend and its balancers. Called by main.c and, with letters, by the
 * links. What must stay true: after each WELCOME a balancer hears SEES for each upstream we are
 * attached to, then READY, then new calls. */
#include "road/balancer_link.h"

#include <stdlib.h>

#include "frontend.h"
#include "base/log.h"

enum { SILENT_MS = 5000 };

static bool is_heard(const struct balancer_link *balancer, uint64_t now_ms)
{
    return balancer->link.peer && now_ms < balancer->link.heard_ms + SILENT_MS;
}

struct balancer_link *balancers_pick(struct frontend *frontend, uint64_t refusers, uint64_t now_ms)
{
    struct balancers *balancers = &frontend->balancers;

    for (size_t i = 0; i < balancers->count; i++) {
        struct balancer_link *balancer = &balancers->at[(balancers->next + i) % balancers->count];

        if (!balancer->link.peer || refusers >> balancer->slot & 1)
            continue;
        if (!is_heard(balancer, now_ms))
            continue; /* stopped: what we wrote to it would pile up unread */
        balancers->next = (balancer->slot + 1) % balancers->count;
        return balancer;
    }
    return NULL;
}

void balancers_tell(struct frontend *frontend, const struct balancer_link *except,
                    enum message_kind kind, const void *letter)
{
    for (size_t i = 0; i < frontend->balancers.count; i++)
        if (&frontend->balancers.at[i] != except)
            link_post(&frontend->balancers.at[i].link, kind, letter);
}

bool balancers_are_heard(const struct frontend *frontend, uint64_t now_ms)
{
    for (size_t i = 0; i < frontend->balancers.count; i++)
        if (is_heard(&frontend->balancers.at[i], now_ms))
            return true;
    return false;
}

struct health_keys balancers_keys(const struct frontend *frontend, uint64_t now_ms)
{
    struct health_keys keys = {0};

    for (size_t i = 0; i < frontend->balancers.count; i++) {
        const struct balancer_link *balancer = &frontend->balancers.at[i];
        const struct msg_status *pool = &balancer->pool;
        uint64_t by_ms = pool->retry_after_ms ? balancer->told_ms + pool->retry_after_ms : 0;

        if (!is_heard(balancer, now_ms))
            continue;
        keys.total += pool->keys;
        keys.available += pool->available;
        if (!keys.error || (by_ms && by_ms < keys.by_ms)) {
            keys.error = pool->error;
            keys.by_ms = by_ms;
        }
    }
    return keys;
}

/* Letters */

static void on_welcome(void *owner, struct link *link)
{
    struct balancer_link *balancer = owner;
    struct frontend *frontend = balancer->frontend;
    static const struct msg_ready ready;
    static const struct msg_leave leave;

    upstreams_tell(frontend, balancer);
    link_post(link, MSG_READY, &ready);
    if (frontend->actor.is_draining)
        link_post(link, MSG_LEAVE, &leave);
    if (balancer->welcomed_by == link->peer)
        calls_repeat(frontend,
                     balancer); /* only the connection broke: what was on its way is lost */
    balancer->welcomed_by = link->peer;
    calls_offer_held(frontend);
}

static void on_lost(void *owner, struct link *link)
{
    struct balancer_link *balancer = owner;
    uint64_t now_ms = balancer->frontend->actor.now_ms;

    (void)link;
    health_seen(&balancer->frontend->health, NEEDS_BALANCER, now_ms);
    if (balancer->pool.available)
        health_seen(&balancer->frontend->health, NEEDS_KEY, now_ms);
    balancer->pool = (struct msg_status){0};
}

static void on_known(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    calls_on_known(balancer->frontend, balancer, &letter->msg->known);
}

static void on_known_end(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    (void)letter;
    calls_on_known_end(balancer->frontend, balancer);
}

static void on_refused(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    calls_on_refused(balancer->frontend, balancer, &letter->msg->refused);
}

static void on_retry(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    calls_on_retry(balancer->frontend, balancer, &letter->msg->retry);
}

static void on_peer(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    upstreams_add(balancer->frontend, letter->msg->peer.upstream, letter->msg->peer.address,
                  balancer);
}

static void on_gone(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    upstreams_gone(balancer->frontend, letter->msg->gone.upstream, balancer);
}

static void on_status(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    balancer->pool = letter->msg->status;
    balancer->told_ms = balancer->frontend->actor.now_ms;
}

static letter_handler *const handlers[MSG_KINDS] = {
    [MSG_KNOWN] = on_known,   [MSG_KNOWN_END] = on_known_end, [MSG_REFUSED] = on_refused,
    [MSG_RETRY] = on_retry,   [MSG_PEER] = on_peer,           [MSG_GONE] = on_gone,
    [MSG_STATUS] = on_status,
};

void balancers_open(struct frontend *frontend)
{
    struct balancers *balancers = &frontend->balancers;
    static const struct msg_hello hello;

    balancers->count = options_balancers();
    if (balancers->count > CALL_SLOTS_MOST)
        die("BALANCER_ENDPOINTS has more than %d entries", CALL_SLOTS_MOST);
    balancers->at = memory_new(balancers->count * sizeof(*balancers->at));
    for (size_t slot = 0; slot < balancers->count; slot++) {
        struct balancer_link *balancer = &balancers->at[slot];

        balancer->frontend = frontend;
        balancer->slot = slot;
        balancer->link.on_welcome = on_welcome;
        balancer->link.on_lost = on_lost;
        link_open(&balancer->link, &frontend->actor, "balancer", options_balancer_front(slot),
                  &hello, handlers, balancer);
    }
}

void balancers_tick(struct frontend *frontend, uint64_t now_ms)
{
    bool is_back = false;

    for (size_t i = 0; i < frontend->balancers.count; i++) {
        struct balancer_link *balancer = &frontend->balancers.at[i];
        bool was_heard = balancer->was_heard;

        link_tick(&balancer->link, frontend->calls.count, now_ms);
        balancer->was_heard = is_heard(balancer, now_ms);
        is_back |= balancer->was_heard && !was_heard;
    }
    if (is_back)
        calls_offer_held(frontend);
}

void balancers_dump(const struct frontend *frontend)
{
    for (size_t i = 0; i < frontend->balancers.count; i++) {
        const struct balancer_link *balancer = &frontend->balancers.at[i];

        log_info("dump.balancer", F_NUM("slot", i), F_ID("balancer", balancer->link.peer),
                 F_NUM("keys", balancer->pool.available),
                 F_STR("state", balancer->link.peer ? "welcomed" : "away"));
    }
}
