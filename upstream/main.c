/* SPDX-License-Identifier: Apache-2.0 */
/* The upstream process: runs calls at the provider. JOBs come from balancers, answers leave by an
 * XPUB mailbox straight to the frontends, records go to the recorder. Started by the supervisor,
 * any number of times. */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "jobs/jobs.h"
#include "jobs/probe.h"
#include "base/log.h"
#include "settings/options.h"
#include "handlers.h"
#include "upstream.h"

enum {
    TRIM_MS = 15000,      /* memory is given back so often, when there is nothing to do */
    DRAIN_STEP_MS = 20,   /* between two looks whether the drain is complete */
    LAST_WORDS_MS = 1000, /* before its end, at most: streams that are still open are told so */
    NO_DESCRIPTOR = -2,   /* of no mailbox, and not the -1 of one that has none */
    RECORDED_MS = 1000,   /* how long a drained process waits for the recorder */
    DEAD_AGE_S = 10,      /* a socket's file is not judged before */
};

static const char answers_name[] = "answers-";

/* The answers' address */

/* Another upstream that starts at this moment may have made its file and not yet listen. */
static bool is_old(const char *path)
{
    struct stat file;

    return lstat(path, &file) == 0 && file.st_mtime + DEAD_AGE_S < time(NULL);
}

/* A socket of ours in STATE_DIR/run that refuses connections belonged to a process that was killed.
 */
static void remove_if_dead(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct bytes relative = {0};
    const char *path;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    bytes_printf(&relative, "run/%s", name);
    path = options_path(bytes_cstr(&relative));
    bytes_clear(&relative);
    if (fd < 0)
        return;
    if (strlen(path) < sizeof(address.sun_path) && is_old(path)) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno == ECONNREFUSED)
            unlink(path);
    }
    close(fd);
}

static void remove_stale_sockets(void)
{
    DIR *folder = opendir(options_path("run"));
    struct dirent *entry;

    if (!folder)
        return;
    while ((entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, answers_name, sizeof(answers_name) - 1) == 0)
            remove_if_dead(entry->d_name);
    closedir(folder);
}

static char *answers_bind(const struct upstream *me)
{
    struct bytes name = {0}, address = {0};

    if (settings_now()->answers_bind[0])
        return memory_text(view_of(settings_now()->answers_bind));
    bytes_printf(&name, "run/%s%llx", answers_name, (unsigned long long)me->actor.incarnation);
    bytes_printf(&address, "ipc://%s", options_path(bytes_cstr(&name)));
    bytes_clear(&name);
    bytes_cstr(&address);
    return address.at;
}

static bool is_ipc(const char *address)
{
    return strncmp(address, "ipc://", 6) == 0;
}

static void answers_open(struct upstream *me)
{
    char *bind = answers_bind(me);

    if (is_ipc(bind))
        remove_stale_sockets();
    else
        me->resume_ms = settings_now()->resume_ms;
    mailbox_open(&me->answers, &me->actor, MAILBOX_XPUB, "answers", bind, reader_handlers,
                 route_event, me);
    me->outlet.box = &me->answers;
    if (settings_now()->answers_address[0])
        me->address = memory_text(view_of(settings_now()->answers_address));
    else
        me->address = mailbox_address(&me->answers);
    free(bind);
    log_info("answers.published", F_STR("address", me->address));
}

static void answers_remove(struct upstream *me)
{
    if (!settings_now()->answers_bind[0] && is_ipc(me->address))
        unlink(me->address + 6);
    free(me->address);
}

/* Links */

static void balancers_open(struct upstream *me)
{
    struct msg_hello hello = {.address = view_of(me->address),
                              .slots = settings_now()->upstream_slots};

    me->balancer_count = options_balancers();
    me->balancers = memory_new(me->balancer_count * sizeof(*me->balancers));
    for (size_t i = 0; i < me->balancer_count; i++) {
        balancer_init(&me->balancers[i], me);
        me->balancers[i].link.on_welcome = on_balancer_welcome;
        link_open(&me->balancers[i].link, &me->actor, "balancer", options_balancer_upstream(i),
                  &hello, balancer_handlers, &me->balancers[i]);
    }
}

