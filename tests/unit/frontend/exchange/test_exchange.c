/* SPDX-License-Identifier: Apache-2.0 */
/* Plans that are run: what of their calls' answers reaches the client, in which order, and when the
 * calls get their credit. */
#include "frontend/exchange/exchange_test.h"
#include "settings_mine.h"

/* Whole answers */

static void whole_answers_come_in_the_order_of_their_places(void **state)
{
    static const struct {
        size_t places[3], ends[3];
        const char *want;
    } cases[] = {
        {{0, 1, 2}, {0, 1, 2}, "[0:a0][1:a1][2:a2]END"},
        {{0, 1, 2}, {2, 1, 0}, "[0:a0][1:a1][2:a2]END"},
        {{0, 1, 2}, {1, 2, 0}, "[0:a0][1:a1][2:a2]END"},
        {{2, 0, 1}, {0, 1, 2}, "[0:a1][1:a2][2:a0]END"},
        {{2, 0, 1}, {2, 0, 1}, "[0:a1][1:a2][2:a0]END"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memcpy(scene.places, cases[i].places, sizeof(cases[i].places));
        scene.steps = 3;
        ask();
        assert_int_equal(scene.started, 3);
        for (size_t k = 0; k < 3; k++)
            answered(cases[i].ends[k], (const char *[]){"a0", "a1", "a2"}[cases[i].ends[k]]);
        expect_reply("places", "HTTP/1.1 200 OK", cases[i].want, true);
        assert_non_null(strstr(reply.head.at, "content-type: application/json"));
        assert_non_null(strstr(reply.head.at, "x-request-id: 0000000000000abc"));
    }
}

static void an_answer_that_is_gathered_is_credited_at_once(void **state)
{
    (void)state;
    ask();
    head(0);
    text(0, "a");
    assert_int_equal(taken[0], 2);
    text(0, "b");
    assert_int_equal(taken[0], 3);
    assert_int_equal(scene.exchanges.gathered, 2);
    end(0);
    expect_reply("joined", "200", "[0:ab]END", true);
}

static void an_answer_may_ask_for_another_call(void **state)
{
    (void)state;
    scene.further = 2;
    ask();
    answered(0, "a");
    assert_int_equal(scene.started, 2);
    turns(2);
    assert_int_equal(scene.in.len, 0);
    answered(1, "b");
    answered(2, "c");
    expect_reply("further", "200", "[0:a][0:b][0:c]END", true);
}

static void the_deadline_holds_for_calls_that_came_of_answers(void **state)
{
    (void)state;
    scene.further = 1;
    ask();
    answered(0, "a");
    assert_int_equal(scene.started, 2);
    scene.exchanges.deadline.timeout = 1;
    expect_reply("late", "HTTP/1.1 504", "error(TIMEOUT)", true);
}

static void an_endpoint_that_does_not_like_an_answer_says_why(void **state)
{
    (void)state;
    scene.answer_error = ERROR_MALFORMED;
    ask();
    answered(0, "a");
    expect_reply("no word", "HTTP/1.1 502", "error(MALFORMED)", true);
    stream();
    scene.event_error = ERROR_MALFORMED;
    scene.why = "no such thing";
    head(0);
    text(0, "data: x\n\n");
    read_reply();
    assert_non_null(strstr(bytes_cstr(&reply.body), "event-error(MALFORMED)"));
}

/* Events */

static void events_go_out_as_they_come_whose_ever_they_are(void **state)
{
    (void)state;
    scene.steps = 2;
    stream();
    head(1);
    text(1, "data: one\n\n");
    TURN_UNTIL(has("<1:one>"));
    assert_true(has("content-type: text/event-stream"));
    assert_true(has("cache-control: no-cache"));
    head(0);
    text(0, "data: two\n\ndata: th");
    TURN_UNTIL(has("<0:two>"));
    assert_false(has("th"));
    text(0, "ree\n\n");
    TURN_UNTIL(has("<0:three>"));
    end(0);
    text(1, "data: [DONE]\n\n"); /* says nothing */
    text(1, "data: four\n");     /* the last empty line is left out */
    end(1);
    expect_reply("events", "200", "<1:one><0:two><0:three>[0:]<1:four>[1:]END", true);
}

static void events_may_come_as_an_array(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"[{\"a\":1},\n{\"a\":2}]", "<0:{\"a\":1}><0:{\"a\":2}>[0:]END"},
        {"{\"a\":1}", "<0:{\"a\":1}>[0:]END"},
        {" \n", "[0:]END"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        stream();
        head(0);
        text(0, cases[i].in);
        end(0);
        expect_reply(cases[i].in, "200", cases[i].want, true);
    }
}

