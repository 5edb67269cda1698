/* SPDX-License-Identifier: Apache-2.0 */
/* The first page: totals, the time before, a series, and who uses most. */
#include "query/attempts.h"

#include "base/json.h"
#include "intake/report.h"
#include "query/parts.h"
#include "query/series.h"

enum { FIRST_ONES = 6 };

/* The SELECTs in their order. */
enum { AT_SERIES, AT_SERIES_TIMES, AT_TIMES, AT_BEFORE, AT_TIMES_BEFORE, AT_NEWEST };

/* SELECTs */

static void put_tallies(struct bytes *sql, const struct span *span)
{
    bytes_text(sql, "SELECT " TALLY_COLUMNS " FROM sums WHERE part = 0");
    put_span(sql, span);
}

static void add_more(struct study *study)
{
    parts_ask_more(study, &study->models, false);
    parts_ask_more(study, &study->clients, false);
}

/* Answers */

/* The store says when it lost the database; what it had till then is there. */
static void write_complete(const struct study *study, struct bytes *json)
{
    yyjson_val *newest = yyjson_arr_get_first(study_rows(study, AT_NEWEST));
    struct report report;
    bool is_told = report_read(&report), is_away = is_told && !report.is_open;

    bytes_printf(json, ",\"complete_to\":%llu",
                 (unsigned long long)(is_away ? report.error_ms : study->now_ms));
    json_int_after(json, VIEW(",\"newest_at\":"), json_member_count(newest, "newest"));
    report_clear(&report);
}

static void write(const struct study *study, struct bytes *json)
{
    struct tally total = {0}, before = {0};
    struct bytes series = {0};

    series_write(study, AT_SERIES, &total, &series);
    tally_add(&before, yyjson_arr_get_first(study_rows(study, AT_BEFORE)));
    bytes_text(json, "{");
    span_write(study, json);
    write_complete(study, json);
    bytes_text(json, ",\"totals\":");
    totals_write(&total, study_rows(study, AT_TIMES), json);
    bytes_text(json, ",\"before\":");
    totals_write(&before, study_rows(study, AT_TIMES_BEFORE), json);
    bytes_text(json, ",\"series\":");
    bytes_append(json, bytes_view(&series));
    bytes_text(json, ",\"models\":");
    parts_write(study, &study->models, json);
    bytes_text(json, ",\"clients\":");
    parts_write(study, &study->clients, json);
    bytes_text(json, "}");
    bytes_clear(&series);
}

void question_overview(const struct question_values *values, struct study *study)
{
    const struct value *from_ms = &values->by.overview.from_ms, *to_ms = &values->by.overview.to_ms;
    struct span before;

    study->span = span_of(from_ms, to_ms, study->now_ms);
    before = span_before(&study->span);
    series_ask(study, "part = 0");
    put_histogram(study_select(study), "kind", "part = 0", &study->span);
    put_tallies(study_select(study), &before);
    put_histogram(study_select(study), "kind", "part = 0", &before);
    bytes_text(study_select(study),
               "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MAX(last)) DIV "
               "1000 AS newest FROM sums WHERE part = 0 AND step = 3");
    parts_ask(study, &study->models, PART_MODEL, FIRST_ONES, NULL);
    parts_ask(study, &study->clients, PART_CLIENT, FIRST_ONES, NULL);
    study->more = add_more;
    study->write = write;
}
