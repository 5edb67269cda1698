/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that the ledger answers: its sums and rows, with what admin knows of keys and processes put
 * beside them. What must stay true: what the ledger does not know stays null, and nothing is asked
 * of it twice within a few seconds. */
#include "api/api.h"
#include "api/dress.h"
#include "api/overview.h"
#include "api/times.h"
#include "inquiry.h"
#include "query.h"

enum { FRESH_MS = 5000 };

/* Which page of a list. */
static void write_page(struct view query, struct bytes *json)
{
    static const char *const names[] = {"before", "limit"};

    for (size_t i = 0; i < 2; i++) {
        struct bytes value = {0};

        if (query_text(query, names[i], &value) && value.len) {
            bytes_printf(json, ",\"%s\":", names[i]);
            bytes_json(json, bytes_view(&value));
        }
        bytes_clear(&value);
    }
}

static void ask_for(struct admin *admin, struct reply *reply, const char *question, bool has_filter,
                    answer_handler *on_answer)
{
    struct bytes json = {0};
    const char *wrong;

    bytes_text(&json, "{");
    wrong = times_write(reply->call.query, &json);
    if (has_filter)
        times_write_filter(reply->call.query, &json);
    if (has_filter)
        write_page(reply->call.query, &json);
    if (wrong) {
        reply_fail_field(reply, 400, "bad_parameter", wrong, VIEW("this value is none of those"));
    } else {
        bytes_text(&json, "}");
        ask_fresh_then(admin, question, bytes_view(&json), reply, on_answer, FRESH_MS);
    }
    bytes_clear(&json);
}

/* With nothing to add but names and tails. */
static void on_dressed(struct admin *admin, struct reply *reply, struct view json)
{
    struct bytes out = {0};

    if (dress_answer(admin, json, NULL, NULL, &out))
        reply_json(reply, 200, bytes_view(&out));
    else
        api_pass_on(admin, reply, json);
    bytes_clear(&out);
}

/* Overview */

static void add_overview(struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *root, void *data)
{
    (void)data;
    overview_add(admin, doc, root);
}

static void on_overview(struct admin *admin, struct reply *reply, struct view json)
{
    struct bytes out = {0};

    if (dress_answer(admin, json, add_overview, NULL, &out))
        reply_json(reply, 200, bytes_view(&out));
    else
        api_pass_on(admin, reply, json);
    bytes_clear(&out);
}

/* The page must come even if the ledger does not: what is known without it is said, and the rest is
 * null. */
void api_overview(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)call;
    if (admin->query.peer)
        ask_for(admin, reply, "overview", false, on_overview);
    else
        on_overview(admin, reply,
                    VIEW("{\"totals\":null,\"before\":null,\"series\":null,\"models\":[],"
                         "\"clients\":[],\"complete_to\":null}"));
}

/* Models */

static void add_models(struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *root, void *data)
{
    yyjson_mut_val *row;
    size_t i, count;

    (void)data;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(root, "rows"), i, count, row)
        overview_add_model(admin, doc, row);
}

static void on_models(struct admin *admin, struct reply *reply, struct view json)
{
    struct bytes out = {0};

    if (dress_answer(admin, json, add_models, NULL, &out))
        reply_json(reply, 200, bytes_view(&out));
    else
        api_pass_on(admin, reply, json);
    bytes_clear(&out);
}

void api_models(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)call;
    ask_for(admin, reply, "models", false, on_models);
}

static void add_model(struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *root, void *data)
{
    const struct reply *reply = data;

    yyjson_mut_obj_add_strncpy(doc, root, "id", reply->call.id.at, reply->call.id.len);
    overview_add_model(admin, doc, root);
}

static void on_model(struct admin *admin, struct reply *reply, struct view json)
{
    struct bytes out = {0};

    if (dress_answer(admin, json, add_model, reply, &out))
        reply_json(reply, 200, bytes_view(&out));
    else
        api_pass_on(admin, reply, json);
    bytes_clear(&out);
}

static void ask_one(struct admin *admin, struct reply *reply, const char *question,
                    const char *name, answer_handler *on_answer)
{
    struct bytes json = {0};
    const char *wrong;

    bytes_text(&json, "{");
    wrong = times_write(reply->call.query, &json);
    bytes_printf(&json, ",\"%s\":", name);
    bytes_json(&json, reply->call.id);
    bytes_text(&json, "}");
    if (wrong)
        reply_fail_field(reply, 400, "bad_parameter", wrong, VIEW("this value is none of those"));
    else
        ask_fresh_then(admin, question, bytes_view(&json), reply, on_answer, FRESH_MS);
    bytes_clear(&json);
}

void api_model(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)call;
    ask_one(admin, reply, "series", "model", on_model);
}

/* Clients, errors */

static void add_clients(struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *root, void *data)
{
    yyjson_mut_val *row;
    size_t i, count;

    (void)admin, (void)data;
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(root, "rows"), i, count, row) dress_client(doc, row);
}

static void on_clients(struct admin *admin, struct reply *reply, struct view json)
{
    struct bytes out = {0};

    if (dress_answer(admin, json, add_clients, NULL, &out))
        reply_json(reply, 200, bytes_view(&out));
    else
        api_pass_on(admin, reply, json);
    bytes_clear(&out);
}

void api_clients(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)call;
    ask_for(admin, reply, "clients", false, on_clients);
}

void api_client(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)call;
    ask_one(admin, reply, "series", "client", on_dressed);
}

/* Its rows are groups of attempts. */
static void name_groups(struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *root, void *data)
{
    yyjson_mut_val *name, *child;
    size_t i, count;

    (void)admin, (void)doc, (void)data;
    yyjson_mut_obj_foreach(root, i, count, name, child)
    {
        if (yyjson_mut_equals_str(name, "rows"))
            yyjson_mut_set_str(name, "groups");
    }
}

static void on_errors(struct admin *admin, struct reply *reply, struct view json)
{
    struct bytes out = {0};

    if (dress_answer(admin, json, name_groups, NULL, &out))
        reply_json(reply, 200, bytes_view(&out));
    else
        api_pass_on(admin, reply, json);
    bytes_clear(&out);
}

void api_errors(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)call;
    ask_for(admin, reply, "errors", false, on_errors);
}

void api_error(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)call;
    ask_one(admin, reply, "error_examples", "fault", on_dressed);
}

/* Calls */

static bool is_result(struct view query)
{
    static const char *const results[] = {"ok", "unseen", "client", "lost", ""};
    struct bytes result = {0};
    bool is_one = !query_text(query, "result", &result);

    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]) && !is_one; i++)
        is_one = view_equal(bytes_view(&result), view_of(results[i]));
    bytes_clear(&result);
    return is_one;
}

void api_calls(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    if (is_result(call->query))
        ask_for(admin, reply, "calls", true, on_dressed);
    else
        reply_fail_field(reply, 400, "bad_parameter", "result",
                         VIEW("should be ok, unseen, client or lost"));
}

static void on_call(struct admin *admin, struct reply *reply, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    bool is_absent = yyjson_is_null(yyjson_obj_get(yyjson_doc_get_root(doc), "row"));

    yyjson_doc_free(doc);
    if (is_absent)
        reply_fail(reply, 404, "unknown_call", VIEW("the ledger has no call of this id"));
    else
        on_dressed(admin, reply, json);
}

void api_call(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes json = {0};

    bytes_text(&json, "{\"id\":");
    bytes_json(&json, call->id);
    bytes_text(&json, "}");
    ask_fresh_then(admin, "call", bytes_view(&json), reply, on_call, FRESH_MS);
    bytes_clear(&json);
}
