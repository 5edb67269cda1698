/* SPDX-License-Identifier: Apache-2.0 */
/* Connections. What must stay true: what is idle is ready for a request, as far as can be told
 * without sending one; and nothing here blocks.
 *
 * 1. libcurl only connects. Over plain http the socket is then ours alone, and its opener, 17 KB,
 * is used for the next one. With TLS the opener stays, for the session is its handle's, and it must
 * stay in its multi: taken out it closes the connection.
 * 2. The loop tells of what is in the socket, not of what OpenSSL has taken out of it and not given
 * yet. */
#include "transfer/connection.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "transfer/opener.h"
#include "transfer/trouble.h"

/* Making one */

static void on_fd(void *data, int fd, unsigned events)
{
    struct connection *connection = data;
    struct connections *connections = connection->all;

    (void)fd;
    connections->events->ready(connection->user, events);
    connections->after(connections->owner);
}

static void unlink_idle(struct connection *connection)
{
    DL_DELETE(connection->all->idle, connection);
    connection->is_idle = false;
}

static void forget(struct connection *connection)
{
    if (connection->is_idle)
        unlink_idle(connection);
    connection->all->count--;
    bytes_clear(&connection->origin);
    free(connection);
}

static bool take_over_tls(struct connection *connection, int fd)
{
    if (!connection->opener->session)
        return false;
    connection->fd = fd;
    tls_take(&connection->tls, connection->opener->session, fd);
    return true;
}

/* libcurl closes its own descriptor of the socket. */
static bool take_over_plain(struct connection *connection, int fd)
{
    struct opener *opener = connection->opener;

    connection->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    connection->opener = NULL;
    opener_give(connection->all, opener);
    return connection->fd >= 0;
}

/* What goes over it is ours from now on. */
static bool take_over(struct connection *connection)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    curl_easy_getinfo(connection->opener->handle.easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD)
        return false;
    return connection->is_tls ? take_over_tls(connection, fd) : take_over_plain(connection, fd);
}

/* By its opener, with `code`; or, if that is OK, since it could not be taken over. */
static void fail(struct connection *connection, CURLcode code)
{
    struct connections *connections = connection->all;
    struct opener *opener = connection->opener;
    enum transfer_end end = TRANSFER_NO_CONNECTION;
    void *user = connection->user;
    struct bytes why = {0};

    if (opener && code != CURLE_OK)
        end = trouble_read(opener->handle.easy, opener->handle.url, (struct view){0}, code,
                           opener->handle.said, &why);
    else
        bytes_text(&why, connection->is_tls ? "No connection: libcurl's TLS is not OpenSSL's"
                                            : "No connection: too many files are open");
    connection_close(connection);
    connections->events->failed(user, end, bytes_cstr(&why));
    bytes_clear(&why);
}

static void after_curl(struct connections *connections)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(connections->multi, &left)) != NULL) {
        struct opener *opener = NULL;
        struct connection *connection;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&opener);
        connection = opener->connection;
        if (code == CURLE_OK && take_over(connection))
            connections->events->opened(connection->user);
        else
            fail(connection, code);
    }
    connections->after(connections->owner);
}

struct connection *connection_open(struct connections *connections, struct view origin, bool is_tls,
                                   void *user)
{
    struct connection *connection = memory_new(sizeof(*connection));
    struct opener *opener = opener_take(connections, is_tls);

    connection->all = connections;
    connection->opener = opener;
    connection->fd = -1;
    connection->loop = connections->loop;
    connection->is_tls = is_tls;
    connection->user = user;
    bytes_append(&connection->origin, origin);
    connections->count++;
    opener->connection = connection;
    handle_set_url(&opener->handle, bytes_cstr(&connection->origin));
    if (curl_multi_add_handle(connections->multi, opener->handle.easy) != CURLM_OK)
        abort(); /* a handle of ours, and it is in no other multi */
    return connection;
}

/* Using one */

