/* SPDX-License-Identifier: Apache-2.0 */
/* Streams' sockets: taken at once while events are rare, together while there are many, and never
 * forgotten. Pipes stand for the sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "transfer/streams.h"

enum { PIPES = 8, TRIES_MOST = 1000, PATIENCE_MS = 5000 };

static struct loop loop;
static struct streams streams;
static int pipes[PIPES][2];
static unsigned taken, woken;

static void on_event(void *data, int fd, unsigned events)
{
    char byte;

    (void)data, (void)events;
    assert_int_equal(read(fd, &byte, 1), 1);
    taken++;
}

static void on_wake(void *owner)
{
    (void)owner;
    woken++;
}

static int open_all(void **state)
{
    (void)state;
    taken = woken = 0;
    loop_open(&loop);
    streams = (struct streams){.loop = &loop, .wake = on_wake};
    streams_open(&streams);
    for (int i = 0; i < PIPES; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        loop_set(&streams.inner, pipes[i][0], LOOP_READ, on_event, NULL);
    }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i < PIPES; i++) {
        loop_remove(&streams.inner, pipes[i][0]);
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    streams_close(&streams);
    loop_close(&loop);
    return 0;
}

static void send_events(int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(write(pipes[i][1], "x", 1), 1);
}

/* Events in quick succession, until the streams rest; how often depends on the machine. */
static void tire(void)
{
    for (int i = 0; i < TRIES_MOST && streams.due_ms == UINT64_MAX; i++) {
        send_events(1);
        loop_wait(&loop, PATIENCE_MS);
    }
    assert_true(streams.due_ms != UINT64_MAX);
    taken = 0;
}

static void a_rare_event_is_taken_at_once(void **state)
{
    (void)state;
    streams.last_us = 0;
    send_events(1);
    loop_wait(&loop, PATIENCE_MS);
    assert_int_equal(taken, 1);
    assert_true(streams.due_ms == UINT64_MAX);
    assert_int_equal(woken, 0);
}

static void many_events_are_taken_together(void **state)
{
    (void)state;
    tire();
    assert_true(woken > 0);
    send_events(PIPES);
    loop_wait(&loop, 0);
    streams_turn(&streams, streams.due_ms - 1);
    assert_int_equal(taken, 0);
    streams_turn(&streams, streams.due_ms);
    assert_int_equal(taken, PIPES);
    assert_true(streams.due_ms != UINT64_MAX); /* more of them are to be expected */
}

static void when_they_become_few_the_rests_end(void **state)
{
    (void)state;
    tire();
    send_events(1);
    streams_turn(&streams, streams.due_ms);
    assert_int_equal(taken, 1);
    assert_true(streams.due_ms == UINT64_MAX);
    send_events(1);
    loop_wait(&loop, PATIENCE_MS);
    assert_int_equal(taken, 2);
}

static void what_came_in_a_rest_wakes_the_loop_after_it(void **state)
{
    (void)state;
    tire();
    streams_turn(&streams, streams.due_ms); /* nothing had come */
    send_events(PIPES);
    loop_wait(&loop, PATIENCE_MS);
    assert_int_equal(taken, PIPES);
}

static void what_one_look_cannot_take_does_not_wait(void **state)
{
    int copies[LOOP_EVENTS_MOST];

    (void)state;
    tire();
    for (int i = 0; i < LOOP_EVENTS_MOST; i++) {
        copies[i] = dup(pipes[0][0]);
        loop_set(&streams.inner, copies[i], LOOP_READ, on_event, NULL);
        send_events(1);
    }
    streams_turn(&streams, streams.due_ms);
    assert_int_equal(taken, LOOP_EVENTS_MOST);
    assert_true(streams.due_ms <= clock_ms());
    for (int i = 0; i < LOOP_EVENTS_MOST; i++) {
        loop_remove(&streams.inner, copies[i]);
        close(copies[i]);
    }
}

/* A rest that ends is no event: one alone behind it begins no new one. */
static void one_socket_that_stays_readable_does_not_rest(void **state)
{
    (void)state;
    tire();
    streams.last_us = 0;
    for (int i = 0; i < 3; i++)
        send_events(1);
    streams_turn(&streams, streams.due_ms);
    assert_true(streams.due_ms == UINT64_MAX);
    loop_wait(&loop, PATIENCE_MS);
    assert_int_equal(taken, 2);
    assert_true(streams.due_ms == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rare_event_is_taken_at_once, open_all, close_all),
        cmocka_unit_test_setup_teardown(many_events_are_taken_together, open_all, close_all),
        cmocka_unit_test_setup_teardown(when_they_become_few_the_rests_end, open_all, close_all),
        cmocka_unit_test_setup_teardown(what_came_in_a_rest_wakes_the_loop_after_it, open_all,
                                        close_all),
        cmocka_unit_test_setup_teardown(what_one_look_cannot_take_does_not_wait, open_all,
                                        close_all),
        cmocka_unit_test_setup_teardown(one_socket_that_stays_readable_does_not_rest, open_all,
                                        close_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
