/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pool/report.h"

enum {
    MINUTE = 60000,
    HOUR = 3600000,
    FIVE_MINUTES = 5 * MINUTE,
    TWO_HOURS = 2 * HOUR,
    NINE_HOURS = 9 * HOUR,
    TEN_HOURS = 10 * HOUR,
};

static const struct secret keys[] = {
    {VIEW("key-a")}, {VIEW("key-b")}, {VIEW("key-c")}, {VIEW("key-a")}};
static const struct view model = VIEW("gemini-x"), other = VIEW("gemini-y");

static struct pool pool;
static struct wait wait;

/* Until when something cools down; `now_ms`: nothing does. */
static uint64_t settle(size_t key, struct view for_model, uint64_t fault, uint64_t stated_ms,
                       uint64_t now_ms)
{
    struct verdict verdict = {
        .key_id = pool.keys[key].id, .model = for_model, .fault = fault, .stated_ms = stated_ms};
    struct cooled cooled = pool_settle(&pool, 0, &verdict, now_ms);

    return cooled.until_ms > now_ms ? cooled.until_ms : now_ms;
}

/* When a call may come again and what it hears meanwhile. */
static struct wait ask(struct view for_model, uint64_t now_ms)
{
    struct wait answer = {0};

    assert_false(pool_ask(&pool, &(struct need){.model = for_model}, now_ms, &answer));
    return answer;
}

static size_t available(uint64_t now_ms)
{
    return pool_state(&pool, now_ms).available;
}

static int open_new(void **state)
{
    (void)state;
    pool_open(&pool, keys, 4);
    return 0;
}

