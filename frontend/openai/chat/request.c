/* SPDX-License-Identifier: Apache-2.0 */
/* chat/completions → generateContent. Called by endpoint.c once for each request. What must
 * stay true: a parameter that changes the meaning of the answer is translated or refused by name,
 * never dropped; and text is copied from the parsed request into the provider's body once, without
 * a tree in between.
 *
 * A new parameter is one line in FIELDS and its use in config.c or one of the write_
 * functions.
 */
#include "openai/chat/request.h"

#include <openssl/sha.h>

#include "models/suffix.h"
#include "objects/objects.h"
#include "openai/chat/format.h"
#include "openai/chat/media.h"
#include "openai/chat/request_private.h"
#include "openai/chat/tools.h"
#include "models/alias.h"
#include "parts/catalog.h"
#include "settings/options.h"

enum type {
    TYPE_STRING,
    TYPE_STRINGS, /* one, or an array of them */
    TYPE_BOOLEAN,
    TYPE_NUMBER,
    TYPE_INTEGER,
    TYPE_ARRAY,
    TYPE_OBJECT,
    TYPE_ANY,
};

static const struct {
    struct view name;
    enum type type;
} fields[] = {
#define FIELD(name, type) {{#name, sizeof(#name) - 1}, TYPE_##type},
    FIELDS
#undef FIELD
};

/* ---- reading the members ---- */

/* NULL if the value has the type, else what the type is called. */
static const char *type_wanted(enum type type, yyjson_val *value)
{
    int64_t whole;

    switch (type) {
    case TYPE_STRING:
        return yyjson_is_str(value) ? NULL : "a string";
    case TYPE_STRINGS:
        return yyjson_is_str(value) || yyjson_is_arr(value) ? NULL
                                                            : "a string or an array of strings";
    case TYPE_BOOLEAN:
        return yyjson_is_bool(value) ? NULL : "a boolean";
    case TYPE_NUMBER:
        return yyjson_is_raw(value) ? NULL : "a number";
    case TYPE_INTEGER:
        return json_integer(value, &whole) ? NULL : "an integer";
    case TYPE_ARRAY:
        return yyjson_is_arr(value) ? NULL : "an array";
    case TYPE_OBJECT:
        return yyjson_is_obj(value) ? NULL : "an object";
    case TYPE_ANY:
        break;
    }
    return NULL;
}

/* What some programs send for "as you like". */
static bool means_nothing(enum field field, yyjson_val *value)
{
    if (field == F_seed)
        return chat_integer(value, 0) == -1;
    return field == F_response_format && yyjson_is_obj(value) && yyjson_obj_size(value) == 0;
}

static bool take_field(struct chat *chat, enum field field, yyjson_val *value)
{
    const char *name = fields[field].name.at;
    const char *wanted;

    chat->value[field] = NULL;
    if (fields[field].type == TYPE_NUMBER || fields[field].type == TYPE_INTEGER)
        chat_take_number(value);
    if (yyjson_is_null(value))
        return true;
    wanted = type_wanted(fields[field].type, value);
    if (wanted)
        return chat_refuse_type(chat, name, wanted, value);
    chat->value[field] = means_nothing(field, value) ? NULL : value;
    return true;
}

/* Takes the members of the request, or of an extra_body: what is Google's there is for chat_extras.
 */
static bool take_fields(struct chat *chat, yyjson_val *object, bool is_extra)
{
    size_t i, max;
    yyjson_val *key, *value;

    if (!yyjson_is_obj(object))
        return true;
    yyjson_obj_foreach(object, i, max, key, value)
    {
        struct view name = json_view(key);
        for (size_t field = 0; field < FIELD_COUNT; field++) {
            if (!view_equal(fields[field].name, name))
                continue;
            if (is_extra && (field == F_google || field == F_extra_body))
                break;
            if (!take_field(chat, (enum field)field, value))
                return false;
            break;
        }
    }
    return true;
}

/* extra_body stands in the body if a client didn't unwrap it; some wrap it twice. Those that unwrap
 * it let its members win. */
