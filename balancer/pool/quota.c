/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas. Called by choosing.c and settling.c. What must stay true: what is sent is in a book before it
 * leaves, and out of it only if the provider has not counted it; and a limit that nobody has told is
 * left behind when it proves to be none. */
#include "pool/quota.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "pool/keep.h"
#include "pool/pool_private.h"

enum {
    PLACES_MOST = 1 << 22,   /* for accounts, in all models together */
    ACCOUNTS_MOST = 1 << 20, /* that are used */
    EXACT_MOST = 64,         /* requests a minute that have a stamp each */
    GRAINS = 244,            /* in a window, for more */
    CAREFUL_PARTS = 20,      /* an estimate counts for 23 of these */
    CAREFUL = 23,
    OPENING_FULLS = 2,  /* minutes used up before a presumed limit is left behind */
    SHARING_FULLS = 10, /* …before a share grows */
    CONTRADICTION = 4,  /* times a limit that have been served speak against it */
    TELLERS = 3,        /* projects that make a presumption firm */
    DAY_MINUTES = 1440, /* what was told longer ago is presumed */
};

uint64_t quota_window_ms(const struct quotas *quotas)
{
    return quotas->minute_ms + quotas->spread_ms;
}

void quota_turn(struct pool *pool, uint64_t now_ms)
{
    struct quotas *quotas = &pool->quotas;

    if (!quotas->begun_ms)
        quotas->begun_ms = now_ms;
    calendar_day(&quotas->calendar, now_ms);
}

static bool has_any(const struct allowance *limits)
{
    return limits->requests || limits->tokens || limits->day;
}

/* Making */

static void fill_in(const struct quotas *quotas, struct view name, struct quota_model *quota)
{
    struct allowance set;

    quota->is_set = allowance_of_list(quotas->lines, quotas->line_count, name, &set);
    for (int tier = TIER_UNKNOWN; tier < TIER_COUNT; tier++)
        quota->tiers[tier] = quota->is_set               ? set
                             : tier == (int)quotas->tier ? allowance_of_tier(name, quotas->tier)
                                                         : (struct allowance){0};
}

bool quota_ready(struct pool *pool, struct model *model)
{
    struct quotas *quotas = &pool->quotas;
    struct quota_model *quota = model->quota;
    size_t keys = pool->count + 1;

    if (quota || !quotas->minute_ms || quotas->places + keys > PLACES_MOST)
        return false;
    quota = model->quota = memory_new(sizeof(*quota));
    quota->accounts = memory_new(keys * sizeof(struct account *));
    quotas->places += keys;
    fill_in(quotas, view_of(model->name), quota);
    if (quota->is_set || quotas->tier != TIER_UNKNOWN)
        model_lane_make(&pool->models, model);
    return true;
}

void quota_close(struct pool *pool, struct model *model)
{
    if (!model->quota)
        return;
    for (size_t i = 0; i <= pool->count; i++) {
        if (!model->quota->accounts[i])
            continue;
        book_clear(&model->quota->accounts[i]->book);
        free(model->quota->accounts[i]);
    }
    free(model->quota->accounts);
    free(model->quota);
    model->quota = NULL;
}

static struct account *account_find(const struct pool *pool, const struct model *model,
                                    uint32_t key)
{
    return model && model->quota ? model->quota->accounts[pool->keys[key].project] : NULL;
}

struct account *quota_account(struct pool *pool, struct model *model, uint32_t key)
{
    struct account **place;

    if (!model || !model->quota)
        return NULL;
    place = &model->quota->accounts[pool->keys[key].project];
    if (!*place && pool->quotas.accounts < ACCOUNTS_MOST) {
        *place = memory_new(sizeof(**place));
        (*place)->slot =
            shelf_take(&pool->quotas.shelf, pool->keys[pool->keys[key].project].id, model->name);
        pool->quotas.accounts++;
    }
    return *place;
}

/* Limits */

static enum tier tier_of_key(const struct pool *pool, uint32_t key)
{
    enum tier tier = pool->keys[pool->keys[key].project].tier;

    return tier != TIER_UNKNOWN ? tier : pool->quotas.tier;
}

struct allowance quota_limits(const struct pool *pool, const struct model *model, uint32_t key)
{
    const struct account *account = account_find(pool, model, key);
    struct allowance common = {0};

    if (model && model->quota)
        common = model->quota->tiers[tier_of_key(pool, key)];
    return account ? allowance_else(account->own, common) : common;
}

static uint64_t one_of(const struct allowance *limits, bool is_day)
{
    return is_day ? limits->day : limits->requests;
}

/* Whether its limit is no more than presumed. */
static bool may_open(const struct pool *pool, const struct quota_model *quota,
                     const struct account *account, uint32_t key, bool is_day, uint64_t now_ms)
{
    enum tier tier = tier_of_key(pool, key);

    if (quota->is_set)
        return false;
    if (one_of(&account->told, is_day))
        return account->told_ms + DAY_MINUTES * pool->quotas.minute_ms <= now_ms;
    if (tier != TIER_UNKNOWN)
        return !one_of(&quota->told[tier], is_day);
    return quota->tellers < TELLERS || quota->opened;
}

