/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers, of both engines alike. */
#include "upstream/provider_test.h"

static void a_request_goes_out_with_the_key_in_its_header_alone(void **state)
{
    struct call call = {0};
    const char *seen;

    (void)state;
    provider_says(&fine, 1);
    run(&call);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_int_equal(call.status, 200);
    assert_int_equal(call.length, 3);
    assert_string_equal(call.type, "application/json");
    assert_int_equal(call.taken, 2);
    seen = bytes_cstr(&provider.last);
    assert_ptr_equal(strstr(seen, "POST /v1/x?alt=sse HTTP/1.1\r\n"), seen);
    assert_non_null(strstr(seen, "\r\nx-goog-api-key: the-key\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(seen, "\r\nAccept-Encoding: identity\r\n"));
    assert_non_null(strstr(seen, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(strstr(seen, "the-key") + 1, "the-key"));
}

static void without_a_body_it_is_a_get(void **state)
{
    struct call call = {0}, post = {0};

    (void)state;
    provider_says(&fine, 1);
    run(&post);
    start(&call, provider.url, (struct view){0}, (struct view){0});
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_ptr_equal(strstr(bytes_cstr(&provider.last), "GET /v1/x"), provider.last.at);
    assert_null(strstr(provider.last.at, "Content-"));
}

static void a_large_body_goes_without_asking(void **state)
{
    struct call call = {0};
    size_t len = 3 * 1024 * 1024;
    char *body = calloc(1, len);

    (void)state;
    provider_says(&fine, 1);
    memset(body, 'b', len);
    start(&call, provider.url, (struct view){body, len}, (struct view){0});
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_null(strstr(bytes_cstr(&provider.last), "Expect"));
    assert_true(provider.last.len > len);
    free(body);
}

static void connections_are_kept(void **state)
{
    (void)state;
    provider_says(&fine, 1);
    for (int i = 0; i < 20; i++) {
        struct call call = {0};
        run(&call);
        assert_int_equal(call.end, TRANSFER_CLEAN);
    }
    assert_int_equal(provider.accepted, 1);
    assert_int_equal(provider.requests, 20);
}

/* libcurl would send it again by itself, and the provider would count two. */
static void a_request_is_sent_once_even_if_its_kept_connection_breaks(void **state)
{
    static const struct reply replies[] = {
        {OK "Content-Length: 2\r\n\r\n{}", 0, KEEP}, {"", 0, RESET}, {"", 0, CLOSE}};
    struct call first = {0}, second = {0}, third = {0}, fourth = {0};

    (void)state;
    provider_says(replies, 3);
    run(&first);
    run(&second);
    assert_int_equal(provider.requests, 2);
    assert_int_equal(second.end, TRANSFER_BROKEN);
    assert_int_equal(second.status, 0);
    run(&third);
    assert_int_equal(provider.requests, 3);
    assert_int_equal(third.end, TRANSFER_BROKEN);
    provider_says(&fine, 1);
    run(&fourth);
    assert_int_equal(fourth.end, TRANSFER_CLEAN);
    assert_int_equal(provider.requests, 4);
}

static void a_connection_that_was_closed_while_idle_is_not_used(void **state)
{
    static const struct reply closing = {OK "Content-Length: 2\r\n\r\n{}", 0, CLOSE};
    struct call first = {0}, second = {0};

    (void)state;
    provider_says(&closing, 1);
    run(&first);
    turns(3);
    run(&second);
    assert_int_equal(first.end, TRANSFER_CLEAN);
    assert_int_equal(second.end, TRANSFER_CLEAN);
    assert_int_equal(provider.accepted, 2);
}

static void a_paused_transfer_waits_and_loses_nothing(void **state)
{
    static const struct reply large = {OK "Content-Length: 5000000\r\n\r\n", 5000000, KEEP};
    struct call call = {.pause_at = 100000}, other = {0};

    (void)state;
    provider_says(&large, 1);
    start(&call, provider.url, VIEW("{}"), (struct view){0});
    UNTIL(call.pauses);
    run(&other); /* others are not hindered */
    assert_int_equal(other.taken, 5000000);
    assert_true(call.taken < 100000 + 16 * 1024);
    assert_false(call.is_done);
    call.pause_at = 2000000;
    transfer_resume(call.transfer);
    UNTIL(call.pauses == 2);
    call.pause_at = 0;
    transfer_resume(call.transfer);
    UNTIL(call.is_done);
    assert_int_equal(call.taken, 5000000);
    assert_int_equal(call.end, TRANSFER_CLEAN);
}

static void a_paused_transfer_whose_end_is_there_ends_when_it_is_resumed(void **state)
{
    static const struct reply small = {OK "Content-Length: 10\r\n\r\n", 10, CLOSE};
    struct call call = {.pause_at = 1};

    (void)state;
    provider_says(&small, 1);
    call.taken = 1;
    start(&call, provider.url, VIEW("{}"), (struct view){0});
    UNTIL(call.pauses);
    turns(5);
    assert_false(call.is_done);
    call.pause_at = 0;
    transfer_resume(call.transfer);
    UNTIL(call.is_done);
    assert_int_equal(call.taken, 11);
    assert_int_equal(call.end, TRANSFER_CLEAN);
}

static void a_transfer_is_stopped_from_inside(void **state)
{
    static const struct reply large = {OK "Content-Length: 5000000\r\n\r\n", 5000000, KEEP};
    struct call call = {.stop_at = 50000};

    (void)state;
    provider_says(&large, 1);
    run(&call);
    assert_int_equal(call.end, TRANSFER_STOPPED);
    UNTIL(provider.closed == 1);
}

static void a_cancelled_transfer_closes_its_connection_and_says_nothing(void **state)
{
    static const struct reply silence = {"", 0, KEEP};
    struct call call = {0};

    (void)state;
    provider_says(&silence, 1);
    start(&call, provider.url, VIEW("{}"), (struct view){0});
    UNTIL(provider.requests == 1);
    transfer_cancel(call.transfer);
    assert_int_equal(transfers.count, 0);
    UNTIL(provider.closed == 1);
    assert_false(call.is_done);
}

static void nobody_there(void **state)
{
    struct call refused = {0}, nameless = {0}, odd = {0};

    (void)state;
    start(&refused, "http://127.0.0.1:1/", VIEW("{}"), (struct view){0});
    start(&nameless, "http://a..b.invalid/", VIEW("{}"), (struct view){0});
    start(&odd, "gopher://127.0.0.1/", VIEW("{}"), (struct view){0});
    UNTIL(refused.is_done && nameless.is_done && odd.is_done);
    assert_int_equal(refused.end, TRANSFER_NO_CONNECTION);
    assert_string_equal(refused.why, "No connection to 127.0.0.1:1: Connection refused");
    assert_int_equal(nameless.end, TRANSFER_NO_NAME);
    assert_string_equal(nameless.why, "The name a..b.invalid has no address");
    assert_int_equal(odd.end, TRANSFER_NO_CONNECTION);
}

/* A listener whose queue is full takes no further connection, and says nothing. */
static void nobody_answers(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fillers[4];
    struct call call = {0};
    char url[64], want[96];

    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    getsockname(listener, (struct sockaddr *)&address, &len);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&address, len);
    }
    reopen((struct transfer_settings){.slots = 8, .connect_ms = 300, .idle_ms = 90000});
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    snprintf(want, sizeof(want), "No connection to 127.0.0.1:%d in time", ntohs(address.sin_port));
    start(&call, url, VIEW("{}"), (struct view){0});
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_NO_CONNECTION);
    assert_string_equal(call.why, want);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
    close(listener);
}

