/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pool/pool.h"

enum { MINUTE = 60000, HOUR = 3600000 };

static const struct secret keys[] = {
    {VIEW("key-a")}, {VIEW("key-b")}, {VIEW("key-c")}, {VIEW("key-a")}};
static const struct view model = VIEW("gemini-x"), other = VIEW("gemini-y");

static struct pool pool;
static struct pool_wait wait;

static int open_pool(void **state)
{
    (void)state;
    pool_open(&pool, keys, 4);
    return 0;
}

static int close_pool(void **state)
{
    (void)state;
    pool_close(&pool);
    return 0;
}

static struct pool_key *pick(struct view for_model, uint64_t now_ms)
{
    return pool_pick(&pool, for_model, NULL, 0, now_ms, &wait);
}

static void a_key_given_twice_counts_once(void **state)
{
    (void)state;
    assert_int_equal(pool.count, 3);
}

static void an_id_is_the_same_in_every_process(void **state)
{
    struct pool second;
    const struct secret reversed[] = {keys[2], keys[1], keys[0]};

    (void)state;
    pool_open(&second, reversed, 3);
    assert_int_equal(second.keys[2].id, pool.keys[0].id);
    assert_int_not_equal(pool.keys[0].id, pool.keys[1].id);
    pool_close(&second);
}

static void fit_keys_take_turns(void **state)
{
    const struct pool_key *a = pick(model, 1), *b = pick(model, 1), *c = pick(model, 1);

    (void)state;
    assert_true(a != b && b != c && a != c);
    assert_ptr_equal(pick(model, 1), a);
}

static void a_minute_quota_rests_the_key_for_that_model_only(void **state)
{
    uint64_t id = pool.keys[0].id;

    (void)state;
    assert_int_equal(pool_settle(&pool, id, model, FAULT_QUOTA_MINUTE, 34074, 1000), 35074);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(pick(model, 2000)->id, id);
    for (int i = 0, seen = 0; i < 3; i++) {
        seen += pick(other, 2000)->id == id;
        assert_true(i < 2 || seen == 1);
    }
    for (int i = 0, seen = 0; i < 3; i++) {
        seen += pick(model, 35074)->id == id;
        assert_true(i < 2 || seen == 1);
    }
}

static void a_minute_quota_without_a_time_rests_a_minute(void **state)
{
    (void)state;
    assert_int_equal(pool_settle(&pool, pool.keys[0].id, model, FAULT_QUOTA_MINUTE, 0, 1000),
                     1000 + MINUTE);
}

static void no_word_of_the_provider_rests_a_key_for_ever(void **state)
{
    (void)state;
    assert_int_equal(
        pool_settle(&pool, pool.keys[0].id, model, FAULT_QUOTA_MINUTE, 1000 * (uint64_t)HOUR, 1000),
        1000 + HOUR);
    assert_int_equal(
        pool_settle(&pool, pool.keys[1].id, model, FAULT_QUOTA_DAY, 1000 * (uint64_t)HOUR, 1000),
        1000 + 25 * HOUR);
}

static void an_invalid_key_rests_for_all_models_and_comes_back(void **state)
{
    uint64_t id = pool.keys[1].id;

    (void)state;
    pool_settle(&pool, id, model, FAULT_KEY_INVALID, 0, 1000);
    for (int i = 0; i < 4; i++) {
        assert_int_not_equal(pick(model, 2000)->id, id);
        assert_int_not_equal(pick(other, 2000)->id, id);
    }
    assert_int_equal(pool_fit(&pool, 2000), 2);
    assert_int_equal(pool_fit(&pool, 1000 + HOUR), 3);
}