/* Its keys have served before. */
static int open_pool(void **state)
{
    open_new(state);
    for (size_t i = 0; i < pool.count; i++)
        settle(i, VIEW(""), FAULT_NONE, 0, 1);
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
    struct grant grant;

    if (!pool_take(&pool, &(struct need){.model = for_model}, now_ms, &grant, &wait))
        return NULL;
    pool_release(&pool, grant.reservation, now_ms);
    return pool_find(&pool, grant.key_id);
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
    assert_int_equal(settle(0, model, FAULT_QUOTA_MINUTE, 34074, 1000), 35074);
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

static void no_word_of_the_provider_rests_a_key_for_ever(void **state)
{
    (void)state;
    assert_int_equal(settle(0, model, FAULT_QUOTA_MINUTE, 1000 * (uint64_t)HOUR, 1000),
                     1000 + HOUR);
    assert_int_equal(settle(1, model, FAULT_QUOTA_DAY, 1000 * (uint64_t)HOUR, 1000),
                     1000 + 25 * HOUR);
}

static void an_invalid_key_rests_for_all_models_and_comes_back(void **state)
{
    uint64_t id = pool.keys[1].id;

    (void)state;
    settle(1, model, FAULT_KEY_INVALID, 0, 1000);
    for (int i = 0; i < 4; i++) {
        assert_int_not_equal(pick(model, 2000)->id, id);
        assert_int_not_equal(pick(other, 2000)->id, id);
    }
    assert_int_equal(available(2000), 2);
    assert_int_equal(available(1000 + HOUR), 3);
}

static void every_fault_has_a_rule(void **state)
{
    (void)state;
    for (uint64_t fault = 0; fault < FAULT_COUNT; fault++) {
        const struct rule *rule = rule_of(fault);
        bool may_be_untold = fault == FAULT_CLIENT_GONE || fault == FAULT_TIMEOUT ||
                             fault == FAULT_LOST || fault == FAULT_STOPPED ||
                             fault == FAULT_OUTSIDE;

        if (!may_be_untold && rule->exit == EXIT_UNTOLD)
            fail_msg("%s is not in rules.c", fault_facts(fault)->name);
        if (rule->scope == COOL_NOTHING)
            continue;
        assert_int_not_equal(fault_facts(fault)->error, ERROR_NONE);
        assert_true(rule->scope == COOL_MODEL || (rule->first_ms && rule->most_ms));
    }
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
            assert_int_equal(settle(k, model, faults[i], 60000, 1000), 1000);
    assert_int_equal(available(1000), 3);
    assert_non_null(pick(model, 1000));
    assert_int_equal(pool.models.lane_keys, 0);
}

static uint64_t busy(uint64_t now_ms)
{
    return settle(0, model, FAULT_OVERLOADED, 0, now_ms);
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
    assert_int_equal(available(1000), 3);
}

static void the_later_of_model_and_keys_is_when_to_come_again(void **state)
{
    (void)state;
    busy(1000), busy(1000), busy(1000);
    assert_int_equal(ask(model, 1000).until_ms, 2000);
    assert_int_equal(ask(model, 1000).error, ERROR_OVERLOADED);
    for (size_t i = 0; i < pool.count; i++)
        settle(i, model, FAULT_QUOTA_MINUTE, 7000, 1000);
    assert_int_equal(ask(model, 1000).until_ms, 8000);
    assert_int_equal(ask(model, 1000).error, ERROR_NO_QUOTA);
}

static void a_good_answer_of_any_key_ends_that(void **state)
{
    (void)state;
    busy(1000), busy(1000), busy(1000);
    settle(1, model, FAULT_NONE, 0, 1100);
    assert_non_null(pick(model, 1100));
    assert_int_equal(busy(1100), 1100);
}

static void a_busy_moment_long_ago_does_not_count(void **state)
{
    (void)state;
    busy(1000), busy(1000);
    assert_int_equal(busy(1001 + MINUTE), 1001 + MINUTE);
    assert_int_equal(pool.models.lane_keys, 0);
}

static void a_key_that_lacks_a_model_rests_if_another_has_it(void **state)
{
    uint64_t id = pool.keys[0].id;

    (void)state;
    assert_int_equal(settle(0, model, FAULT_NO_MODEL, 0, 1000), 1000);
    assert_false(pool_knows(&pool, model));
    settle(1, model, FAULT_NONE, 0, 1000);
    assert_true(pool_knows(&pool, model));
    assert_int_equal(settle(0, model, FAULT_NO_MODEL, 0, 1000), 1000 + HOUR);
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
    settle(1, none, FAULT_NONE, 0, 1000);
    assert_int_equal(settle(0, none, FAULT_NO_MODEL, 0, 1000), 1000);
    for (int i = 0; i < 5; i++)
        assert_int_equal(settle(0, none, FAULT_OVERLOADED, 0, 1000), 1000);
}

static void a_quota_without_a_time_rests_longer_each_time_until_a_good_answer(void **state)
{
    static const enum fault faults[] = {FAULT_QUOTA_UNKNOWN, FAULT_QUOTA_MINUTE};

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        uint64_t now = 1000, rest;

        for (rest = 2000; rest < MINUTE; rest *= 2) {
            assert_int_equal(settle(i, model, faults[i], 0, now), now + rest);
            now += rest;
        }
        assert_int_equal(settle(i, model, faults[i], 0, now), now + MINUTE);
        now += MINUTE;
        settle(i, model, FAULT_NONE, 0, now);
        assert_int_equal(settle(i, model, faults[i], 0, now), now + 2000);
    }
}

static void a_good_answer_that_began_before_the_rest_does_not_end_it(void **state)
{
    uint64_t id = pool.keys[0].id;

    (void)state;
    settle(0, model, FAULT_QUOTA_MINUTE, 5000, 1000);
    settle(0, model, FAULT_NONE, 0, 1001);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(pick(model, 5999)->id, id);
}

static void a_late_shorter_rest_does_not_end_a_longer_one(void **state)
{
    uint64_t id = pool.keys[0].id;

    (void)state;
    settle(0, model, FAULT_QUOTA_DAY, TEN_HOURS, 1000);
    settle(0, model, FAULT_QUOTA_MINUTE, 5000, 1001);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(pick(model, TWO_HOURS)->id, id);
}

static void nor_does_one_of_the_whole_key(void **state)
{
    uint64_t id = pool.keys[0].id;

    (void)state;
    assert_int_equal(settle(0, model, FAULT_KEY_INVALID, 0, 1000), 1000 + HOUR);
    assert_int_equal(settle(0, model, FAULT_NO_CREDIT, 0, 1001), 1000 + HOUR);
    for (int i = 0; i < 6; i++)
        assert_int_not_equal(pick(model, HOUR)->id, id);
}

