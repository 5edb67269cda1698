/* SPDX-License-Identifier: Apache-2.0 */
/* Events one after the other, by a clock that the test turns. */
#include "exchange/pacer.h"

#include "cases.h"

static struct pacer pacer;
static struct bytes out;

static int begin(void **state)
{
    (void)state;
    pacer = (struct pacer){0};
    out = (struct bytes){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    pacer_clear(&pacer);
    bytes_clear(&out);
    return 0;
}

static void put(const char *events, uint64_t delay_ms)
{
    pacer_put(&pacer, view_of(events), delay_ms, &out);
}

static void expect(const char *what, const char *want)
{
    expect_text(what, bytes_cstr(&out), want);
    out.len = 0;
}

static void pass(uint64_t ms)
{
    pacer_pass(&pacer, ms, &out);
}

static void events_go_one_after_the_other(void **state)
{
    (void)state;
    put("a\n\nb\n\nc\n\n", 20);
    expect("the first at once", "a\n\n");
    pass(16);
    expect("too early", "");
    pass(16);
    expect("32 ms", "b\n\n");
    pass(16);
    expect("48 ms", "c\n\n");
    assert_true(pacer_is_empty(&pacer));
}

static void later_ones_keep_their_distance_to_those_before(void **state)
{
    (void)state;
    put("a\n\n", 20);
    expect("the first", "a\n\n");
    put("b\n\n", 20);
    expect("too early", "");
    pass(20);
    expect("in time", "b\n\n");
    pass(20);
    assert_false(pacer.is_running);
    put("c\n\n", 20);
    expect("after a pause", "c\n\n");
}

static void what_has_no_delay_goes_with_what_is_before_it(void **state)
{
    (void)state;
    put("a\n\nb\n\n", 20);
    put("end\n\n", 0);
    expect("the first", "a\n\n");
    pass(20);
    expect("the rest", "b\n\nend\n\n");
    put("alone\n\n", 0);
    expect("at once", "alone\n\n");
}

static void a_long_queue_goes_faster(void **state)
{
    size_t passes = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        put("x\n\n", 20); /* 20 s */
    while (!pacer_is_empty(&pacer)) {
        pass(20);
        passes++;
    }
    assert_in_range(passes, 50, 300); /* at most 6 s */
    assert_int_equal(out.len, 3000);
}

static void more_than_the_most_goes_at_once(void **state)
{
    static char event[64 * 1024];

    (void)state;
    memset(event, 'x', sizeof(event) - 3);
    memcpy(event + sizeof(event) - 3, "\n\n", 3);
    for (int i = 0; i < 20; i++)
        put(event, 1000);
    assert_true(pacer_len(&pacer) <= PACER_MOST);
    assert_true(pacer.queue.len <= 3 * PACER_MOST);
    assert_int_equal(out.len + pacer_len(&pacer),
                     20 * (sizeof(event) - 1) + 16 * (pacer_len(&pacer) / (sizeof(event) - 1)));
}

static void all_goes_before_an_error(void **state)
{
    (void)state;
    put("a\n\nb\n\nc\n\n", 20);
    pacer_flush(&pacer, &out);
    expect("all", "a\n\nb\n\nc\n\n");
    assert_int_equal(pacer.waiting_ms, 0);
}

static void half_an_event_is_one(void **state)
{
    (void)state;
    put("a\n\nrest", 0);
    expect("all", "a\n\nrest");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_go_one_after_the_other),
        TEST(later_ones_keep_their_distance_to_those_before),
        TEST(what_has_no_delay_goes_with_what_is_before_it),
        TEST(a_long_queue_goes_faster),
        TEST(more_than_the_most_goes_at_once),
        TEST(all_goes_before_an_error),
        TEST(half_an_event_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
