/* SPDX-License-Identifier: Apache-2.0 */
/* Which transfers may run, with an engine that only counts. */
#include "transfer/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <utlist.h>

enum { COUNT = 40 };

static size_t runs, room_most;
static bool is_idle;

static void run(struct transfer *transfer)
{
    (void)transfer;
    runs++;
}

static bool has_idle(const struct transfer *transfer)
{
    (void)transfer;
    return is_idle;
}

static size_t one_stream(const struct transfer *transfer)
{
    (void)transfer;
    return 1;
}

static size_t seven(const void *self)
{
    (void)self;
    return 7;
}

static void make_room(void *self, size_t most)
{
    (void)self;
    room_most = most;
}

static const struct engine_kind counting = {
    .run = run, .has_idle = has_idle, .streams = one_stream, .connections = seven};
static const struct engine_kind other = {.connections = seven, .make_room = make_room};

static struct transfers front;
static struct engine engine;
static struct transfer all[COUNT];

static int set_up(void **state)
{
    (void)state;
    runs = room_most = 0;
    is_idle = false;
    front = (struct transfers){.count = COUNT};
    engine = (struct engine){.front = &front,
                             .connections_most = 100,
                             .sides = {{&counting, NULL}, {&other, NULL}},
                             .side_count = 2};
    for (size_t i = 0; i < COUNT; i++) {
        all[i] = (struct transfer){.engine = &engine, .kind = &counting, .is_waiting = true};
        struct transfer *transfer = &all[i];
        DL_APPEND(engine.waiting, transfer);
    }
    return 0;
}

/* Each look-up is a thread: while a name server is silent only some may be under way. */
static void only_some_look_up_a_name(void **state)
{
    (void)state;
    engine_hand_over(&engine);
    assert_int_equal(runs, 32);
    engine_hand_over(&engine);
    assert_int_equal(runs, 32);
    engine_found(&all[0]);
    engine_found(&all[0]);
    engine_hand_over(&engine);
    assert_int_equal(runs, 33);
    engine_leave(&all[1]);
    engine_hand_over(&engine);
    assert_int_equal(runs, 34);
}

static void what_has_a_connection_looks_up_none(void **state)
{
    (void)state;
    is_idle = true;
    engine_hand_over(&engine);
    assert_int_equal(runs, COUNT);
    assert_null(engine.waiting);
}

static void no_more_run_than_may_have_connections(void **state)
{
    (void)state;
    is_idle = true;
    engine.connections_most = 5;
    engine_hand_over(&engine);
    assert_int_equal(runs, 5);
    assert_ptr_equal(engine.waiting, &all[5]);
    engine_leave(&all[2]);
    engine_hand_over(&engine);
    assert_int_equal(runs, 6);
}

static void the_others_make_room(void **state)
{
    (void)state;
    engine_hand_over(&engine);
    assert_int_equal(room_most, 93);
    engine.connections_most = 3;
    assert_int_equal(engine_most_beside(&engine, &other), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_some_look_up_a_name),
        TEST(what_has_a_connection_looks_up_none),
        TEST(no_more_run_than_may_have_connections),
        TEST(the_others_make_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
