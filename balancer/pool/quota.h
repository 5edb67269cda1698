/* SPDX-License-Identifier: Apache-2.0 */
/* The books of all projects and models: what is reserved, what of it the provider has counted, which
 * limits hold, and what refusals teach of them. Keys of one project share a book; a key of which
 * nobody has said otherwise is a project by itself. Plain functions, no sockets; time is passed in. */
#pragma once

#include "pool/book.h"
#include "pool/calendar.h"
#include "pool/shelf.h"
#include "base/view.h"

struct pool;
struct model;
struct lane;
struct reservation;

/* What a project knows of one model. */
struct account {
    uint32_t slot; /* of the shelf; 0: none */
    struct book book;
    struct allowance own;  /* that were told to it, or that it has grown to */
    struct allowance told; /* by the provider… */
    uint64_t told_ms;      /* …the last time; 0: never */
    uint64_t full_ms;      /* when the minute was used up last */
    unsigned fulls;        /* how often since the last refusal or step */
    bool has_opened;       /* it asks for more than is presumed */
    bool is_shared;        /* others use its project: its limit is what it has got of that */
    uint64_t told_share;   /* then: the whole */
};

/* What all projects know of one model. */
struct quota_model {
    struct account **accounts; /* by the first key of each project; NULL: not used yet */
    struct allowance
        tiers[TIER_COUNT]; /* TIER_UNKNOWN: presumed of keys of which no tier is known */
    struct allowance told[TIER_COUNT]; /* by refusals */
    bool is_set;                       /* by the operator: nothing is presumed */
    bool has_hearsay;                  /* a refusal has told of limits that no book bears out */
    unsigned tellers;                  /* projects whose refusals have told a limit */
    unsigned opened;                   /* projects that ask for more, not refused so far */
};

/* Valid zeroed, with a minute of no length: then nothing is counted. */
struct quotas {
    uint64_t minute_ms;
    uint64_t spread_ms;       /* by so much requests differ on their way */
    enum tier tier;           /* of keys of which nobody has said one */
    const char *const *lines; /* of MODEL_LIMITS; borrowed */
    size_t line_count;
    struct calendar calendar;
    struct shelf shelf; /* what is kept of it on disk */
    uint64_t begun_ms;  /* 0: not yet */
    size_t accounts;    /* of all models, as many as have been made */
    size_t places;      /* for them */
};

/* Which limits a refusal has named; 0: not that. */
struct told_limits {
    struct allowance limits;
    bool is_free; /* of the free tier */
};

/* The window of rule S. */
uint64_t quota_window_ms(const struct quotas *quotas);

/* What is due by the time. Before each of the following. */
void quota_turn(struct pool *pool, uint64_t now_ms);

/* A model is asked for: its books are made ready, if there is room. True: just now. */
bool quota_ready(struct pool *pool, struct model *model);
void quota_close(struct pool *pool, struct model *model);

struct quota_hold {
    uint64_t until_ms; /* now_ms: there is room; UINT64_MAX: there never is */
    bool is_day;
};

/* Whether the books have room for one more request of so many tokens. */
struct quota_hold quota_hold_of(const struct pool *pool, const struct lane *lane, uint32_t key,
                                uint64_t tokens, uint64_t now_ms);

/* Writes into the book what the reservation is going to cost. */
void quota_take(struct pool *pool, struct model *model, struct reservation *reservation,
                uint64_t now_ms);

/* The attempt has ended so; `tokens`: what it has cost, 0: nobody knows. True: there is room again. */
bool quota_settle(struct pool *pool, struct reservation *reservation, uint64_t fault,
                  uint64_t tokens);

/* A refusal has named limits. */
void quota_learn(struct pool *pool, struct model *model, uint32_t key,
                 const struct told_limits *told, uint64_t now_ms);

/* Both keys are of one project, which has one book from now on. */
void quota_join(struct pool *pool, uint32_t key, uint32_t other);

/* The account of the key's project, made if there is none; NULL: there is no room. */
struct account *quota_account(struct pool *pool, struct model *model, uint32_t key);

/* What the account has been told holds again. */
void quota_restored(struct pool *pool, struct model *model, const struct account *account,
                    uint32_t key);

/* The limits that hold for the key now. */
struct allowance quota_limits(const struct pool *pool, const struct model *model, uint32_t key);
