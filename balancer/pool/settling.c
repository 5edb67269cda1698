/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of an attempt says of its key, its model and its way. What must stay true: a client's
 * own mistake never lets a key cool down, every cool-down has an end, and what is reserved is given
 * back once. */
#include <stdlib.h>

#include "pool/pool_private.h"
#include "pool/restore.h"
#include "base/bytes.h"

enum { WORDS_MOST = 200, SPREAD_MOST_MS = 100 };

void pool_refresh(struct pool *pool, uint32_t i, uint64_t now_ms)
{
    for (struct lane *lane = pool->models.lanes; lane; lane = lane->next) {
        struct hold hold;

        if (!lane_is_asleep(lane, i))
            continue;
        hold = hold_of(pool, lane, i, now_ms);
        if (hold.until_ms > now_ms)
            lane_sleep(lane, i, hold.until_ms, hold.is_hopeless);
        else
            lane_rouse(lane, i);
    }
    pool->has_news = true;
}

/* A book of its project has room again: its keys wake for that model. */
static void wake_project(struct pool *pool, uint32_t key, struct lane *lane, uint64_t now_ms)
{
    uint32_t i = key;

    do {
        if (lane_is_asleep(lane, i))
            pool_refresh(pool, i, now_ms);
        i = pool->keys[i].next_of_project;
    } while (i != key);
}

/* `verdict`: NULL, nobody knows how it ended: what it was going to cost counts. */
static void settle_quota(struct pool *pool, struct reservation *reservation,
                         const struct verdict *verdict, uint64_t now_ms)
{
    struct lane *lane = reservation->lane;

    if (verdict && quota_settle(pool, reservation, verdict->fault, verdict->tokens))
        wake_project(pool, reservation->key, lane, now_ms);
}

static void give_back(struct pool *pool, struct reservation *reservation, uint64_t now_ms)
{
    struct pool_key *key = &pool->keys[reservation->key];
    uint64_t begun_ms = reservation->begun_ms;
    bool was_probe = cooldown_return(&key->cooldown, begun_ms);

    was_probe |= cooldown_return(&reservation->lane->keys[reservation->key].cooldown, begun_ms);
    was_probe |= cooldown_return(&reservation->proxy->cooldown, begun_ms);
    key->in_flight--;
    key->tokens -= reservation->tokens;
    if (was_probe)
        pool_refresh(pool, reservation->key, now_ms);
    reservation_end(&pool->reservations, reservation);
}

void pool_release(struct pool *pool, uint64_t number, uint64_t now_ms)
{
    struct reservation *reservation = reservation_find(&pool->reservations, number);

    if (reservation)
        give_back(pool, reservation, now_ms);
}

/* Its way, if that is known without a reservation. */
static struct proxy *way_of(struct pool *pool, const struct pool_key *key)
{
    if (key->proxy)
        return key->proxy;
    return pool->proxies.count == 1 ? &pool->proxies.at[0] : NULL;
}

static void note_words(struct pool_key *key, struct view words)
{
    free(key->words);
    words.len = words.len < WORDS_MOST ? words.len : WORDS_MOST;
    key->words = words.len ? memory_text(words) : NULL;
}

/* A key that the provider has taken is open; one that was answered is open for that model too. */
static void settle_good(struct pool *pool, struct pool_key *key, struct model *model,
                        const struct verdict *verdict, uint64_t now_ms)
{
    uint32_t i = (uint32_t)(key - pool->keys);
    bool is_answer = verdict->fault == FAULT_NONE || verdict->fault == FAULT_BLOCKED;
    bool has_opened = rule_of(verdict->fault)->is_proof && cooldown_open(&key->cooldown, now_ms);

    if (is_answer && model && model->lane)
        has_opened |= cooldown_open(&model->lane->keys[i].cooldown, now_ms);
    if (has_opened)
        pool_refresh(pool, i, now_ms);
}

/* The cool-down that this fault begins; NULL: none, or there is no room for it. A model that nobody
 * has had an answer from may not exist: that is no key's fault. */
static struct cooldown *cooldown_of(struct pool *pool, struct pool_key *key, enum scope scope,
                                    const struct verdict *verdict, uint64_t now_ms)
{
    struct model *model;
    struct lane *lane;

    if (scope == COOL_KEY)
        return &key->cooldown;
    if (scope != COOL_KEY_MODEL ||
        (verdict->fault == FAULT_NO_MODEL && !pool_knows(pool, verdict->model)))
        return NULL;
    model = model_make(&pool->models, verdict->model);
    if (!model)
        return NULL;
    model->asked_ms = now_ms;
    lane = model_lane_make(&pool->models, model);
    return lane ? &lane->keys[key - pool->keys].cooldown : NULL;
}

/* A quota is the project's: its other keys rest as well. */
static void rest_project(struct pool *pool, const struct pool_key *key, struct lane *lane,
                         const struct cause *cause, uint64_t now_ms)
{
    uint32_t first = (uint32_t)(key - pool->keys);

    for (uint32_t i = key->next_of_project; i != first; i = pool->keys[i].next_of_project) {
        cooldown_begin(&lane->keys[i].cooldown, cause, now_ms);
        pool_refresh(pool, i, now_ms);
    }
}

static void keep_and_rest(struct pool *pool, const struct pool_key *key, struct model *model,
                          const struct cause *cause, uint64_t now_ms)
{
    rest_project(pool, key, model->lane, cause, now_ms);
    restore_later(pool, model, (uint32_t)(key - pool->keys));
}

