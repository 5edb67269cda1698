/* SPDX-License-Identifier: Apache-2.0 */
/* h2o's loop as an actor's loop, and what HTTP needs besides. Called by the frontend and by admin.
 * What must stay true: every file descriptor that the actor watches only wakes the loop; its mail
 * is read by actor_turn, between two rounds. */
#include "web/web.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "settings/options.h"

enum {
    ACCEPT_MOST = 16,         /* connections in one round */
    ACCEPT_PAUSE_MS = 100,    /* when there are no file descriptors left */
    UNSENT_MOST = 128 * 1024, /* bytes that the kernel holds for a client beyond its window */
    LINGER_MS = 2000,
    LINGER_MOST = 256, /* connections */
    LOOK_MS = 250,     /* look into every mailbox at least this often */
};

/* What we know of a connection besides h2o. It hangs on the socket's on_close. */
struct client {
    struct web *web;
    h2o_socket_t *socket;
    int linger_fd; /* of a connection that h2o will close while its client still sends; else -1 */
    void (*on_gone)(void *data);
    void *data;
    h2o_timeout_entry_t look; /* when data that nobody reads hides a hang-up */
};

/* Watching what the actor waits for */

struct web_watch {
    struct actor *actor;
    int fd;
    h2o_socket_t *socket;
    struct web_watch *next;
};

static void on_readable(h2o_socket_t *socket, const char *error)
{
    struct web_watch *one = socket->data;

    (void)error; /* it is only a wake-up */
    actor_ready(one->actor, one->fd);
}

static void watch(struct actor *actor, int fd)
{
    struct web *web = actor->loop;
    struct web_watch *one = memory_new(sizeof(*one));

    one->actor = actor;
    one->fd = fd;
    /* A copy of the descriptor, since h2o closes it. */
    one->socket = h2o_evloop_socket_create(web->loop, dup(fd), H2O_SOCKET_FLAG_DONT_READ);
    one->socket->data = one;
    h2o_socket_read_start(one->socket, on_readable);
    LL_PREPEND(web->watches, one);
}

static void unwatch(struct actor *actor, int fd)
{
    struct web *web = actor->loop;
    struct web_watch *one;

    LL_SEARCH_SCALAR(web->watches, one, fd, fd);
    if (!one)
        return;
    LL_DELETE(web->watches, one);
    h2o_socket_close(one->socket);
    free(one);
}

/* Errors that h2o finds by itself become JSON. */

struct rewrite {
    h2o_ostream_t super;
    h2o_iovec_t body;
};

static void rewrite_send(h2o_ostream_t *stream, h2o_req_t *req, h2o_iovec_t *bufs, size_t count,
                         h2o_send_state_t state)
{
    struct rewrite *rewrite = (struct rewrite *)stream;

    (void)bufs, (void)count;
    if (web_is_head(req))
        h2o_ostream_send_next(stream, req, NULL, 0, state);
    else
        h2o_ostream_send_next(stream, req, &rewrite->body, 1, state);
}

static bool is_made_by_h2o(const h2o_req_t *req)
{
    ssize_t at = h2o_find_header(&req->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);

    return req->res.status >= 400 && req->res.content_length != SIZE_MAX && at >= 0 &&
           h2o_memis(req->res.headers.entries[at].value.base,
                     req->res.headers.entries[at].value.len,
                     H2O_STRLIT("text/plain; charset=utf-8"));
}

static void linger_prepare(h2o_req_t *req)
{
    h2o_socket_t *socket = req->conn->callbacks->get_socket(req->conn);
    struct client *client = socket->on_close.data;

    if (!req->http1_is_persistent && client->linger_fd < 0 && client->web->lingering < LINGER_MOST)
        client->linger_fd = dup(h2o_socket_get_fd(socket));
}

