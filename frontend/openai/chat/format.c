/* SPDX-License-Identifier: Apache-2.0 */
/* response_format. Called by request.c before anything is written; config.c and messages.c write
 * what is found. What must stay true: a schema is never dropped in silence: a model that takes none
 * is told of it in words, but for those that don't answer in text. */
#include "openai/chat/format.h"

#include "models/suffix.h"
#include "openai/chat/tools.h"

static const struct view any_json = {"Answer with JSON only, without a code fence around it.", 54};
static const struct view some_json = {
    "Answer with JSON only, without a code fence around it. It must fit this JSON Schema:\n", 85};

/* {type: json_schema, json_schema: {name, schema}}; some write the schema beside `type`. */
static bool find_schema(struct chat *chat, yyjson_val *format, bool must, yyjson_val **schema)
{
    yyjson_val *holder = json_member(format, VIEW("json_schema"));
    const char *param = "response_format.json_schema.schema";

    *schema = json_member(yyjson_is_obj(holder) ? holder : format, VIEW("schema"));
    if (holder && !yyjson_is_obj(holder))
        return chat_refuse_type(chat, "response_format.json_schema", "an object", holder);
    if (!holder && !*schema && must)
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, "response_format.json_schema",
                           "Missing required parameter: 'response_format.json_schema'.");
    if (*schema && !yyjson_is_obj(*schema))
        return chat_refuse_type(chat, param, "an object", *schema);
    return true;
}

static bool refuses_json(const struct chat *chat)
{
    return chat->model->has_no_json || chat->suffix & SUFFIX_IMAGE ||
           chat_is_refused(chat, REFUSED_JSON);
}

/* Older models answer in JSON only where they may call no tools. */
bool format_is_native(const struct chat *chat)
{
    return chat->format.is_json && !refuses_json(chat) &&
           (chat->model->calls_in_json || !tools_are_sent(chat));
}

static bool take_schema(struct chat *chat, yyjson_val *schema)
{
    bool is_told = format_is_native(chat);
    bool is_openapi = is_told && chat->model->has_openapi;
    struct bytes *out = is_told ? &chat->format.schema : &chat->format.note;

    if (!is_told)
        bytes_append(out, schema ? some_json : any_json);
    if (!schema ||
        schema_write(schema, is_openapi ? SCHEMA_OPENAPI : SCHEMA_JSON, &chat->budget, out))
        return true;
    return chat_refuse(chat, ERROR_BAD_VALUE, "response_format.json_schema.schema",
                       "Invalid value: the schema is too large, with all that it refers to.");
}

bool format_take(struct chat *chat)
{
    yyjson_val *format = chat->value[F_response_format], *schema = NULL;
    struct view type = json_view(json_member(format, VIEW("type")));
    bool must = view_equal(type, VIEW("json_schema"));

    if (!format || view_equal(type, VIEW("text")))
        return true;
    if (!json_member(format, VIEW("type")))
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, "response_format.type",
                           "Missing required parameter: 'response_format.type'.");
    if (!must && !view_equal(type, VIEW("json_object")))
        return chat_refuse(
            chat, ERROR_UNSUPPORTED_VALUE, "response_format.type",
            "Unsupported value: 'response_format.type' may be 'text', 'json_object' or "
            "'json_schema'.");
    if (!find_schema(chat, format, must, &schema))
        return false;
    chat->format.is_json = true;
    chat->ask->is_strict =
        yyjson_is_true(json_member(json_member(format, VIEW("json_schema")), VIEW("strict")));
    if (refuses_json(chat) && (chat->model->has_no_text || chat->makes_images || !schema))
        return true;
    return take_schema(chat, schema);
}

void format_clear(struct chat *chat)
{
    bytes_clear(&chat->format.schema);
    bytes_clear(&chat->format.note);
}