static void ends_are_told_apart(void **state)
{
    static const struct {
        const char *what;
        struct reply reply;
        enum transfer_end end;
        unsigned status;
        size_t taken;
    } cases[] = {
        {"a length kept", {OK "Content-Length: 3\r\n\r\nabc", 0, KEEP}, TRANSFER_CLEAN, 200, 3},
        {"a length not kept",
         {OK "Content-Length: 9\r\n\r\nabc", 0, CLOSE},
         TRANSFER_BROKEN,
         200,
         3},
        {"nothing of it", {OK "Content-Length: 9\r\n\r\n", 0, CLOSE}, TRANSFER_BROKEN, 200, 0},
        {"a reset", {OK "Content-Length: 9\r\n\r\n", 0, RESET}, TRANSFER_BROKEN, 200, 0},
        {"chunks",
         {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 0, KEEP},
         TRANSFER_CLEAN,
         200,
         3},
        {"chunks cut",
         {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 0, CLOSE},
         TRANSFER_BROKEN,
         200,
         3},
        {"chunks that are none",
         {OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 0, CLOSE},
         TRANSFER_BROKEN,
         200,
         0},
        {"until the end", {OK "\r\nabc", 0, CLOSE}, TRANSFER_CLEAN, 200, 3},
        {"no content", {"HTTP/1.1 204 No Content\r\n\r\n", 0, KEEP}, TRANSFER_CLEAN, 204, 0},
        {"an interim head",
         {"HTTP/1.1 103 Early Hints\r\n\r\n" OK "Content-Length: 1\r\n\r\na", 0, KEEP},
         TRANSFER_CLEAN,
         200,
         1},
        {"a redirection",
         {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0,
          KEEP},
         TRANSFER_CLEAN,
         302,
         0},
        {"no HTTP", {"hello\r\n\r\n", 0, CLOSE}, TRANSFER_BROKEN, 0, 0},
        /* the last: libcurl takes it for an answer without a body, which the gate finds empty */
        {"half a head", {"HTTP/1.1 200 OK\r\nCont", 0, CLOSE}, TRANSFER_BROKEN, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct call call = {0};

        print_message("    %s\n", cases[i].what);
        provider_says(&cases[i].reply, 1);
        run(&call);
        if (is_by_libcurl && i + 1 == sizeof(cases) / sizeof(cases[0])) {
            assert_int_equal(call.end, TRANSFER_CLEAN);
            continue;
        }
        assert_int_equal(call.end, cases[i].end);
        assert_int_equal(call.status, cases[i].status);
        assert_int_equal(call.taken, cases[i].taken);
    }
}

static void a_proxy_is_used_where_it_is_named_and_nowhere_else(void **state)
{
    struct call through = {0}, straight = {0};
    struct bytes proxy = {0};

    (void)state;
    provider_says(&fine, 1);
    bytes_printf(&proxy, "%.*s", (int)strcspn(provider.url + 7, "/") + 7, provider.url);
    start(&through, "http://elsewhere.invalid/y", VIEW("{}"), bytes_view(&proxy));
    UNTIL(through.is_done);
    assert_int_equal(through.end, TRANSFER_CLEAN);
    assert_non_null(strstr(bytes_cstr(&provider.last), "POST http://elsewhere.invalid/y HTTP/1.1"));
    run(&straight);
    assert_int_equal(straight.end, TRANSFER_CLEAN);
    assert_non_null(strstr(bytes_cstr(&provider.last), "POST /v1/x?alt=sse HTTP/1.1"));
    bytes_clear(&proxy);
}

/* The provider's listener plays the proxy. */
static struct bytes proxy_url(const char *user)
{
    struct bytes proxy = {0};
    const char *place = provider.url + strlen("http://");

    bytes_printf(&proxy, "http://%s%.*s", user, (int)strcspn(place, "/"), place);
    bytes_cstr(&proxy);
    return proxy;
}

static void a_tunnel_is_asked_for_without_the_key(void **state)
{
    static const struct reply no = {"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", 0, CLOSE};
    char *headers[] = {"X-Team: blue"};
    struct bytes proxy = proxy_url("user:pass%2Fword@");
    struct call call = {0};
    const char *seen;

    (void)state;
    reopen((struct transfer_settings){
        .slots = 8, .connect_ms = 9000, .idle_ms = 90000, .headers = headers, .header_count = 1});
    provider_says(&no, 1);
    start(&call, "https://gemini.invalid/v1beta/secret", VIEW("{}"), bytes_view(&proxy));
    UNTIL(call.is_done);
    seen = bytes_cstr(&provider.last);
    assert_ptr_equal(strstr(seen, "CONNECT gemini.invalid:443 HTTP/1.1\r\n"), seen);
    assert_non_null(strstr(seen, "\r\nProxy-Authorization: Basic dXNlcjpwYXNzL3dvcmQ=\r\n"));
    assert_null(strstr(seen, "the-key"));
    assert_null(strstr(seen, "goog"));
    assert_null(strstr(seen, "blue"));
    assert_null(strstr(seen, "secret"));
    assert_int_equal(call.end, TRANSFER_NO_PROXY);
    assert_int_equal(call.status, 0);
    assert_string_equal(call.why, "The proxy on the way to gemini.invalid:443 failed: it does not "
                                  "let us through");
    bytes_clear(&proxy);
}

/* The same handle serves both. */
static void a_proxy_does_not_get_the_password_of_another(void **state)
{
    static const struct reply no = {"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", 0, CLOSE};
    struct bytes first = proxy_url("user:password@"), second = proxy_url(""),
                 third = proxy_url("other:word@");
    const struct bytes *proxies[] = {&first, &second, &third, &second};
    static const char *const marks[] = {"Basic dXNlcjpwYXNzd29yZA==", NULL,
                                        "Basic b3RoZXI6d29yZA==", NULL};

    (void)state;
    provider_says(&no, 1);
    for (int forward = 0; forward < 2; forward++)
        for (int i = 0; i < 4; i++) {
            struct call call = {0};

            start(&call, forward ? "http://gemini.invalid/" : "https://gemini.invalid/", VIEW("{}"),
                  bytes_view(proxies[i]));
            UNTIL(call.is_done);
            if (marks[i])
                assert_non_null(strstr(bytes_cstr(&provider.last), marks[i]));
            else
                assert_null(strstr(bytes_cstr(&provider.last), "Authorization"));
        }
    bytes_clear(&first);
    bytes_clear(&second);
    bytes_clear(&third);
}

static void what_a_proxy_does_wrong_is_told_as_its_fault(void **state)
{
    static const struct {
        const char *what;
        struct reply reply;
        const char *url;
        const char *why;
    } cases[] = {
        {"a tunnel wants a password",
         {"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n", 0,
          KEEP},
         "https://gemini.invalid/",
         "it wants a user name"},
        {"a forwarder wants a password",
         {"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 3\r\n\r\nwho",
          0, KEEP},
         "http://gemini.invalid/",
         "it wants a user name"},
        {"a tunnel that leads nowhere",
         {"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", 0, KEEP},
         "https://gemini.invalid/",
         "it cannot reach the provider"},
        {"it hangs up", {"", 0, RESET}, "https://gemini.invalid/", "failed: "},
        {"it is none", {"hello\r\n\r\n", 0, CLOSE}, "https://gemini.invalid/", "failed: "},
    };
    struct bytes proxy = proxy_url("user:pass-word@");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct call call = {0};

        print_message("    %s\n", cases[i].what);
        provider_says(&cases[i].reply, 1);
        start(&call, cases[i].url, VIEW("{}"), bytes_view(&proxy));
        UNTIL(call.is_done);
        assert_int_equal(call.end, TRANSFER_NO_PROXY);
        assert_int_equal(call.status, 0);
        assert_int_equal(call.taken, 0);
        assert_non_null(strstr(call.why, "gemini.invalid"));
        assert_non_null(strstr(call.why, cases[i].why));
        assert_null(strstr(call.why, "pass-word"));
    }
    bytes_clear(&proxy);
}

