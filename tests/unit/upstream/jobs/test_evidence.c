/* SPDX-License-Identifier: Apache-2.0 */
/* What the error log keeps of a request: words, but neither keys nor data. */
#include "cases.h"

#include <stdlib.h>

#include "jobs/evidence.h"

static const struct secret key = {{"secret-of-ours", 14}};

static struct bytes written(struct view body)
{
    struct bytes out = {0};

    evidence_write(&out, body, key);
    bytes_cstr(&out);
    return out;
}

static void words_stay_and_keys_go(void **state)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        {"", ""},
        {"{\"text\":\"Hello, world\"}", "{\"text\":\"Hello, world\"}"},
        {"{\"text\":\"use secret-of-ours\"}", "{\"text\":\"use [key]\"}"},
        {"{\"text\":\"AIzaSyABCDEFGHIJKLMNOPQRSTUVWXYZ012345\"}", "{\"text\":\"[key]\"}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes out = written(view_of(cases[i].body));

        expect_text(cases[i].body, bytes_cstr(&out), cases[i].want);
        bytes_clear(&out);
    }
}

static void data_is_cut_out_and_what_follows_is_kept(void **state)
{
    struct bytes body = {0}, out;

    (void)state;
    bytes_text(&body, "{\"data\":\"");
    for (int i = 0; i < 100000; i++)
        bytes_text(&body, i % 3 ? "Ab" : "+\\/");
    bytes_text(&body, "\",\"text\":\"what is this?\"}");
    out = written(bytes_view(&body));
    expect_text("data", bytes_cstr(&out),
                "{\"data\":\"+\\/AbAb+\\/AbAb+\\[233318 bytes]\",\"text\":\"what is this?\"}");
    bytes_clear(&body);
    bytes_clear(&out);
}

static void the_rest_of_a_long_one_is_left_out(void **state)
{
    struct bytes body = {0}, out;

    (void)state;
    for (int i = 0; i < 5000; i++)
        bytes_text(&body, "many words ");
    out = written(bytes_view(&body));
    assert_int_equal(out.len, EVIDENCE_MOST);
    bytes_clear(&out);
    /* a key at the border is masked before the cut */
    body.len = EVIDENCE_MOST - 5;
    bytes_text(&body, "secret-of-ours");
    out = written(bytes_view(&body));
    assert_null(strstr(bytes_cstr(&out), "secr"));
    bytes_clear(&body);
    bytes_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stay_and_keys_go),
        cmocka_unit_test(data_is_cut_out_and_what_follows_is_kept),
        cmocka_unit_test(the_rest_of_a_long_one_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
