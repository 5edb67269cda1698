/* SPDX-License-Identifier: Apache-2.0 */
/* How an answer is cut into events, and what its usage adds up to. */
#include "answer.h"

#include "tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct model model = {.name = "m", .kind = MODEL_TEXT};

static struct answer make(const struct candidate *candidates, int count, int64_t chunks)
{
    return (struct answer){.model = &model,
                           .count = count,
                           .candidates = candidates,
                           .chunks = chunks,
                           .prompt_tokens = 10,
                           .input = {10},
                           .tier = span_of("standard")};
}

static void slices_join_to_the_text_and_cut_no_character(void **state)
{
    const struct candidate c = {span_of("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82z\xc3\xb6"),
                                span_of("STOP")};
    char joined[64];

    (void)state;
    for (int64_t chunks = 1; chunks < 30; chunks++) {
        struct answer a = make(&c, 1, chunks);
        size_t len = 0;
        for (int64_t i = 0; i < chunks; i++) {
            struct span slice = answer_slice(&a, 0, i);
            assert_true(slice.len == 0 || ((unsigned char)slice.at[0] & 0xc0) != 0x80);
            memcpy(joined + len, slice.at, slice.len);
            len += slice.len;
            assert_int_equal(answer_bytes(&a, 0, i + 1), len);
        }
        assert_int_equal(len, c.text.len);
        assert_memory_equal(joined, c.text.at, len);
    }
}

static void candidates_take_turns(void **state)
{
    const struct candidate c[3] = {{span_of("abcd"), span_of("STOP")}};
    struct answer a = make(c, 3, 2);

    (void)state;
    a.thoughts = 1;
    assert_int_equal(answer_events(&a), 9);
    struct progress first = answer_progress(&a, 4, 0);
    struct progress second = answer_progress(&a, 4, 1);
    assert_int_equal(first.thoughts + first.chunks, 2);
    assert_int_equal(second.thoughts, 1);
    assert_int_equal(second.chunks, 0);
}

static int64_t number_in(yyjson_val *usage, const char *name)
{
    return yyjson_get_sint(yyjson_obj_get(usage, name));
}

static int64_t sum_in(yyjson_val *usage, const char *name)
{
    int64_t sum = 0;
    size_t i, count;
    yyjson_val *detail;

    yyjson_arr_foreach(yyjson_obj_get(usage, name), i, count, detail)
    {
        sum += number_in(detail, "tokenCount");
    }
    return sum;
}

static void usage_adds_up_after_every_event(void **state)
{
    const struct candidate c[2] = {{span_of("abcdefgh"), span_of("STOP")},
                                   {span_of("ij"), span_of("STOP")}};
    struct answer a = make(c, 2, 3);

    (void)state;
    a.thoughts = 2;
    a.hidden_tokens = 5;
    a.tool_tokens = 3;
    a.cached_tokens = 4;
    for (int64_t events = 0; events <= answer_events(&a); events++) {
        struct text out = {0};
        struct json j = {.out = &out};
        json_open(&j, '{');
        usage_write(&j, &a, events, false);
        json_close(&j, '}');
        yyjson_doc *doc = yyjson_read(out.at, out.len, 0);
        yyjson_val *usage = yyjson_obj_get(yyjson_doc_get_root(doc), "usageMetadata");
        assert_non_null(usage);
        assert_int_equal(number_in(usage, "totalTokenCount"),
                         10 + number_in(usage, "candidatesTokenCount") +
                             number_in(usage, "thoughtsTokenCount") + 3);
        assert_int_equal(sum_in(usage, "promptTokensDetails"), 10);
        assert_int_equal(sum_in(usage, "candidatesTokensDetails"),
                         number_in(usage, "candidatesTokenCount"));
        assert_int_equal(sum_in(usage, "cacheTokensDetails"), 4);
        yyjson_doc_free(doc);
        text_clear(&out);
    }
}

static void examples_fit_their_schemas(void **state)
{
    static const struct {
        const char *schema;
        const char *want;
    } cases[] = {
        {"{}", "null"},
        {"{\"type\":\"STRING\"}", "\"text\""},
        {"{\"type\":[\"null\",\"boolean\"]}", "true"},
        {"{\"enum\":[\"x\",\"y\"]}", "\"x\""},
        {"{\"properties\":{\"a\":{\"type\":\"number\"}}}", "{\"a\":1.5}"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":7}}", "[7]"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"null\"},"
         "\"minItems\":2},\"minItems\":2}",
         "[[null,null],[null,null]]"},
        {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"const\":{\"b\":[]}}}}", "{\"b\":[]}"},
        {"{\"$ref\":\"#/nowhere\"}", "null"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        yyjson_doc *doc = yyjson_read(cases[i].schema, strlen(cases[i].schema), 0);
        struct text out = {0};
        tool_put_example(&out, yyjson_doc_get_root(doc));
        text_add(&out, "", 1);
        assert_string_equal(out.at, cases[i].want);
        text_clear(&out);
        yyjson_doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_join_to_the_text_and_cut_no_character),
        cmocka_unit_test(candidates_take_turns),
        cmocka_unit_test(usage_adds_up_after_every_event),
        cmocka_unit_test(examples_fit_their_schemas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
