/* SPDX-License-Identifier: Apache-2.0 */
/* The life of `recorder store`: signals, naps, and a step after the other. Run by main.c. */
#include "writer/run.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "actor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/priority.h"
#include "settings/changes.h"
#include "settings/options.h"
#include "writer/writer.h"

enum {
    LOOK_MS = 100,   /* between two looks into a spool that had nothing new */
    END_LIMIT_S = 3, /* from a signal to the end, whatever the server does */
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

static void dump(const struct writer *writer)
{
    log_info("dump.store", F_NUM("segment", writer->tail.segment.number),
             F_NUM("position", writer->position), F_NUM("stored", writer->report.stored),
             F_NUM("batch", writer->batch.count), F_NUM("refused", writer->report.refused),
             F_NUM("is_open", writer->report.is_open));
    log_info("dump.end");
}

int writer_run(void)
{
    static struct actor actor; /* for its lock and trace points; it has no mailbox */
    static struct writer writer = {.nap = nap};

    log_open("recorder-store", settings_now()->log_level);
    priority_waits();
    actor_open(&actor, ROLE_RECORDER, "recorder-store", &writer);
    actor_lock(&actor, "recorder-store");
    signals_take();
    tail_open(&writer.tail, options_path("spool"));
    log_info("store.started");
    while (!is_ending) {
        if (!writer_step(&writer))
            nap(LOOK_MS);
        changes_watch(clock_ms());
        writer_tidy(&writer, clock_ms(), clock_utc_ms());
        writer_report(&writer, clock_ms());
        if (wants_dump)
            dump(&writer);
        wants_dump = 0;
    }
    writer.is_ending = true;
    while (writer.store.database.mysql && writer_step(&writer))
        continue; /* what is in the spool already is worth a moment; on_limit ends it */
    report_write(&writer.report);
    writer_clear(&writer);
    database_end();
    return actor_close(&actor);
}
