/* SPDX-License-Identifier: Apache-2.0 */
/* The quota books: what is counted, when there is room, what refusals teach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "pool/pool.h"
#include "pool/report.h"

enum { MINUTE = 60000, SPREAD = 1000, WINDOW = MINUTE + SPREAD, KEYS = 3 };

static const struct secret keys[] = {{VIEW("key-a")}, {VIEW("key-b")}, {VIEW("key-c")}};
static const struct view model = VIEW("gemini-2.5-flash");
static struct pool pool;
static struct wait wait;

static void set(enum tier tier, const char *const *lines, size_t count)
{
    pool_set_quotas(&pool, &(struct quota_rules){.minute_ms = MINUTE,
                                                 .spread_ms = SPREAD,
                                                 .tier = tier,
                                                 .lines = lines,
                                                 .line_count = count});
}

static int open_pool(void **state)
{
    (void)state;
    pool_open(&pool, keys, KEYS);
    set(TIER_UNKNOWN, NULL, 0);
    for (size_t i = 0; i < KEYS; i++)
        pool_settle(&pool, 0, &(struct verdict){.key_id = pool.keys[i].id, .model = model}, 1);
    return 0;
}

static int close_pool(void **state)
{
    (void)state;
    pool_close(&pool);
    return 0;
}

static bool take(uint64_t tokens, uint64_t now_ms, struct grant *grant)
{
    return pool_take(&pool, &(struct need){.model = model, .tokens = tokens}, now_ms, grant, &wait);
}

static void end(const struct grant *grant, uint64_t fault, uint64_t tokens, uint64_t now_ms)
{
    pool_settle(&pool, grant->reservation,
                &(struct verdict){
                    .key_id = grant->key_id, .model = model, .fault = fault, .tokens = tokens},
                now_ms);
}

/* A refusal that names limits. */
static void refuse(size_t key, struct allowance limits, uint64_t stated_ms, uint64_t now_ms)
{
    pool_settle(&pool, 0,
                &(struct verdict){.key_id = pool.keys[key].id,
                                  .model = model,
                                  .fault = FAULT_QUOTA_MINUTE,
                                  .stated_ms = stated_ms,
                                  .told = {limits, true}},
                now_ms);
}

/* …and is not the first, so that it is believed. */
static void refuse_again(size_t key, struct allowance limits, uint64_t stated_ms, uint64_t now_ms)
{
    refuse(key, limits, stated_ms, now_ms);
    refuse(key, limits, stated_ms, now_ms);
}

/* How many may go at once. */
static size_t burst(uint64_t now_ms)
{
    struct grant grant;
    size_t count = 0;

    while (count < 1000 && take(0, now_ms, &grant)) {
        end(&grant, FAULT_NONE, 0, now_ms);
        count++;
    }
    return count;
}

static void without_any_limit_nothing_is_held_back(void **state)
{
    (void)state;
    assert_int_equal(burst(1000), 1000);
}

static void a_limit_that_is_set_holds_for_each_project(void **state)
{
    static const char *const lines[] = {"gemini-2.5-*=4/1000/0"};
    (void)state;
    set(TIER_UNKNOWN, lines, 1);
    assert_int_equal(burst(1000), 4 * KEYS);
    assert_int_equal(wait.until_ms, 1000 + WINDOW);
    assert_int_equal(wait.error, ERROR_NO_QUOTA);
    assert_int_equal(burst(1000 + WINDOW - 1), 0);
    assert_int_equal(burst(1000 + WINDOW), 4 * KEYS);
    assert_int_equal(burst(1000 + 20 * WINDOW), 4 * KEYS);
}

static void keys_of_one_project_share_its_limit(void **state)
{
    static const char *const lines[] = {"*=4/0/0"}, *const projects[] = {"x", "y", "x"};
    (void)state;
    set(TIER_UNKNOWN, lines, 1);
    pool_set_projects(&pool, projects, 3);
    assert_int_equal(burst(1000), 8);
}

static void a_refusal_rests_the_whole_project(void **state)
{
    static const char *const projects[] = {"x", "y", "x"};
    struct grant grant;
    (void)state;
    pool_set_projects(&pool, projects, 3);
    refuse(0, (struct allowance){.requests = 5}, 20000, 1000);
    for (int i = 0; i < 4; i++) {
        assert_true(take(0, 2000, &grant));
        assert_int_equal(grant.key_id, pool.keys[1].id);
    }
}

