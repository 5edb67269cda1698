/* SPDX-License-Identifier: Apache-2.0 */
/* The last events: what a reader that comes back has missed, and how much is kept. */
#include "cases.h"

#include "events/backlog.h"

static struct backlog backlog;

static int fresh(void **state)
{
    (void)state;
    backlog_clear(&backlog);
    backlog = (struct backlog){0};
    backlog_open(&backlog, 1000);
    return 0;
}

static void expect_since(uint64_t id, unsigned topics, const char *want)
{
    struct bytes got = {0};
    bool is_known = backlog_since(&backlog, id, topics, &got);

    expect_text("since", is_known ? bytes_cstr(&got) : "unknown", want);
    bytes_clear(&got);
}

static void what_was_missed_is_told_by_topic(void **state)
{
    (void)state;
    expect_since(1000, TOPIC_KEYS, "");
    backlog_put(&backlog, TOPIC_KEYS, VIEW("{\"a\":1}"));
    backlog_put(&backlog, TOPIC_TICK, VIEW("{}"));
    expect_since(1000, TOPIC_KEYS, "id: 1001\nevent: keys\ndata: {\"a\":1}\n\n");
    expect_since(1001, TOPIC_KEYS | TOPIC_TICK, "id: 1002\nevent: tick\ndata: {}\n\n");
    expect_since(1002, TOPIC_KEYS, "");
    expect_since(1003, TOPIC_KEYS, "unknown"); /* of another start */
    expect_since(999, TOPIC_KEYS, "unknown");
}

static void what_is_kept_is_bounded(void **state)
{
    struct bytes big = {0};

    (void)state;
    for (int i = 0; i < BACKLOG_MOST + 1; i++)
        backlog_put(&backlog, TOPIC_TICK, VIEW("{}"));
    assert_int_equal(backlog.count, BACKLOG_MOST);
    expect_since(1000, TOPIC_KEYS, "unknown");
    expect_since(1001, TOPIC_KEYS, "");
    while (big.len < BACKLOG_ROOM / 3)
        bytes_text(&big, "0123456789");
    for (int i = 0; i < 10; i++)
        backlog_put(&backlog, TOPIC_KEYS, bytes_view(&big));
    assert_true(backlog.bytes <= BACKLOG_ROOM);
    assert_true(backlog.count > 0);
    bytes_clear(&big);
}

static void topics_are_known_by_name(void **state)
{
    (void)state;
    assert_int_equal(topics_read(VIEW("tick,session")), TOPIC_TICK | TOPIC_SESSION);
    assert_int_equal(topics_read(VIEW("tick,nothing")), 0);
    assert_int_equal(topics_read(VIEW("tick,,keys")), 0);
    assert_int_equal(topics_read(VIEW("")), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_missed_is_told_by_topic, fresh, fresh),
        cmocka_unit_test_setup_teardown(what_is_kept_is_bounded, fresh, fresh),
        cmocka_unit_test(topics_are_known_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
