/* SPDX-License-Identifier: Apache-2.0 */
/* The key pool. Called by calls.c. What must stay true: a client's own mistake never lets a key
 * rest, and every rest has an end. */
#include "pool/pool.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/bytes.h"

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    RESTS_MOST = 100000, /* (key, model) rests remembered; model names come from clients */
    BUSY_LEAST = 3,      /* attempts at an overloaded model before it rests */
    BUSY_REST_MS = 1000, /* doubles */
    BUSY_REST_MOST_MS = 4000,
};

static uint64_t key_id(struct secret key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct bytes text = {0};
    uint64_t id = 0;

    bytes_text(&text, "gemini-key-id:");
    bytes_append(&text, key.hidden);
    EVP_Digest(text.at, text.len, digest, NULL, EVP_sha256(), NULL);
    OPENSSL_cleanse(text.at, text.len);
    bytes_clear(&text);
    for (int i = 0; i < 8; i++)
        id = id << 8 | digest[i];
    return id ? id : 1;
}

struct pool_key *pool_find(struct pool *pool, uint64_t id)
{
    struct pool_key *key;

    HASH_FIND(hh, pool->by_id, &id, sizeof(id), key);
    return key;
}

void pool_open(struct pool *pool, const struct secret *keys, size_t count)
{
    *pool = (struct pool){.keys = memory_new(count * sizeof(*pool->keys))};
    for (size_t i = 0; i < count; i++) {
        struct pool_key *key = &pool->keys[pool->count];

        *key = (struct pool_key){.id = key_id(keys[i]), .key = keys[i]};
        if (pool_find(pool, key->id))
            continue;
        HASH_ADD(hh, pool->by_id, id, sizeof(key->id), key);
        pool->count++;
    }
}

static void rest_free(struct pool *pool, struct pool_key *key, struct pool_rest *rest)
{
    HASH_DEL(key->rests, rest);
    free(rest->model);
    free(rest);
    pool->rests--;
}

/* Models */

static struct pool_model *model_find(const struct pool *pool, struct view name)
{
    struct pool_model *model = NULL;

    if (pool->models)
        HASH_FIND(hh, pool->models, name.at, name.len, model);
    return model;
}

static void model_free(struct pool *pool, struct pool_model *model)
{
    HASH_DEL(pool->models, model);
    free(model->name);
    free(model);
}

/* NULL: there are too many, or the call is about none. */
static struct pool_model *model_make(struct pool *pool, struct view name)
{
    struct pool_model *model = model_find(pool, name);

    if (model || !name.len || HASH_COUNT(pool->models) >= RESTS_MOST)
        return model;
    model = memory_new(sizeof(*model));
    model->name = memory_text(name);
    HASH_ADD_KEYPTR(hh, pool->models, model->name, name.len, model);
    return model;
}

/* Now and then any model is too busy for one attempt: only several without a good answer between
 * them say that the next will fail as well. */
static uint64_t settle_busy(struct pool *pool, struct view name, uint64_t now_ms)
{
    struct pool_model *model = model_make(pool, name);
    uint64_t rest = BUSY_REST_MS;

    if (!model)
        return now_ms;
    if (model->until_ms > now_ms)
        return model->until_ms;
    if (now_ms > model->last_ms + MINUTE_MS)
        model->count = 0;
    model->last_ms = now_ms;
    if (++model->count < BUSY_LEAST)
        return now_ms;
    for (unsigned i = BUSY_LEAST; i < model->count && rest < BUSY_REST_MOST_MS; i++)
        rest *= 2;
    model->until_ms = now_ms + rest;
    return model->until_ms;
}

/* Whatever it was asked before, it answers. */
static void settle_answer(struct pool *pool, struct view name)
{
    struct pool_model *model = model_make(pool, name);

    if (!model)
        return;
    model->is_known = true;
    model->count = 0;
    model->until_ms = 0;
}

bool pool_knows(const struct pool *pool, struct view model)
{
    const struct pool_model *known = model_find(pool, model);

    return known && known->is_known;
}