static void what_the_provider_has_not_counted_is_taken_out(void **state)
{
    static const struct {
        enum fault fault;
        bool is_counted;
    } cases[] = {{FAULT_NONE, true},        {FAULT_BLOCKED, true},  {FAULT_OVERLOADED, true},
                 {FAULT_SERVER, true},      {FAULT_CUT, true},      {FAULT_CLIENT_GONE, true},
                 {FAULT_BAD_REQUEST, true}, {FAULT_CONNECT, false}, {FAULT_NAME, false},
                 {FAULT_KEY_INVALID, false}};
    static const char *const lines[] = {"*=100/0/0"};
    (void)state;
    set(TIER_UNKNOWN, lines, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct grant grant;
        uint64_t now_ms = 1000 + i * 10 * WINDOW;
        struct account *account;

        assert_true(take(0, now_ms, &grant));
        account = model_find(&pool.models, model)
                      ->quota->accounts[pool_find(&pool, grant.key_id)->project];
        assert_int_equal(account->book.requests, 1);
        end(&grant, cases[i].fault, 0, now_ms + 1);
        assert_int_equal(account->book.requests, cases[i].is_counted);
    }
}

static void tokens_are_estimated_and_then_known(void **state)
{
    static const char *const lines[] = {"*=0/1000/0"};
    struct grant grant[KEYS + 1];
    (void)state;
    set(TIER_UNKNOWN, lines, 1);
    for (int i = 0; i < KEYS; i++)
        assert_true(take(800, 1000, &grant[i]));
    assert_false(take(300, 1000, &grant[KEYS]));
    assert_int_equal(wait.until_ms, 1000 + WINDOW);
    assert_true(take(50, 1000, &grant[KEYS])); /* a small one has room */
    end(&grant[1], FAULT_NONE, 400, 2000);     /* it had been less */
    assert_true(take(300, 2000, &grant[KEYS]));
    assert_int_equal(grant[KEYS].key_id, grant[1].key_id);
    assert_false(take(1001, 2000, &grant[KEYS]));
    assert_int_equal(wait.until_ms, UINT64_MAX);
    assert_int_equal(wait.error, ERROR_OVER_MINUTE);
}

/* The others may be of a project that pays. */
static void a_refusal_of_the_free_tier_holds_no_key_back_of_which_nothing_is_known(void **state)
{
    (void)state;
    refuse_again(0, (struct allowance){.requests = 5}, 20000, 1000);
    assert_int_equal(burst(2000), 1000);
    pool.keys[1].tier = pool.keys[2].tier = TIER_FREE;
    assert_int_equal(burst(2000 + WINDOW), 15);
    assert_int_equal(wait.error, ERROR_NO_QUOTA);
}

static void what_has_been_served_speaks_against_a_lower_limit(void **state)
{
    (void)state;
    assert_int_equal(burst(2000), 1000); /* some 333 of each key */
    for (int i = 0; i < 3; i++)
        refuse(0, (struct allowance){.requests = 5}, 2000, 3000 + (uint64_t)i);
    assert_int_equal(quota_limits(&pool, model_find(&pool.models, model), 0).requests, 0);
    refuse(0, (struct allowance){.requests = 200}, 2000, 4000); /* a minute's edge explains that */
    assert_int_equal(quota_limits(&pool, model_find(&pool.models, model), 0).requests, 200);
}

static void what_the_book_does_not_bear_out_is_noted_only(void **state)
{
    (void)state;
    refuse(0, (struct allowance){.requests = 5}, 2000, 1000);
    assert_int_equal(burst(2000), 1000);
    refuse(1, (struct allowance){.requests = 500}, 2000, 3000); /* it has had as many */
    assert_int_equal(quota_limits(&pool, model_find(&pool.models, model), 1).requests, 500);
}

static void what_is_only_presumed_is_left_behind(void **state)
{
    uint64_t now_ms = 2000;
    (void)state;
    refuse_again(0, (struct allowance){.requests = 5}, 20000, 1000);
    for (int i = 0; i < 2; i++, now_ms += WINDOW)
        burst(now_ms);
    assert_true(burst(now_ms) > 15);
    assert_int_equal(quota_limits(&pool, model_find(&pool.models, model), 0).requests, 5);
}

static void what_three_projects_were_told_is_firm(void **state)
{
    uint64_t now_ms = 100000;
    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        refuse_again(i, (struct allowance){.requests = 5}, 2000, 1000);
    for (int i = 0; i < 5; i++, now_ms += WINDOW)
        assert_int_equal(burst(now_ms), 15);
}

