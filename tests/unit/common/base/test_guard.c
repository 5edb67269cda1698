/* SPDX-License-Identifier: Apache-2.0 */
/* Who may be asked for a stranger: each network's first and last address, and those beside it. */
#include "base/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sockaddr_storage address_of(const char *text, unsigned port)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;

    if (strchr(text, ':')) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
    } else {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        assert_int_equal(inet_pton(AF_INET, text, &four->sin_addr), 1);
    }
    return storage;
}

static bool is_public(const char *text)
{
    struct sockaddr_storage address = address_of(text, 443);

    return guard_is_public((const struct sockaddr *)&address);
}

static void addresses_that_not_everybody_reaches_are_not_public(void **state)
{
    static const char *const addresses[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.0",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.192",
        "192.0.0.255",
        "192.0.2.0",
        "192.0.2.255",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.0",
        "198.51.100.255",
        "203.0.113.0",
        "203.0.113.255",
        "224.0.0.0",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001::1",
        "2001:0:53aa:64c:0:0:f5ff:fffd",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2001:db8:ffff::1",
        "2002::1",
        "2002:7f00:1::1",
        "2002:ffff::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "4000::",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fdff::1",
        "fe00::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(addresses); i++)
        if (is_public(addresses[i]))
            fail_msg("%s should not be public", addresses[i]);
}

static void addresses_beside_those_are_public(void **state)
{
    static const char *const addresses[] = {
        "1.0.0.0",        "8.8.8.8",        "9.255.255.255",        "11.0.0.0",
        "100.63.255.255", "100.128.0.0",    "126.255.255.255",      "128.0.0.0",
        "168.63.129.15",  "168.63.129.17",  "169.253.255.255",      "169.255.0.0",
        "172.15.255.255", "172.32.0.0",     "191.255.255.255",      "192.0.1.0",
        "192.0.3.0",      "192.88.98.255",  "192.88.100.0",         "192.167.255.255",
        "192.169.0.0",    "198.17.255.255", "198.20.0.0",           "198.51.99.255",
        "198.51.101.0",   "203.0.112.255",  "203.0.114.0",          "223.255.255.255",
        "2000::1",        "2001:200::1",    "2001:4860:4860::8888", "2001:db7::1",
        "2001:db9::1",    "2003::1",        "2606:4700::1111",      "3ffe::1",
        "3fff:1000::1",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(addresses); i++)
        if (!is_public(addresses[i]))
            fail_msg("%s should be public", addresses[i]);
}

static void other_kinds_of_addresses_are_refused(void **state)
{
    static const struct guard guard;
    struct sockaddr_storage address = {.ss_family = AF_UNIX};

    (void)state;
    assert_false(guard_is_public((const struct sockaddr *)&address));
    assert_non_null(guard_refuses(&guard, VIEW("x"), (const struct sockaddr *)&address));
}

static void what_is_allowed_besides(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "10.1.0.0/16",  "Intern.example",
                                        "::1",       "64:ff9b::/96", "172.16.0.0/13"};
    static const char *const ports[] = {"80", "443"};
    static const struct guard guard = {hosts, COUNT(hosts), ports, COUNT(ports)};
    static const struct {
        const char *host, *address;
        unsigned port;
        const char *refusal;
    } cases[] = {
        {"example.org", "8.8.8.8", 443, NULL},
        {"example.org", "8.8.8.8", 80, NULL},
        {"example.org", "8.8.8.8", 8080, "its port is not allowed"},
        {"example.org", "8.8.8.8", 22, "its port is not allowed"},
        {"example.org", "127.0.0.2", 443, "private address"},
        {"127.1", "127.0.0.1", 9999, NULL},
        {"evil.example", "127.0.0.1", 9999, NULL}, /* the address is allowed, whatever its name */
        {"x", "10.1.255.255", 81, NULL},
        {"x", "10.2.0.0", 80, "private address"},
        {"x", "172.23.255.255", 80, NULL},
        {"x", "172.24.0.0", 80, "private address"},
        {"intern.EXAMPLE", "192.168.7.7", 8080, NULL},
        {"intern.example.org", "192.168.7.7", 80, "private address"},
        {"x.intern.example", "192.168.7.7", 80, "private address"},
        {"x", "::1", 1, NULL},
        {"x", "::2", 80, "private address"},
        {"x", "::ffff:127.0.0.1", 80, "private address"},
        {"x", "64:ff9b::8.8.8.8", 80, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockaddr_storage address = address_of(cases[i].address, cases[i].port);
        const char *got =
            guard_refuses(&guard, view_of(cases[i].host), (const struct sockaddr *)&address);

        if (!got != !cases[i].refusal || (got && strcmp(got, cases[i].refusal) != 0))
            fail_msg("%s at %s:%u: %s", cases[i].host, cases[i].address, cases[i].port,
                     got ? got : "allowed");
    }
}

static void addresses_of_the_web_as_they_are_asked_for(void **state)
{
    static const char user[] = "it has a user or password in it";
    static const char other[] = "it is no http or https address";
    static const struct {
        const char *text, *want, *fault;
    } cases[] = {
        {"https://host/a.png", "https://host/a.png", NULL},
        {" http://host \n", "http://host", NULL},
        {"HTTPS://Host:8443/?a=b#c", "HTTPS://Host:8443/?a=b", NULL},
        {"https://host/ä b{}.png", "https://host/%C3%A4%20b%7B%7D.png", NULL},
        {"https://host/a%20b", "https://host/a%20b", NULL},
        {"http://[::1]:80/x", "http://[::1]:80/x", NULL},
        {"http://2130706433/", "http://2130706433/", NULL},
        {"https://user@host/", NULL, user},
        {"https://user:secret@host/", NULL, user},
        {"https://good\\@evil/", NULL, user},
        {"https://good/\r\nHost: evil", "https://good/%0D%0AHost:%20evil", NULL},
        {"https://hö.example/", NULL, other},
        {"https://", NULL, other},
        {"https:///x", NULL, other},
        {"https:host/x", NULL, other},
        {"https://host:0/", NULL, other},
        {"https://host:99999/", NULL, other},
        {"https://host:80x/", NULL, other},
        {"https://[::1/", NULL, other},
        {"ftp://host/x", NULL, other},
        {"file:///etc/passwd", NULL, other},
        {"gopher://host/", NULL, other},
        {"", NULL, other},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes out = {0};
        const char *fault = guard_url_write(view_of(cases[i].text), &out);
        const char *got = fault ? fault : bytes_cstr(&out);

        if (strcmp(got, cases[i].fault ? cases[i].fault : cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].text, got);
        assert_true(!fault || !out.len);
        bytes_clear(&out);
    }
}

static void a_long_address_is_refused(void **state)
{
    struct bytes text = {0}, out = {0};

    (void)state;
    bytes_text(&text, "https://host/");
    while (text.len < GUARD_URL_MOST)
        bytes_text(&text, "a");
    assert_null(guard_url_write(bytes_view(&text), &out));
    out.len = 0;
    bytes_text(&text, "a");
    assert_string_equal(guard_url_write(bytes_view(&text), &out), "it is too long");
    text.len -= 2000;
    memset(text.at + 13, ' ', text.len - 13);
    text.at[text.len - 1] = 'a'; /* each space becomes three characters */
    text.at[13] = 'a';
    assert_string_equal(guard_url_write(bytes_view(&text), &out), "it is too long");
    assert_int_equal(out.len, 0);
    bytes_clear(&text);
    bytes_clear(&out);
}

static void addresses_are_shown_without_secrets(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"https://host/a.png?sig=secret", "https://host/a.png"},
        {"https://user:secret@host/a#secret", "https://host/a"},
        {"https://a@secret@host", "https://host"},
        {"https://host/a@b", "https://host/a@b"},
        {"https://host?secret", "https://host"},
        {"user:secret@host", "host"},
        {"", ""},
        {"https://host/<b>", "https://host/%3Cb%3E"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes out = {0};

        guard_url_show(view_of(cases[i].text), &out);
        assert_string_equal(bytes_cstr(&out), cases[i].want);
        bytes_clear(&out);
    }
}

