/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are kept, processes that come and go, cells of a table, and queries. */
#include "cases.h"

#include "cache.h"
#include "csv.h"
#include "processes.h"
#include "query.h"

static struct cache cache;

static void answers_are_kept_for_a_while(void **state)
{
    struct view value;

    (void)state;
    cache_keep(&cache, VIEW("a"), VIEW("1"), 100);
    cache_keep(&cache, VIEW("a"), VIEW("22"), 200);
    assert_true(cache_find(&cache, VIEW("a"), 199, &value));
    assert_true(view_equal(value, VIEW("22")));
    assert_int_equal(cache.bytes, 2);
    assert_false(cache_find(&cache, VIEW("a"), 200, &value));
    assert_false(cache_find(&cache, VIEW("b"), 1, &value));
    cache_clear(&cache);
}

static void what_is_kept_is_bounded(void **state)
{
    struct bytes big = {0};
    struct view value;
    char name[16];

    (void)state;
    bytes_room(&big, CACHE_BYTES_MOST / 2);
    big.len = CACHE_BYTES_MOST / 2;
    memset(big.at, 'x', big.len);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%u", i);
        cache_keep(&cache, view_of(name), bytes_view(&big), 100 + i);
    }
    assert_true(cache.bytes <= CACHE_BYTES_MOST);
    assert_false(cache_find(&cache, VIEW("0"), 1, &value)); /* it would have ended first */
    assert_true(cache_find(&cache, VIEW("3"), 1, &value));
    for (unsigned i = 0; i < 2 * CACHE_MOST; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        cache_keep(&cache, view_of(name), VIEW("1"), 1000 + i);
    }
    assert_false(cache_find(&cache, VIEW("3"), 1, &value));
    assert_true(cache_find(&cache, VIEW("n127"), 1, &value));
    cache_clear(&cache);
    assert_int_equal(cache.bytes, 0);
    bytes_clear(&big);
}

/* Processes */

static struct processes processes;

static void see(const char *role, const char *id, uint64_t now_ms)
{
    struct process one = {.open = 3};

    snprintf(one.role, sizeof(one.role), "%s", role);
    snprintf(one.id, sizeof(one.id), "%s", id);
    processes_see(&processes, &one, now_ms, 1000000 + now_ms);
}

static const struct process *only(const char *role)
{
    const struct process *found = NULL;

    for (size_t i = 0; i < PROCESSES_MOST; i++)
        if (processes.at[i].seen_ms && strcmp(processes.at[i].role, role) == 0) {
            assert_null(found);
            found = &processes.at[i];
        }
    assert_non_null(found);
    return found;
}

static void one_that_is_gone_is_told_until_another_comes(void **state)
{
    (void)state;
    see("upstream", "a", 1000);
    processes_end_look(&processes, 1000, 1001000);
    assert_int_equal(processes.changes, 1);
    see("upstream", "a", 2000);
    processes_end_look(&processes, 2000, 1002000);
    assert_int_equal(processes.changes, 1);
    assert_int_equal(only("upstream")->since_at, 1001000);
    processes_end_look(&processes, 3000, 1003000);
    assert_int_equal(only("upstream")->state, PROCESS_AWAY);
    assert_int_equal(only("upstream")->since_at, 1003000);
    assert_int_equal(only("upstream")->open, 0);
    expect_text("code", only("upstream")->code, "process_down");
    see("upstream", "b", 4000);
    processes_end_look(&processes, 4000, 1004000);
    expect_text("id", only("upstream")->id, "b");
    assert_int_equal(processes_count(&processes, "upstream", PROCESS_UP), 1);
    assert_int_equal(processes_count(&processes, NULL, PROCESS_AWAY), 0);
}

static void one_that_is_gone_is_forgotten_at_last(void **state)
{
    (void)state;
    processes = (struct processes){0};
    see("frontend", "a", 1000);
    processes_end_look(&processes, 1000 + 3600 * 1000, 1);
    assert_int_equal(processes_count(&processes, "frontend", PROCESS_AWAY), 1);
    processes_end_look(&processes, 1001 + 3600 * 1000, 1);
    assert_int_equal(processes_count(&processes, "frontend", PROCESS_AWAY), 0);
}

/* Cells, queries */

static void no_cell_is_a_formula(void **state)
{
    static const char *const cells[] = {"a",   "=cmd()", "+1", "-1",           "@x",
                                        "\tx", "a\"b",   "",   "two\r\nlines", "a=b"};
    struct bytes out = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cells); i++)
        csv_cell(&out, view_of(cells[i]));
    csv_end_line(&out);
    csv_cell(&out, VIEW("x"));
    expect_text("line", bytes_cstr(&out),
                "\"a\",\"'=cmd()\",\"'+1\",\"'-1\",\"'@x\",\"' x\",\"a\"\"b\",\"\",\"two  lines\","
                "\"a=b\"\r\n\"x\"");
    bytes_clear(&out);
}

static void queries_are_read_by_name(void **state)
{
    struct view query = VIEW("a=1&b=x%20y+z&c=&d=18446744073709551616&e=-1&f=7x");
    struct bytes text = {0};
    uint64_t number = 5;

    (void)state;
    assert_true(query_text(query, "b", &text));
    expect_text("b", bytes_cstr(&text), "x y z");
    assert_false(query_text(query, "x", &text));
    assert_true(query_number(query, "a", 0, 9, &number));
    assert_int_equal(number, 1);
    assert_true(query_number(query, "x", 0, 9, &number));
    assert_false(query_number(query, "a", 2, 9, &number));
    assert_false(query_number(query, "c", 0, 9, &number));
    assert_false(query_number(query, "d", 0, UINT64_MAX, &number));
    assert_false(query_number(query, "e", 0, 9, &number));
    assert_false(query_number(query, "f", 0, 9, &number));
    assert_int_equal(number, 1);
    bytes_clear(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_kept_for_a_while),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(one_that_is_gone_is_told_until_another_comes),
        cmocka_unit_test(one_that_is_gone_is_forgotten_at_last),
        cmocka_unit_test(no_cell_is_a_formula),
        cmocka_unit_test(queries_are_read_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
