/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of addresses: what is found, until when, and what makes room. */
#include "cases.h"

#include "transfer/cache.h"

static struct cache cache;

static int open_cache(void **state)
{
    (void)state;
    cache = (struct cache){.most = 400, .life_ms = 1000};
    return 0;
}

static int close_cache(void **state)
{
    (void)state;
    cache_clear(&cache);
    assert_int_equal(cache.bytes, 0);
    return 0;
}

static bool keep(const char *url, size_t len, uint64_t now_ms)
{
    static const char zeros[1000];
    struct cached *cached = cache_begin(&cache, view_of(url));

    if (!cached || !cache_gather(&cache, cached, (struct view){zeros, len}))
        return false;
    cache_end(&cache, cached, now_ms);
    return true;
}

static bool has(const char *url, uint64_t now_ms)
{
    struct cached *cached = cache_find(&cache, view_of(url), now_ms);

    if (cached)
        cache_leave(&cache, cached);
    return cached;
}

static void what_is_kept_is_found_for_its_time(void **state)
{
    (void)state;
    assert_true(keep("http://a/", 100, 5));
    assert_true(has("http://a/", 1004));
    assert_false(has("http://b/", 5));
    assert_false(has("http://a/", 1005));
    assert_int_equal(cache.bytes, 0);
}

static void the_one_used_longest_ago_makes_room(void **state)
{
    (void)state;
    for (const char *url = "abcd"; *url; url++)
        assert_true(keep(url, 100, 5));
    assert_true(has("abcd", 6));
    assert_true(keep("e", 100, 7));
    assert_true(has("abcd", 8) && has("e", 8) && has("d", 8));
    assert_false(has("bcd", 8));
}

static void what_is_large_is_not_kept(void **state)
{
    (void)state;
    assert_false(keep("a", 101, 5));
    assert_int_equal(cache.bytes, 0);
}

static void what_is_read_stays_until_it_has_been(void **state)
{
    struct cached *cached;

    (void)state;
    assert_true(keep("a", 100, 5));
    cached = cache_find(&cache, VIEW("a"), 6);
    for (const char *url = "bcde"; *url; url++)
        keep(url, 100, 7);
    assert_false(has("a", 8));
    assert_int_equal(cached->body.len, 100);
    cache_leave(&cache, cached);
}

static void without_room_or_time_nothing_is_kept(void **state)
{
    (void)state;
    cache.most = 0;
    assert_null(cache_begin(&cache, VIEW("a")));
    cache = (struct cache){.most = 400};
    assert_null(cache_begin(&cache, VIEW("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_cache, close_cache)
        TEST(what_is_kept_is_found_for_its_time),
        TEST(the_one_used_longest_ago_makes_room),
        TEST(what_is_large_is_not_kept),
        TEST(what_is_read_stays_until_it_has_been),
        TEST(without_room_or_time_nothing_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
