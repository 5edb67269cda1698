/* SPDX-License-Identifier: Apache-2.0 */
/* A generateContent body, checked as Google checks it, and what the answer depends on. */
#pragma once

#include <stdint.h>

#include "model.h"
#include "schema.h"

#define STOPS_MAX 5
#define CANDIDATES_MAX 8

enum modality {
    MODALITY_TEXT,
    MODALITY_IMAGE,
    MODALITY_VIDEO,
    MODALITY_AUDIO,
    MODALITY_DOCUMENT,
    MODALITIES,
};

/* What toolConfig says of calls. */
enum call_mode {
    CALL_AUTO,
    CALL_ANY,
    CALL_NONE,
};

/* All is borrowed from the JSON. */
struct prompt {
    const char *message;   /* "GenerateContentRequest", for complaints */
    struct span last_text; /* of the last user turn */
    struct span file;      /* the last file of the API that it names: files/…; empty: none */
    struct span script;    /* the JSON behind "#sim " in the last user turn, when there is one */
    size_t text_bytes;     /* of all texts, for the token count */
    int64_t media[MODALITIES]; /* tokens of pictures and sounds */
    int64_t max_output;        /* maxOutputTokens; negative: not given */
    bool includes_thoughts;    /* thinkingConfig.includeThoughts */
    bool wants_json;
    bool wants_enum;
    bool wants_image;
    bool wants_logprobs;
    int logprobs; /* how many alternatives */
    int candidates;
    enum call_mode call_mode;
    yyjson_val *allowed; /* names of functions; NULL: all */
    yyjson_val *tools;
    yyjson_val *schema;   /* of the answer; NULL: none */
    yyjson_val *response; /* the first result of the last turn, when it brings any */
    struct span tier;     /* serviceTier */
    struct span ratio;    /* of a picture */
    int stop_count;
    struct span stops[STOPS_MAX];
};

/* Checks the body and fills the prompt. When something is wrong `v` has a count. */
void prompt_read(struct prompt *prompt, struct violations *v, yyjson_val *root,
                 const struct model *model);

/* The prompt's parts alone, its shape already checked: for counting. */
void prompt_read_request(struct prompt *prompt, struct violations *v, yyjson_val *root,
                         const struct model *model);

/* Whether a name in a body, with or without "models/", is the model's in the path. */
void prompt_check_model(struct violations *v, yyjson_val *name, const struct model *model);

int64_t prompt_tokens(const struct prompt *prompt);
