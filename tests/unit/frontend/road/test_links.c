/* SPDX-License-Identifier: Apache-2.0 */
/* The road's connections: upstreams that are announced, attached, broken, back or lost; and what is
 * seen of balancers. */
#include "frontend/road/road_test.h"
#include "settings_mine.h"

enum { A = 0xa, C = 0xc, D = 0xd };

static size_t upstream_count(void)
{
    return HASH_COUNT(scene.road->upstreams.by_incarnation);
}

static void balancers_are_told_of_upstreams_once_they_are_attached(void **state)
{
    (void)state;
    SAY(0, PEER, peer, .upstream = D, .address = VIEW("tcp://127.0.0.1:2"));
    SAY(1, PEER, peer, .upstream = D, .address = VIEW("tcp://127.0.0.1:2"));
    expect("not yet", "", "");
    happen(D, MAILBOX_CONNECTED);
    expect("both", "B0:SEES(d) B1:SEES(d) ", "");
    happen(D, MAILBOX_CONNECTED);
    expect("once", "", "");
    SAY(1, PEER, peer, .upstream = D, .address = VIEW("tcp://127.0.0.1:2"));
    expect("whoever announces it again", "B1:SEES(d) ", "");
}

static void an_address_that_is_wrong_is_no_upstream(void **state)
{
    (void)state;
    scene.try_fault = "it is not on this host";
    SAY(0, PEER, peer, .upstream = D, .address = VIEW("tcp://192.0.2.1:2"));
    assert_int_equal(upstream_count(), 2);
}

static void a_broken_connection_of_this_host_is_a_dead_upstream(void **state)
{
    (void)state;
    happen(C, MAILBOX_DISCONNECTED);
    expect("lost", "B0:LOST(c) B1:LOST(c) ", "");
    assert_int_equal(upstream_count(), 1);
    assert_int_equal(scene.closed_count, 1);
    close_boxes();
}

static void without_time_to_resume_any_broken_connection_is_one(void **state)
{
    (void)state;
    settings_mine()->resume_ms = 0;
    happen(A, MAILBOX_DISCONNECTED);
    expect("lost", "B0:LOST(a) B1:LOST(a) ", "");
}

static void a_broken_connection_is_waited_for_and_then_lost(void **state)
{
    (void)state;
    happen(A, MAILBOX_DISCONNECTED);
    expect("broken", "", "");
    assert_int_equal(scene.actor.wake_ms, scene.actor.now_ms + 3000);
    pass_ms(2999);
    happen(A, MAILBOX_DISCONNECTED); /* another attempt failed: that begins no new wait */
    expect("waited for", "", "");
    assert_int_equal(scene.actor.wake_ms, scene.actor.now_ms + 1);
    welcome(1, 0xb1);
    expect("the pair stands", "B1:SEES(a) B1:SEES(c) B1:READY ", "");
    road_dump(scene.road);
    pass_ms(1);
    expect("lost", "B0:LOST(a) B1:LOST(a) ", "");
}

static void a_connection_that_came_back_is_not_lost(void **state)
{
    (void)state;
    happen(A, MAILBOX_DISCONNECTED);
    pass_ms(2000);
    happen(A, MAILBOX_CONNECTED);
    expect("back", "B0:SEES(a) B1:SEES(a) ", "");
    pass_ms(2000);
    expect("not lost", "", "");
}

static void several_lost_at_once_end_all_their_answers(void **state)
{
    (void)state;
    attach(D, "tcp://127.0.0.1:2");
    for (uint64_t id = 1; id <= 2; id++) {
        start_plain(id);
        HEAD(id == 1 ? A : D, id);
    }
    happen(A, MAILBOX_DISCONNECTED);
    happen(D, MAILBOX_DISCONNECTED);
    forget();
    listeners[1].frees = 1 << 1 | 1 << 2;
    listeners[2].frees = 1 << 1 | 1 << 2;
    pass_ms(3000);
    assert_int_equal(scene.road->count, 0);
    assert_int_equal(upstream_count(), 1);
}

static void an_upstream_that_went_is_told_to_the_other_balancers(void **state)
{
    (void)state;
    start_plain(1);
    HEAD(C, 1);
    forget();
    SAY(0, GONE, gone, .upstream = C);
    expect("gone", "B1:LOST(c) ", "1:UPSTREAM_LOST begun ");
    SAY(0, GONE, gone, .upstream = C);
    expect("once", "", "");
}