static void when_all_rest_the_first_to_come_back_and_the_reason_are_told(void **state)
{
    (void)state;
    settle(0, model, FAULT_QUOTA_DAY, NINE_HOURS, 1000);
    settle(1, model, FAULT_QUOTA_MINUTE, 7000, 1000);
    settle(2, model, FAULT_KEY_INVALID, 0, 1000);
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
    assert_false(pool_ask(&empty, &(struct need){.model = model}, 1, &wait));
    assert_int_equal(wait.until_ms, UINT64_MAX);
    assert_int_equal(wait.error, ERROR_NO_KEY);
    pool_close(&empty);
}

static uint64_t pick_but(const uint64_t *tried, size_t count)
{
    struct need need = {.model = model, .tried = tried, .tried_count = count};
    struct grant grant;

    assert_true(pool_take(&pool, &need, 1, &grant, &wait));
    pool_release(&pool, grant.reservation, 1);
    return grant.key_id;
}

static void tried_keys_come_last(void **state)
{
    uint64_t tried[] = {pool.keys[0].id, pool.keys[1].id, pool.keys[2].id};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pick_but(tried, 2), pool.keys[2].id);
    assert_int_not_equal(pick_but(tried, 3), 0); /* better a tried one than none */
}

/* Half-open */

enum { ATTEMPTS_MOST = 400 };

/* Attempts under way, in a provider that takes its time. */
static struct attempt {
    uint64_t key_id, reservation, ends_ms;
} attempts[ATTEMPTS_MOST];
static size_t attempt_count;

/* How each key answers at a time. */
typedef enum fault provider(size_t key, uint64_t now_ms);

static void end_attempts(provider *answer, uint64_t now_ms, size_t good[3])
{
    for (size_t i = attempt_count; i-- > 0;) {
        struct attempt ended = attempts[i];
        size_t key = (size_t)(pool_find(&pool, ended.key_id) - pool.keys);
        struct verdict verdict = {.key_id = ended.key_id, .model = model};

        if (ended.ends_ms > now_ms)
            continue;
        attempts[i] = attempts[--attempt_count];
        verdict.fault = answer(key, now_ms);
        pool_settle(&pool, ended.reservation, &verdict, now_ms);
        good[key] += verdict.fault == FAULT_NONE;
    }
}

static bool begin_attempt(uint64_t now_ms, uint64_t takes_ms, size_t asked[3])
{
    struct grant grant;

    if (attempt_count == ATTEMPTS_MOST ||
        !pool_take(&pool, &(struct need){.model = model}, now_ms, &grant, &wait))
        return false;
    attempts[attempt_count++] =
        (struct attempt){grant.key_id, grant.reservation, now_ms + takes_ms};
    asked[pool_find(&pool, grant.key_id) - pool.keys]++;
    return true;
}

static enum fault first_key_is_dead(size_t key, uint64_t now_ms)
{
    (void)now_ms;
    return key == 0 ? FAULT_KEY_INVALID : FAULT_NONE;
}

/* A hundred calls at once, the first key being dead. Returns how often that was asked. */
static size_t requests_of_a_dead_key(uint64_t takes_ms)
{
    size_t asked[3] = {0}, good[3] = {0}, left = 100;

    for (uint64_t now = 1000; left || attempt_count; now += 10) {
        end_attempts(first_key_is_dead, now, good);
        while (left && begin_attempt(now, takes_ms, asked))
            left--;
        assert_true(now < 10000);
    }
    assert_int_equal(good[1] + good[2], 100 - asked[0]);
    return asked[0];
}

static void a_dead_key_among_a_hundred_calls_at_once_costs_one_request(void **state)
{
    (void)state;
    assert_int_equal(requests_of_a_dead_key(150), 1);
}

static void if_its_refusal_is_slow_it_costs_two(void **state)
{
    (void)state;
    assert_int_equal(requests_of_a_dead_key(400), 2);
}

