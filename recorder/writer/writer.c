/* SPDX-License-Identifier: Apache-2.0 */
/* Moves records from the spool into the database. Run by main.c as `recorder store`.
 *
 * What must stay true: a segment is deleted only after all its records are settled (rows, or set
 * aside, or known from before), and no trouble of the server ends this process: it says so once,
 * waits, and goes on where it was. A kill at any point loses nothing and stores nothing twice;
 * where reading must begin again the table `senders` knows. */
#include "writer/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actor.h"
#include "writer/batch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/priority.h"
#include "settings/options.h"
#include "writer/refused.h"
#include "writer/report.h"
#include "writer/store.h"
#include "writer/tail.h"
#include "trace.h"

enum {
    LOOK_MS = 100, /* between two looks into a spool that had nothing new */
    PAUSE_FIRST_MS = 100,
    PAUSE_MOST_MS = 5000,
    AGAIN_MOST = 50, /* tries of a statement that met a lock */
    AGAIN_MS = 20,
    REPORT_MS = 1000,
    END_LIMIT_S = 3, /* from a signal to the end, whatever the server does */
};

struct mover {
    struct actor actor; /* for its lock and trace points; it has no mailbox */
    struct tail tail;
    struct batch batch;
    struct store store;
    struct report report;
    uint64_t position; /* records read from the spool, counted from its first one ever */
    uint64_t pause_ms;
    bool has_opened;    /* the database, once */
    bool is_away;       /* the database, and that has been said */
    unsigned away_code; /* the reason that was said */
    bool is_report_due;
    uint64_t report_ms; /* when it was written last */
};

/* Signals. They must be heard while a statement waits, so they come as signals here, not by the
 * actor's descriptor. */

static volatile sig_atomic_t is_ending, wants_dump;

static void on_end(int number)
{
    (void)number;
    if (is_ending)
        _exit(0);
    is_ending = 1;
    alarm(END_LIMIT_S);
}

static void on_limit(int number)
{
    (void)number;
    _exit(0); /* the server does not answer; the spool has it all */
}

static void on_dump(int number)
{
    (void)number;
    wants_dump = 1;
}

