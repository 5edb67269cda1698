/* SPDX-License-Identifier: Apache-2.0 */
/* The models that the pool's keys have, as they said last; and which of them serves a request.
 * catalog_reader.h asks for them. */
#pragma once

#include "base/bytes.h"
#include "error.h"
#include "models/model.h"

/* How long a request waits for the list: where the list is what it asks for, and where it only
 * serves to choose a model. */
enum { CATALOG_LIST_MS = 20000, CATALOG_CHOICE_MS = 3000 };

/* Valid when zeroed. */
struct catalog {
    struct bytes names; /* of those that a route of ours serves: each with a zero behind it */
    uint64_t read_ms;   /* when they were read; 0: never */
    uint64_t failed_ms; /* when that failed last; 0: it has not since */

    /* …and how, for who waited for them */
    struct catalog_failure {
        enum error error;
        uint64_t status, retry_after_ms;
        bool is_tried;
        struct bytes body;
    } failure;
};

void catalog_clear(struct catalog *catalog);

/* Adds the models of a page of the provider's list to `names`, those that it has not yet. Returns
 * false if it is no such page; else `token` is the next one's, empty behind the last. */
bool catalog_read_page(struct bytes *names, struct view json, struct bytes *token);

/* Whether the list is known and not older than MODELS_CACHE. */
bool catalog_is_fresh(const struct catalog *catalog, uint64_t now_ms);

bool catalog_has(const struct catalog *catalog, struct view name);

size_t catalog_count(const struct catalog *catalog);

/* Takes the next name, from `*at` = 0 on; false: there is none. */
bool catalog_next(const struct catalog *catalog, size_t *at, struct view *name);

/* Which model serves. */
struct model_choice {
    struct view name; /* a part of what was asked, or static, or of the settings */
    int dimensions;   /* of its vectors, where a name has always meant so many; 0: as it likes */
};

enum choice {
    CHOICE_MADE,
    CHOICE_NONE,   /* it is no name of a model, or FILTERED_MODELS has it */
    CHOICE_AWAITS, /* the list of models has to be asked for */
};

/* `asked` is a name as clients write them. `may_wait`: the list can be waited for; else it is chosen
 * by what is known. `catalog` may be NULL: then nothing but the operator's aliases is known. */
enum choice catalog_choose(const struct catalog *catalog, struct view asked, bool may_wait,
                           uint64_t now_ms, struct model_choice *choice);
