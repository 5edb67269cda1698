/* SPDX-License-Identifier: Apache-2.0 */
/* The routes: one function each. Called by h2o for every request. What must stay true: nothing but
 * /health, the pages of admin and a browser's preflight is answered without a token, and every
 * error has the shape that its route's clients read. */
#include "http/entry.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "frontend.h"
#include "base/log.h"
#include "models/model.h"
#include "http/route.h"
#include "web/decode.h"

enum {
    URL_MOST = 16 * 1024,
    HEADERS_MOST = 64 * 1024, /* bytes of all their values */
    RETRY_MS = 1000,          /* where nothing better is known */
    BIG_BODY = 256 * 1024,    /* h2o's copy of larger bodies is given back while the call runs */
};

/* What a browser lets a page read of a reply's headers. */
#define EXPOSED "x-request-id, retry-after, retry-after-ms, x-should-retry"

/* A request on its way to its route. */
struct visit {
    struct frontend *frontend;
    h2o_req_t *req;
    const struct route *route;
    struct view query;
    struct view body;              /* without its Content-Encoding */
    const struct dialect *dialect; /* for errors */
    uint64_t id;
    uint64_t client;
};

static struct view decimal(h2o_req_t *req, uint64_t number)
{
    char *at = h2o_mem_alloc_pool(&req->pool, 24);

    return (struct view){at, (size_t)snprintf(at, 24, "%llu", (unsigned long long)number)};
}

void http_common(h2o_req_t *req, uint64_t id)
{
    char *at = h2o_mem_alloc_pool(&req->pool, 16);

    for (int i = 15; i >= 0; i--, id >>= 4)
        at[i] = "0123456789abcdef"[id & 15];
    web_header(req, "x-request-id", (struct view){at, 16});
    web_header(req, "access-control-allow-origin", VIEW("*"));
    web_header(req, "access-control-expose-headers", VIEW(EXPOSED));
}

void http_retry(h2o_req_t *req, enum error error, uint64_t retry_after_ms)
{
    bool may_retry = error_facts(error)->retry;

    if (!retry_after_ms &&
        (error == ERROR_NOT_READY || error == ERROR_QUEUE_FULL || error == ERROR_OVERLOADED))
        retry_after_ms = RETRY_MS;
    if (retry_after_ms) {
        web_header(req, "retry-after", decimal(req, (retry_after_ms + 999) / 1000));
        web_header(req, "retry-after-ms", decimal(req, retry_after_ms));
    }
    web_header(req, "x-should-retry", may_retry ? VIEW("true") : VIEW("false"));
}

static const struct dialect *dialect_of(const struct route *route)
{
    return route->is_native ? &dialect_gemini : &dialect_openai;
}

static struct view path_of(const h2o_req_t *req)
{
    size_t len = req->query_at == SIZE_MAX ? req->path.len : req->query_at;

    return (struct view){req->path.base, len};
}

/* Errors */

static int fail(const struct visit *visit, const struct complaint *complaint)
{
    int status = complaint->status ? complaint->status : error_facts(complaint->error)->status;
    struct bytes body = {0};

    visit->dialect->error(complaint, &body);
    http_common(visit->req, visit->id);
    http_retry(visit->req, complaint->error, complaint->retry_after_ms);
    log_info("request.refused", F_ID("call", visit->id), F_NUM("status", status),
             F_STR("error", error_facts(complaint->error)->name));
    web_reply(visit->req, status, "application/json", bytes_view(&body));
    bytes_clear(&body);
    return 0;
}

static int fail_as(const struct visit *visit, enum error error)
{
    return fail(visit, &(struct complaint){.error = error});
}

