/* SPDX-License-Identifier: Apache-2.0 */
/* The key pool. Called by calls/ and handlers.c. What must stay true: a client's own mistake never
 * lets a key cool down, every cool-down has an end, and what is reserved is given back once. */
#include "pool/pool.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/bytes.h"

enum {
    PASSED_MOST = 32, /* keys passed over because they were tried or their way is out of order */
    WORDS_MOST = 200,
};

static uint64_t key_id(const struct pool *pool, struct secret key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct bytes text = {0};
    uint64_t id = 0;

    bytes_printf(&text, "%s-key-id:", pool->name);
    bytes_append(&text, key.hidden);
    EVP_Digest(text.at, text.len, digest, NULL, EVP_sha256(), NULL);
    OPENSSL_cleanse(text.at, text.len);
    bytes_clear(&text);
    for (int i = 0; i < 8; i++)
        id = id << 8 | digest[i];
    return id ? id : 1;
}

struct pool_key *pool_find(const struct pool *pool, uint64_t id)
{
    struct pool_key *key = NULL;

    if (pool->by_id)
        HASH_FIND(hh, pool->by_id, &id, sizeof(id), key);
    return key;
}

void pool_open_as(struct pool *pool, const char *name, const struct secret *keys, size_t count)
{
    *pool = (struct pool){.name = name, .keys = memory_new((count + 1) * sizeof(*pool->keys))};
    for (size_t i = 0; i < count; i++) {
        struct pool_key *key = &pool->keys[pool->count];

        *key = (struct pool_key){.id = key_id(pool, keys[i]), .key = keys[i]};
        if (pool_find(pool, key->id))
            continue;
        HASH_ADD(hh, pool->by_id, id, sizeof(key->id), key);
        pool->count++;
    }
    models_open(&pool->models, pool->count);
    proxies_open(&pool->proxies, NULL, 0, false);
}

void pool_open(struct pool *pool, const struct secret *keys, size_t count)
{
    pool_open_as(pool, "gemini", keys, count);
}

uint64_t pool_set_aside(struct pool *pool, struct secret key)
{
    struct pool_key *aside = &pool->keys[pool->count];
    uint64_t id = key_id(pool, key);

    if (pool_find(pool, id))
        return id;
    *aside = (struct pool_key){.id = id, .key = key};
    HASH_ADD(hh, pool->by_id, id, sizeof(aside->id), aside);
    pool->has_aside = true;
    return id;
}

void pool_open_proxies(struct pool *pool, const struct secret *urls, size_t count, bool is_by_key)
{
    proxies_close(&pool->proxies);
    proxies_open(&pool->proxies, urls, count, is_by_key);
    for (size_t i = 0; i < pool->count + pool->has_aside && pool->proxies.is_by_key; i++)
        pool->keys[i].proxy = proxies_pick(&pool->proxies, pool->keys[i].id, 0);
}

void pool_close(struct pool *pool)
{
    HASH_CLEAR(hh, pool->by_id);
    for (size_t i = 0; i < pool->count + pool->has_aside; i++)
        free(pool->keys[i].words);
    free(pool->keys);
    models_close(&pool->models);
    proxies_close(&pool->proxies);
    reservations_clear(&pool->reservations);
    *pool = (struct pool){0};
}

bool pool_knows(const struct pool *pool, struct view model)
{
    const struct model *known = model_find(&pool->models, model);

    return known && known->is_known;
}

/* What holds a key back */

struct hold {
    uint64_t until_ms; /* if hopeless: until that is looked at again, whatever else holds longer */
    bool is_hopeless;
    enum fault why;
};

static void hold_by(struct hold *hold, const struct cooldown *cooldown, uint64_t now_ms)
{
    uint64_t until_ms = cooldown_free_ms(cooldown, now_ms);
    bool is_hopeless = cooldown->until_ms > now_ms && rule_of(cooldown->why)->is_hopeless;

    if (is_hopeless == hold->is_hopeless ? until_ms > hold->until_ms : is_hopeless)
        *hold = (struct hold){until_ms, is_hopeless, cooldown->why};
}