static bool take_extra_body(struct chat *chat)
{
    yyjson_val *extra = chat->value[F_extra_body];

    return take_fields(chat, extra, true) &&
           take_fields(chat, json_member(extra, VIEW("extra_body")), true);
}

/* ---- the model ---- */

/* With Google's search only what the operator allows, since that costs extra. */
static bool check_suffix(struct chat *chat, struct view asked, struct view base, struct view name)
{
    chat->ask->is_search = chat->suffix & SUFFIX_SEARCH;
    if (!chat->ask->is_search || suffix_is_for(SUFFIX_SEARCH, name) ||
        suffix_is_for(SUFFIX_SEARCH, base))
        return true;
    return chat_refuse(chat, ERROR_NO_MODEL, "model",
                       "The model '%.*s' does not exist: SEARCH_MODELS does not have '%.*s'.",
                       asked.len < 128 ? (int)asked.len : 128, asked.at, (int)name.len, name.at);
}

/* The model behind a name, which may be an operator's alias and may have suffixes. */
static enum choice choose(struct chat *chat, struct view asked, struct view *base,
                          struct model_choice *choice)
{
    const struct ask *ask = chat->ask;
    struct view named = alias_of_operator(asked);

    if (!model_name(named.len ? named : asked, base) || model_is_filtered(*base))
        return CHOICE_NONE;
    chat->suffix = suffix_take(*base, base);
    return catalog_choose(ask->catalog, *base, ask->may_wait, ask->now_ms, choice);
}

static bool take_model(struct chat *chat)
{
    struct view asked = chat->ask->deployment, base, name;
    struct model_choice choice;
    enum choice how;
    int shown;

    if (!asked.len)
        asked = json_view(chat->value[F_model]);
    if (!asked.len)
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, "model",
                           "Missing required parameter: 'model'.");
    shown = asked.len < 128 ? (int)asked.len : 128;
    how = choose(chat, asked, &base, &choice);
    chat->ask->awaits_models = how == CHOICE_AWAITS;
    if (how == CHOICE_AWAITS)
        return false;
    if (how == CHOICE_NONE)
        return chat_refuse(chat, ERROR_NO_MODEL, "model", "The model '%.*s' does not exist.", shown,
                           asked.at);
    name = choice.name;
    if (!check_suffix(chat, asked, base, name))
        return false;
    chat->model = model_facts(name);
    if ((chat->model->is_no_chat || model_facts(base)->is_no_chat) &&
        !(chat->suffix & SUFFIX_CHAT)) /* nor does what serves in place of one that is gone */
        return chat_refuse(chat, ERROR_NO_MODEL, "model", "The model '%.*s' is not a chat model.",
                           shown, asked.at);
    chat->makes_images = chat->model->makes_images || chat->suffix & SUFFIX_IMAGE;
    chat->refused = refusals_known(chat->ask->refusals, name, chat->ask->now_ms);
    bytes_copy(&chat->ask->model, name);
    bytes_copy(&chat->ask->client_model, asked);
    return true;
}

/* ---- what is refused ---- */

static bool check_limits(struct chat *chat)
{
    int64_t n = chat_integer(chat->value[F_n], 1);
    static const enum field limits[] = {F_max_tokens, F_max_completion_tokens};

    if (n < 1)
        return chat_refuse(chat, ERROR_BAD_VALUE, "n", "Invalid value: 'n' must be at least 1.");
    if (n > REPLY_CHOICES)
        return chat_refuse(chat, ERROR_BAD_VALUE, "n", "Invalid value: 'n' must be at most %d.",
                           REPLY_CHOICES);
    chat->ask->legs = (size_t)n;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const char *name = fields[limits[i]].name.at;
        if (chat_integer(chat->value[limits[i]], 1) < 1)
            return chat_refuse(chat, ERROR_BAD_VALUE, name,
                               "Invalid value: '%s' must be at least 1.", name);
    }
    return true;
}

