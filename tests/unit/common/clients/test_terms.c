/* SPDX-License-Identifier: Apache-2.0 */
/* Whose token it is, what it may, and amounts of money as they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clients/terms.h"

static struct terms make(void)
{
    struct terms terms = {0};
    struct bytes json = {0}, old = {0}, fresh = {0};

    token_hash((struct secret){VIEW("old")}, &old);
    token_hash((struct secret){VIEW("new")}, &fresh);
    bytes_printf(&json,
                 "[{\"id\":\"00000000000000aa\",\"hash\":\"%s\",\"old_hash\":\"%s\","
                 "\"old_until\":1000,\"models\":[\"gemini-2.5-*\"]},"
                 "{\"id\":\"00000000000000bb\",\"hash\":\"short\"},{\"hash\":\"%s\"},7]",
                 bytes_cstr(&fresh), bytes_cstr(&old), bytes_cstr(&old));
    assert_true(terms_take(&terms, 3, bytes_view(&json)));
    bytes_clear(&json);
    bytes_clear(&old);
    bytes_clear(&fresh);
    return terms;
}

static void a_token_is_whose_hash_it_has(void **state)
{
    struct terms terms = make();

    (void)state;
    assert_int_equal(terms.count, 1); /* what cannot be read lets nobody in */
    assert_ptr_equal(terms_of_token(&terms, (struct secret){VIEW("new")}, 5000), &terms.at[0]);
    assert_ptr_equal(terms_of_token(&terms, (struct secret){VIEW("old")}, 999), &terms.at[0]);
    assert_null(terms_of_token(&terms, (struct secret){VIEW("old")}, 1000));
    assert_null(terms_of_token(&terms, (struct secret){VIEW("")}, 0));
    assert_ptr_equal(terms_find(&terms, 0xaa), &terms.at[0]);
    assert_null(terms_find(&terms, 0xbb));
    assert_false(terms_take(&terms, 4, VIEW("{}")));
    assert_int_equal(terms.version, 3);
    terms_clear(&terms);
}

static void models_are_names_or_patterns(void **state)
{
    struct terms terms = make();

    (void)state;
    assert_true(terms_allow(&terms.at[0], VIEW("gemini-2.5-pro")));
    assert_false(terms_allow(&terms.at[0], VIEW("gemini-2.0-flash")));
    assert_true(terms_allow(&terms.at[0], VIEW("")));
    terms.at[0].models = NULL;
    assert_true(terms_allow(&terms.at[0], VIEW("any")));
    terms_clear(&terms);
}

static void dollars_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
        uint64_t cost;
    } cases[] = {
        {"0", true, 0},
        {"1", true, 1000000000000ull},
        {"2.50", true, 2500000000000ull},
        {"0.000000000001", true, 1},
        {"1000000", true, 1000000000000000000ull},
        {"1000001", false, 0},
        {"0.0000000000001", false, 0},
        {"", false, 0},
        {".5", false, 0},
        {"1.2.3", false, 0},
        {"-1", false, 0},
        {"1e3", false, 0},
        {"99999999999999999999", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t cost;

        if (dollars_read(view_of(cases[i].text), &cost) != cases[i].is_good)
            fail_msg("%s", cases[i].text);
        if (cases[i].is_good)
            assert_true(cost == cases[i].cost);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_whose_hash_it_has),
        cmocka_unit_test(models_are_names_or_patterns),
        cmocka_unit_test(dollars_are_read_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
