/* SPDX-License-Identifier: Apache-2.0 */
/* The models that the simulator has, and what each allows. */
#pragma once

#include "text.h"

enum model_kind {
    MODEL_TEXT,
    MODEL_IMAGE,  /* answers with text and a picture */
    MODEL_SPEECH, /* answers with sound */
    MODEL_EMBEDDING,
    MODEL_IMAGEN, /* predict */
};

enum model_thinking {
    THINKS_NOT,
    THINKS_BUDGET,
    THINKS_LEVEL, /* takes a budget as well, as Google does */
};

/* What a model takes; what it cannot is refused in Google's words. */
enum model_ability {
    CAN_SYSTEM = 1 << 0,
    CAN_JSON = 1 << 1,
    CAN_CALL = 1 << 2,           /* functions */
    CAN_CALL_IN_JSON = 1 << 3,   /* functions and a JSON answer at once */
    CAN_MIX_TOOLS = 1 << 4,      /* functions and Google's own tools at once */
    CAN_PENALTY = 1 << 5,        /* presencePenalty, frequencyPenalty */
    CAN_LOGPROBS = 1 << 6,       /* responseLogprobs */
    CAN_CHOOSE = 1 << 7,         /* more than one candidate */
    CAN_PREFILL = 1 << 8,        /* a last turn of the model */
    CAN_RESOLUTION = 1 << 9,     /* mediaResolution of a part */
    CAN_URLS = 1 << 10,          /* pictures by https URL */
    CAN_SIGN = 1 << 11,          /* signs its parts, and wants call signatures back */
    CAN_NAME_FREELY = 1 << 12,   /* function names of 128 characters with colons */
    CAN_OLD_ROLES = 1 << 13,     /* "function" and "tool" */
    CAN_ANY_TOP_K = 1 << 14,     /* more than 64 */
    CAN_EMPTY_OBJECTS = 1 << 15, /* OBJECT schemas without properties, any string format */
    CAN_SIZE = 1 << 16,          /* imageSize */
    CAN_TASK = 1 << 17,          /* embedding: taskType changes the vector */
    CAN_UNIT = 1 << 18,          /* embedding: shorter vectors are of length 1 too */
    CAN_MEDIA = 1 << 19,         /* embedding: pictures */
    CAN_REST = 1 << 20,          /* a budget of 0, though it is below the least */
    CAN_SIGN_IMAGES = 1 << 22,   /* wants signatures of the model's pictures back */
    IS_GONE = 1 << 21,           /* answers 404 and is not listed */
};

enum {
    LEVEL_MINIMAL = 1,
    LEVEL_LOW = 2,
    LEVEL_MEDIUM = 4,
    LEVEL_HIGH = 8,
};

struct model {
    const char *name;
    const char *title;
    const char *version;
    int input_tokens;
    int output_tokens;
    enum model_kind kind;
    enum model_thinking thinking;
    int budget_low;
    int budget_high;
    unsigned levels; /* of thinking */
    unsigned abilities;
    const char *counted_as; /* NULL: itself */
};

/* NULL when there is no such model. */
const struct model *model_find(struct span name);

/* The model of that number; NULL behind the last. */
const struct model *model_at(size_t index);

static inline bool model_can(const struct model *model, unsigned abilities)
{
    return (model->abilities & abilities) == abilities;
}

static inline bool model_generates(const struct model *model)
{
    return model->kind < MODEL_EMBEDDING;
}

/* The model that a quota counts. */
static inline struct span model_counted(const struct model *model)
{
    return span_of(model->counted_as != NULL ? model->counted_as : model->name);
}

/* The page of models from index `begin`, at most `size`, with nextPageToken when more follow. */
void model_write_list(struct text *out, size_t begin, size_t size, bool pretty);
void model_write(struct text *out, const struct model *model, bool pretty);
