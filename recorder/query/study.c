/* SPDX-License-Identifier: Apache-2.0 */
/* Studies, and the times that they are about. Called by query.c and the questions. What must stay true: a
 * span is made up of whole steps that are there for certain, so that two questions about the same time say the
 * same; and what a client gave stands in the SQL as a number or in hex. */
#include "query/study.h"

#include "database/kept.h"
#include "database/values.h"

#define MINUTE_MS 60000ull
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

enum { POINTS_MOST = 170 };

/* As the tables number them, the finest first. */
static const struct unit {
    uint64_t ms;
    uint64_t most_ms; /* so long a time is read by it */
    uint64_t kept_ms; /* so old ones are there for certain */
    unsigned step;
} units[] = {
    {MINUTE_MS, 3 * HOUR_MS, (MINUTES_KEPT_HOURS - 1) * HOUR_MS, 1},
    {10 * MINUTE_MS, 36 * HOUR_MS, (TENS_KEPT_HOURS - 1) * HOUR_MS, 4},
    {HOUR_MS, 45 * DAY_MS, (HOURS_KEPT_HOURS - 24) * HOUR_MS, 2},
    {DAY_MS, UINT64_MAX, UINT64_MAX, 3},
};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

/* SELECTs */

struct bytes *study_select(struct study *study)
{
    return &study->sql[study->count++];
}

yyjson_val *study_rows(const struct study *study, size_t number)
{
    return yyjson_doc_get_root(study->rows[number]);
}

void study_clear(struct study *study)
{
    for (size_t i = 0; i < STUDY_MOST; i++) {
        bytes_clear(&study->sql[i]);
        yyjson_doc_free(study->rows[i]);
    }
    *study = (struct study){0};
}

/* Spans */

static uint64_t down_to(uint64_t ms, uint64_t unit_ms)
{
    return ms / unit_ms * unit_ms;
}

static uint64_t up_to(uint64_t ms, uint64_t unit_ms)
{
    return down_to(ms + unit_ms - 1, unit_ms);
}

static const struct unit *unit_of(uint64_t from_ms, uint64_t to_ms, uint64_t now_ms)
{
    size_t i = 0;

    while (i + 1 < UNITS && (to_ms - from_ms > units[i].most_ms ||
                             (now_ms > from_ms && now_ms - from_ms > units[i].kept_ms)))
        i++;
    return &units[i];
}

/* So that a chart has no more points than are seen. */
static uint64_t step_of(uint64_t len_ms, uint64_t unit_ms)
{
    static const unsigned times[] = {1, 2, 3, 4, 6, 12, 24, 30, 60, 120, 365};
    size_t i = 0;

    while (i + 1 < sizeof(times) / sizeof(times[0]) && len_ms / (unit_ms * times[i]) > POINTS_MOST)
        i++;
    return unit_ms * times[i];
}

static struct span span_from(const struct value *from_ms, const struct value *to_ms,
                             uint64_t now_ms, const struct unit *finest)
{
    uint64_t to = to_ms->is_given ? to_ms->number : now_ms;
    uint64_t from = from_ms->is_given ? from_ms->number : to > DAY_MS ? to - DAY_MS : 0;
    const struct unit *unit;
    uint64_t step_ms;

    if (from > to)
        from = to;
    unit = unit_of(from, to, now_ms);
    if (unit < finest)
        unit = finest;
    step_ms = step_of(to - from, unit->ms);
    from = down_to(from, step_ms);
    to = up_to(to > from ? to : from + 1, step_ms);
    return (struct span){.from_ms = from, .to_ms = to, .step_ms = step_ms, .unit = unit->step};
}

struct span span_of(const struct value *from_ms, const struct value *to_ms, uint64_t now_ms)
{
    return span_from(from_ms, to_ms, now_ms, units);
}

struct span span_of_hours(const struct value *from_ms, const struct value *to_ms, uint64_t now_ms)
{
    return span_from(from_ms, to_ms, now_ms, &units[2]);
}

struct span span_before(const struct span *span)
{
    uint64_t len_ms = span->to_ms - span->from_ms;
    struct span before = *span;

    before.to_ms = span->from_ms;
    before.from_ms = span->from_ms > len_ms ? span->from_ms - len_ms : 0;
    return before;
}

struct span span_last(uint64_t step_ms, unsigned count, unsigned unit, uint64_t now_ms)
{
    uint64_t to_ms = down_to(now_ms, step_ms) + step_ms;

    return (struct span){
        .from_ms = to_ms - step_ms * count, .to_ms = to_ms, .step_ms = step_ms, .unit = unit};
}

/* Conditions */

static void put_part(struct bytes *sql, unsigned step, uint64_t from_ms, uint64_t to_ms)
{
    if (from_ms >= to_ms)
        return;
    bytes_text(sql, sql->at[sql->len - 1] == '(' ? "" : " OR ");
    bytes_printf(sql, "step = %u AND time >= ", step);
    put_time(sql, from_ms);
    bytes_text(sql, " AND time < ");
    put_time(sql, to_ms);
}

/* What is whole in units from this one up is theirs, the rest is the finer one's. */
static void put_parts(struct bytes *sql, const struct unit *unit, const struct unit *last,
                      uint64_t from_ms, uint64_t to_ms)
{
    const struct unit *larger = unit + 1;
    uint64_t first_ms, last_ms;

    if (unit == last) {
        put_part(sql, unit->step, from_ms, to_ms);
        return;
    }
    first_ms = up_to(from_ms, larger->ms);
    last_ms = down_to(to_ms, larger->ms);
    if (first_ms >= last_ms) {
        put_part(sql, unit->step, from_ms, to_ms);
        return;
    }
    put_part(sql, unit->step, from_ms, first_ms);
    put_parts(sql, larger, last, first_ms, last_ms);
    put_part(sql, unit->step, last_ms, to_ms);
}

/* Before 1970 there is nothing. */
static void end_parts(struct bytes *sql)
{
    bytes_text(sql, sql->at[sql->len - 1] == '(' ? "FALSE)" : ")");
}

void put_span_up_to(struct bytes *sql, const struct span *span, uint64_t most_ms)
{
    size_t i = 0, last;

    while (units[i].step != span->unit)
        i++;
    for (last = i; last + 1 < UNITS && units[last + 1].ms <= most_ms;)
        last++;
    bytes_text(sql, " AND (");
    put_parts(sql, &units[i], &units[last], span->from_ms, span->to_ms);
    end_parts(sql);
}

void put_span(struct bytes *sql, const struct span *span)
{
    put_span_up_to(sql, span, UINT64_MAX);
}

void put_span_by_unit(struct bytes *sql, const struct span *span)
{
    bytes_text(sql, " AND (");
    put_part(sql, span->unit, span->from_ms, span->to_ms);
    end_parts(sql);
}

void put_times(struct bytes *sql, const struct span *span)
{
    bytes_text(sql, " AND time >= ");
    put_time(sql, span->from_ms);
    bytes_text(sql, " AND time < ");
    put_time(sql, span->to_ms);
}

void put_place(struct bytes *sql, const struct span *span, uint64_t step_ms)
{
    bytes_text(sql, "TIMESTAMPDIFF(SECOND, ");
    put_time(sql, span->from_ms);
    bytes_printf(sql, ", time) DIV %llu AS i", (unsigned long long)(step_ms / 1000));
}

void put_hex(struct bytes *sql, struct view text)
{
    bytes_text(sql, "_utf8mb4 x'");
    for (size_t i = 0; i < text.len; i++)
        bytes_printf(sql, "%02x", (unsigned char)text.at[i]);
    bytes_text(sql, "'");
}