static int send_plain(struct connection *connection, struct view *head, struct view *body)
{
    struct iovec parts[] = {{(void *)(uintptr_t)head->at, head->len},
                            {(void *)(uintptr_t)body->at, body->len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t of_head;

    if (sent < 0) {
        connection->error = errno;
        return errno == EAGAIN ? CONNECTION_AGAIN : CONNECTION_BROKEN;
    }
    of_head = (size_t)sent < head->len ? (size_t)sent : head->len;
    *head = view_skip(*head, of_head);
    *body = view_skip(*body, (size_t)sent - of_head);
    return 0;
}

static int send_tls(struct connection *connection, struct view *head, struct view *body)
{
    int fault = tls_send(&connection->tls, head);

    return fault ? fault : tls_send(&connection->tls, body);
}

int connection_send(struct connection *connection, struct view *head, struct view *body)
{
    int fault = 0;

    if (connection->is_tls)
        return send_tls(connection, head, body);
    while (!fault && (head->len || body->len))
        fault = send_plain(connection, head, body);
    return fault;
}

static ssize_t receive_plain(struct connection *connection, char *at, size_t size)
{
    ssize_t len = recv(connection->fd, at, size, MSG_DONTWAIT);

    if (len >= 0)
        return len;
    connection->error = errno;
    return errno == EAGAIN ? CONNECTION_AGAIN : CONNECTION_BROKEN;
}

ssize_t connection_receive(struct connection *connection, char *at, size_t size)
{
    return connection->is_tls ? tls_receive(&connection->tls, at, size)
                              : receive_plain(connection, at, size);
}

bool connection_holds(const struct connection *connection)
{
    return connection->is_tls && tls_holds(&connection->tls);
}

const char *connection_why(const struct connection *connection)
{
    return connection->is_tls ? connection->tls.why : strerror(connection->error);
}

void connection_watch(struct connection *connection, unsigned events)
{
    if (events)
        loop_set(connection->loop, connection->fd, events, on_fd, connection);
    else if (connection->is_watched)
        loop_remove(connection->loop, connection->fd);
    connection->is_watched = events;
}

static void move(struct connection *connection, struct loop *loop)
{
    if (connection->loop == loop)
        return;
    if (connection->is_watched)
        loop_remove(connection->loop, connection->fd);
    connection->loop = loop;
}

void connection_streams(struct connection *connection)
{
    move(connection, &connection->all->streams.inner);
    connection_watch(connection, LOOP_READ);
}

/* Idle ones */

/* With TLS something may come between two answers: tickets, for one. */
static bool is_quiet(struct connection *connection)
{
    char byte;
    ssize_t len = 1;

    if (!connection_holds(connection))
        len = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (len < 0)
        return errno == EAGAIN;
    return len > 0 && connection->is_tls &&
           connection_receive(connection, &byte, 1) == CONNECTION_AGAIN;
}

static void on_idle(void *data, int fd, unsigned events)
{
    struct connection *connection = data;

    (void)fd;
    if ((events & LOOP_BROKEN) || !is_quiet(connection))
        connection_close(connection);
}

void connection_keep(struct connection *connection)
{
    struct connections *connections = connection->all;

    connection->user = NULL;
    connection->is_idle = true;
    connection->idle_since_ms = clock_ms();
    DL_PREPEND(connections->idle, connection);
    move(connection, connections->loop);
    loop_set(connections->loop, connection->fd, LOOP_READ, on_idle, connection);
    connection->is_watched = true;
}

static struct connection *find_idle(const struct connections *connections, struct view origin)
{
    struct connection *connection;

    DL_FOREACH (connections->idle, connection)
        if (view_equal(bytes_view(&connection->origin), origin))
            return connection;
    return NULL;
}

bool connections_has_idle(const struct connections *connections, struct view origin)
{
    return find_idle(connections, origin) != NULL;
}

struct connection *connection_take(struct connections *connections, struct view origin, void *user)
{
    struct connection *connection;

    while ((connection = find_idle(connections, origin)) != NULL) {
        if (is_quiet(connection)) {
            unlink_idle(connection);
            connection->user = user;
            connection_watch(connection, LOOP_READ);
            return connection;
        }
        connection_close(connection);
    }
    return NULL;
}

void connection_close(struct connection *connection)
{
    if (connection->fd >= 0)
        loop_remove(connection->loop, connection->fd);
    if (connection->opener)
        opener_give(connection->all, connection->opener);
    else if (connection->fd >= 0)
        close(connection->fd);
    forget(connection);
}

bool connections_close_oldest(struct connections *connections)
{
    if (!connections->idle)
        return false;
    connection_close(connections->idle->prev); /* of the first that is the last */
    return true;
}

void connections_close_idle(struct connections *connections)
{
    while (connections_close_oldest(connections))
        ;
}

static void close_expired(struct connections *connections, uint64_t now_ms)
{
    while (connections->idle &&
           now_ms >= connections->idle->prev->idle_since_ms + connections->settings->idle_ms)
        connections_close_oldest(connections);
}

/* The multi */

static void on_ready(void *owner, int fd, int action)
{
    struct connections *connections = owner;
    int running;

    curl_multi_socket_action(connections->multi, fd, action, &running);
    after_curl(connections);
}

static int on_timer(CURLM *multi, long wait_ms, void *data)
{
    struct connections *connections = data;

    (void)multi;
    connections->due_ms = wait_ms < 0 ? UINT64_MAX : wait_ms ? clock_ms() + (uint64_t)wait_ms : 0;
    connections->wake(connections->owner);
    return 0;
}

uint64_t connections_due_ms(const struct connections *connections)
{
    uint64_t streams_ms = connections->streams.due_ms;

    return connections->due_ms < streams_ms ? connections->due_ms : streams_ms;
}

void connections_turn(struct connections *connections, uint64_t now_ms)
{
    int running;

    close_expired(connections, now_ms);
    streams_turn(&connections->streams, now_ms);
    if (now_ms < connections->due_ms)
        return;
    connections->due_ms = UINT64_MAX;
    curl_multi_socket_action(connections->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    after_curl(connections);
}

void connections_open(struct connections *connections)
{
    CURLM *multi = connections->multi = curl_multi_init();

    if (!multi)
        abort();
    connections->sockets =
        (struct sockets){.loop = connections->loop, .on_ready = on_ready, .owner = connections};
    connections->due_ms = UINT64_MAX;
    connections->streams = (struct streams){
        .loop = connections->loop, .wake = connections->wake, .owner = connections->owner};
    streams_open(&connections->streams);
    sockets_serve(&connections->sockets, multi);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, connections);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
}

void connections_close(struct connections *connections)
{
    connections_close_idle(connections);
    assert(connections->count == 0);
    openers_clear(connections);
    curl_multi_cleanup(connections->multi);
    sockets_clear(&connections->sockets);
    streams_close(&connections->streams);
}