/* Bytes */

static void bytes_pass_untouched_with_what_the_provider_said_of_them(void **state)
{
    static const struct {
        struct answer_head head;
        const char *want_head;
    } cases[] = {
        {{.status = 200, .type = VIEW("text/x; charset=y")}, "content-type: text/x; charset=y"},
        {{.status = 200, .length = 6}, "content-length: 5"},
        {{.status = 206}, "HTTP/1.1 206 "},
        {{.status = 404}, "HTTP/1.1 404 "}, /* the provider's own refusal */
        {{.status = 700}, "HTTP/1.1 200 "},
        {{.status = 200}, "content-type: application/json"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pass_bytes();
        head_of(0, cases[i].head);
        text(0, "da");
        TURN_UNTIL(has("da"));
        text(0, "ta\n");
        end(0);
        scene.endpoint.end = NULL;
        expect_reply(cases[i].want_head, cases[i].want_head, i ? "data\n" : "data\nEND", true);
    }
}

static void bytes_that_fall_short_of_their_length_break(void **state)
{
    (void)state;
    scene.endpoint.end = NULL;
    pass_bytes();
    head_of(0, (struct answer_head){.status = 200, .length = 6});
    text(0, "data");
    end(0);
    expect_reply("short", "content-length: 5", "data", false);
}

/* Errors */

static void an_error_before_the_start_is_a_reply_of_its_own(void **state)
{
    static const struct {
        struct call_failure failure;
        const char *want_head, *want;
    } cases[] = {
        {{.error = ERROR_BAD_REQUEST, .status = 400, .body = VIEW("!")},
         "HTTP/1.1 400 ",
         "error(BAD_REQUEST!)"},
        {{.error = ERROR_BAD_REQUEST, .status = 413}, "HTTP/1.1 413 ", "error(BAD_REQUEST)"},
        {{.error = ERROR_BAD_REQUEST, .status = 500}, "HTTP/1.1 400 ", "error(BAD_REQUEST)"},
        {{.error = ERROR_NO_KEY, .status = 403}, "HTTP/1.1 503 ", "error(NO_KEY)"},
        {{.error = ERROR_NO_QUOTA, .status = 403}, "HTTP/1.1 429 ", "error(NO_QUOTA)"},
        {{.error = ERROR_NO_QUOTA, .retry_after_ms = 1500},
         "retry-after: 2\r\n",
         "error(NO_QUOTA)"},
        {{.error = ERROR_UNREACHABLE, .is_tried = true},
         "x-should-retry: false",
         "error(UNREACHABLE)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ask();
        failed(0, cases[i].failure);
        expect_reply(cases[i].want, cases[i].want_head, cases[i].want, true);
    }
}

static void an_error_drops_what_was_still_to_go_out(void **state)
{
    (void)state;
    pass_bytes();
    head(0);
    text(0, "data");
    failed(0, (struct call_failure){.error = ERROR_UPSTREAM_CUT, .has_begun = true});
    expect_reply("dropped", "HTTP/1.1 502", "error(UPSTREAM_CUT)", true);
}

static void one_call_that_fails_ends_the_others(void **state)
{
    (void)state;
    scene.steps = 3;
    ask();
    answered(1, "b");
    failed(0, (struct call_failure){.error = ERROR_NO_KEY});
    assert_int_equal(open_calls(), 0);
    expect_reply("all", "HTTP/1.1 503", "error(NO_KEY)", true);
}

static void an_error_within_events_is_the_last_event(void **state)
{
    static const bool breaks[] = {false, true};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(breaks); i++) {
        scene.shape.breaks = breaks[i];
        stream();
        head(0);
        text(0, "data: one\n\n");
        if (i)
            TURN_UNTIL(has("one"));
        failed(0, (struct call_failure){.error = ERROR_UPSTREAM_CUT, .has_begun = true});
        expect_reply("event", "HTTP/1.1 200", "<0:one>event-error(UPSTREAM_CUT)", !breaks[i]);
    }
}

static void a_stream_without_a_byte_so_far_fails_like_any_reply(void **state)
{
    (void)state;
    stream();
    failed(0, (struct call_failure){.error = ERROR_NO_KEY});
    expect_reply("plain", "HTTP/1.1 503", "error(NO_KEY)", true);
}

/* What passes untouched may have stopped within an event: it is ended, so that the next one is
 * read. */
static void an_event_that_broke_off_is_ended_before_the_error(void **state)
{
    static const struct {
        const char *in;
        bool at_border;
        const char *want;
    } cases[] = {{"data: one\n\n", true, "data: one\n\nevent-error(UPSTREAM_CUT)"},
                 {"data: on", false, "data: on\n\nevent-error(UPSTREAM_CUT)"}};

    (void)state;
    scene.is_sse = scene.is_stream = true;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pass_bytes();
        head(0);
        bytes_of(0, view_of(cases[i].in), cases[i].at_border);
        TURN_UNTIL(has("data: on"));
        failed(0, (struct call_failure){.error = ERROR_UPSTREAM_CUT, .has_begun = true});
        expect_reply(cases[i].in, "HTTP/1.1 200", cases[i].want, true);
    }
}

