/* SPDX-License-Identifier: Apache-2.0 */
/* What the pool knows of models: which exist, which are overloaded, and the lanes of those that
 * some key cools down for. */
#pragma once

#include <uthash.h>

#include "pool/lane.h"
#include "pool/quota.h"
#include "base/view.h"

struct model {
    char *name;
    bool is_known; /* a key has had an answer from it */
    unsigned
        count; /* attempts since then that found it overloaded; those during a rest count as one */
    uint64_t last_ms;          /* the last of them */
    uint64_t until_ms;         /* cools down for every key until then */
    uint64_t asked_ms;         /* when a call wanted it last */
    struct lane *lane;         /* NULL: no key has cooled down for it yet, nor is a limit known */
    struct quota_model *quota; /* its books; NULL: there are none */
    UT_hash_handle hh;
};

struct models {
    struct model *by_name;
    struct lane *lanes;  /* list, of all models together */
    struct lane *common; /* of the models that have none; last in the list */
    size_t lane_keys;
};

void models_open(struct models *models, size_t keys);
void models_close(struct models *models);

struct model *model_find(const struct models *models, struct view name);

/* NULL: there are too many, or the call is about none. */
struct model *model_make(struct models *models, struct view name);

/* The order of keys for calls to this model (NULL: to none). */
struct lane *model_lane(const struct models *models, const struct model *model);

/* Gives it a lane of its own. NULL: there is no room for one. */
struct lane *model_lane_make(struct models *models, struct model *model);

/* An attempt found it overloaded. Returns until when it cools down, or now_ms. */
uint64_t model_busy(struct model *model, uint64_t now_ms);

/* An attempt was answered. True: it has ended a cool-down. */
bool model_answers(struct model *model);
