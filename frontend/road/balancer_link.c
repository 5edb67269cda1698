/* SPDX-License-Identifier: Apache-2.0 */
/* The connections to the balancers: which of them is heard, and whose turn is next. What must stay
 * true: a balancer that has not been heard for SILENT_MS gets no call. */
#include "road/balancer_link.h"

#include <stdlib.h>

#include "base/log.h"
#include "road/private.h"
#include "settings/options.h"

enum { SILENT_MS = 5000 };

static bool is_heard(const struct balancer_link *balancer, uint64_t now_ms)
{
    return balancer->link.peer && now_ms < balancer->link.heard_ms + SILENT_MS;
}

struct balancer_link *balancers_pick(struct road *road, uint64_t refusers, uint64_t now_ms)
{
    struct balancers *balancers = &road->balancers;

    for (size_t i = 0; i < balancers->count; i++) {
        struct balancer_link *balancer = &balancers->at[(balancers->next + i) % balancers->count];

        if (!balancer->link.peer || refusers >> balancer->slot & 1)
            continue;
        if (!is_heard(balancer, now_ms)) { /* stopped: what we wrote to it would pile up unread */
            balancer->was_heard = false;   /* the next tick is to see that it is back */
            continue;
        }
        balancers->next = (balancer->slot + 1) % balancers->count;
        return balancer;
    }
    return NULL;
}

void balancers_tell(struct road *road, const struct balancer_link *except, enum message_kind kind,
                    const void *letter)
{
    for (size_t i = 0; i < road->balancers.count; i++)
        if (&road->balancers.at[i] != except)
            link_post(&road->balancers.at[i].link, kind, letter);
}

bool balancers_are_heard(const struct road *road, uint64_t now_ms)
{
    for (size_t i = 0; i < road->balancers.count; i++)
        if (is_heard(&road->balancers.at[i], now_ms))
            return true;
    return false;
}

struct road_keys balancers_keys(const struct road *road, uint64_t now_ms)
{
    struct road_keys keys = {0};

    for (size_t i = 0; i < road->balancers.count; i++) {
        const struct balancer_link *balancer = &road->balancers.at[i];
        const struct msg_status *pool = &balancer->pool;
        uint64_t by_ms = pool->retry_after_ms ? balancer->told_ms + pool->retry_after_ms : 0;

        if (!is_heard(balancer, now_ms))
            continue;
        keys.total += pool->keys;
        keys.available += pool->available;
        keys.to_try += pool->to_try;
        keys.tried += pool->tried;
        keys.answer += pool->answer;
        if (!keys.error || (by_ms && (!keys.by_ms || by_ms < keys.by_ms))) {
            keys.error = pool->error;
            keys.by_ms = by_ms;
        }
    }
    return keys;
}

/* Coming and going */

static void on_lost(void *owner, struct link *link)
{
    struct balancer_link *balancer = owner;
    uint64_t now_ms = balancer->road->actor->now_ms;

    (void)link;
    balancer->road->seen.balancer_ms = now_ms;
    if (balancer->pool.available)
        balancer->road->seen.key_ms = now_ms;
    balancer->pool = (struct msg_status){0};
}

void balancers_open(struct road *road, letter_handler *const *handlers,
                    void (*on_welcome)(void *owner, struct link *link))
{
    struct balancers *balancers = &road->balancers;
    static const struct msg_hello hello;

    balancers->count = options_balancers();
    if (balancers->count > LIFE_SLOTS_MOST)
        die("BALANCER_ENDPOINTS has more than %d entries", LIFE_SLOTS_MOST);
    balancers->at = memory_new(balancers->count * sizeof(*balancers->at));
    for (size_t slot = 0; slot < balancers->count; slot++) {
        struct balancer_link *balancer = &balancers->at[slot];

        balancer->road = road;
        balancer->slot = slot;
        balancer->link.on_welcome = on_welcome;
        balancer->link.on_lost = on_lost;
        link_open(&balancer->link, road->actor, "balancer", options_balancer_front(slot), &hello,
                  handlers, balancer);
    }
}

bool balancers_tick(struct road *road, uint64_t now_ms)
{
    bool is_back = false;

    for (size_t i = 0; i < road->balancers.count; i++) {
        struct balancer_link *balancer = &road->balancers.at[i];
        bool was_heard = balancer->was_heard;

        link_tick(&balancer->link, road->count, now_ms);
        balancer->was_heard = is_heard(balancer, now_ms);
        is_back |= balancer->was_heard && !was_heard;
    }
    return is_back;
}

void balancers_dump(const struct road *road)
{
    for (size_t i = 0; i < road->balancers.count; i++) {
        const struct balancer_link *balancer = &road->balancers.at[i];

        log_info("dump.balancer", F_NUM("slot", i), F_ID("balancer", balancer->link.peer),
                 F_NUM("keys", balancer->pool.available),
                 F_STR("state", balancer->link.peer ? "welcomed" : "away"));
    }
}