static void open_up(struct quota_model *quota, struct account *account,
                    const struct allowance *limits, bool is_day)
{
    if (is_day)
        account->own.day = limits->day + limits->day / 2 + 1;
    else
        account->own.requests = limits->requests + limits->requests / 2 + 1;
    account->fulls = 0;
    quota->opened += !account->has_opened;
    account->has_opened = true;
}

static void grow_share(struct account *account)
{
    account->fulls = 0;
    if (++account->own.requests >= account->told_share)
        account->is_shared = false;
}

/* The minute, or the day, has just been used up. */
static void note_full(struct pool *pool, struct model *model, struct account *account, uint32_t key,
                      uint64_t now_ms)
{
    struct allowance limits = quota_limits(pool, model, key);

    if (book_day_is_spent(&account->book, &limits) &&
        may_open(pool, model->quota, account, key, true, now_ms))
        open_up(model->quota, account, &limits, true);
    if (!limits.requests || account->book.requests < limits.requests ||
        (account->full_ms && account->full_ms + quota_window_ms(&pool->quotas) > now_ms))
        return;
    account->full_ms = now_ms;
    account->fulls++;
    if (account->is_shared && account->fulls >= SHARING_FULLS)
        grow_share(account);
    else if (!account->is_shared && account->fulls >= OPENING_FULLS &&
             may_open(pool, model->quota, account, key, false, now_ms))
        open_up(model->quota, account, &limits, false);
}

/* Room */

static uint64_t careful(uint64_t tokens)
{
    return tokens > UINT32_MAX ? UINT32_MAX : tokens * CAREFUL / CAREFUL_PARTS;
}

/* What asks for more than there ever is by the careful estimate only may go when all is free. */
static uint64_t at_most(uint64_t tokens, uint64_t bare, const struct allowance *limits)
{
    return limits->tokens && tokens > limits->tokens && bare <= limits->tokens ? limits->tokens
                                                                               : tokens;
}

struct quota_hold quota_hold_of(const struct pool *pool, const struct lane *lane, uint32_t key,
                                uint64_t tokens, uint64_t now_ms)
{
    const struct quotas *quotas = &pool->quotas;
    struct account *account = account_find(pool, lane->model, key);
    struct allowance limits;
    uint64_t wanted;

    if (!account && !tokens)
        return (struct quota_hold){.until_ms = now_ms};
    limits = quota_limits(pool, lane->model, key);
    wanted = at_most(careful(tokens), tokens, &limits);
    if (!account)
        return (struct quota_hold){.until_ms = limits.tokens && wanted > limits.tokens ? UINT64_MAX
                                                                                       : now_ms};
    book_turn(&account->book, quota_window_ms(quotas), quotas->calendar.day, now_ms);
    if (book_day_is_spent(&account->book, &limits))
        return (struct quota_hold){quotas->calendar.ends_ms, true};
    return (struct quota_hold){
        .until_ms = book_free_ms(&account->book, &limits, wanted, quota_window_ms(quotas), now_ms)};
}

/* Taking and settling */

static uint64_t grain_of(const struct quotas *quotas, const struct allowance *limits)
{
    bool is_exact = limits->requests && limits->requests <= EXACT_MOST;

    return is_exact ? 1 : quota_window_ms(quotas) / GRAINS;
}

void quota_take(struct pool *pool, struct model *model, struct reservation *reservation,
                uint64_t now_ms)
{
    const struct quotas *quotas = &pool->quotas;
    struct account *account = quota_account(pool, model, reservation->key);
    struct allowance limits;

    reservation->account = account;
    if (!account)
        return;
    limits = quota_limits(pool, model, reservation->key);
    reservation->spend = (struct spend){
        .tokens = at_most(careful(reservation->tokens), reservation->tokens, &limits),
        .grain_ms = grain_of(quotas, &limits),
        .is_late = calendar_is_late(&quotas->calendar, now_ms),
    };
    book_turn(&account->book, quota_window_ms(quotas), quotas->calendar.day, now_ms);
    reservation->day = account->book.day;
    reservation->stamp_ms = book_take(&account->book, &reservation->spend, now_ms);
    note_full(pool, model, account, reservation->key, now_ms);
    keep_spend(quotas, account, reservation->stamp_ms, 1, (int64_t)reservation->spend.tokens);
}

/* What the provider refuses for a key or a quota it does not count, nor what has not reached it; a model
 * that is overloaded it does. */
static bool is_counted(uint64_t fault)
{
    return !rule_of(fault)->is_undone || fault == FAULT_OVERLOADED || fault == FAULT_NO_MODEL;
}

static void undo(const struct pool *pool, struct account *account,
                 const struct reservation *reservation)
{
    book_undo(&account->book, reservation->stamp_ms, &reservation->spend, reservation->day);
    keep_spend(&pool->quotas, account, reservation->stamp_ms, -1,
               -(int64_t)reservation->spend.tokens);
}

