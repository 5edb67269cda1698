/* SPDX-License-Identifier: Apache-2.0 */
/* Gemini's endpoint in OpenAI's language (…/openai): what its answers say. Keys are those of the
 * pool of Gemini itself. What must stay true: as for Gemini, what we don't know counts as
 * content. */
#include "provider/provider.h"

#include "base/json.h"
#include "provider/gemini_error.h"

static bool has_text(yyjson_val *said, const char *name)
{
    yyjson_val *text = yyjson_obj_get(said, name);

    return yyjson_is_str(text) && yyjson_get_len(text);
}

/* Members of a message or a delta that are no content by themselves. */
static bool is_about_message(const char *name)
{
    return strcmp(name, "role") == 0 || strcmp(name, "extra_content") == 0;
}

static bool has_content(yyjson_val *said)
{
    size_t i, count;
    yyjson_val *name, *value;

    yyjson_obj_foreach(said, i, count, name, value)
    {
        const char *text = yyjson_get_str(name);
        bool is_thought = strcmp(text, "reasoning_content") == 0;

        if (is_about_message(text) || is_thought || yyjson_is_null(value))
            continue;
        if ((yyjson_is_str(value) || yyjson_is_ctn(value)) && !yyjson_get_len(value))
            continue;
        return true;
    }
    return false;
}

static void look_at_choice(yyjson_val *choice, struct sight *sight)
{
    yyjson_val *delta = yyjson_obj_get(choice, "delta");
    yyjson_val *said = delta ? delta : yyjson_obj_get(choice, "message");
    struct view finish = json_member_text(choice, "finish_reason");

    sight->has_content |= has_content(said);
    sight->has_thought |= has_text(said, "reasoning_content");
    if (!finish.len)
        return;
    sight->has_finish = true;
    sight->finish = view_equal(finish, VIEW("stop")) ? FAULT_EMPTY : FAULT_NONE;
}

/* Thoughts are in the sum, and sometimes told apart. */
static void look_at_usage(yyjson_val *usage, struct sight *sight)
{
    uint64_t in = json_member_count(usage, "prompt_tokens");
    uint64_t out = json_member_count(usage, "completion_tokens");
    uint64_t sum = json_member_count(usage, "total_tokens");
    uint64_t told =
        json_member_count(yyjson_obj_get(usage, "completion_tokens_details"), "reasoning_tokens");

    sight->usage = (struct usage){
        .tokens_in = in,
        .tokens_out = out,
        .tokens_thoughts = sum > in + out ? sum - in - out : told,
        .tokens_cached =
            json_member_count(yyjson_obj_get(usage, "prompt_tokens_details"), "cached_tokens"),
    };
}

static void look(struct view json, struct sight *sight)
{
    yyjson_doc *doc = json_open(json, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *choice;
    size_t i, count;

    *sight = (struct sight){0};
    if (yyjson_is_arr(root) && yyjson_arr_size(root) == 1)
        root = yyjson_arr_get_first(root);
    sight->is_json = yyjson_is_obj(root);
    sight->is_error = yyjson_is_obj(yyjson_obj_get(root, "error"));
    yyjson_arr_foreach(yyjson_obj_get(root, "choices"), i, count, choice)
        look_at_choice(choice, sight);
    look_at_usage(yyjson_obj_get(root, "usage"), sight);
    json_close(doc);
}

/* Only a large whole answer comes here: it has content, and its end was looked at for its bracket. */
static void look_at_end(struct view text, struct sight *sight)
{
    (void)text;
    *sight = (struct sight){.is_json = true, .has_content = true, .has_finish = true};
}

static enum gate_kind gate(struct view operation)
{
    return view_equal(operation, VIEW("chat/completions")) ? GATE_GENERATED : GATE_OBJECT;
}

static const char *address(const struct settings *settings)
{
    return settings->base_url;
}

/* A page means that Google has no such path there; that is the client's mistake. */
static void read_error(unsigned status, struct view body, uint64_t utc_ms, struct verdict *verdict)
{
    gemini_read_error(status, body, utc_ms, verdict);
    if (verdict->fault == FAULT_NO_ROUTE)
        verdict->fault = FAULT_BAD_REQUEST;
}

static void authorize(struct secret key, struct bytes *line)
{
    struct view name = VIEW("authorization: Bearer ");

    bytes_room(line, name.len + key.hidden.len);
    bytes_append(line, name);
    bytes_append(line, key.hidden);
}

const struct provider provider_relay = {
    .pool = "relay",
    .address = address,
    .authorize = authorize,
    .gate = gate,
    .look = look,
    .look_at_end = look_at_end,
    .read_error = read_error,
};