/* until_ms is now_ms: nothing does. */
static struct hold hold_of(const struct pool *pool, const struct lane *lane, uint32_t i,
                           uint64_t now_ms)
{
    const struct pool_key *key = &pool->keys[i];
    struct hold hold = {.until_ms = now_ms};

    if (key->is_off)
        return (struct hold){UINT64_MAX, true, FAULT_NONE};
    hold_by(&hold, &key->cooldown, now_ms);
    hold_by(&hold, &lane->keys[i].cooldown, now_ms);
    if (key->proxy)
        hold_by(&hold, &key->proxy->cooldown, now_ms);
    return hold;
}

static struct wait wait_for(const struct pool *pool, const struct hold *hold, uint32_t i)
{
    bool is_off = pool->keys[i].is_off;
    enum error error = is_off ? ERROR_NO_KEY : fault_facts(hold->why)->error;
    const char *words = is_off ? NULL : pool->keys[i].words;

    return (struct wait){.until_ms = hold->is_hopeless ? UINT64_MAX : hold->until_ms,
                         .error = error == ERROR_NONE ? ERROR_NOT_READY : error,
                         .words = words ? view_of(words) : VIEW("")};
}

/* Choosing */

static bool is_tried(const struct need *need, uint64_t id)
{
    for (size_t i = 0; i < need->tried_count; i++)
        if (need->tried[i] == id)
            return true;
    return false;
}

/* How much speaks against an available key: 0 nothing, 1 its way is out of order, 2 it was tried. */
static int rank_of(const struct pool *pool, const struct need *need, uint32_t i, uint64_t now_ms)
{
    const struct pool_key *key = &pool->keys[i];

    if (is_tried(need, key->id))
        return 2;
    return key->proxy && !proxy_is_fit(key->proxy, now_ms);
}

/* The next key in turn that nothing holds back; those that something does go to sleep. */
static uint32_t next_free(struct pool *pool, struct lane *lane, uint64_t now_ms)
{
    uint32_t i;

    while ((i = lane_next(lane, now_ms)) != LANE_NONE) {
        struct hold hold = hold_of(pool, lane, i, now_ms);

        if (hold.until_ms <= now_ms)
            return i;
        lane_sleep(lane, i, hold.until_ms, hold.is_hopeless);
    }
    return LANE_NONE;
}

/* The best key, out of its turn; those passed over keep theirs. */
static uint32_t choose(struct pool *pool, struct lane *lane, const struct need *need,
                       uint64_t now_ms)
{
    uint32_t passed[PASSED_MOST], best = LANE_NONE, i;
    int rank = 3;
    size_t count = 0;

    while (rank > 0 && count < PASSED_MOST && (i = next_free(pool, lane, now_ms)) != LANE_NONE) {
        int this_rank = rank_of(pool, need, i, now_ms);

        passed[count++] = i;
        if (this_rank >= rank)
            continue;
        rank = this_rank;
        best = i;
    }
    while (count-- > 0)
        if (passed[count] != best)
            lane_put_first(lane, passed[count]);
    return best;
}

/* Nobody is available: who is first, and what is told meanwhile. */
static struct wait wait_of(const struct pool *pool, const struct lane *lane, uint64_t now_ms)
{
    uint32_t first = lane_first(lane, false);
    struct hold hold;

    if (first == LANE_NONE)
        first = lane_first(lane, true);
    if (first == LANE_NONE)
        return (struct wait){UINT64_MAX, ERROR_NO_KEY, VIEW("")};
    hold = hold_of(pool, lane, first, now_ms);
    if (lane->keys[first].sleep.at > hold.until_ms) /* its way is open again: it wakes soon */
        hold.until_ms = lane->keys[first].sleep.at;
    return wait_for(pool, &hold, first);
}

