/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers to what is not the provider's: what is asked, what is refused, and where it ends. */
#include "upstream/provider_test.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char header[] = "X-Ours: secret";
static char *ours[] = {header};

/* With those hosts allowed beside public ones. */
static void reopen_with(const char *const *hosts, size_t count)
{
    struct transfer_settings with = settings;

    with.headers = ours;
    with.header_count = 1;
    with.guard = (struct guard){.hosts = hosts, .host_count = count};
    with.outside_limit = 100000;
    with.outside_ms = 10000;
    reopen(with);
}

static void allow_loopback(void)
{
    static const char *const hosts[] = {"127.0.0.1"};

    reopen_with(hosts, 1);
}

static void fetch_from(struct call *call, const char *url)
{
    struct transfer_order order = {
        .way = TRANSFER_GUARDED, .url = url, .method = "GET", .wanted = VIEW("content-type")};

    call->transfer = transfer_start(&transfers, &order, &events, call);
    UNTIL(call->is_done);
}

static void fetch(struct call *call)
{
    fetch_from(call, provider.url);
}

static void expect(const struct call *call, const char *why)
{
    assert_int_equal(call->end, TRANSFER_OUTSIDE);
    assert_string_equal(call->why, why);
}

static void nothing_of_ours_goes_there(void **state)
{
    static const struct reply picture = {
        "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 3\r\n\r\nabc", 0, KEEP};
    struct call call = {0}, again = {0};
    const char *seen;

    (void)state;
    allow_loopback();
    provider_says(&picture, 1);
    fetch(&call);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_int_equal(call.status, 200);
    assert_int_equal(call.taken, 3);
    assert_string_equal(call.headers, "Content-Type: image/png\r\n");
    seen = bytes_cstr(&provider.last);
    assert_ptr_equal(strstr(seen, "GET /v1/x?alt=sse HTTP/1.1\r\n"), seen);
    assert_null(strstr(seen, "X-Ours"));
    assert_null(strstr(seen, "key"));
    assert_non_null(strstr(seen, "\r\nAccept-Encoding: identity\r\n"));
    fetch(&again);
    assert_int_equal(provider.accepted, 2); /* no connection is used twice */
}

static void addresses_that_are_not_public_are_not_asked(void **state)
{
    static const char *const hosts[] = {
        "127.0.0.1",          "127.1", "0x7f000001", "2130706433", "0177.0.0.1",
        "localhost",          "[::1]", "127.0.0.1.", "[::]",       "0.0.0.0",
        "[::ffff:127.0.0.1]", "0",     "LOCALHOST",  "localhost.", "[::127.0.0.1]"};
    const char *port = strrchr(provider.url, ':');

    (void)state;
    reopen_with(NULL, 0);
    provider_says(&fine, 1);
    for (size_t i = 0; i < COUNT(hosts); i++) {
        struct call call = {0};
        char url[100];

        snprintf(url, sizeof(url), "http://%s%s", hosts[i], port);
        fetch_from(&call, url);
        assert_int_equal(call.end, TRANSFER_OUTSIDE);
        if (strcmp(call.why, "private address") != 0 &&
            strcmp(call.why, "its name has no address") != 0)
            fail_msg("%s: %s", hosts[i], call.why);
        assert_int_equal(call.status, 0);
    }
    assert_int_equal(provider.accepted, 0);
}

/* The number is judged, so a name that is harmless elsewhere is of no use. */
static void a_name_is_judged_by_its_address(void **state)
{
    static const char *const names[] = {"localhost"}, *const others[] = {"127.0.0.2"};
    struct call named = {0}, other = {0};
    char url[100];

    (void)state;
    snprintf(url, sizeof(url), "http://localhost%s", strrchr(provider.url, ':'));
    provider_says(&fine, 1);
    reopen_with(others, 1);
    fetch_from(&other, url);
    expect(&other, "private address");
    reopen_with(names, 1);
    fetch_from(&named, url);
    assert_int_equal(named.end, TRANSFER_CLEAN);
}

static void a_redirect_is_followed(void **state)
{
    static const struct reply replies[] = {
        {"HTTP/1.1 302 Found\r\nLocation: /there?x=y#z\r\nContent-Length: 5\r\n\r\nhello", 0, KEEP},
        {"HTTP/1.1 307 Found\r\nLocation: there\r\nContent-Length: 0\r\n\r\n", 0, KEEP},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, KEEP}};
    struct call call = {0};

    (void)state;
    allow_loopback();
    provider_says(replies, COUNT(replies));
    fetch(&call);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_int_equal(call.taken, 2);
    assert_int_equal(provider.requests, 3);
    assert_non_null(strstr(bytes_cstr(&provider.last), "GET /there HTTP/1.1\r\n"));
}

