/* SPDX-License-Identifier: Apache-2.0
 * A stream's life, from the connection to HTTP's last chunk, and the look at its bytes. Called by
 * streams.c.
 *
 *   WAITING -> CONNECTING -> HEAD -> SIZE -> DATA -> DATA_END -> SIZE … TRAILER -> DONE
 *                              \________ the next stream on this connection ___/
 *
 * What must stay true: a stream counts as whole only if all numbers came, each once, in order, and
 * HTTP's last chunk after them. */
#include "stream.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void stream_close(struct stream *s)
{
    struct linger at_once = {1, 0}; /* a reset: no port waits a minute behind each connection */

    if (s->fd >= 0) {
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(s->fd);
    }
    s->fd = -1;
}

static void stream_count(struct client *client, struct stream *s, enum outcome outcome)
{
    client->outcomes[outcome]++;
    client->late_streams += s->is_late;
}

void stream_end(struct client *client, struct stream *s, enum outcome outcome)
{
    stream_count(client, s, outcome);
    stream_close(s);
    s->state = STATE_DONE;
    client->done++;
    client->never_opened += !s->is_open;
}

static void stream_ask(struct client *client, struct stream *s)
{
    s->state = STATE_HEAD;
    s->is_chunked = s->is_late = s->has_disorder = s->has_begun = s->in_number = false;
    s->status = 0;
    s->line_len = s->matched = 0;
    s->next = 0;
    s->asked_us = now_us();
    /* A request is small, and the socket empty: it fits at once, or the test is wrong. */
    if (send(s->fd, client->request, client->request_len, MSG_NOSIGNAL) !=
        (ssize_t)client->request_len)
        s->status = -1; /* the end of the connection, which is read next, decides */
}

void stream_connect(struct client *client, struct stream *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)client->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                   .data.ptr = s};
    int yes = 1;

    s->is_reused = false;
    s->state = STATE_CONNECTING;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        fail("socket", strerror(errno));
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (epoll_ctl(client->poll, EPOLL_CTL_ADD, s->fd, &interest) < 0)
        fail("epoll_ctl", strerror(errno));
    if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
        stream_end(client, s, NOT_CONNECTED);
}

/* The last chunk has come: another stream on this connection, or none. */
static void stream_finish(struct client *client, struct stream *s)
{
    bool is_wrong = s->has_disorder || s->next > (uint32_t)client->events;
    bool is_short = s->next < (uint32_t)client->events;
    enum outcome outcome = is_wrong ? OUT_OF_ORDER : is_short ? TOO_SHORT : WHOLE;

    if (outcome == WHOLE && client->seconds && now_us() < client->end_us) {
        stream_count(client, s, WHOLE);
        s->is_reused = true;
        stream_ask(client, s);
    } else {
        stream_end(client, s, outcome);
    }
}

/* -- bytes */

static void take_number(struct client *client, struct stream *s, int64_t at_us)
{
    int64_t gap_us = at_us - (s->next ? s->last_us : s->asked_us);

    client->event_count++;
    if (s->number != s->next)
        s->has_disorder = true;
    samples_add(s->next ? &client->gaps : &client->firsts, gap_us);
    if (s->next && gap_us > LATE_PACES * client->pace_ms * 1000) {
        client->late_gaps++;
        s->is_late = true;
    }
    s->next = s->number + 1;
    s->last_us = at_us;
    if (!s->is_open) {
        s->is_open = true;
        client->opened++;
    }
}

static void take_data(struct client *client, struct stream *s, const char *from, size_t len,
                      int64_t at_us)
{
    for (const char *to = from + len; from < to; from++) {
        if (s->in_number) {
            if (*from >= '0' && *from <= '9') {
                s->number = s->number * 10 + (uint32_t)(*from - '0');
                continue;
            }
            s->in_number = false;
            if (*from == ']')
                take_number(client, s, at_us);
            continue;
        }
        while (s->matched && *from != client->mark[s->matched])
            s->matched = client->fallback[s->matched];
        if (*from == client->mark[s->matched] && ++s->matched == client->mark_len) {
            s->in_number = true;
            s->number = 0;
            s->matched = 0;
        }
    }
}

static void take_head_line(struct stream *s)
{
    s->line[s->line_len] = 0;
    if (!s->status)
        sscanf(s->line, "HTTP/1.1 %d", &s->status);
    else if (strcasecmp(s->line, "transfer-encoding: chunked") == 0)
        s->is_chunked = true;
    else if (!s->line_len)
        s->state = STATE_SIZE;
}

static void take_line(struct client *client, struct stream *s)
{
    enum state was = s->state;
    bool is_empty = !s->line_len;

    s->line[s->line_len] = 0;
    if (was == STATE_HEAD) {
        take_head_line(s);
    } else if (was == STATE_SIZE) {
        s->chunk_left = strtoull(s->line, NULL, 16);
        s->state = s->chunk_left ? STATE_DATA : STATE_TRAILER;
    } else if (was == STATE_DATA_END) {
        s->state = STATE_SIZE;
    } else if (is_empty) {
        stream_finish(client, s);
    }
    s->line_len = 0;
}

/* What was read, piece by piece. The stream may be over afterwards, or another one begun. */
static void take_bytes(struct client *client, struct stream *s, const char *from, size_t len,
                       int64_t at_us)
{
    const char *to = from + len;

    s->has_begun = true;
    while (from < to && s->state != STATE_DONE) {
        if (s->state == STATE_DATA) {
            size_t take =
                (uint64_t)(to - from) < s->chunk_left ? (size_t)(to - from) : (size_t)s->chunk_left;

            take_data(client, s, from, take, at_us);
            from += take;
            s->chunk_left -= take;
            if (!s->chunk_left)
                s->state = STATE_DATA_END;
        } else if (*from == '\n') {
            from++;
            take_line(client, s);
            if (s->state == STATE_SIZE && (s->status != 200 || !s->is_chunked))
                stream_end(client, s, REFUSED);
        } else {
            if (*from != '\r' && s->line_len < sizeof(s->line) - 1)
                s->line[s->line_len++] = *from;
            from++;
        }
    }
}

/* The other side has closed. Between two streams it may; then this one is asked for on a new
 * connection. */
static void stream_cut(struct client *client, struct stream *s)
{
    if (s->is_reused && s->state == STATE_HEAD && !s->has_begun) {
        stream_close(s);
        stream_connect(client, s);
    } else {
        stream_end(client, s, CUT);
    }
}

static void stream_read(struct client *client, struct stream *s)
{
    static char buffer[65536];
    int fd = s->fd;

    while (s->fd == fd && s->state != STATE_DONE) {
        ssize_t got = read(fd, buffer, sizeof(buffer));

        if (got > 0) {
            client->bytes += (uint64_t)got;
            take_bytes(client, s, buffer, (size_t)got, now_us());
            if ((size_t)got < sizeof(buffer))
                return; /* edge-triggered, but a short read has emptied the socket: what comes later
                           wakes again */
        } else if (got < 0 && errno == EAGAIN) {
            return;
        } else {
            stream_cut(client, s);
            return;
        }
    }
}

void stream_on_event(struct client *client, struct stream *s, uint32_t events)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (s->state == STATE_DONE)
        return;
    if (s->state == STATE_CONNECTING) {
        getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error)
            stream_end(client, s, NOT_CONNECTED);
        else if (events & EPOLLOUT)
            stream_ask(client, s);
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
        stream_read(client, s);
    /* An end of file that came together with the last bytes makes no further event. */
    if (s->state != STATE_DONE && s->state != STATE_CONNECTING &&
        (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)))
        stream_read(client, s);
}