void pool_close(struct pool *pool)
{
    struct pool_model *model, *next_model;
    struct pool_rest *rest, *next;

    for (size_t i = 0; i < pool->count; i++)
        HASH_ITER (hh, pool->keys[i].rests, rest, next)
            rest_free(pool, &pool->keys[i], rest);
    HASH_ITER (hh, pool->models, model, next_model)
        model_free(pool, model);
    HASH_CLEAR(hh, pool->by_id);
    free(pool->keys);
    *pool = (struct pool){0};
}

static struct pool_rest *rest_of(const struct pool_key *key, struct view model)
{
    struct pool_rest *rest = NULL;

    if (key->rests)
        HASH_FIND(hh, key->rests, model.at, model.len, rest);
    return rest;
}

/* Until when the key rests for this model, and why. */
static uint64_t rests_until(const struct pool_key *key, struct view model, enum fault *why)
{
    const struct pool_rest *rest = rest_of(key, model);

    *why = key->why;
    if (!rest || rest->until_ms <= key->until_ms)
        return key->until_ms;
    *why = rest->why;
    return rest->until_ms;
}

static bool is_tried(uint64_t id, const uint64_t *tried, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tried[i] == id)
            return true;
    return false;
}

struct pool_key *pool_pick(struct pool *pool, struct view model, const uint64_t *tried,
                           size_t tried_count, uint64_t now_ms, struct pool_wait *wait)
{
    const struct pool_model *busy = model_find(pool, model);
    struct pool_key *again = NULL; /* fit, but tried already for this call */

    if (busy && busy->until_ms > now_ms) {
        *wait = (struct pool_wait){busy->until_ms, ERROR_OVERLOADED};
        return NULL;
    }
    *wait = (struct pool_wait){UINT64_MAX, ERROR_NO_KEY};
    for (size_t i = 0; i < pool->count; i++) {
        size_t at = (pool->next + i) % pool->count;
        struct pool_key *key = &pool->keys[at];
        enum fault why;
        uint64_t until_ms = rests_until(key, model, &why);

        if (until_ms > now_ms) {
            if (until_ms < wait->until_ms)
                *wait = (struct pool_wait){until_ms, fault_facts(why)->error};
            continue;
        }
        if (is_tried(key->id, tried, tried_count)) {
            again = again ? again : key;
            continue;
        }
        pool->next = (at + 1) % pool->count;
        return key;
    }
    return again;
}

struct pool_wait pool_earliest(const struct pool *pool, struct view model)
{
    const struct pool_model *busy = model_find(pool, model);
    struct pool_wait wait = {UINT64_MAX, ERROR_NO_KEY};

    for (size_t i = 0; i < pool->count; i++) {
        enum fault why;
        uint64_t until_ms = rests_until(&pool->keys[i], model, &why);

        if (until_ms < wait.until_ms)
            wait = (struct pool_wait){until_ms, fault_facts(why)->error};
    }
    if (busy && busy->until_ms > wait.until_ms)
        wait = (struct pool_wait){busy->until_ms, ERROR_OVERLOADED};
    return wait;
}

static uint64_t at_most(uint64_t ms, uint64_t most_ms)
{
    return ms < most_ms ? ms : most_ms;
}

/* How long to rest when the provider doesn't say, or says what is known to mislead. `last_ms`: the
 * rest before. */
static uint64_t rest_ms(enum fault fault, uint64_t retry_ms, uint64_t last_ms)
{
    switch (fault) {
    case FAULT_QUOTA_MINUTE:
        return retry_ms ? at_most(retry_ms, HOUR_MS) : MINUTE_MS;
    case FAULT_QUOTA_DAY: /* the upstream has worked out the next midnight in California */
        return retry_ms ? at_most(retry_ms, 25ULL * HOUR_MS) : HOUR_MS;
    case FAULT_QUOTA_NONE:
    case FAULT_NO_CREDIT:
        return 6ULL * HOUR_MS;
    case FAULT_QUOTA_UNKNOWN: /* doubles from one to sixty minutes */
        if (retry_ms)
            return at_most(retry_ms, HOUR_MS);
        return !last_ms ? MINUTE_MS : last_ms < HOUR_MS / 2 ? last_ms * 2 : HOUR_MS;
    case FAULT_KEY_INVALID:
    case FAULT_KEY_RESTRICTED:
    case FAULT_SERVICE_OFF:
    case FAULT_LOCATION:
    case FAULT_NO_MODEL: /* this key may not use it */
        return HOUR_MS;
    case FAULT_NONE:
    case FAULT_CLIENT_GONE:
    case FAULT_BAD_REQUEST:
    case FAULT_CONTEXT_LENGTH:
    case FAULT_BLOCKED:
    case FAULT_FORBIDDEN:
    case FAULT_OVERLOADED:
    case FAULT_SERVER:
    case FAULT_DEADLINE:
    case FAULT_CONNECT:
    case FAULT_RESET:
    case FAULT_CUT:
    case FAULT_EMPTY:
    case FAULT_MALFORMED:
    case FAULT_TIMEOUT:
    case FAULT_LOST:
    case FAULT_NAME:
    case FAULT_CERTIFICATE:
    case FAULT_TLS:
    case FAULT_PROXY:
    case FAULT_NO_ROUTE:
    case FAULT_EDGE:
    case FAULT_COUNT:
        return 0;
    }
    return 0;
}

