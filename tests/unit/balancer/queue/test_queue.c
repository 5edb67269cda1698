/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits and who is next. Time is a variable. */
#include "queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { F1 = 1, F2 = 2, NEVER = 1000000 };

static struct queue queue;
static struct waiter a, b, c, d;

static int begin(void **state)
{
    (void)state;
    queue = (struct queue){0};
    a = b = c = d = (struct waiter){.frontend = F1, .model = VIEW("x")};
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(queue.count, 0);
    assert_null(queue.lines);
    queue_clear(&queue);
    return 0;
}

static void put(struct waiter *waiter)
{
    queue_put(&queue, waiter, NEVER);
}

/* That is next, and goes. */
static void expect(struct waiter *waiter, uint64_t now_ms)
{
    assert_ptr_equal(queue_next(&queue, now_ms), waiter);
    queue_drop(&queue, waiter);
}

static void those_that_came_first_go_first_whatever_they_need(void **state)
{
    (void)state;
    b.model = VIEW("y");
    c.frontend = F2;
    put(&a), put(&b), put(&c), put(&d);
    expect(&a, 1), expect(&b, 1), expect(&c, 1), expect(&d, 1);
    assert_null(queue_next(&queue, 1));
}

static void a_dry_line_is_not_asked_again_before_its_time_and_holds_up_no_other(void **state)
{
    (void)state;
    c.model = VIEW("y");
    put(&a), put(&b), put(&c);
    assert_ptr_equal(queue_next(&queue, 1), &a);
    queue_dry(&queue, &a, 500, NEVER);
    expect(&c, 1);
    assert_null(queue_next(&queue, 499));
    assert_int_equal(queue_due_ms(&queue), 500);
    expect(&a, 500), expect(&b, 500);
}

static void news_make_dry_lines_worth_a_look(void **state)
{
    (void)state;
    put(&a);
    queue_dry(&queue, &a, 500, NEVER);
    assert_null(queue_next(&queue, 1));
    queue_wet(&queue);
    expect(&a, 1);
}

static void who_comes_into_a_dry_line_waits_like_the_others(void **state)
{
    (void)state;
    put(&a);
    queue_dry(&queue, &a, 500, NEVER);
    put(&b);
    assert_null(queue_next(&queue, 1));
    queue_drop(&queue, &a);
    assert_null(queue_next(&queue, 1));
    expect(&b, 500);
}

static void a_frontend_without_upstream_holds_up_no_other(void **state)
{
    (void)state;
    b.frontend = F2;
    put(&a), put(&b), put(&c);
    queue_block(&queue, &a);
    expect(&b, 1);
    assert_null(queue_next(&queue, NEVER - 1));
    queue_unblock(&queue);
    expect(&a, 1), expect(&c, 1);
}

static void who_needs_one_key_stands_in_a_line_of_its_own(void **state)
{
    (void)state;
    a.owner = 7;
    put(&a), put(&b);
    queue_dry(&queue, &a, 500, NEVER);
    expect(&b, 1);
    expect(&a, 500);
}

static void a_pause_costs_no_place(void **state)
{
    (void)state;
    a.not_before_ms = 300;
    put(&a), put(&b), put(&c);
    assert_int_equal(queue_due_ms(&queue), 300);
    expect(&b, 299);
    assert_ptr_equal(queue_next(&queue, 299), &c);
    expect(&a, 300), expect(&c, 300);
}

static void who_is_late_is_named_wherever_he_stands(void **state)
{
    (void)state;
    a.not_before_ms = 900;
    queue_put(&queue, &a, 100);
    queue_put(&queue, &b, 200);
    queue_put(&queue, &c, 300);
    queue_dry(&queue, &b, 5000, NEVER);
    assert_null(queue_late(&queue, 99));
    assert_ptr_equal(queue_late(&queue, 100), &a);
    queue_drop(&queue, &a);
    queue_bound(&queue, &b, 400);
    assert_ptr_equal(queue_late(&queue, 399), &c);
    queue_drop(&queue, &c);
    assert_int_equal(queue_due_ms(&queue), 400);
    queue_drop(&queue, &b);
    assert_int_equal(queue_due_ms(&queue), UINT64_MAX);
}

static void nobody_in_a_dry_line_waits_beyond_its_bound(void **state)
{
    (void)state;
    queue_put(&queue, &a, 150);
    queue_put(&queue, &b, 9000);
    queue_dry(&queue, &a, 5000, 200);
    assert_ptr_equal(queue_late(&queue, 150), &a);
    queue_drop(&queue, &a);
    assert_null(queue_late(&queue, 199));
    assert_ptr_equal(queue_late(&queue, 200), &b);
    queue_drop(&queue, &b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(those_that_came_first_go_first_whatever_they_need),
        TEST(a_dry_line_is_not_asked_again_before_its_time_and_holds_up_no_other),
        TEST(news_make_dry_lines_worth_a_look),
        TEST(who_comes_into_a_dry_line_waits_like_the_others),
        TEST(a_frontend_without_upstream_holds_up_no_other),
        TEST(who_needs_one_key_stands_in_a_line_of_its_own),
        TEST(a_pause_costs_no_place),
        TEST(who_is_late_is_named_wherever_he_stands),
        TEST(nobody_in_a_dry_line_waits_beyond_its_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
