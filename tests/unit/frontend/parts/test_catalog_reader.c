/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the list of models, with a road that is played. */
#include "cases.h"

#include <stdlib.h>

#include "actor.h"
#include "parts/catalog_reader.h"

/* Instead of frontend/road */

struct call {
    struct bytes path;
    uint64_t owner_key;
    const struct call_events *events;
    void *owner;
};

static struct call *calls[16]; /* NULL: freed */
static size_t started, room;
static uint64_t available;

struct call *call_start(struct road *road, uint64_t id, const struct order *order,
                        uint64_t deadline_ms, const struct call_events *events, void *owner)
{
    struct call *call;

    (void)road, (void)id, (void)deadline_ms;
    if (started >= room)
        return NULL;
    call = memory_new(sizeof(*call));
    call->owner_key = order->owner;
    call->events = events;
    call->owner = owner;
    bytes_append(&call->path, order->path);
    return calls[started++] = call;
}

void call_free(struct call *call)
{
    for (size_t i = 0; call && i < started; i++)
        if (calls[i] == call)
            calls[i] = NULL;
    if (call)
        bytes_clear(&call->path);
    free(call);
}

uint64_t call_mark(const struct call *call)
{
    (void)call;
    return 0;
}

void call_taken(struct call *call, uint64_t mark)
{
    (void)call, (void)mark;
}

struct road_sight road_look(struct road *road, uint64_t now_ms)
{
    (void)road, (void)now_ms;
    return (struct road_sight){.keys = {.available = available}};
}

/* The scene */

static struct actor actor;
static struct catalog catalog;
static struct catalog_reader reader;
static size_t woken;

static void on_ready(struct catalog_waiter *waiter)
{
    assert_false(waiter->is_waiting);
    woken++;
}

static int open_reader(void **state)
{
    plain_options(state);
    reader = (struct catalog_reader){.catalog = &catalog, .actor = &actor};
    started = woken = 0;
    room = COUNT_OF(calls);
    available = 1;
    return 0;
}

static int close_reader(void **state)
{
    (void)state;
    for (size_t i = 0; i < started; i++)
        assert_null(calls[i]);
    assert_null(reader.waiters);
    bytes_clear(&reader.names);
    catalog_clear(&catalog);
    return 0;
}

static void head(size_t number, uint64_t key_id)
{
    calls[number]->events->head(calls[number]->owner, &(struct answer_head){.key_id = key_id});
}

static void answer(size_t number, const char *text)
{
    struct bytes json = json_of(text);
    struct call *call = calls[number];

    call->events->bytes(call->owner, bytes_view(&json), true);
    if (calls[number])
        call->events->end(call->owner);
    bytes_clear(&json);
}

static void fails(size_t number, enum error error)
{
    struct call *call = calls[number];

    call->events->failed(call->owner, &(struct call_failure){.error = error, .status = 503});
}

static struct catalog_waiter waits(uint64_t until_ms)
{
    return (struct catalog_waiter){.ready = on_ready, .until_ms = until_ms};
}

static void keys_are_asked_and_their_lists_joined(void **state)
{
    struct catalog_waiter one = waits(9000), other = waits(9000);

    (void)state;
    available = 8;
    catalog_wait(&reader, &one, 1000);
    catalog_wait(&reader, &other, 1000);
    assert_int_equal(started, CATALOG_KEYS);
    head(0, 7);
    answer(0, "{'models':[{'name':'a'}],'nextPageToken':'t&'}");
    assert_int_equal(started, 4);
    assert_int_equal(calls[3]->owner_key, 7); /* a token is the key's that gave it */
    assert_string_equal(bytes_cstr(&calls[3]->path), "/models?pageSize=1000&pageToken=t%26");
    answer(1, "{'models':[{'name':'b'},{'name':'a'}]}");
    fails(2, ERROR_NO_QUOTA);
    assert_int_equal(woken, 0);
    assert_int_equal(catalog.read_ms, 0);
    answer(3, "{'models':[{'name':'c'}]}");
    assert_int_equal(woken, 2);
    assert_true(catalog.read_ms > 0);
    assert_int_equal(catalog_count(&catalog), 3);
}

static void a_failure_leaves_what_was_known(void **state)
{
    struct catalog_waiter one = waits(9000), again = waits(9000);

    (void)state;
    catalog_wait(&reader, &one, 1000);
    answer(0, "{'models':[{'name':'a'}]}");
    catalog_wait(&reader, &again, 2000);
    assert_int_equal(started, 2);
    fails(1, ERROR_KEYS_REFUSED);
    assert_int_equal(woken, 2);
    assert_true(catalog_has(&catalog, VIEW("a")));
    assert_int_equal(catalog.failure.error, ERROR_KEYS_REFUSED);
    assert_true(catalog.failed_ms > 0);
}

static void what_is_no_list_is_a_failure(void **state)
{
    struct catalog_waiter one = waits(9000);

    (void)state;
    catalog_wait(&reader, &one, 1000);
    answer(0, "<html>");
    assert_int_equal(woken, 1);
    assert_int_equal(catalog.read_ms, 0);
    assert_int_equal(catalog.failure.error, ERROR_UPSTREAM);
}

static void no_room_is_a_failure(void **state)
{
    struct catalog_waiter one = waits(9000);

    (void)state;
    room = 0;
    available = 3;
    catalog_wait(&reader, &one, 1000);
    assert_int_equal(woken, 1);
    assert_int_equal(catalog.failure.error, ERROR_NOT_READY);
}

static void waits_end(void **state)
{
    struct catalog_waiter soon = waits(2000), late = waits(90000), gone = waits(90000);

    (void)state;
    catalog_wait(&reader, &soon, 1000);
    catalog_wait(&reader, &late, 1000);
    catalog_wait(&reader, &gone, 1000);
    catalog_leave(&reader, &gone);
    catalog_leave(&reader, &gone);
    catalog_tick(&reader, 1999);
    assert_int_equal(woken, 0);
    catalog_tick(&reader, 2000);
    assert_int_equal(woken, 1);
    catalog_tick(&reader, 1000 + CATALOG_LIST_MS); /* the list does not come */
    assert_int_equal(woken, 2);
    assert_int_equal(catalog.failure.error, ERROR_TIMEOUT);
}

static void a_stop_ends_all(void **state)
{
    struct catalog_waiter one = waits(9000);

    (void)state;
    catalog_wait(&reader, &one, 1000);
    catalog_stop(&reader);
    assert_int_equal(woken, 1);
    assert_int_equal(catalog.failure.error, ERROR_STOPPING);
    fails(0, ERROR_CLIENT_GONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_asked_and_their_lists_joined, open_reader,
                                        close_reader),
        cmocka_unit_test_setup_teardown(a_failure_leaves_what_was_known, open_reader, close_reader),
        cmocka_unit_test_setup_teardown(what_is_no_list_is_a_failure, open_reader, close_reader),
        cmocka_unit_test_setup_teardown(no_room_is_a_failure, open_reader, close_reader),
        cmocka_unit_test_setup_teardown(waits_end, open_reader, close_reader),
        cmocka_unit_test_setup_teardown(a_stop_ends_all, open_reader, close_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
