/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers that go straight to the provider, over http and over TLS: what connections are used
 * again, and what happens at the edges of answers, records and requests. */
#include "upstream/provider_test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/resource.h>

/* A certificate of this provider, which trusts itself. */

static char bundle[] = "/tmp/test-direct-XXXXXX";
static EVP_PKEY *key;
static X509 *certificate;

static void certificate_make(void)
{
    X509V3_CTX context;
    X509_EXTENSION *names;
    X509_NAME *name;

    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    names = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
}

static int certificate_open(void **state)
{
    int fd = mkstemp(bundle);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    (void)state;
    if (!file)
        return -1;
    certificate_make();
    PEM_write_X509(file, certificate);
    return fclose(file);
}

static int certificate_close(void **state)
{
    (void)state;
    unlink(bundle);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return 0;
}

static const struct transfer_settings with_tls = {
    .slots = 512, .connect_ms = DEADLINE_MS, .idle_ms = 90000, .ca_bundle = bundle};

/* The provider speaks TLS from now on. */
static void use_tls(void)
{
    char url[sizeof(provider.url)];

    provider.tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(provider.tls, certificate);
    SSL_CTX_use_PrivateKey(provider.tls, key);
    SSL_CTX_set_mode(provider.tls,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    memcpy(url, provider.url, sizeof(url));
    snprintf(provider.url, sizeof(provider.url), "https%.*s", (int)sizeof(url) - 6, url + 4);
    reopen(with_tls);
}

static bool is_tls_wanted;

static int open_direct(void **state)
{
    if (open_all(state) != 0)
        return -1;
    if (is_tls_wanted)
        use_tls();
    return 0;
}

static int close_direct(void **state)
{
    int status = close_all(state);

    SSL_CTX_free(provider.tls);
    return status;
}

static void expect_clean(const struct call *call, size_t taken)
{
    assert_int_equal(call->end, TRANSFER_CLEAN);
    assert_int_equal(call->status, 200);
    assert_int_equal(call->taken, taken);
}

/* Connections */

static void a_connection_serves_one_after_another(void **state)
{
    (void)state;
    provider_says(&fine, 1);
    for (int i = 0; i < 10; i++) {
        struct call call = {0};

        run(&call);
        expect_clean(&call, 2);
    }
    assert_int_equal(provider.accepted, 1);
}

static void the_newest_idle_connection_is_taken_first(void **state)
{
    struct call calls[5] = {{0}};
    size_t busy = 0;

    (void)state;
    provider_says(&fine, 1);
    for (int i = 0; i < 5; i++)
        start(&calls[i], provider.url, VIEW("{}"), (struct view){0});
    UNTIL(!transfers.count);
    assert_int_equal(provider.accepted, 5);
    for (int i = 0; i < 10; i++) {
        struct call again = {0};

        run(&again);
    }
    assert_int_equal(provider.accepted, 5);
    for (struct peer *peer = provider.peers; peer; peer = peer->next)
        busy += peer->requests > 1;
    assert_int_equal(busy, 1); /* the others may idle to their end */
}

static void close_all_peers(void)
{
    for (struct peer *peer = provider.peers; peer; peer = peer->next)
        if (peer->fd >= 0) {
            peer->then = CLOSE;
            peer_end(peer);
        }
}

/* The loop has had no time to see it. */
static void one_that_was_closed_a_moment_ago_is_not_used(void **state)
{
    struct call first = {0}, second = {0};

    (void)state;
    provider_says(&fine, 1);
    run(&first);
    turns(3);
    close_all_peers();
    run(&second);
    expect_clean(&second, 2);
    assert_int_equal(provider.accepted, 2);
}

static void after_connection_close_it_is_not_used(void **state)
{
    static const struct reply closing = {OK "Connection: close\r\nContent-Length: 2\r\n\r\n{}", 0,
                                         KEEP};
    struct call first = {0}, second = {0};

    (void)state;
    provider_says(&closing, 1);
    run(&first);
    expect_clean(&first, 2);
    run(&second);
    expect_clean(&second, 2);
    UNTIL(provider.closed == 2); /* by us: it would have kept them */
}

static void nor_is_one_with_bytes_behind_the_answer(void **state)
{
    static const struct reply extra = {OK "Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\n", 0,
                                       KEEP};
    struct call first = {0}, second = {0};

    (void)state;
    provider_says(&extra, 1);
    run(&first);
    expect_clean(&first, 2);
    run(&second);
    expect_clean(&second, 2);
    UNTIL(provider.closed == 2);
}

static void nor_is_one_whose_extra_bytes_come_later(void **state)
{
    struct call first = {0}, second = {0};

    (void)state;
    provider_says(&fine, 1);
    provider.more = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
    run(&first);
    turns(3);
    provider.more = NULL;
    run(&second);
    expect_clean(&second, 2);
    assert_int_equal(provider.accepted, 2);
}

static void an_idle_one_makes_room_for_another_origin(void **state)
{
    struct call call = {0}, other = {0};
    char url[64];

    (void)state;
    reopen((struct transfer_settings){
        .slots = 8, .connections = 1, .connect_ms = 9000, .idle_ms = 90000});
    provider_says(&fine, 1);
    run(&call);
    snprintf(url, sizeof(url), "http://localhost:%s", strchr(provider.url + 7, ':') + 1);
    start(&other, url, VIEW("{}"), (struct view){0});
    UNTIL(other.is_done);
    expect_clean(&other, 2);
    assert_non_null(strstr(bytes_cstr(&provider.last), "\r\nHost: localhost:"));
    UNTIL(provider.closed == 1);
}

/* Requests */

static void an_answer_may_come_before_the_request_has_left(void **state)
{
    static const struct reply no = {"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!", 0,
                                    KEEP};
    size_t len = 20 * 1024 * 1024;
    char *body = calloc(1, len);
    struct call call = {0};

    (void)state;
    provider.is_early = true;
    provider_says(&no, 1);
    start(&call, provider.url, (struct view){body, len}, (struct view){0});
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_CLEAN);
    assert_int_equal(call.status, 413);
    assert_int_equal(call.taken, 3);
    provider.peers->is_deaf = false; /* it sees what there is, and then the end */
    loop_set(&loop, provider.peers->fd, LOOP_READ, on_provider, provider.peers);
    UNTIL(provider.closed == 1);
    free(body);
}

