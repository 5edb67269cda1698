/* SPDX-License-Identifier: Apache-2.0 */
/* What scripts ask of gemini-balance, in its shapes. What must stay true: no key leaves here, but its
 * last four characters with the beginning of its id, so that two are told apart. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "api/api.h"
#include "base/json.h"
#include "inquiry.h"
#include "query.h"

enum { ROWS_MOST = 500, PAGE_MOST = 1000, NAME_SIZE = 32 };

static void name_of(const struct key *key, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "\u2026%s:%06" PRIx64, key->tail, key->id >> 40);
}

static void put_name(const struct admin *admin, struct view id, struct bytes *out)
{
    const struct key *key = keys_find(&admin->keys, key_id_read(id));
    char name[NAME_SIZE] = "\u2026";

    if (key)
        name_of(key, name);
    bytes_json(out, view_of(name));
}

/* Keys */

static bool is_valid(const struct key *key)
{
    return key->state != KEY_DEAD && key->state != KEY_OFF;
}

/* status=valid, invalid or all (also if it is absent). */
static bool is_wanted(const struct key *key, struct view status)
{
    return !status.len || view_equal(status, VIEW("all")) ||
           is_valid(key) == view_equal(status, VIEW("valid"));
}

struct page {
    uint64_t page, limit, least_fails;
    struct bytes status;
};

static bool read_page(struct view query, struct page *page)
{
    *page = (struct page){.page = 1, .limit = 10};
    query_text(query, "status", &page->status);
    return query_number(query, "page", 1, 1000000, &page->page) &&
           query_number(query, "limit", 1, PAGE_MOST, &page->limit) &&
           query_number(query, "fail_count_threshold", 0, UINT32_MAX, &page->least_fails);
}

static size_t write_page(const struct admin *admin, const struct page *page, struct bytes *out)
{
    size_t first = (page->page - 1) * page->limit, matching = 0;
    char name[NAME_SIZE];
    struct key *key, *next;

    bytes_text(out, "{\"keys\":{");
    HASH_ITER (hh, admin->keys.by_id, key, next) {
        if (!is_wanted(key, bytes_view(&page->status)) || key->sums.failed < page->least_fails)
            continue;
        if (matching++ < first || matching > first + page->limit)
            continue;
        name_of(key, name);
        bytes_text(out, matching - 1 > first ? "," : "");
        bytes_json(out, view_of(name));
        bytes_printf(out, ":%" PRIu64, key->sums.failed);
    }
    bytes_text(out, "}");
    return matching;
}

void api_legacy_keys(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes out = {0};
    struct page page;
    bool is_good = read_page(call->query, &page);
    size_t matching;

    if (is_good) {
        matching = write_page(admin, &page, &out);
        bytes_printf(&out, ",\"total_items\":%zu,\"total_pages\":%zu,\"current_page\":%" PRIu64 "}",
                     matching, (size_t)((matching + page.limit - 1) / page.limit), page.page);
        reply_json(reply, 200, bytes_view(&out));
    } else {
        reply_fail(reply, 400, "bad_parameter",
                   VIEW("page, limit or fail_count_threshold is wrong"));
    }
    bytes_clear(&page.status);
    bytes_clear(&out);
}

static size_t write_names(const struct admin *admin, bool are_valid, struct bytes *out)
{
    char name[NAME_SIZE];
    struct key *key, *next;
    size_t count = 0;

    HASH_ITER (hh, admin->keys.by_id, key, next) {
        if (is_valid(key) != are_valid)
            continue;
        name_of(key, name);
        bytes_text(out, count++ ? "," : "");
        bytes_json(out, view_of(name));
    }
    return count;
}

void api_legacy_all_keys(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes out = {0};
    size_t count;

    (void)call;
    bytes_text(&out, "{\"valid_keys\":[");
    count = write_names(admin, true, &out);
    bytes_text(&out, "],\"invalid_keys\":[");
    count += write_names(admin, false, &out);
    bytes_printf(&out, "],\"total_count\":%zu}", count);
    reply_json(reply, 200, bytes_view(&out));
    bytes_clear(&out);
}

static void write_fails(const struct admin *admin, bool are_valid, struct bytes *out)
{
    char name[NAME_SIZE];
    struct key *key, *next;

    HASH_ITER (hh, admin->keys.by_id, key, next) {
        if (is_valid(key) != are_valid)
            continue;
        name_of(key, name);
        bytes_text(out, out->at[out->len - 1] == '{' ? "" : ",");
        bytes_json(out, view_of(name));
        bytes_printf(out, ":%" PRIu64, key->sums.failed);
    }
}

/* GET /v1/keys/list */
void api_legacy_list(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes out = {0};

    (void)call;
    bytes_text(&out, "{\"status\":\"success\",\"data\":{\"valid_keys\":{");
    write_fails(admin, true, &out);
    bytes_text(&out, "},\"invalid_keys\":{");
    write_fails(admin, false, &out);
    bytes_printf(&out, "}},\"total\":%u}", HASH_COUNT(admin->keys.by_id));
    reply_json(reply, 200, bytes_view(&out));
    bytes_clear(&out);
}

/* Attempts */

