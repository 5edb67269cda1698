/* SPDX-License-Identifier: Apache-2.0 */
/* A provider of a few lines on loopback, in the loop of the transfers that are tested; and the
 * calls that are made to it. */
#pragma once

#include "transfer/transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/bytes.h"
#include "base/clock.h"

enum { DEADLINE_MS = 60000 };

enum then { KEEP, CLOSE, RESET, CUT }; /* the last: TLS ends without saying so */

/* What the provider does with its n-th request. */
struct reply {
    const char *text;
    size_t filler; /* bytes behind the text */
    enum then then;
};

struct peer {
    int fd;
    SSL *ssl; /* with TLS */
    struct bytes in, out;
    const char *more;
    bool is_deaf;
    size_t requests;
    enum then then;
    struct peer *next;
};

static struct {
    int fd;
    char url[64];
    const struct reply *replies; /* the last one is repeated */
    size_t reply_count;
    size_t requests, accepted, closed;
    struct bytes last; /* the last request as it came */
    struct peer *peers;
    SSL_CTX *tls;
    const char *more; /* behind each reply, in a TLS record of its own */
    bool drips;       /* byte by byte */
    bool is_chunked;  /* requests come in chunks */
    bool is_early;    /* it answers once the head is there, and reads no more */
} provider;

static struct loop loop;
static struct transfers transfers;

static void peer_end(struct peer *peer)
{
    struct linger now = {1, 0};

    if (peer->then == RESET)
        setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    else if (peer->ssl && peer->then != CUT)
        SSL_shutdown(peer->ssl);
    SSL_free(peer->ssl);
    peer->ssl = NULL;
    loop_remove(&loop, peer->fd);
    close(peer->fd);
    peer->fd = -1;
}

static void on_provider(void *data, int fd, unsigned events);

/* What left, or a number below 1. */
static ssize_t peer_write(struct peer *peer, struct view bytes)
{
    if (peer->ssl)
        return SSL_write(peer->ssl, bytes.at, (int)bytes.len);
    return send(peer->fd, bytes.at, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What came; 0: the end; -1: nothing. */
static ssize_t peer_read(struct peer *peer, char *at, size_t size)
{
    ssize_t len;

    if (!peer->ssl) {
        len = recv(peer->fd, at, size, MSG_DONTWAIT);
        return len < 0 && errno != EAGAIN ? 0 : len;
    }
    ERR_clear_error();
    len = SSL_read(peer->ssl, at, (int)size);
    return len > 0 ? len : SSL_get_error(peer->ssl, (int)len) == SSL_ERROR_WANT_READ ? -1 : 0;
}

static void provider_send(struct peer *peer)
{
    while (peer->out.len) {
        size_t most = provider.drips ? 1 : peer->out.len;
        ssize_t sent = peer_write(peer, (struct view){peer->out.at, most});

        if (sent <= 0)
            break;
        bytes_drop(&peer->out, (size_t)sent);
        if (provider.drips)
            break;
    }
    if (!peer->out.len && peer->more) {
        peer_write(peer, view_of(peer->more));
        peer->more = NULL;
    }
    if (!peer->out.len && peer->then != KEEP)
        peer_end(peer);
    else
        loop_set(&loop, peer->fd,
                 (peer->is_deaf ? 0 : LOOP_READ) | (peer->out.len ? LOOP_WRITE : 0), on_provider,
                 peer);
}

static const struct reply *next_reply(void)
{
    size_t i =
        provider.requests < provider.reply_count ? provider.requests : provider.reply_count - 1;

    return &provider.replies[i];
}

static void answer(struct peer *peer)
{
    const struct reply *reply = next_reply();

    provider.requests++;
    peer->requests++;
    bytes_copy(&provider.last, bytes_view(&peer->in));
    peer->in.len = 0;
    peer->then = reply->then;
    peer->more = provider.more;
    peer->is_deaf = provider.is_early;
    bytes_text(&peer->out, reply->text);
    memset(bytes_room(&peer->out, reply->filler), 'x', reply->filler);
    peer->out.len += reply->filler;
    provider_send(peer);
}

static bool is_whole(struct bytes *in)
{
    const char *end = strstr(bytes_cstr(in), "\r\n\r\n");
    const char *length = strstr(in->at, "Content-Length: ");

    if (provider.is_chunked && end)
        return strstr(end + 4, "0\r\n\r\n") != NULL;
    return end &&
           (provider.is_early ||
            in->len >= (size_t)(end + 4 - in->at) + (length ? strtoul(length + 16, NULL, 10) : 0));
}

static void on_provider(void *data, int fd, unsigned events)
{
    struct peer *peer = data;
    char buffer[16384];
    ssize_t len = -1;

    (void)fd, (void)events;
    while (!peer->is_deaf && (len = peer_read(peer, buffer, sizeof(buffer))) > 0)
        bytes_append(&peer->in, (struct view){buffer, (size_t)len});
    if (len == 0) {
        provider.closed++;
        peer->then = CLOSE;
        peer_end(peer);
        return;
    }
    if (peer->out.len)
        provider_send(peer);
    else if (is_whole(&peer->in))
        answer(peer);
}

static void on_accept(void *data, int fd, unsigned events)
{
    struct peer *peer = memory_new(sizeof(*peer));

    (void)data, (void)events;
    peer->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    peer->next = provider.peers;
    provider.peers = peer;
    provider.accepted++;
    if (provider.tls) {
        int flags = fcntl(peer->fd, F_GETFL);

        fcntl(peer->fd, F_SETFL, flags | O_NONBLOCK);
        peer->ssl = SSL_new(provider.tls);
        SSL_set_fd(peer->ssl, peer->fd);
        SSL_set_accept_state(peer->ssl);
    }
    loop_set(&loop, peer->fd, LOOP_READ, on_provider, peer);
}

/* Which engine the transfers use. */
static bool is_by_libcurl;

static const struct transfer_settings settings = {
    .slots = 512, .connect_ms = 15000, .idle_ms = 90000, .ca_bundle = ""};

static void open_transfers(const struct transfer_settings *with)
{
    struct transfer_settings all = *with;

    all.is_http2 = is_by_libcurl;
    transfers = (struct transfers){0};
    transfers_open(&transfers, &loop, &all);
}

/* The test wants others than those of all. */
static void reopen(struct transfer_settings with)
{
    transfers_close(&transfers);
    open_transfers(&with);
}

static int open_all(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);

    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    signal(SIGPIPE, SIG_IGN); /* as each of our processes has it */
    memset(&provider, 0, sizeof(provider));
    loop_open(&loop);
    provider.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(provider.fd, (struct sockaddr *)&address, len) != 0 || listen(provider.fd, 512) != 0)
        return -1;
    getsockname(provider.fd, (struct sockaddr *)&address, &len);
    snprintf(provider.url, sizeof(provider.url), "http://127.0.0.1:%d/v1/x?alt=sse",
             ntohs(address.sin_port));
    loop_set(&loop, provider.fd, LOOP_READ, on_accept, NULL);
    open_transfers(&settings);
    return 0;
}