static void a_proxy_that_is_not_there(void **state)
{
    static const char *const proxies[] = {"http://u:pass-word@127.0.0.1:1", "socks5://127.0.0.1:1",
                                          "socks5h://u:p@nobody.invalid:1"};

    (void)state;
    for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++) {
        struct call call = {0};

        start(&call, "https://gemini.invalid/", VIEW("{}"), view_of(proxies[i]));
        UNTIL(call.is_done);
        assert_int_equal(call.end, TRANSFER_NO_PROXY);
        assert_null(strstr(call.why, "pass-word"));
        assert_non_null(strstr(call.why, i < 2 ? "Connection refused" : "its name has no address"));
    }
}

static void headers_of_the_user_go_along(void **state)
{
    char *headers[] = {"X-Team: blue", "X-Ray: a, b"};
    struct call call = {0}, get = {0};

    (void)state;
    reopen((struct transfer_settings){
        .slots = 8, .connect_ms = 9000, .idle_ms = 90000, .headers = headers, .header_count = 2});
    provider_says(&fine, 1);
    run(&call);
    assert_non_null(strstr(bytes_cstr(&provider.last), "\r\nX-Team: blue\r\nX-Ray: a, b\r\n"));
    assert_non_null(strstr(bytes_cstr(&provider.last), "\r\nx-goog-api-key: the-key\r\n"));
    start(&get, provider.url, (struct view){0}, (struct view){0});
    UNTIL(get.is_done);
    assert_non_null(strstr(bytes_cstr(&provider.last), "\r\nX-Team: blue\r\nX-Ray: a, b\r\n"));
}

