/* SPDX-License-Identifier: Apache-2.0 */
/* Gemini (generativelanguage): what its answers say. Called by the gate for each event, and once
 * for a whole answer. What must stay true: what we don't know counts as content (kinds of parts) or
 * as an answer that says little (finish reasons), since both lists grow. */
#include "provider/provider.h"

#include "base/json.h"
#include "provider/gemini_error.h"

/* What finish reasons mean if no content came. */
static const struct {
    struct view reason;
    enum fault fault;
} finishes[] = {
    {{"STOP", 4}, FAULT_EMPTY},
    {{"FINISH_REASON_UNSPECIFIED", 25}, FAULT_EMPTY},
    {{"MALFORMED_FUNCTION_CALL", 23}, FAULT_MALFORMED},
    {{"UNEXPECTED_TOOL_CALL", 20}, FAULT_MALFORMED},
    {{"TOO_MANY_TOOL_CALLS", 19}, FAULT_MALFORMED},
    {{"MALFORMED_RESPONSE", 18}, FAULT_MALFORMED},
    {{"MISSING_THOUGHT_SIGNATURE", 25}, FAULT_BAD_REQUEST}, /* no key cures it */
    {{"MAX_TOKENS", 10}, FAULT_NONE},
    {{"SAFETY", 6}, FAULT_NONE},
    {{"RECITATION", 10}, FAULT_NONE},
    {{"BLOCKLIST", 9}, FAULT_NONE},
    {{"PROHIBITED_CONTENT", 18}, FAULT_NONE},
    {{"SPII", 4}, FAULT_NONE},
    {{"LANGUAGE", 8}, FAULT_NONE},
    {{"IMAGE_SAFETY", 12}, FAULT_NONE},
    {{"IMAGE_PROHIBITED_CONTENT", 24}, FAULT_NONE},
    {{"IMAGE_RECITATION", 16}, FAULT_NONE},
    {{"ESCALATION", 10}, FAULT_NONE},
    {{"PUP_LIMITED_DISABLED", 20}, FAULT_NONE},
};

/* False: OTHER, or one that we don't know. */
static bool finish_fault(struct view reason, enum fault *fault)
{
    for (size_t i = 0; i < sizeof(finishes) / sizeof(finishes[0]); i++) {
        if (!view_equal(reason, finishes[i].reason))
            continue;
        *fault = finishes[i].fault;
        return true;
    }
    *fault = FAULT_NONE;
    return false;
}

static void take_finish(struct sight *sight, struct view reason)
{
    enum fault fault;
    bool is_vague = !finish_fault(reason, &fault);

    if (!reason.len)
        return;
    if (!sight->has_finish || fault == FAULT_NONE) {
        sight->finish = fault;
        sight->is_vague = is_vague;
    }
    sight->has_finish = true;
}

/* Members of a part that are no content by themselves. */
static bool is_about_part(const char *name)
{
    return strcmp(name, "thought") == 0 || strcmp(name, "thoughtSignature") == 0 ||
           strcmp(name, "videoMetadata") == 0 || strcmp(name, "partMetadata") == 0;
}

static bool has_content(yyjson_val *part)
{
    size_t i, count;
    yyjson_val *name, *value;

    yyjson_obj_foreach(part, i, count, name, value)
    {
        if (yyjson_equals_str(name, "text")) {
            if (yyjson_get_len(value) && yyjson_is_str(value))
                return true;
        } else if (!is_about_part(yyjson_get_str(name))) {
            return true;
        }
    }
    return false;
}

static void look_at_candidate(yyjson_val *candidate, struct sight *sight)
{
    yyjson_val *parts = yyjson_obj_get(yyjson_obj_get(candidate, "content"), "parts");
    yyjson_val *part;
    size_t i, count;

    yyjson_arr_foreach(parts, i, count, part)
    {
        if (!has_content(part))
            continue;
        if (yyjson_get_bool(yyjson_obj_get(part, "thought")))
            sight->has_thought = true;
        else
            sight->has_content = true;
    }
    take_finish(sight, json_member_text(candidate, "finishReason"));
}

static void look_at_usage(yyjson_val *usage, struct sight *sight)
{
    sight->usage = (struct usage){
        .tokens_in = json_member_count(usage, "promptTokenCount") +
                     json_member_count(usage, "toolUsePromptTokenCount"),
        .tokens_out = json_member_count(usage, "candidatesTokenCount"),
        .tokens_thoughts = json_member_count(usage, "thoughtsTokenCount"),
        .tokens_cached = json_member_count(usage, "cachedContentTokenCount"),
    };
}

