/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, right and wrong. What is refused with which words is tested with the real processes.
 */
#include "base/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect(struct view got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.at ? got.at : "", want, got.len);
}

static void the_parts_of_an_address(void **state)
{
    static const struct {
        const char *text;
        const char *parts[6]; /* scheme, user, password, host, port, path */
    } cases[] = {
        {"https://host", {"https", "", "", "host", "", ""}},
        {"http://host:80/", {"http", "", "", "host", "80", "/"}},
        {"https://a.b-c.d_e:8443/x/y", {"https", "", "", "a.b-c.d_e", "8443", "/x/y"}},
        {"http://[::1]:8080/v1", {"http", "", "", "::1", "8080", "/v1"}},
        {"http://[2001:db8::1]", {"http", "", "", "2001:db8::1", "", ""}},
        {"socks5://u:p@h:1", {"socks5", "u", "p", "h", "1", ""}},
        {"socks5h://u@h:1", {"socks5h", "u", "", "h", "1", ""}},
        {"http://u:p:q@h:1", {"http", "u", "p:q", "h", "1", ""}},
        {"http://u:p@q@h:1", {"http", "u", "p@q", "h", "1", ""}},
        {"http://u:p@[::1]:1", {"http", "u", "p", "::1", "1", ""}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct url url;

        print_message("    %s\n", cases[i].text);
        assert_null(url_read(&url, view_of(cases[i].text)));
        expect(url.scheme, cases[i].parts[0]);
        expect(url.user, cases[i].parts[1]);
        expect(url.password, cases[i].parts[2]);
        expect(url.host, cases[i].parts[3]);
        expect(url.port, cases[i].parts[4]);
        expect(url.path, cases[i].parts[5]);
        assert_int_equal(url.has_user, *cases[i].parts[1] != '\0');
    }
}

static void what_is_no_address(void **state)
{
    static const char *const cases[] = {
        "",
        "http",
        ":",
        "http:",
        "http:/h",
        "://",
        "http://",
        "http://:80",
        "http://h:",
        "http://h:0",
        "http://h:8x",
        "http://h:65536",
        "http://[]",
        "http://[::1",
        "http://[h]",
        "http://::1",
        "http://[::1]x",
        "http://h:1:2",
        "http://.h",
        "http://-h",
        "http://h h",
        "http://h\r\n",
        "http://h/\n",
        "http://u:p@",
        "http://h%",
        "http://h\\evil",
        "http://h/\"",
        "http://\x80",
        "http://h:000080",
    };
    char longest[400] = "http://";
    struct url url;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("    %zu\n", i);
        assert_non_null(url_read(&url, view_of(cases[i])));
    }
    memset(longest + strlen(longest), 'h', 300);
    assert_non_null(url_read(&url, view_of(longest)));
}

/* Views need not end in a zero. */
static void nothing_is_read_behind_the_end(void **state)
{
    static const char text[] = "http://u:p@host:8080/path?q#f";
    struct url url;

    (void)state;
    for (size_t len = 0; len < sizeof(text); len++) {
        char copy[sizeof(text)];

        memset(copy, ':', sizeof(copy));
        memcpy(copy, text, len);
        url_read(&url, (struct view){copy, len});
        assert_true(url.path.len <= len && url.host.len <= len && url.port.len <= len);
        assert_true(!url.path.len || url.path.at + url.path.len <= copy + len);
    }
}

static void a_provider_and_a_proxy(void **state)
{
    (void)state;
    assert_null(url_base_fault(VIEW("https://host:1/some/prefix/v1beta/")));
    assert_non_null(url_base_fault(VIEW("socks5://host:1")));
    assert_non_null(url_base_fault(VIEW("https://u@host")));
    assert_non_null(url_base_fault(VIEW("https://host/?")));
    assert_null(url_proxy_fault(VIEW("http://host:1")));
    assert_null(url_proxy_fault(VIEW("https://u:p%2F@host:1/")));
    assert_null(url_proxy_fault(VIEW("socks5h://[::1]:1080")));
    assert_non_null(url_proxy_fault(VIEW("socks4://host:1")));
    assert_non_null(url_proxy_fault(VIEW("http://host")));
    assert_non_null(url_proxy_fault(VIEW("http://host:1/x")));
    assert_non_null(url_proxy_fault(VIEW("http://host:1?x")));
}

static void a_query_is_decoded(void **state)
{
    struct view query = VIEW("a=1&key=t%6fk+%&b"), name, value;
    struct bytes out = {0};

    (void)state;
    assert_true(url_query_next(&query, &name, &value));
    assert_true(url_query_next(&query, &name, &value));
    assert_true(view_equal(name, VIEW("key")));
    url_query_decode(value, &out);
    assert_string_equal(bytes_cstr(&out), "tok %");
    assert_true(url_query_next(&query, &name, &value));
    assert_int_equal(value.len, 0);
    assert_false(url_query_next(&query, &name, &value));
    bytes_clear(&out);
}

static void what_may_not_stand_in_a_query_is_escaped(void **state)
{
    struct bytes out = {0};

    (void)state;
    url_keep(&out, VIEW("a%26b c\r\n#"));
    assert_string_equal(bytes_cstr(&out), "a%26b%20c%0D%0A%23");
    out.len = 0;
    url_escape(&out, VIEW("a%26b/=&"));
    assert_string_equal(bytes_cstr(&out), "a%2526b%2F%3D%26");
    bytes_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_an_address),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(nothing_is_read_behind_the_end),
        cmocka_unit_test(a_provider_and_a_proxy),
        cmocka_unit_test(a_query_is_decoded),
        cmocka_unit_test(what_may_not_stand_in_a_query_is_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