static void calls_beyond_the_limit_of_connections_wait(void **state)
{
    enum { COUNT = 50, MOST = 3 };
    static struct call calls[COUNT];
    size_t most = 0;

    (void)state;
    memset(calls, 0, sizeof(calls));
    reopen((struct transfer_settings){
        .slots = 512, .connections = MOST, .connect_ms = 9000, .idle_ms = 90000});
    provider_says(&fine, 1);
    for (int i = 0; i < COUNT; i++)
        start(&calls[i], provider.url, VIEW("{}"), (struct view){0});
    while (transfers.count) {
        turn();
        if (provider.accepted - provider.closed > most)
            most = provider.accepted - provider.closed;
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(calls[i].end, TRANSFER_CLEAN);
    assert_int_equal(provider.requests, COUNT);
    assert_int_equal(most, MOST);
}

static void one_that_waits_for_a_connection_gets_that_of_a_cancelled_one(void **state)
{
    static const struct reply replies[] = {{"", 0, KEEP},
                                           {OK "Content-Length: 2\r\n\r\n{}", 0, KEEP}};
    struct call silent = {0}, waiting = {0};

    (void)state;
    reopen((struct transfer_settings){
        .slots = 8, .connections = 1, .connect_ms = 300, .idle_ms = 90000});
    provider_says(replies, 2);
    start(&silent, provider.url, VIEW("{}"), (struct view){0});
    start(&waiting, provider.url, VIEW("{}"), (struct view){0});
    UNTIL(provider.requests == 1);
    for (uint64_t by_ms = clock_ms() + 500; clock_ms() < by_ms;)
        turn(); /* longer than a connection may take: waiting for one is not connecting */
    assert_false(waiting.is_done);
    transfer_cancel(silent.transfer);
    UNTIL(waiting.is_done);
    assert_int_equal(waiting.end, TRANSFER_CLEAN);
}

static void connections_that_idle_are_closed(void **state)
{
    struct call call = {0}, again = {0};

    (void)state;
    reopen((struct transfer_settings){.slots = 8, .connect_ms = 9000, .idle_ms = 1000});
    provider_says(&fine, 1);
    run(&call);
    turns(5);
    assert_int_equal(provider.closed, 0);
    UNTIL(provider.closed == 1);
    run(&again);
    assert_int_equal(again.end, TRANSFER_CLEAN);
    assert_int_equal(provider.accepted, 2);
}

static void one_may_follow_another(void **state)
{
    struct call last = {0}, middle = {.then = &last}, first = {.then = &middle};

    (void)state;
    provider_says(&fine, 1);
    start(&first, provider.url, VIEW("{}"), (struct view){0});
    UNTIL(last.is_done);
    assert_int_equal(provider.requests, 3);
    assert_int_equal(transfers.count, 0);
}

static void many_run_at_once(void **state)
{
    enum { COUNT = 400 };
    static struct call calls[COUNT];
    size_t done;

    (void)state;
    memset(calls, 0, sizeof(calls));
    provider_says(&fine, 1);
    for (int round = 0; round < 3; round++) {
        memset(calls, 0, sizeof(calls));
        for (int i = 0; i < COUNT; i++)
            start(&calls[i], provider.url, VIEW("{}"), (struct view){0});
        do {
            turn();
            done = 0;
            for (int i = 0; i < COUNT; i++)
                done += calls[i].is_done && calls[i].end == TRANSFER_CLEAN;
        } while (done < COUNT && transfers.count);
        assert_int_equal(done, COUNT);
    }
    assert_int_equal(provider.requests, 3 * COUNT);
    assert_true(provider.accepted <= COUNT);
}

static void a_trim_closes_connections_if_there_are_many(void **state)
{
    enum { COUNT = 100 };
    static struct call calls[COUNT];
    struct call again = {0};

    (void)state;
    memset(calls, 0, sizeof(calls));
    provider_says(&fine, 1);
    run(&again);
    transfers_trim(&transfers);
    turns(5);
    assert_int_equal(provider.closed, 0); /* one is kept */
    for (int i = 0; i < COUNT; i++)
        start(&calls[i], provider.url, VIEW("{}"), (struct view){0});
    UNTIL(!transfers.count);
    transfers_trim(&transfers);
    UNTIL(provider.closed == provider.accepted);
    memset(&again, 0, sizeof(again));
    run(&again);
    assert_int_equal(again.end, TRANSFER_CLEAN);
}

static void cancelled_ones_make_room_for_those_that_wait(void **state)
{
    enum { COUNT = 100 };
    static struct call calls[COUNT];
    struct call last = {0};

    (void)state;
    memset(calls, 0, sizeof(calls));
    provider_says(&fine, 1);
    for (int i = 0; i < COUNT; i++)
        start(&calls[i], provider.url, VIEW("{}"), (struct view){0});
    start(&last, provider.url, VIEW("{}"), (struct view){0});
    for (int i = 0; i < COUNT; i++)
        transfer_cancel(calls[i].transfer);
    UNTIL(last.is_done);
    assert_int_equal(last.end, TRANSFER_CLEAN);
    assert_int_equal(transfers.count, 0);
}

/* As `start` has it, but for the method. */
static void ask(struct call *call, const char *method, struct view body)
{
    struct transfer_order order = {.url = provider.url,
                                   .method = method,
                                   .authorization = {VIEW("x-goog-api-key: the-key")},
                                   .type = VIEW("text/plain; charset=x"),
                                   .wanted = VIEW("x-goog-upload-url,x-none"),
                                   .body = body};

    call->transfer = transfer_start(&transfers, &order, &events, call);
    UNTIL(call->is_done);
    assert_int_equal(call->end, TRANSFER_CLEAN);
}

/* One connection and one handle for all: nothing of one request stays for the next. */
static void methods_and_types_are_those_of_the_order(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "GET", "POST"};

    (void)state;
    provider_says(&fine, 1);
    for (size_t i = 0; i < 2 * sizeof(methods) / sizeof(methods[0]); i++) {
        struct call call = {0};
        const char *method = methods[i / 2];
        bool has_body = i % 2 && strcmp(method, "GET") != 0;

        ask(&call, method, has_body ? VIEW("abc") : (struct view){0});
        bytes_cstr(&provider.last);
        assert_memory_equal(provider.last.at, method, strlen(method));
        assert_int_equal(provider.last.at[strlen(method)], ' ');
        assert_int_equal(
            strstr(provider.last.at, "Content-Type: text/plain; charset=x\r\n") != NULL, has_body);
        assert_int_equal(strstr(provider.last.at, "Content-Length: 0\r\n") != NULL,
                         !has_body && method[0] == 'P');
        assert_non_null(strstr(provider.last.at, "User-Agent: " TRANSFER_AGENT "\r\n"));
    }
}