static void events_that_say_nothing_change_nothing(void **state)
{
    (void)state;
    happen(A, MAILBOX_SUBSCRIBED);
    happen(A, MAILBOX_UNSUBSCRIBED);
    happen(A, MAILBOX_UNREACHABLE);
    expect("nothing", "", "");
    assert_int_equal(upstream_count(), 2);
}

/* What is seen */

static void what_balancers_say_of_their_keys_is_put_together(void **state)
{
    struct road_sight sight;
    uint64_t now_ms = scene.actor.now_ms;

    (void)state;
    SAY(0, STATUS, status, .keys = 3, .retry_after_ms = 9000, .error = ERROR_NO_QUOTA_TODAY);
    SAY(1, STATUS, status, .keys = 2, .retry_after_ms = 4000, .error = ERROR_NO_QUOTA);
    sight = road_look(scene.road, now_ms);
    assert_int_equal(sight.keys.total, 5);
    assert_int_equal(sight.keys.available, 0);
    assert_int_equal(sight.keys.error, ERROR_NO_QUOTA); /* the one that passes first */
    assert_int_equal(sight.keys.by_ms, now_ms + 4000);
    assert_int_equal(sight.key_ms, 0);
    SAY(1, STATUS, status, .keys = 2, .available = 1);
    assert_int_equal(road_look(scene.road, now_ms + 1).key_ms, now_ms + 1);
}

static void a_time_that_one_balancer_knows_counts_whoever_comes_first(void **state)
{
    (void)state;
    for (size_t slot = 0; slot < 2; slot++) {
        struct road_keys keys;

        SAY(slot, STATUS, status, .keys = 1, .error = ERROR_NO_KEY);
        SAY(1 - slot, STATUS, status, .keys = 1, .retry_after_ms = 4000, .error = ERROR_NO_QUOTA);
        keys = road_look(scene.road, scene.actor.now_ms).keys;
        assert_int_equal(keys.error, ERROR_NO_QUOTA);
        assert_int_equal(keys.by_ms, scene.actor.now_ms + 4000);
    }
}

static void a_silent_balancer_has_no_keys(void **state)
{
    struct road_sight sight;

    (void)state;
    SAY(0, STATUS, status, .keys = 3, .available = 3);
    SAY(1, STATUS, status, .keys = 2, .available = 2);
    sight = road_look(scene.road, clock_ms());
    assert_int_equal(sight.keys.total, 5);
    balancer(0)->link.heard_ms -= 6000;
    sight = road_look(scene.road, clock_ms());
    assert_int_equal(sight.keys.total, 2);
    balancer(1)->link.heard_ms -= 6000;
    assert_int_equal(road_look(scene.road, clock_ms() + 50).balancer_ms, sight.balancer_ms);
}

static void what_was_there_last_is_remembered(void **state)
{
    struct road_sight sight;
    uint64_t now_ms;

    (void)state;
    start_plain(1);
    SAY(0, STATUS, status, .keys = 3, .available = 3);
    scene.actor.now_ms += 10;
    now_ms = scene.actor.now_ms;
    break_link(0);
    break_link(1);
    SAY(0, GONE, gone, .upstream = A);
    SAY(0, GONE, gone, .upstream = C);
    sight = road_look(scene.road, now_ms + 5000);
    assert_int_equal(sight.balancer_ms, now_ms);
    assert_int_equal(sight.upstream_ms, now_ms);
    assert_int_equal(sight.key_ms, now_ms);
    assert_int_equal(sight.calls, 1);
    road_dump(scene.road);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROAD_TEST(balancers_are_told_of_upstreams_once_they_are_attached),
        ROAD_TEST(an_address_that_is_wrong_is_no_upstream),
        ROAD_TEST(a_broken_connection_of_this_host_is_a_dead_upstream),
        ROAD_TEST(without_time_to_resume_any_broken_connection_is_one),
        ROAD_TEST(a_broken_connection_is_waited_for_and_then_lost),
        ROAD_TEST(a_connection_that_came_back_is_not_lost),
        ROAD_TEST(several_lost_at_once_end_all_their_answers),
        ROAD_TEST(an_upstream_that_went_is_told_to_the_other_balancers),
        ROAD_TEST(events_that_say_nothing_change_nothing),
        ROAD_TEST(what_balancers_say_of_their_keys_is_put_together),
        ROAD_TEST(a_time_that_one_balancer_knows_counts_whoever_comes_first),
        ROAD_TEST(a_silent_balancer_has_no_keys),
        ROAD_TEST(what_was_there_last_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
