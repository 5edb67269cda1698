/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in texts. */
#include "provider/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void keys_are_masked_and_words_are_not(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", ""},
        {"nothing here", "nothing here"},
        {"sk-my.secret", "[key]"},
        {"xsk-my.secretx", "x[key]x"},
        {"sk-my.secretsk-my.secret", "[key][key]"},
        {"sk-my.secre", "sk-my.secre"},
        {"Consumer 'api_key:AIzaSyA1234567890_-b' has", "Consumer 'api_key:[key]' has"},
        {"key AIzaSyA1234567890_-b.", "key [key]"},
        {"key AIzaSyA1234567890_-b, and", "key [key], and"},
        {"an AIza is short", "an AIza is short"},
        {"AQ.Ab8RN6Lmno_pq-rs", "[key]"},
        {"the FAQ. Please", "the FAQ. Please"},
        {"http://h/m?key=abcdefgh&alt=sse", "http://h/m?key=[key]&alt=sse"},
        {"monkey=banana", "monkey=banana"},
        {"api_key:", "api_key:"},
    };
    struct secret key = {VIEW("sk-my.secret")};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes out = {0};

        mask_keys(&out, view_of(cases[i].in), key);
        assert_string_equal(bytes_cstr(&out), cases[i].want);
        bytes_clear(&out);
    }
}

static void without_a_key_in_use_shapes_are_still_masked(void **state)
{
    struct bytes out = {0};

    (void)state;
    mask_keys(&out, VIEW("AIzaSyA1234567890 x"), (struct secret){{0}});
    assert_string_equal(bytes_cstr(&out), "[key] x");
    bytes_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_masked_and_words_are_not),
        cmocka_unit_test(without_a_key_in_use_shapes_are_still_masked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
