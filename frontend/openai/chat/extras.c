/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of chat/completions send in Google's own words beside OpenAI's. Called by
 * openai_chat.c. What must stay true: what isn't known here would change the answer, so it is
 * refused by name; and Google's own words win over OpenAI's for the same thing. */
#include "openai/chat/request_private.h"

enum {
    NAME_MOST = 32,   /* bytes of a name with its zero */
    NATIVE_MOST = 64, /* members of generationConfig: they are looked up one by one */
};

/* Members of generationConfig that pass as they are. */
static const char *const natives[] = {
    "temperature",
    "topP",
    "topK",
    "maxOutputTokens",
    "stopSequences",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "responseMimeType",
    "mediaResolution",
    "responseModalities",
    "imageConfig",
};

/* Google takes max_output_tokens for maxOutputTokens; false: the name is too long to be one. */
static bool camel(struct view name, char out[NAME_MOST])
{
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        bool is_break = name.at[i] == '_' && i + 1 < name.len;
        char c = is_break ? name.at[++i] : name.at[i];

        if (len + 1 == NAME_MOST)
            return false;
        out[len++] = is_break && c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c;
    }
    out[len] = '\0';
    return true;
}

static bool refuse_name(struct chat *chat, const char *where, struct view name)
{
    return chat_refuse(chat, ERROR_UNSUPPORTED, where, "Unsupported parameter: '%s.%.*s'.", where,
                       name.len < 64 ? (int)name.len : 64, name.at);
}

/* ---- generationConfig ---- */

yyjson_val *chat_native(const struct chat *chat, struct view name)
{
    size_t i, max;
    yyjson_val *key, *value, *found = NULL;
    char said[NAME_MOST];

    if (!chat->native)
        return NULL;
    yyjson_obj_foreach(chat->native, i, max, key, value)
    {
        if (camel(json_view(key), said) && view_equal(view_of(said), name))
            found = value; /* the last counts, as everywhere */
    }
    return yyjson_is_null(found) ? NULL : found;
}

void chat_write_native(struct chat *chat)
{
    for (size_t i = 0; chat->native && i < sizeof(natives) / sizeof(natives[0]); i++) {
        struct view name = view_of(natives[i]);
        yyjson_val *value = chat_native(chat, name);

        if (!value || refusal_takes(chat->refused, name))
            continue;
        json_key(&chat->ask->body, name);
        json_value(&chat->ask->body, value);
    }
}

static bool is_native(struct view name)
{
    for (size_t i = 0; i < sizeof(natives) / sizeof(natives[0]); i++)
        if (view_equal(view_of(natives[i]), name))
            return true;
    return false;
}

static bool take_generation_config(struct chat *chat, yyjson_val *config)
{
    static const char where[] = "extra_body.google.generation_config";
    size_t i, max;
    yyjson_val *key, *value;
    char name[NAME_MOST];

    if (!yyjson_is_obj(config))
        return chat_refuse_type(chat, where, "an object", config);
    if (yyjson_obj_size(config) > NATIVE_MOST)
        return chat_refuse(chat, ERROR_BAD_VALUE, where,
                           "Invalid value: '%s' has too many members.", where);
    yyjson_obj_foreach(config, i, max, key, value)
    {
        if (yyjson_is_null(value))
            continue;
        if (!camel(json_view(key), name))
            return refuse_name(chat, where, json_view(key));
        if (strcmp(name, "thinkingConfig") == 0) {
            if (!chat_thinking_config(chat, value))
                return false;
        } else if (!is_native(view_of(name))) {
            return refuse_name(chat, where, json_view(key));
        }
    }
    chat->native = config;
    return true;
}

/* ---- all of them ---- */

static bool take_safety(struct chat *chat, yyjson_val *settings)
{
    if (!yyjson_is_arr(settings))
        return chat_refuse_type(chat, "extra_body.google.safety_settings", "an array", settings);
    chat->safety = settings;
    return true;
}

static bool take_google(struct chat *chat, yyjson_val *google)
{
    static const struct {
        const char *name;
        bool (*take)(struct chat *chat, yyjson_val *value);
    } known[] = {
        {"thinkingConfig", chat_thinking_config},
        {"safetySettings", take_safety},
        {"generationConfig", take_generation_config},
    };
    static const char where[] = "extra_body.google";
    size_t i, max;
    yyjson_val *key, *value;

    if (!google)
        return true;
    if (!yyjson_is_obj(google))
        return chat_refuse_type(chat, where, "an object", google);
    yyjson_obj_foreach(google, i, max, key, value)
    {
        char name[NAME_MOST];
        size_t k = 0;

        if (yyjson_is_null(value))
            continue;
        if (!camel(json_view(key), name))
            return refuse_name(chat, where, json_view(key));
        while (k < sizeof(known) / sizeof(known[0]) && strcmp(known[k].name, name) != 0)
            k++;
        if (k == sizeof(known) / sizeof(known[0]))
            return refuse_name(chat, where, json_view(key));
        if (!known[k].take(chat, value))
            return false;
    }
    return true;
}

/* extra_body stands in the body if a client didn't unwrap it; some wrap it twice. */
bool chat_extras(struct chat *chat)
{
    yyjson_val *extra = chat->value[F_extra_body];
    yyjson_val *inner = json_member(extra, VIEW("extra_body"));

    chat->safety = chat->value[F_safety_settings];
    return take_google(chat, chat->value[F_google]) &&
           take_google(chat, json_member(extra, VIEW("google"))) &&
           take_google(chat, json_member(inner, VIEW("google")));
}
