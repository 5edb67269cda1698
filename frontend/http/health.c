/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to GET /health. What must stay true: it is 503 from
 * the start until everything has been there at the same time, and then never for an absence shorter
 * than the patience. */
#include "http/health.h"

#include "road/road.h"

static const char *const names[HEALTH_NEEDS] = {"balancer", "upstream", "key"};

void health_seen(struct health *health, enum health_need need, uint64_t now_ms)
{
    health->seen_ms[need] = now_ms ? now_ms : 1;
}

static bool is_met(const struct health *health, enum health_need need, uint64_t now_ms)
{
    uint64_t patience_ms = health->was_complete ? HEALTH_PATIENCE_MS : 0;

    return health->seen_ms[need] && now_ms <= health->seen_ms[need] + patience_ms;
}

bool health_report(struct health *health, uint64_t now_ms, struct bytes *out)
{
    bool is_healthy = true;
    const char *sign = "";

    for (int need = 0; need < HEALTH_NEEDS; need++)
        is_healthy &= is_met(health, need, now_ms);
    health->was_complete |= is_healthy;
    if (is_healthy) {
        bytes_text(out, "{\"status\":\"healthy\"}");
        return true;
    }
    bytes_text(out, "{\"status\":\"unhealthy\",\"missing\":[");
    for (int need = 0; need < HEALTH_NEEDS; need++) {
        if (is_met(health, need, now_ms))
            continue;
        bytes_printf(out, "%s\"%s\"", sign, names[need]);
        sign = ",";
    }
    bytes_text(out, "]}");
    return false;
}

void health_look(struct health *health, struct road *road, uint64_t now_ms)
{
    struct road_sight sight = road_look(road, now_ms);

    if (sight.balancer_ms)
        health_seen(health, NEEDS_BALANCER, sight.balancer_ms);
    if (sight.upstream_ms)
        health_seen(health, NEEDS_UPSTREAM, sight.upstream_ms);
    if (sight.key_ms)
        health_seen(health, NEEDS_KEY, sight.key_ms);
}