static void put_time(struct bytes *out, uint64_t at)
{
    time_t seconds = (time_t)(at / 1000);
    char text[32];
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "\"%Y-%m-%dT%H:%M:%SZ\"", &parts);
    bytes_text(out, text);
}

typedef void row_writer(const struct admin *admin, yyjson_val *row, struct bytes *out);

static bool is_failure(yyjson_val *row)
{
    struct view fault = json_member_text(row, "fault");

    return !view_equal(fault, VIEW("none")) && !view_equal(fault, VIEW("blocked"));
}

static void write_detail(const struct admin *admin, yyjson_val *row, struct bytes *out)
{
    bytes_text(out, "{\"timestamp\":");
    put_time(out, json_member_count(row, "time_ms"));
    bytes_text(out, ",\"key\":");
    put_name(admin, json_member_text(row, "key_id"), out);
    bytes_text(out, ",\"model\":");
    bytes_json(out, json_member_text(row, "model"));
    bytes_printf(out, ",\"status\":\"%s\",\"status_code\":%" PRIu64 ",\"latency_ms\":%" PRIu64 "}",
                 is_failure(row) ? "failure" : "success", json_member_count(row, "status"),
                 json_member_count(row, "total_ms"));
}

static void write_error(const struct admin *admin, yyjson_val *row, struct bytes *out)
{
    bytes_text(out, "{\"id\":");
    bytes_json(out, json_member_text(row, "call"));
    bytes_text(out, ",\"gemini_key\":");
    put_name(admin, json_member_text(row, "key_id"), out);
    bytes_text(out, ",\"error_type\":");
    bytes_json(out, json_member_text(row, "fault"));
    bytes_printf(out,
                 ",\"error_code\":%" PRIu64 ",\"model_name\":", json_member_count(row, "status"));
    bytes_json(out, json_member_text(row, "model"));
    bytes_text(out, ",\"request_time\":");
    put_time(out, json_member_count(row, "time_ms"));
    bytes_text(out, "}");
}

/* Appends those rows of the ledger's answer with commas between; how many. */
static size_t write_rows(const struct admin *admin, struct view json, bool failures_only,
                         row_writer *write, struct bytes *out)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *row;
    size_t i, count, written = 0;

    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "rows"), i, count, row)
    {
        if (failures_only && !is_failure(row))
            continue;
        bytes_text(out, written++ ? "," : "");
        write(admin, row, out);
    }
    yyjson_doc_free(doc);
    return written;
}

static bool is_answer(struct view json)
{
    return view_starts(json, VIEW("{\"rows\""));
}

static void on_details(struct admin *admin, struct reply *reply, struct view json)
{
    struct bytes out = {0};

    bytes_text(&out, "[");
    write_rows(admin, json, false, write_detail, &out);
    bytes_text(&out, "]");
    if (is_answer(json))
        reply_json(reply, 200, bytes_view(&out));
    else
        api_pass_on(admin, reply, json);
    bytes_clear(&out);
}

static void on_errors(struct admin *admin, struct reply *reply, struct view json)
{
    struct bytes out = {0};
    size_t count;

    bytes_text(&out, "{\"logs\":[");
    count = write_rows(admin, json, true, write_error, &out);
    bytes_printf(&out, "],\"total\":%zu}", count);
    if (is_answer(json))
        reply_json(reply, 200, bytes_view(&out));
    else
        api_pass_on(admin, reply, json);
    bytes_clear(&out);
}

/* 1m and 1h are an hour's rows at most, the finest that the question knows. */
static unsigned hours_of(struct view period)
{
    return view_equal(period, VIEW("24h")) || !period.len ? 24
           : view_equal(period, VIEW("8h"))               ? 8
           : view_equal(period, VIEW("1h"))               ? 1
                                                          : 0;
}

void api_legacy_details(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes period = {0}, json = {0};
    unsigned hours;

    query_text(call->query, "period", &period);
    hours = hours_of(bytes_view(&period));
    bytes_printf(&json, "{\"hours\":%u,\"limit\":%d}", hours, ROWS_MOST);
    if (hours)
        ask_then(admin, QUESTION_attempts_recent, bytes_view(&json), reply, on_details,
                 admin->actor.now_ms + ANSWER_LIMIT_MS);
    else
        reply_fail_field(reply, 400, "bad_parameter", "period", VIEW("should be 1h, 8h or 24h"));
    bytes_clear(&period);
    bytes_clear(&json);
}

void api_legacy_errors(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    uint64_t status = 0;
    struct bytes json = {0};
    bool is_good = query_number(call->query, "error_code_search", 1, 999, &status);

    bytes_printf(&json, "{\"hours\":720,\"limit\":%d", ROWS_MOST);
    if (status)
        bytes_printf(&json, ",\"status\":%" PRIu64, status);
    bytes_text(&json, "}");
    if (is_good)
        ask_then(admin, QUESTION_attempts_recent, bytes_view(&json), reply, on_errors,
                 admin->actor.now_ms + ANSWER_LIMIT_MS);
    else
        reply_fail_field(reply, 400, "bad_parameter", "error_code_search",
                         VIEW("should be an HTTP status"));
    bytes_clear(&json);
}
