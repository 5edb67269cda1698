/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger says of attempts, their sums, and the audit: the recorder's answers, passed on. */
#include <yyjson.h>

#include "api/api.h"
#include "base/json.h"
#include "base/url.h"
#include "inquiry.h"

/* Appends `text`, percent-decoded, as a JSON string. */
static void put_decoded(struct bytes *json, struct view text)
{
    struct bytes plain = {0};

    while (text.len) {
        bool is_plus = text.at[0] == '+';
        char byte = (char)url_take(&text);

        bytes_append(&plain, is_plus ? VIEW(" ") : (struct view){&byte, 1});
    }
    bytes_json(json, bytes_view(&plain));
    bytes_clear(&plain);
}

/* Takes the text up to `end` off `*rest`, and the end as well. */
static struct view take_until(struct view *rest, char end)
{
    const char *at = rest->len ? memchr(rest->at, end, rest->len) : NULL;
    struct view taken = {rest->at, at ? (size_t)(at - rest->at) : rest->len};

    *rest = view_skip(*rest, at ? taken.len + 1 : taken.len);
    return taken;
}

/* name=value&… as a JSON object of texts. */
static void write_parameters(struct view query, struct bytes *json)
{
    bytes_text(json, "{");
    while (query.len) {
        struct view value = take_until(&query, '&');
        struct view name = take_until(&value, '=');

        if (!name.len)
            continue;
        bytes_text(json, json->len > 1 ? "," : "");
        put_decoded(json, name);
        bytes_text(json, ":");
        put_decoded(json, value);
    }
    bytes_text(json, "}");
}

/* The HTTP status of an error of the recorder's. */
static int status_of(struct view code)
{
    static const struct {
        const char *code;
        int status;
    } known[] = {{"bad_parameter", 400}, {"busy", 503}, {"database_away", 503}, {"timeout", 504}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (view_equal(code, view_of(known[i].code)))
            return known[i].status;
    return 500;
}

void api_pass_on(struct admin *admin, struct reply *reply, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *error = yyjson_obj_get(root, "error");

    (void)admin;
    if (!yyjson_is_obj(root))
        reply_fail(reply, 500, "recorder", VIEW("the recorder's answer cannot be read"));
    else
        reply_json(reply, error ? status_of(json_member_text(error, "code")) : 200, json);
    yyjson_doc_free(doc);
}

static void ask(struct admin *admin, enum question question, struct view query, struct reply *reply)
{
    struct bytes parameters = {0};

    write_parameters(query, &parameters);
    ask_then(admin, question, bytes_view(&parameters), reply, api_pass_on,
             admin->actor.now_ms + ANSWER_LIMIT_MS);
    bytes_clear(&parameters);
}

void api_attempts(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    ask(admin, QUESTION_attempts_recent, call->query, reply);
}

void api_usage(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    ask(admin, QUESTION_usage, call->query, reply);
}

void api_attempts_summary(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    ask(admin, QUESTION_attempts_summary, call->query, reply);
}

void api_audit(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    ask(admin, QUESTION_audit, call->query, reply);
}