static void an_error_within_an_array_is_its_last_element(void **state)
{
    static const struct {
        const char *what, *in;
        bool at_border, has_length;
        const char *want;
        bool is_whole;
    } cases[] = {
        {"where it may go on", "[{}", true, false, "[{}\n,\nerror(UPSTREAM_CUT)]\n", true},
        {"inside an element", "[{\"a", false, false, "[{\"a", false},
        {"behind its end", "[{}]", true, false, "[{}]", false},
        {"no array", "{}", true, false, "{}", false},
        {"as long as it said", "[{}", true, true, "[{}", false},
    };

    (void)state;
    scene.is_stream = true;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pass_bytes();
        head_of(0, (struct answer_head){.status = 200, .length = cases[i].has_length ? 99 : 0});
        bytes_of(0, view_of(cases[i].in), cases[i].at_border);
        TURN_UNTIL(has(cases[i].in));
        failed(0, (struct call_failure){.error = ERROR_UPSTREAM_CUT, .has_begun = true});
        expect_reply(cases[i].what, "HTTP/1.1 200", cases[i].want, cases[i].is_whole);
    }
}

static void all_that_is_open_fails_when_the_process_ends(void **state)
{
    (void)state;
    stream();
    head(0);
    text(0, "data: one\n\n");
    TURN_UNTIL(has("one"));
    exchanges_fail(&scene.exchanges, ERROR_STOPPING);
    exchanges_fail(&scene.exchanges, ERROR_STOPPING);
    expect_reply("told", "200", "<0:one>event-error(STOPPING)", true);
    scene.pass = STEP_WHOLE;
    scene.is_sse = false;
    ask();
    answered(0, "a");
    exchanges_fail(&scene.exchanges, ERROR_STOPPING);
    expect_reply("it was over", "200", "[0:a]END", true);
}

/* Calls in the place of others */

static void a_call_that_failed_may_get_another_in_its_place(void **state)
{
    (void)state;
    scene.steps = 2;
    scene.mends = 1;
    ask();
    failed(0, (struct call_failure){.error = ERROR_BAD_REQUEST});
    assert_int_equal(scene.started, 3);
    assert_null(calls[0]);
    answered(1, "b");
    answered(2, "a");
    expect_reply("mended", "200", "[0:a][1:b]END", true);
}

static void a_plan_may_go_on_without_a_call_that_failed(void **state)
{
    (void)state;
    for (size_t last = 0; last < 2; last++) { /* the one that fails is the last one open, or not */
        scene.steps = 2;
        scene.skips = 1;
        ask();
        if (last)
            answered(0, "a");
        failed(last, (struct call_failure){.error = ERROR_FORBIDDEN});
        if (!last)
            answered(1, "b");
        expect_reply("without", "200", last ? "[0:a]END" : "[1:b]END", true);
    }
}

