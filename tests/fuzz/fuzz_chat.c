/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of chat/completions. What is taken becomes a request that the provider's rules allow:
 * contents begin with the user's, roles take turns, no part is empty, what is inline is base64,
 * calls and results are as many and in one order, names are such as it takes, schemas are bounded.
 * What is refused is refused in JSON. */
/* needs: frontend */
#include <assert.h>
#include <stdint.h>

#include "openai/chat/request.h"
#include "openai/shape.h"
#include "base/json.h"
#include "settings/options.h"
#include "../unit/settings_mine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Numbers stay text: a client's 1e999 in its own safety settings is for the provider to judge. */
static yyjson_doc *read_json(const struct bytes *text)
{
    yyjson_doc *doc = yyjson_read(text->at, text->len, YYJSON_READ_NUMBER_AS_RAW);

    assert(doc);
    return doc;
}

static void check_base64(struct view text)
{
    size_t end = text.len;

    assert(text.len && text.len % 4 == 0);
    while (text.len - end < 2 && text.at[end - 1] == '=')
        end--;
    for (size_t i = 0; i < end; i++)
        assert((text.at[i] >= 'a' && text.at[i] <= 'z') ||
               (text.at[i] >= 'A' && text.at[i] <= 'Z') ||
               (text.at[i] >= '/' && text.at[i] <= '9') || text.at[i] == '+');
}

static void check_name(yyjson_val *name)
{
    struct view text = json_view(name);

    assert(text.len && text.len <= 64 && (text.at[0] < '0' || text.at[0] > '9'));
    for (size_t i = 0; i < text.len; i++)
        assert((text.at[i] >= 'a' && text.at[i] <= 'z') ||
               (text.at[i] >= 'A' && text.at[i] <= 'Z') ||
               (text.at[i] >= '0' && text.at[i] <= '9') || text.at[i] == '_' || text.at[i] == '-' ||
               text.at[i] == '.');
}

/* Returns whether the part is a call or a result. */
static bool check_tool(yyjson_val *part)
{
    yyjson_val *call = json_member(part, VIEW("functionCall"));
    yyjson_val *result = json_member(part, VIEW("functionResponse"));

    if (!call && !result)
        return false;
    check_name(json_member(call ? call : result, VIEW("name")));
    assert(yyjson_is_obj(json_member(call, VIEW("args"))) ||
           yyjson_is_obj(json_member(result, VIEW("response"))));
    return true;
}

static void check_part(yyjson_val *part, bool is_system)
{
    yyjson_val *text = json_member(part, VIEW("text"));
    yyjson_val *data = json_member(part, VIEW("inlineData"));
    yyjson_val *file = json_member(part, VIEW("fileData"));

    if (check_tool(part))
        return;
    assert((text != NULL) + (data != NULL) + (file != NULL) == 1);
    assert(!is_system || text);
    if (text) {
        assert(yyjson_obj_size(part) == 1 && yyjson_get_len(text) > 0);
        assert(!memchr(yyjson_get_str(text), 0, yyjson_get_len(text)));
        return;
    }
    if (file) {
        assert(yyjson_get_len(json_member(file, VIEW("fileUri"))) > 0);
        return;
    }
    check_base64(json_view(json_member(data, VIEW("data"))));
    assert(memchr(yyjson_get_str(json_member(data, VIEW("mimeType"))), '/', 64));
}

static void check_parts(yyjson_val *content, bool is_system)
{
    yyjson_val *parts = json_member(content, VIEW("parts")), *part;
    size_t i, max;

    assert(yyjson_arr_size(parts) > 0);
    yyjson_arr_foreach(parts, i, max, part)
    {
        check_part(part, is_system);
    }
}

/* The n-th call or result of a content; NULL: it has fewer. */
static yyjson_val *nth(yyjson_val *content, struct view kind, size_t n)
{
    yyjson_val *part;
    size_t i, max;

    yyjson_arr_foreach(json_member(content, VIEW("parts")), i, max, part)
    {
        yyjson_val *value = json_member(part, kind);
        if (value && !n--)
            return value;
    }
    return NULL;
}

static void check_results(yyjson_val *calls, yyjson_val *results)
{
    for (size_t i = 0; i < 100; i++) {
        yyjson_val *call = nth(calls, VIEW("functionCall"), i);
        yyjson_val *result = nth(results, VIEW("functionResponse"), i);
        assert(!call == !result);
        if (!call)
            return;
        assert(yyjson_equals(json_member(call, VIEW("name")), json_member(result, VIEW("name"))));
        assert(!json_member(call, VIEW("id")) == !json_member(result, VIEW("id")));
    }
}

/* Roles take turns, but for the user's words behind results. */
static void check_contents(yyjson_val *contents)
{
    size_t i, max;
    yyjson_val *content, *before = NULL;

    assert(yyjson_arr_size(contents) > 0);
    yyjson_arr_foreach(contents, i, max, content)
    {
        struct view role = json_view(json_member(content, VIEW("role")));
        bool is_users = view_equal(role, VIEW("user"));
        bool has_results = nth(content, VIEW("functionResponse"), 0);
        bool was_users = view_equal(json_view(json_member(before, VIEW("role"))), VIEW("user"));
        assert(is_users || view_equal(role, VIEW("model")));
        assert(before ? is_users != was_users || nth(before, VIEW("functionResponse"), 0)
                      : is_users && !has_results);
        assert(is_users || was_users);
        if (has_results || nth(before, VIEW("functionCall"), 0))
            check_results(before, content);
        check_parts(content, false);
        before = content;
    }
    assert(!nth(before, VIEW("functionCall"), 0));
}

