/* SPDX-License-Identifier: Apache-2.0 */
/* An actor's life without mail: signals, drain, dump, wake-ups, locks, the points at which a test
 * may kill it, and what it writes about letters. What ends a process runs in a child. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "actor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "mailbox_private.h"
#include "settings/options.h"
#include "trace.h"
#include "settings_mine.h"

enum { PATIENCE_MS = 5000 };

static char folder[] = "/tmp/actor-test-XXXXXX";
static struct actor actor;
static struct {
    int drains, dumps, ticks, rounds;
} seen;

static void on_drain(void *owner)
{
    (void)owner;
    seen.drains++;
}

static void on_dump(void *owner)
{
    (void)owner;
    seen.dumps++;
}

static void on_tick(void *owner, uint64_t now_ms)
{
    (void)owner, (void)now_ms;
    seen.ticks++;
}

static void on_round(void *owner)
{
    (void)owner;
    seen.rounds++;
}

static int open_actor(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    actor_open(&actor, ROLE_ADMIN, "test", NULL);
    actor.on_drain = on_drain;
    actor.on_dump = on_dump;
    actor.on_tick = on_tick;
    actor.on_round = on_round;
    return 0;
}

static int close_actor(void **state)
{
    (void)state;
    return actor_close(&actor);
}

static void signal_and_turn(int number)
{
    kill(getpid(), number);
    actor.look_ms = 0; /* as if its descriptor had been reported */
    actor_turn(&actor);
}

static void asked_to_end_it_drains_until_its_time_is_up(void **state)
{
    (void)state;
    signal_and_turn(SIGTERM);
    assert_int_equal(seen.drains, 1);
    assert_true(actor.is_draining);
    assert_false(actor.is_stopped);
    assert_int_equal(actor.drain_by_ms, actor.now_ms + settings_mine()->drain_ms);
}

static void with_nothing_to_drain_it_stops(void **state)
{
    struct loop loop;

    (void)state;
    actor.on_drain = NULL;
    loop_open(&loop);
    kill(getpid(), SIGINT);
    actor_run(&actor, &loop); /* returns */
    assert_true(actor.is_stopped);
    loop_close(&loop);
}

static void asked_for_a_dump_it_goes_on(void **state)
{
    (void)state;
    signal_and_turn(SIGUSR1);
    assert_int_equal(seen.dumps, 1);
    assert_int_equal(seen.drains, 0);
    assert_false(actor.is_draining);
}

static void it_ticks_each_second_and_when_it_asked_to_be_woken(void **state)
{
    (void)state;
    actor_turn(&actor);
    assert_int_equal(seen.ticks, 1);
    assert_true(actor.memory > 0);
    actor_turn(&actor);
    assert_int_equal(seen.rounds, 2);
    assert_true(seen.ticks == 1 || actor.now_ms >= actor.tick_ms - 1000);
    seen.ticks = 0;
    actor_wake(&actor, clock_ms());
    actor_wake(&actor, clock_ms() + 10000); /* the earliest counts */
    assert_int_equal(actor_wait_ms(&actor), 0);
    actor_turn(&actor);
    assert_int_equal(seen.ticks, 1);
    assert_true(actor_wait_ms(&actor) <= 1000);
}

/* Children */

/* Runs `run` in a child, with its stderr in `said`; returns the status of waitpid. */
static int status_of(void (*run)(void), char *said, size_t size)
{
    int fds[2], status;
    size_t len = 0;
    ssize_t got;
    pid_t child;

    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        dup2(fds[1], 2);
        close(fds[0]);
        alarm(PATIENCE_MS * 4 / 1000);
        run();
        exit(0);
    }
    close(fds[1]);
    while ((got = read(fds[0], said + len, size - 1 - len)) > 0)
        len += (size_t)got;
    said[len] = '\0';
    close(fds[0]);
    waitpid(child, &status, 0);
    return status;
}

static void end_twice(void)
{
    open_actor(NULL);
    signal_and_turn(SIGTERM);
    signal_and_turn(SIGTERM);
    exit(7); /* not reached */
}

static void asked_twice_it_ends_at_once(void **state)
{
    char said[4096];
    int status = status_of(end_twice, said, sizeof(said));

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_non_null(strstr(said, "event=process.draining"));
    assert_non_null(strstr(said, "event=process.left why=\"second signal\""));
}

static void pass_points(void)
{
    setenv("KILL_AT", "call.offered:2", 1);
    open_actor(NULL);
    trace_point("call.other");
    trace_point("call.offered");
    trace_kind("recv", MSG_CALL);
    log_info("reached.one");
    trace_point("call.offered");
    exit(7);
}

static void pass_letters(void)
{
    setenv("KILL_AT", "recv.CALL:2", 1);
    open_actor(NULL);
    trace_kind("sent", MSG_CALL);
    trace_kind("recv", MSG_JOB);
    trace_kind("recv", MSG_CALL);
    trace_point("recv");
    log_info("reached.one");
    trace_kind("recv", MSG_CALL);
    exit(7);
}

static void it_dies_at_the_point_that_a_test_names(void **state)
{
    static void (*const runs[])(void) = {pass_points, pass_letters};
    char said[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        int status = status_of(runs[i], said, sizeof(said));

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
        assert_non_null(strstr(said, "event=reached.one"));
        assert_non_null(strstr(said, "event=trace.killed at="));
    }
}

