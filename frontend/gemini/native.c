/* SPDX-License-Identifier: Apache-2.0 */
/* Google's own dialect: bytes go through untouched both ways. What must stay true: the body is only
 * looked at, so unknown fields, the spelling of numbers and signatures survive. */
#include "exchange/dialect.h"

#include <stdlib.h>

#include "base/json.h"
#include "models/model.h"

/* The limit on output that the client asks for; Google's JSON takes both spellings, and numbers as
 * strings. */
static uint64_t output_limit(yyjson_val *root)
{
    yyjson_val *config = json_member(root, VIEW("generationConfig"));
    yyjson_val *limit;
    int64_t tokens = 0;

    if (!config)
        config = json_member(root, VIEW("generation_config"));
    limit = json_member(config, VIEW("maxOutputTokens"));
    if (!limit)
        limit = json_member(config, VIEW("max_output_tokens"));
    if (yyjson_is_str(limit))
        tokens = strtoll(yyjson_get_str(limit), NULL, 10);
    else
        json_integer(limit, &tokens);
    return tokens > 0 ? (uint64_t)tokens : 0;
}

/* Above this, reading a body would hold up the other calls: the provider finds its mistakes. Nearly
 * all of it is then base64, not text. */
#define READ_LIMIT (4u << 20)

static bool looks_like_object(struct view body)
{
    body = view_trim(json_skip_mark(body));
    return body.len >= 2 && body.at[0] == '{' && body.at[body.len - 1] == '}';
}

/* Whether the body is a JSON object; fills in the estimate. If not, `*fault` says why. */
static bool check_body(struct view body, struct ask *ask, const char **fault)
{
    yyjson_doc *doc;
    bool is_object;

    *fault = "it is not an object";
    if (body.len > READ_LIMIT) {
        ask->estimate = body.len / 1024;
        return looks_like_object(body);
    }
    doc = json_read_request(body, fault);
    is_object = yyjson_is_obj(yyjson_doc_get_root(doc));
    if (is_object)
        ask->estimate = json_text_size(doc) / 4 + output_limit(yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return is_object;
}

static enum error gemini_request(struct view body, struct ask *ask, struct bytes *why,
                                 const char **param)
{
    const char *fault;
    struct view name;

    *param = NULL;
    if (!model_name(bytes_view(&ask->model), &name) || model_is_filtered(name)) {
        bytes_text(why, "The model does not exist.");
        return ERROR_NO_MODEL;
    }
    if (!check_body(body, ask, &fault)) {
        bytes_printf(why, "Invalid JSON payload received: %s.", fault);
        return ERROR_BAD_JSON;
    }
    if (!ask->path.len)
        dialect_path(ask);
    ask->thoughts = true;
    bytes_copy(&ask->body, body);
    return ERROR_NONE;
}

/* ---- errors ---- */

/* The provider's own details if there are any, else what we know. */
static void add_details(yyjson_mut_doc *doc, yyjson_mut_val *error,
                        const struct complaint *complaint, yyjson_val *theirs)
{
    yyjson_mut_val *list, *detail;

    if (theirs) {
        yyjson_mut_obj_add_val(doc, error, "details", yyjson_val_mut_copy(doc, theirs));
        return;
    }
    if (!complaint->retry_after_ms && complaint->error != ERROR_UNAUTHORIZED)
        return;
    list = yyjson_mut_obj_add_arr(doc, error, "details");
    detail = yyjson_mut_arr_add_obj(doc, list);
    if (complaint->error == ERROR_UNAUTHORIZED) {
        yyjson_mut_obj_add_str(doc, detail, "@type", "type.googleapis.com/google.rpc.ErrorInfo");
        yyjson_mut_obj_add_str(doc, detail, "reason", "API_KEY_INVALID");
        yyjson_mut_obj_add_str(doc, detail, "domain", "googleapis.com");
    } else {
        struct bytes delay = {0};
        bytes_printf(&delay, "%.12gs", (double)complaint->retry_after_ms / 1000);
        yyjson_mut_obj_add_str(doc, detail, "@type", "type.googleapis.com/google.rpc.RetryInfo");
        yyjson_mut_obj_add_strcpy(doc, detail, "retryDelay", bytes_cstr(&delay));
        bytes_clear(&delay);
    }
}

/* Pretty, as Google writes it, with a newline at its end. */
static void append_pretty(yyjson_mut_doc *doc, struct bytes *out)
{
    size_t len = 0;
    char *text = yyjson_mut_write(
        doc, YYJSON_WRITE_PRETTY_TWO_SPACES | YYJSON_WRITE_ALLOW_INVALID_UNICODE, &len);

    if (text)
        dialect_mask(out, (struct view){text, len});
    bytes_append(out, VIEW("\n"));
    free(text);
}

/* {"error":{"code","message","status","details"}} */
static void gemini_error(const struct complaint *complaint, struct bytes *out)
{
    const struct error_facts *facts = error_facts(complaint->error);
    struct provider_error provider = provider_error_read(complaint);
    uint64_t code = (uint64_t)(complaint->status ? complaint->status : facts->status);
    bool is_theirs = provider.status.len && provider.code == code;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *error;
    struct bytes message = {0};

    complaint_message(complaint, &provider, &message);
    yyjson_mut_doc_set_root(doc, root);
    error = yyjson_mut_obj_add_obj(doc, root, "error");
    yyjson_mut_obj_add_uint(doc, error, "code", code);
    yyjson_mut_obj_add_strncpy(doc, error, "message", message.at, message.len);
    if (is_theirs)
        yyjson_mut_obj_add_strncpy(doc, error, "status", provider.status.at, provider.status.len);
    else
        yyjson_mut_obj_add_str(doc, error, "status", facts->google);
    add_details(doc, error, complaint, json_member(provider.error, VIEW("details")));
    append_pretty(doc, out);
    bytes_clear(&message);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(provider.doc);
}

/* Inside a stream Google's SDKs recognise only a raw object that is a write of its own and begins
 * with {. */
const struct dialect dialect_gemini = {
    .name = "gemini",
    .stream_type = "text/event-stream",
    .request = gemini_request,
    .is_raw = true,
    .error = gemini_error,
    .stream_error = gemini_error,
};
