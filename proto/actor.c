/* SPDX-License-Identifier: Apache-2.0 */
/* An actor's life: its turn, its signals, its end. */
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/priority.h"
#include "mailbox_private.h"
#include "settings/changes.h"
#include "settings/options.h"
#include "trace.h"

enum {
    SECOND_MS = 1000,
    SAFETY_MS = 250, /* look everywhere at least this often: ZMQ_FD signals changes, not letters */
    ROUNDS_MOST = 8, /* of reading and sending in one turn */
};

/* Opening */

static uint64_t incarnation_new(void)
{
    uint64_t number = 0;

    while (!(number >> 56))
        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
            die("no random numbers: %s", strerror(errno));
    return number;
}

static int signals_open(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void limits_set(void)
{
    struct rlimit files;

#ifndef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 0); /* keys are in memory; the leak checker, though, needs to trace */
#endif
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(077);
}

/* Calls come and go by the thousand: freed memory is kept for the next ones, and a large request
 * doesn't make the allocator sort all small pieces first (four per cent of the CPU of a call). */
static void memory_set(void)
{
    mallopt(M_MXFAST, 0);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
    mallopt(M_TOP_PAD, 256 << 10);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

static void folder_make(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        die("cannot make the folder %s: %s", path, strerror(errno));
}

void actor_open(struct actor *actor, unsigned role, const char *name, void *owner)
{
    *actor = (struct actor){.role = role,
                            .name = name,
                            .owner = owner,
                            .incarnation = incarnation_new(),
                            .now_ms = clock_ms(),
                            .wake_ms = UINT64_MAX,
                            .lazy_ms = UINT64_MAX};
    trace_open();
    options_keep(role);
    memory_set();
    limits_set();
    if (role & (ROLE_FRONTEND | ROLE_BALANCER | ROLE_UPSTREAM))
        priority_answers();
    folder_make(settings_now()->state_dir);
    folder_make(options_path("run"));
    changes_load();
    actor->signal_fd = signals_open();
    actor->context = zmq_ctx_new();
    zmq_ctx_set(actor->context, ZMQ_MAX_SOCKETS, 8192);
    log_info("process.started", F_ID("incarnation", actor->incarnation));
}

void actor_lock(struct actor *actor, const char *name)
{
    struct bytes file = {0};
    bool has_told = false;
    int fd;

    bytes_printf(&file, "run/%s.lock", name);
    fd = open(options_path(bytes_cstr(&file)), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        die("cannot open the lock %s: %s", bytes_cstr(&file), strerror(errno));
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        struct signalfd_siginfo info;

        if (!has_told)
            log_info("lock.waiting", F_STR("lock", name));
        has_told = true;
        log_flush();
        if (read(actor->signal_fd, &info, sizeof(info)) == sizeof(info) &&
            info.ssi_signo != SIGUSR1)
            exit(0);
        usleep(20000);
    }
    if (has_told)
        log_info("lock.taken", F_STR("lock", name));
    bytes_clear(&file); /* the fd stays open: the lock is ours until we end, however that comes */
}

/* The turn */

static void take_signals(struct actor *actor)
{
    struct signalfd_siginfo info;

    while (read(actor->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGUSR1) {
            if (actor->on_dump)
                actor->on_dump(actor->owner);
            log_info("dump.end");
            continue;
        }
        if (actor->is_draining) {
            log_info("process.left", F_STR("why", "second signal"));
            log_flush();
            _exit(0);
        }
        log_info("process.draining");
        actor->is_draining = true;
        actor->drain_by_ms = actor->now_ms + settings_now()->drain_ms;
        if (actor->on_drain)
            actor->on_drain(actor->owner);
        else
            actor_stop(actor);
    }
}

static void mark_all(struct actor *actor)
{
    struct mailbox *box;

    DL_FOREACH (actor->boxes, box)
        box->has_mail = box->has_event = true;
    actor->has_signal = true;
}

static bool drain_all(struct actor *actor)
{
    struct mailbox *box, *next;
    bool is_left = false;

    DL_FOREACH_SAFE (actor->boxes, box, next) {
        if (!box->has_mail || box->must_close)
            continue;
        box->has_mail = false;
        box->has_mail |= mailbox_drain(box);
        is_left |= box->has_mail;
    }
    return is_left;
}

static void tick(struct actor *actor)
{
    if (actor->now_ms < actor->wake_ms && actor->now_ms < actor->tick_ms)
        return;
    actor->wake_ms = UINT64_MAX;
    if (actor->now_ms >= actor->tick_ms)
        actor->memory = actor_memory();
    if (actor->on_tick)
        actor->on_tick(actor->owner, actor->now_ms);
    if (actor->now_ms >= actor->tick_ms) {
        actor->tick_ms = actor->now_ms + SECOND_MS;
        actor->lag_ms = 0;
    }
}

static void shut(struct mailbox *box)
{
    mailbox_watcher *watcher = box->watcher;

    mailbox_shut(box, 0);
    if (watcher)
        watcher(box->owner, box, MAILBOX_CLOSED, 0);
}

static bool shut_and_look(struct actor *actor)
{
    struct mailbox *box, *next;
    bool has_mail = false;

    DL_FOREACH_SAFE (actor->boxes, box, next) {
        if (box->must_close)
            shut(box);
        else
            has_mail |= box->has_mail;
    }
    return has_mail;
}

bool actor_turn(struct actor *actor)
{
    uint64_t began_ms = clock_ms();
    bool has_mail = true;

    actor->now_ms = began_ms;
    if (!actor->has_ready || began_ms >= actor->look_ms) {
        actor->look_ms = began_ms + SAFETY_MS;
        mark_all(actor);
    }
    actor->has_ready = false;
    if (actor->has_signal) {
        actor->has_signal = false;
        take_signals(actor);
    }
    for (int round = 0; round < ROUNDS_MOST && has_mail; round++) {
        drain_all(actor);
        tick(actor);
        if (actor->on_round)
            actor->on_round(actor->owner);
        mailbox_flush(actor, false);
        has_mail = shut_and_look(actor);
    }
    actor->has_ready = has_mail; /* then the next turn need not look everywhere */
    log_flush();
    if (clock_ms() - began_ms > actor->lag_ms)
        actor->lag_ms = clock_ms() - began_ms;
    return has_mail;
}

void actor_ready(struct actor *actor, int fd)
{
    struct mailbox *box;

    actor->has_ready = true;
    if (fd == actor->signal_fd)
        actor->has_signal = true;
    DL_FOREACH (actor->boxes, box) {
        bool is_event = box->monitor_fd == fd;

        box->has_event |= is_event;
        box->has_mail |= is_event || box->fd == fd;
    }
}

void actor_wake(struct actor *actor, uint64_t at_ms)
{
    if (at_ms < actor->wake_ms)
        actor->wake_ms = at_ms;
}

uint64_t actor_wait_ms(const struct actor *actor)
{
    uint64_t at_ms = actor->wake_ms < actor->tick_ms ? actor->wake_ms : actor->tick_ms;
    uint64_t now_ms = clock_ms();

    if (actor->lazy_ms < at_ms)
        at_ms = actor->lazy_ms;
    if (at_ms <= now_ms)
        return 0;
    return at_ms - now_ms < SAFETY_MS ? at_ms - now_ms : SAFETY_MS;
}

/* The loop */

void actor_hook(struct actor *actor, void (*watch)(struct actor *, int fd),
                void (*unwatch)(struct actor *, int fd), void *loop)
{
    struct mailbox *box;

    actor->watch = watch;
    actor->unwatch = unwatch;
    actor->loop = loop;
    watch(actor, actor->signal_fd);
    DL_FOREACH (actor->boxes, box)
        mailbox_watch(box);
}

static void on_readable(void *data, int fd, unsigned events)
{
    (void)events;
    actor_ready(data, fd);
}

static void loop_watch_fd(struct actor *actor, int fd)
{
    loop_set(actor->loop, fd, LOOP_READ, on_readable, actor);
}

static void loop_unwatch_fd(struct actor *actor, int fd)
{
    loop_remove(actor->loop, fd);
}

void actor_run(struct actor *actor, struct loop *loop)
{
    actor_hook(actor, loop_watch_fd, loop_unwatch_fd, loop);
    while (!actor->is_stopped) {
        bool has_mail = actor_turn(actor);
        if (actor->is_stopped)
            break;
        loop_wait(loop, has_mail ? 0 : actor_wait_ms(actor));
    }
}

void actor_stop(struct actor *actor)
{
    actor->is_stopped = true;
}

int actor_close(struct actor *actor)
{
    struct mailbox *box, *next;

    mailbox_flush(actor, true);
    DL_FOREACH_SAFE (actor->boxes, box, next)
        mailbox_shut(box, SECOND_MS);
    zmq_ctx_term(actor->context);
    close(actor->signal_fd);
    bytes_clear(&actor->print);
    log_info("process.ended");
    log_flush();
    return 0;
}

uint64_t actor_memory(void)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (!file)
        return 0;
    if (fscanf(file, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
