/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: who sees a change, and how long the one before it lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "settings/settings.h"

struct part {
    bool refuses;
    unsigned checks, applies;
    uint64_t before, next;
};

static bool check(void *owner, const struct settings *next, struct bytes *why)
{
    struct part *part = owner;

    (void)next;
    part->checks++;
    if (part->refuses)
        bytes_text(why, "not now");
    return !part->refuses;
}

static void apply(void *owner, const struct settings *before, const struct settings *next)
{
    struct part *part = owner;

    part->applies++;
    part->before = before->drain_ms;
    part->next = next->drain_ms;
}

static struct part times, limits;
static const struct settings_reader readers[] = {
    {"times", 1u << SETTING_GROUP_times, check, apply, &times},
    {"limits", 1u << SETTING_GROUP_limits, check, apply, &limits},
};

static int start(void **state)
{
    static bool is_read;

    (void)state;
    for (size_t i = 0; i < 2 && !is_read; i++)
        settings_read_by(&readers[i]);
    is_read = true;
    times = (struct part){0};
    limits = (struct part){0};
    settings_take(&(struct settings){.drain_ms = 1, .state_dir = "one"}, NULL);
    times = (struct part){0};
    limits = (struct part){0};
    return 0;
}

static void a_change_is_told_to_the_readers_of_its_group_only(void **state)
{
    uint64_t version = settings_version();

    (void)state;
    assert_true(settings_take(&(struct settings){.drain_ms = 2, .state_dir = "one"}, NULL));
    assert_int_equal(times.checks, 1);
    assert_int_equal(times.applies, 1);
    assert_int_equal(times.before, 1);
    assert_int_equal(times.next, 2);
    assert_int_equal(limits.checks + limits.applies, 0);
    assert_int_equal(settings_version(), version + 1);
}

static void a_change_that_one_reader_refuses_changes_nobody(void **state)
{
    const struct settings *before = settings_now();
    uint64_t version = settings_version();
    struct bytes why = {0};

    (void)state;
    limits.refuses = true;
    assert_false(settings_take(&(struct settings){.drain_ms = 2, .call_limit = 3}, &why));
    assert_string_equal(bytes_cstr(&why), "not now");
    assert_int_equal(times.checks, 1);
    assert_int_equal(times.applies + limits.applies, 0);
    assert_ptr_equal(settings_now(), before);
    assert_int_equal(settings_now()->drain_ms, 1);
    assert_int_equal(settings_version(), version);
    bytes_clear(&why);
}

static void a_held_snapshot_lives_until_it_is_let_go(void **state)
{
    const struct settings *held = settings_hold();

    (void)state;
    settings_take(&(struct settings){.drain_ms = 2, .state_dir = "two"}, NULL);
    settings_take(&(struct settings){.drain_ms = 3, .state_dir = "three"}, NULL);
    assert_int_equal(held->drain_ms, 1);
    assert_string_equal(held->state_dir, "one");
    assert_string_equal(settings_now()->state_dir, "three");
    settings_let_go(held);
}

static void a_snapshot_is_a_copy(void **state)
{
    char text[] = "first", key[] = "key";
    struct secret keys[] = {{view_of(key)}};

    (void)state;
    settings_take(&(struct settings){.state_dir = text, .api_keys = {keys, 1}}, NULL);
    memset(text, 'x', 5);
    memset(key, 'x', 3);
    assert_string_equal(settings_now()->state_dir, "first");
    assert_string_equal(settings_now()->api_keys.at[0].hidden.at, "key");
}

static void differences_are_written_without_secrets(void **state)
{
    struct secret one[] = {{VIEW("marked-1")}}, two[] = {{VIEW("marked-1")}, {VIEW("marked-2")}};
    struct settings before = {.port = 1, .api_keys = {one, 1}, .host = "h"};
    struct settings next = {.port = 2, .api_keys = {two, 2}, .host = "h"};
    struct bytes out = {0};

    (void)state;
    settings_write_changes(&before, &next, &out);
    assert_string_equal(bytes_cstr(&out), "API_KEYS: 1 -> 2\nPORT: 1 -> 2\n");
    bytes_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_change_is_told_to_the_readers_of_its_group_only, start),
        cmocka_unit_test_setup(a_change_that_one_reader_refuses_changes_nobody, start),
        cmocka_unit_test_setup(a_held_snapshot_lives_until_it_is_let_go, start),
        cmocka_unit_test_setup(a_snapshot_is_a_copy, start),
        cmocka_unit_test(differences_are_written_without_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