static int fail_no_route(const struct visit *visit)
{
    struct view path = path_of(visit->req);
    struct bytes text = {0};

    if (path.len > 100)
        path.len = 100;
    bytes_printf(&text, "Invalid URL (%.*s %.*s)", (int)visit->req->method.len,
                 visit->req->method.base, (int)path.len, path.at);
    fail(visit, &(struct complaint){.error = ERROR_NO_ROUTE, .text = bytes_cstr(&text)});
    bytes_clear(&text);
    return 0;
}

void http_complain(h2o_req_t *req, int status, const char *text, struct bytes *out)
{
    struct frontend *frontend = web_owner(req);
    struct route route;
    enum error error = status == 413   ? ERROR_TOO_LARGE
                       : status == 404 ? ERROR_NO_ROUTE
                       : status < 500  ? ERROR_BAD_REQUEST
                       : status == 502 ? ERROR_NOT_READY /* admin is away */
                                       : ERROR_INTERNAL;

    route_find(path_of(req), &route);
    http_common(req, calls_id(&frontend->calls));
    http_retry(req, error, 0);
    dialect_of(&route)->error(&(struct complaint){.error = error, .status = status, .text = text},
                              out);
}

void http_complain_early(struct web *web, int status, struct view target, struct bytes *head,
                         struct bytes *body)
{
    struct frontend *frontend = web->owner;
    const char *query = target.len ? memchr(target.at, '?', target.len) : NULL;
    struct complaint complaint = {.error = ERROR_BAD_REQUEST, .status = status};
    struct route route;

    route_find((struct view){target.at, query ? (size_t)(query - target.at) : target.len}, &route);
    bytes_printf(head,
                 "x-request-id: %016llx\r\naccess-control-allow-origin: *\r\n"
                 "access-control-expose-headers: " EXPOSED "\r\nx-should-retry: false\r\n",
                 (unsigned long long)calls_id(&frontend->calls));
    complaint.text = status == 431 ? "The headers are too large." : "This is no HTTP request.";
    dialect_of(&route)->error(&complaint, body);
}

/* Who asks */

static bool find_query_key(struct view query, struct bytes *key)
{
    struct view name, value;

    while (route_query_next(&query, &name, &value)) {
        if (!view_equal(name, VIEW("key")))
            continue;
        route_query_decode(value, key);
        return true;
    }
    return false;
}

static bool is_allowed(struct visit *visit)
{
    const struct tokens *tokens = &visit->frontend->tokens;
    struct secret bearer = {tokens_bearer(web_find(visit->req, "authorization"))};
    struct secret header = {web_find(visit->req, "x-goog-api-key")};
    struct bytes key = {0};
    bool is_found = tokens_find(tokens, bearer, &visit->client);

    is_found |= tokens_find(tokens, header, &visit->client);
    if (find_query_key(visit->query, &key))
        is_found |= tokens_find(tokens, (struct secret){bytes_view(&key)}, &visit->client);
    bytes_clear(&key);
    return is_found;
}

/* Calls */

/* h2o keeps its own copy of the request until the reply is sent, and nobody reads that body again.
 */
static void forget_entity(h2o_req_t *req)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t skip = (page - (uintptr_t)req->entity.base % page) % page; /* to the next page */
    size_t len;

    if (req->entity.len < BIG_BODY)
        return;
    len = (req->entity.len - skip) / page * page;
    madvise(req->entity.base + skip, len, MADV_DONTNEED);
}

static int fail_full(struct visit *visit)
{
    return fail(visit, &(struct complaint){.error = ERROR_NOT_READY,
                                           .text = "The gateway has too many open calls."});
}

static int begin(struct visit *visit, struct ask *ask, bool is_sse)
{
    struct exchange *x;

    if (!calls_have_room(visit->frontend, ask->body.len, ask_legs(ask))) {
        ask_clear(ask);
        return fail_full(visit);
    }
    x = reply_begin(visit->frontend, visit->req, visit->dialect, ask, is_sse, visit->id,
                    visit->client);
    forget_entity(visit->req);
    calls_begin(x);
    return 0;
}

