/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that come piece by piece: what is asked for, what is kept, what is refused. */
#include "jobs/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[FEED_WINDOW * 2];

static struct view part(size_t from, size_t len)
{
    return (struct view){text + from, len};
}

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7 + i / 256);
    return 0;
}

static void no_more_is_asked_for_than_the_window(void **state)
{
    struct feed feed = {.length = sizeof(text) + 1};

    (void)state;
    assert_int_equal(feed_want(&feed), FEED_WINDOW);
    assert_int_equal(feed_want(&feed), 0);
    assert_true(feed_take(&feed, 0, part(0, FEED_WINDOW), false));
    assert_int_equal(feed_want(&feed), 0); /* it has not left */
    feed_gone(&feed, 1000);
    assert_int_equal(feed_want(&feed), 0); /* too little for a letter */
    feed_gone(&feed, FEED_WINDOW / 2);
    assert_int_equal(feed_want(&feed), FEED_WINDOW / 2 + 1000);
    feed_clear(&feed);
}

static void the_end_of_a_known_length_is_asked_for_however_short(void **state)
{
    struct feed feed = {.length = FEED_WINDOW + 10 + 1};

    (void)state;
    feed_want(&feed);
    assert_true(feed_take(&feed, 0, part(0, FEED_WINDOW), false));
    feed_gone(&feed, 20);
    assert_int_equal(feed_want(&feed), 10);
    assert_false(feed.is_whole);
    assert_true(feed_take(&feed, FEED_WINDOW, part(FEED_WINDOW, 10), false));
    assert_true(feed.is_whole);
    assert_int_equal(feed_want(&feed), 0);
    feed_clear(&feed);
}

static void what_is_not_due_is_not_taken(void **state)
{
    struct feed feed = {.length = 100 + 1};

    (void)state;
    assert_false(feed_take(&feed, 0, part(0, 1), false)); /* nobody asked */
    feed_want(&feed);
    assert_false(feed_take(&feed, 1, part(1, 1), false)); /* a gap */
    assert_true(feed_take(&feed, 0, part(0, 60), false));
    assert_false(feed_take(&feed, 0, part(0, 60), false)); /* once more */
    assert_false(feed_take(&feed, 60, part(60, 41), false));
    assert_true(feed_take(&feed, 60, part(60, 40), false));
    assert_false(feed_take(&feed, 100, part(0, 0), true));
    feed_clear(&feed);
}

static void without_a_length_the_sender_says_where_it_ends(void **state)
{
    struct feed feed = {0};

    (void)state;
    assert_int_equal(feed_want(&feed), FEED_WINDOW);
    assert_true(feed_take(&feed, 0, part(0, 5), false));
    assert_false(feed.is_whole);
    assert_true(feed_take(&feed, 5, part(0, 0), true));
    assert_true(feed.is_whole);
    feed_gone(&feed, 5);
    assert_int_equal(feed_want(&feed), 0);
    assert_int_equal(feed_look(&feed).len, 0);
    feed_clear(&feed);
}

static void what_was_asked_for_and_lost_is_asked_for_again(void **state)
{
    struct feed feed = {.length = 1000 + 1};

    (void)state;
    feed_want(&feed);
    assert_true(feed_take(&feed, 0, part(0, 300), false));
    feed_ask_again(&feed);
    assert_int_equal(feed.asked, 300);
    assert_int_equal(feed_want(&feed), 700);
    feed_clear(&feed);
}

/* Of every size, in and out: the same bytes, and a piece that is looked at does not move. */
static void bytes_come_out_as_they_came(void **state)
{
    struct feed feed = {0};
    size_t in = 0, out = 0, step = 1;

    (void)state;
    while (out < sizeof(text)) {
        struct view view = feed_look(&feed);
        size_t len = step % 5000 + 1;

        feed_want(&feed);
        if (len > feed.asked - feed.come)
            len = feed.asked - feed.come;
        if (len > sizeof(text) - in)
            len = sizeof(text) - in;
        assert_true(feed_take(&feed, in, part(in, len), false));
        in += len;
        if (view.len) {
            assert_ptr_equal(feed_look(&feed).at, view.at);
            assert_memory_equal(view.at, text + out, view.len);
            feed_gone(&feed, view.len);
            out += view.len;
        }
        step = step * 31 + 7;
    }
    assert_int_equal(feed.gone, sizeof(text));
    feed_clear(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_is_asked_for_than_the_window),
        cmocka_unit_test(the_end_of_a_known_length_is_asked_for_however_short),
        cmocka_unit_test(what_is_not_due_is_not_taken),
        cmocka_unit_test(without_a_length_the_sender_says_where_it_ends),
        cmocka_unit_test(what_was_asked_for_and_lost_is_asked_for_again),
        cmocka_unit_test(bytes_come_out_as_they_came),
    };

    return cmocka_run_group_tests(tests, fill, NULL);
}
