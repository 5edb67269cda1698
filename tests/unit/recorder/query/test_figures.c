/* SPDX-License-Identifier: Apache-2.0 */
/* Money, percentiles and tallies: what pages show of what the tables say. */
#include "cases.h"

#include "query/figures.h"

static void money_comes_out_as_it_went_in(void **state)
{
    static const struct {
        const char *in, *out;
        uint64_t cost;
    } cases[] = {
        {"0.000126650000", "0.00012665", 126650000},
        {"0", "0", 0},
        {"12", "12", 12000000000000},
        {"12.50", "12.5", 12500000000000},
        {"0.000000000001", "0.000000000001", 1},
        {"0.0000000000019", "0.000000000001", 1}, /* smaller ones there are not */
        {"", "0", 0},
        {"NULL", "0", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes text = {0};

        assert_true(cost_read(view_of(cases[i].in)) == cases[i].cost);
        cost_write(&text, cases[i].cost);
        expect_text(cases[i].in, bytes_cstr(&text), cases[i].out);
        bytes_clear(&text);
    }
}

static void percentiles_are_those_of_the_sum(void **state)
{
    struct histogram histogram = {0};
    struct bytes json = {0};

    (void)state;
    histogram_write(&histogram, &json);
    assert_string_equal(bytes_cstr(&json), "{\"p50\":null,\"p95\":null}");
    histogram_add(&histogram, VIEW("26:90"));
    histogram_add(&histogram, VIEW("40:9,71:1,72:5,999:1"));
    assert_int_equal(histogram.count, 100);
    assert_int_equal((int)histogram_percentile(&histogram, 50), 98); /* 90.5 to 107.6 ms */
    assert_int_equal((int)histogram_percentile(&histogram, 90), 98);
    assert_int_equal((int)histogram_percentile(&histogram, 91), 1116);
    assert_int_equal((int)histogram_percentile(&histogram, 100), 240387);
    json.len = 0;
    percentile_write(&histogram, 95, &json);
    assert_string_equal(bytes_cstr(&json), "1116.7");
    histogram_add(&histogram, VIEW("nonsense"));
    assert_true(histogram.count >= 100);
    bytes_clear(&json);
}

static struct tally tally_of(const char *text)
{
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    struct tally tally = {0};

    tally_add(&tally, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return tally;
}

static void what_is_neither_answered_nor_its_clients_fault_is_lost(void **state)
{
    static const struct {
        const char *row, *member;
    } cases[] = {
        {"{\"calls\":10,\"answered\":7,\"client_fault\":1}", "\"lost\":2,"},
        {"{\"calls\":10,\"answered\":7,\"client_fault\":1}", "\"success\":0.777778,"},
        {"{\"calls\":1,\"answered\":2}", "\"lost\":0,"},
        {"{}", "\"success\":null,"},
        {"{}", "\"cost_usd\":\"0\""},
        {"{\"unpriced\":1}", "\"cost_usd\":null"},
        {"{\"unpriced\":1,\"cost\":\"0.5\"}", "\"cost_usd\":\"0.5\""},
        {"{\"tokens_in\":1,\"tokens_cached\":1,\"tokens_out\":2,\"tokens_thoughts\":4}",
         "\"tokens\":7,"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tally tally = tally_of(cases[i].row);
        struct bytes json = {0};

        tally_write(&tally, &json);
        if (!strstr(bytes_cstr(&json), cases[i].member))
            fail_msg("%s: %s is not in %s", cases[i].row, cases[i].member, bytes_cstr(&json));
        bytes_clear(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_comes_out_as_it_went_in),
        cmocka_unit_test(percentiles_are_those_of_the_sum),
        cmocka_unit_test(what_is_neither_answered_nor_its_clients_fault_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