/* `is_array`: the stream comes as a JSON array, since the client didn't ask for events. */
static int translate(struct visit *visit, struct ask *ask, bool is_array)
{
    struct bytes why = {0};
    const char *param = NULL;
    enum error error = visit->dialect->request(visit->body, ask, &why, &param);

    if (error == ERROR_NONE) {
        begin(visit, ask, ask->stream && !is_array);
    } else {
        fail(visit, &(struct complaint){
                        .error = error, .text = why.len ? bytes_cstr(&why) : NULL, .param = param});
        ask_clear(ask);
    }
    bytes_clear(&why);
    return 0;
}

static int on_chat(struct visit *visit)
{
    struct ask ask = {.refusals = &visit->frontend->refusals, .now_ms = clock_ms()};

    visit->dialect = &dialect_openai;
    return translate(visit, &ask, false);
}

static int on_models(struct visit *visit)
{
    struct ask ask = {0};

    visit->dialect = &dialect_openai_models;
    return translate(visit, &ask, false);
}

static int on_generate(struct visit *visit)
{
    bool is_stream = visit->route->kind == ROUTE_STREAM;
    struct ask ask = {0};
    bool is_sse;

    ask.operation = is_stream ? "streamGenerateContent" : "generateContent";
    bytes_copy(&ask.model, visit->route->model);
    bytes_copy(&ask.client_model, visit->route->model);
    bytes_printf(&ask.path, "/models/%.*s:%s", (int)visit->route->model.len, visit->route->model.at,
                 ask.operation);
    route_query_keep(visit->route->kind, visit->query, &ask.path, &is_sse);
    ask.stream = is_stream;
    return translate(visit, &ask, !is_sse);
}

static int on_native_models(struct visit *visit)
{
    bool is_one = visit->route->kind == ROUTE_NATIVE_MODEL;
    struct ask ask = {.operation = "models"};
    bool is_sse;

    if (is_one && model_is_filtered(visit->route->model))
        return fail_as(visit, ERROR_NO_MODEL);
    bytes_text(&ask.path, is_one ? "/models/" : "/models");
    bytes_append(&ask.path, visit->route->model);
    route_query_keep(visit->route->kind, visit->query, &ask.path, &is_sse);
    return begin(visit, &ask, false);
}

static int on_health(struct visit *visit)
{
    uint64_t now_ms = clock_ms();
    struct bytes report = {0};
    bool is_healthy;

    frontend_look(visit->frontend, now_ms);
    is_healthy = health_report(&visit->frontend->health, now_ms, &report);
    http_common(visit->req, visit->id);
    web_header(visit->req, "cache-control", VIEW("no-store"));
    web_reply(visit->req, is_healthy ? 200 : 503, "application/json", bytes_view(&report));
    bytes_clear(&report);
    return 0;
}

/* A browser asks before it sends headers of its own. */
static int on_preflight(struct visit *visit)
{
    struct view wanted = web_find(visit->req, "access-control-request-headers");

    http_common(visit->req, visit->id);
    web_header(visit->req, "access-control-allow-methods", VIEW("GET, POST, DELETE, OPTIONS"));
    web_header(visit->req, "access-control-allow-headers", wanted.len ? wanted : VIEW("*"));
    web_header(visit->req, "access-control-max-age", VIEW("86400"));
    web_reply(visit->req, 204, "", VIEW(""));
    return 0;
}

static int on_open_route(struct visit *visit)
{
    switch (visit->route->kind) {
    case ROUTE_CHAT:
        return on_chat(visit);
    case ROUTE_MODELS:
        return on_models(visit);
    case ROUTE_GENERATE:
    case ROUTE_STREAM:
        return on_generate(visit);
    case ROUTE_NATIVE_MODELS:
    case ROUTE_NATIVE_MODEL:
        return on_native_models(visit);
    case ROUTE_HEALTH:
        return on_health(visit);
    case ROUTE_ADMIN: /* the next handler relays it */
        return -1;
    case ROUTE_NONE:
        break;
    }
    return fail_no_route(visit);
}

