/* SPDX-License-Identifier: Apache-2.0 */
/* The road's life: opened once, looked at, left. */
#include "road/road.h"

#include "base/log.h"
#include "road/answers.h"
#include "road/calls.h"
#include "road/handlers.h"

struct road *road_open(struct actor *actor)
{
    struct road *road = memory_new(sizeof(*road));

    road->actor = actor;
    road->upstreams.handlers = answers_handlers;
    road->upstreams.on_lost = answers_lose;
    road->upstreams.on_back = answers_resume;
    calls_open(road);
    balancers_open(road, handlers_of_balancers, handlers_welcome);
    return road;
}

void road_tick(struct road *road, uint64_t now_ms)
{
    if (balancers_tick(road, now_ms))
        calls_offer_held(road);
    upstreams_tick(road, now_ms);
}

void road_leave(struct road *road)
{
    static const struct msg_leave leave;

    balancers_tell(road, NULL, MSG_LEAVE, &leave);
}

struct road_sight road_look(struct road *road, uint64_t now_ms)
{
    struct road_sight *seen = &road->seen;

    if (balancers_are_heard(road, now_ms))
        seen->balancer_ms = now_ms;
    if (road->upstreams.attached)
        seen->upstream_ms = now_ms;
    seen->keys = balancers_keys(road, now_ms);
    if (seen->keys.available)
        seen->key_ms = now_ms;
    seen->calls = road->count;
    seen->body_bytes = road->body_bytes;
    return *seen;
}

void road_dump(const struct road *road)
{
    calls_dump(road);
    upstreams_dump(road);
    balancers_dump(road);
}
