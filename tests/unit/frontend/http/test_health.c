/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "error.h"
#include "http/health.h"

static struct health health;
static struct bytes text;

static int begin(void **state)
{
    (void)state;
    health = (struct health){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    bytes_clear(&text);
    return 0;
}

static const char *report(uint64_t now_ms)
{
    text.len = 0;
    health_report(&health, now_ms, &text);
    return bytes_cstr(&text);
}

static void all_seen(uint64_t now_ms)
{
    for (int need = 0; need < HEALTH_NEEDS; need++)
        health_seen(&health, need, now_ms);
}

static const char healthy[] = "{\"status\":\"healthy\"}";

static void at_the_start_everything_is_missing(void **state)
{
    (void)state;
    assert_string_equal(
        report(0), "{\"status\":\"unhealthy\",\"missing\":[\"balancer\",\"upstream\",\"key\"]}");
}

static void it_is_healthy_once_all_is_there_at_the_same_time(void **state)
{
    (void)state;
    health_seen(&health, NEEDS_BALANCER, 1000);
    assert_string_equal(report(1000),
                        "{\"status\":\"unhealthy\",\"missing\":[\"upstream\",\"key\"]}");
    health_seen(&health, NEEDS_UPSTREAM, 1500);
    health_seen(&health, NEEDS_KEY, 1500);
    assert_string_equal(report(1500), "{\"status\":\"unhealthy\",\"missing\":[\"balancer\"]}");
    all_seen(1600);
    assert_string_equal(report(1600), healthy);
}

static void an_absence_of_two_seconds_is_overlooked(void **state)
{
    (void)state;
    all_seen(1000);
    report(1000);
    health_seen(&health, NEEDS_BALANCER, 5000);
    health_seen(&health, NEEDS_KEY, 5000);
    health_seen(&health, NEEDS_UPSTREAM, 3000);
    assert_string_equal(report(5000), healthy);
    assert_string_equal(report(5001), "{\"status\":\"unhealthy\",\"missing\":[\"upstream\"]}");
    health_seen(&health, NEEDS_UPSTREAM, 5002);
    assert_string_equal(report(5002), healthy);
}

static void keys_that_cannot_serve_are_told_with_the_reason_and_the_time(void **state)
{
    (void)state;
    all_seen(1000);
    health.keys = (struct road_keys){.total = 2, .available = 1};
    assert_string_equal(report(1000),
                        "{\"status\":\"healthy\",\"keys\":{\"total\":2,\"available\":1}}");
    health.keys = (struct road_keys){.total = 2, .by_ms = 9000, .error = ERROR_NO_QUOTA};
    health_seen(&health, NEEDS_BALANCER, 4000);
    health_seen(&health, NEEDS_UPSTREAM, 4000);
    assert_string_equal(
        report(4000),
        "{\"status\":\"unhealthy\",\"missing\":[\"key\"],\"keys\":{\"total\":2,\"available\":0,"
        "\"reason\":\"NO_QUOTA\",\"text\":\"Every key is out of quota for this model at the "
        "moment.\","
        "\"retry_after_ms\":5000}}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    static const struct CMUnitTest tests[] = {
        TEST(at_the_start_everything_is_missing),
        TEST(it_is_healthy_once_all_is_there_at_the_same_time),
        TEST(an_absence_of_two_seconds_is_overlooked),
        TEST(keys_that_cannot_serve_are_told_with_the_reason_and_the_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
