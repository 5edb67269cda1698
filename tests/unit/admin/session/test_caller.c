/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, by the lines of a request that a frontend has passed on. */
#include "cases.h"

#include "session/caller.h"

static const struct {
    const char *forwarded_for, *proto, *forwarded_host, *host, *origin, *site;
    const char *address, *flags; /* t: TLS, l: local, s: socket, f: foreign, o: our own site */
} cases[] = {
    /* a browser on this host */
    {"127.0.0.1", "", "", "localhost:8000", "http://localhost:8000", "same-origin", "127.0.0.1",
     "lo"},
    {"::1", "", "", "[::1]:8000", "http://[::1]:8000", "", "::1", "lo"},
    {"::ffff:127.0.0.1", "", "", "127.0.0.1", "", "", "127.0.0.1", "l"},
    /* another site's name that leads here */
    {"127.0.0.1", "", "", "evil.example:8000", "http://evil.example:8000", "same-origin",
     "127.0.0.1", "o"},
    {"127.0.0.1", "", "", "localhost.evil.example", "", "", "127.0.0.1", ""},
    {"127.0.0.1", "", "", "127.0.0.1.evil.example", "", "", "127.0.0.1", ""},
    /* elsewhere; nothing that it writes itself counts */
    {"203.0.113.9", "https", "", "gw:8000", "", "", "203.0.113.9", ""},
    {"127.0.0.1, 203.0.113.9", "https", "", "localhost", "", "", "203.0.113.9", ""},
    {"203.0.113.9", "", "evil.example", "gw:8000", "http://evil.example", "", "203.0.113.9", "f"},
    {"203.0.113.9", "", "", "gw:8000", "http://gw:8000", "", "203.0.113.9", "o"},
    {"203.0.113.9", "", "", "gw:8000", "http://gw:8000.evil.example", "", "203.0.113.9", "f"},
    {"203.0.113.9", "", "", "gw:8000", "null", "", "203.0.113.9", "f"},
    {"203.0.113.9", "", "", "gw:8000", "http://gw:8000", "cross-site", "203.0.113.9", "f"},
    {"203.0.113.9", "", "", "gw:8000", "http://gw:8000", "same-site", "203.0.113.9", "f"},
    {"203.0.113.9", "", "", "gw:8000", "", "none", "203.0.113.9", "f"},
    /* behind proxies */
    {"203.0.113.9, 127.0.0.1", "https", "", "gw.example", "https://gw.example", "", "203.0.113.9",
     "to"},
    {"203.0.113.9, 127.0.0.1", "https", "gw.example", "127.0.0.1:8000", "https://gw.example", "",
     "203.0.113.9", "to"},
    {"127.0.0.1, 203.0.113.9, 10.1.2.3, 127.0.0.1", "https", "", "localhost", "", "", "203.0.113.9",
     "t"},
    {"127.0.0.1, 10.1.2.3", "", "", "localhost", "", "", "127.0.0.1", ""},
    {"127.0.0.1, 127.0.0.1", "", "", "localhost", "", "", "127.0.0.1", "l"},
    {"203.0.113.9, 10.2.2.3", "https", "", "gw", "", "", "10.2.2.3", ""},
    {"<script>, 127.0.0.1", "https", "", "localhost", "", "", "127.0.0.1", "t"},
    {"127.0.0.1,", "https", "", "localhost", "", "", "unknown", ""},
    /* past the frontends */
    {"", "", "", "localhost", "", "", "socket", "sl"},
};

static void who_asks_is_read_from_the_lines(void **state)
{
    static const char *nets[] = {"10.1.0.0/16"};
    struct option_list trusted = {nets, 1};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct caller_lines lines = {view_of(cases[i].forwarded_for),  view_of(cases[i].proto),
                                     view_of(cases[i].forwarded_host), view_of(cases[i].host),
                                     view_of(cases[i].origin),         view_of(cases[i].site)};
        struct caller caller;
        char flags[8], what[64];

        caller_read(&caller, &lines, &trusted, true);
        snprintf(flags, sizeof(flags), "%s%s%s%s%s", caller.is_tls ? "t" : "",
                 caller.is_socket ? "s" : "", caller.is_local ? "l" : "",
                 caller.is_foreign ? "f" : "", caller.is_own_site ? "o" : "");
        snprintf(what, sizeof(what), "case %zu, %s", i, cases[i].forwarded_for);
        expect_text(what, caller.address, cases[i].address);
        expect_text(what, flags, cases[i].flags);
    }
}

static void a_port_is_no_socket(void **state)
{
    struct caller caller;

    (void)state;
    caller_read(&caller, &(struct caller_lines){.host = VIEW("localhost")},
                &(struct option_list){0}, false);
    assert_false(caller.is_socket);
}

static void cookies_are_found_by_their_whole_name(void **state)
{
    struct view line = VIEW("a=1; xs=2;s=3 ; s =4;s=;ss=5; s"), value;
    struct bytes all = {0};

    (void)state;
    while (caller_cookie_next(&line, VIEW("s"), &value)) {
        bytes_append(&all, value);
        bytes_text(&all, "|");
    }
    expect_text("values", bytes_cstr(&all), "3||");
    bytes_clear(&all);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_is_read_from_the_lines),
        cmocka_unit_test(a_port_is_no_socket),
        cmocka_unit_test(cookies_are_found_by_their_whole_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