static bool check_logprobs(struct chat *chat)
{
    int64_t top = chat_integer(chat->value[F_top_logprobs], 0);

    chat->ask->logprobs = yyjson_is_true(chat->value[F_logprobs]);
    if (top < 0 || top > 20)
        return chat_refuse(chat, ERROR_BAD_VALUE, "top_logprobs",
                           "Invalid value: 'top_logprobs' must be between 0 and 20.");
    if (top && !chat->ask->logprobs)
        return chat_refuse(chat, ERROR_BAD_VALUE, "top_logprobs",
                           "Invalid value: 'top_logprobs' needs 'logprobs' to be true.");
    return true;
}

static bool check_stop(struct chat *chat)
{
    struct view stops[CHAT_STOPS];
    size_t i, max;
    yyjson_val *stop;

    yyjson_arr_foreach(chat->value[F_stop], i, max, stop)
    {
        if (!yyjson_is_str(stop) && !yyjson_is_null(stop))
            return chat_refuse_type(chat, chat_param("stop[%zu]", i), "a string", stop);
    }
    if (chat_stops(chat, stops) <= CHAT_STOPS)
        return true;
    return chat_refuse(chat, ERROR_BAD_VALUE, "stop",
                       "Invalid value: 'stop' may have %d different strings at most.", CHAT_STOPS);
}

static bool check_top_p(struct chat *chat)
{
    double top_p = 0;

    json_number(chat->value[F_top_p], &top_p);
    return (top_p >= 0 && top_p <= 1) ||
           chat_refuse(chat, ERROR_BAD_VALUE, "top_p",
                       "Invalid value: 'top_p' must be between 0 and 1.");
}

static const struct tier {
    struct view ours, theirs; /* theirs empty: as the provider likes */
} tiers[] = {
#define TIER(ours, theirs)                                                                         \
    {                                                                                              \
        {ours, sizeof(ours) - 1},                                                                  \
        {                                                                                          \
            theirs, sizeof(theirs) - 1                                                             \
        }                                                                                          \
    }
    TIER("auto", ""),          TIER("default", "standard"), TIER("standard", "standard"),
    TIER("scale", "standard"), TIER("flex", "flex"),        TIER("priority", "priority"),
    TIER("fast", "priority"),
#undef TIER
};

/* NULL: none is asked for, or the word is unknown. */
static const struct tier *tier_of(const struct chat *chat)
{
    for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
        if (view_equal(tiers[i].ours, json_view(chat->value[F_service_tier])))
            return &tiers[i];
    return NULL;
}

static bool check_tier(struct chat *chat)
{
    if (!chat->value[F_service_tier] || tier_of(chat))
        return true;
    return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, "service_tier",
                       "Unsupported value: 'service_tier' may be 'auto', 'default', 'flex' or "
                       "'priority'.");
}

/* ---- what stands beside the contents ---- */

static void write_cached(struct chat *chat)
{
    struct bytes *out = &chat->ask->body;
    size_t start;

    if (!chat->cached.len)
        return;
    json_key(out, VIEW("cachedContent"));
    bytes_append(out, VIEW("\""));
    start = out->len;
    bytes_append(out, VIEW("cachedContents/"));
    bytes_append(out, chat->cached);
    object_add(&chat->ask->names, (struct view){out->at + start, out->len - start});
    bytes_append(out, VIEW("\""));
}

/* Whether one behind it is of the same category, which the provider takes but once. */
static bool is_overruled(yyjson_val *settings, size_t index)
{
    struct view category =
        json_view(json_member(yyjson_arr_get(settings, index), VIEW("category")));

    for (size_t i = index + 1; i < yyjson_arr_size(settings); i++)
        if (category.len &&
            view_equal(json_view(json_member(yyjson_arr_get(settings, i), VIEW("category"))),
                       category))
            return true;
    return false;
}

