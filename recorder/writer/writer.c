/* SPDX-License-Identifier: Apache-2.0 */
/* Moves records from the spool into the database, step by step. Called by run.c.
 *
 * What must stay true: a segment is deleted only after all its records are settled (rows, or set
 * aside, or known from before), and no trouble of the server ends this process: it says so once,
 * waits, and goes on where it was. A kill at any point loses nothing and stores nothing twice;
 * where reading must begin again the table `senders` knows. */
#include "writer/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "writer/refused.h"
#include "trace.h"

enum {
    PAUSE_FIRST_MS = 100,
    PAUSE_MOST_MS = 5000,
    AGAIN_MOST = 50, /* tries of a statement that met a lock */
    AGAIN_MS = 20,
    REPORT_MS = 1000,
};

/* Telling */

void writer_report(struct writer *writer, uint64_t now_ms)
{
    if (!writer->is_report_due || now_ms < writer->report_ms + REPORT_MS)
        return;
    report_write(&writer->report);
    writer->is_report_due = false;
    writer->report_ms = now_ms;
}

/* Whether this reason is new since the database went away; then it counts as said. */
static bool is_new_reason(struct writer *writer, unsigned code)
{
    for (size_t i = 0; i < writer->told_count; i++)
        if (writer->told[i] == code)
            return false;
    if (writer->told_count == REASONS_MOST)
        return false;
    writer->told[writer->told_count++] = code;
    return true;
}

/* Says once that the database is away, and again only for a reason that is new: a server that is
 * started over and over gives the same few in turn. */
static void tell_away(struct writer *writer)
{
    const struct database *database = &writer->store.database;

    writer->is_report_due = true;
    writer->report.is_open = false;
    bytes_copy(&writer->report.error, bytes_view(&database->reason));
    if (!writer->is_away) {
        writer->report.error_ms = clock_utc_ms();
        writer->told_count = 0;
    }
    writer->is_away = true;
    if (is_new_reason(writer, database->code))
        log_error("database.away", F_NUM("code", database->code),
                  F_VIEW("reason", bytes_view(&database->reason)),
                  F_STR("effect", "calls are served, records wait in files"));
}

static void tell_back(struct writer *writer)
{
    if (!writer->report.is_open)
        writer->is_report_due = true;
    writer->report.is_open = true;
    writer->pause_ms = PAUSE_FIRST_MS;
    if (!writer->is_away)
        return;
    writer->is_away = false;
    log_info("database.back");
}

/* The database is to be opened anew after a pause that grows. */
static void retreat(struct writer *writer)
{
    tell_away(writer);
    store_close(&writer->store);
    writer_report(writer, clock_ms());
    writer->pause_ms = writer->pause_ms ? writer->pause_ms : PAUSE_FIRST_MS;
    writer->nap(writer->pause_ms);
    if (writer->pause_ms < PAUSE_MOST_MS)
        writer->pause_ms =
            writer->pause_ms * 2 < PAUSE_MOST_MS ? writer->pause_ms * 2 : PAUSE_MOST_MS;
}

/* Storing */

static bool set_aside(struct writer *writer, size_t index)
{
    struct database *database = &writer->store.database;
    struct msg_record record;

    batch_record(&writer->batch, index, &record);
    log_error("record.refused", F_ID("sender", record.sender), F_NUM("seq", record.seq),
              F_NUM("code", database->code), F_VIEW("reason", bytes_view(&database->reason)));
    if (!refused_write(&record, database->code, bytes_view(&database->reason)))
        return database_complain(database, "cannot write refused.jsonl");
    trace_point("store.refused");
    if (store_skip(&writer->store, &writer->batch, index) != TROUBLE_NONE)
        return false;
    writer->report.refused++;
    return true;
}

/* Stores `count` entries from `first` on. A row that the database will not take is found by
 * halving. */