static void a_head_has_a_length_and_no_body(void **state)
{
    static const struct reply replies[] = {{OK "Content-Length: 500\r\n\r\n", 0, KEEP},
                                           {OK "Content-Length: 2\r\n\r\n{}", 0, KEEP}};
    struct call head = {0}, get = {0};

    (void)state;
    provider_says(replies, 2);
    ask(&head, "HEAD", (struct view){0});
    assert_int_equal(head.length, 501);
    assert_int_equal(head.taken, 0);
    ask(&get, "GET", (struct view){0});
    assert_int_equal(get.taken, 2);
    assert_int_equal(provider.accepted, 1);
}

static void wanted_header_lines_are_told(void **state)
{
    static const struct reply replies[] = {
        {"HTTP/1.1 103 Early\r\nx-goog-upload-url: early\r\n\r\n" OK
         "X-Goog-Upload-URL:  https://h/u?a=b \r\nX-Other: y\r\nContent-Length: 2\r\n\r\n{}",
         0, KEEP},
        {OK "Content-Length: 2\r\n\r\n{}", 0, KEEP}};
    struct call with = {0}, without = {0};
    const char *value = "x-goog-upload-url: https://h/u?a=b";

    (void)state;
    provider_says(replies, 2);
    ask(&with, "POST", VIEW("abc"));
    assert_int_equal(strncasecmp(with.headers, value, strlen("x-goog-upload-url:")), 0);
    assert_non_null(strstr(with.headers, "https://h/u?a=b"));
    assert_null(strstr(with.headers, "early"));
    assert_null(strstr(with.headers, "Other"));
    ask(&without, "POST", VIEW("abc"));
    assert_string_equal(without.headers, "");
}