static void there_is_no_further_call_beyond_the_plan_or_without_room(void **state)
{
    static const struct {
        size_t limit, room;
    } cases[] = {{1, 9}, {9, 2}, {9, 1}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        scene.mends = 1;
        scene.limit = cases[i].limit;
        scene.room = cases[i].room;
        ask();
        failed(0, (struct call_failure){.error = ERROR_BAD_REQUEST});
        expect_reply("as it was", "HTTP/1.1 400", "error(BAD_REQUEST)", true);
    }
}

static void a_plan_that_finds_no_room_fails_as_a_whole(void **state)
{
    (void)state;
    scene.steps = 3;
    scene.room = 2;
    ask();
    assert_int_equal(open_calls(), 0);
    expect_reply("no room", "HTTP/1.1 503", "error(NOT_READY The gateway has too many open calls.)",
                 true);
    scene.steps = 1;
    scene.room = 1;
    scene.further = 1;
    ask();
    answered(0, "a");
    expect_reply("no room", "HTTP/1.1 503", "error(NOT_READY The gateway has too many open calls.)",
                 true);
}

static void an_empty_answer_is_taken_where_it_can_be_told(void **state)
{
    static const struct {
        enum step_pass pass;
        const char *body, *want_head, *want;
    } cases[] = {
        {STEP_WHOLE, "{}", "HTTP/1.1 200", "[0:{}]END"},
        {STEP_EVENTS, "data: {}\n\n", "HTTP/1.1 200", "<0:{}>[0:]END"},
        {STEP_WHOLE, "", "HTTP/1.1 502", "error(UPSTREAM_EMPTY)"},
        {STEP_BYTES, "{}", "HTTP/1.1 502", "error(UPSTREAM_EMPTY{})"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        scene.pass = cases[i].pass;
        ask();
        failed(0, (struct call_failure){.error = ERROR_UPSTREAM_EMPTY,
                                        .is_tried = true,
                                        .body = view_of(cases[i].body)});
        expect_reply(cases[i].body, cases[i].want_head, cases[i].want, true);
    }
}

/* Waiting */

static void a_stream_beats_until_its_first_content(void **state)
{
    (void)state;
    scene.endpoint.beat = takes_beat;
    scene.exchanges.ping.timeout = 1;
    stream();
    TURN_UNTIL(has("beat ") && scene.beats > 1);
    head(0);
    scene.beats = 0;
    turns(5);
    assert_int_equal(scene.beats, 0);
}

static void only_streams_whose_clients_bear_it_beat(void **state)
{
    static const struct {
        bool is_sse, has_beat;
        uint64_t ping_ms;
    } cases[] = {{false, true, 1}, {true, false, 1}, {true, true, 0}};

    (void)state;
    scene.exchanges.ping.timeout = 1;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        settings_mine()->stream_ping_ms = cases[i].ping_ms;
        scene.endpoint.beat = cases[i].has_beat ? takes_beat : NULL;
        scene.is_sse = cases[i].is_sse;
        scene.pass = cases[i].is_sse ? STEP_EVENTS : STEP_WHOLE;
        ask();
        turns(5);
        assert_int_equal(scene.beats, 0);
        assert_int_equal(scene.in.len, 0);
    }
}

/* Whose answer comes at once at its end. */
static void a_gathered_stream_beats_at_its_own_pace(void **state)
{
    (void)state;
    settings_mine()->stream_ping_ms = 0;
    settings_mine()->fake_stream_beat_ms = 1;
    scene.exchanges.beat.timeout = 1;
    scene.endpoint.beat = takes_beat;
    scene.is_sse = scene.is_gathered = true;
    scene.pass = STEP_WHOLE;
    ask();
    turns(5);
    assert_true(scene.beats > 0);
    head(0);
    scene.beats = 0;
    turns(5);
    assert_int_equal(scene.beats, 0);
}