static bool put(struct writer *writer, size_t first, size_t count)
{
    for (int tries = 0; tries < AGAIN_MOST; tries++) {
        switch (store_put(&writer->store, &writer->batch, first, count)) {
        case TROUBLE_NONE:
            return true;
        case TROUBLE_AWAY:
            return false;
        case TROUBLE_AGAIN:
            writer->nap(AGAIN_MS);
            continue;
        case TROUBLE_DATA:
            if (count == 1)
                return set_aside(writer, first);
            return put(writer, first, count / 2) &&
                   put(writer, first + count / 2, count - count / 2);
        }
    }
    return false;
}

/* Stores the batch; false if the database is away: then the batch stays. */
static bool flush(struct writer *writer)
{
    if (writer->batch.count && !put(writer, 0, writer->batch.count)) {
        retreat(writer);
        return false;
    }
    if (writer->batch.count)
        tell_back(writer);
    batch_empty(&writer->batch);
    writer->is_report_due |= writer->report.stored != writer->position;
    writer->report.stored = writer->position;
    return true;
}

/* Reading */

static void take(struct writer *writer, struct view payload)
{
    struct view rest = payload;
    union message letter;
    enum message_kind kind;
    const char *wrong = message_unpack(&rest, &kind, &letter);

    if (!wrong && kind == MSG_RECORDED)
        return; /* of the segment's head; the intake reads it */
    writer->position++;
    if (wrong || kind != MSG_RECORD) {
        log_error("record.unreadable", F_NUM("segment", writer->tail.segment.number),
                  F_STR("what", wrong ? wrong : messages[kind].name));
        return;
    }
    batch_add(&writer->batch, letter.record.sender, letter.record.seq, payload, clock_ms());
}

/* Reads until the batch is full or nothing more is there. */
static enum tail_state fill(struct writer *writer)
{
    while (!batch_is_full(&writer->batch)) {
        uint64_t number = writer->tail.is_open ? writer->tail.segment.number : 0;
        struct view payload;
        enum tail_state state = tail_next(&writer->tail, &payload);

        if (writer->tail.is_open && writer->tail.segment.number != number)
            writer->position = writer->tail.segment.first;
        if (state != TAIL_PAYLOAD)
            return state;
        take(writer, payload);
    }
    return TAIL_PAYLOAD;
}

/* Goes on behind a segment that has been read to its end. */
static void pass(struct writer *writer)
{
    if (!flush(writer))
        return;
    trace_point("store.passing");
    tail_pass(&writer->tail);
    if (writer->tail.is_open)
        writer->position = writer->tail.segment.first;
}

bool writer_step(struct writer *writer)
{
    uint64_t now_ms = clock_ms();

    if (!writer->store.database.mysql) {
        if (!store_open(&writer->store)) {
            retreat(writer);
            return true;
        }
        if (!writer->has_opened)
            log_info("store.ready");
        writer->has_opened = true;
        if (!writer->batch.count)
            tell_back(writer);
    }
    switch (fill(writer)) {
    case TAIL_END:
        pass(writer);
        return true;
    case TAIL_PAYLOAD:
        flush(writer);
        return true;
    case TAIL_WAIT:
        if (writer->batch.count && (writer->is_ending || batch_is_due(&writer->batch, now_ms))) {
            flush(writer);
            return true;
        }
        if (writer->report.stored != writer->position && !writer->batch.count)
            flush(writer); /* what was read was no record, or nothing was left in the spool */
        return false;
    }
    return false;
}

/* While records wait they go first. A connection that this finds broken is found so by them, too. */
void writer_tidy(struct writer *writer, uint64_t now_ms, uint64_t utc_ms)
{
    if (writer->store.database.mysql && !batch_is_full(&writer->batch))
        retention_step(&writer->retention, &writer->store.database, now_ms, utc_ms);
}

void writer_clear(struct writer *writer)
{
    tail_close(&writer->tail);
    batch_clear(&writer->batch);
    report_clear(&writer->report);
    store_clear(&writer->store);
}