/* Tools in Google's own words are the provider's to judge. */
static void check_tools(yyjson_val *tools, bool is_googles)
{
    yyjson_val *functions = json_member(yyjson_arr_get_first(tools), VIEW("functionDeclarations")),
               *function;
    size_t i, max;

    assert(!tools || yyjson_arr_size(tools));
    if (is_googles)
        return;
    yyjson_arr_foreach(functions, i, max, function)
    {
        check_name(json_member(function, VIEW("name")));
        assert(!json_member(function, VIEW("parameters")) ||
               !json_member(function, VIEW("parametersJsonSchema")));
    }
}

/* How many members are called like that one. */
static size_t count_members(yyjson_val *object, size_t index)
{
    struct view names[64];
    size_t i, max, count = 0;
    yyjson_val *key, *value;

    assert(yyjson_obj_size(object) < 64);
    yyjson_obj_foreach(object, i, max, key, value)
    {
        names[i] = json_view(key);
    }
    for (i = 0; i < max; i++)
        count += view_equal(names[i], names[index]);
    return count;
}

static void check_body(const struct ask *ask, bool is_googles)
{
    yyjson_doc *doc = read_json(&ask->body);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *config = json_member(root, VIEW("generationConfig"));
    yyjson_val *thinking = json_member(config, VIEW("thinkingConfig"));

    check_contents(json_member(root, VIEW("contents")));
    check_tools(json_member(root, VIEW("tools")), is_googles);
    assert(ask->body.len < 64u << 20u);
    if (json_member(root, VIEW("systemInstruction")))
        check_parts(json_member(root, VIEW("systemInstruction")), true);
    assert(!json_member(thinking, VIEW("thinkingBudget")) ||
           !json_member(thinking, VIEW("thinkingLevel")));
    for (size_t i = 0; config && i < yyjson_obj_size(config); i++)
        assert(count_members(config, i) == 1);
    assert(!config || yyjson_obj_size(config) > 0);
    yyjson_doc_free(doc);
}

/* What is named by address is a path without anything that ends a line, and comes into the body. */
static void fetch(struct ask *ask)
{
    struct plan plan = {.limit = FETCHES_MOST};
    struct call_answer answer = {.body = VIEW("abc"),
                                 .headers = VIEW("Content-Type: image/png\r\n")};

    assert(fetches_plan(&ask->fetches, &plan, 1));
    for (size_t i = 0; i < plan.count; i++) {
        struct view path = plan.steps[i]->order.path;

        for (size_t k = 0; k < path.len; k++)
            assert(path.at[k] > ' ' && path.at[k] < 0x7f && path.at[k] != '#');
        (void)fetches_take(&ask->fetches, &plan, i,
                           &answer); /* a client's type may be no picture's */
        if (!ask->fetches.at[i].members.len)
            bytes_text(&ask->fetches.at[i].members, "\"data\":\"YWJj\",\"mimeType\":\"a/b\"");
    }
    assert(fetches_fill(&ask->fetches, &plan, &ask->body, 0, 1000000) == ERROR_NONE);
    assert(!ask->fetches.count || !memmem(ask->body.at, ask->body.len, ask->fetches.mark, 32));
    plan_clear(&plan);
}

static void check_path(const struct ask *ask)
{
    struct view path = bytes_view(&ask->path);

    assert(view_starts(path, VIEW("/models/")) && !memmem(path.at, path.len, "..", 2));
    for (size_t i = 0; i < path.len; i++)
        assert(path.at[i] > ' ' && path.at[i] < 0x7f && path.at[i] != '%' && path.at[i] != '#');
    assert(!memchr(path.at + 8, '/', path.len - 8));
}

static void check_refusal(struct complaint *complaint, struct bytes *why)
{
    struct bytes out = {0};

    assert(why->len > 0);
    complaint->text = bytes_cstr(why);
    shape_openai.write(complaint, &out);
    yyjson_doc_free(read_json(&out));
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view body = {(const char *)data, size};
    struct ask ask = {0};
    struct bytes why = {0};
    struct complaint complaint = {0};

    settings_mine()->safety_settings = "[]";
    settings_mine()->show_thinking = true;
    settings_mine()->media_urls = size % 2 ? "fetch" : "passthrough";
    complaint.error = openai_chat_request(body, &ask, &why, &complaint.param);
    if (complaint.error == ERROR_NONE) {
        fetch(&ask);
        check_body(&ask, memmem(data, size, "google", 6) || memmem(data, size, "\\u", 2));
        check_path(&ask);
    } else {
        check_refusal(&complaint, &why);
    }
    ask_clear(&ask);
    bytes_clear(&why);
    return 0;
}
