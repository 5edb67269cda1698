/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's report. Called by handlers.c and status.c. */
#include "pool/report.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum {
    LATELY_MS = 10 * 60 * 1000,
    SHOWN = 4,        /* characters of a key */
    SHOWN_OF = 12,    /* if it has at least so many */
    LINES_MOST = 500, /* in one report */
    TAILS_MOST = 1000,
};

void key_tail(struct secret key, char tail[TAIL_SIZE])
{
    struct view text = key.hidden;

    if (text.len < SHOWN_OF)
        snprintf(tail, TAIL_SIZE, "\u2026");
    else
        snprintf(tail, TAIL_SIZE, "\u2026%.*s", SHOWN, text.at + text.len - SHOWN);
}

size_t pool_way_number(const struct pool *pool, const struct proxy *proxy)
{
    return proxy->id ? (size_t)(proxy - pool->proxies.at) + 1 : 0;
}

/* State */

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool is_hopeless(const struct cooldown *cooldown, uint64_t now_ms)
{
    return cooldown->until_ms > now_ms && rule_of(cooldown->why)->is_hopeless;
}

/* Until when the key, its way or the key for that model cools down; UINT64_MAX: nobody knows. */
static uint64_t cools_until(const struct pool *pool, const struct pool_key *key,
                            const struct cooldown *for_model, uint64_t now_ms, enum fault *why)
{
    const struct proxy *proxy = key->proxy                 ? key->proxy
                                : pool->proxies.count == 1 ? &pool->proxies.at[0]
                                                           : NULL;
    const struct cooldown *cooldowns[] = {&key->cooldown, for_model,
                                          proxy ? &proxy->cooldown : NULL};
    uint64_t until_ms = 0;

    if (key->is_off)
        return UINT64_MAX;
    for (size_t i = 0; i < sizeof(cooldowns) / sizeof(cooldowns[0]); i++) {
        if (!cooldowns[i] || cooldowns[i]->until_ms <= now_ms)
            continue;
        if (cooldowns[i]->until_ms > until_ms)
            *why = cooldowns[i]->why;
        until_ms = later(until_ms,
                         is_hopeless(cooldowns[i], now_ms) ? UINT64_MAX : cooldowns[i]->until_ms);
    }
    return until_ms;
}

/* When the first key can serve this model (NULL: any), and how many can now. */
static void look(const struct pool *pool, const struct model *model, uint64_t now_ms,
                 struct pool_state *state)
{
    const struct lane *lane = model ? model->lane : NULL;
    size_t available = 0;

    for (size_t i = 0; i < pool->count; i++) {
        enum fault why = FAULT_NONE;
        uint64_t until_ms =
            cools_until(pool, &pool->keys[i], lane ? &lane->keys[i].cooldown : NULL, now_ms, &why);

        available += until_ms <= now_ms;
        if (until_ms >= state->until_ms && state->why)
            continue;
        state->until_ms = until_ms;
        state->why = why;
    }
    if (available > state->available)
        state->available = available;
}

/* The model that most keys can serve decides. One without a lane is no worse than any. */
struct pool_state pool_state(const struct pool *pool, uint64_t now_ms)
{
    struct pool_state state = {.until_ms = UINT64_MAX};
    bool has_lanes_only = false;
    struct model *model, *next;

    HASH_ITER (hh, pool->models.by_name, model, next) {
        if (model->asked_ms + LATELY_MS <= now_ms || (!model->is_known && !model->lane))
            continue;
        has_lanes_only = model->lane;
        if (!model->lane)
            break;
        look(pool, model, now_ms, &state);
    }
    if (!has_lanes_only)
        look(pool, NULL, now_ms, &state);
    return state;
}

/* Report */

static void write_cooldown(struct bytes *json, const struct cooldown *cooldown, uint64_t now_ms)
{
    bool is_cooling = cooldown->until_ms > now_ms;

    bytes_printf(json, "\"state\":\"%s\",\"reason\":\"%s\",\"ms\":%llu",
                 !is_cooling                     ? "half_open"
                 : is_hopeless(cooldown, now_ms) ? "dead"
                                                 : "cooling",
                 fault_facts(cooldown->why)->name,
                 (unsigned long long)(is_cooling ? cooldown->until_ms - now_ms : 0));
}

static bool is_worth_telling(const struct cooldown *cooldown)
{
    return !cooldown->is_open && cooldown->why != FAULT_NONE;
}

static void write_key(struct bytes *json, const struct pool_key *key, struct view model,
                      const struct cooldown *cooldown, uint64_t now_ms)
{
    char tail[TAIL_SIZE];

    key_tail(key->key, tail);
    bytes_printf(json, "%s{\"key\":", json->at[json->len - 1] == '[' ? "" : ",");
    bytes_json(json, view_of(tail));
    if (model.len) {
        bytes_text(json, ",\"model\":");
        bytes_json(json, model);
    }
    bytes_text(json, ",");
    write_cooldown(json, cooldown, now_ms);
    if (key->words) {
        bytes_text(json, ",\"words\":");
        bytes_json(json, view_of(key->words));
    }
    bytes_text(json, "}");
}

/* One kind of cool-downs of all keys. Returns how many were told. */
static size_t write_keys(const struct pool *pool, const struct model *model, size_t most,
                         uint64_t now_ms, struct bytes *json)
{
    size_t told = 0;

    for (size_t i = 0; i < pool->count && told < most; i++) {
        const struct cooldown *cooldown =
            model ? &model->lane->keys[i].cooldown : &pool->keys[i].cooldown;

        if (!is_worth_telling(cooldown))
            continue;
        write_key(json, &pool->keys[i], model ? view_of(model->name) : VIEW(""), cooldown, now_ms);
        told++;
    }
    return told;
}

static void write_ways(const struct pool *pool, uint64_t now_ms, struct bytes *json)
{
    for (size_t i = 0; i < pool->proxies.count; i++) {
        const struct proxy *proxy = &pool->proxies.at[i];

        if (!is_worth_telling(&proxy->cooldown))
            continue;
        bytes_printf(json, "%s{\"proxy\":%zu,", json->at[json->len - 1] == '[' ? "" : ",",
                     pool_way_number(pool, proxy));
        write_cooldown(json, &proxy->cooldown, now_ms);
        bytes_text(json, "}");
    }
}

void pool_report(const struct pool *pool, uint64_t now_ms, struct bytes *json)
{
    size_t left = LINES_MOST;
    struct model *model, *next;

    bytes_text(json, "[");
    write_ways(pool, now_ms, json);
    left -= write_keys(pool, NULL, left, now_ms, json);
    HASH_ITER (hh, pool->models.by_name, model, next)
        if (model->lane)
            left -= write_keys(pool, model, left, now_ms, json);
    bytes_text(json, "]");
}

void pool_tails(const struct pool *pool, struct bytes *json)
{
    char tail[TAIL_SIZE];

    bytes_text(json, "{");
    for (size_t i = 0; i < pool->count && i < TAILS_MOST; i++) {
        key_tail(pool->keys[i].key, tail);
        bytes_printf(json, "%s\"%016llx\":", i ? "," : "", (unsigned long long)pool->keys[i].id);
        bytes_json(json, view_of(tail));
    }
    bytes_text(json, "}");
}