bool quota_settle(struct pool *pool, struct reservation *reservation, uint64_t fault,
                  uint64_t tokens)
{
    struct account *account = reservation->account;

    if (!account)
        return false;
    if (!is_counted(fault))
        undo(pool, account, reservation);
    else if (tokens)
        book_settle(&account->book, reservation->stamp_ms, reservation->spend.tokens, tokens);
    reservation->account = NULL;
    return !is_counted(fault) || (tokens && tokens < reservation->spend.tokens);
}

/* Learning */

/* The book had room: others use the project, perhaps keys of ours. What it has got is its share. */
static bool is_unexpected(const struct pool *pool, const struct account *account, uint32_t key,
                          uint64_t requests, uint64_t now_ms)
{
    bool has_counted = pool->quotas.begun_ms + quota_window_ms(&pool->quotas) <= now_ms;
    bool is_alone = pool->keys[key].next_of_project == key && pool->count > 1;

    return has_counted && is_alone && requests && account->book.requests < requests;
}

static void note_told(struct quota_model *quota, struct account *account,
                      const struct allowance *limits, uint64_t now_ms)
{
    quota->tellers += !account->told_ms;
    quota->opened -= account->has_opened;
    account->has_opened = account->is_shared = false;
    account->told_ms = now_ms;
    account->fulls = 0;
    account->own = allowance_else(*limits, account->own);
    account->told = allowance_else(*limits, account->told);
}

static void share(const struct pool *pool, struct account *account, uint32_t key,
                  const struct allowance *limits, uint64_t now_ms)
{
    if (!is_unexpected(pool, account, key, limits->requests, now_ms))
        return;
    account->is_shared = true;
    account->told_share = limits->requests;
    account->own.requests = account->book.requests ? account->book.requests : 1;
}

/* All keys of this tier are told. What one of no known tier was told the others of none presume; what the free tier gets
 * they do not, since they may pay. */
static void tell_tier(struct quota_model *quota, enum tier tier, const struct allowance *limits)
{
    if (quota->is_set)
        return;
    quota->tiers[tier] = allowance_else(*limits, quota->tiers[tier]);
    quota->told[tier] = allowance_else(*limits, quota->told[tier]);
}

static bool is_near(uint64_t used, uint64_t limit)
{
    return limit && used * 2 >= limit;
}

/* Whether the book has as much as that, about. */
static bool is_borne_out(const struct book *book, const struct allowance *limits)
{
    return is_near(book->requests, limits->requests) || is_near(book->tokens, limits->tokens) ||
           is_near(book->day_requests, limits->day);
}

/* Whether the provider has just served far more than that: no window of a minute lets through more than twice its quota. */
static bool is_contradicted(const struct book *book, const struct allowance *limits)
{
    return (limits->requests && book->requests / CONTRADICTION > limits->requests) ||
           (limits->day && book->day_requests / CONTRADICTION > limits->day);
}

/* One refusal that the book does not bear out may be about what others did, or about nothing. */
static bool is_believed(struct quota_model *quota, const struct account *account,
                        const struct allowance *limits)
{
    bool has_hearsay = quota->has_hearsay;

    if (is_contradicted(&account->book, limits))
        return false;
    if (is_borne_out(&account->book, limits))
        return true;
    quota->has_hearsay = true;
    return has_hearsay;
}

void quota_learn(struct pool *pool, struct model *model, uint32_t key,
                 const struct told_limits *told, uint64_t now_ms)
{
    struct account *account;

    account = quota_account(pool, model, key);
    if (!account || !has_any(&told->limits))
        return;
    if (told->is_free)
        pool->keys[pool->keys[key].project].tier = TIER_FREE;
    book_turn(&account->book, quota_window_ms(&pool->quotas), pool->quotas.calendar.day, now_ms);
    if (!is_believed(model->quota, account, &told->limits))
        return;
    note_told(model->quota, account, &told->limits, now_ms);
    share(pool, account, key, &told->limits, now_ms);
    tell_tier(model->quota, tier_of_key(pool, key), &told->limits);
    model_lane_make(&pool->models, model);
    keep_limits(pool, account, pool->keys[pool->keys[key].project].tier);
}

void quota_restored(struct pool *pool, struct model *model, const struct account *account,
                    uint32_t key)
{
    model->quota->tellers += account->told_ms > 0;
    if (has_any(&account->told))
        tell_tier(model->quota, tier_of_key(pool, key), &account->told);
    model_lane_make(&pool->models, model);
}

/* Projects */

static void lead(struct pool *pool, uint32_t key, uint32_t project)
{
    uint32_t i = key;

    do {
        pool->keys[i].project = project;
        i = pool->keys[i].next_of_project;
    } while (i != key);
}

void quota_join(struct pool *pool, uint32_t key, uint32_t other)
{
    struct pool_key *keys = pool->keys;
    uint32_t next = keys[key].next_of_project;

    if (keys[key].project == keys[other].project)
        return;
    lead(pool, other, keys[key].project);
    keys[key].next_of_project = keys[other].next_of_project;
    keys[other].next_of_project = next;
}
