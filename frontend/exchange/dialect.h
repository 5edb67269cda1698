/* SPDX-License-Identifier: Apache-2.0 */
/* A dialect: how one family of clients asks and is answered. Pure functions over bytes, no sockets;
 * a new dialect is one file dialect_NAME.c and one line where its routes are listed. */
#pragma once

#include "base/bytes.h"
#include "error.h"
#include "base/view.h"
#include "openai/chat/tool_names.h"

struct refusals;

/* What a client asked for, ready for the provider. Valid when zeroed; ask_clear frees it. */
struct ask {
    /* set before `request`, for dialects that translate */
    const struct refusals *refusals; /* what models are known to refuse; NULL: nothing is known */
    uint64_t now_ms;                 /* by clock_ms */

    struct bytes model;        /* for the provider: without models/ and vendor prefix */
    struct bytes client_model; /* as the client spelled it, for the reply */
    struct bytes path; /* behind BASE_URL with its query: /models/m:streamGenerateContent?alt=sse */
    const char *operation;   /* generateContent, streamGenerateContent, models */
    bool stream;             /* the client wants events */
    bool include_usage;      /* OpenAI: stream_options.include_usage */
    bool thoughts;           /* thought parts are shown */
    bool logprobs;           /* OpenAI: the reply has them */
    struct tool_names tools; /* OpenAI: what calls are called in the reply */
    uint64_t affinity;       /* hash of what belongs together and likes the same key; 0: none */
    uint64_t estimate;       /* tokens: bytes of text / 4 + the output limit */
    size_t legs;             /* calls of the provider that answer it together; 0: one */
    struct bytes body;       /* the provider's request, the same for all legs; empty: a GET */
};

static inline size_t ask_legs(const struct ask *ask)
{
    return ask->legs ? ask->legs : 1;
}

void ask_clear(struct ask *ask);

#define REPLY_CITED_PARTS 16 /* of a content that sources can refer to */

/* What an answer's sources refer to, and those that are known; openai_citation.c has it. */
struct reply_cited {
    struct bytes said;        /* the content's text so far, up to a bound */
    struct bytes annotations; /* elements with commas between them */
    size_t count;             /* of them */
    bool is_over;             /* the text has passed its bound */
    int kind;                 /* of the newest part */
    size_t part_count;
    /* where each part begins in `said`; UINT32_MAX: it has no text */
    uint32_t starts[REPLY_CITED_PARTS];
};

/* One of the answers that a reply may hold, by candidate.index. */
struct reply_choice {
    bool role_sent;
    bool has_content;
    const struct finish *finish; /* what the provider's finishReason means, once known */
    struct bytes refusal;        /* why there is no content */
    struct reply_cited cited;
    struct reply_calls {  /* tool_calls.c has it */
        size_t count;     /* of the calls written */
        const char *word; /* then the finish_reason of a good end; NULL: there are none */
    } calls;
};

#define REPLY_CHOICES 8 /* and legs, at most */

/* Tokens, as the provider counts them. */
struct reply_usage {
    uint64_t prompt, cached, candidates, thoughts, tool_use, total;
    uint64_t prompt_text, prompt_images, prompt_audio, answer_images, answer_audio;
};

/* The state of one reply. Where several legs make it, each of their answers is one choice of it.
 * Valid when zeroed, apart from `ask`. */
struct reply {
    struct reply_usage usage[REPLY_CHOICES]; /* of each leg: the newest that the provider sent */
    const char *tier;   /* OpenAI's word for the service tier; NULL: the provider didn't say */
    uint64_t created_s; /* since 1970 */
    uint64_t id;        /* random, for a reply whose provider gives no responseId */
    struct bytes response_id; /* of the provider, once seen */
    struct reply_choice choices[REPLY_CHOICES];
    const struct ask *ask; /* borrowed */
    struct bytes head;     /* how each chunk of a stream begins, once known */
    enum error fault;      /* why `event` or `whole` was false; NONE: no special reason */
    size_t kept;           /* bytes of text and sources that the choices keep */
    bool has_content;      /* any choice has */
    bool has_finish;       /* any choice has */
    size_t leg;            /* whose answer is being translated */
    size_t ended;          /* legs whose answers are whole, the present one included */
};