static void entries_of_the_settings(void **state)
{
    static const char *const good[] = {"example.org", "127.0.0.1", "10.0.0.0/8", "::1",
                                       "fc00::/7",    "0.0.0.0/0", "a_b-c.d"};
    static const char *const bad[] = {"",       "*.example.org", "10.0.0.0/33", "10.0.0/8",
                                      "::/129", "::1/",          "http://x",    "a b",
                                      "[::1]",  "1.2.3.4/x",     "x/8"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_null(guard_host_fault(view_of(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (!guard_host_fault(view_of(bad[i])))
            fail_msg("%s was taken", bad[i]);
    assert_null(guard_port_fault(VIEW("1")));
    assert_null(guard_port_fault(VIEW("65535")));
    assert_non_null(guard_port_fault(VIEW("0")));
    assert_non_null(guard_port_fault(VIEW("65536")));
    assert_non_null(guard_port_fault(VIEW("80a")));
    assert_non_null(guard_port_fault(VIEW("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_not_everybody_reaches_are_not_public),
        cmocka_unit_test(addresses_beside_those_are_public),
        cmocka_unit_test(other_kinds_of_addresses_are_refused),
        cmocka_unit_test(what_is_allowed_besides),
        cmocka_unit_test(addresses_of_the_web_as_they_are_asked_for),
        cmocka_unit_test(a_long_address_is_refused),
        cmocka_unit_test(addresses_are_shown_without_secrets),
        cmocka_unit_test(entries_of_the_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