static int close_all(void **state)
{
    struct peer *peer, *next;

    (void)state;
    transfers_close(&transfers);
    for (peer = provider.peers; peer; peer = next) {
        next = peer->next;
        if (peer->fd >= 0)
            peer_end(peer);
        bytes_clear(&peer->in);
        bytes_clear(&peer->out);
        free(peer);
    }
    bytes_clear(&provider.last);
    close(provider.fd);
    loop_close(&loop);
    return 0;
}

/* Our side */

struct call {
    struct transfer *transfer;
    unsigned status;
    uint64_t length;
    char type[64];
    size_t taken;
    size_t pause_at; /* 0: never */
    size_t stop_at;
    size_t pauses;
    bool is_done;
    enum transfer_end end;
    char why[256];
    struct call *then; /* started when this one is done */
    char headers[200];
};

static void start(struct call *call, const char *url, struct view body, struct view proxy);

static void on_head(void *owner, unsigned status, struct view type, uint64_t length,
                    struct view headers)
{
    struct call *call = owner;

    assert_int_equal(call->status, 0);
    call->status = status;
    call->length = length;
    snprintf(call->headers, sizeof(call->headers), "%.*s", (int)headers.len,
             headers.at ? headers.at : "");
    snprintf(call->type, sizeof(call->type), "%.*s", (int)type.len, type.at ? type.at : "");
}

static enum transfer_answer on_bytes(void *owner, struct view bytes)
{
    struct call *call = owner;

    assert_true(bytes.len <= 16 * 1024);
    if (call->stop_at && call->taken >= call->stop_at)
        return TRANSFER_STOP;
    if (call->pause_at && call->taken >= call->pause_at) {
        call->pauses++;
        return TRANSFER_LATER;
    }
    call->taken += bytes.len;
    return TRANSFER_TAKEN;
}

static void on_done(void *owner, enum transfer_end end, const char *why)
{
    struct call *call = owner;

    assert_false(call->is_done);
    call->is_done = true;
    call->end = end;
    call->transfer = NULL;
    snprintf(call->why, sizeof(call->why), "%s", why);
    if (call->then)
        start(call->then, provider.url, VIEW("{}"), (struct view){0});
}

static const struct transfer_events events = {on_head, on_bytes, on_done};

static void start(struct call *call, const char *url, struct view body, struct view proxy)
{
    struct transfer_order order = {.url = url,
                                   .method = body.len ? "POST" : "GET",
                                   .authorization = {VIEW("x-goog-api-key: the-key")},
                                   .type = VIEW("application/json"),
                                   .wanted = VIEW("x-goog-upload-url, Retry-After"),
                                   .body = body,
                                   .proxy = {proxy}};

    call->transfer = transfer_start(&transfers, &order, &events, call);
}

static void turn(void)
{
    transfers_turn(&transfers, clock_ms());
    loop_wait(&loop, transfers.due_ms == 0 ? 0 : 5);
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        uint64_t by_ms = clock_ms() + DEADLINE_MS;                                                 \
        while (!(condition) && clock_ms() < by_ms)                                                 \
            turn();                                                                                \
        assert_true(condition);                                                                    \
    } while (0)

static void turns(int count)
{
    for (int i = 0; i < count; i++)
        turn();
}

static void provider_says(const struct reply *replies, size_t count)
{
    provider.replies = replies;
    provider.reply_count = count;
}

#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
static const struct reply fine = {OK "Content-Length: 2\r\n\r\n{}", 0, KEEP};

static void run(struct call *call)
{
    start(call, provider.url, VIEW("{\"a\":1}"), (struct view){0});
    UNTIL(call->is_done);
}