void reply_clear(struct reply *reply);

/* Sets `operation` (unless the route did) and `path` from the model, which model_name has approved,
 * and `stream`. */
void dialect_path(struct ask *ask);

/* Appends `text` with what looks like a provider's key (AIza…, AQ.…, key=…, api_key:…) made
 * unreadable. */
void dialect_mask(struct bytes *out, struct view text);

/* What to say about an error. */
struct complaint {
    enum error error;
    const char *text;        /* NULL: the text of errors.def */
    const char *param;       /* OpenAI's error.param; NULL: null */
    int status;              /* HTTP status for the client; 0: that of errors.def */
    uint64_t retry_after_ms; /* 0: unknown */
    struct view body;        /* the provider's error body, keys masked; may be empty */
};

/* The provider's error out of a complaint's body, for the dialects. `error` is NULL if there is
 * none that concerns the client: that a key of the pool is bad does not. Borrows `doc`, which is to
 * be freed. */
struct provider_error {
    struct yyjson_doc *doc;
    struct yyjson_val *error;
    struct view message;
    struct view status; /* "RESOURCE_EXHAUSTED" */
    uint64_t code;      /* the HTTP status it came with */
};

struct provider_error provider_error_read(const struct complaint *complaint);

/* Appends what the client is to read: the complaint's text, else the provider's message with keys
 * masked, else the text of errors.def. */
void complaint_message(const struct complaint *complaint, const struct provider_error *provider,
                       struct bytes *out);

/* As `error` of struct dialect: OpenAI's shape, for all its routes. In dialect_openai.c. */
void openai_error(const struct complaint *complaint, struct bytes *out);

struct dialect {
    const char *name;
    const char *stream_type; /* Content-Type of a streamed reply */

    /* Translates the client's body into `ask` (path, model, stream of the route are filled in by
     * the route before, if they stand in the URL). Returns ERROR_NONE, or the error with its reason
     * for the client in `why` and the name of the parameter at fault in `*param` (NULL, or text
     * that is good until the next request). */
    enum error (*request)(struct view body, struct ask *ask, struct bytes *why, const char **param);

    /* Whether a streamed answer's bytes go to the client as they come; then `event` and `end` are
     * not used. */
    bool is_raw;

    /* Appends to `out` what one provider event (the JSON of one `data:`) becomes. False: the event
     * is no JSON, or is the provider's error: the stream is to end with `stream_error`. */
    bool (*event)(struct reply *reply, struct view json, struct bytes *out);

    /* Appends the clean end of a leg's answer (`reply->leg`) to a stream, and that of the stream if
     * it is the last (`reply->ended`). False: what came is not a whole answer, and its error was
     * appended instead. */
    bool (*end)(struct reply *reply, struct bytes *out);

    /* Appends what a whole provider answer becomes (is_raw: not used). Where several legs answer it
     * is called for each in order, and appends the next part of one reply. False: it is not what
     * the API promises. */
    bool (*whole)(struct reply *reply, struct view json, struct bytes *out);

    /* Appends `body` without the members in `refused` (bits of enum refused). False: it has none of
     * them. NULL: bodies stay as they are, and a refused request is answered as such. */
    bool (*repair)(struct view body, unsigned refused, struct bytes *out);

    /* Appends the error as a reply's body. */
    void (*error)(const struct complaint *complaint, struct bytes *out);

    /* Appends the error to a stream that is under way; the connection then ends. */
    void (*stream_error)(const struct complaint *complaint, struct bytes *out);
};

extern const struct dialect dialect_openai;        /* chat/completions */
extern const struct dialect dialect_openai_models; /* GET …/models */
extern const struct dialect dialect_gemini;        /* native: bytes untouched */
