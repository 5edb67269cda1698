/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/admin/calls.csv: the calls of a filter as a table, page by page out of the ledger. Of very
 * many the newest; the last line then says so. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "api/api.h"
#include "api/times.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "csv.h"
#include "inquiry.h"

enum { PAGE = 1000, PAGES_MOST = 50, BEFORE_SIZE = 80 };

/* Lives as long as its request. */
struct export
{
    struct bytes asked; /* the question without its end */
    struct bytes csv;
    size_t pages;
};

static const char *const columns[] = {"id",         "at",
                                      "route",      "model",
                                      "client",     "stream",
                                      "status",     "fault",
                                      "result",     "attempts",
                                      "first_ms",   "total_ms",
                                      "tokens_in",  "tokens_cached",
                                      "tokens_out", "tokens_thoughts",
                                      "cost_usd"};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static void on_disposed(void *data)
{
    struct export *export = data;

    bytes_clear(&export->asked);
    bytes_clear(&export->csv);
}

static void put_time(struct bytes *out, uint64_t at)
{
    time_t seconds = (time_t)(at / 1000);
    char day[32], text[48];
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, sizeof(text), "%s.%03uZ", day, (unsigned)(at % 1000));
    csv_cell(out, view_of(text));
}

/* Numbers are cells as they are; lists are counted. */
static void put_value(struct bytes *out, yyjson_val *value)
{
    struct bytes text = {0};

    if (yyjson_is_str(value))
        bytes_append(&text, json_view(value));
    else if (yyjson_is_arr(value))
        bytes_printf(&text, "%zu", yyjson_arr_size(value));
    else if (value && !yyjson_is_null(value))
        json_value(&text, value);
    csv_cell(out, bytes_view(&text));
    bytes_clear(&text);
}

static void put_row(struct bytes *out, yyjson_val *row)
{
    for (size_t i = 0; i < COLUMNS; i++)
        if (strcmp(columns[i], "at") == 0)
            put_time(out, json_member_count(row, "at"));
        else
            put_value(out, yyjson_obj_get(row, columns[i]));
    csv_end_line(out);
}

static void reply_csv(struct reply *reply, const struct export *export)
{
    reply_header(reply, "content-disposition", VIEW("attachment; filename=\"calls.csv\""));
    reply_bytes(reply, 200, "text/csv; charset=utf-8", bytes_view(&export->csv));
}

static void on_page(struct admin *admin, struct reply *reply, struct view json);

static void ask_page(struct admin *admin, struct reply *reply, struct view before)
{
    const struct export *export = reply->work;
    struct bytes json = {0};

    bytes_append(&json, bytes_view(&export->asked));
    if (before.len) {
        bytes_text(&json, ",\"before\":");
        bytes_json(&json, before);
    }
    bytes_printf(&json, ",\"limit\":%d}", PAGE);
    ask_then(admin, QUESTION_calls, bytes_view(&json), reply, on_page,
             admin->actor.now_ms + ANSWER_LIMIT_MS);
    bytes_clear(&json);
}

static void on_page(struct admin *admin, struct reply *reply, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *rows = yyjson_obj_get(root, "rows"), *row;
    struct view next = json_member_text(root, "next");
    struct export *export = reply->work;
    size_t i, count;

    yyjson_arr_foreach(rows, i, count, row) put_row(&export->csv, row);
    if (!rows) {
        api_pass_on(admin, reply, json);
    } else if (next.len && ++export->pages < PAGES_MOST) {
        ask_page(admin, reply, next);
    } else {
        if (next.len) {
            csv_cell(&export->csv, VIEW("there are more: choose a shorter time"));
            csv_end_line(&export->csv);
        }
        reply_csv(reply, export);
    }
    yyjson_doc_free(doc);
}

void api_calls_csv(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct export *export = h2o_mem_alloc_shared(&reply->req->pool, sizeof(*export), on_disposed);
    const char *wrong;

    *export = (struct export){0};
    reply->work = export;
    bytes_text(&export->asked, "{");
    wrong = times_write(call->query, &export->asked);
    times_write_filter(call->query, &export->asked);
    for (size_t i = 0; i < COLUMNS; i++)
        csv_cell(&export->csv, view_of(columns[i]));
    csv_end_line(&export->csv);
    if (wrong) {
        reply_fail_field(reply, 400, "bad_parameter", wrong, VIEW("this value is none of those"));
        return;
    }
    log_info("admin.exported", F_STR("from", call->caller.address),
             F_NUM("session", call->session_number));
    ask_page(admin, reply, VIEW(""));
}