static void trace_letters(void)
{
    setenv("LOG_LEVEL", "TRACE", 1);
    options_read(1, (char *[]){(char *)"test", NULL});
    log_open("test", settings_mine()->log_level ? settings_mine()->log_level : "INFO");
    open_actor(NULL);
    trace_letter(&actor.print, "message.in", "box", MSG_BEAT, &(struct msg_beat){0});
    trace_letter(&actor.print, "message.in", "box", MSG_JOB,
                 &(struct msg_job){.model = VIEW("m\n1"), .key = {VIEW("AIza-marked")}});
    log_flush();
    exit(0);
}

static void letters_are_traced_without_beats_and_secrets(void **state)
{
    char said[8192];

    (void)state;
    assert_int_equal(status_of(trace_letters, said, sizeof(said)), 0);
    assert_non_null(strstr(said, "event=message.in box=box letter=\"JOB "));
    assert_non_null(strstr(said, "model=m\\n1"));
    assert_null(strstr(said, "BEAT"));
    assert_null(strstr(said, "marked"));
}

static void take_lock(void)
{
    open_actor(NULL);
    actor_lock(&actor, "thing");
    log_info("has.lock");
    log_flush();
    exit(0);
}

static void a_lock_is_one_process_at_a_time(void **state)
{
    char said[4096];
    pid_t waiting;
    int fds[2], status;
    size_t len = 0;
    ssize_t got;

    (void)state;
    assert_int_equal(status_of(take_lock, said, sizeof(said)), 0); /* free again at its end */
    assert_non_null(strstr(said, "event=has.lock"));
    assert_null(strstr(said, "lock.waiting"));
    actor_lock(&actor, "thing");
    assert_int_equal(pipe(fds), 0);
    waiting = fork();
    if (waiting == 0) {
        dup2(fds[1], 2);
        close(fds[0]);
        alarm(PATIENCE_MS * 4 / 1000);
        take_lock();
    }
    close(fds[1]);
    while (!strstr(said, "event=lock.waiting lock=thing") &&
           (got = read(fds[0], said + len, sizeof(said) - 1 - len)) > 0)
        said[len += (size_t)got] = '\0';
    assert_non_null(strstr(said, "event=lock.waiting lock=thing"));
    kill(waiting, SIGTERM);
    waitpid(waiting, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_null(strstr(said, "event=has.lock"));
    close(fds[0]);
}

static void flood(void)
{
    static char filler[4096];

    memset(filler, 'x', sizeof(filler) - 1);
    close(2);
    for (int i = 0; i < 200; i++)
        log_info("much", F_STR("text", filler));
    dup2(1, 2); /* where it goes from now on */
    log_flush();
    log_flush();
    die("cannot open %s: %s", "a thing", "no such \"file\"");
}

static void flood_told(void)
{
    dup2(2, 1);
    flood();
}

static void lines_that_nobody_takes_are_dropped_and_counted(void **state)
{
    static char said[600 * 1024];
    int status = status_of(flood_told, said, sizeof(said));

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(said, "event=much text=xxx"));
    assert_non_null(strstr(said, "level=warn"));
    assert_non_null(strstr(said, "event=log.dropped lines="));
    assert_non_null(
        strstr(said, "event=process.died reason=\"cannot open a thing: no such \\\"file\\\"\""));
}

static void roles_have_their_names(void **state)
{
    static const unsigned roles[] = {ROLE_FRONTEND, ROLE_BALANCER, ROLE_UPSTREAM, ROLE_RECORDER,
                                     ROLE_ADMIN};

    (void)state;
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        assert_int_equal(role_of(view_of(role_name(roles[i]))), roles[i]);
    assert_int_equal(role_of(VIEW("butler")), 0);
    assert_int_equal(role_of(VIEW("")), 0);
}

int main(void)
{
#define WITH_ACTOR(test) cmocka_unit_test_setup_teardown(test, open_actor, close_actor)
    const struct CMUnitTest tests[] = {
        WITH_ACTOR(asked_to_end_it_drains_until_its_time_is_up),
        WITH_ACTOR(with_nothing_to_drain_it_stops),
        WITH_ACTOR(asked_for_a_dump_it_goes_on),
        WITH_ACTOR(it_ticks_each_second_and_when_it_asked_to_be_woken),
        WITH_ACTOR(a_lock_is_one_process_at_a_time),
        cmocka_unit_test(asked_twice_it_ends_at_once),
        cmocka_unit_test(it_dies_at_the_point_that_a_test_names),
        cmocka_unit_test(letters_are_traced_without_beats_and_secrets),
        cmocka_unit_test(lines_that_nobody_takes_are_dropped_and_counted),
        cmocka_unit_test(roles_have_their_names),
    };
    char *arguments[] = {"test", NULL};

    if (!mkdtemp(folder))
        return 1;
    setenv("STATE_DIR", folder, 1);
    setenv("LOG_LEVEL", "INFO", 1);
    options_read(1, arguments);
    log_open("test", settings_mine()->log_level ? settings_mine()->log_level : "INFO");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
