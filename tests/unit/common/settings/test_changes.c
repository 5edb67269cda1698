/* SPDX-License-Identifier: Apache-2.0 */
/* Changes over the settings of the start: in force, refused, kept in a file, and which of them the
 * environment wins over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "settings/changes.h"
#include "settings/options.h"

static char folder[] = "/tmp/test_changes.XXXXXX";

static bool take(uint64_t version, const char *json, struct bytes *why)
{
    return changes_take(version, view_of(json), why);
}

static void a_change_stands_over_the_start_and_goes_again(void **state)
{
    (void)state;
    assert_true(take(1, "{\"MAX_RETRIES\":{\"value\":\"9\",\"at\":1}}", NULL));
    assert_int_equal(settings_now()->max_retries, 9);
    assert_int_equal(settings_start()->max_retries, 3);
    assert_int_equal(changes_version(), 1);
    assert_true(
        take(2, "{\"MAX_RETRIES\":{\"value\":null,\"at\":2},\"PORT\":{\"value\":\"1\",\"at\":2}}",
             NULL));
    assert_int_equal(settings_now()->max_retries, 3);
    assert_int_equal(settings_now()->port, settings_start()->port);
}

static void what_is_wrong_changes_nothing(void **state)
{
    struct bytes why = {0};

    (void)state;
    assert_true(take(3, "{\"MAX_RETRIES\":{\"value\":\"8\",\"at\":1}}", NULL));
    assert_false(
        take(4, "{\"MAX_RETRIES\":{\"value\":\"7\"},\"TIME_OUT\":{\"value\":\"0\"}}", &why));
    assert_string_equal(bytes_cstr(&why), "TIME_OUT: should be at least 1");
    assert_int_equal(settings_now()->max_retries, 8);
    assert_int_equal(changes_version(), 3);
    assert_false(take(4, "nothing", NULL));
    assert_false(take(4, "{\"MAX_RETRIES\":{\"value\":\"many\"}}", NULL));
    bytes_clear(&why);
}

static void the_environment_wins_over_changes_of_before_its_start(void **state)
{
    (void)state; /* QUEUE_LIMIT is set there, and all began at 1000 */
    assert_true(take(5, "{\"QUEUE_LIMIT\":{\"value\":\"1\",\"at\":999}}", NULL));
    assert_int_equal(settings_now()->queue_limit, 77);
    assert_true(take(6, "{\"QUEUE_LIMIT\":{\"value\":\"1\",\"at\":1000}}", NULL));
    assert_int_equal(settings_now()->queue_limit, 1);
}

static void a_file_tells_who_hears_no_message(void **state)
{
    static const char kept[] = "{\"MAX_RETRIES\":{\"value\":\"6\",\"at\":1}}";
    struct stat facts;
    char path[100];

    (void)state;
    snprintf(path, sizeof(path), "%s/settings.json", folder);
    changes_watch(1000);
    assert_true(changes_save(9, view_of(kept)));
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    changes_watch(1001); /* too early for another look */
    assert_int_not_equal(changes_version(), 9);
    changes_watch(2000);
    assert_int_equal(changes_version(), 9);
    assert_int_equal(settings_now()->max_retries, 6);
    assert_true(view_equal(changes_json(), view_of(kept)));
    assert_true(changes_save(10, VIEW("{\"TIME_OUT\":{\"value\":\"0\",\"at\":1}}")));
    changes_watch(3000);
    assert_int_equal(changes_version(), 9); /* refused */
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_stands_over_the_start_and_goes_again),
        cmocka_unit_test(what_is_wrong_changes_nothing),
        cmocka_unit_test(the_environment_wins_over_changes_of_before_its_start),
        cmocka_unit_test(a_file_tells_who_hears_no_message),
    };
    char *arguments[] = {(char *)"test", NULL};
    int failed;

    assert_non_null(mkdtemp(folder));
    setenv("STATE_DIR", folder, 1);
    setenv("QUEUE_LIMIT", "77", 1);
    setenv("GATEWAY_STARTED", "1000", 1);
    options_read(1, arguments);
    changes_load();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
