/* SPDX-License-Identifier: Apache-2.0 */
/* GET /stats. Calls are those to the provider: a request for three choices is three. What must stay
 * true: of a key nothing is shown but its last characters. */
#include "api/stats.h"

#include <yyjson.h>

#include "api/api.h"
#include "base/json.h"
#include "inquiry.h"

/* The rows of one period, by what they are told apart. */
struct group {
    const char *period, *by;
};

static uint64_t count_of(yyjson_val *row, const char *name)
{
    return json_member_count(row, name);
}

static bool is_of(yyjson_val *row, const struct group *group)
{
    return view_equal(json_member_text(row, "period"), view_of(group->period)) &&
           view_equal(json_member_text(row, "by"), view_of(group->by));
}

/* What was asked for and neither answered nor its client's own fault. */
static uint64_t failures_of(yyjson_val *row, uint64_t asked)
{
    uint64_t good = count_of(row, "answered") + count_of(row, "client_fault");

    return asked > good ? asked - good : 0;
}

/* As the recorder says it; null: it does not know, or nothing happened. */
static void put_member(struct bytes *out, yyjson_val *row, const char *name)
{
    yyjson_val *value = yyjson_obj_get(row, name);

    bytes_printf(out, ",\"%s\":", name);
    if (value)
        json_value(out, value);
    else
        bytes_text(out, "null");
}

/* The members of an object, without braces; a NULL row: nothing happened. */
static void put_counts(struct bytes *out, yyjson_val *row, const char *asked)
{
    uint64_t total =
        count_of(row, "tokens_in") + count_of(row, "tokens_out") + count_of(row, "tokens_thoughts");

    bytes_printf(out,
                 "\"%s\":%llu,\"successes\":%llu,\"failures\":%llu,\"rescued\":%llu,"
                 "\"client_faults\":%llu,\"tokens\":{\"total\":%llu",
                 asked, (unsigned long long)count_of(row, asked),
                 (unsigned long long)count_of(row, "answered"),
                 (unsigned long long)failures_of(row, count_of(row, asked)),
                 (unsigned long long)count_of(row, "rescued"),
                 (unsigned long long)count_of(row, "client_fault"), (unsigned long long)total);
    json_int_after(out, VIEW(",\"in\":"), count_of(row, "tokens_in"));
    json_int_after(out, VIEW(",\"out\":"), count_of(row, "tokens_out"));
    json_int_after(out, VIEW(",\"thoughts\":"), count_of(row, "tokens_thoughts"));
    json_int_after(out, VIEW(",\"cached\":"), count_of(row, "tokens_cached"));
    bytes_text(out, "}");
    put_member(out, row, "success");
    put_member(out, row, "cost_usd");
    put_member(out, row, "first_ms");
    put_member(out, row, "total_ms");
}

static yyjson_val *row_of(yyjson_val *rows, const struct group *group)
{
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(rows, i, count, row)
    {
        if (is_of(row, group))
            return row;
    }
    return NULL;
}

static void put_periods(struct bytes *out, yyjson_val *rows)
{
    static const char *const periods[] = {"1m", "1h", "24h", "month"};

    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        bytes_printf(out, "%s\"%s\":{", i ? "," : "", periods[i]);
        put_counts(out, row_of(rows, &(struct group){periods[i], ""}), "calls");
        bytes_text(out, "}");
    }
}

static void put_models(struct bytes *out, yyjson_val *rows)
{
    yyjson_val *row;
    size_t i, count;

    yyjson_arr_foreach(rows, i, count, row)
    {
        if (!is_of(row, &(struct group){"24h", "model"}))
            continue;
        bytes_text(out, out->at[out->len - 1] == '[' ? "{\"model\":" : ",{\"model\":");
        bytes_json(out, json_member_text(row, "name"));
        bytes_text(out, ",");
        put_counts(out, row, "calls");
        bytes_text(out, "}");
    }
}

static void put_keys(struct bytes *out, yyjson_val *rows, yyjson_val *tails)
{
    yyjson_val *row, *tail;
    size_t i, count;

    yyjson_arr_foreach(rows, i, count, row)
    {
        struct view id = json_member_text(row, "name");

        if (!is_of(row, &(struct group){"24h", "key"}))
            continue;
        tail = yyjson_obj_getn(tails, id.at, id.len);
        bytes_text(out, out->at[out->len - 1] == '[' ? "{\"key\":" : ",{\"key\":");
        bytes_json(out, yyjson_is_str(tail) ? view_of(yyjson_get_str(tail)) : VIEW("…"));
        bytes_text(out, ",\"id\":");
        bytes_json(out, id);
        bytes_text(out, ",");
        put_counts(out, row, "attempts");
        bytes_text(out, "}");
    }
}

static void put_pool(struct bytes *out, yyjson_val *status)
{
    yyjson_val *keys = yyjson_obj_get(status, "keys");

    if (!keys) {
        bytes_text(out, "null");
        return;
    }
    bytes_printf(out, "{\"total\":%llu,\"available\":%llu}",
                 (unsigned long long)count_of(keys, "total"),
                 (unsigned long long)count_of(keys, "fit"));
}

static yyjson_doc *parse(struct view json)
{
    return yyjson_read(json.at ? json.at : "", json.len, 0);
}

bool stats_write(struct view json, struct view tails, struct view status, struct bytes *out)
{
    yyjson_doc *doc = parse(json), *tails_doc = parse(tails), *status_doc = parse(status);
    yyjson_val *rows = yyjson_obj_get(yyjson_doc_get_root(doc), "rows");

    if (rows) {
        bytes_text(out, "{\"periods\":{");
        put_periods(out, rows);
        bytes_text(out, "},\"models\":[");
        put_models(out, rows);
        bytes_text(out, "],\"keys\":[");
        put_keys(out, rows, yyjson_doc_get_root(tails_doc));
        bytes_text(out, "],\"pool\":");
        put_pool(out, yyjson_doc_get_root(status_doc));
        bytes_text(out, "}");
    }
    yyjson_doc_free(doc);
    yyjson_doc_free(tails_doc);
    yyjson_doc_free(status_doc);
    return rows;
}

static void on_answer(struct admin *admin, struct reply *reply, struct view json)
{
    const struct source *balancer = admin->balancers;
    struct bytes out = {0};

    if (stats_write(json, bytes_view(&balancer->keys), bytes_view(&balancer->status), &out))
        reply_json(reply, 200, bytes_view(&out));
    else
        api_pass_on(admin, reply, json);
    bytes_clear(&out);
}

void api_stats(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)call;
    ask_then(admin, QUESTION_stats, VIEW(""), reply, on_answer,
             admin->actor.now_ms + ANSWER_LIMIT_MS);
}
