/* SPDX-License-Identifier: Apache-2.0 */
/* Seals: what was sealed comes out again, and nothing else does. */
#include "parts/seal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct seals ours, others;

static int open_seals(void **state)
{
    (void)state;
    seals_open(&ours, (struct secret){VIEW("one")}, "");
    seals_open(&others, (struct secret){VIEW("another")}, "");
    return 0;
}

static bool opens(const struct seals *seals, const char *purpose, struct view sealed,
                  struct view want)
{
    struct bytes out = {0};
    bool is_good;

    bytes_text(&out, "before ");
    is_good = unseal(seals, purpose, sealed, &out);
    assert_true(view_starts(bytes_view(&out), VIEW("before ")));
    if (is_good)
        assert_true(view_equal(view_skip(bytes_view(&out), 7), want));
    else
        assert_int_equal(out.len, 7);
    bytes_clear(&out);
    return is_good;
}

static void what_was_sealed_comes_out_again(void **state)
{
    char text[200];

    (void)state;
    for (size_t len = 1; len < sizeof(text); len++) {
        struct bytes sealed = {0};

        memset(text, (int)len, len);
        seal(&ours, "p", (struct view){text, len}, &sealed);
        for (size_t i = 0; i < sealed.len; i++)
            assert_true(sealed.at[i] == '-' || sealed.at[i] == '_' || (sealed.at[i] | 32) >= 'a' ||
                        sealed.at[i] <= '9');
        assert_true(opens(&ours, "p", bytes_view(&sealed), (struct view){text, len}));
        bytes_clear(&sealed);
    }
}

static void no_two_seals_are_alike(void **state)
{
    struct bytes one = {0}, two = {0};

    (void)state;
    seal(&ours, "p", VIEW("text"), &one);
    seal(&ours, "p", VIEW("text"), &two);
    assert_false(view_equal(bytes_view(&one), bytes_view(&two)));
    bytes_clear(&one);
    bytes_clear(&two);
}

/* Each character in turn is another one, and the whole is cut at each place. */
static void what_was_changed_does_not_open(void **state)
{
    struct bytes sealed = {0};

    (void)state;
    seal(&ours, "p", VIEW("a key and a path"), &sealed);
    for (size_t i = 0; i < sealed.len; i++) {
        char kept = sealed.at[i];

        sealed.at[i] = kept == 'A' ? 'B' : 'A';
        assert_false(opens(&ours, "p", bytes_view(&sealed), VIEW("")));
        sealed.at[i] = '=';
        assert_false(opens(&ours, "p", bytes_view(&sealed), VIEW("")));
        sealed.at[i] = kept;
        assert_false(opens(&ours, "p", (struct view){sealed.at, i}, VIEW("")));
    }
    assert_false(opens(&others, "p", bytes_view(&sealed), VIEW("")));
    assert_false(opens(&ours, "q", bytes_view(&sealed), VIEW("")));
    bytes_text(&sealed, "A");
    assert_false(opens(&ours, "p", bytes_view(&sealed), VIEW("")));
    bytes_clear(&sealed);
}

static void the_frontends_of_a_host_share_what_the_first_has_made(void **state)
{
    char folder[] = "/tmp/test-seal-XXXXXX", path[64];
    struct seals first, second;
    struct bytes sealed = {0};
    struct stat file;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/upload.key", folder);
    seals_open(&first, (struct secret){{0}}, path);
    seals_open(&second, (struct secret){{0}}, path);
    seal(&first, "p", VIEW("text"), &sealed);
    assert_true(opens(&second, "p", bytes_view(&sealed), VIEW("text")));
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing else stays behind */
    bytes_clear(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_comes_out_again),
        cmocka_unit_test(no_two_seals_are_alike),
        cmocka_unit_test(what_was_changed_does_not_open),
        cmocka_unit_test(the_frontends_of_a_host_share_what_the_first_has_made),
    };

    return cmocka_run_group_tests(tests, open_seals, NULL);
}