static void a_new_key_serves_many_within_seconds_however_long_answers_take(void **state)
{
    struct need need = {.model = model, .owner = pool.keys[0].id};
    struct grant grant;
    size_t taken = 0;

    (void)state;
    for (uint64_t now = 1000; now < 3000; now++)
        while (taken < 200 && pool_take(&pool, &need, now, &grant, &wait))
            taken++;
    assert_int_equal(taken, 200);
}

static enum fault storm_of_four_seconds(size_t key, uint64_t now_ms)
{
    (void)key;
    return now_ms < 1000 + 4000 ? FAULT_QUOTA_UNKNOWN : FAULT_NONE;
}

static void a_storm_of_four_seconds_is_over_some_seconds_later(void **state)
{
    size_t asked[3] = {0}, good[3] = {0}, in_storm;
    uint64_t now;

    (void)state;
    for (now = 1000; now < 5000; now += 10) {
        end_attempts(storm_of_four_seconds, now, good);
        begin_attempt(now, 50, asked);
    }
    in_storm = asked[0] + asked[1] + asked[2];
    assert_in_range(in_storm, 6, 30); /* it was felt, and the provider left alone */
    for (; now < 10000; now += 10) {
        end_attempts(storm_of_four_seconds, now, good);
        begin_attempt(now, 50, asked);
    }
    for (; now < 11000; now += 10) {
        end_attempts(storm_of_four_seconds, now, good);
        assert_true(begin_attempt(now, 50, asked));
    }
    end_attempts(storm_of_four_seconds, now + 50, good);
    for (size_t i = 0; i < 3; i++)
        assert_true(good[i] > 30);
}

static void a_key_that_comes_back_is_asked_once_until_it_answers(void **state)
{
    struct need need = {.model = model, .owner = pool.keys[0].id};
    struct verdict good = {.key_id = pool.keys[0].id, .model = model};
    struct grant grant, second;

    (void)state;
    settle(0, model, FAULT_QUOTA_MINUTE, 5000, 1000);
    assert_true(pool_take(&pool, &need, 6000, &grant, &wait));
    assert_false(pool_take(&pool, &need, 6001, &second, &wait));
    assert_int_equal(wait.until_ms, 6000 + PROBE_MS);
    pool.has_news = false;
    pool_settle(&pool, grant.reservation, &good, 6100);
    assert_true(pool.has_news);
    assert_true(pool_take(&pool, &need, 6100, &grant, &wait));
    assert_true(pool_take(&pool, &need, 6100, &second, &wait));
    pool_release(&pool, grant.reservation, 6101);
    pool_release(&pool, second.reservation, 6101);
    pool_release(&pool, second.reservation, 6101); /* twice is once */
    assert_int_equal(pool.keys[0].in_flight, 0);
}

static void half_open_for_one_model_is_open_for_another(void **state)
{
    struct need need = {.model = model, .owner = pool.keys[0].id};
    struct grant grant;

    (void)state;
    settle(0, model, FAULT_QUOTA_MINUTE, 5000, 1000);
    need.model = other;
    for (int i = 0; i < 3; i++)
        assert_true(pool_take(&pool, &need, 1001, &grant, &wait));
    need.model = model;
    assert_false(pool_ask(&pool, &need, 1001, &wait));
}

/* Waiting */

static void who_comes_when_he_was_told_to_is_served(void **state)
{
    (void)state;
    settle(0, model, FAULT_QUOTA_MINUTE, 9000, 1000);
    settle(1, model, FAULT_QUOTA_MINUTE, 7123, 1000);
    settle(2, model, FAULT_QUOTA_MINUTE, 8000, 1000);
    assert_int_equal(ask(model, 1001).until_ms, 8123);
    settle(1, model, FAULT_QUOTA_MINUTE, 30000, 1002); /* said by a later one */
    assert_int_equal(ask(model, 1003).until_ms, 9000);
    assert_null(pick(model, 8999));
    assert_int_equal(pick(model, 9000)->id, pool.keys[2].id);
}

