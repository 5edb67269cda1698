/* SPDX-License-Identifier: Apache-2.0 */
/* Models. Called by pool.c and report.c. What must stay true: names come from clients, so that
 * neither their number nor their lanes may grow without end. */
#include "pool/models.h"

#include <stdlib.h>

#include "base/bytes.h"

enum {
    MINUTE_MS = 60 * 1000,
    MODELS_MOST = 10000,
    LANE_KEYS_MOST = 1 << 22, /* in all lanes together */
    BUSY_LEAST = 3,           /* attempts at an overloaded model before it cools down */
    BUSY_MS = 1000,           /* doubles */
    BUSY_MOST_MS = 4000,
};

void models_open(struct models *models, size_t keys)
{
    *models = (struct models){.common = lane_new(keys)};
    models->lanes = models->common;
}

void models_close(struct models *models)
{
    struct model *model, *next;

    HASH_ITER (hh, models->by_name, model, next) {
        HASH_DEL(models->by_name, model);
        free(model->name);
        free(model);
    }
    for (struct lane *lane = models->lanes, *after; lane; lane = after) {
        after = lane->next;
        lane_free(lane);
    }
    *models = (struct models){0};
}

struct model *model_find(const struct models *models, struct view name)
{
    struct model *model = NULL;

    if (models->by_name)
        HASH_FIND(hh, models->by_name, name.at, name.len, model);
    return model;
}

struct model *model_make(struct models *models, struct view name)
{
    struct model *model = model_find(models, name);

    if (model || !name.len || HASH_COUNT(models->by_name) >= MODELS_MOST)
        return model;
    model = memory_new(sizeof(*model));
    model->name = memory_text(name);
    HASH_ADD_KEYPTR(hh, models->by_name, model->name, name.len, model);
    return model;
}

struct lane *model_lane(const struct models *models, const struct model *model)
{
    return model && model->lane ? model->lane : models->common;
}

struct lane *model_lane_make(struct models *models, struct model *model)
{
    size_t keys = models->common->count;

    if (model->lane || models->lane_keys + keys > LANE_KEYS_MOST)
        return model->lane;
    model->lane = lane_new(keys);
    model->lane->model = model;
    model->lane->next = models->lanes;
    models->lanes = model->lane;
    models->lane_keys += keys;
    return model->lane;
}

/* Now and then any model is too busy for one attempt: only several without a good answer between
 * them say that the next will fail as well. */
uint64_t model_busy(struct model *model, uint64_t now_ms)
{
    uint64_t rest_ms = BUSY_MS;

    if (model->until_ms > now_ms)
        return model->until_ms;
    if (now_ms > model->last_ms + MINUTE_MS)
        model->count = 0;
    model->last_ms = now_ms;
    if (++model->count < BUSY_LEAST)
        return now_ms;
    for (unsigned i = BUSY_LEAST; i < model->count && rest_ms < BUSY_MOST_MS; i++)
        rest_ms *= 2;
    model->until_ms = now_ms + rest_ms;
    return model->until_ms;
}

bool model_answers(struct model *model)
{
    bool has_ended = model->until_ms > 0;

    model->is_known = true;
    model->count = 0;
    model->until_ms = 0;
    return has_ended;
}
