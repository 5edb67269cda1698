/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on their way to balancers: offered, held back, refused, offered again, cancelled. */
#include "frontend/road/road_test.h"
#include "settings_mine.h"

static struct body *body_of(size_t len)
{
    struct bytes text = {0};

    bytes_room(&text, len);
    memset(text.at, 'x', len);
    text.len = len;
    return body_new(&text);
}

static void calls_go_to_the_balancers_in_turn(void **state)
{
    (void)state;
    start_plain(1);
    start_plain(2);
    start_plain(3);
    expect("in turn", "B0:CALL(1.1) B1:CALL(2.1) B0:CALL(3.1) ", "");
    assert_int_equal(call_facts(listeners[1].call).id, 1);
    assert_false(call_facts(listeners[1].call).is_unheard);
}

static void a_call_without_a_number_gets_one(void **state)
{
    struct order order = {.pool = "gemini", .operation = "models"};
    struct call *call = call_start(scene.road, 0, &order, clock_ms(), &listening, &listeners[0]);
    uint64_t id = call_facts(call).id;

    (void)state;
    assert_true(id != 0);
    assert_int_equal(road_id(scene.road), id + 1);
    call_free(call);
}

static void a_short_body_travels_with_the_call_and_a_long_one_waits_to_be_wanted(void **state)
{
    static const struct {
        size_t len, inside;
    } cases[] = {{2, 2}, {64 * 1024, 64 * 1024}, {64 * 1024 + 1, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct body *body = body_of(cases[i].len);

        start(1 + i, (struct order){.pool = "gemini", .operation = "x", .body = body});
        assert_int_equal(scene.body.len, cases[i].inside);
        assert_int_equal(scene.road->body_bytes, cases[i].len);
        body_let_go(body);
        free_call(1 + i);
        assert_int_equal(scene.road->body_bytes, 0);
    }
}

static void calls_wait_until_a_balancer_has_welcomed_us(void **state)
{
    (void)state;
    break_link(0);
    break_link(1);
    start_plain(1);
    start_plain(2);
    expect("nobody", "", "");
    assert_true(call_facts(listeners[1].call).is_unheard);
    welcome(1, 0xb2);
    expect("oldest first", "B1:SEES(a) B1:SEES(c) B1:READY B1:CALL(1.1) B1:CALL(2.1) ", "");
    free_call(1);
    expect("cancelled", "B1:CANCEL(1.1) ", "");
}

static void a_call_that_is_held_back_is_cancelled_without_a_word(void **state)
{
    (void)state;
    break_link(0);
    break_link(1);
    start_plain(1);
    free_call(1);
    welcome(0, 0xb3);
    expect("gone", "B0:SEES(a) B0:SEES(c) B0:READY ", "");
}

static void a_balancer_that_is_silent_gets_no_call_until_it_is_heard_again(void **state)
{
    (void)state;
    for (size_t slot = 0; slot < 2; slot++)
        balancer(slot)->link.heard_ms = clock_ms() - 6000;
    pass_ms(0);
    start_plain(1);
    expect("silent", "", "");
    balancer(1)->link.heard_ms = clock_ms();
    scene.actor.now_ms = clock_ms();
    pass_ms(0);
    expect("heard", "B1:CALL(1.1) ", "");
}

/* The tick has seen it heard, the call finds it silent, its beat comes before the next tick. */
static void a_call_that_found_the_balancer_silent_between_two_ticks_is_not_forgotten(void **state)
{
    (void)state;
    pass_ms(0);
    for (size_t slot = 0; slot < 2; slot++)
        balancer(slot)->link.heard_ms = clock_ms() - 6000;
    start_plain(1);
    balancer(0)->link.heard_ms = clock_ms();
    scene.actor.now_ms = clock_ms();
    pass_ms(0);
    expect("offered", "B0:CALL(1.1) ", "");
}

static void what_one_balancer_has_no_key_for_another_one_may(void **state)
{
    (void)state;
    start_plain(1);
    forget();
    SAY(0, REFUSED, refused, .call = 1, .offer = 1, .error = ERROR_NO_QUOTA,
        .retry_after_ms = 9000);
    expect("next", "B1:CALL(1.2) ", "");
    SAY(0, REFUSED, refused, .call = 1, .offer = 1, .error = ERROR_NO_QUOTA); /* once more */
    SAY(1, REFUSED, refused, .call = 1, .offer = 2, .error = ERROR_NO_KEY);
    expect("all", "", "1:NO_QUOTA after 9000 ");
    assert_true(call_facts(listeners[1].call).has_ended);
    assert_int_equal(scene.road->count, 0);
    SAY(1, REFUSED, refused, .call = 1, .offer = 2, .error = ERROR_NO_KEY);
    free_call(1);
    expect("over", "", "");
}

static void what_is_wrong_with_the_call_itself_is_asked_of_nobody_else(void **state)
{
    (void)state;
    start_plain(1);
    forget();
    SAY(0, REFUSED, refused, .call = 1, .offer = 1, .error = ERROR_TIMEOUT);
    expect("at once", "", "1:TIMEOUT ");
    start_plain(2);
    forget();
    SAY(1, REFUSED, refused, .call = 2, .offer = 1, .error = ERROR_COUNT + 5);
    expect("unknown", "", "2:INTERNAL ");
}

static void what_nobody_else_can_be_asked_for_is_refused(void **state)
{
    (void)state;
    break_link(1);
    start_plain(1);
    forget();
    SAY(0, REFUSED, refused, .call = 1, .offer = 1, .error = ERROR_NO_QUOTA);
    expect("the other is away", "", "1:NO_QUOTA ");
}

static void the_words_about_a_refused_key_are_handed_on(void **state)
{
    (void)state;
    start_plain(1);
    SAY(0, REFUSED, refused, .call = 1, .offer = 1, .error = ERROR_KEYS_REFUSED);
    forget();
    SAY(1, REFUSED, refused, .call = 1, .offer = 2, .error = ERROR_KEYS_REFUSED,
        .words = VIEW("a \"bad\" key"));
    expect("words", "", "1:KEYS_REFUSED {\"error\":{\"message\":\"a \\\"bad\\\" key\"}} ");
}

static void the_words_are_handed_on_as_well_when_the_other_balancer_is_away(void **state)
{
    (void)state;
    break_link(1);
    start_plain(1);
    forget();
    SAY(0, REFUSED, refused, .call = 1, .offer = 1, .error = ERROR_KEYS_REFUSED,
        .words = VIEW("bad"));
    expect("words", "", "1:KEYS_REFUSED {\"error\":{\"message\":\"bad\"}} ");
}

static void a_call_whose_pair_is_gone_is_offered_by_a_new_number(void **state)
{
    (void)state;
    start_plain(1);
    forget();
    SAY(0, RETRY, retry, .call = 1, .offer = 1, .attempts = 2);
    expect("again", "B1:CALL(1.2) ", "");
    assert_int_equal(call_facts(listeners[1].call).attempts, 2);
    SAY(0, RETRY, retry, .call = 1, .offer = 1, .attempts = 9);
    SAY(1, RETRY, retry, .call = 7, .offer = 1, .attempts = 9);
    expect("old or unknown", "", "");
    assert_int_equal(call_facts(listeners[1].call).attempts, 2);
}

/* Nobody knows whether it was obeyed; of one whose JOB was lost everybody does. */
static void what_may_have_made_something_is_not_offered_again(void **state)
{
    struct order order = {.pool = "gemini", .operation = "objects", .once = true};

    (void)state;
    start(1, order);
    start(2, order);
    forget();
    SAY(0, RETRY, retry, .call = 1, .offer = 1, .attempts = 1);
    expect("may be done", "", "1:UPSTREAM_LOST tried ");
    SAY(1, RETRY, retry, .call = 2, .offer = 1, .attempts = 0);
    expect("never begun", "B0:CALL(2.2) ", "");
}

static void what_a_balancer_tells_is_a_whole_answer(void **state)
{
    struct order order = {.pool = "objects", .operation = "objects"};

    (void)state;
    start(1, order);
    start(2, order);
    forget();
    SAY(1, TOLD, told, .call = 1, .offer = 1, .data = VIEW("no"));
    SAY(0, TOLD, told, .call = 1, .offer = 2, .data = VIEW("no"));
    expect("not asked", "", "");
    SAY(0, TOLD, told, .call = 1, .offer = 1, .data = VIEW("{}"));
    expect("told", "", "1:head(200) 1:{}. 1:end ");
    SAY(0, TOLD, told, .call = 1, .offer = 1, .data = VIEW("{}"));
    expect("once", "", "");
    assert_true(call_facts(listeners[1].call).has_ended);
    listeners[2].frees = 1 << 2; /* its owner has enough when it hears the head */
    SAY(1, TOLD, told, .call = 2, .offer = 1, .data = VIEW("{}"));
    expect("freed", "B1:CANCEL(2.1) ", "2:head(200) ");
    assert_int_equal(scene.road->count, 0);
}

static void a_refusal_names_what_it_is_about(void **state)
{
    (void)state;
    start_plain(1);
    forget();
    SAY(0, REFUSED, refused, .call = 1, .offer = 1, .error = ERROR_NO_OBJECT,
        .words = VIEW("files/a"));
    assert_non_null(
        strstr(bytes_cstr(&scene.heard), "\"files/a: What the request names does not exist"));
    forget();
}

static void a_successor_gets_what_it_does_not_know(void **state)
{
    (void)state;
    start_plain(1);
    start_plain(2);
    start_plain(3); /* with balancer 0, like the first */
    break_link(0);
    forget();
    welcome(0, 0xb9);
    expect("it tells first", "B0:SEES(a) B0:SEES(c) B0:READY ", "");
    SAY(0, KNOWN, known, .call = 3, .offer = 1);
    SAY(0, KNOWN, known, .call = 8, .offer = 1);
    SAY(0, KNOWN_END, known_end);
    expect("the first one", "B1:CALL(1.2) ", "");
    SAY(0, KNOWN_END, known_end);
    expect("once", "", "");
}

static void a_connection_that_only_broke_gets_its_calls_repeated(void **state)
{
    (void)state;
    start_plain(1);
    start_plain(2);
    break_link(0);
    forget();
    welcome(0, 0xb0);
    expect("repeated", "B0:SEES(a) B0:SEES(c) B0:READY B0:CALL(1.1 again) ", "");
}

static void a_draining_frontend_says_so_to_whoever_welcomes_it(void **state)
{
    (void)state;
    road_leave(scene.road);
    expect("all", "B0:LEAVE B1:LEAVE ", "");
    scene.actor.is_draining = true;
    welcome(1, 0xb7);
    expect("one more", "B1:SEES(a) B1:SEES(c) B1:READY B1:LEAVE ", "");
}

static void calls_and_bodies_beyond_the_limits_are_not_begun(void **state)
{
    struct body *body = body_of(600);

    (void)state;
    settings_mine()->call_limit = 2;
    settings_mine()->body_budget = 1000;
    assert_non_null(start(1, (struct order){.pool = "g", .operation = "x", .body = body}));
    assert_null(start(2, (struct order){.pool = "g", .operation = "x", .body = body}));
    assert_non_null(start_plain(2));
    assert_null(start_plain(3));
    assert_false(road_has_room(scene.road, 0, 1));
    free_call(2);
    assert_true(road_has_room(scene.road, 400, 1));
    assert_false(road_has_room(scene.road, 400, 2));
    body_let_go(body);
}

/* While a list is walked, an event frees its own call and the next ones, and starts another. */
static void an_event_may_free_its_call_and_its_siblings(void **state)
{
    (void)state;
    break_link(1);
    for (uint64_t id = 1; id <= 4; id++)
        start_plain(id);
    listeners[1].frees = 1 << 1 | 1 << 2 | 1 << 4;
    listeners[1].starts = true;
    for (uint64_t id = 1; id <= 4; id++)
        listeners[id].call->life.refusers = 1; /* by the only one that is there */
    break_link(0);
    welcome(0, 0xb9);
    forget();
    SAY(0, KNOWN_END, known_end);
    expect("freed", "B0:CANCEL(2.1) B0:CANCEL(4.1) B0:CALL(21.1) ", "1:NONE 3:NONE ");
}

static void freeing_nothing_is_allowed(void **state)
{
    (void)state;
    call_free(NULL);
    body_let_go(NULL);
    assert_null(body_hold(NULL));
    assert_int_equal(body_view(NULL).len, 0);
    road_dump(scene.road);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROAD_TEST(calls_go_to_the_balancers_in_turn),
        ROAD_TEST(a_call_without_a_number_gets_one),
        ROAD_TEST(a_short_body_travels_with_the_call_and_a_long_one_waits_to_be_wanted),
        ROAD_TEST(calls_wait_until_a_balancer_has_welcomed_us),
        ROAD_TEST(a_call_that_is_held_back_is_cancelled_without_a_word),
        ROAD_TEST(a_balancer_that_is_silent_gets_no_call_until_it_is_heard_again),
        ROAD_TEST(a_call_that_found_the_balancer_silent_between_two_ticks_is_not_forgotten),
        ROAD_TEST(what_one_balancer_has_no_key_for_another_one_may),
        ROAD_TEST(what_is_wrong_with_the_call_itself_is_asked_of_nobody_else),
        ROAD_TEST(what_nobody_else_can_be_asked_for_is_refused),
        ROAD_TEST(the_words_about_a_refused_key_are_handed_on),
        ROAD_TEST(the_words_are_handed_on_as_well_when_the_other_balancer_is_away),
        ROAD_TEST(a_call_whose_pair_is_gone_is_offered_by_a_new_number),
        ROAD_TEST(what_may_have_made_something_is_not_offered_again),
        ROAD_TEST(what_a_balancer_tells_is_a_whole_answer),
        ROAD_TEST(a_refusal_names_what_it_is_about),
        ROAD_TEST(a_successor_gets_what_it_does_not_know),
        ROAD_TEST(a_connection_that_only_broke_gets_its_calls_repeated),
        ROAD_TEST(a_draining_frontend_says_so_to_whoever_welcomes_it),
        ROAD_TEST(calls_and_bodies_beyond_the_limits_are_not_begun),
        ROAD_TEST(an_event_may_free_its_call_and_its_siblings),
        ROAD_TEST(freeing_nothing_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
