/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of chat/completions send in Google's own words beside OpenAI's. Called by
 * request.c. What must stay true: what isn't known here would change the answer, so it is
 * refused by name; and Google's own words win over OpenAI's for the same thing. */
#include "openai/chat/request_private.h"

enum {
    NAME_MOST = 32,   /* bytes of a name with its zero */
    SAFETY_MOST = 64, /* settings, which are compared with each other */
    TOOLS_MOST = 256, /* tools, which are gone through several times */
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Members of generationConfig that pass as they are, in the order in which they are written. */
static const struct view natives[] = {
#define NATIVE(name)                                                                               \
    {                                                                                              \
        name, sizeof(name) - 1                                                                     \
    }
    NATIVE("temperature"),
    NATIVE("topP"),
    NATIVE("topK"),
    NATIVE("maxOutputTokens"),
    NATIVE("stopSequences"),
    NATIVE("seed"),
    NATIVE("presencePenalty"),
    NATIVE("frequencyPenalty"),
    NATIVE("responseLogprobs"),
    NATIVE("logprobs"),
    NATIVE("responseMimeType"),
    NATIVE("responseSchema"),
    NATIVE("responseJsonSchema"),
    NATIVE("responseFormat"),
    NATIVE("mediaResolution"),
    NATIVE("responseModalities"),
    NATIVE("speechConfig"),
    NATIVE("imageConfig"),
    NATIVE("translationConfig"),
    NATIVE("audioTranscriptionConfig"),
    NATIVE("enableEnhancedCivicAnswers"),
    NATIVE("enableAffectiveDialog"),
#undef NATIVE
};

_Static_assert(COUNT_OF(natives) <= NATIVES_MOST, "chat->native has room for all");

/* Google takes max_output_tokens for maxOutputTokens, and _responseJsonSchema without its beginning; false:
 * the name is too long to be one. */
static bool camel(struct view name, char out[NAME_MOST])
{
    size_t len = 0;

    if (view_starts(name, VIEW("_")))
        name = view_skip(name, 1);
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

/* Its number among the natives; COUNT_OF(natives): it is none. */
static size_t number_of(struct view name)
{
    size_t i = 0;

    while (i < COUNT_OF(natives) && !view_equal(natives[i], name))
        i++;
    return i;
}

static yyjson_val *native_at(const struct chat *chat, size_t number)
{
    if (view_equal(natives[number], VIEW("imageConfig")) &&
        (chat->aspect_ratio || chat->image_size))
        return chat->aspect_ratio ? chat->aspect_ratio : chat->image_size;
    return chat->native[number];
}

yyjson_val *chat_native(const struct chat *chat, struct view name)
{
    size_t number = chat->has_native ? number_of(name) : COUNT_OF(natives);

    return number < COUNT_OF(natives) ? native_at(chat, number) : NULL;
}

bool chat_config_key(struct chat *chat, struct view name)
{
    if (chat_native(chat, name) || refusal_takes(chat->refused, name))
        return false;
    json_key(&chat->ask->body, name);
    return true;
}

static void write_image_members(struct chat *chat, yyjson_val *config)
{
    struct bytes *out = &chat->ask->body;
    yyjson_val *key, *value;
    char name[NAME_MOST];
    size_t i, max;

    if (!yyjson_is_obj(config))
        return;
    yyjson_obj_foreach(config, i, max, key, value)
    {
        if (!camel(json_view(key), name) || (chat->aspect_ratio && !strcmp(name, "aspectRatio")) ||
            (chat->image_size && !strcmp(name, "imageSize")) || yyjson_is_null(value))
            continue;
        chat_key(out, view_of(name));
        json_value(out, value);
    }
}

/* What stands beside an imageConfig counts as if it stood in it. */
static void write_image_config(struct chat *chat, yyjson_val *config)
{
    struct bytes *out = &chat->ask->body;

    bytes_append(out, VIEW("{"));
    write_image_members(chat, config);
    if (chat->aspect_ratio) {
        json_key(out, VIEW("aspectRatio"));
        json_value(out, chat->aspect_ratio);
    }
    if (chat->image_size) {
        json_key(out, VIEW("imageSize"));
        json_value(out, chat->image_size);
    }
    bytes_append(out, VIEW("}"));
}

void chat_write_native(struct chat *chat)
{
    for (size_t i = 0; chat->has_native && i < COUNT_OF(natives); i++) {
        yyjson_val *value = native_at(chat, i);

        if (!value || refusal_takes(chat->refused, natives[i]))
            continue;
        json_key(&chat->ask->body, natives[i]);
        if (view_equal(natives[i], VIEW("imageConfig")))
            write_image_config(chat, chat->native[i]);
        else
            json_value(&chat->ask->body, value);
    }
}

/* A member of generationConfig; false: refused. `*is_known` stays true if it is one. */
static bool take_native(struct chat *chat, const char *name, yyjson_val *value, bool *is_known)
{
    size_t number = number_of(view_of(name));

    if (strcmp(name, "thinkingConfig") == 0)
        return chat_thinking_config(chat, value);
    if (strcmp(name, "candidateCount") == 0) { /* choices are calls of their own */
        chat_take_number(value);
        chat->value[F_n] = chat->value[F_n] ? chat->value[F_n] : value;
        return true;
    }
    *is_known = number < COUNT_OF(natives);
    if (!*is_known)
        return true;
    chat->native[number] = value;
    chat->has_native = true;
    if (strcmp(name, "responseLogprobs") == 0 && !chat->value[F_logprobs])
        chat->value[F_logprobs] = value;
    return true;
}

static bool take_generation_config(struct chat *chat, yyjson_val *config)
{
    static const char where[] = "extra_body.google.generation_config";
    size_t i, max;
    yyjson_val *key, *value;
    char name[NAME_MOST];

    if (!yyjson_is_obj(config))
        return chat_refuse_type(chat, where, "an object", config);
    yyjson_obj_foreach(config, i, max, key, value)
    {
        bool is_known = true;

        if (yyjson_is_null(value))
            continue;
        if (!camel(json_view(key), name))
            return refuse_name(chat, where, json_view(key));
        if (!take_native(chat, name, value, &is_known))
            return false;
        if (!is_known)
            return refuse_name(chat, where, json_view(key));
    }
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

static bool take_cached(struct chat *chat, yyjson_val *name)
{
    if (!yyjson_is_str(name))
        return chat_refuse_type(chat, "extra_body.google.cached_content", "a string", name);
    chat->cached = json_view(name);
    return true;
}

static bool take_tools(struct chat *chat, yyjson_val *tools)
{
    if (!yyjson_is_arr(tools) && !yyjson_is_obj(tools))
        return chat_refuse_type(chat, "extra_body.google.tools", "an array", tools);
    if (yyjson_arr_size(tools) > TOOLS_MOST)
        return chat_refuse(chat, ERROR_BAD_VALUE, "extra_body.google.tools",
                           "Invalid value: 'extra_body.google.tools' may have %d elements at most.",
                           TOOLS_MOST);
    chat->own_tools = tools;
    return true;
}

static bool take_tool_config(struct chat *chat, yyjson_val *config)
{
    if (!yyjson_is_obj(config))
        return chat_refuse_type(chat, "extra_body.google.tool_config", "an object", config);
    chat->own_config = config;
    return true;
}

static bool take_ratio(struct chat *chat, yyjson_val *ratio)
{
    chat->aspect_ratio = ratio;
    chat->has_native = true;
    return yyjson_is_str(ratio) ||
           chat_refuse_type(chat, "extra_body.google.aspect_ratio", "a string", ratio);
}

static bool take_size(struct chat *chat, yyjson_val *size)
{
    chat->image_size = size;
    chat->has_native = true;
    return yyjson_is_str(size) ||
           chat_refuse_type(chat, "extra_body.google.image_size", "a string", size);
}

static bool take_member(struct chat *chat, const char *name, yyjson_val *value, bool *is_known)
{
    static const struct {
        const char *name;
        bool (*take)(struct chat *chat, yyjson_val *value);
    } known[] = {
        {"safetySettings", take_safety},  {"generationConfig", take_generation_config},
        {"cachedContent", take_cached},   {"tools", take_tools},
        {"toolConfig", take_tool_config}, {"aspectRatio", take_ratio},
        {"imageSize", take_size},
    };

    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].take(chat, value);
    return take_native(chat, name, value, is_known); /* some leave out generation_config */
}

static bool take_google(struct chat *chat, yyjson_val *google)
{
    static const char where[] = "extra_body.google";
    size_t i, max;
    yyjson_val *key, *value;

    if (!google)
        return true;
    if (!yyjson_is_obj(google))
        return chat_refuse_type(chat, where, "an object", google);
    yyjson_obj_foreach(google, i, max, key, value)
    {
        bool is_known = true;
        char name[NAME_MOST];

        if (yyjson_is_null(value))
            continue;
        if (!camel(json_view(key), name))
            return refuse_name(chat, where, json_view(key));
        if (!take_member(chat, name, value, &is_known))
            return false;
        if (!is_known)
            return refuse_name(chat, where, json_view(key));
    }
    return true;
}

static bool check_safety(struct chat *chat)
{
    return yyjson_arr_size(chat->safety) <= SAFETY_MOST ||
           chat_refuse(chat, ERROR_BAD_VALUE, "safety_settings",
                       "Invalid value: 'safety_settings' may have %d elements at most.",
                       SAFETY_MOST);
}

/* cachedContents/ID, or the ID alone. */
static bool check_cached(struct chat *chat)
{
    for (size_t i = 0; i < chat->cached.len; i++) {
        char c = chat->cached.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            !strchr("-_./", c))
            return chat_refuse(chat, ERROR_BAD_VALUE, "cached_content",
                               "Invalid value: 'cached_content' must be the name of a cached "
                               "content: cachedContents/….");
    }
    if (view_starts(chat->cached, VIEW("cachedContents/")))
        chat->cached = view_skip(chat->cached, 15);
    return true;
}

/* extra_body stands in the body if a client didn't unwrap it; some wrap it twice. */
bool chat_extras(struct chat *chat)
{
    yyjson_val *extra = chat->value[F_extra_body];
    yyjson_val *inner = json_member(extra, VIEW("extra_body"));

    chat->safety = chat->value[F_safety_settings];
    chat->cached = json_view(chat->value[F_cached_content]);
    return take_google(chat, chat->value[F_google]) &&
           take_google(chat, json_member(extra, VIEW("google"))) &&
           take_google(chat, json_member(inner, VIEW("google"))) && check_safety(chat) &&
           check_cached(chat);
}