static void a_large_request_leaves_whole(void **state)
{
    static const size_t lens[] = {15000, 16000, 17000, 3000000};

    (void)state;
    provider_says(&fine, 1);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        char *body = malloc(lens[i]);
        struct call call = {0};

        memset(body, 'b', lens[i]);
        start(&call, provider.url, (struct view){body, lens[i]}, (struct view){0});
        while (!call.is_done && !transfer_is_sent(call.transfer))
            turn();
        memset(body, 'x', lens[i]); /* it is not needed any more */
        UNTIL(call.is_done);
        expect_clean(&call, 2);
        assert_int_equal(strspn(strstr(bytes_cstr(&provider.last), "\r\n\r\n") + 4, "b"), lens[i]);
        free(body);
    }
    assert_int_equal(provider.accepted, 1);
}

static void nothing_in_a_url_or_key_ends_a_line(void **state)
{
    static const char *const urls[] = {"http://127.0.0.1:1/a\r\nX: y",
                                       "http://127.0.0.1:1/a b",
                                       "http://127.0.0.1:1/a\x01",
                                       "http://u:p@127.0.0.1:1/a",
                                       "http://127.0.0.1:1/\xc3\xa4",
                                       "no url",
                                       ""};
    struct call call = {0};
    struct transfer_order order = {.url = provider.url,
                                   .method = "POST",
                                   .authorization = {VIEW("k: a\r\nX: y")},
                                   .body = VIEW("{}")};

    (void)state;
    provider_says(&fine, 1);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct call wrong = {0};

        start(&wrong, urls[i], VIEW("{}"), (struct view){0});
        assert_false(wrong.is_done);
        UNTIL(wrong.is_done);
        assert_int_equal(wrong.end, TRANSFER_NO_NAME);
    }
    call.transfer = transfer_start(&transfers, &order, &events, &call);
    assert_false(call.is_done);
    UNTIL(call.is_done);
    assert_int_equal(call.end, TRANSFER_BROKEN);
    assert_int_equal(provider.accepted, 0);
}