/* Whether a key is available, none being taken. */
static bool has_free(struct pool *pool, struct lane *lane, uint64_t now_ms, struct wait *wait)
{
    uint32_t i = next_free(pool, lane, now_ms);

    if (i != LANE_NONE)
        lane_put_first(lane, i);
    else
        *wait = wait_of(pool, lane, now_ms);
    return i != LANE_NONE;
}

/* Whether the model is overloaded. If its keys take longer, that is when to come again. */
static bool is_busy(struct pool *pool, const struct model *model, uint64_t now_ms,
                    struct wait *wait)
{
    struct wait for_keys;

    if (!model || model->until_ms <= now_ms)
        return false;
    *wait = (struct wait){model->until_ms, ERROR_OVERLOADED, VIEW("")};
    if (!has_free(pool, model_lane(&pool->models, model), now_ms, &for_keys) &&
        for_keys.until_ms > wait->until_ms)
        *wait = for_keys;
    return true;
}

/* Whether no way out is open. Where ways are by key, that holds the keys. */
static bool is_shut(const struct pool *pool, uint64_t now_ms, struct wait *wait)
{
    const struct proxy *first = NULL;
    struct hold hold = {.until_ms = now_ms};

    if (pool->proxies.is_by_key || proxies_free_ms(&pool->proxies, now_ms, &first) <= now_ms)
        return false;
    hold_by(&hold, &first->cooldown, now_ms);
    *wait = (struct wait){hold.is_hopeless ? UINT64_MAX : hold.until_ms,
                          fault_facts(hold.why)->error, VIEW("")};
    return true;
}

/* The owner's key or none, whatever the order. */
static uint32_t owner_of(const struct pool *pool, const struct lane *lane, uint64_t owner,
                         uint64_t now_ms, struct wait *wait)
{
    const struct pool_key *key = pool_find(pool, owner);
    uint32_t i = key ? (uint32_t)(key - pool->keys) : LANE_NONE;
    struct hold hold;

    *wait = (struct wait){UINT64_MAX, ERROR_NO_KEY, VIEW("")};
    if (!key)
        return LANE_NONE;
    hold = hold_of(pool, lane, i, now_ms);
    *wait = wait_for(pool, &hold, i);
    return hold.until_ms <= now_ms ? i : LANE_NONE;
}

/* Taking */

static struct decision decision_of(const struct lane *lane, const struct need *need)
{
    bool is_only = lane->hopeful.count + lane->hopeless.count + 1 >= lane->count;

    return (struct decision){.keys = need->owner ? 1 : lane->count,
                             .cooling = need->owner ? 0 : lane->hopeful.count,
                             .dead = need->owner ? 0 : lane->hopeless.count,
                             .chosen_by = need->owner ? "owner"
                                          : is_only   ? "only"
                                                      : NULL};
}

static void reserve(struct pool *pool, struct lane *lane, uint32_t i, const struct need *need,
                    uint64_t now_ms, struct grant *grant)
{
    struct pool_key *key = &pool->keys[i];
    struct proxy *proxy = key->proxy ? key->proxy : proxies_pick(&pool->proxies, key->id, now_ms);
    struct reservation *reservation = reservation_make(&pool->reservations);

    reservation->key = i;
    reservation->lane = lane;
    reservation->proxy = proxy;
    reservation->begun_ms = now_ms;
    reservation->tokens = need->tokens;
    key->in_flight++;
    key->tokens += need->tokens;
    cooldown_take(&key->cooldown, now_ms);
    cooldown_take(&lane->keys[i].cooldown, now_ms);
    cooldown_take(&proxy->cooldown, now_ms);
    *grant = (struct grant){.key_id = key->id,
                            .key = key->key,
                            .proxy = proxy->url,
                            .reservation = reservation->number,
                            .decision = decision_of(lane, need)};
}

