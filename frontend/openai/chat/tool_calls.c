/* SPDX-License-Identifier: Apache-2.0 */
/* functionCall parts as tool_calls, or as the function_call of former times. Called by
 * stream.c and whole.c. What must stay true: each call of a choice has its own index and id; its arguments are whole, in one
 * piece; and its signature goes with it.
 *
 * Ids are ours: the provider's are short, missing with most models, and come again in later turns,
 * where clients would mistake one call for another. */
#include "openai/chat/tool_calls.h"

#include "parts/signatures.h"

static bool ends_number(struct view rest)
{
    return !rest.len || rest.at[0] == ',' || rest.at[0] == ']' || rest.at[0] == '}';
}

/* Whole numbers come as 5.0 too, which a client's integer is not: appends JSON without such
 * ends. */
static void write_compact(struct bytes *out, struct view json)
{
    bool is_text = false;

    for (size_t i = 0; i < json.len; i++) {
        size_t zeros = 0;

        if (is_text && json.at[i] == '\\') {
            bytes_append(out, (struct view){json.at + i++, 2});
            continue;
        }
        is_text = is_text != (json.at[i] == '"');
        if (!is_text && json.at[i] == '.')
            while (i + 1 + zeros < json.len && json.at[i + 1 + zeros] == '0')
                zeros++;
        if (zeros && ends_number(view_skip(json, i + 1 + zeros)))
            i += zeros;
        else
            bytes_append(out, (struct view){json.at + i, 1});
    }
}

static void write_arguments(struct bytes *out, yyjson_val *args)
{
    struct bytes json = {0}, compact = {0};

    json_value(&json, args);
    write_compact(&compact, yyjson_is_obj(args) ? bytes_view(&json) : VIEW("{}"));
    bytes_append(out, VIEW(",\"arguments\":"));
    json_text(out, bytes_view(&compact));
    bytes_clear(&json);
    bytes_clear(&compact);
}

static void write_signature(struct bytes *out, yyjson_val *part)
{
    struct view signature = json_view(json_member(part, VIEW("thoughtSignature")));

    if (!signature.len)
        return;
    bytes_append(out, VIEW(",\"extra_content\":{\"google\":{\"thought_signature\":"));
    json_text(out, signature);
    bytes_append(out, VIEW("}}"));
}

/* {"name":…,"arguments":…} */
static void write_function(struct bytes *out, struct view name, yyjson_val *args)
{
    bytes_append(out, VIEW("{\"name\":"));
    json_text(out, name);
    write_arguments(out, args);
    bytes_append(out, VIEW("}"));
}

/* {"name":…,"input":…}: the text that tools.c has made an argument of. */
static void write_custom(struct bytes *out, struct view name, yyjson_val *args)
{
    bytes_append(out, VIEW("{\"name\":"));
    json_text(out, name);
    bytes_append(out, VIEW(",\"input\":"));
    json_text(out, json_view(json_member(args, VIEW("input"))));
    bytes_append(out, VIEW("}"));
}

/* A client that drops the signature has the id at least. */
static void keep_signature(const struct reply *reply, struct view id, yyjson_val *part)
{
    struct view signature = json_view(json_member(part, VIEW("thoughtSignature")));
    const struct signature_owner owner = {reply->ask->client, id, bytes_view(&reply->ask->model)};

    if (signature.len)
        signatures_keep(reply->ask->signatures, &owner, signature, reply->ask->utc_s);
}

/* The call's id; where the operator wants it so, its signature goes behind it, as some gateways have
 * it and all clients bring it back. */
static void write_id(const struct reply *reply, const struct reply_choice *choice, uint64_t index,
                     yyjson_val *part, struct bytes *out)
{
    struct view signature = json_view(json_member(part, VIEW("thoughtSignature")));
    size_t start = out->len;

    reply_write_id(reply, index, choice->calls.count, "call_", out);
    keep_signature(reply, (struct view){out->at + start, out->len - start}, part);
    if (!reply->style.signature_ids || !signature.len)
        return;
    bytes_append(out, VIEW("__thought__"));
    json_escape(out, signature);
}

void tool_call_write(const struct reply *reply, struct reply_choice *choice, uint64_t index,
                     yyjson_val *part, bool is_stream, struct bytes *out)
{
    yyjson_val *call = json_member(part, VIEW("functionCall"));
    yyjson_val *args = json_member(call, VIEW("args"));
    struct tool_name tool =
        tool_names_find(&reply->ask->tools, json_view(json_member(call, VIEW("name"))));

    choice->calls.word = reply->ask->tools.is_legacy ? "function_call" : "tool_calls";
    if (reply->ask->tools.is_legacy) {
        write_function(out, tool.name, args);
        choice->calls.count++;
        return;
    }
    bytes_append(out, VIEW("{"));
    if (is_stream)
        json_int_after(out, VIEW("\"index\":"), choice->calls.count);
    bytes_append(out, is_stream ? VIEW(",\"id\":\"") : VIEW("\"id\":\""));
    write_id(reply, choice, index, part, out);
    bytes_append(out, tool.is_custom ? VIEW("\",\"type\":\"custom\",\"custom\":")
                                     : VIEW("\",\"type\":\"function\",\"function\":"));
    (tool.is_custom ? write_custom : write_function)(out, tool.name, args);
    write_signature(out, part);
    bytes_append(out, VIEW("}"));
    choice->calls.count++;
}