static void signal_take(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigset_t set;

    sigaction(number, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void signals_take(void)
{
    signal_take(SIGTERM, on_end);
    signal_take(SIGINT, on_end);
    signal_take(SIGALRM, on_limit);
    signal_take(SIGUSR1, on_dump);
}

static void nap(uint64_t ms)
{
    log_flush();
    if (!is_ending)
        poll(NULL, 0, (int)ms);
}

/* Telling */

static void dump(const struct mover *mover)
{
    log_info("dump.store", F_NUM("segment", mover->tail.segment.number),
             F_NUM("position", mover->position), F_NUM("stored", mover->report.stored),
             F_NUM("batch", mover->batch.count), F_NUM("refused", mover->report.refused),
             F_NUM("is_open", mover->report.is_open));
    log_info("dump.end");
}

static void report(struct mover *mover, uint64_t now_ms)
{
    if (!mover->is_report_due || now_ms < mover->report_ms + REPORT_MS)
        return;
    report_write(&mover->report);
    mover->is_report_due = false;
    mover->report_ms = now_ms;
}

/* Says once that the database is away, and again only if the reason changes. */
static void tell_away(struct mover *mover)
{
    const struct database *database = &mover->store.database;

    mover->is_report_due = true;
    mover->report.is_open = false;
    bytes_copy(&mover->report.error, bytes_view(&database->reason));
    if (!mover->is_away)
        mover->report.error_ms = clock_utc_ms();
    if (mover->is_away && database->code == mover->away_code)
        return;
    mover->is_away = true;
    mover->away_code = database->code;
    log_error("store.away", F_NUM("code", database->code),
              F_VIEW("reason", bytes_view(&database->reason)),
              F_STR("effect", "calls are served, records wait in files"));
}

static void tell_back(struct mover *mover)
{
    if (!mover->report.is_open)
        mover->is_report_due = true;
    mover->report.is_open = true;
    mover->pause_ms = PAUSE_FIRST_MS;
    if (!mover->is_away)
        return;
    mover->is_away = false;
    log_info("store.back");
}

/* The database is to be opened anew after a pause that grows. */
static void retreat(struct mover *mover)
{
    tell_away(mover);
    store_close(&mover->store);
    report(mover, clock_ms());
    nap(mover->pause_ms);
    if (mover->pause_ms < PAUSE_MOST_MS)
        mover->pause_ms = mover->pause_ms * 2 < PAUSE_MOST_MS ? mover->pause_ms * 2 : PAUSE_MOST_MS;
}

/* Storing */

static bool set_aside(struct mover *mover, size_t index)
{
    struct database *database = &mover->store.database;
    struct msg_record record;

    batch_record(&mover->batch, index, &record);
    log_error("record.refused", F_ID("sender", record.sender), F_NUM("seq", record.seq),
              F_NUM("code", database->code), F_VIEW("reason", bytes_view(&database->reason)));
    if (!refused_write(&record, database->code, bytes_view(&database->reason)))
        return database_complain(database, "cannot write refused.jsonl");
    trace_point("store.refused");
    if (store_skip(&mover->store, &mover->batch, index) != TROUBLE_NONE)
        return false;
    mover->report.refused++;
    return true;
}

/* Stores `count` entries from `first` on. A row that the database will not take is found by
 * halving. */
static bool put(struct mover *mover, size_t first, size_t count)
{
    for (int tries = 0; tries < AGAIN_MOST; tries++) {
        switch (store_put(&mover->store, &mover->batch, first, count)) {
        case TROUBLE_NONE:
            return true;
        case TROUBLE_AWAY:
            return false;
        case TROUBLE_AGAIN:
            nap(AGAIN_MS);
            continue;
        case TROUBLE_DATA:
            if (count == 1)
                return set_aside(mover, first);
            return put(mover, first, count / 2) && put(mover, first + count / 2, count - count / 2);
        }
    }
    return false;
}

/* Stores the batch; false if the database is away: then the batch stays. */
static bool flush(struct mover *mover)
{
    if (mover->batch.count && !put(mover, 0, mover->batch.count)) {
        retreat(mover);
        return false;
    }
    if (mover->batch.count)
        tell_back(mover);
    batch_empty(&mover->batch);
    mover->is_report_due |= mover->report.stored != mover->position;
    mover->report.stored = mover->position;
    return true;
}

/* Reading */

static void take(struct mover *mover, struct view payload)
{
    struct view rest = payload;
    union message letter;
    enum message_kind kind;
    const char *wrong = message_unpack(&rest, &kind, &letter);

    if (!wrong && kind == MSG_RECORDED)
        return; /* of the segment's head; the intake reads it */
    mover->position++;
    if (wrong || kind != MSG_RECORD) {
        log_error("record.unreadable", F_NUM("segment", mover->tail.segment.number),
                  F_STR("what", wrong ? wrong : messages[kind].name));
        return;
    }
    batch_add(&mover->batch, letter.record.sender, letter.record.seq, payload, clock_ms());
}

/* Reads until the batch is full or nothing more is there. */
static enum tail_state fill(struct mover *mover)
{
    while (!batch_is_full(&mover->batch)) {
        uint64_t number = mover->tail.is_open ? mover->tail.segment.number : 0;
        struct view payload;
        enum tail_state state = tail_next(&mover->tail, &payload);

        if (mover->tail.is_open && mover->tail.segment.number != number)
            mover->position = mover->tail.segment.first;
        if (state != TAIL_PAYLOAD)
            return state;
        take(mover, payload);
    }
    return TAIL_PAYLOAD;
}

/* Goes on behind a segment that has been read to its end. */
static void pass(struct mover *mover)
{
    if (!flush(mover))
        return;
    trace_point("store.passing");
    tail_pass(&mover->tail);
    if (mover->tail.is_open)
        mover->position = mover->tail.segment.first;
}

/* One step; returns false if there is nothing to do for now. */
static bool step(struct mover *mover)
{
    uint64_t now_ms = clock_ms();

    if (!mover->store.database.mysql) {
        if (!store_open(&mover->store)) {
            retreat(mover);
            return true;
        }
        if (!mover->has_opened)
            log_info("store.ready");
        mover->has_opened = true;
        if (!mover->batch.count)
            tell_back(mover);
    }
    switch (fill(mover)) {
    case TAIL_END:
        pass(mover);
        return true;
    case TAIL_PAYLOAD:
        flush(mover);
        return true;
    case TAIL_WAIT:
        if (mover->batch.count && (is_ending || batch_is_due(&mover->batch, now_ms))) {
            flush(mover);
            return true;
        }
        if (mover->report.stored != mover->position && !mover->batch.count)
            flush(mover); /* what was read was no record, or nothing was left in the spool */
        return false;
    }
    return false;
}

int mover_run(void)
{
    static struct mover mover = {.pause_ms = PAUSE_FIRST_MS};

    log_open("recorder-store", options.log_level);
    priority_waits();
    actor_open(&mover.actor, ROLE_RECORDER, "recorder-store", &mover);
    actor_lock(&mover.actor, "recorder-store");
    signals_take();
    tail_open(&mover.tail, options_path("spool"));
    log_info("store.started");
    while (!is_ending) {
        if (!step(&mover))
            nap(LOOK_MS);
        report(&mover, clock_ms());
        if (wants_dump)
            dump(&mover);
        wants_dump = 0;
    }
    while (mover.store.database.mysql && step(&mover))
        continue; /* what is in the spool already is worth a moment; on_limit ends it */
    report_write(&mover.report);
    tail_close(&mover.tail);
    batch_clear(&mover.batch);
    report_clear(&mover.report);
    store_clear(&mover.store);
    database_end();
    return actor_close(&mover.actor);
}
