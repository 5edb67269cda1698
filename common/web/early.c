/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that are no request: h2o 2.2.5 answers them with two words of plain text that no filter
 * sees. Its callback for reading gets one of ours in front, which answers in its place. What must
 * stay true: what h2o would take goes to it untouched.
 *
 * h2o sets its callback again for each request; what it has read already by then, behind the
 * request before, is still answered by h2o itself. */
#include "web/early.h"

#include <sys/socket.h>

#include "web/head.h"

static void refuse(struct client *client, int status, struct view target)
{
    struct bytes head = {0}, body = {0};

    bytes_printf(&head, "HTTP/1.1 %d %s\r\n", status, web_reason(status));
    client->web->complain_early(client->web, status, head_origin(target), &head, &body);
    bytes_printf(
        &head, "content-type: application/json\r\nconnection: close\r\ncontent-length: %zu\r\n\r\n",
        body.len);
    bytes_append(&head, bytes_view(&body));
    /* Nothing is in flight, so it finds room in the kernel. */
    (void)!send(h2o_socket_get_fd(client->socket), head.at, head.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    client_linger(client);
    bytes_clear(&head);
    bytes_clear(&body);
}

/* Whether a head may end in what has come since: one that comes byte by byte is read once, not each time. */
static bool may_end(struct view bytes, size_t seen)
{
    bytes = view_skip(bytes, seen < 3 ? 0 : seen - 3);
    return memmem(bytes.at, bytes.len, "\n\r\n", 3) || memmem(bytes.at, bytes.len, "\n\n", 2);
}

/* Whether h2o may have what has come. Where its head is whole, what comes is the body. */
static bool judge(struct client *client)
{
    const h2o_buffer_t *input = client->socket->input;
    struct view bytes = {input->bytes, input->size};
    struct head_verdict verdict;

    if (client->seen && bytes.len < H2O_MAX_REQLEN && !may_end(bytes, client->seen)) {
        client->seen = bytes.len;
        return true;
    }
    verdict = head_judge(bytes);
    client->seen = verdict.is_whole ? 0 : bytes.len;
    client->is_judged = verdict.is_whole;
    client->fault = verdict.fault;
    if (verdict.status)
        refuse(client, verdict.status, verdict.target);
    else if (verdict.is_whole && !verdict.fault)
        stream_judge(client, verdict.has_body ? &verdict.body : NULL);
    return !verdict.status;
}

static void on_read(h2o_socket_t *socket, const char *error)
{
    struct client *client = socket->on_close.data;

    if (!error && !client->is_judged && !judge(client))
        error = "refused"; /* h2o then closes the connection without a word */
    client->read(socket, error);
}

/* A whole head that came behind the request before was h2o's to read, and it waits for that body now:
 * nothing may be hidden from it any more. */
static void on_again(h2o_timeout_entry_t *entry)
{
    struct client *client = H2O_STRUCT_FROM_MEMBER(struct client, again, entry);
    const h2o_buffer_t *input = client->socket->input;
    struct head_verdict verdict;

    if (client->socket->_cb.read != client->read) /* another request is under way */
        return;
    client->socket->_cb.read = on_read;
    if (!input->size)
        return;
    verdict = head_judge((struct view){input->bytes, input->size});
    client->is_judged = verdict.is_whole;
    client->fault = verdict.fault;
}

void early_watch(struct client *client)
{
    client->again.cb = on_again;
    if (!client->web->complain_early)
        return;
    client->read = client->socket->_cb.read;
    client->socket->_cb.read = on_read;
}

/* Ends with its request. */
struct turn {
    struct client *client;
};

/* h2o disposes of a request before it reads the next one or closes the connection. */
static void on_disposed(void *data)
{
    struct client *client = ((struct turn *)data)->client;

    stream_clear(client);
    client->seen = 0;
    if (!h2o_timeout_is_linked(&client->again))
        h2o_timeout_link(client->web->loop, &client->web->context.zero_timeout, &client->again);
}

void early_watch_next(h2o_req_t *req)
{
    struct client *client = client_of(req);
    struct turn *turn;

    if (!client->read)
        return;
    turn = h2o_mem_alloc_shared(&req->pool, sizeof(*turn), on_disposed);
    turn->client = client;
}
