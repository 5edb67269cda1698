/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures in Markdown are found, and no byte is lost or looked at too often. */
#include "frontend/dialect_test.h"

#include "openai/chat/markdown.h"

#define URL "data:image/png;base64,QQ=="

/* The text with [before|url] for each picture. */
static void split(struct view text, struct bytes *out)
{
    struct view before, url;

    while (markdown_picture(&text, &before, &url))
        bytes_printf(out, "<%.*s|%.*s>", (int)before.len, before.at, (int)url.len, url.at);
    bytes_append(out, text);
    bytes_cstr(out);
}

static void pictures_are_told_from_text(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"", ""},
        {"![", "!["},
        {"text", "text"},
        {"![cat](" URL ")", "<|" URL ">"},
        {"![](" URL ")", "<|" URL ">"},
        {"a ![cat](" URL ") b", "<a |" URL "> b"},
        {"![a](" URL ")![b](" URL ")", "<|" URL "><|" URL ">"},
        {"![a](https://example.org/)![b](" URL ")", "<![a](https://example.org/)|" URL ">"},
        {"[a](" URL ")", "[a](" URL ")"},
        {"[![a](" URL ")](https://example.org/)", "<[|" URL ">](https://example.org/)"},
        {"!\n[a](" URL ")", "!\n[a](" URL ")"},
        {"![a\nb](" URL ")", "![a\nb](" URL ")"},
        {"![a]b](" URL ")", "![a]b](" URL ")"},
        {"![a](" URL, "![a](" URL},
        {"![a](" URL " \"title\")", "![a](" URL " \"title\")"},
        {"](" URL ")", "](" URL ")"},
        {"![a](data:text/plain,x)", "![a](data:text/plain,x)"},
        {"![a](" URL "![b](" URL ")", "<![a](" URL "|" URL ">"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes out = {0};

        split(view_of(cases[i].in), &out);
        expect_text(cases[i].in, bytes_cstr(&out), cases[i].want);
        bytes_clear(&out);
    }
}

static void a_name_has_an_end(void **state)
{
    struct bytes text = {0}, out = {0};

    (void)state;
    bytes_text(&text, "![");
    memset(bytes_room(&text, 300), 'a', 300);
    text.len += 300;
    bytes_text(&text, "](" URL ")");
    split(bytes_view(&text), &out);
    assert_true(view_equal(bytes_view(&text), bytes_view(&out)));
    bytes_clear(&text);
    bytes_clear(&out);
}

/* Clients choose the text: twice as much may take twice as long, not four times. */
static void very_many_that_are_none_take_no_longer_than_their_length(void **state)
{
    static const char *const ones[] = {"](data:image/png;base64,", "![a](data:image/",
                                       "![a](" URL ")", "!["};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ones); i++) {
        struct bytes text = {0};
        struct view rest, before, url;
        size_t found = 0;

        for (int k = 0; k < 300000; k++)
            bytes_text(&text, ones[i]);
        bytes_text(&text, ")");
        rest = bytes_view(&text);
        while (markdown_picture(&rest, &before, &url))
            found++;
        assert_int_equal(found, i == 2 ? 300000 : i == 1);
        bytes_clear(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_told_from_text),
        cmocka_unit_test(a_name_has_an_end),
        cmocka_unit_test(very_many_that_are_none_take_no_longer_than_their_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
