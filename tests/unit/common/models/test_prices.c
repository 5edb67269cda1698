/* SPDX-License-Identifier: Apache-2.0 */
/* What models cost, by the list and by the operator's word. */
#include "cases.h"

#include "models/prices.h"
#include "settings/settings.h"

static const struct {
    const char *told, *model;
    struct price_tokens tokens;
    int64_t cost; /* in 10^-12 dollars; -1: nobody knows */
} cases[] = {
    {"{}", "gemini-2.5-flash", {.in = 1000000}, 300000000000},
    {"{}", "gemini-2.5-flash-preview-09-2025", {.out = 1000000}, 2500000000000},
    {"{}", "gemini-2.5-flash-lite", {.thoughts = 10}, 4000000},
    {"{}", "gemini-2.5-pro", {.in = 200000}, 250000000000},
    {"{}",
     "gemini-2.5-pro",
     {.in = 200001, .out = 1, .thoughts = 1},
     200001LL * 2500000 + 30000000},
    {"{}", "gemini-2.5-flash", {.in = 100, .cached = 40}, 60 * 300000 + 40 * 30000},
    {"{}", "gemini-2.5-flash", {.in = 100, .cached = 400}, 100 * 30000},
    {"{}", "gemma-3-27b-it", {.in = 100}, 0},
    {"{}", "my-model", {.in = 100}, -1},
    {"{\"my-*\":{\"in\":0.000001}}", "my-model", {.in = 100, .cached = 100}, 100},
    {"{\"my-*\":{\"in\":1,\"out\":2}}", "my-model", {.thoughts = 3}, 6000000},
    {"{\"my-*\":{\"out\":2,\"thoughts\":1}}", "my-model", {.out = 1, .thoughts = 3}, 5000000},
    {"{\"my-*\":{\"in\":1,\"long_in\":3}}", "my-model", {.in = 200001}, 200001LL * 3000000},
    {"{\"gemini-2.5-flash\":{}}", "gemini-2.5-flash", {.in = 100}, 0},
};

static void what_tokens_cost(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct price price;
        int64_t cost = -1;

        settings_mine()->model_prices = cases[i].told;
        if (price_of(view_of(cases[i].model), &price))
            cost = (int64_t)price_cost(&price, &cases[i].tokens);
        if (cost != cases[i].cost)
            fail_msg("%s, case %zu: %lld", cases[i].model, i, (long long)cost);
    }
    settings_mine()->model_prices = "{}";
}

static void the_most_that_there_can_be_fits(void **state)
{
    struct price_tokens tokens = {.in = UINT64_MAX, .out = UINT64_MAX, .thoughts = UINT64_MAX};
    struct price price;

    (void)state;
    settings_mine()->model_prices = "{\"*\":{\"in\":1000,\"out\":1000,\"cached\":1000}}";
    assert_true(price_of(VIEW("m"), &price));
    assert_true(price_cost(&price, &tokens) == UINT64_C(1000000000) * UINT32_MAX * 3);
    settings_mine()->model_prices = "{}";
}

static void what_is_no_price_is_complained_of(void **state)
{
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"", NULL},
        {"{}", NULL},
        {"{\"m\":{\"in\":0.5,\"long_cached\":2}}", NULL},
        {"[]", "should be a JSON object of 256 models at most"},
        {"{\"m\":1}", "what is said of m should be a JSON object"},
        {"{\"m\":{\"in\":-1}}", "in of m should be US dollars for a million tokens"},
        {"{\"m\":{\"in\":1001}}", "in of m should be US dollars for a million tokens"},
        {"{\"m\":{\"in\":\"1\"}}", "in of m should be US dollars for a million tokens"},
        {"{\"m\":{\"tea\":1}}", "tea, which is said of m, is no price: in, out, cached, thoughts, "
                                "long_in, long_out and long_cached are"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct bytes why = {0};
        bool is_wrong = prices_are_wrong(view_of(wrong[i].text), &why);

        assert_int_equal(is_wrong, wrong[i].why != NULL);
        expect_text(wrong[i].text, bytes_cstr(&why), wrong[i].why ? wrong[i].why : "");
        bytes_clear(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_tokens_cost),
        cmocka_unit_test(the_most_that_there_can_be_fits),
        cmocka_unit_test(what_is_no_price_is_complained_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
