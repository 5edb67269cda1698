/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/tokens.h"

static struct secret allowed[] = {{VIEW("one")}, {VIEW("")}, {VIEW("two")}};
static const struct secret auth = {VIEW("three")}, none = {VIEW("")};
static struct tokens tokens;

static int open_three(void **state)
{
    (void)state;
    tokens = (struct tokens){0};
    tokens_open(&tokens, &(struct option_secrets){allowed, 3}, &auth);
    return 0;
}

static int close_tokens(void **state)
{
    (void)state;
    free(tokens.at);
    return 0;
}

static bool find(struct view text, uint64_t *client)
{
    struct token_facts facts = {0};
    bool is_found = tokens_find(&tokens, (struct secret){text}, &facts);

    *client = facts.client;
    return is_found;
}

static void only_the_administrators_is_one(void **state)
{
    struct token_facts facts = {0};

    (void)state;
    assert_true(tokens_find(&tokens, (struct secret){VIEW("two")}, &facts));
    assert_false(facts.is_admin);
    assert_true(tokens_find(&tokens, (struct secret){VIEW("three")}, &facts));
    assert_true(facts.is_admin);
}

static void each_token_is_known_and_no_other(void **state)
{
    uint64_t client = 0;

    (void)state;
    assert_int_equal(tokens.count, 3);
    assert_true(find(VIEW("one"), &client));
    assert_true(find(VIEW("two"), &client));
    assert_true(find(VIEW("three"), &client));
    assert_false(find(VIEW("four"), &client));
    assert_false(find(VIEW("on"), &client));
    assert_false(find(VIEW("onee"), &client));
    assert_false(find(VIEW("ONE"), &client));
}

static void an_empty_token_is_never_right(void **state)
{
    uint64_t client = 0;

    (void)state;
    assert_false(find(VIEW(""), &client));
    tokens.count = 0;
    tokens_open(&tokens, &(struct option_secrets){allowed + 1, 1}, &none);
    assert_int_equal(tokens.count, 0);
    assert_false(find(VIEW(""), &client));
}

static void clients_differ_by_their_tokens(void **state)
{
    uint64_t one = 0, two = 0, again = 0;

    (void)state;
    find(VIEW("one"), &one);
    find(VIEW("two"), &two);
    find(VIEW("one"), &again);
    assert_true(one != two);
    assert_true(one == again);
    assert_true(one == 0x7692c3ad3540bb80); /* the beginning of its SHA-256 */
}

static void a_bearer_is_taken_out_of_its_header(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"Bearer tok", "tok"},
        {"bearer   tok  ", "tok"},
        {"BEARER a b", "a b"},
        {"Bearer ", ""},
        {"Bearer", ""},
        {"Basic tok", ""},
        {"", ""},
        {"tok", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_true(view_equal(tokens_bearer(view_of(cases[i].value)), view_of(cases[i].want)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_three, close_tokens)
    static const struct CMUnitTest tests[] = {
        TEST(each_token_is_known_and_no_other),    TEST(only_the_administrators_is_one),
        TEST(an_empty_token_is_never_right),       TEST(clients_differ_by_their_tokens),
        TEST(a_bearer_is_taken_out_of_its_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