/* A body that comes while the request is under way */

static struct {
    struct bytes text; /* what is there and has not been taken */
    size_t taken;
    bool is_all;
} feeder;

static struct view on_look(void *owner, bool *is_all)
{
    (void)owner;
    *is_all = feeder.is_all;
    return bytes_view(&feeder.text);
}

static void on_take(void *owner, size_t bytes)
{
    (void)owner;
    feeder.taken += bytes;
    bytes_drop(&feeder.text, bytes);
}

static const struct transfer_feed feed = {on_look, on_take};

static void feed_more(struct call *call, const char *text, bool is_all)
{
    bytes_text(&feeder.text, text);
    feeder.is_all = is_all;
    transfer_feed(call->transfer);
}

static void begin_fed(struct call *call, uint64_t length)
{
    struct transfer_order order = {.url = provider.url,
                                   .method = "PUT",
                                   .authorization = {VIEW("x-goog-api-key: the-key")},
                                   .type = VIEW("video/mp4"),
                                   .lines = VIEW("x-goog-upload-offset: 0\r\nx-other: y\r\n"),
                                   .feed = &feed,
                                   .feed_length = length};

    bytes_clear(&feeder.text);
    feeder.taken = 0;
    feeder.is_all = false;
    call->transfer = transfer_start(&transfers, &order, &events, call);
}

