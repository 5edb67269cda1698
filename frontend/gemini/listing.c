/* SPDX-License-Identifier: Apache-2.0 */
/* Lists. Called by native.c. What must stay true: an object is shown as its key shows it now, and one that is gone is not shown;
 * a page token is only good for who got it. */
#include "gemini/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/json.h"
#include "base/url.h"
#include "objects/objects.h"

enum {
    PAGE_USUAL = 10,
    PAGE_MOST = 50,
    TOKEN_LEN = 16 + 8, /* a number, and what it is checked by */
};

/* ---- page tokens ---- */

static uint32_t check_of(const struct listing *listing, uint64_t before)
{
    struct bytes text = {0};
    uint32_t check;

    bytes_printf(&text, "%s %llx %llx", bytes_cstr((struct bytes *)&listing->collection),
                 (unsigned long long)listing->client, (unsigned long long)before);
    check = (uint32_t)crc32(0, (const unsigned char *)text.at, (unsigned)text.len);
    bytes_clear(&text);
    return check;
}

static void write_token(const struct listing *listing, struct bytes *out)
{
    bytes_printf(out, "%016llx%08x", (unsigned long long)listing->before,
                 check_of(listing, listing->before));
}

static bool read_token(const struct listing *listing, struct view token, uint64_t *before)
{
    char text[TOKEN_LEN + 1] = "";
    unsigned long long number;
    unsigned check;

    if (token.len != TOKEN_LEN)
        return false;
    memcpy(text, token.at, TOKEN_LEN);
    if (strspn(text, "0123456789abcdef") != TOKEN_LEN ||
        sscanf(text, "%16llx%8x", &number, &check) != 2)
        return false;
    *before = number;
    return number && check == check_of(listing, number);
}

/* ---- the request ---- */

static bool read_size(struct view text, uint64_t *size)
{
    uint64_t number = 0;

    if (!text.len || text.len > 9)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    *size = number ? number : PAGE_USUAL;
    return true;
}

static enum error read_query(struct listing *listing, struct view query, struct plan *plan,
                             uint64_t *most)
{
    struct view name, value;

    while (url_query_next(&query, &name, &value)) {
        bool is_size = view_equal(name, VIEW("pageSize")) || view_equal(name, VIEW("page_size"));
        bool is_token = view_equal(name, VIEW("pageToken")) || view_equal(name, VIEW("page_token"));

        if (is_size && !read_size(value, most)) {
            bytes_text(&plan->why, "Invalid value for page_size: a number from 0 on is needed.");
            return ERROR_BAD_VALUE;
        }
        if (is_token && value.len && !read_token(listing, value, &listing->before)) {
            bytes_text(&plan->why, "The page token is not valid.");
            return ERROR_BAD_VALUE;
        }
    }
    return ERROR_NONE;
}

enum error listing_begin(struct listing *listing, const struct request *request, struct view path,
                         struct plan *plan)
{
    struct step step = {.order = {.pool = "objects",
                                  .operation = "objects",
                                  .client = request->client,
                                  .any_client = request->any_client},
                        .pass = STEP_WHOLE};
    uint64_t most = PAGE_USUAL;
    enum error error;

    bytes_append(&listing->collection, view_skip(path, 1));
    listing->client = request->client;
    listing->any_client = request->any_client;
    error = read_query(listing, request->query, plan, &most);
    if (error != ERROR_NONE)
        return error;
    most = most < PAGE_MOST ? most : PAGE_MOST;
    if (most >= plan->limit)
        most = plan->limit > 1 ? plan->limit - 1 : 1;
    bytes_printf(&step.path, "/%s?before=%llu&most=%llu", bytes_cstr(&listing->collection),
                 (unsigned long long)listing->before, (unsigned long long)most);
    plan_add(plan, &step);
    return ERROR_NONE;
}

/* ---- the answers ---- */

static void ask_for(const struct listing *listing, struct plan *plan, struct view name)
{
    struct step step = {.order = {.pool = "gemini",
                                  .operation = "objects",
                                  .client = listing->client,
                                  .any_client = listing->any_client},
                        .pass = STEP_WHOLE,
                        .place = plan->count};

    bytes_text(&step.path, "/");
    bytes_append(&step.path, name);
    bytes_append(&step.names, name);
    plan_add(plan, &step);
}

static enum error take_names(struct listing *listing, struct plan *plan, struct view json)
{
    yyjson_doc *doc = json_read_reply(json);
    yyjson_val *root = yyjson_doc_get_root(doc), *name;
    size_t i, count;

    listing->before = json_count(json_member(root, VIEW("before")));
    yyjson_arr_foreach(json_member(root, VIEW("names")), i, count,
                       name) if (object_is_name(json_view(name)))
        ask_for(listing, plan, json_view(name));
    yyjson_doc_free(doc);
    return ERROR_NONE;
}

/* How a page calls its members. */
static struct view member_of(struct view collection)
{
    bool is_operation =
        view_equal(collection, VIEW("batches")) || view_starts(collection, VIEW("models/"));

    return is_operation ? VIEW("operations") : collection;
}

static void open_list(const struct listing *listing, struct bytes *out)
{
    struct view member = member_of(bytes_view(&listing->collection));

    bytes_printf(out, "{\n  \"%.*s\": [\n", (int)member.len, member.at);
}

enum error listing_answer(struct listing *listing, struct plan *plan, size_t call,
                          const struct call_answer *answer, struct bytes *out)
{
    if (call == 0)
        return take_names(listing, plan, answer->body);
    if (listing->count++)
        bytes_text(out, ",\n");
    else
        open_list(listing, out);
    bytes_append(out, view_trim(answer->body));
    return ERROR_NONE;
}

bool listing_failed(const struct listing *listing, size_t call, const struct call_failure *failure)
{
    bool is_gone = failure->error == ERROR_FORBIDDEN || failure->error == ERROR_NO_OBJECT ||
                   failure->error == ERROR_NO_MODEL || failure->error == ERROR_BAD_REQUEST;
    bool is_out_of_reach = failure->error == ERROR_NO_KEY || failure->error == ERROR_KEYS_REFUSED;

    return listing->collection.len && call > 0 && (is_gone || is_out_of_reach);
}

/* Google's empty list is an empty object. */
void listing_end(const struct listing *listing, struct bytes *out)
{
    bool has_next = listing->before > 0;

    if (listing->count)
        bytes_text(out, has_next ? "\n  ],\n" : "\n  ]\n}\n");
    else
        bytes_text(out, has_next ? "{\n" : "{}\n");
    if (!has_next)
        return;
    bytes_text(out, "  \"nextPageToken\": \"");
    write_token(listing, out);
    bytes_text(out, "\"\n}\n");
}

void listing_clear(struct listing *listing)
{
    bytes_clear(&listing->collection);
}