static void what_is_not_the_keys_fault_costs_no_key(void **state)
{
    static const enum fault faults[] = {
        FAULT_NO_MODEL, /* nobody has had that model yet */
        FAULT_NONE,      FAULT_CLIENT_GONE, FAULT_BAD_REQUEST, FAULT_CONTEXT_LENGTH, FAULT_BLOCKED,
        FAULT_FORBIDDEN, FAULT_SERVER,      FAULT_DEADLINE,    FAULT_CONNECT,        FAULT_RESET,
        FAULT_CUT,       FAULT_EMPTY,       FAULT_MALFORMED,   FAULT_TIMEOUT,        FAULT_LOST,
        FAULT_NAME,      FAULT_CERTIFICATE, FAULT_TLS,         FAULT_PROXY,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        for (size_t k = 0; k < pool.count; k++)
            assert_int_equal(pool_settle(&pool, pool.keys[k].id, model, faults[i], 60000, 1000),
                             1000);
    assert_int_equal(pool_fit(&pool, 1000), 3);
    assert_non_null(pick(model, 1000));
    assert_int_equal(pool.rests, 0);
}

static uint64_t busy(uint64_t now_ms)
{
    return pool_settle(&pool, pool.keys[0].id, model, FAULT_OVERLOADED, 0, now_ms);
}

static void a_model_that_is_overloaded_again_and_again_rests_for_all_keys(void **state)
{
    (void)state;
    assert_int_equal(busy(1000), 1000);
    assert_int_equal(busy(1000), 1000);
    assert_non_null(pick(model, 1000));
    assert_int_equal(busy(1000), 2000);
    assert_int_equal(busy(1500), 2000); /* under way before */
    assert_null(pick(model, 1999));
    assert_int_equal(wait.until_ms, 2000);
    assert_int_equal(wait.error, ERROR_OVERLOADED);
    assert_non_null(pick(other, 1999));
    assert_non_null(pick(model, 2000));
    assert_int_equal(busy(2000), 4000);
    assert_int_equal(busy(4000), 8000);
    assert_int_equal(busy(8000), 12000);
    assert_int_equal(pool_fit(&pool, 1000), 3);
}

static void the_later_of_model_and_keys_is_when_to_come_again(void **state)
{
    (void)state;
    busy(1000), busy(1000), busy(1000);
    assert_int_equal(pool_earliest(&pool, model).until_ms, 2000);
    assert_int_equal(pool_earliest(&pool, model).error, ERROR_OVERLOADED);
    for (size_t i = 0; i < pool.count; i++)
        pool_settle(&pool, pool.keys[i].id, model, FAULT_QUOTA_MINUTE, 7000, 1000);
    assert_int_equal(pool_earliest(&pool, model).until_ms, 8000);
    assert_int_equal(pool_earliest(&pool, model).error, ERROR_NO_QUOTA);
}

static void a_good_answer_of_any_key_ends_that(void **state)
{
    (void)state;
    busy(1000), busy(1000), busy(1000);
    pool_settle(&pool, pool.keys[1].id, model, FAULT_NONE, 0, 1100);
    assert_non_null(pick(model, 1100));
    assert_int_equal(busy(1100), 1100);
}

static void a_busy_moment_long_ago_does_not_count(void **state)
{
    (void)state;
    busy(1000), busy(1000);
    assert_int_equal(busy(1001 + MINUTE), 1001 + MINUTE);
    assert_int_equal(pool.rests, 0);
}

static void a_key_that_lacks_a_model_rests_if_another_has_it(void **state)
{
    uint64_t id = pool.keys[0].id;

    (void)state;
    assert_int_equal(pool_settle(&pool, id, model, FAULT_NO_MODEL, 0, 1000), 1000);
    assert_false(pool_knows(&pool, model));
    pool_settle(&pool, pool.keys[1].id, model, FAULT_NONE, 0, 1000);
    assert_true(pool_knows(&pool, model));
    assert_int_equal(pool_settle(&pool, id, model, FAULT_NO_MODEL, 0, 1000), 1000 + HOUR);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(pick(model, 1000)->id, id);
    for (int i = 0; i < 3; i++)
        if (pick(other, 1000)->id == id)
            return;
    fail_msg("it rests for another model as well");
}

static void calls_without_a_model_teach_nothing(void **state)
{
    struct view none = VIEW("");

    (void)state;
    pool_settle(&pool, pool.keys[1].id, none, FAULT_NONE, 0, 1000);
    assert_int_equal(pool_settle(&pool, pool.keys[0].id, none, FAULT_NO_MODEL, 0, 1000), 1000);
    for (int i = 0; i < 5; i++)
        assert_int_equal(pool_settle(&pool, pool.keys[0].id, none, FAULT_OVERLOADED, 0, 1000),
                         1000);
}

static void an_unknown_quota_rests_longer_each_time_until_a_good_answer(void **state)
{
    uint64_t id = pool.keys[0].id, now = 1000;

    (void)state;
    for (uint64_t rest = MINUTE; rest < HOUR; rest *= 2) {
        assert_int_equal(pool_settle(&pool, id, model, FAULT_QUOTA_UNKNOWN, 0, now), now + rest);
        now += rest;
    }
    assert_int_equal(pool_settle(&pool, id, model, FAULT_QUOTA_UNKNOWN, 0, now), now + HOUR);
    now += HOUR;
    pool_settle(&pool, id, model, FAULT_NONE, 0, now);
    assert_int_equal(pool_settle(&pool, id, model, FAULT_QUOTA_UNKNOWN, 0, now), now + MINUTE);
}

static void a_good_answer_that_began_before_the_rest_does_not_end_it(void **state)
{
    uint64_t id = pool.keys[0].id;

    (void)state;
    pool_settle(&pool, id, model, FAULT_QUOTA_MINUTE, 5000, 1000);
    pool_settle(&pool, id, model, FAULT_NONE, 0, 1001);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(pick(model, 5999)->id, id);
}

static void a_late_shorter_rest_does_not_end_a_longer_one(void **state)
{
    uint64_t id = pool.keys[0].id;

    (void)state;
    pool_settle(&pool, id, model, FAULT_QUOTA_DAY, 10 * HOUR, 1000);
    pool_settle(&pool, id, model, FAULT_QUOTA_MINUTE, 5000, 1001);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(pick(model, 2 * HOUR)->id, id);
}

static void nor_does_one_of_the_whole_key(void **state)
{
    uint64_t id = pool.keys[0].id;

    (void)state;
    assert_int_equal(pool_settle(&pool, id, model, FAULT_NO_CREDIT, 0, 1000), 1000 + 6 * HOUR);
    assert_int_equal(pool_settle(&pool, id, model, FAULT_KEY_INVALID, 0, 1001), 1000 + 6 * HOUR);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(pick(model, 2 * HOUR)->id, id);
}

static void when_all_rest_the_first_to_come_back_and_the_reason_are_told(void **state)
{
    (void)state;
    pool_settle(&pool, pool.keys[0].id, model, FAULT_QUOTA_DAY, 9 * HOUR, 1000);
    pool_settle(&pool, pool.keys[1].id, model, FAULT_QUOTA_MINUTE, 7000, 1000);
    pool_settle(&pool, pool.keys[2].id, model, FAULT_KEY_INVALID, 0, 1000);
    assert_null(pick(model, 1500));
    assert_int_equal(wait.until_ms, 8000);
    assert_int_equal(wait.error, ERROR_NO_QUOTA);
    assert_non_null(pick(model, 8000));
    assert_non_null(pick(other, 1500));
}

static void an_empty_pool_says_that_there_is_no_key(void **state)
{
    struct pool empty;

    (void)state;
    pool_open(&empty, NULL, 0);
    assert_null(pool_pick(&empty, model, NULL, 0, 1, &wait));
    assert_int_equal(wait.until_ms, UINT64_MAX);
    assert_int_equal(wait.error, ERROR_NO_KEY);
    pool_close(&empty);
}

static void tried_keys_come_last(void **state)
{
    uint64_t tried[] = {pool.keys[0].id, pool.keys[1].id, 0};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pool_pick(&pool, model, tried, 2, 1, &wait)->id, pool.keys[2].id);
    tried[2] = pool.keys[2].id;
    assert_non_null(pool_pick(&pool, model, tried, 3, 1, &wait)); /* better a tried one than none */
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(a_key_given_twice_counts_once),
        POOL_TEST(an_id_is_the_same_in_every_process),
        POOL_TEST(fit_keys_take_turns),
        POOL_TEST(a_minute_quota_rests_the_key_for_that_model_only),
        POOL_TEST(a_minute_quota_without_a_time_rests_a_minute),
        POOL_TEST(no_word_of_the_provider_rests_a_key_for_ever),
        POOL_TEST(an_invalid_key_rests_for_all_models_and_comes_back),
        POOL_TEST(what_is_not_the_keys_fault_costs_no_key),
        POOL_TEST(a_model_that_is_overloaded_again_and_again_rests_for_all_keys),
        POOL_TEST(the_later_of_model_and_keys_is_when_to_come_again),
        POOL_TEST(a_good_answer_of_any_key_ends_that),
        POOL_TEST(a_busy_moment_long_ago_does_not_count),
        POOL_TEST(a_key_that_lacks_a_model_rests_if_another_has_it),
        POOL_TEST(calls_without_a_model_teach_nothing),
        POOL_TEST(an_unknown_quota_rests_longer_each_time_until_a_good_answer),
        POOL_TEST(a_good_answer_that_began_before_the_rest_does_not_end_it),
        POOL_TEST(a_late_shorter_rest_does_not_end_a_longer_one),
        POOL_TEST(nor_does_one_of_the_whole_key),
        POOL_TEST(when_all_rest_the_first_to_come_back_and_the_reason_are_told),
        POOL_TEST(an_empty_pool_says_that_there_is_no_key),
        POOL_TEST(tried_keys_come_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
