/* SPDX-License-Identifier: Apache-2.0 */
/* Who serves a call: which key, by which way out. Plain functions, no sockets; time is passed in
 * (milliseconds of a clock that only goes forward, never 0). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "error.h"
#include "fault.h"
#include "pool/models.h"
#include "pool/proxies.h"
#include "pool/reservations.h"
#include "base/secret.h"
#include "base/view.h"

/* A request that costs no quota, which shows whether the provider takes the key. */
struct trial {
    uint64_t number, utc_ms; /* 0: there was none */
    uint8_t fault;           /* enum fault */
};

struct pool_key {
    uint64_t id;              /* hash of the key, the same after a restart; never 0 */
    struct secret key;        /* borrowed from the options */
    struct proxy *proxy;      /* its way, where that is by key */
    struct cooldown cooldown; /* for every model; those for one model are in its lane */
    char *words;              /* the provider's, when it refused the key last; NULL: none */
    uint64_t in_flight;       /* attempts */
    uint64_t tokens;          /* that they may cost */
    enum tier tier;           /* of its project, if it leads that */
    uint32_t project;         /* the key that leads it: its own place, or one before it */
    uint32_t next_of_project; /* in a ring; its own place: there is no other */
    bool is_off;              /* an administrator wants it not used */
    struct trial trial;       /* the last */
    uint64_t digest, changed; /* sight.c's: what it looked like, and since which version */
    UT_hash_handle hh;        /* in by_id */
};

struct pool {
    const char *name; /* of its provider: one key has another id in each */
    struct pool_key *keys;
    struct pool_key *by_id;
    size_t count;
    bool has_aside; /* a key behind them, which is not counted */
    struct models models;
    struct proxies proxies;
    struct reservations reservations;
    struct quotas quotas;
    uint64_t version; /* sight.c's */
    bool has_news; /* something is available earlier than a wait has said; the reader resets it */
};

/* What a call needs. */
struct need {
    struct view model;     /* empty: none */
    uint64_t tokens;       /* to reserve */
    uint64_t owner;        /* the only key that will do; 0: any */
    const uint64_t *tried; /* keys that come last */
    size_t tried_count;
};

/* What the choice was made from, as the ledger has it. */
struct decision {
    uint64_t keys;         /* considered; of these */
    uint64_t cooling;      /* cooled down for a while */
    uint64_t spent;        /* had no quota left */
    uint64_t dead;         /* are refused by the provider */
    uint64_t off;          /* are switched off */
    uint64_t no_room;      /* had no room for this call beside others */
    const char *chosen_by; /* why it was this key; NULL: its turn had come */
};

struct grant {
    uint64_t key_id;
    struct secret key, proxy;
    uint64_t reservation; /* settle or release it, once */
    struct decision decision;
};

struct wait {
    uint64_t until_ms; /* when it is worth asking again; UINT64_MAX: nobody knows */
    enum error error;  /* what to tell the client meanwhile */
    struct view words; /* the provider's, if there are any; borrowed from the pool */
};

/* How an attempt has ended. */
struct verdict {
    uint64_t key_id;
    struct view model;
    uint64_t fault;
    uint64_t stated_ms; /* how long the provider says to wait; 0: it does not */
    struct view words;  /* of the provider, masked */
    uint64_t tokens;    /* that the question had; 0: nobody knows */
    struct told_limits told;
};

/* What that has cooled down; scope COOL_NOTHING: nothing. */
struct cooled {
    enum scope scope;
    uint64_t until_ms;
    const struct proxy *proxy; /* COOL_EXIT */
    const struct pool_key *key;
};

/* Keys that are there twice count once. The secrets must outlive the pool. */
void pool_open(struct pool *pool, const struct secret *keys, size_t count);
/* …of another provider than Gemini; the name is static. */
void pool_open_as(struct pool *pool, const char *name, const struct secret *keys, size_t count);
/* Takes in a key, one at most, that serves only calls which name it as their owner. Returns its id. One
 * of the pool's own goes on serving the others too. Before pool_open_proxies. */
uint64_t pool_set_aside(struct pool *pool, struct secret key);
void pool_open_proxies(struct pool *pool, const struct secret *urls, size_t count, bool is_by_key);
void pool_close(struct pool *pool);

/* What is counted, and how. `lines` outlive the pool. */
struct quota_rules {
    uint64_t minute_ms, spread_ms;
    uint64_t day_ms; /* 0: the provider's */
    enum tier tier;
    const char *const *lines;
    size_t line_count;
};
void pool_set_quotas(struct pool *pool, const struct quota_rules *rules);

/* What is counted, and which projects rest, is kept in the file of that path, with what it has of a
 * former process. Behind pool_set_quotas; false: errno says why it is not. */
bool pool_keep(struct pool *pool, const char *path);

/* The projects of its keys by name, in the order in which they were given to pool_open; an empty one: the
 * key is alone. Before the first call. */
void pool_set_projects(struct pool *pool, const char *const *names, size_t count);

/* What the clock of 1970 says: now and then, for the provider's days. */
void pool_tell_time(struct pool *pool, uint64_t now_ms, uint64_t utc_ms);

/* A key for the call, in turn, preferring those that it has not tried; false with `wait` filled in
 * if none is available. */
bool pool_take(struct pool *pool, const struct need *need, uint64_t now_ms, struct grant *grant,
               struct wait *wait);

/* The same question without taking one. True: one is available. */
bool pool_ask(struct pool *pool, const struct need *need, uint64_t now_ms, struct wait *wait);

/* Takes the key of that index to try it, whatever the order. */
void pool_probe(struct pool *pool, uint32_t i, uint64_t now_ms, struct grant *grant);

/* An attempt has ended. `reservation` may be 0, or be over: what the key did is true all the same.
 * An unknown key is ignored. */
struct cooled pool_settle(struct pool *pool, uint64_t reservation, const struct verdict *verdict,
                          uint64_t now_ms);

/* It will not be made, or nobody will say how it ended. */
void pool_release(struct pool *pool, uint64_t reservation, uint64_t now_ms);

/* An administrator's orders. False: there is no such key. `pool_end_rest`: the next call may try it
 * for every model, as after a cool-down that is over; `pool_turn_off`: nothing uses it any more. */
bool pool_end_rest(struct pool *pool, uint64_t key_id, uint64_t now_ms);
bool pool_turn_off(struct pool *pool, uint64_t key_id, bool is_off, uint64_t now_ms);

/* A trial of the key has ended so. */
void pool_tried(struct pool *pool, uint64_t key_id, uint64_t fault, uint64_t utc_ms);

/* Whether any key has had an answer from this model: then its name is right. */
bool pool_knows(const struct pool *pool, struct view model);

struct pool_key *pool_find(const struct pool *pool, uint64_t key_id);
