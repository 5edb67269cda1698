/* SPDX-License-Identifier: Apache-2.0 */
/* What a chat asks, ready for the provider. */
#pragma once

#include "endpoint/complaint.h"
#include "openai/chat/tool_names.h"
#include "parts/fetch.h"

struct catalog;
struct refusals;
struct signatures;

#define REPLY_CHOICES 8 /* at most */

/* What a client asked for, ready for the provider. Valid when zeroed; ask_clear frees it. */
struct ask {
    /* set before `request`, for dialects that translate */
    const struct refusals *refusals; /* what models are known to refuse; NULL: nothing is known */
    const struct catalog *catalog;   /* the models that the keys have; NULL: nothing is known */
    bool may_wait;                   /* for that list */
    struct view
        deployment;  /* the model that the path names; it wins over the body's. Empty: none */
    uint64_t now_ms; /* by clock_ms */
    struct signatures *signatures; /* of calls that clients were told of; NULL: none */
    uint64_t client;               /* hash of its token, whose they are */
    uint64_t utc_s;                /* since 1970 */
    bool awaits_models; /* set by it: the list is needed first; what else it set means nothing */

    struct bytes model;        /* for the provider: without models/ and vendor prefix */
    struct bytes client_model; /* as the client spelled it, for the reply */
    struct bytes path; /* behind BASE_URL with its query: /models/m:streamGenerateContent?alt=sse */
    const char *operation;   /* generateContent, streamGenerateContent, models */
    bool stream;             /* the client wants events */
    bool is_gathered;        /* …and the provider is asked for the whole at once */
    bool include_usage;      /* OpenAI: stream_options.include_usage */
    bool thoughts;           /* thought parts are shown */
    bool logprobs;           /* OpenAI: the reply has them */
    bool is_search;          /* asked for as MODEL-search: found pages may be listed */
    bool is_json_told;       /* JSON is asked for in words only: a fence around it is taken off */
    bool is_strict;          /* a schema that the provider refuses is an error */
    bool wants_pcm;          /* sound is given bare, without a WAV's head */
    struct tool_names tools; /* what tools are called in the reply */
    struct bytes names; /* of what the provider keeps and the body mentions (objects/objects.h) */
    uint64_t affinity;  /* hash of what belongs together and likes the same key; 0: none */
    uint64_t estimate;  /* input tokens: bytes of text / 4 */
    size_t legs;        /* calls of the provider that answer it together; 0: one */
    struct bytes body;  /* the provider's request, the same for all legs; empty: a GET */
    /* instead of all that: a request of images/generations, whose pictures answer it; empty: it is
     * none */
    struct bytes drawing;
    struct fetches fetches;           /* that the body keeps places for */
    uint64_t inline_len, inline_most; /* bytes of media in the body, and that the model takes */
};

static inline size_t ask_legs(const struct ask *ask)
{
    return ask->legs ? ask->legs : 1;
}

void ask_clear(struct ask *ask);

/* Sets `operation` and `path` from the model, which model_name has approved, and `stream`. */
void ask_path(struct ask *ask);