static void a_body_goes_as_it_comes(void **state)
{
    struct call call = {0};
    const char *body;

    (void)state;
    provider_says(&fine, 1);
    begin_fed(&call, 10 + 1);
    turns(5);
    assert_int_equal(feeder.taken, 0);
    feed_more(&call, "abcd", false);
    UNTIL(feeder.taken == 4);
    assert_false(transfer_is_sent(call.transfer));
    turns(5);
    feed_more(&call, "ef", false);
    UNTIL(feeder.taken == 6);
    feed_more(&call, "ghij", true);
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_int_equal(call.status, 200);
    bytes_cstr(&provider.last);
    assert_true(strncmp(provider.last.at, "PUT /v1/x?alt=sse", 17) == 0);
    assert_non_null(strstr(provider.last.at, "Content-Length: 10\r\n"));
    assert_non_null(strstr(provider.last.at, "Content-Type: video/mp4\r\n"));
    assert_non_null(strstr(provider.last.at, "x-goog-upload-offset: 0\r\n"));
    assert_non_null(strstr(provider.last.at, "x-other: y\r\n"));
    body = strstr(provider.last.at, "\r\n\r\n");
    assert_string_equal(body + 4, "abcdefghij");
    bytes_clear(&feeder.text);
    run(&(struct call){0}); /* the connection serves another one */
}