static void what_nobody_knows_the_end_of_is_promised_to_nobody(void **state)
{
    (void)state;
    settle(0, model, FAULT_KEY_INVALID, 0, 1000);
    settle(1, model, FAULT_QUOTA_NONE, 5000, 1000);
    settle(2, model, FAULT_QUOTA_DAY, NINE_HOURS, 1000);
    assert_int_equal(ask(model, 1000).until_ms, 1000 + NINE_HOURS);
    assert_int_equal(ask(model, 1000).error, ERROR_NO_QUOTA_TODAY);
    settle(2, model, FAULT_NO_CREDIT, 0, 1000);
    assert_int_equal(ask(model, 1000).until_ms, UINT64_MAX);
    assert_int_equal(ask(model, 1000).error, ERROR_NO_CREDIT); /* looked at again first */
}

static void credit_is_looked_at_again_after_minutes_and_never_more_than_an_hour(void **state)
{
    uint64_t now = 1000, until;

    (void)state;
    until = settle(0, model, FAULT_NO_CREDIT, 0, now);
    assert_int_equal(until - now, FIVE_MINUTES);
    for (int i = 0; i < 6; i++) {
        now = until;
        until = settle(0, model, FAULT_NO_CREDIT, 0, now);
    }
    assert_int_equal(until - now, HOUR);
}

static void only_the_owner_serves_what_it_owns(void **state)
{
    struct need need = {.model = model, .owner = pool.keys[1].id};
    struct grant grant;

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_true(pool_take(&pool, &need, 1000, &grant, &wait));
        assert_int_equal(grant.key_id, pool.keys[1].id);
    }
    settle(1, model, FAULT_QUOTA_MINUTE, 5000, 1000);
    assert_false(pool_take(&pool, &need, 1000, &grant, &wait));
    assert_int_equal(wait.until_ms, 6000);
    need.owner = 12345;
    assert_false(pool_take(&pool, &need, 1000, &grant, &wait));
    assert_int_equal(wait.until_ms, UINT64_MAX);
}

static void a_key_that_is_set_aside_serves_its_own_calls_only(void **state)
{
    static const struct secret aside = {VIEW("key-paid")};
    size_t count = pool.count;
    struct need paid = {.model = model}, need = {.model = model};
    struct grant grant;

    (void)state;
    paid.owner = pool_set_aside(&pool, aside);
    assert_int_equal(pool.count, count);
    assert_int_equal(pool_state(&pool, 1000).available, count);
    for (size_t i = 0; i < 3 * count; i++) {
        assert_true(pool_take(&pool, &need, 1000, &grant, &wait));
        assert_int_not_equal(grant.key_id, paid.owner);
    }
    assert_true(pool_take(&pool, &paid, 1000, &grant, &wait));
    assert_int_equal(grant.key_id, paid.owner);
    settle(count, model, FAULT_QUOTA_MINUTE, 5000, 1000);
    assert_false(pool_ask(&pool, &paid, 1000, &wait));
    assert_int_equal(wait.until_ms, 6000);
    assert_true(pool_ask(&pool, &need, 1000, &wait));
    assert_true(pool_ask(&pool, &paid, 6000, &wait));
}

static void a_key_of_the_pool_can_be_set_aside_for_some_calls(void **state)
{
    struct need need = {.model = model};
    struct grant grant;
    bool is_seen = false;

    (void)state;
    assert_int_equal(pool_set_aside(&pool, keys[1]), pool.keys[1].id);
    for (size_t i = 0; i < pool.count; i++) {
        assert_true(pool_take(&pool, &need, 1000, &grant, &wait));
        is_seen |= grant.key_id == pool.keys[1].id;
    }
    assert_true(is_seen);
}

/* Against a walk over all keys */

/* When a key may be taken for the model, by its cool-downs alone. */
static uint64_t free_ms(size_t key, struct view for_model, uint64_t now_ms, bool *is_hopeless)
{
    const struct model *known = model_find(&pool.models, for_model);
    const struct cooldown *cooldowns[] = {&pool.keys[key].cooldown,
                                          known && known->lane ? &known->lane->keys[key].cooldown
                                                               : &pool.keys[key].cooldown};
    uint64_t latest_ms = now_ms;

    *is_hopeless = false;
    for (size_t i = 0; i < 2; i++) {
        uint64_t at_ms = cooldown_free_ms(cooldowns[i], now_ms);

        latest_ms = at_ms > latest_ms ? at_ms : latest_ms;
        *is_hopeless |= cooldowns[i]->until_ms > now_ms && rule_of(cooldowns[i]->why)->is_hopeless;
    }
    return latest_ms;
}

