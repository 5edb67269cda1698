/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to GET /health. Called by http.c, fed by main.c. What must stay true: it is 503 from
 * the start until everything has been there at the same time, and then never for an absence shorter
 * than the patience. */
#include "http/health.h"

#include "error.h"

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

static void write_keys(const struct road_keys *keys, uint64_t now_ms, struct bytes *out)
{
    const struct error_facts *facts = error_facts(keys->error);

    bytes_printf(out, ",\"keys\":{\"total\":%llu,\"available\":%llu",
                 (unsigned long long)keys->total, (unsigned long long)keys->available);
    if (!keys->available && keys->error != ERROR_NONE) {
        bytes_printf(out, ",\"reason\":\"%s\",\"text\":", facts->name);
        bytes_json(out, view_of(facts->text));
    }
    if (!keys->available && keys->by_ms > now_ms)
        bytes_printf(out, ",\"retry_after_ms\":%llu", (unsigned long long)(keys->by_ms - now_ms));
    if (keys->to_try)
        bytes_printf(out, ",\"to_try\":%llu,\"tried\":%llu,\"answer\":%llu",
                     (unsigned long long)keys->to_try, (unsigned long long)keys->tried,
                     (unsigned long long)keys->answer);
    bytes_text(out, "}");
}

static void write_missing(const struct health *health, uint64_t now_ms, struct bytes *out)
{
    const char *sign = "";

    bytes_text(out, ",\"missing\":[");
    for (int need = 0; need < HEALTH_NEEDS; need++) {
        if (is_met(health, need, now_ms))
            continue;
        bytes_printf(out, "%s\"%s\"", sign, names[need]);
        sign = ",";
    }
    bytes_text(out, "]");
}

bool health_report(struct health *health, uint64_t now_ms, struct bytes *out)
{
    bool is_healthy = true;

    for (int need = 0; need < HEALTH_NEEDS; need++)
        is_healthy &= is_met(health, need, now_ms);
    health->was_complete |= is_healthy;
    bytes_printf(out, "{\"status\":\"%s\"", is_healthy ? "healthy" : "unhealthy");
    if (!is_healthy)
        write_missing(health, now_ms, out);
    if (health->keys.available < health->keys.total || health->keys.to_try)
        write_keys(&health->keys, now_ms, out);
    bytes_text(out, "}");
    return is_healthy;
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
    health->keys = sight.keys;
}