static void of_unknown_length_it_goes_in_chunks(void **state)
{
    struct call call = {0};

    (void)state;
    provider_says(&fine, 1);
    provider.is_chunked = true;
    begin_fed(&call, 0);
    feed_more(&call, "abcd", false);
    UNTIL(feeder.taken == 4);
    turns(5);
    feed_more(&call, "0123456789abcdef", false);
    UNTIL(feeder.taken == 20);
    turns(5);
    feed_more(&call, "", true);
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    bytes_cstr(&provider.last);
    assert_non_null(strstr(provider.last.at, "Transfer-Encoding: chunked\r\n"));
    assert_null(strstr(provider.last.at, "Content-Length"));
    assert_string_equal(strstr(provider.last.at, "\r\n\r\n") + 4,
                        "4\r\nabcd\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
    bytes_clear(&feeder.text);
}

static void an_answer_before_the_end_of_the_body_counts(void **state)
{
    struct call call = {0};
    static const struct reply refusal = {"HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\n{}", 0,
                                         CLOSE};

    (void)state;
    provider_says(&refusal, 1);
    provider.is_early = true;
    begin_fed(&call, 1000 + 1);
    feed_more(&call, "abcd", false);
    UNTIL(call.is_done);
    assert_int_equal(call.status, 400);
    bytes_clear(&feeder.text);
}

static void a_fed_one_that_is_cancelled_says_nothing(void **state)
{
    struct call call = {0};

    (void)state;
    provider_says(&fine, 1);
    begin_fed(&call, 1000 + 1);
    feed_more(&call, "abcd", false);
    UNTIL(feeder.taken == 4);
    transfer_cancel(call.transfer);
    turns(5);
    assert_false(call.is_done);
    bytes_clear(&feeder.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_goes_out_with_the_key_in_its_header_alone),
        TEST(without_a_body_it_is_a_get),
        TEST(a_large_body_goes_without_asking),
        TEST(connections_are_kept),
        TEST(a_request_is_sent_once_even_if_its_kept_connection_breaks),
        TEST(a_connection_that_was_closed_while_idle_is_not_used),
        TEST(a_paused_transfer_waits_and_loses_nothing),
        TEST(a_paused_transfer_whose_end_is_there_ends_when_it_is_resumed),
        TEST(a_transfer_is_stopped_from_inside),
        TEST(a_cancelled_transfer_closes_its_connection_and_says_nothing),
        TEST(nobody_there),
        TEST(nobody_answers),
        TEST(ends_are_told_apart),
        TEST(a_proxy_is_used_where_it_is_named_and_nowhere_else),
        TEST(a_tunnel_is_asked_for_without_the_key),
        TEST(a_proxy_does_not_get_the_password_of_another),
        TEST(what_a_proxy_does_wrong_is_told_as_its_fault),
        TEST(a_proxy_that_is_not_there),
        TEST(headers_of_the_user_go_along),
        TEST(calls_beyond_the_limit_of_connections_wait),
        TEST(one_that_waits_for_a_connection_gets_that_of_a_cancelled_one),
        TEST(connections_that_idle_are_closed),
        TEST(one_may_follow_another),
        TEST(methods_and_types_are_those_of_the_order),
        TEST(a_head_has_a_length_and_no_body),
        TEST(wanted_header_lines_are_told),
        TEST(a_body_goes_as_it_comes),
        TEST(of_unknown_length_it_goes_in_chunks),
        TEST(an_answer_before_the_end_of_the_body_counts),
        TEST(a_fed_one_that_is_cancelled_says_nothing),
        TEST(many_run_at_once),
        TEST(a_trim_closes_connections_if_there_are_many),
        TEST(cancelled_ones_make_room_for_those_that_wait),
    };
    int failed = cmocka_run_group_tests_name("transfers straight", tests, NULL, NULL);

    is_by_libcurl = true;
    return failed + cmocka_run_group_tests_name("transfers by libcurl", tests, NULL, NULL);
}