static void redirects_that_are_not_followed(void **state)
{
    static const struct {
        const char *place, *why;
    } cases[] = {
        {"Location: http://localhost:1/", "private address"},
        {"Location: http://10.0.0.1/", "private address"},
        {"Location: http://169.254.169.254/latest/meta-data/", "private address"},
        {"Location: http://[::ffff:169.254.169.254]/", "private address"},
        {"Location: http://u:p@127.0.0.1/", "it redirects to what is no http or https address"},
        {"Location: file:///etc/passwd", "it redirects to what is no http or https address"},
        {"Location: gopher://127.0.0.1/", "it redirects to what is no http or https address"},
        {"X: y", "the server answered with status 301"},
    };

    (void)state;
    allow_loopback();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes text = {0};
        struct reply reply = {.then = KEEP};
        struct call call = {0};

        bytes_printf(&text, "HTTP/1.1 301 Moved\r\n%s\r\nContent-Length: 0\r\n\r\n",
                     cases[i].place);
        reply.text = bytes_cstr(&text);
        provider_says(&reply, 1);
        fetch(&call);
        expect(&call, cases[i].why);
        assert_int_equal(call.status, 0);
        bytes_clear(&text);
    }
}

static void redirects_without_end_come_to_one(void **state)
{
    static const struct reply round = {
        "HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 0, KEEP};
    struct call call = {0};

    (void)state;
    allow_loopback();
    provider_says(&round, 1);
    fetch(&call);
    expect(&call, "too many redirects");
    assert_int_equal(provider.requests, 6);
}

static void answers_that_are_none(void **state)
{
    static const struct {
        struct reply reply;
        const char *why;
    } cases[] = {
        {{"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone", 0, KEEP},
         "the server answered with status 404"},
        {{"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 0, KEEP},
         "the server answered with status 500"},
        {{"HTTP/1.1 206 Part\r\nContent-Length: 4\r\n\r\npart", 0, KEEP},
         "the server answered with status 206"},
        {{OK "Content-Length: 100001\r\n\r\n", 100, KEEP}, "too large"},
        {{OK "\r\n", 100001, CLOSE}, "too large"},
        {{OK "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 0, KEEP},
         "the answer is compressed, though that was not asked for"},
        {{OK "Content-Length: 20\r\n\r\n{}", 0, CLOSE}, "the connection broke"},
        {{"SSH-2.0-x\r\n\r\n", 0, CLOSE}, "what answers there speaks no HTTP"},
        {{"", 0, CLOSE}, "the connection broke"},
    };

    (void)state;
    allow_loopback();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct call call = {0};

        provider_says(&cases[i].reply, 1);
        fetch(&call);
        expect(&call, cases[i].why);
        assert_true(call.taken <= 100000);
    }
}

static void a_head_without_end_is_cut(void **state)
{
    struct bytes text = {0};
    struct reply reply = {.then = KEEP};
    struct call call = {0};

    (void)state;
    bytes_text(&text, "HTTP/1.1 200 OK\r\n");
    while (text.len < 100000)
        bytes_text(&text, "X-Filler: 0123456789012345678901234567890123456789\r\n");
    reply.text = bytes_cstr(&text);
    allow_loopback();
    provider_says(&reply, 1);
    fetch(&call);
    expect(&call, "the head of the answer is too large");
    bytes_clear(&text);
}

static void who_takes_too_long_is_left(void **state)
{
    static const struct reply slow = {OK "Content-Length: 10\r\n\r\n{}", 0, KEEP};
    static const char *const hosts[] = {"127.0.0.1"};
    struct transfer_settings with = settings;
    struct call call = {0};

    (void)state;
    with.guard = (struct guard){.hosts = hosts, .host_count = 1};
    with.outside_limit = 100000;
    with.outside_ms = 100;
    reopen(with);
    provider_says(&slow, 1);
    fetch(&call);
    expect(&call, "timeout");
    assert_int_equal(call.taken, 2);
}

static void a_paused_one_loses_nothing(void **state)
{
    static const struct reply large = {OK "Content-Length: 90000\r\n\r\n", 90000, KEEP};
    struct transfer_order order = {.way = TRANSFER_GUARDED, .url = provider.url, .method = "GET"};
    struct call call = {.pause_at = 20000};

    (void)state;
    allow_loopback();
    provider_says(&large, 1);
    call.transfer = transfer_start(&transfers, &order, &events, &call);
    UNTIL(call.pauses);
    call.pause_at = 0;
    transfer_resume(call.transfer);
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_int_equal(call.taken, 90000);
}

/* However many there are: those to the provider go past them. */
static void calls_to_the_provider_do_not_wait_for_strangers(void **state)
{
    static const struct reply silent[] = {{"", 0, KEEP}};
    enum { MANY = 200 };
    static struct call calls[MANY];
    struct transfer_order order = {.way = TRANSFER_GUARDED, .url = provider.url, .method = "GET"};
    struct call call = {0};

    (void)state;
    memset(calls, 0, sizeof(calls));
    allow_loopback();
    provider_says(silent, 1);
    for (size_t i = 0; i < MANY; i++) {
        order.client = i;
        calls[i].transfer = transfer_start(&transfers, &order, &events, &calls[i]);
    }
    UNTIL(provider.requests == 64);
    provider_says(&fine, 1);
    run(&call);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_int_equal(transfers.count, MANY);
    for (size_t i = 0; i < MANY; i++)
        if (calls[i].transfer)
            transfer_cancel(calls[i].transfer);
    turns(3);
    assert_int_equal(transfers.count, 0);
}

/* One that asks for much gets half of what there is; the next one's turn comes all the same. */
static void nobody_gets_the_last_place(void **state)
{
    static const struct reply silent[] = {{"", 0, KEEP}};
    enum { MANY = 100 };
    static struct call calls[MANY];
    struct transfer_order order = {
        .way = TRANSFER_GUARDED, .url = provider.url, .method = "GET", .client = 1};
    struct call call = {0};

    (void)state;
    memset(calls, 0, sizeof(calls));
    allow_loopback();
    provider_says(silent, 1);
    for (size_t i = 0; i < MANY; i++)
        calls[i].transfer = transfer_start(&transfers, &order, &events, &calls[i]);
    UNTIL(provider.requests == 32);
    turns(3);
    assert_int_equal(provider.requests, 32);
    provider_says(&fine, 1);
    order.client = 2;
    call.transfer = transfer_start(&transfers, &order, &events, &call);
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    for (size_t i = 0; i < MANY; i++)
        if (calls[i].transfer)
            transfer_cancel(calls[i].transfer);
}

static void keep_answers(void)
{
    static const char *const hosts[] = {"127.0.0.1"};
    struct transfer_settings with = settings;

    with.guard = (struct guard){.hosts = hosts, .host_count = 1};
    with.outside_limit = 100000;
    with.outside_ms = 10000;
    with.cache_bytes = 1 << 20;
    with.cache_ms = 60000;
    reopen(with);
}

static void what_was_fetched_is_not_fetched_again(void **state)
{
    static const struct reply large = {
        OK "Content-Length: 90000\r\nCache-Control: max-age=5\r\n\r\n", 90000, KEEP};
    struct call call = {0}, again = {.pause_at = 20000};
    struct transfer_order order = {.way = TRANSFER_GUARDED,
                                   .url = provider.url,
                                   .method = "GET",
                                   .wanted = VIEW("content-type")};

    (void)state;
    keep_answers();
    provider_says(&large, 1);
    fetch(&call);
    again.transfer = transfer_start(&transfers, &order, &events, &again);
    UNTIL(again.pauses);
    again.pause_at = 0;
    transfer_resume(again.transfer);
    UNTIL(again.is_done);
    assert_int_equal(again.end, TRANSFER_CLEAN);
    assert_int_equal(again.status, 200);
    assert_int_equal(again.taken, 90000);
    assert_string_equal(again.headers, call.headers);
    assert_int_equal(provider.requests, 1);
}

static void what_may_not_be_kept_is_fetched_again(void **state)
{
    static const struct reply replies[] = {
        {OK "Content-Length: 2\r\nCache-Control: private, No-Store\r\n\r\n{}", 0, KEEP},
        {OK "Content-Length: 2\r\nCache-Control: max-age=9\r\nCache-Control: private\r\n\r\n{}", 0,
         KEEP},
        {"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}", 0, KEEP},
        {OK "Content-Length: 9\r\n\r\n{}", 0, CLOSE},
    };

    (void)state;
    keep_answers();
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct call call = {0}, again = {0};
        int before = (int)provider.requests;

        provider_says(&replies[i], 1);
        fetch(&call);
        fetch(&again);
        assert_int_equal(provider.requests, before + 2);
        assert_int_equal(again.end, call.end);
    }
}

/* One leads, the others follow; what it was told they are told. */
static void what_is_asked_at_once_is_asked_once(void **state)
{
    static const struct reply replies[] = {
        {OK "Content-Length: 2\r\n\r\n{}", 0, KEEP},
        {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 0, KEEP}};
    enum { MANY = 20 };
    struct transfer_order order = {.way = TRANSFER_GUARDED, .url = provider.url, .method = "GET"};

    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct call calls[MANY] = {0};

        keep_answers();
        provider.requests = 0;
        provider_says(&replies[i], 1);
        for (size_t k = 0; k < MANY; k++)
            calls[k].transfer = transfer_start(&transfers, &order, &events, &calls[k]);
        for (size_t k = 0; k < MANY; k++) {
            UNTIL(calls[k].is_done);
            assert_int_equal(calls[k].end, i ? TRANSFER_OUTSIDE : TRANSFER_CLEAN);
            assert_string_equal(calls[k].why, calls[0].why);
        }
        assert_int_equal(provider.requests, 1);
    }
}

