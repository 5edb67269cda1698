/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths are pages: those that were packed into the program, and nothing else. */
#include "cases.h"

#include "pages.h"

static bool is_page(const char *format, struct page *page)
{
    struct bytes path = {0};
    bool found;

    bytes_printf(&path, format, pages_version());
    found = pages_find(bytes_view(&path), page);
    bytes_clear(&path);
    return found;
}

static void the_page_names_what_it_needs_by_lasting_addresses(void **state)
{
    struct bytes text = {0};
    struct page page;
    char *at, *end;
    size_t count = 0;

    (void)state;
    assert_true(pages_find(VIEW("/"), &page));
    assert_false(page.is_lasting);
    expect_text("type", page.type, "text/html; charset=utf-8");
    pages_unpack(&page, &text);
    assert_int_equal(text.len, page.size);
    assert_true(view_starts(bytes_view(&text), VIEW("<!doctype html>")));
    bytes_cstr(&text);
    for (at = text.at; (at = strstr(at, "=\"/a/")) != NULL; at = end, count++) {
        end = strchr(at + 2, '"');
        assert_true(pages_find((struct view){at + 2, (size_t)(end - at) - 2}, &page));
        assert_true(page.is_lasting);
    }
    assert_true(count >= 2);
    bytes_clear(&text);
}

static void nothing_else_is_a_page(void **state)
{
    static const char *const none[] = {
        "/a/%s",
        "/a/%s/",
        "/a/%s/index.html",
        "/a/%sx/vendor/uplot.js",
        "/a/%s/../vendor/uplot.js",
        "/a/%s/vendor//uplot.js",
        "/a/%s/vendor",
        "/a/%s//etc/passwd",
        "/a/%s/VENDOR/uplot.js",
        "/a/%s/package.json",
    };
    struct page page;

    (void)state;
    assert_true(is_page("/a/%s/vendor/uplot.js", &page));
    expect_text("type", page.type, "text/javascript; charset=utf-8");
    assert_true(is_page("/a/%s/vendor/uplot.css", &page));
    for (size_t i = 0; i < COUNT_OF(none); i++)
        if (is_page(none[i], &page))
            fail_msg("%s is a page", none[i]);
    assert_false(pages_find(VIEW("/a/0000000000000000/vendor/uplot.js"), &page));
    assert_false(pages_find(VIEW("/index.html"), &page));
    assert_false(pages_find(VIEW(""), &page));
}

static void old_bookmarks_lead_to_our_pages(void **state)
{
    (void)state;
    expect_text("/keys", pages_moved(VIEW("/keys")), "/#/keys");
    expect_text("/config", pages_moved(VIEW("/config")), "/#/settings");
    expect_text("/logs", pages_moved(VIEW("/logs")), "/#/errors");
    expect_text("/auth", pages_moved(VIEW("/auth")), "/#/login");
    assert_null(pages_moved(VIEW("/keys/")));
    assert_null(pages_moved(VIEW("/")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_names_what_it_needs_by_lasting_addresses),
        cmocka_unit_test(nothing_else_is_a_page),
        cmocka_unit_test(old_bookmarks_lead_to_our_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