static void a_key_that_is_refused_with_room_shares_its_project(void **state)
{
    uint64_t now_ms = 10 * MINUTE;
    struct grant grant;
    (void)state;
    assert_true(take(0, now_ms - 2 * WINDOW, &grant));
    for (int i = 0; i < 6; i++)
        assert_true(take(0, now_ms, &grant)); /* two for each key */
    refuse(0, (struct allowance){.requests = 4}, 2000, now_ms + 1);
    assert_int_equal(quota_limits(&pool, model_find(&pool.models, model), 0).requests, 2);
}

static void the_day_ends_at_midnight_in_los_angeles(void **state)
{
    static const char *const lines[] = {"*=0/0/2"};
    const uint64_t utc_ms =
        1772949600000; /* 2026-03-08 06:00 UTC, 22:00 there; then a day of 23 hours */
    const uint64_t midnight_ms = 2 * 3600 * 1000;
    (void)state;
    set(TIER_UNKNOWN, lines, 1);
    pool_tell_time(&pool, 1000, utc_ms);
    assert_int_equal(burst(1000), 2 * KEYS);
    assert_int_equal(wait.error, ERROR_NO_QUOTA_TODAY);
    assert_int_equal(wait.until_ms, 1000 + midnight_ms + 2000);
    assert_int_equal(burst(1000 + midnight_ms), 0);
    assert_int_equal(burst(1000 + midnight_ms + 2000), 2 * KEYS);
    assert_int_equal(wait.until_ms, 1000 + midnight_ms + 23 * 3600 * 1000 + 2000);
    pool_tell_time(&pool, 1000 + midnight_ms + 3000, utc_ms); /* the clock is set back */
    assert_int_equal(burst(1000 + midnight_ms + 3000), 0);
}

static void what_is_sent_at_midnight_counts_in_both_days(void **state)
{
    static const char *const lines[] = {"*=0/0/2"};
    struct calendar calendar = {.day_ms = 60000};
    (void)state;
    calendar_set(&calendar, 1000, 1000);
    assert_false(calendar_is_late(&calendar, 1000));
    assert_true(calendar_is_late(&calendar, 58500));
    assert_int_equal(calendar_day(&calendar, 61000), 60000);
    assert_int_equal(calendar_day(&calendar, 62000), 120000);
    set(TIER_UNKNOWN, lines, 1);
    pool.quotas.calendar = calendar;
    assert_int_equal(burst(119000), 2 * KEYS);
    assert_int_equal(burst(123000), 0); /* they may have been counted in the new day */
}

static void a_large_limit_costs_little_memory(void **state)
{
    struct book book = {0};
    struct spend spend = {.grain_ms = WINDOW / 244};
    (void)state;
    for (uint64_t now_ms = 1; now_ms < 3 * WINDOW; now_ms += 2) {
        book_turn(&book, WINDOW, 1, now_ms);
        book_take(&book, &spend, now_ms);
    }
    assert_true(book.size <= 256);
    assert_true(book.requests >= WINDOW / 2 && book.requests <= WINDOW / 2 + 300);
    book_clear(&book);
}

/* Of random traffic, never more within a minute than the limit, however long requests take on their way. */
static void no_minute_of_the_providers_sees_more(void **state)
{
    enum { LIMIT = 7, ALL = 4000 };
    static uint64_t counted[KEYS][ALL];
    static const char *const lines[] = {"*=7/0/0"};
    size_t count[KEYS] = {0};
    unsigned seed = 1;
    (void)state;
    set(TIER_UNKNOWN, lines, 1);
    for (uint64_t now_ms = 1000; now_ms < 60 * MINUTE; now_ms += (uint64_t)rand_r(&seed) % 3000) {
        struct grant grant;
        size_t key;

        if (!take(0, now_ms, &grant))
            continue;
        key = (size_t)(pool_find(&pool, grant.key_id) - pool.keys);
        counted[key][count[key]++] = now_ms + (uint64_t)rand_r(&seed) % SPREAD;
        if (rand_r(&seed) % 3)
            end(&grant, FAULT_NONE, 0, now_ms + 500);
        else
            pool_release(&pool, grant.reservation, now_ms + 500);
    }
    for (size_t key = 0; key < KEYS; key++) {
        assert_true(count[key] > 7 * 50);
        for (size_t i = 0; i < count[key]; i++) {
            size_t within = 0;

            for (size_t j = 0; j < count[key]; j++)
                within += counted[key][j] >= counted[key][i] &&
                          counted[key][j] < counted[key][i] + MINUTE;
            assert_true(within <= LIMIT);
        }
        assert_int_equal(pool.keys[key].in_flight, 0);
    }
}