/* Relays have a text there. */
static bool is_error(yyjson_val *error)
{
    return yyjson_is_obj(error) || (yyjson_is_str(error) && yyjson_get_len(error));
}

static void look(struct view json, struct sight *sight)
{
    yyjson_doc *doc = json_open(json, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *candidates, *candidate;
    struct view reason;
    size_t i, count;

    *sight = (struct sight){0};
    if (yyjson_is_arr(root) && yyjson_arr_size(root) == 1)
        root = yyjson_arr_get_first(root);
    sight->is_json = yyjson_is_obj(root);
    sight->is_error = is_error(yyjson_obj_get(root, "error"));
    candidates = yyjson_obj_get(root, "candidates");
    yyjson_arr_foreach(candidates, i, count, candidate) look_at_candidate(candidate, sight);
    reason = json_member_text(yyjson_obj_get(root, "promptFeedback"), "blockReason");
    sight->is_blocked = reason.len && !view_equal(reason, VIEW("BLOCK_REASON_UNSPECIFIED"));
    look_at_usage(yyjson_obj_get(root, "usageMetadata"), sight);
    json_close(doc);
}

/* The text behind the last `"name":` of `text`. Inside a JSON string the quotes would have
 * backslashes, so what is found is a name indeed, though perhaps not at the depth it should be; in
 * the last bytes of an answer it is. */
static struct view behind_last(struct view text, struct view name)
{
    struct view found = {0}, rest = text;
    const char *at;

    while (rest.len && (at = memmem(rest.at, rest.len, name.at, name.len)) != NULL) {
        rest = view_skip(rest, (size_t)(at - rest.at) + name.len);
        while (rest.len && (rest.at[0] == ' ' || rest.at[0] == '\n' || rest.at[0] == '\r'))
            rest = view_skip(rest, 1);
        if (rest.len && rest.at[0] == ':')
            found = view_skip(rest, 1);
    }
    return found;
}

/* The string that `text` begins with, after spaces. */
static struct view leading_string(struct view text)
{
    const char *begin = text.len ? memchr(text.at, '"', text.len) : NULL;
    const char *end;

    if (!begin)
        return (struct view){0};
    begin++;
    end = memchr(begin, '"', (size_t)(text.at + text.len - begin));
    return (struct view){begin, end ? (size_t)(end - begin) : 0};
}

/* The object that `text` begins with: up to the brace that closes it. */
static struct view leading_object(struct view text)
{
    int depth = 0;
    bool is_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (is_string && c == '\\')
            i++;
        else if (c == '"')
            is_string = !is_string;
        else if (!is_string && c == '{')
            depth++;
        else if (!is_string && c == '}' && --depth == 0)
            return (struct view){text.at, i + 1};
    }
    return (struct view){0};
}

static void look_at_end(struct view text, struct sight *sight)
{
    yyjson_doc *doc = json_open(leading_object(behind_last(text, VIEW("\"usageMetadata\""))), 0);

    *sight = (struct sight){.is_json = true, .has_content = true};
    take_finish(sight, leading_string(behind_last(text, VIEW("\"finishReason\""))));
    look_at_usage(yyjson_doc_get_root(doc), sight);
    json_close(doc);
}

/* What these answer is an operation, which may have failed: an error inside is no fault of the answer. */
static bool begins_something(struct view operation)
{
    static const char *const verbs[] = {"predictLongRunning", "batchGenerateContent",
                                        "asyncBatchEmbedContent"};

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (view_equal(operation, view_of(verbs[i])))
            return true;
    return false;
}

static enum gate_kind gate(struct view operation)
{
    if (view_equal(operation, VIEW("generateContent")) ||
        view_equal(operation, VIEW("streamGenerateContent")))
        return GATE_GENERATED;
    if (view_equal(operation, VIEW("upload")) || view_equal(operation, VIEW("download")))
        return GATE_BYTES;
    if (view_starts(operation, VIEW("objects")) || begins_something(operation))
        return GATE_OBJECT;
    return GATE_JSON;
}

static const char *address(const struct settings *settings)
{
    return settings->base_url;
}

static void authorize(struct secret key, struct bytes *line)
{
    struct view name = VIEW("x-goog-api-key: ");

    bytes_room(line, name.len + key.hidden.len);
    bytes_append(line, name);
    bytes_append(line, key.hidden);
}

const struct provider provider_gemini = {
    .pool = "gemini",
    .address = address,
    .authorize = authorize,
    .gate = gate,
    .look = look,
    .look_at_end = look_at_end,
    .read_error = gemini_read_error,
};