static struct pool_rest *rest_make(struct pool *pool, struct pool_key *key, struct view model)
{
    struct pool_rest *rest = rest_of(key, model);

    if (rest || pool->rests >= RESTS_MOST)
        return rest;
    rest = memory_new(sizeof(*rest));
    rest->model = memory_text(model);
    HASH_ADD_KEYPTR(hh, key->rests, rest->model, model.len, rest);
    pool->rests++;
    return rest;
}

static uint64_t settle_key(struct pool_key *key, enum fault fault, uint64_t until_ms)
{
    if (until_ms > key->until_ms) {
        key->until_ms = until_ms;
        key->why = fault;
    }
    return key->until_ms;
}

static uint64_t settle_rest(struct pool *pool, struct pool_key *key, struct view model,
                            enum fault fault, uint64_t until_ms, uint64_t now_ms)
{
    struct pool_rest *rest = rest_make(pool, key, model);

    if (!rest)
        return now_ms;
    if (rest->until_ms <= now_ms || until_ms > rest->until_ms) {
        rest->last_ms = until_ms - now_ms;
        rest->until_ms = until_ms;
        rest->why = fault;
    }
    return until_ms;
}

/* A key's rest that has not ended stays: the answer began before it, and says nothing of now. */
static void settle_good(struct pool *pool, uint64_t id, struct view model, uint64_t now_ms)
{
    struct pool_key *key = pool_find(pool, id);
    struct pool_rest *rest = key ? rest_of(key, model) : NULL;

    if (rest && rest->until_ms <= now_ms)
        rest_free(pool, key, rest);
}

/* What rests after this fault. A model that nobody has had an answer from may not exist: that is no
 * key's fault. */
static enum fault_cools cools_of(const struct pool *pool, enum fault fault, struct view model)
{
    if (fault == FAULT_NO_MODEL)
        return pool_knows(pool, model) ? COOLS_MODEL_KEY : COOLS_NOTHING;
    return fault_facts(fault)->cools;
}

uint64_t pool_settle(struct pool *pool, uint64_t id, struct view model, uint64_t fault_number,
                     uint64_t retry_ms, uint64_t now_ms)
{
    enum fault fault = fault_number < FAULT_COUNT ? (enum fault)fault_number : FAULT_SERVER;
    enum fault_cools cools = cools_of(pool, fault, model);
    struct pool_key *key;
    struct pool_rest *rest;
    uint64_t until_ms;

    if (fault == FAULT_NONE)
        settle_good(pool, id, model, now_ms);
    if (fault == FAULT_NONE || fault == FAULT_BLOCKED)
        settle_answer(pool, model);
    if (cools == COOLS_MODEL)
        return settle_busy(pool, model, now_ms);
    key = cools == COOLS_NOTHING ? NULL : pool_find(pool, id);
    if (!key)
        return now_ms;
    rest = rest_of(key, model);
    until_ms = now_ms + rest_ms(fault, retry_ms, rest ? rest->last_ms : 0);
    return cools == COOLS_KEY ? settle_key(key, fault, until_ms)
                              : settle_rest(pool, key, model, fault, until_ms, now_ms);
}

size_t pool_fit(const struct pool *pool, uint64_t now_ms)
{
    size_t fit = 0;

    for (size_t i = 0; i < pool->count; i++)
        fit += pool->keys[i].until_ms <= now_ms;
    return fit;
}
