/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about the provider's models by their names: which of them think and how that is
 * asked for, what they refuse. Used by the dialects; a model that the table doesn't know is sent
 * nothing special. */
#pragma once

#include "base/bytes.h"

enum model_thinking {
    THINKS_NOT,    /* or unknown: no thinkingConfig is sent */
    THINKS_BUDGET, /* thinkingBudget, in tokens */
    THINKS_LEVEL,  /* thinkingLevel, a word */
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
    bool takes_resolution;  /* mediaResolution of a part */
    int64_t output_limit;   /* tokens; 0: unknown */
    uint64_t inline_limit;  /* bytes of pictures in a request; 0: that of all newer models */
};

/* How much a client wants the model to think. */
enum effort {
    EFFORT_UNSAID,
    EFFORT_NONE,
    EFFORT_MINIMAL,
    EFFORT_LOW,
    EFFORT_MEDIUM,
    EFFORT_HIGH,
    EFFORT_MAX
};

struct thinking {
    enum effort effort;
    bool has_budget; /* then it wins over effort */
    int64_t budget;  /* tokens; -1: as the model likes */
};

/* The facts of a name that model_name has approved; never NULL. */
const struct model_facts *model_facts(struct view name);

/* Strips models/, google/ and gemini/ off what a client wrote and checks that the rest may stand in
 * a URL's path: letters, digits, dot, underscore and hyphen, 128 at most, no dots alone or in a
 * row. `*name` is a part of `asked`. */
bool model_name(struct view asked, struct view *name);

/* Whether FILTERED_MODELS has it. */
bool model_is_filtered(struct view name);

/* The effort of that word (none … max). False: there is no such word. */
bool model_effort(struct view word, enum effort *effort);

/* Appends the members of a thinkingConfig that say `thinking` and whether thoughts are to be shown,
 * without braces; nothing if this model takes none. */
void model_think(const struct model_facts *facts, const struct thinking *thinking, bool shows,
                 struct bytes *out);
