/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a key takes, and which proxies rest. Time is a variable. */
#include "pool/proxies.h"

#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { PROXIES = 7, KEYS = 1000 };

static char texts[PROXIES][64];
static struct secret urls[PROXIES];

static int make_urls(void **state)
{
    (void)state;
    for (int i = 0; i < PROXIES; i++) {
        snprintf(texts[i], sizeof(texts[i]), "http://user:word-%d@10.0.0.%d:3128", i, i);
        urls[i].hidden = view_of(texts[i]);
    }
    return 0;
}

static uint64_t key(int i)
{
    return (uint64_t)(i + 1) * 0x9e3779b97f4a7c15u;
}

static void without_proxies_the_way_is_straight(void **state)
{
    struct proxies proxies;

    (void)state;
    proxies_open(&proxies, NULL, 0, true);
    assert_int_equal(proxies_pick(&proxies, key(1), 0)->url.hidden.len, 0);
    assert_int_equal(proxies_pick(&proxies, key(1), 0)->id, 0);
    proxies_close(&proxies);
}

static void a_key_keeps_its_way_and_ways_are_about_even(void **state)
{
    struct proxies proxies, again;
    size_t counts[PROXIES] = {0};

    (void)state;
    proxies_open(&proxies, urls, PROXIES, true);
    proxies_open(&again, urls, PROXIES, true);
    for (int i = 0; i < KEYS; i++) {
        const struct proxy *proxy = proxies_pick(&proxies, key(i), 0);

        assert_ptr_equal(proxies_pick(&proxies, key(i), 5), proxy);
        assert_int_equal(proxies_pick(&again, key(i), 0)->id, proxy->id);
        counts[proxy - proxies.at]++;
    }
    for (int i = 0; i < PROXIES; i++)
        assert_in_range(counts[i], KEYS / PROXIES * 7 / 10, KEYS / PROXIES * 13 / 10);
    proxies_close(&proxies);
    proxies_close(&again);
}

static void when_one_goes_only_its_keys_move(void **state)
{
    struct proxies all, fewer;
    size_t moved = 0;

    (void)state;
    proxies_open(&all, urls, PROXIES, true);
    proxies_open(&fewer, urls, PROXIES - 1, true);
    for (int i = 0; i < KEYS; i++) {
        const struct proxy *before = proxies_pick(&all, key(i), 0);
        const struct proxy *after = proxies_pick(&fewer, key(i), 0);

        if (before == &all.at[PROXIES - 1])
            moved++;
        else
            assert_int_equal(after->id, before->id);
    }
    assert_in_range(moved, 1, KEYS / 4);
    proxies_close(&all);
    proxies_close(&fewer);
}

/* The order in the list, a new password: the ways stay. */
static void what_is_no_other_proxy_moves_no_key(void **state)
{
    char renewed[PROXIES][64];
    struct secret other[PROXIES];
    struct proxies proxies, changed;

    (void)state;
    for (int i = 0; i < PROXIES; i++) {
        snprintf(renewed[i], sizeof(renewed[i]), "http://user:renewed@10.0.0.%d:3128",
                 PROXIES - 1 - i);
        other[i].hidden = view_of(renewed[i]);
    }
    proxies_open(&proxies, urls, PROXIES, true);
    proxies_open(&changed, other, PROXIES, true);
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(proxies_pick(&changed, key(i), 0)->id,
                         proxies_pick(&proxies, key(i), 0)->id);
    proxies_close(&proxies);
    proxies_close(&changed);
}

static void twice_the_same_is_one(void **state)
{
    struct secret twice[] = {urls[0], urls[1], urls[0]};
    struct proxies proxies;

    (void)state;
    proxies_open(&proxies, twice, 3, true);
    assert_int_equal(proxies.count, 2);
    proxies_close(&proxies);
}

/* A request of some key by this way has ended so. Returns until when it is out of order, or now. */
static uint64_t end(struct proxies *proxies, size_t way, enum fault fault, uint64_t now_ms)
{
    struct proxy *proxy = &proxies->at[way];

    proxies_settle(proxies, proxy, key(1), &(struct cause){.fault = fault}, now_ms);
    return proxy->until_ms > now_ms ? proxy->until_ms : now_ms;
}

static void in_turn_those_in_order_first(void **state)
{
    struct proxies proxies;

    (void)state;
    proxies_open(&proxies, urls, 3, false);
    for (int i = 0; i < 6; i++)
        assert_ptr_equal(proxies_pick(&proxies, key(1), 0), &proxies.at[i % 3]);
    end(&proxies, 1, FAULT_PROXY, 0);
    for (int i = 0; i < 6; i++)
        assert_ptr_not_equal(proxies_pick(&proxies, key(1), 1), &proxies.at[1]);
    end(&proxies, 0, FAULT_PROXY, 10);
    end(&proxies, 2, FAULT_PROXY, 20);
    assert_ptr_equal(proxies_pick(&proxies, key(1), 30), &proxies.at[1]); /* back first */
    proxies_close(&proxies);
}

static void rests_grow_and_end(void **state)
{
    struct proxies proxies;
    uint64_t now_ms = 1000, until_ms = 0;

    (void)state;
    proxies_open(&proxies, urls, 2, true);
    until_ms = end(&proxies, 0, FAULT_PROXY, now_ms);
    assert_int_equal(until_ms, 6000);
    assert_false(proxy_is_fit(&proxies.at[0], 5999));
    assert_true(proxy_is_fit(&proxies.at[0], 6000));
    assert_int_equal(end(&proxies, 0, FAULT_PROXY, 2000), 6000); /* of the same failure */
    for (int i = 0; i < 10; i++) {
        now_ms = until_ms;
        until_ms = end(&proxies, 0, FAULT_PROXY, now_ms);
        assert_in_range(until_ms - now_ms, 10000, 60000);
    }
    assert_int_equal(until_ms - now_ms, 60000);
    assert_int_equal(end(&proxies, 0, FAULT_TIMEOUT, now_ms), until_ms); /* says nothing of it */
    assert_int_equal(end(&proxies, 0, FAULT_SERVER, now_ms), now_ms);
    assert_true(proxy_is_fit(&proxies.at[0], now_ms));
    assert_int_equal(end(&proxies, 0, FAULT_PROXY, now_ms), now_ms + 5000);
    proxies_close(&proxies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_proxies_the_way_is_straight),
        cmocka_unit_test(a_key_keeps_its_way_and_ways_are_about_even),
        cmocka_unit_test(when_one_goes_only_its_keys_move),
        cmocka_unit_test(what_is_no_other_proxy_moves_no_key),
        cmocka_unit_test(twice_the_same_is_one),
        cmocka_unit_test(in_turn_those_in_order_first),
        cmocka_unit_test(rests_grow_and_end),
    };

    return cmocka_run_group_tests(tests, make_urls, NULL);
}