static void expect_what_a_walk_finds(struct view for_model, uint64_t now_ms)
{
    uint64_t first_ms = UINT64_MAX;
    bool is_available = false, is_hopeless;
    struct wait told = {0};

    for (size_t i = 0; i < pool.count; i++) {
        uint64_t at_ms = free_ms(i, for_model, now_ms, &is_hopeless);

        is_available |= at_ms <= now_ms;
        if (!is_hopeless && at_ms < first_ms)
            first_ms = at_ms;
    }
    assert_int_equal(pool_ask(&pool, &(struct need){.model = for_model}, now_ms, &told),
                     is_available);
    if (!is_available)
        assert_int_equal(told.until_ms, first_ms);
}

static void a_pick_is_what_a_walk_over_all_keys_would_find(void **state)
{
    static const enum fault faults[] = {FAULT_NONE,         FAULT_QUOTA_MINUTE, FAULT_QUOTA_UNKNOWN,
                                        FAULT_QUOTA_DAY,    FAULT_KEY_INVALID,  FAULT_SERVER,
                                        FAULT_QUOTA_MINUTE, FAULT_NO_CREDIT,    FAULT_BAD_REQUEST};
    uint64_t taken[8] = {0}, ids[8] = {0}, now = 1000;

    (void)state;
    srandom(7);
    for (int step = 0; step < 200000; step++, now += (uint64_t)random() % 300) {
        struct view for_model = random() % 2 ? model : other;
        size_t slot = (size_t)random() % 8;
        struct verdict verdict = {.key_id = ids[slot],
                                  .model = for_model,
                                  .fault = faults[(size_t)random() % 9],
                                  .stated_ms = (uint64_t)(random() % 3) * 1700};
        struct grant grant;

        if (taken[slot] && random() % 5)
            pool_settle(&pool, taken[slot], &verdict, now);
        pool_release(&pool, taken[slot], now);
        taken[slot] = 0;
        expect_what_a_walk_finds(for_model, now);
        if (!pool_take(&pool, &(struct need){.model = for_model}, now, &grant, &wait))
            continue;
        taken[slot] = grant.reservation;
        ids[slot] = grant.key_id;
    }
}

/* Ways out */

static void a_place_that_is_not_served_is_not_the_keys_fault(void **state)
{
    (void)state;
    settle(0, model, FAULT_LOCATION, 0, 1000); /* one key alone may be to blame */
    assert_non_null(pick(model, 1000));
    assert_int_equal(settle(1, model, FAULT_LOCATION, 0, 1000), 6000);
    assert_int_equal(ask(model, 1000).error, ERROR_LOCATION);
    assert_int_equal(ask(model, 1000).until_ms, UINT64_MAX);
    assert_int_equal(available(1000), 0);
    assert_null(pick(other, 5999));
    assert_int_equal(settle(1, model, FAULT_LOCATION, 0, 6000), 16000);
    assert_null(pick(other, 15999));
    settle(2, model, FAULT_NONE, 0, 16000);
    for (int i = 0; i < 3; i++)
        assert_non_null(pick(model, 16000));
    assert_int_equal(available(16000), 3);
}

static void two_keys_that_agree_with_a_good_answer_between_them_shut_nothing(void **state)
{
    (void)state;
    settle(0, model, FAULT_LOCATION, 0, 1000);
    settle(1, model, FAULT_NONE, 0, 1000);
    settle(2, model, FAULT_LOCATION, 0, 1000);
    assert_int_equal(pick(model, 1000)->id, pool.keys[1].id);
    assert_int_equal(available(1000), 1);
}

static void one_asks_again_whether_the_place_is_served(void **state)
{
    struct grant grant, second;
    struct need need = {.model = model};

    (void)state;
    settle(0, model, FAULT_LOCATION, 0, 1000);
    settle(1, model, FAULT_LOCATION, 0, 1000);
    assert_true(pool_take(&pool, &need, 6000, &grant, &wait));
    assert_false(pool_take(&pool, &need, 6001, &second, &wait));
    assert_int_equal(wait.until_ms, 6000 + PROBE_MS);
}