static void on_setup(h2o_filter_t *filter, h2o_req_t *req, h2o_ostream_t **slot)
{
    struct web *web = H2O_STRUCT_FROM_MEMBER(struct web, context, req->conn->ctx);
    struct bytes body = {0};
    struct rewrite *rewrite;

    (void)filter;
    if (!is_made_by_h2o(req) || !web->complain) {
        h2o_setup_next_ostream(req, slot);
        return;
    }
    linger_prepare(req);
    req->res.headers.size = 0;
    web->complain(req, req->res.status, &body);
    rewrite = (struct rewrite *)h2o_add_ostream(req, sizeof(*rewrite), slot);
    rewrite->super.do_send = rewrite_send;
    rewrite->body = h2o_strdup(&req->pool, body.at, body.len);
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    bytes_clear(&body);
    h2o_setup_next_ostream(req, &rewrite->super.next);
}

/* A client that is still sending when its connection is closed would be sent a reset, and might
 * lose the reply over it: the copy of the descriptor keeps the connection half open until the
 * client stops or some time has passed. */

struct rest {
    struct web *web;
    h2o_socket_t *socket;
    h2o_timeout_entry_t timer;
};

static void linger_end(struct rest *rest)
{
    h2o_timeout_unlink(&rest->timer);
    rest->web->lingering--;
    h2o_socket_close(rest->socket);
    free(rest);
}

static void on_linger_timeout(h2o_timeout_entry_t *entry)
{
    linger_end(H2O_STRUCT_FROM_MEMBER(struct rest, timer, entry));
}

static void on_linger_read(h2o_socket_t *socket, const char *error)
{
    if (error)
        linger_end(socket->data);
    else
        h2o_buffer_consume(&socket->input, socket->input->size);
}

static void linger_begin(struct web *web, int fd)
{
    struct rest *rest = memory_new(sizeof(*rest));

    shutdown(fd, SHUT_WR);
    rest->web = web;
    rest->socket = h2o_evloop_socket_create(web->loop, fd, 0);
    rest->socket->data = rest;
    rest->timer.cb = on_linger_timeout;
    web->lingering++;
    h2o_timeout_link(web->loop, &web->linger, &rest->timer);
    h2o_socket_read_start(rest->socket, on_linger_read);
}

/* Connections */

static struct client *client_of(const h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

static void on_client_closed(void *data)
{
    struct client *client = data;

    h2o_timeout_unlink(&client->look);
    if (client->linger_fd >= 0)
        linger_begin(client->web, client->linger_fd);
    free(client);
}

static void client_gone(struct client *client)
{
    void (*on_gone)(void *) = client->on_gone;

    client->on_gone = NULL;
    h2o_timeout_unlink(&client->look);
    if (on_gone)
        on_gone(client->data);
}

/* Nobody reads this connection now, and data lies before a hang-up that may come: ask the kernel
 * once a second. */
static void on_look(h2o_timeout_entry_t *entry)
{
    struct client *client = H2O_STRUCT_FROM_MEMBER(struct client, look, entry);
    struct pollfd ask = {h2o_socket_get_fd(client->socket), POLLRDHUP, 0};

    if (!client->on_gone)
        return;
    if (poll(&ask, 1, 0) > 0 && ask.revents & (POLLRDHUP | POLLHUP | POLLERR))
        client_gone(client);
    else
        h2o_timeout_link(client->web->loop, &client->web->context.one_sec_timeout, entry);
}

static void on_tap(h2o_socket_t *socket, const char *error)
{
    struct client *client = socket->on_close.data;
    char byte;
    ssize_t got = recv(h2o_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (error || got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        client_gone(client);
        return;
    }
    if (got > 0) { /* the next request already, or the end of a line that nobody needs */
        h2o_socket_read_stop(socket);
        h2o_socket_dont_read(socket, 0);
        h2o_timeout_link(client->web->loop, &client->web->context.one_sec_timeout, &client->look);
    }
}

void web_tap(h2o_req_t *req, void (*on_gone)(void *data), void *data)
{
    struct client *client = client_of(req);

    client->on_gone = on_gone;
    client->data = data;
    h2o_socket_dont_read(client->socket, 1);
    h2o_socket_read_start(client->socket, on_tap);
}

void web_untap(h2o_req_t *req)
{
    struct client *client = client_of(req);

    client->on_gone = NULL;
    h2o_timeout_unlink(&client->look);
    h2o_socket_dont_read(client->socket, 0);
    h2o_socket_read_stop(client->socket);
}

void web_break(h2o_req_t *req)
{
    shutdown(h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn)), SHUT_RDWR);
}

