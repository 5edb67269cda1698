/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of transfers. What must stay true: a socket that is closed is not watched any more.
 *
 * 1. libcurl says "remove this socket" after each answer and "watch it" for the next one. A
 * connection's socket stays registered instead, and goes only when an event comes that nobody wants
 * (a third of the CPU).
 * 2. Sockets that libcurl makes for itself (its resolver's) it also closes itself, unseen: those
 * are removed at once. */
#include "transfer/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

enum { SILENCE_MS = 30000 }; /* what is sent and not acknowledged for so long: the peer is gone */

enum watch_flag {
    WATCHED = 1,    /* registered at the loop */
    CONNECTION = 2, /* opened by us for a connection */
};

struct watch {
    unsigned char flags;
    unsigned char registered; /* LOOP_READ, LOOP_WRITE */
    unsigned char wanted;     /* 0 and registered: kept lazily */
};

static struct watch *watch_of(struct sockets *sockets, int fd)
{
    if ((size_t)fd >= sockets->watch_count) {
        size_t count = sockets->watch_count ? sockets->watch_count : 64;

        while (count <= (size_t)fd)
            count *= 2;
        sockets->watches = memory_grow(sockets->watches, count * sizeof(*sockets->watches));
        memset(sockets->watches + sockets->watch_count, 0,
               (count - sockets->watch_count) * sizeof(*sockets->watches));
        sockets->watch_count = count;
    }
    return &sockets->watches[fd];
}

static void forget(struct sockets *sockets, int fd)
{
    struct watch *watch = watch_of(sockets, fd);

    if (watch->flags & WATCHED)
        loop_remove(sockets->loop, fd);
    watch->flags &= (unsigned char)~WATCHED;
    watch->registered = watch->wanted = 0;
}

static void on_ready(void *data, int fd, unsigned events)
{
    struct sockets *sockets = data;
    struct watch *watch = watch_of(sockets, fd);
    int action = 0;

    if (!watch->wanted) {
        forget(sockets, fd);
        return;
    }
    if (events & LOOP_READ)
        action |= CURL_CSELECT_IN;
    if (events & LOOP_WRITE)
        action |= CURL_CSELECT_OUT;
    if (events & LOOP_BROKEN)
        action |= watch->wanted & LOOP_READ ? CURL_CSELECT_IN : CURL_CSELECT_ERR;
    sockets->on_ready(sockets->owner, fd, action);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct sockets *sockets = data;
    struct watch *watch = watch_of(sockets, fd);
    unsigned char wanted = 0;

    (void)easy, (void)socket_data;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        wanted |= LOOP_READ;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        wanted |= LOOP_WRITE;
    if (what == CURL_POLL_REMOVE && !(watch->flags & CONNECTION)) {
        forget(sockets, fd);
        return 0;
    }
    watch->wanted = wanted;
    if (!wanted || ((watch->flags & WATCHED) && watch->registered == wanted))
        return 0;
    loop_set(sockets->loop, fd, wanted, on_ready, sockets);
    watch->flags |= WATCHED;
    watch->registered = wanted;
    return 0;
}

void sockets_serve(struct sockets *sockets, CURLM *multi)
{
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, sockets);
}

int sockets_open(struct sockets *sockets, const struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    unsigned silence_ms = SILENCE_MS;

    if (fd < 0)
        return -1;
    if (address->socktype == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
    *watch_of(sockets, fd) = (struct watch){.flags = CONNECTION};
    sockets->connections++;
    return fd;
}

static int on_close(void *data, curl_socket_t fd)
{
    struct sockets *sockets = data;

    forget(sockets, fd);
    watch_of(sockets, fd)->flags = 0;
    sockets->connections--;
    return close(fd);
}

void sockets_close_for(struct sockets *sockets, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
}

void sockets_clear(struct sockets *sockets)
{
    free(sockets->watches);
    sockets->watches = NULL;
    sockets->watch_count = 0;
}