/* Sound has no settings of the operator's: its models refuse some. */
static void write_safety(struct chat *chat)
{
    struct bytes *out = &chat->ask->body;
    struct view own = view_of(settings_now()->safety_settings);
    yyjson_val *setting;
    size_t i, max, written = 0;

    if (!chat->safety && (own.len <= 2 || chat->model->makes_sound)) /* [] */
        return;
    json_key(out, VIEW("safetySettings"));
    if (!chat->safety) {
        bytes_append(out, own);
        return;
    }
    bytes_append(out, VIEW("["));
    yyjson_arr_foreach(chat->safety, i, max, setting)
    {
        if (is_overruled(chat->safety, i))
            continue;
        bytes_append(out, written++ ? VIEW(",") : VIEW(""));
        json_value(out, setting);
    }
    bytes_append(out, VIEW("]"));
}

static void write_tier(struct chat *chat)
{
    const struct tier *tier = tier_of(chat);

    if (!tier || !tier->theirs.len)
        return;
    json_key(&chat->ask->body, VIEW("serviceTier"));
    json_text(&chat->ask->body, tier->theirs);
}

/* ---- the same conversation to the same key ---- */

static uint64_t hash_of(struct view text)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    uint64_t number;

    SHA256((const unsigned char *)text.at, text.len, digest);
    memcpy(&number, digest, sizeof(number));
    return number ? number : 1;
}

/* A hash of what belongs together, the narrowest first; 0: the client says nothing of it. */
static uint64_t affinity(const struct chat *chat)
{
    static const enum field names[] = {F_prompt_cache_key, F_safety_identifier, F_user};

    if (chat->cached.len)
        return hash_of(chat->cached);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct view text = json_view(chat->value[names[i]]);
        if (text.len)
            return hash_of(text);
    }
    return 0;
}

/* ---- all of it ---- */

static void take_stream(struct chat *chat)
{
    chat->ask->stream = yyjson_is_true(chat->value[F_stream]);
    chat->ask->include_usage =
        yyjson_is_true(json_member(chat->value[F_stream_options], VIEW("include_usage")));
}

static bool check(struct chat *chat)
{
    return check_limits(chat) && check_logprobs(chat) && modalities_check(chat) &&
           format_take(chat) && check_stop(chat) && check_top_p(chat) && check_tier(chat);
}

static bool translate(struct chat *chat, yyjson_val *root)
{
    struct ask *ask = chat->ask;

    if (!yyjson_is_obj(root))
        return chat_refuse(chat, ERROR_BAD_JSON, NULL,
                           "The body of the request must be a JSON object.");
    if (!take_fields(chat, root, false) || !take_extra_body(chat) || !take_model(chat) ||
        !chat_wishes(chat) || !chat_extras(chat))
        return false;
    take_stream(chat);
    if (chat->suffix & SUFFIX_CHAT)
        return drawn_take(chat);
    if (!check(chat))
        return false;
    chat_wish_for(chat);
    if (!chat_messages(chat))
        return false;
    write_cached(chat);
    write_safety(chat);
    if (!tools_write(chat))
        return false;
    chat_write_config(chat);
    write_tier(chat);
    bytes_append(&ask->body, VIEW("}"));

    ask->is_json_told = chat->format.note.len > 0;
    ask->inline_len = chat->inline_size;
    ask->inline_most = media_most(chat);
    ask->estimate = chat->text_size / 4;
    ask->affinity = affinity(chat);
    ask_path(ask);
    return true;
}

/* What the schemas of a request may cost: far more than those of any that the provider takes. */
static const struct schema_budget schema_budget = {.steps = 1000000, .bytes = 4 << 20};

enum error openai_chat_request(struct view body, struct ask *ask, struct bytes *why,
                               const char **param)
{
    struct chat chat = {.ask = ask, .why = why, .param = param, .budget = schema_budget};
    const char *fault = NULL;
    yyjson_doc *doc = json_read_request(body, &fault);

    *param = NULL;
    if (!doc) {
        bytes_printf(why, "%s (%s)", error_facts(ERROR_BAD_JSON)->text, fault);
        return ERROR_BAD_JSON;
    }
    bytes_room(&ask->body, body.len + 1024); /* nearly always enough: one allocation */
    translate(&chat, yyjson_doc_get_root(doc));
    format_clear(&chat);
    yyjson_doc_free(doc);
    return chat.error;
}
