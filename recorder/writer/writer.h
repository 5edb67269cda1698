/* SPDX-License-Identifier: Apache-2.0 */
/* Moving records from the spool into the database, a step at a time. The spool's folder is opened
 * by tail_open before. */
#pragma once

#include "intake/report.h"
#include "writer/batch.h"
#include "writer/retention.h"
#include "writer/store.h"
#include "writer/tail.h"

enum { REASONS_MOST = 8 };

struct writer {
    struct tail tail;
    struct batch batch;
    struct store store;
    struct report report;
    struct retention retention;
    uint64_t position; /* records read from the spool, counted from its first one ever */
    uint64_t pause_ms;
    bool has_opened;             /* the database, once */
    bool is_away;                /* the database, and that has been said */
    unsigned told[REASONS_MOST]; /* the codes of the reasons that were said since */
    size_t told_count;
    bool is_report_due;
    uint64_t report_ms; /* when it was written last */
    bool is_ending;     /* what is there is stored, however little */
    void (*nap)(uint64_t ms);
};

/* One step; returns false if there is nothing to do for now. */
bool writer_step(struct writer *writer);

/* Deletes what is too old, a little, if it is time. */
void writer_tidy(struct writer *writer, uint64_t now_ms, uint64_t utc_ms);

/* Writes the report if something has changed, once a second at most. */
void writer_report(struct writer *writer, uint64_t now_ms);

void writer_clear(struct writer *writer);