static void on_recorder_welcome(void *owner, struct link *link)
{
    struct upstream *me = owner;

    (void)link;
    records_welcome(&me->records);
}

static void recorder_open(struct upstream *me)
{
    struct msg_hello hello = {0};

    records_open(&me->records, &me->recorder, me->actor.incarnation, settings_now()->flight_slots);
    me->recorder.on_welcome = on_recorder_welcome;
    link_open(&me->recorder, &me->actor, "recorder", options_recorder(), &hello, recorder_handlers,
              me);
}

/* Transfers */

static void wake(void *owner, uint64_t at_ms)
{
    struct upstream *me = owner;

    actor_wake(&me->actor, at_ms);
}

/* No mailbox has a letter because a provider has sent something: the next turn need not look into
 * all of them. */
static void on_activity(void *owner)
{
    struct upstream *me = owner;

    actor_ready(&me->actor, NO_DESCRIPTOR);
}

static struct transfer_settings transfer_settings(const struct settings *now)
{
    return (struct transfer_settings){
        .slots = now->upstream_slots,
        .connections = now->upstream_connections,
        .connect_ms = now->connect_time_out_ms,
        .idle_ms = now->upstream_idle_ms,
        .is_http2 = now->upstream_http2,
        .ca_bundle = now->ca_bundle,
        .guard = {now->fetch_hosts.at, now->fetch_hosts.count, now->fetch_ports.at,
                  now->fetch_ports.count},
        .outside_limit = now->fetch_limit < now->reply_limit ? now->fetch_limit : now->reply_limit,
        .outside_ms = now->fetch_ms,
        .cache_bytes = now->media_cache_bytes,
        .cache_ms = now->media_cache_ms,
    };
}

static void engine_open(struct upstream *me)
{
    struct transfer_settings settings;

    me->settings = settings_hold();
    settings = transfer_settings(me->settings);
    headers_read(&me->headers, me->settings->custom_headers.hidden.at);
    settings.headers = me->headers.lines;
    settings.header_count = me->headers.count;
    me->transfers.owner = me;
    me->transfers.wake = wake;
    me->transfers.on_activity = on_activity;
    transfers_open(&me->transfers, &me->loop, &settings);
}

/* Settings that change while it runs */

static void on_settings(void *owner, const struct settings *before, const struct settings *next)
{
    struct upstream *me = owner;
    const struct settings *old = me->settings;
    struct transfer_settings settings = transfer_settings(next);

    (void)before;
    me->settings = settings_hold(); /* which is `next` by now */
    transfers_follow(&me->transfers, &settings);
    settings_let_go(old);
    if (!is_ipc(me->address))
        me->resume_ms = next->resume_ms;
}

static void news_begin(struct upstream *me)
{
    static struct settings_reader reader = {
        .name = "upstream",
        .groups = UINT64_C(1) << SETTING_GROUP_times | UINT64_C(1) << SETTING_GROUP_limits |
                  UINT64_C(1) << SETTING_GROUP_connections | UINT64_C(1) << SETTING_GROUP_media,
        .apply = on_settings,
    };

    reader.owner = me;
    settings_read_by(&reader);
    news_open(&me->news, &me->actor, NULL, me);
}

/* Time */

static void give_back_memory(struct upstream *me, uint64_t now_ms)
{
    if (now_ms < me->trim_ms)
        return;
    me->trim_ms = now_ms + TRIM_MS;
    if (!me->is_used || me->transfers.count)
        return;
    me->is_used = false;
    transfers_trim(&me->transfers);
    malloc_trim(0);
}

/* Ahead of the frontend's own last words, so that the record says how it was when all are stopped. */
static uint64_t last_words_ms(const struct upstream *me)
{
    uint64_t ahead_ms =
        settings_now()->drain_ms / 2 < LAST_WORDS_MS ? settings_now()->drain_ms / 2 : LAST_WORDS_MS;

    return me->actor.drain_by_ms - ahead_ms;
}