/* An empty answer that is taken has been heard like any other. */
static void an_empty_answer_keeps_no_stream_beating(void **state)
{
    (void)state;
    scene.steps = 2;
    scene.endpoint.beat = takes_beat;
    stream();
    failed(0, (struct call_failure){.error = ERROR_UPSTREAM_EMPTY, .body = VIEW("data: {}\n\n")});
    head(1);
    scene.exchanges.ping.timeout = 1;
    turns(5);
    assert_int_equal(scene.beats, 0);
}

static void who_waits_for_too_long_is_told_so(void **state)
{
    (void)state;
    scene.exchanges.deadline.timeout = 1;
    scene.steps = 2;
    ask();
    expect_reply("late", "HTTP/1.1 504", "error(TIMEOUT)", true);
    assert_int_equal(open_calls(), 0);
    scene.is_unheard = true;
    ask();
    expect_reply("nobody there", "HTTP/1.1 503", "error(NOT_READY)", true);
}

static void an_answer_that_comes_is_not_late(void **state)
{
    (void)state;
    scene.exchanges.deadline.timeout = 1;
    stream();
    head(0);
    turns(5);
    text(0, "data: one\n\n");
    TURN_UNTIL(has("one"));
    settings_mine()->time_out_ms = 0; /* then it has been silent for too long at once */
    expect_reply("silent", "200", "<0:one>event-error(TIMEOUT)", true);
}

static void an_answer_whose_client_does_not_read_is_not_late(void **state)
{
    struct bytes much = {0};

    (void)state;
    scene.exchanges.deadline.timeout = 1;
    pass_bytes();
    scene.is_slow = true;
    head(0);
    memset(bytes_room(&much, 1 << 20), 'x', 1 << 20);
    bytes_of(0, (struct view){much.at, 1 << 20}, false);
    settings_mine()->time_out_ms = 0;
    turns(5);
    assert_non_null(calls[0]);
    bytes_clear(&much);
}

/* Clients */

static void a_client_that_goes_takes_its_calls_with_it(void **state)
{
    (void)state;
    scene.steps = 3;
    ask();
    head(0);
    hang_up();
    TURN_UNTIL(open_calls() == 0);
    stream();
    head(0);
    text(0, "data: one\n\n");
    TURN_UNTIL(has("one"));
    hang_up();
    TURN_UNTIL(open_calls() == 0);
}

static void credit_is_what_the_client_has_taken(void **state)
{
    struct bytes much = {0};

    (void)state;
    pass_bytes();
    scene.is_slow = true;
    head(0);
    text(0, "x");
    TURN_UNTIL(taken[0] == 2);
    memset(bytes_room(&much, 1 << 20), 'x', 1 << 20);
    bytes_of(0, (struct view){much.at, 1 << 20}, false);
    turns(3);
    text(0, "y");
    turns(3);
    assert_int_equal(taken[0], 2);
    end(0);
    scene.is_slow = false;
    read_reply();
    assert_int_equal(reply.body.len, 1 + (1 << 20) + 1 + 3);
    bytes_clear(&much);
}

/* What came while a write was under way counts only with the next one. */
static void what_came_meanwhile_is_credited_by_its_own_write(void **state)
{
    struct bytes much = {0};

    (void)state;
    pass_bytes();
    scene.is_slow = true;
    head(0);
    memset(bytes_room(&much, 1 << 20), 'x', 1 << 20);
    bytes_of(0, (struct view){much.at, 1 << 20}, false);
    turns(3);
    bytes_of(0, (struct view){much.at, 1 << 20}, false);
    scene.is_slow = false;
    while (scene.in.len < 1 << 20)
        read_on(), h2o_evloop_run(scene.web.loop, 0);
    scene.is_slow = true;
    turns(3);
    assert_true(taken[0] >= 2);
    scene.is_slow = false;
    TURN_UNTIL(taken[0] == 3);
    bytes_clear(&much);
}

/* Limits */