static bool is_quota(uint64_t fault)
{
    return fault == FAULT_QUOTA_MINUTE || fault == FAULT_QUOTA_DAY || fault == FAULT_QUOTA_NONE;
}

/* Keys that were refused together do not come back together, nor before the last of what went the
 * longer way is counted. */
static uint64_t spread_ms(const struct pool *pool, uint64_t key_id)
{
    uint64_t spread_ms = pool->quotas.spread_ms;

    return spread_ms ? spread_ms / 2 + key_id % SPREAD_MOST_MS : 0;
}

static struct cooled settle_key(struct pool *pool, struct pool_key *key, enum scope scope,
                                const struct verdict *verdict, const struct cause *cause,
                                uint64_t now_ms)
{
    struct cooldown *cooldown = cooldown_of(pool, key, scope, verdict, now_ms);

    if (!cooldown)
        return (struct cooled){.key = key};
    note_words(key, verdict->words);
    cooldown_begin(cooldown, cause, now_ms);
    if (is_quota(cause->fault))
        keep_and_rest(pool, key, model_find(&pool->models, verdict->model), cause, now_ms);
    pool_refresh(pool, (uint32_t)(key - pool->keys), now_ms);
    return (struct cooled){scope, cooldown->until_ms, NULL, key};
}

static struct model *settle_answer(struct pool *pool, const struct verdict *verdict,
                                   uint64_t now_ms)
{
    bool is_answer = verdict->fault == FAULT_NONE || verdict->fault == FAULT_BLOCKED;
    struct model *model = is_answer ? model_make(&pool->models, verdict->model) : NULL;

    if (!model)
        return NULL;
    model->asked_ms = now_ms;
    pool->has_news |= model_answers(model);
    return model;
}

static struct cooled settle_model(struct pool *pool, struct view name, uint64_t now_ms)
{
    struct model *model = model_make(&pool->models, name);

    return (struct cooled){COOL_MODEL, model ? model_busy(model, now_ms) : now_ms, NULL, NULL};
}

static struct cooled settle(struct pool *pool, struct pool_key *key, struct proxy *proxy,
                            const struct verdict *verdict, const struct cause *cause,
                            uint64_t now_ms)
{
    enum scope scope = rule_of(cause->fault)->scope;
    bool is_agreed = !proxy || proxies_settle(&pool->proxies, proxy, key->id, cause, now_ms);

    if (scope == COOL_MODEL)
        return settle_model(pool, verdict->model, now_ms);
    if (!key)
        return (struct cooled){0};
    if (rule_of(cause->fault)->exit == EXIT_SHUT && proxy && is_agreed)
        return (struct cooled){COOL_EXIT, proxy->cooldown.until_ms, proxy, key};
    if (rule_of(cause->fault)->exit == EXIT_FAILS && proxy)
        return (struct cooled){COOL_EXIT, proxy->until_ms, proxy, key};
    return settle_key(pool, key, scope == COOL_EXIT ? COOL_KEY : scope, verdict, cause, now_ms);
}

/* One of another key tells nothing of this one. */
static struct reservation *reservation_of(struct pool *pool, uint64_t number, uint64_t id,
                                          uint64_t now_ms)
{
    struct reservation *reservation = reservation_find(&pool->reservations, number);

    if (!reservation || pool->keys[reservation->key].id == id)
        return reservation;
    give_back(pool, reservation, now_ms);
    return NULL;
}

/* What a refusal says of limits; and it is waited for a little longer than it says. */
static void learn(struct pool *pool, struct pool_key *key, const struct verdict *verdict,
                  struct cause *cause, uint64_t now_ms)
{
    struct model *model = model_make(&pool->models, verdict->model);

    if (cause->stated_ms && cause->fault == FAULT_QUOTA_MINUTE)
        cause->stated_ms += spread_ms(pool, key->id);
    if (model && quota_ready(pool, model))
        restore_model(pool, model);
    if (model)
        quota_learn(pool, model, (uint32_t)(key - pool->keys), &verdict->told, now_ms);
}

struct cooled pool_settle(struct pool *pool, uint64_t number, const struct verdict *verdict,
                          uint64_t now_ms)
{
    struct reservation *reservation = reservation_of(pool, number, verdict->key_id, now_ms);
    struct pool_key *key =
        reservation ? &pool->keys[reservation->key] : pool_find(pool, verdict->key_id);
    struct proxy *proxy = reservation ? reservation->proxy : key ? way_of(pool, key) : NULL;
    struct model *model = settle_answer(pool, verdict, now_ms);
    struct cause cause = {
        .fault = verdict->fault < FAULT_COUNT ? verdict->fault : (uint64_t)FAULT_SERVER,
        .stated_ms = verdict->stated_ms,
        .begun_ms = reservation ? reservation->begun_ms : 0,
    };

    quota_turn(pool, now_ms);
    if (reservation) {
        settle_quota(pool, reservation, verdict, now_ms);
        give_back(pool, reservation, now_ms);
    }
    if (key && is_quota(cause.fault))
        learn(pool, key, verdict, &cause, now_ms);
    if (key)
        settle_good(pool, key, model, verdict, now_ms);
    return settle(pool, key, proxy, verdict, &cause, now_ms);
}