/* h2o lets requests of 400 KiB in, which no client of ours has a use for. */
static int refuse_endless(const struct visit *visit)
{
    h2o_req_t *req = visit->req;
    size_t bytes = 0;
    bool is_url = req->path.len > URL_MOST;

    for (size_t i = 0; i < req->headers.size; i++)
        bytes += req->headers.entries[i].value.len;
    if (!is_url && bytes <= HEADERS_MOST)
        return -1;
    req->http1_is_persistent = 0;
    return fail(visit, &(struct complaint){.error = ERROR_BAD_REQUEST,
                                           .status = is_url ? 414 : 431,
                                           .text = is_url ? "The URL is too long."
                                                          : "The headers are too large."});
}

static int fail_decode(const struct visit *visit, enum decode_result result)
{
    if (result == DECODE_TOO_LARGE)
        return fail_as(visit, ERROR_TOO_LARGE);
    if (result == DECODE_BROKEN)
        return fail(visit, &(struct complaint){.error = ERROR_BAD_REQUEST,
                                               .text = "The body is not what its Content-Encoding "
                                                       "says, or it ends too early."});
    web_header(visit->req, "accept-encoding", VIEW(DECODE_TAKEN));
    return fail(visit, &(struct complaint){.error = ERROR_BAD_REQUEST,
                                           .status = 415,
                                           .text = "This Content-Encoding is not taken; these "
                                                   "are: " DECODE_TAKEN "."});
}

/* What comes out of a compressed body counts as if it had been sent so. */
static int on_body(struct visit *visit)
{
    struct view coding = web_find(visit->req, "content-encoding");
    struct bytes plain = {0};
    enum decode_result result = DECODE_DONE;

    visit->body = (struct view){visit->req->entity.base, visit->req->entity.len};
    if (visit->body.len && !decode_is_plain(coding)) {
        result = decode_body(coding, visit->body, options.body_limit, &plain);
        visit->body = bytes_view(&plain);
    }
    if (result != DECODE_DONE)
        fail_decode(visit, result);
    else if (!calls_have_room(visit->frontend, visit->body.len, 1))
        fail_full(visit);
    else
        on_open_route(visit);
    bytes_clear(&plain);
    return 0;
}

static bool needs_token(const struct route *route)
{
    return route->kind != ROUTE_HEALTH && route->kind != ROUTE_ADMIN;
}

static int on_visit(struct visit *visit)
{
    const struct route *route = visit->route;
    struct view method = {visit->req->method.base, visit->req->method.len};

    if (refuse_endless(visit) == 0)
        return 0;
    if (view_equal(method, VIEW("OPTIONS")))
        return on_preflight(visit);
    if (route->kind == ROUTE_NONE)
        return fail_no_route(visit);
    if (!route_takes(route, method)) {
        web_header(visit->req, "allow", view_of(route->allow));
        return fail_as(visit, ERROR_BAD_METHOD);
    }
    if (!needs_token(route))
        return on_open_route(visit);
    if (!is_allowed(visit))
        return fail_as(visit, ERROR_UNAUTHORIZED);
    if (visit->req->entity.len > options.body_limit)
        return fail_as(visit, ERROR_TOO_LARGE);
    return on_body(visit);
}

int http_on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    struct frontend *frontend = web_owner(req);
    struct route route;
    struct visit visit = {.frontend = frontend, .req = req, .route = &route};

    (void)handler;
    if (req->query_at != SIZE_MAX)
        visit.query =
            (struct view){req->path.base + req->query_at + 1, req->path.len - req->query_at - 1};
    route_find(path_of(req), &route);
    visit.dialect = dialect_of(&route);
    visit.id = calls_id(&frontend->calls);
    return on_visit(&visit);
}