static void answers_larger_than_the_limits_are_not_put_together(void **state)
{
    static const struct {
        const char *what;
        enum step_pass pass;
        size_t reply_limit, budget, keeps;
        const char *in;
    } cases[] = {
        {"a whole one", STEP_WHOLE, 3, 1000, 0, "1234"},
        {"the budget for whole ones", STEP_WHOLE, 1000, 3, 0, "1234"},
        {"what it becomes", STEP_WHOLE, 1000, 7, 0, "1234"},
        {"half an event", STEP_EVENTS, 3, 1000, 0, "data: 1234"},
        {"what events become", STEP_EVENTS, 1000, 3, 0, "data: 1234\n\n"},
        {"what is kept of them", STEP_EVENTS, 1000, 1000, 1001, "data: 1234\n\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        settings_mine()->reply_limit = cases[i].reply_limit;
        settings_mine()->body_budget = cases[i].budget;
        scene.keeps = cases[i].keeps;
        scene.pass = cases[i].pass;
        ask();
        head(0);
        text(0, cases[i].in);
        if (calls[0])
            end(0);
        expect_reply(cases[i].what, "HTTP/1.1 502", "error(REPLY_TOO_LARGE)", true);
    }
}

static void the_budget_is_given_back_as_the_client_reads(void **state)
{
    (void)state;
    stream();
    head(0);
    text(0, "data: 1234\n\n");
    assert_true(scene.exchanges.gathered > 0);
    TURN_UNTIL(scene.exchanges.gathered == 0);
    assert_int_equal(taken[0], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXCHANGE_TEST(whole_answers_come_in_the_order_of_their_places),
        EXCHANGE_TEST(an_answer_that_is_gathered_is_credited_at_once),
        EXCHANGE_TEST(an_answer_may_ask_for_another_call),
        EXCHANGE_TEST(the_deadline_holds_for_calls_that_came_of_answers),
        EXCHANGE_TEST(an_endpoint_that_does_not_like_an_answer_says_why),
        EXCHANGE_TEST(events_go_out_as_they_come_whose_ever_they_are),
        EXCHANGE_TEST(events_may_come_as_an_array),
        EXCHANGE_TEST(bytes_pass_untouched_with_what_the_provider_said_of_them),
        EXCHANGE_TEST(bytes_that_fall_short_of_their_length_break),
        EXCHANGE_TEST(an_error_before_the_start_is_a_reply_of_its_own),
        EXCHANGE_TEST(an_error_drops_what_was_still_to_go_out),
        EXCHANGE_TEST(one_call_that_fails_ends_the_others),
        EXCHANGE_TEST(an_error_within_events_is_the_last_event),
        EXCHANGE_TEST(a_stream_without_a_byte_so_far_fails_like_any_reply),
        EXCHANGE_TEST(an_event_that_broke_off_is_ended_before_the_error),
        EXCHANGE_TEST(an_error_within_an_array_is_its_last_element),
        EXCHANGE_TEST(all_that_is_open_fails_when_the_process_ends),
        EXCHANGE_TEST(a_call_that_failed_may_get_another_in_its_place),
        EXCHANGE_TEST(a_plan_may_go_on_without_a_call_that_failed),
        EXCHANGE_TEST(there_is_no_further_call_beyond_the_plan_or_without_room),
        EXCHANGE_TEST(a_plan_that_finds_no_room_fails_as_a_whole),
        EXCHANGE_TEST(an_empty_answer_is_taken_where_it_can_be_told),
        EXCHANGE_TEST(a_stream_beats_until_its_first_content),
        EXCHANGE_TEST(only_streams_whose_clients_bear_it_beat),
        EXCHANGE_TEST(a_gathered_stream_beats_at_its_own_pace),
        EXCHANGE_TEST(an_empty_answer_keeps_no_stream_beating),
        EXCHANGE_TEST(who_waits_for_too_long_is_told_so),
        EXCHANGE_TEST(an_answer_that_comes_is_not_late),
        EXCHANGE_TEST(an_answer_whose_client_does_not_read_is_not_late),
        EXCHANGE_TEST(a_client_that_goes_takes_its_calls_with_it),
        EXCHANGE_TEST(credit_is_what_the_client_has_taken),
        EXCHANGE_TEST(what_came_meanwhile_is_credited_by_its_own_write),
        EXCHANGE_TEST(answers_larger_than_the_limits_are_not_put_together),
        EXCHANGE_TEST(the_budget_is_given_back_as_the_client_reads),
    };

    return cmocka_run_group_tests(tests, open_web, close_web);
}