bool pool_take(struct pool *pool, const struct need *need, uint64_t now_ms, struct grant *grant,
               struct wait *wait)
{
    struct model *model = model_find(&pool->models, need->model);
    struct lane *lane = model_lane(&pool->models, model);
    uint32_t i;

    if (model)
        model->asked_ms = now_ms;
    if (is_busy(pool, model, now_ms, wait) || is_shut(pool, now_ms, wait))
        return false;
    if (need->owner) {
        i = owner_of(pool, lane, need->owner, now_ms, wait);
    } else {
        i = choose(pool, lane, need, now_ms);
        if (i == LANE_NONE)
            *wait = wait_of(pool, lane, now_ms);
        else
            lane_put_last(lane, i);
    }
    if (i != LANE_NONE)
        reserve(pool, lane, i, need, now_ms, grant);
    return i != LANE_NONE;
}

void pool_probe(struct pool *pool, uint32_t i, uint64_t now_ms, struct grant *grant)
{
    static const struct need need;

    reserve(pool, model_lane(&pool->models, NULL), i, &need, now_ms, grant);
}

bool pool_ask(struct pool *pool, const struct need *need, uint64_t now_ms, struct wait *wait)
{
    const struct model *model = model_find(&pool->models, need->model);
    struct lane *lane = model_lane(&pool->models, model);

    if (is_busy(pool, model, now_ms, wait) || is_shut(pool, now_ms, wait))
        return false;
    if (need->owner)
        return owner_of(pool, lane, need->owner, now_ms, wait) != LANE_NONE;
    return has_free(pool, lane, now_ms, wait);
}

/* Settling */

/* A hold on the key has changed: where it sleeps it wakes at another time, or now. */
static void refresh(struct pool *pool, uint32_t i, uint64_t now_ms)
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

static void end_cooldown(struct cooldown *cooldown, uint64_t now_ms)
{
    if (cooldown->until_ms > now_ms)
        cooldown->until_ms = now_ms;
}

bool pool_end_rest(struct pool *pool, uint64_t id, uint64_t now_ms)
{
    struct pool_key *key = pool_find(pool, id);

    if (!key)
        return false;
    end_cooldown(&key->cooldown, now_ms);
    for (struct lane *lane = pool->models.lanes; lane; lane = lane->next)
        end_cooldown(&lane->keys[key - pool->keys].cooldown, now_ms);
    refresh(pool, (uint32_t)(key - pool->keys), now_ms);
    return true;
}

bool pool_turn_off(struct pool *pool, uint64_t id, bool is_off, uint64_t now_ms)
{
    struct pool_key *key = pool_find(pool, id);

    if (!key)
        return false;
    key->is_off = is_off;
    refresh(pool, (uint32_t)(key - pool->keys), now_ms);
    return true;
}

void pool_tried(struct pool *pool, uint64_t id, uint64_t fault, uint64_t utc_ms)
{
    struct pool_key *key = pool_find(pool, id);

    if (key)
        key->trial = (struct trial){key->trial.number + 1, utc_ms, (uint8_t)fault};
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
        refresh(pool, reservation->key, now_ms);
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
        refresh(pool, i, now_ms);
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

static struct cooled settle_key(struct pool *pool, struct pool_key *key, enum scope scope,
                                const struct verdict *verdict, const struct cause *cause,
                                uint64_t now_ms)
{
    struct cooldown *cooldown = cooldown_of(pool, key, scope, verdict, now_ms);

    if (!cooldown)
        return (struct cooled){.key = key};
    note_words(key, verdict->words);
    cooldown_begin(cooldown, cause, now_ms);
    refresh(pool, (uint32_t)(key - pool->keys), now_ms);
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

    if (reservation)
        give_back(pool, reservation, now_ms);
    if (key)
        settle_good(pool, key, model, verdict, now_ms);
    return settle(pool, key, proxy, verdict, &cause, now_ms);
}
