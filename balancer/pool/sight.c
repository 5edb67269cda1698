/* SPDX-License-Identifier: Apache-2.0 */
/* The sight of keys. Asked by handlers.c twice a second. What must stay true: a key that looks
 * different than at the last look has another version; so nothing that may change a key needs to
 * know of this file. */
#include "pool/sight.h"

#include <inttypes.h>

#include "base/json.h"
#include "pool/report.h"

enum {
    LATELY_MS = 10 * 60 * 1000, /* models that nobody has asked for since count for nothing */
    RESTS_MOST = 32,            /* models of one key that are told */
};

/* A key that rests for one model. */
struct rest {
    const struct model *model;
    const struct cooldown *cooldown;
};

/* A key, as it looks now. */
struct look {
    const char *state;
    uint8_t why;
    uint64_t since_ms, until_ms; /* 0: it does not rest as a whole */
    struct rest rests[RESTS_MOST];
    size_t rest_count, wanted, wanted_rests, spent;
};

static bool is_resting(const struct cooldown *cooldown, uint64_t now_ms)
{
    return cooldown->until_ms > now_ms;
}

/* Which models it rests for; and of those that were asked for lately, how many. */
static void look_at_models(const struct pool *pool, size_t i, uint64_t now_ms, struct look *look)
{
    struct model *model, *next;

    HASH_ITER (hh, pool->models.by_name, model, next) {
        bool is_wanted = (model->is_known || model->lane) && model->asked_ms + LATELY_MS > now_ms;
        const struct cooldown *cooldown = model->lane ? &model->lane->keys[i].cooldown : NULL;

        look->wanted += is_wanted;
        if (!cooldown || !is_resting(cooldown, now_ms))
            continue;
        look->wanted_rests += is_wanted;
        look->spent += cooldown->why == FAULT_QUOTA_DAY;
        if (look->rest_count < RESTS_MOST)
            look->rests[look->rest_count++] = (struct rest){model, cooldown};
    }
}

static void rest_by(struct look *look, const char *state, const struct cooldown *cooldown)
{
    look->state = state;
    look->why = cooldown->why;
    look->since_ms = cooldown->since_ms;
    look->until_ms = cooldown->until_ms;
}

/* By the model that it is free for first. */
static void rest_by_models(struct look *look)
{
    const struct cooldown *first = look->rests[0].cooldown;
    bool is_whole = look->wanted && look->wanted_rests == look->wanted;

    for (size_t i = 1; i < look->rest_count; i++)
        if (look->rests[i].cooldown->until_ms < first->until_ms)
            first = look->rests[i].cooldown;
    rest_by(look,
            !is_whole                         ? "partial"
            : look->spent == look->rest_count ? "spent"
                                              : "cooling",
            first);
}

static void look_at(const struct pool *pool, size_t i, uint64_t now_ms, struct look *look)
{
    const struct pool_key *key = &pool->keys[i];
    const struct cooldown *way = key->proxy ? &key->proxy->cooldown : NULL;

    *look = (struct look){.state = "ready"};
    look_at_models(pool, i, now_ms, look);
    if (key->is_off)
        look->state = "off";
    else if (is_resting(&key->cooldown, now_ms))
        rest_by(look, rule_of(key->cooldown.why)->is_hopeless ? "dead" : "cooling", &key->cooldown);
    else if (way && is_resting(way, now_ms))
        rest_by(look, "cooling", way);
    else if (look->rest_count)
        rest_by_models(look);
    else if (!key->cooldown.is_open && key->cooldown.why == FAULT_NONE)
        look->state = "new";
}

/* Changes */

static void mix(uint64_t *digest, uint64_t value)
{
    *digest = (*digest ^ value) * 0x100000001b3ull;
    *digest ^= *digest >> 29;
}

static uint64_t digest_of(const struct pool_key *key, const struct look *look)
{
    uint64_t digest = 0xcbf29ce484222325ull;

    for (const char *at = look->state; *at; at++)
        mix(&digest, (unsigned char)*at);
    for (const char *at = key->words; at && *at; at++)
        mix(&digest, (unsigned char)*at);
    mix(&digest, look->why);
    mix(&digest, look->until_ms);
    mix(&digest, key->trial.number);
    for (size_t i = 0; i < look->rest_count; i++) {
        mix(&digest, (uint64_t)(uintptr_t)look->rests[i].model);
        mix(&digest, look->rests[i].cooldown->until_ms);
        mix(&digest, look->rests[i].cooldown->why);
    }
    return digest;
}