/* Drained: no job is open, and the recorder has every record, or had a second for it. */
static void drain(struct upstream *me, uint64_t now_ms)
{
    actor_wake(&me->actor, now_ms + DRAIN_STEP_MS);
    if (now_ms >= last_words_ms(me))
        jobs_stop_open(me);
    if (now_ms >= me->actor.drain_by_ms && me->jobs) {
        log_warn("drain.late", F_NUM("calls", HASH_COUNT(me->jobs)));
        jobs_cancel_all(me, FAULT_LOST);
    }
    if (me->jobs) {
        me->quiet_ms = 0;
        return;
    }
    if (!me->quiet_ms)
        me->quiet_ms = now_ms;
    if (records_are_safe(&me->records) || now_ms >= me->quiet_ms + RECORDED_MS)
        actor_stop(&me->actor);
}

static void links_tick(struct upstream *me, uint64_t now_ms)
{
    size_t calls = HASH_COUNT(me->jobs);

    for (size_t i = 0; i < me->balancer_count; i++)
        link_tick(&me->balancers[i].link, calls, now_ms);
    link_tick(&me->recorder, calls, now_ms);
    news_tick(&me->news, now_ms);
}

static void on_tick(void *owner, uint64_t now_ms)
{
    struct upstream *me = owner;

    transfers_turn(&me->transfers, now_ms);
    jobs_check(me, now_ms);
    probes_check(me, now_ms);
    links_tick(me, now_ms);
    records_tick(&me->records, now_ms);
    give_back_memory(me, now_ms);
    actor_wake(&me->actor, readers_tick(me, now_ms));
    actor_wake(&me->actor, me->check_ms);
    actor_wake(&me->actor, me->transfers.due_ms);
    if (me->actor.is_draining)
        drain(me, now_ms);
}

static void on_drain(void *owner)
{
    struct upstream *me = owner;
    struct msg_leave leave = {0};

    for (size_t i = 0; i < me->balancer_count; i++)
        link_post(&me->balancers[i].link, MSG_LEAVE, &leave);
    probes_cancel_all(me);
    actor_wake(&me->actor, 0);
}

static void on_dump(void *owner)
{
    struct upstream *me = owner;
    struct reader *reader, *next;

    HASH_ITER (hh, me->readers, reader, next)
        log_info("dump.reader", F_ID("frontend", reader->incarnation),
                 F_NUM("attached", reader->is_attached), F_NUM("calls", reader->call_count));
    for (size_t i = 0; i < me->balancer_count; i++)
        log_info("dump.balancer", F_NUM("slot", i), F_ID("balancer", me->balancers[i].link.peer),
                 F_NUM("unsettled", balancer_unsettled(&me->balancers[i])));
    jobs_dump(me);
    log_info("dump.totals", F_NUM("calls", HASH_COUNT(me->jobs)),
             F_NUM("transfers", me->transfers.count), F_NUM("unacked", me->outlet.unacked),
             F_NUM("held", me->held), F_NUM("records", records_waiting(&me->records)));
}

static void release(struct upstream *me)
{
    jobs_cancel_all(me, FAULT_LOST);
    probes_cancel_all(me);
    readers_close(me);
    for (size_t i = 0; i < me->balancer_count; i++)
        balancer_clear(&me->balancers[i]);
    records_close(&me->records);
    transfers_close(&me->transfers);
    settings_let_go(me->settings);
    headers_clear(&me->headers);
    answers_remove(me);
}

int main(int argc, char **argv)
{
    struct upstream me = {.check_ms = UINT64_MAX, .reader_events = &jobs_reader_events};
    int status;

    options_read(argc, argv);
    log_open("upstream", settings_now()->log_level);
    actor_open(&me.actor, ROLE_UPSTREAM, "upstream", &me);
    me.actor.on_tick = on_tick;
    me.actor.on_drain = on_drain;
    me.actor.on_dump = on_dump;
    loop_open(&me.loop);
    engine_open(&me);
    answers_open(&me);
    recorder_open(&me);
    balancers_open(&me);
    news_begin(&me);
    log_info("process.ready");
    actor_run(&me.actor, &me.loop);
    release(&me);
    status = actor_close(&me.actor);
    loop_close(&me.loop);
    free(me.balancers);
    return status;
}
