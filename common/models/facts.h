/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about the provider's models by their names: which of them think and how that is
 * asked for, what they take and refuse. Used by the dialects; a model that the table doesn't know is
 * sent nothing special. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum model_thinking {
    THINKS_NOT,    /* or unknown: no thinkingConfig is sent */
    THINKS_BUDGET, /* thinkingBudget, in tokens */
    THINKS_LEVEL,  /* thinkingLevel, a word */
};

enum model_embeds {
    EMBEDS_NOT,   /* it is of another kind */
    EMBEDS,       /* or nothing is known of it; shortened vectors are not of length 1 */
    EMBEDS_UNITS, /* of length 1 at each size */
};

struct model_facts {
    const char *pattern; /* of the name; * is any text, [a-b] one character of a range */
    enum model_thinking thinking;
    int budget_off;             /* THINKS_BUDGET: what comes closest to not thinking */
    int budget_min, budget_max; /* THINKS_BUDGET */
    const char *levels[4]; /* THINKS_LEVEL: for minimal (and none), low, medium, high (and above) */
    bool is_off_by_default; /* thinks only when asked to: thoughts are shown only then */
    bool is_sampling_fixed; /* temperature, top_p, top_k have no meaning */
    bool refuses_prefill;   /* the last turn must be the user's */
    bool has_no_system;     /* no systemInstruction */
    bool has_no_json;       /* no responseMimeType */
    bool has_no_text;       /* answers with pictures or speech */
    bool has_openapi;       /* schemas in OpenAPI's form only, and calls are never VALIDATED */
    bool signs_calls;       /* wants the signatures of its calls back; its results hold pictures */
    bool calls_in_json;     /* takes tools and responseMimeType in one request */
    bool is_no_chat;        /* embeddings, pictures, video, live */
    bool makes_images;      /* answers with pictures, and takes its own back as the model's */
    bool signs_images;      /* …and wants their signatures back */
    bool has_image_sizes;   /* …in several sizes, by imageSize */
    bool has_wide_ratios;   /* …from 512 pixels on, and in shapes of 1:4 and 1:8 */
    bool takes_resolution;  /* mediaResolution of a part */
    bool makes_sound;       /* and nothing else */
    bool has_no_tools;      /* none of Google's own */
    bool has_no_urls;       /* doesn't get what is at an http address */
    int64_t output_limit;   /* tokens; 0: unknown */
    uint64_t inline_limit;  /* bytes of pictures in a request; 0: that of all newer models */
    enum model_embeds embeds;
};

/* Whether the name is what the pattern says: * is any text, [a-b] one character of a range. */
bool model_matches(const char *pattern, struct view name);

/* The facts of a name that model_name has approved, and what MODEL_FACTS says over them; never NULL, and good
 * for the life of the process. */
const struct model_facts *model_facts(struct view name);

/* What is wrong with a text for MODEL_FACTS; false: nothing. */
bool model_facts_are_wrong(struct view text, struct bytes *why);

/* Refuses settings whose MODEL_FACTS are wrong. */
extern const struct settings_reader model_facts_reader;

/* The families of the table, by number; NULL behind the last. And the number of a name's family. */
const struct model_facts *model_family(size_t number);
size_t model_family_of(struct view name);