static void notice_changes(struct pool *pool, uint64_t now_ms)
{
    bool has_changed = false;
    struct look look;

    for (size_t i = 0; i < pool->count; i++) {
        uint64_t digest;

        look_at(pool, i, now_ms, &look);
        digest = digest_of(&pool->keys[i], &look);
        if (digest == pool->keys[i].digest)
            continue;
        pool->keys[i].digest = digest;
        pool->keys[i].changed = pool->version + 1;
        has_changed = true;
    }
    pool->version += has_changed;
}

/* Writing */

struct page {
    const struct pool *pool;
    uint64_t now_ms, utc_ms;
    struct bytes *json;
};

/* "until":… of the calendar; null: nobody knows, or there is none. */
static void write_time(const struct page *page, const char *name, uint64_t at_ms)
{
    if (at_ms == 0 || at_ms == UINT64_MAX)
        bytes_printf(page->json, ",\"%s\":null", name);
    else
        bytes_printf(page->json, ",\"%s\":%" PRIu64, name, page->utc_ms + at_ms - page->now_ms);
}

static void write_rests(const struct page *page, const struct look *look)
{
    bytes_text(page->json, ",\"resting\":[");
    for (size_t i = 0; i < look->rest_count; i++) {
        const struct cooldown *cooldown = look->rests[i].cooldown;

        bytes_text(page->json, i ? ",{\"model\":" : "{\"model\":");
        bytes_json(page->json, view_of(look->rests[i].model->name));
        bytes_printf(page->json, ",\"code\":\"%s\"", fault_facts(cooldown->why)->name);
        write_time(page, "until", cooldown->until_ms);
        bytes_text(page->json, "}");
    }
    bytes_text(page->json, "]");
}

static void write_trial(const struct page *page, const struct pool_key *key)
{
    bytes_printf(page->json, ",\"trial\":%" PRIu64, key->trial.number);
    if (!key->trial.utc_ms)
        bytes_text(page->json, ",\"verified_at\":null,\"verified\":null");
    else
        bytes_printf(page->json, ",\"verified_at\":%" PRIu64 ",\"verified\":\"%s\"",
                     key->trial.utc_ms, fault_facts(key->trial.fault)->name);
}

static void write_row(const struct page *page, size_t i)
{
    const struct pool_key *key = &page->pool->keys[i];
    char tail[TAIL_SIZE];
    struct look look;

    look_at(page->pool, i, page->now_ms, &look);
    key_tail(key->key, tail);
    bytes_printf(page->json, "%s{\"id\":\"%016" PRIx64 "\",\"tail\":",
                 page->json->at[page->json->len - 1] == '[' ? "" : ",", key->id);
    bytes_json(page->json, view_skip(view_of(tail), strlen("\u2026")));
    bytes_printf(page->json, ",\"state\":\"%s\",\"code\":", look.state);
    if (look.until_ms)
        bytes_printf(page->json, "\"%s\"", fault_facts(look.why)->name);
    else
        bytes_text(page->json, "null");
    bytes_text(page->json, ",\"says\":");
    if (key->words && look.until_ms)
        bytes_json(page->json, view_of(key->words));
    else
        bytes_text(page->json, "null");
    write_time(page, "since", look.since_ms);
    write_time(page, "until", look.until_ms);
    write_rests(page, &look);
    bytes_printf(page->json, ",\"proxy\":%zu",
                 key->proxy ? pool_way_number(page->pool, key->proxy) : 0);
    write_trial(page, key);
    bytes_text(page->json, "}");
}

/* Returns the place of the first that had no room; SIZE_MAX: none. */
static size_t write_rows(const struct page *page, const struct sight_look *look)
{
    size_t rows = 0;

    for (size_t i = look->from; i < page->pool->count; i++) {
        if (page->pool->keys[i].changed <= look->since)
            continue;
        if (rows++ == SIGHT_ROWS)
            return i;
        write_row(page, i);
    }
    return SIZE_MAX;
}

void sight_write(struct pool *pool, const struct sight_look *look, uint64_t now_ms, uint64_t utc_ms,
                 struct bytes *json)
{
    struct page page = {pool, now_ms, utc_ms, json};
    size_t next;

    notice_changes(pool, now_ms);
    bytes_printf(json, "{\"version\":%" PRIu64 ",\"total\":%zu,\"rows\":[", pool->version,
                 pool->count);
    next = write_rows(&page, look);
    if (next == SIZE_MAX)
        bytes_text(json, "],\"next\":null}");
    else
        bytes_printf(json, "],\"next\":%zu}", next);
}
