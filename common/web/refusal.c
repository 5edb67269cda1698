/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are refused before any route sees them, by h2o or because of their heads. Called by
 * h2o for every request and reply. What must stay true: each such refusal has the shape that its
 * route's clients read, and where two readers could see two requests the connection ends. */
#include "web/refusal.h"

#include "web/client.h"
#include "web/early.h"
#include "web/head.h"

/* A target that is a whole address becomes a path, as if the client did not take us for its proxy.
 */
static void take_origin(h2o_req_t *req)
{
    struct view path = {req->path.base, req->path.len}, origin = head_origin(path);
    bool is_query = origin.len && origin.at[0] == '?';

    if (origin.at == path.at)
        return;
    req->path = h2o_concat(&req->pool, h2o_iovec_init("/", is_query),
                           h2o_iovec_init(origin.at, origin.len));
    req->path_normalized = h2o_url_normalize_path(&req->pool, req->path.base, req->path.len,
                                                  &req->query_at, &req->norm_indexes);
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

/* A client that still sends its body gets the reply, and then its connection ends. */
static void end_unread(h2o_req_t *req)
{
    if (!stream_is_unread(client_of(req)))
        return;
    req->http1_is_persistent = 0;
    client_linger(client_of(req));
}

static void on_setup(h2o_filter_t *filter, h2o_req_t *req, h2o_ostream_t **slot)
{
    struct web *web = H2O_STRUCT_FROM_MEMBER(struct web, context, req->conn->ctx);
    struct bytes body = {0};
    struct rewrite *rewrite;

    (void)filter;
    end_unread(req);
    if (!is_made_by_h2o(req) || !web->complain) {
        h2o_setup_next_ostream(req, slot);
        return;
    }
    client_of(req)->is_judged = false;
    if (!req->http1_is_persistent)
        client_linger(client_of(req));
    take_origin(req);
    req->res.headers.size = 0;
    web->complain(req, req->res.status, NULL, &body);
    rewrite = (struct rewrite *)h2o_add_ostream(req, sizeof(*rewrite), slot);
    rewrite->super.do_send = rewrite_send;
    rewrite->body = h2o_strdup(&req->pool, body.at, body.len);
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    bytes_clear(&body);
    h2o_setup_next_ostream(req, &rewrite->super.next);
}

/* What early.c has seen, or not, as of a request that came together with the one before. h2o keeps
 * the head in front of the body until the reply has gone. */
static const char *take_fault(struct client *client)
{
    const h2o_buffer_t *input = client->socket->input;

    if (!client->is_judged)
        return head_judge((struct view){input->bytes, input->size}).fault;
    client->is_judged = false;
    return client->fault;
}

static int refuse(h2o_req_t *req, const char *fault)
{
    struct web *web = H2O_STRUCT_FROM_MEMBER(struct web, context, req->conn->ctx);
    struct bytes body = {0};

    req->http1_is_persistent = 0;
    client_linger(client_of(req));
    web->complain(req, 400, fault, &body);
    web_reply(req, 400, "application/json", bytes_view(&body));
    bytes_clear(&body);
    return 0;
}

static int on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    const char *fault = take_fault(client_of(req));

    (void)handler;
    take_origin(req);
    if (fault)
        return refuse(req, fault);
    early_watch_next(req);
    if (client_of(req)->stream.is_on)
        stream_begin(client_of(req));
    return -1; /* the routes' turn */
}

static void filter_add(h2o_pathconf_t *path)
{
    h2o_filter_t *filter = h2o_create_filter(path, sizeof(*filter));

    filter->on_setup_ostream = on_setup;
}

void refusal_open(struct web *web)
{
    h2o_handler_t *handler = h2o_create_handler(web->path, sizeof(*handler));

    handler->on_req = on_req;
    filter_add(web->path);
    filter_add(&web->host->fallback_path);
}