/* Answers */

static void an_answer_may_come_byte_by_byte(void **state)
{
    static const struct reply replies[] = {
        {OK "Transfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n", 0,
         KEEP},
        {"HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 6\r\n\r\nhello!", 0, KEEP},
        {OK "\r\nhello!", 0, CLOSE}};

    (void)state;
    provider.drips = true;
    provider_says(replies, 3);
    for (int i = 0; i < 3; i++) {
        struct call call = {0};

        run(&call);
        expect_clean(&call, 6);
    }
    assert_int_equal(provider.accepted, 1);
}

static void a_head_that_never_ends_is_refused(void **state)
{
    static const struct reply endless = {"HTTP/1.1 200 OK\r\nX: ", 5000000, KEEP};
    struct call call = {0};

    (void)state;
    provider_says(&endless, 1);
    run(&call);
    assert_int_equal(call.end, TRANSFER_BROKEN);
    assert_int_equal(call.status, 0);
    UNTIL(provider.closed == 1);
}

static void pieces_that_come_together_are_told_together(void **state)
{
    static const struct reply head = {
        OK "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n", 0, KEEP};
    struct call call = {0};

    (void)state;
    provider.more = "5\r\nthree\r\n0\r\n\r\n";
    provider_says(&head, 1);
    run(&call);
    expect_clean(&call, 11);
}

static void a_pause_loses_nothing_that_was_there_already(void **state)
{
    static const struct reply reply = {OK "Content-Length: 60007\r\n\r\n", 60000, KEEP};

    (void)state;
    provider.more = "the end";
    provider_says(&reply, 1);
    for (size_t at = 1; at < 40000; at += 6000) { /* a slice ends behind each */
        struct call call = {.taken = 1, .pause_at = at};

        start(&call, provider.url, VIEW("{}"), (struct view){0});
        UNTIL(call.pauses);
        turns(5); /* all of it is in the socket by now */
        assert_false(call.is_done);
        call.pause_at = 0;
        transfer_resume(call.transfer);
        assert_false(call.is_done); /* from the loop alone */
        UNTIL(call.is_done);
        expect_clean(&call, 60008);
    }
    assert_int_equal(provider.accepted, 1);
}

static void a_paused_one_may_be_stopped_or_cancelled(void **state)
{
    static const struct reply reply = {OK "Content-Length: 60000\r\n\r\n", 60000, KEEP};
    struct call stopped = {.taken = 1, .pause_at = 1}, cancelled = stopped;

    (void)state;
    provider_says(&reply, 1);
    start(&stopped, provider.url, VIEW("{}"), (struct view){0});
    start(&cancelled, provider.url, VIEW("{}"), (struct view){0});
    UNTIL(stopped.pauses && cancelled.pauses);
    stopped.stop_at = 1;
    transfer_resume(stopped.transfer);
    assert_false(stopped.is_done);
    cancelled.pause_at = 0;
    transfer_resume(cancelled.transfer);
    transfer_cancel(cancelled.transfer);
    UNTIL(stopped.is_done);
    assert_int_equal(stopped.end, TRANSFER_STOPPED);
    UNTIL(provider.closed == 2);
    assert_false(cancelled.is_done);
    assert_int_equal(transfers.count, 0);
}