static void a_key_whose_proxy_is_not_served_goes_by_none_and_the_others_go_on(void **state)
{
    static const struct secret ways[] = {{VIEW("http://10.0.0.1:1")}, {VIEW("http://10.0.0.2:1")}};
    struct pool_key *key;

    (void)state;
    pool_open_proxies(&pool, ways, 2, false);
    assert_int_equal(pool.proxies.count, 2);
    pool_open_proxies(&pool, ways, 2, true);
    key = &pool.keys[0];
    settle(0, model, FAULT_LOCATION, 0, 1000);
    assert_true(key->cooldown.is_open);
    for (int i = 0; i < 6; i++) {
        const struct pool_key *next = pick(model, 1001);

        if (next)
            assert_ptr_not_equal(next->proxy, key->proxy);
    }
}

/* Others slept while one asked again whether their proxy is served. */
static void keys_of_a_proxy_that_is_served_again_are_back_within_a_moment(void **state)
{
    static const struct secret ways[] = {{VIEW("http://10.0.0.1:1")}};
    struct verdict good = {.model = model};
    struct grant grant, second;
    struct need need = {.model = model};

    (void)state;
    pool_open_proxies(&pool, ways, 1, true);
    settle(2, model, FAULT_QUOTA_MINUTE, 100, 500);
    settle(0, model, FAULT_LOCATION, 0, 1000);
    settle(1, model, FAULT_LOCATION, 0, 1000);
    assert_true(pool_take(&pool, &need, 6000, &grant, &wait));
    for (int i = 0; i < 3; i++)
        assert_false(pool_take(&pool, &need, 6001, &second, &wait));
    good.key_id = grant.key_id;
    pool_settle(&pool, grant.reservation, &good, 6100);
    settle((size_t)(pool_find(&pool, grant.key_id) - pool.keys), model, FAULT_QUOTA_MINUTE, 2000,
           6100);
    assert_false(pool_ask(&pool, &need, 6101, &wait));
    assert_int_equal(wait.until_ms, 6000 + PROBE_MS);
    assert_non_null(pick(model, 6000 + PROBE_MS));
    assert_int_equal(available(6000 + PROBE_MS), 2);
}

/* Reports */

static void a_report_shows_four_characters_of_a_key_and_why(void **state)
{
    static const struct secret long_key[] = {{VIEW("AIzaSyA-a-key-that-is-long-9Z8y")}};
    struct bytes json = {0};
    struct verdict verdict = {
        .model = model, .fault = FAULT_KEY_INVALID, .words = VIEW("API key \"expired\"")};

    (void)state;
    close_pool(state);
    pool_open(&pool, long_key, 1);
    pool_report(&pool, 1000, &json);
    assert_string_equal(bytes_cstr(&json), "[]");
    verdict.key_id = pool.keys[0].id;
    pool_settle(&pool, 0, &verdict, 1000);
    json.len = 0;
    pool_report(&pool, 2000, &json);
    assert_string_equal(bytes_cstr(&json),
                        "[{\"key\":\"\u20269Z8y\",\"state\":\"dead\",\"reason\":\"key_invalid\","
                        "\"ms\":3599000,\"words\":\"API key \\\"expired\\\"\"}]");
    bytes_clear(&json);
}

static void a_short_key_shows_nothing(void **state)
{
    char tail[TAIL_SIZE];

    (void)state;
    key_tail((struct secret){VIEW("short-key")}, tail);
    assert_string_equal(tail, "\u2026");
}

static void a_pool_whose_only_model_waits_has_no_key_available(void **state)
{
    struct pool_state told;

    (void)state;
    settle(0, model, FAULT_KEY_INVALID, 0, 1000);
    settle(1, model, FAULT_QUOTA_MINUTE, 7000, 1000);
    assert_int_equal(available(1000), 1);
    settle(2, model, FAULT_QUOTA_MINUTE, 5000, 1000);
    told = pool_state(&pool, 1000);
    assert_int_equal(told.available, 0);
    assert_int_equal(told.until_ms, 6000);
    assert_int_equal(told.why, FAULT_QUOTA_MINUTE);
    settle(1, other, FAULT_NONE, 0, 1000); /* another model is served */
    assert_int_equal(available(1000), 2);
    assert_int_equal(available(6000), 2);
}