static void who_followed_one_that_was_cancelled_leads(void **state)
{
    static const struct reply silent[] = {{"", 0, KEEP}};
    struct transfer_order order = {.way = TRANSFER_GUARDED, .url = provider.url, .method = "GET"};
    struct call first = {0}, second = {0};

    (void)state;
    keep_answers();
    provider_says(silent, 1);
    first.transfer = transfer_start(&transfers, &order, &events, &first);
    second.transfer = transfer_start(&transfers, &order, &events, &second);
    UNTIL(provider.requests == 1);
    provider_says(&fine, 1);
    transfer_cancel(first.transfer);
    UNTIL(second.is_done);
    assert_int_equal(second.end, TRANSFER_CLEAN);
}

/* A host of the operator's: as another provider, but without what is the provider's. */
static void a_host_of_the_operator_gets_its_own_lines(void **state)
{
    static const struct reply refusal = {
        "HTTP/1.1 403 No\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 0,
        KEEP};
    struct transfer_order order = {.way = TRANSFER_APART,
                                   .url = provider.url,
                                   .method = "PUT",
                                   .authorization = {VIEW("Date: today\nAuthorization: OSS a:b")},
                                   .type = VIEW("image/png"),
                                   .body = VIEW("picture")};
    struct call call = {0};
    const char *seen;

    (void)state;
    reopen_with(NULL, 0);
    provider_says(&refusal, 1);
    call.transfer = transfer_start(&transfers, &order, &events, &call);
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_int_equal(call.status, 403);
    seen = bytes_cstr(&provider.last);
    assert_ptr_equal(strstr(seen, "PUT /v1/x?alt=sse HTTP/1.1\r\n"), seen);
    assert_non_null(strstr(seen, "\r\nDate: today\r\nAuthorization: OSS a:b\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Type: image/png\r\n"));
    assert_non_null(strstr(seen, "\r\n\r\npicture"));
    assert_null(strstr(seen, "X-Ours"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
        TEST(nothing_of_ours_goes_there),
        TEST(addresses_that_are_not_public_are_not_asked),
        TEST(a_name_is_judged_by_its_address),
        TEST(a_redirect_is_followed),
        TEST(redirects_that_are_not_followed),
        TEST(redirects_without_end_come_to_one),
        TEST(answers_that_are_none),
        TEST(a_head_without_end_is_cut),
        TEST(who_takes_too_long_is_left),
        TEST(a_paused_one_loses_nothing),
        TEST(calls_to_the_provider_do_not_wait_for_strangers),
        TEST(nobody_gets_the_last_place),
        TEST(what_was_fetched_is_not_fetched_again),
        TEST(what_may_not_be_kept_is_fetched_again),
        TEST(what_is_asked_at_once_is_asked_once),
        TEST(who_followed_one_that_was_cancelled_leads),
        TEST(a_host_of_the_operator_gets_its_own_lines),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