/* An end that the loop has not told yet. */
static void one_that_has_ended_may_be_cancelled(void **state)
{
    static const struct reply reply = {OK "Content-Length: 10\r\n\r\n", 10, KEEP};
    struct call call = {.taken = 1, .pause_at = 1}, again = {0};

    (void)state;
    provider_says(&reply, 1);
    start(&call, provider.url, VIEW("{}"), (struct view){0});
    UNTIL(call.pauses);
    call.pause_at = 0;
    transfer_resume(call.transfer);
    transfer_cancel(call.transfer);
    turns(3);
    assert_false(call.is_done);
    run(&again);
    expect_clean(&again, 10);
    assert_int_equal(provider.accepted, 1); /* its answer was whole */
}

static void many_at_once(void **state)
{
    enum { COUNT = 300 };
    static struct call calls[COUNT];

    (void)state;
    provider_says(&fine, 1);
    for (int round = 0; round < 3; round++) {
        memset(calls, 0, sizeof(calls));
        for (int i = 0; i < COUNT; i++)
            start(&calls[i], provider.url, VIEW("{}"), (struct view){0});
        UNTIL(!transfers.count);
        for (int i = 0; i < COUNT; i++)
            expect_clean(&calls[i], 2);
    }
    assert_true(provider.accepted <= COUNT);
    transfers_trim(&transfers);
    UNTIL(provider.closed == provider.accepted);
}

/* TLS alone */

static void an_end_without_notice_is_no_end(void **state)
{
    static const struct reply cut = {OK "\r\nabc", 0, CUT};
    static const struct reply whole = {OK "\r\nabc", 0, CLOSE};
    struct call first = {0}, second = {0};

    (void)state;
    provider_says(&whole, 1);
    run(&first);
    expect_clean(&first, 3);
    provider_says(&cut, 1);
    run(&second);
    assert_int_equal(second.end, TRANSFER_BROKEN);
    assert_int_equal(second.taken, 3);
}

static void a_provider_that_is_not_trusted_gets_no_request(void **state)
{
    struct call call = {0};

    (void)state;
    reopen(settings);
    provider_says(&fine, 1);
    run(&call);
    assert_int_equal(call.end, TRANSFER_UNTRUSTED);
    assert_non_null(strstr(call.why, "The certificate of 127.0.0.1:"));
    assert_int_equal(provider.requests, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_direct, close_direct)

int main(void)
{
    const struct CMUnitTest both[] = {
        TEST(a_connection_serves_one_after_another),
        TEST(the_newest_idle_connection_is_taken_first),
        TEST(one_that_was_closed_a_moment_ago_is_not_used),
        TEST(after_connection_close_it_is_not_used),
        TEST(nor_is_one_with_bytes_behind_the_answer),
        TEST(nor_is_one_whose_extra_bytes_come_later),
        TEST(an_answer_may_come_before_the_request_has_left),
        TEST(a_large_request_leaves_whole),
        TEST(an_answer_may_come_byte_by_byte),
        TEST(a_head_that_never_ends_is_refused),
        TEST(pieces_that_come_together_are_told_together),
        TEST(a_pause_loses_nothing_that_was_there_already),
        TEST(a_paused_one_may_be_stopped_or_cancelled),
        TEST(one_that_has_ended_may_be_cancelled),
        TEST(many_at_once),
    };
    const struct CMUnitTest plain[] = {
        TEST(an_idle_one_makes_room_for_another_origin),
        TEST(nothing_in_a_url_or_key_ends_a_line),
    };
    const struct CMUnitTest secure[] = {
        TEST(an_end_without_notice_is_no_end),
        TEST(a_provider_that_is_not_trusted_gets_no_request),
    };
    int failed = cmocka_run_group_tests_name("direct, http", both, certificate_open, NULL) +
                 cmocka_run_group_tests_name("direct, http alone", plain, NULL, NULL);

    is_tls_wanted = true;
    return failed + cmocka_run_group_tests_name("direct, TLS", both, NULL, NULL) +
           cmocka_run_group_tests_name("direct, TLS alone", secure, NULL, certificate_close);
}