static void the_model_that_most_keys_can_serve_decides(void **state)
{
    (void)state;
    settle(0, other, FAULT_QUOTA_MINUTE, 7000, 1000);
    for (size_t i = 0; i < 3; i++)
        settle(i, model, FAULT_QUOTA_MINUTE, 7000, 1000);
    assert_int_equal(available(1000), 2);
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)
#define NEW(name) cmocka_unit_test_setup_teardown(name, open_new, close_pool)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(a_key_given_twice_counts_once),
        POOL_TEST(an_id_is_the_same_in_every_process),
        POOL_TEST(fit_keys_take_turns),
        POOL_TEST(a_minute_quota_rests_the_key_for_that_model_only),
        POOL_TEST(no_word_of_the_provider_rests_a_key_for_ever),
        POOL_TEST(an_invalid_key_rests_for_all_models_and_comes_back),
        POOL_TEST(every_fault_has_a_rule),
        POOL_TEST(what_is_not_the_keys_fault_costs_no_key),
        POOL_TEST(a_model_that_is_overloaded_again_and_again_rests_for_all_keys),
        POOL_TEST(the_later_of_model_and_keys_is_when_to_come_again),
        POOL_TEST(a_good_answer_of_any_key_ends_that),
        POOL_TEST(a_busy_moment_long_ago_does_not_count),
        POOL_TEST(a_key_that_lacks_a_model_rests_if_another_has_it),
        POOL_TEST(calls_without_a_model_teach_nothing),
        POOL_TEST(a_quota_without_a_time_rests_longer_each_time_until_a_good_answer),
        POOL_TEST(a_good_answer_that_began_before_the_rest_does_not_end_it),
        POOL_TEST(a_late_shorter_rest_does_not_end_a_longer_one),
        POOL_TEST(nor_does_one_of_the_whole_key),
        POOL_TEST(when_all_rest_the_first_to_come_back_and_the_reason_are_told),
        POOL_TEST(an_empty_pool_says_that_there_is_no_key),
        POOL_TEST(tried_keys_come_last),
        NEW(a_dead_key_among_a_hundred_calls_at_once_costs_one_request),
        NEW(a_new_key_serves_many_within_seconds_however_long_answers_take),
        NEW(if_its_refusal_is_slow_it_costs_two),
        POOL_TEST(a_storm_of_four_seconds_is_over_some_seconds_later),
        POOL_TEST(a_key_that_comes_back_is_asked_once_until_it_answers),
        POOL_TEST(half_open_for_one_model_is_open_for_another),
        POOL_TEST(who_comes_when_he_was_told_to_is_served),
        POOL_TEST(what_nobody_knows_the_end_of_is_promised_to_nobody),
        POOL_TEST(credit_is_looked_at_again_after_minutes_and_never_more_than_an_hour),
        POOL_TEST(only_the_owner_serves_what_it_owns),
        POOL_TEST(a_key_that_is_set_aside_serves_its_own_calls_only),
        POOL_TEST(a_key_of_the_pool_can_be_set_aside_for_some_calls),
        NEW(a_pick_is_what_a_walk_over_all_keys_would_find),
        POOL_TEST(a_place_that_is_not_served_is_not_the_keys_fault),
        POOL_TEST(two_keys_that_agree_with_a_good_answer_between_them_shut_nothing),
        POOL_TEST(one_asks_again_whether_the_place_is_served),
        POOL_TEST(a_key_whose_proxy_is_not_served_goes_by_none_and_the_others_go_on),
        POOL_TEST(keys_of_a_proxy_that_is_served_again_are_back_within_a_moment),
        POOL_TEST(a_report_shows_four_characters_of_a_key_and_why),
        POOL_TEST(a_short_key_shows_nothing),
        POOL_TEST(the_model_that_most_keys_can_serve_decides),
        POOL_TEST(a_pool_whose_only_model_waits_has_no_key_available),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
