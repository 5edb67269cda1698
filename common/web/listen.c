/* SPDX-License-Identifier: Apache-2.0 */
/* Where connections come from. Called once at the start and once at the end of a process. What must
 * stay true: connections that wait when the listening ends are served still. */
#include "web/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "web/client.h"
#include "web/early.h"

enum {
    ACCEPT_MOST = 16,         /* connections in one round */
    ACCEPT_PAUSE_MS = 100,    /* when there are no file descriptors left */
    UNSENT_MOST = 128 * 1024, /* bytes that the kernel holds for a client beyond its window */
};

static void take(struct web *web, h2o_socket_t *socket)
{
    struct client *client = client_open(web, socket);

    h2o_accept(&web->accept, socket);
    early_watch(client);
}

static bool accept_some(struct web *web, int most)
{
    while (most-- > 0) {
        h2o_socket_t *socket = h2o_evloop_socket_accept(web->listener);

        if (!socket)
            return false;
        take(web, socket);
    }
    return true;
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    struct web *web = listener->data;

    if (error || accept_some(web, ACCEPT_MOST))
        return;
    if (errno == EMFILE || errno == ENFILE) {
        h2o_socket_read_stop(listener);
        h2o_timeout_link(web->loop, &web->accept_pause, &web->accept_again);
        log_warn("web.full", F_STR("why", strerror(errno)));
    }
}

static void on_accept_again(h2o_timeout_entry_t *entry)
{
    struct web *web = H2O_STRUCT_FROM_MEMBER(struct web, accept_again, entry);

    if (web->listener)
        h2o_socket_read_start(web->listener, on_accept);
}

static void listen_on(struct web *web, int fd)
{
    web->listener = h2o_evloop_socket_create(web->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    web->listener->data = web;
    h2o_socket_read_start(web->listener, on_accept);
}

static int bind_to(const struct addrinfo *at)
{
    int on = 1, unsent = UNSENT_MOST;
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    /* Accepted connections inherit it: else the kernel would take megabytes for each client that
     * doesn't read. */
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    close(fd);
    return -1;
}

static int bind_tcp(const char *host, uint64_t port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[24];
    int fd = -1, wrong;

    snprintf(service, sizeof(service), "%llu", (unsigned long long)port);
    wrong = getaddrinfo(*host ? host : NULL, service, &hints, &found);
    if (wrong)
        die("cannot listen on HOST=%s: %s", host, gai_strerror(wrong));
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = bind_to(at);
    if (fd < 0)
        die("cannot listen on %s port %s: %s", host, service, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return 0;
    if (at.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&at)->sin_port);
    return at.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&at)->sin6_port) : 0;
}

unsigned web_listen(struct web *web, const char *host, uint64_t port)
{
    const char *inherited = getenv("LISTEN_FD");
    int fd = inherited && *inherited ? atoi(inherited) : bind_tcp(host, port);

    listen_on(web, fd);
    return port_of(fd);
}

void web_listen_unix(struct web *web, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(at.sun_path))
        die("%s is too long for a Unix socket: choose a shorter STATE_DIR", path);
    memcpy(at.sun_path, path, strlen(path));
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, SOMAXCONN) != 0)
        die("cannot listen on %s: %s", path, strerror(errno));
    listen_on(web, fd);
}

void listen_prepare(struct web *web)
{
    h2o_timeout_init(web->loop, &web->accept_pause, ACCEPT_PAUSE_MS);
    web->accept_again.cb = on_accept_again;
}

void web_leave(struct web *web)
{
    if (!web->listener)
        return;
    while (accept_some(web, ACCEPT_MOST))
        continue;
    h2o_timeout_unlink(&web->accept_again);
    h2o_socket_close(web->listener);
    web->listener = NULL;
    h2o_context_request_shutdown(&web->context);
}
