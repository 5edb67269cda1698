/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a connection besides h2o: whether its client has hung up, and that it may still be
 * sending when the connection is closed. Called by the other files of this folder, and by whoever
 * waits for an answer. What must stay true: a struct client lives exactly as long as h2o's socket.
 */
#include "web/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINGER_MOST = 256 }; /* connections */

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

void client_linger(struct client *client)
{
    if (client->linger_fd < 0 && client->web->lingering < LINGER_MOST)
        client->linger_fd = dup(h2o_socket_get_fd(client->socket));
}

struct client *client_of(const h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->on_close.data;
}

static void on_client_closed(void *data)
{
    struct client *client = data;

    client->web->clients--;
    if (client->reader)
        client->reader->clear(client);
    h2o_timeout_unlink(&client->look);
    h2o_timeout_unlink(&client->again);
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
    ssize_t got;

    if (!error && client->reader && client->reader->readable(client))
        return;
    got = recv(h2o_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (error || got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        client_gone(client);
        return;
    }
    if (got > 0) /* the next request already, or the end of a line that nobody needs */
        client_rest(client);
}

void client_listen(struct client *client)
{
    h2o_timeout_unlink(&client->look);
    h2o_socket_dont_read(client->socket, 1);
    if (!h2o_socket_is_reading(client->socket))
        h2o_socket_read_start(client->socket, on_tap);
}

void client_rest(struct client *client)
{
    h2o_socket_read_stop(client->socket);
    h2o_socket_dont_read(client->socket, 0);
    if (!h2o_timeout_is_linked(&client->look))
        h2o_timeout_link(client->web->loop, &client->web->context.one_sec_timeout, &client->look);
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
    if (client->reader)
        client->reader->stop(client);
    h2o_timeout_unlink(&client->look);
    h2o_socket_dont_read(client->socket, 0);
    h2o_socket_read_stop(client->socket);
}

void web_break(h2o_req_t *req)
{
    shutdown(h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn)), SHUT_RDWR);
}

struct client *client_open(struct web *web, h2o_socket_t *socket)
{
    struct client *client = memory_new(sizeof(*client));

    client->web = web;
    client->socket = socket;
    client->linger_fd = -1;
    client->look.cb = on_look;
    socket->on_close.cb = on_client_closed;
    socket->on_close.data = client;
    if (++web->clients > web->clients_most) {
        web->clients_most = web->clients;
        web->is_trimming = false;
    }
    return client;
}
