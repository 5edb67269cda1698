/* SPDX-License-Identifier: Apache-2.0 */
/* Which key serves a call. What must stay true: neither a pick nor a wait looks at every key. */
#include "pool/pool_private.h"
#include "pool/restore.h"

enum {
    UNKNOWN_MOST = 256, /* models that are counted before one has answered */
    PASSED_MOST =
        32, /* keys passed over: tried, by a way out of order, or with too few tokens left */
};

/* What holds a key back */

static void hold_by(struct hold *hold, const struct cooldown *cooldown, uint64_t now_ms)
{
    uint64_t until_ms = cooldown_free_ms(cooldown, now_ms);
    bool is_hopeless = cooldown->until_ms > now_ms && rule_of(cooldown->why)->is_hopeless;

    if (is_hopeless == hold->is_hopeless ? until_ms > hold->until_ms : is_hopeless)
        *hold = (struct hold){until_ms, is_hopeless, cooldown->why};
}

/* The book of its project is full: there is room for no request, however small. */
static void hold_by_quota(const struct pool *pool, const struct lane *lane, uint32_t i,
                          uint64_t now_ms, struct hold *hold)
{
    struct quota_hold quota = quota_hold_of(pool, lane, i, 1, now_ms);

    if (!hold->is_hopeless && quota.until_ms > hold->until_ms)
        *hold = (struct hold){quota.until_ms, false,
                              quota.is_day ? FAULT_QUOTA_DAY : FAULT_QUOTA_MINUTE};
}

struct hold hold_of(const struct pool *pool, const struct lane *lane, uint32_t i, uint64_t now_ms)
{
    const struct pool_key *key = &pool->keys[i];
    struct hold hold = {.until_ms = now_ms};

