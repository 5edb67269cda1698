/* SPDX-License-Identifier: Apache-2.0 */
/* The key pool: which key serves the next attempt, which rest and until when. Plain functions, no
 * sockets; time is passed in (milliseconds of a clock that only goes forward). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "error.h"
#include "fault.h"
#include "base/secret.h"
#include "base/view.h"

/* A key's rest for one model. */
struct pool_rest {
    char *model;
    uint64_t until_ms;
    uint64_t last_ms; /* how long the last rest without a stated time was; the next is longer */
    enum fault why;
    UT_hash_handle hh;
};

struct pool_key {
    uint64_t id;       /* hash of the key, the same after a restart; never 0 */
    struct secret key; /* borrowed from the options */
    uint64_t until_ms; /* rests for every model until then; 0: fit */
    enum fault why;
    struct pool_rest *rests; /* by model; only models that rested once */
    UT_hash_handle hh;       /* in by_id */
};

/* A model that has answered once, or was overloaded. */
struct pool_model {
    char *name;
    bool is_known; /* a key has had an answer from it */
    unsigned
        count; /* attempts since then that found it overloaded; those during a rest count as one */
    uint64_t last_ms;  /* the last of them */
    uint64_t until_ms; /* rests for every key until then */
    UT_hash_handle hh;
};

struct pool {
    struct pool_key *keys;
    struct pool_key *by_id;
    struct pool_model *models;
    size_t count;
    size_t next;  /* round robin */
    size_t rests; /* of all keys together */
};

/* What pool_pick found when it found no key. */
struct pool_wait {
    uint64_t until_ms; /* when the first key, or the model, will be fit again; UINT64_MAX: never */
    enum error error;  /* what to tell the client meanwhile */
};

/* Keys that are there twice count once. The secrets must outlive the pool. */
void pool_open(struct pool *pool, const struct secret *keys, size_t count);
void pool_close(struct pool *pool);

/* The next fit key for `model`, preferring those whose id is not in `tried`; NULL with `wait`
 * filled in if all rest, or the model does. */
struct pool_key *pool_pick(struct pool *pool, struct view model, const uint64_t *tried,
                           size_t tried_count, uint64_t now_ms, struct pool_wait *wait);

/* When the model and the first key for it will be fit (0, or a time that has passed: they are), and
 * what keeps it until then. */
struct pool_wait pool_earliest(const struct pool *pool, struct view model);

/* Settles an attempt's end: lets rest what the fault says. `retry_ms`: how long the provider says
 * to wait, or 0. Returns until when (now_ms: nothing rests). An unknown id is ignored. */
uint64_t pool_settle(struct pool *pool, uint64_t key_id, struct view model, uint64_t fault,
                     uint64_t retry_ms, uint64_t now_ms);

/* Whether any key has had an answer from this model: then its name is right. */
bool pool_knows(const struct pool *pool, struct view model);

/* The key of that id, or NULL. */
struct pool_key *pool_find(struct pool *pool, uint64_t key_id);

/* How many keys are fit for any model. */
size_t pool_fit(const struct pool *pool, uint64_t now_ms);
