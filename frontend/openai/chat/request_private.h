/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that translate a chat/completions request share: the request while it is being
 * translated, and how it is refused. Private to this folder. */
#pragma once

#include "openai/chat/ask.h"
#include "base/json.h"
#include "models/model.h"
#include "openai/chat/schema.h"
#include "parts/refusal.h"

/* FIELD(name in JSON, type): what we look at. Everything else that a client sends is ignored. */
#define FIELDS                                                                                     \
    FIELD(model, STRING)                                                                           \
    FIELD(messages, ARRAY)                                                                         \
    FIELD(stream, BOOLEAN)                                                                         \
    FIELD(stream_options, OBJECT)                                                                  \
    FIELD(temperature, NUMBER)                                                                     \
    FIELD(top_p, NUMBER)                                                                           \
    FIELD(top_k, INTEGER)                                                                          \
    FIELD(max_tokens, INTEGER)                                                                     \
    FIELD(max_completion_tokens, INTEGER)                                                          \
    FIELD(stop, STRINGS)                                                                           \
    FIELD(seed, INTEGER)                                                                           \
    FIELD(presence_penalty, NUMBER)                                                                \
    FIELD(frequency_penalty, NUMBER)                                                               \
    FIELD(n, INTEGER)                                                                              \
    FIELD(logprobs, BOOLEAN)                                                                       \
    FIELD(top_logprobs, INTEGER)                                                                   \
    FIELD(response_format, OBJECT)                                                                 \
    FIELD(modalities, ARRAY)                                                                       \
    FIELD(audio, OBJECT)                                                                           \
    FIELD(reasoning_effort, STRING)                                                                \
    FIELD(reasoning, OBJECT)                                                                       \
    FIELD(thinking, ANY)                                                                           \
    FIELD(thinking_budget, INTEGER)                                                                \
    FIELD(enable_thinking, BOOLEAN)                                                                \
    FIELD(service_tier, STRING)                                                                    \
    FIELD(safety_settings, ARRAY)                                                                  \
    FIELD(user, ANY)                                                                               \
    FIELD(safety_identifier, ANY)                                                                  \
    FIELD(prompt_cache_key, ANY)                                                                   \
    FIELD(extra_body, OBJECT)                                                                      \
    FIELD(google, OBJECT)                                                                          \
    FIELD(tools, ARRAY)                                                                            \
    FIELD(tool_choice, ANY)                                                                        \
    FIELD(parallel_tool_calls, BOOLEAN)                                                            \
    FIELD(functions, ARRAY)                                                                        \
    FIELD(function_call, ANY)                                                                      \
    FIELD(web_search_options, ANY)                                                                 \
    FIELD(cached_content, STRING)

enum field {
#define FIELD(name, type) F_##name,
    FIELDS
#undef FIELD
        FIELD_COUNT
};

enum { NATIVES_MOST = 32 };

/* A request being translated. */
struct chat {
    struct ask *ask;
    yyjson_val *value[FIELD_COUNT]; /* NULL: absent or null */
    const struct model_facts *model;
    unsigned refused; /* bits of enum refused: what this model is known not to take */
    struct thinking thinking;
    unsigned suffix;        /* bits of enum suffix, that the model's name ended in */
    bool makes_images;      /* by itself, or by its suffix */
    yyjson_val *safety;     /* the client's own safety settings */
    struct view cached;     /* the provider's name of a prompt that it keeps; empty: none */
    yyjson_val *own_tools;  /* in Google's own words: an array of tools, or one of them */
    yyjson_val *own_config; /* toolConfig in Google's own words */
    /* members of generationConfig in Google's own words, which win; as extras.c lists them */
    yyjson_val *native[NATIVES_MOST];
    yyjson_val *aspect_ratio, *image_size; /* of imageConfig, where they are not in it */
    bool has_native;                       /* any of these; most requests have none */
    bool has_system;

    /* tools and answers in JSON */
    struct schema_budget budget; /* of all schemas */
    struct chat_format {
        bool is_json;        /* the answer is to be JSON */
        struct bytes schema; /* that it is to fit, as the provider takes it; may be empty */
        struct bytes note;   /* the same in words, for a model that isn't told otherwise */
    } format;
    struct tool_turns *turns; /* calls and their results in the messages; NULL: none yet */

    /* the contents being written */
    const char *role;     /* of the content that is open; NULL: none yet */
    uint64_t text_size;   /* bytes of text written; a picture counts for its tokens */
    uint64_t inline_size; /* bytes of pictures written */

    /* what is wrong */
    enum error error;
    struct bytes *why;
    const char **param;
};

/* complaint.c: notes what is wrong with the request; returns false for the caller to pass on.
 * `param` is its parameter's name: static, or of chat_param. */
bool chat_refuse(struct chat *chat, enum error error, const char *param, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool chat_refuse_type(struct chat *chat, const char *param, const char *wanted, yyjson_val *got);

/* The name of a nested parameter, good until the next request: errors are told before that. */
const char *chat_param(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Like json_key, for a name of the client's. */
void chat_key(struct bytes *out, struct view name);

/* Where an element of a message stands: messages[message].list[index]. */
struct place {
    size_t message;
    const char *list;
    size_t index;
};

/* extras.c: takes the extras to OpenAI's request that Google and others have. */
bool chat_extras(struct chat *chat);

/* Appends the members of generationConfig that came in Google's own words. */
void chat_write_native(struct chat *chat);

/* modalities.c: whether the model answers as the client wants; appends responseModalities and
 * speechConfig. */
bool modalities_check(struct chat *chat);
void modalities_write(struct chat *chat);

/* extras.c: opens a member of generationConfig; false: the client has said it in Google's own
 * words, or the model refuses it. */
bool chat_config_key(struct chat *chat, struct view name);

/* Whether the client has given this member of generationConfig in Google's own words; it is as
 * Google spells it, maxOutputTokens. */
yyjson_val *chat_native(const struct chat *chat, struct view name);

/* Whether the model is known to refuse it. */
static inline bool chat_is_refused(const struct chat *chat, enum refused refused)
{
    return chat->refused & 1u << refused;
}

/* A string that holds a number becomes that number. */
void chat_take_number(yyjson_val *value);

/* The whole number, or `otherwise` if it is none. */
int64_t chat_integer(yyjson_val *value, int64_t otherwise);

enum { CHAT_STOPS = 5 }; /* what the provider takes */

/* config.c: the first distinct stops, without empty ones; returns how many there are, or
 * CHAT_STOPS + 1 if there are more. */
size_t chat_stops(const struct chat *chat, struct view stops[CHAT_STOPS]);

/* Appends generationConfig, unless it would be empty. */
void chat_write_config(struct chat *chat);

/* drawn.c: the request as one for pictures, in the words of images/generations: ask->drawing. */
bool drawn_take(struct chat *chat);

/* messages.c: appends `{"contents":[…]` and systemInstruction to the body. */
bool chat_messages(struct chat *chat);

/* thinking.c: takes the several ways of asking for thoughts. */
bool chat_wishes(struct chat *chat);

/* What the model's suffix and the operator wish, where the client has said nothing. */
void chat_wish_for(struct chat *chat);

/* Takes a thinkingConfig in Google's own words; NULL is none. */
bool chat_thinking_config(struct chat *chat, yyjson_val *config);

/* The member by either of its names; NULL: it has none. */
yyjson_val *chat_either(yyjson_val *object, struct view snake, struct view camel);