/* The balancer is killed, and its successor begins with another clock. */
static void begin_again(const char *path, uint64_t now_ms, uint64_t utc_ms)
{
    pool_close(&pool);
    pool_open(&pool, keys, KEYS);
    set(TIER_UNKNOWN, NULL, 0);
    pool_tell_time(&pool, now_ms, utc_ms);
    assert_true(pool_keep(&pool, path));
}

static void what_was_sent_is_known_after_a_kill(void **state)
{
    char path[] = "/tmp/test_quota.XXXXXX";
    const uint64_t utc_ms = 1772949600000;
    struct allowance limits = {.requests = 5, .day = 12};
    (void)state;
    close(mkstemp(path));
    begin_again(path, 1000, utc_ms);
    for (size_t i = 0; i < KEYS; i++)
        refuse_again(i, limits, 2000, 1000);
    assert_int_equal(burst(10000), 15);
    begin_again(path, 500, utc_ms + 20000); /* 10 s later */
    assert_int_equal(burst(500), 0);
    assert_int_equal(wait.error, ERROR_NO_QUOTA);
    assert_int_equal(burst(500 + WINDOW - 11000), 0); /* not yet */
    assert_int_equal(burst(500 + WINDOW), 15);
    begin_again(path, 500, utc_ms + 10 * MINUTE);
    assert_int_equal(burst(500), 6); /* of the day */
    assert_int_equal(burst(500 + 2 * WINDOW), 0);
    assert_int_equal(wait.error, ERROR_NO_QUOTA_TODAY);
    unlink(path);
}

static void a_cool_down_is_known_after_a_kill(void **state)
{
    char path[] = "/tmp/test_quota.XXXXXX";
    (void)state;
    close(mkstemp(path));
    begin_again(path, 1000, 1000000);
    for (size_t i = 0; i < KEYS; i++)
        refuse(i, (struct allowance){0}, 30000, 1000);
    begin_again(path, 7000, 1000000 + 10000);
    assert_int_equal(burst(7000), 0);
    assert_true(wait.until_ms >= 7000 + 20000 && wait.until_ms < 7000 + 21000);
    unlink(path);
}

static void a_file_of_something_else_is_begun_anew(void **state)
{
    char path[] = "/tmp/test_quota.XXXXXX";
    int fd = mkstemp(path);
    (void)state;
    assert_int_equal(ftruncate(fd, 100000), 0);
    assert_int_equal(pwrite(fd, "something else", 14, 8), 14);
    close(fd);
    begin_again(path, 1000, 1000000);
    assert_int_equal(burst(1000), 1000);
    unlink(path);
}

static void limits_are_read_or_refused(void **state)
{
    static const struct {
        const char *line;
        bool is_good;
    } cases[] = {{"a=1/2/3", true}, {"a*=//", true},      {"a=1/2", false},   {"=1/2/3", false},
                 {"a", false},      {"a=1/2/3/4", false}, {"a=x/2/3", false}, {"a=1//3", true}};
    struct allowance limits;
    struct view pattern;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(allowance_read(cases[i].line, &pattern, &limits), cases[i].is_good);
    assert_int_equal(allowance_of_tier(VIEW("gemini-2.5-flash-lite"), TIER_FREE).requests, 15);
    assert_int_equal(allowance_of_tier(VIEW("who-knows"), TIER_FREE).requests, 5);
    assert_int_equal(allowance_of_tier(VIEW("who-knows"), TIER_UNKNOWN).requests, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)
    const struct CMUnitTest tests[] = {
        T(without_any_limit_nothing_is_held_back),
        T(a_limit_that_is_set_holds_for_each_project),
        T(keys_of_one_project_share_its_limit),
        T(a_refusal_rests_the_whole_project),
        T(what_the_provider_has_not_counted_is_taken_out),
        T(tokens_are_estimated_and_then_known),
        T(a_refusal_of_the_free_tier_holds_no_key_back_of_which_nothing_is_known),
        T(what_has_been_served_speaks_against_a_lower_limit),
        T(what_the_book_does_not_bear_out_is_noted_only),
        T(what_is_only_presumed_is_left_behind),
        T(what_three_projects_were_told_is_firm),
        T(a_key_that_is_refused_with_room_shares_its_project),
        T(the_day_ends_at_midnight_in_los_angeles),
        T(what_is_sent_at_midnight_counts_in_both_days),
        T(a_large_limit_costs_little_memory),
        T(no_minute_of_the_providers_sees_more),
        T(what_was_sent_is_known_after_a_kill),
        T(a_cool_down_is_known_after_a_kill),
        T(a_file_of_something_else_is_begun_anew),
        T(limits_are_read_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