/* Accepting */

static void client_open(struct web *web, h2o_socket_t *socket)
{
    struct client *client = memory_new(sizeof(*client));

    client->web = web;
    client->socket = socket;
    client->linger_fd = -1;
    client->look.cb = on_look;
    socket->on_close.cb = on_client_closed;
    socket->on_close.data = client;
    h2o_accept(&web->accept, socket);
}

static bool accept_some(struct web *web, int most)
{
    while (most-- > 0) {
        h2o_socket_t *socket = h2o_evloop_socket_accept(web->listener);

        if (!socket)
            return false;
        client_open(web, socket);
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

/* Opening and running */

static void filter_add(h2o_pathconf_t *path)
{
    h2o_filter_t *filter = h2o_create_filter(path, sizeof(*filter));

    filter->on_setup_ostream = on_setup;
}

void web_open(struct web *web, struct actor *actor, void *owner,
              int (*on_req)(h2o_handler_t *, h2o_req_t *), uint64_t body_limit)
{
    h2o_handler_t *handler;

    web->actor = actor;
    web->owner = owner;
    web->loop = h2o_evloop_create();
    h2o_config_init(&web->config);
    h2o_socket_buffer_mmap_settings.threshold =
        SIZE_MAX; /* no prompt goes into a file, however large */
    web->config.server_name = (h2o_iovec_t){"", 0};
    web->config.max_request_entity_size = body_limit;
    web->config.http1.req_timeout = options.request_ms; /* for headers and body together */
    web->config.http1.upgrade_to_http2 = 0; /* neither by Upgrade nor by prior knowledge */
    web->config.proxy.emit_via_header = 0;
    web->host =
        h2o_config_register_host(&web->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    web->path = h2o_config_register_path(web->host, "/", 0);
    web->path->error_log.emit_request_errors = 0; /* they would print paths with their queries */
    web->host->fallback_path.error_log.emit_request_errors = 0;
    filter_add(web->path);
    filter_add(&web->host->fallback_path);
    handler = h2o_create_handler(web->path, sizeof(*handler));
    handler->on_req = on_req;
}

void web_start(struct web *web)
{
    h2o_context_init(&web->context, web->loop, &web->config);
    h2o_timeout_init(web->loop, &web->accept_pause, ACCEPT_PAUSE_MS);
    h2o_timeout_init(web->loop, &web->stall, options.client_stall_ms);
    h2o_timeout_init(web->loop, &web->linger, LINGER_MS);
    web->accept_again.cb = on_accept_again;
    web->accept.ctx = &web->context;
    web->accept.hosts = web->config.hosts;
    actor_hook(web->actor, watch, unwatch, web);
}

void web_run(struct web *web)
{
    struct actor *actor = web->actor;
    bool has_mail = actor_turn(actor);

    while (!actor->is_stopped) {
        uint64_t now_ms, lag_ms;

        h2o_evloop_run(web->loop, has_mail ? 0 : (int32_t)actor_wait_ms(actor));
        /* h2o's clock stands at the moment when it woke. */
        lag_ms = clock_utc_ms() - h2o_now(web->loop);
        if (lag_ms > actor->lag_ms && lag_ms < UINT32_MAX)
            actor->lag_ms = lag_ms;
        now_ms = clock_ms();
        if (now_ms - web->looked_ms < LOOK_MS)
            actor_ready(actor, -1); /* then the turn looks only where there is a reason to */
        else
            web->looked_ms = now_ms;
        has_mail = actor_turn(actor);
    }
}

void *web_owner(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct web, context, req->conn->ctx)->owner;
}

void web_defer(struct web *web, h2o_timeout_entry_t *entry)
{
    if (!h2o_timeout_is_linked(entry))
        h2o_timeout_link(web->loop, &web->context.zero_timeout, entry);
}