    if (key->is_off)
        return (struct hold){UINT64_MAX, true, FAULT_NONE};
    hold_by(&hold, &key->cooldown, now_ms);
    hold_by(&hold, &lane->keys[i].cooldown, now_ms);
    hold_by_quota(pool, lane, i, now_ms, &hold);
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

enum { RANK_NO_ROOM = 3 };

/* How much speaks against an available key: 0 nothing, 1 its way is out of order, 2 it was tried, 3
 * its book has no room for so many tokens before `room_ms`. */
static int rank_of(const struct pool *pool, const struct lane *lane, const struct need *need,
                   uint32_t i, uint64_t now_ms, uint64_t *room_ms)
{
    const struct pool_key *key = &pool->keys[i];
    struct quota_hold quota = quota_hold_of(pool, lane, i, need->tokens, now_ms);

    if (quota.until_ms > now_ms) {
        *room_ms = quota.until_ms < *room_ms ? quota.until_ms : *room_ms;
        return RANK_NO_ROOM;
    }
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

/* What was looked at in one choice. */
struct choice {
    uint32_t best; /* out of its turn; LANE_NONE: there is none */
    size_t no_room;
    uint64_t room_ms; /* when the first of those has room */
};

/* The best key, out of its turn; those passed over keep theirs. */
static struct choice choose(struct pool *pool, struct lane *lane, const struct need *need,
                            uint64_t now_ms)
{
    uint32_t passed[PASSED_MOST], i;
    struct choice choice = {.best = LANE_NONE, .room_ms = UINT64_MAX};
    int rank = RANK_NO_ROOM;
    size_t count = 0;

    while (rank > 0 && count < PASSED_MOST && (i = next_free(pool, lane, now_ms)) != LANE_NONE) {
        int this_rank = rank_of(pool, lane, need, i, now_ms, &choice.room_ms);

        passed[count++] = i;
        choice.no_room += this_rank == RANK_NO_ROOM;
        if (this_rank >= rank)
            continue;
        rank = this_rank;
        choice.best = i;
    }
    while (count-- > 0)
        if (passed[count] != choice.best)
            lane_put_first(lane, passed[count]);
    return choice;
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

/* Keys are available, but have no room for so many tokens: the first that has, or who wakes before. */
static struct wait wait_for_room(const struct pool *pool, const struct lane *lane,
                                 const struct choice *choice, uint64_t now_ms)
{
    struct wait wait = {choice->room_ms, ERROR_NO_QUOTA, VIEW("")}, other;

    if (lane_first(lane, false) != LANE_NONE) {
        other = wait_of(pool, lane, now_ms);
        if (other.until_ms < wait.until_ms)
            return other;
    }
    if (wait.until_ms == UINT64_MAX)
        wait.error = ERROR_OVER_MINUTE;
    return wait;
}

/* What a choice without a key comes to. */
static struct wait wait_after(const struct pool *pool, const struct lane *lane,
                              const struct choice *choice, uint64_t now_ms)
{
    return choice->no_room ? wait_for_room(pool, lane, choice, now_ms)
                           : wait_of(pool, lane, now_ms);
}

/* Whether a key is available, none being taken. */
static bool has_free(struct pool *pool, struct lane *lane, const struct need *need, uint64_t now_ms,
                     struct wait *wait)
{
    struct choice choice = choose(pool, lane, need, now_ms);

    if (choice.best != LANE_NONE)
        lane_put_first(lane, choice.best);
    else
        *wait = wait_after(pool, lane, &choice, now_ms);
    return choice.best != LANE_NONE;
}

/* Whether the model is overloaded. If its keys take longer, that is when to come again. */
static bool is_busy(struct pool *pool, const struct model *model, const struct need *need,
                    uint64_t now_ms, struct wait *wait)
{
    struct wait for_keys;

    if (!model || model->until_ms <= now_ms)
        return false;
    *wait = (struct wait){model->until_ms, ERROR_OVERLOADED, VIEW("")};
    if (!has_free(pool, model_lane(&pool->models, model), need, now_ms, &for_keys) &&
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

/* Whether its book has room for so many tokens. */
static bool has_room(const struct pool *pool, const struct lane *lane, const struct need *need,
                     uint32_t i, uint64_t now_ms, struct wait *wait)
{
    struct quota_hold quota = quota_hold_of(pool, lane, i, need->tokens, now_ms);
    bool is_never = quota.until_ms == UINT64_MAX;

    if (quota.until_ms > now_ms)
        *wait =
            (struct wait){quota.until_ms, is_never ? ERROR_OVER_MINUTE : ERROR_NO_QUOTA, VIEW("")};
    return quota.until_ms <= now_ms;
}

/* The owner's key or none, whatever the order. */
static uint32_t owner_of(const struct pool *pool, const struct lane *lane, const struct need *need,
                         uint64_t now_ms, struct wait *wait)
{
    const struct pool_key *key = pool_find(pool, need->owner);
    uint32_t i = key ? (uint32_t)(key - pool->keys) : LANE_NONE;
    struct hold hold;

    *wait = (struct wait){UINT64_MAX, ERROR_NO_KEY, VIEW("")};
    if (!key)
        return LANE_NONE;
    hold = hold_of(pool, lane, i, now_ms);
    *wait = wait_for(pool, &hold, i);
    return hold.until_ms <= now_ms && has_room(pool, lane, need, i, now_ms, wait) ? i : LANE_NONE;
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

static void reserve(struct pool *pool, struct model *model, uint32_t i, const struct need *need,
                    uint64_t now_ms, struct grant *grant)
{
    struct pool_key *key = &pool->keys[i];
    struct proxy *proxy = key->proxy ? key->proxy : proxies_pick(&pool->proxies, key->id, now_ms);
    struct lane *lane = model_lane(&pool->models, model);
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
    quota_take(pool, model, reservation, now_ms);
    *grant = (struct grant){.key_id = key->id,
                            .key = key->key,
                            .proxy = proxy->url,
                            .reservation = reservation->number,
                            .decision = decision_of(lane, need)};
}

/* The model that is asked for. NULL: none, or one that is not known of when there are many. */
static struct model *model_of(struct pool *pool, const struct need *need, uint64_t now_ms)
{
    struct model *model = model_find(&pool->models, need->model);

    quota_turn(pool, now_ms);
    if (!model && pool->quotas.minute_ms && HASH_COUNT(pool->models.by_name) < UNKNOWN_MOST)
        model = model_make(&pool->models, need->model);
    if (!model)
        return NULL;
    if (quota_ready(pool, model))
        restore_model(pool, model);
    model->asked_ms = now_ms;
    return model;
}

bool pool_take(struct pool *pool, const struct need *need, uint64_t now_ms, struct grant *grant,
               struct wait *wait)
{
    struct model *model = model_of(pool, need, now_ms);
    struct lane *lane = model_lane(&pool->models, model);
    struct choice choice = {0};
    uint32_t i;

    if (is_busy(pool, model, need, now_ms, wait) || is_shut(pool, now_ms, wait))
        return false;
    if (need->owner) {
        i = owner_of(pool, lane, need, now_ms, wait);
    } else {
        choice = choose(pool, lane, need, now_ms);
        i = choice.best;
        if (i == LANE_NONE)
            *wait = wait_after(pool, lane, &choice, now_ms);
        else
            lane_put_last(lane, i);
    }
    if (i != LANE_NONE) {
        reserve(pool, model, i, need, now_ms, grant);
        grant->decision.no_room = choice.no_room;
    }
    return i != LANE_NONE;
}

void pool_probe(struct pool *pool, uint32_t i, uint64_t now_ms, struct grant *grant)
{
    static const struct need need;

    reserve(pool, NULL, i, &need, now_ms, grant);
}

bool pool_ask(struct pool *pool, const struct need *need, uint64_t now_ms, struct wait *wait)
{
    const struct model *model = model_find(&pool->models, need->model);
    struct lane *lane = model_lane(&pool->models, model);

    quota_turn(pool, now_ms);
    if (is_busy(pool, model, need, now_ms, wait) || is_shut(pool, now_ms, wait))
        return false;
    if (need->owner)
        return owner_of(pool, lane, need, now_ms, wait) != LANE_NONE;
    return has_free(pool, lane, need, now_ms, wait);
}
