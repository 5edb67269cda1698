/* SPDX-License-Identifier: Apache-2.0 */
/* A question on its way to its answer: SELECTs, one after the other, and what is put together of their rows.
 * A question that sets no `write` is answered by the rows of its only SELECT. */
#pragma once

#include <yyjson.h>

#include "question.h"

enum { STUDY_MOST = 14 };

/* A time that sums are read for. */
struct span {
    uint64_t from_ms, to_ms; /* UTC, whole steps */
    uint64_t step_ms;        /* of a series of it */
    unsigned unit;           /* step in the tables that its ends are made of */
};

/* What is told of each model, client or key: which SELECTs have it. 0: none has. */
struct parts {
    unsigned part; /* as the table `sums` numbers them */
    size_t tallies, times, lines, strips;
};

struct study {
    struct bytes sql[STUDY_MOST];
    yyjson_doc *rows[STUDY_MOST]; /* a list of objects each */
    size_t count;

    /* All are answered: may add more, which a second look needs; called once. NULL: there is no more. */
    void (*more)(struct study *study);

    /* Appends the answer, a JSON object. */
    void (*write)(const struct study *study, struct bytes *json);

    /* what the question wants to remember */
    struct span span;
    struct parts models, clients;
    uint64_t now_ms, limit, looked;
    bool has_sums;
};

/* The next SELECT, to be written. */
struct bytes *study_select(struct study *study);

/* The rows of a SELECT; NULL: it is not answered. */
yyjson_val *study_rows(const struct study *study, size_t number);

void study_clear(struct study *study);

/* The steps that a time is read by: the finer the shorter it is, as far as they are kept. Both ends are moved to
 * whole ones. Nothing given: the last 24 hours. */
struct span span_of(const struct value *from_ms, const struct value *to_ms, uint64_t now_ms);

/* The same in hours or days. */
struct span span_of_hours(const struct value *from_ms, const struct value *to_ms, uint64_t now_ms);

/* The time of the same length ahead of it. */
struct span span_before(const struct span *span);

/* The last day in half hours, hours, …: steps of `step_ms`, of which that of now is the last. */
struct span span_last(uint64_t step_ms, unsigned count, unsigned unit, uint64_t now_ms);

/* Conditions for `sums` and `sum_times`: the whole of it in the largest steps that fit; or in none that is longer than
 * `most_ms`; or in its unit alone, so that it can be cut up. With AND in front. */
void put_span(struct bytes *sql, const struct span *span);
void put_span_up_to(struct bytes *sql, const struct span *span, uint64_t most_ms);
void put_span_by_unit(struct bytes *sql, const struct span *span);

/* The same of the column `time` of `attempts`. */
void put_times(struct bytes *sql, const struct span *span);

/* A column `i`: which of the parts of the span, each `step_ms` long, a row belongs to. */
void put_place(struct bytes *sql, const struct span *span, uint64_t step_ms);

/* A text as SQL, in hex. */
void put_hex(struct bytes *sql, struct view text);
