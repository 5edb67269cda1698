/* SPDX-License-Identifier: Apache-2.0 */
/* The routes: one function each. Called by h2o for every request. What must stay true: nothing but
 * /health, the pages of admin and a browser's preflight is answered without a token, and every
 * error has the shape that its route's clients read. */
#include "http/entry.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/url.h"
#include "exchange/intake.h"
#include "exchange/reply_headers.h"
#include "frontend.h"
#include "http/health.h"
#include "http/parked.h"
#include "http/route.h"
#include "web/decode.h"

enum {
    URL_MOST = 16 * 1024,
    HEADERS_MOST = 64 * 1024, /* bytes of all their values */
    SHORT_BODY = 32 * 1024,   /* of an endpoint that takes longer ones as they come */
    BIG_BODY = 256 * 1024,    /* h2o's copy of larger bodies is given back while the call runs */
};

static struct view query_of(const h2o_req_t *req)
{
    if (req->query_at == SIZE_MAX)
        return VIEW("");
    return (struct view){req->path.base + req->query_at + 1, req->path.len - req->query_at - 1};
}

static struct view path_of(const h2o_req_t *req)
{
    size_t len = req->query_at == SIZE_MAX ? req->path.len : req->query_at;

    return (struct view){req->path.base, len};
}

/* Where a path has two languages, and for errors, it counts how the client shows its token. */
static enum credential credential_of(const h2o_req_t *req)
{
    struct view query = query_of(req), name, value;

    if (web_find(req, "x-goog-api-key").at)
        return CREDENTIAL_GOOGLE;
    while (url_query_next(&query, &name, &value))
        if (view_equal(name, VIEW("key")))
            return CREDENTIAL_GOOGLE;
    if (web_find(req, "authorization").at || web_find(req, "api-key").at)
        return CREDENTIAL_OPENAI;
    return CREDENTIAL_NONE;
}

/* Errors */

static int fail(const struct visit *visit, const struct complaint *complaint)
{
    int status = complaint_status(complaint);
    struct bytes body = {0};

    visit->route.shape->write(complaint, &body);
    reply_headers_common(visit->req, visit->id);
    reply_headers_retry(visit->req, complaint->error, complaint->retry_after_ms, false);
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

    route_find(path_of(req), credential_of(req), &route);
    reply_headers_common(req, road_id(frontend->road));
    reply_headers_retry(req, error, 0, false);
    route.shape->write(&(struct complaint){.error = error, .status = status, .text = text}, out);
}

void http_complain_early(struct web *web, int status, struct view target, struct bytes *head,
                         struct bytes *body)
{
    struct frontend *frontend = web->owner;
    const char *query = target.len ? memchr(target.at, '?', target.len) : NULL;
    struct complaint complaint = {.error = ERROR_BAD_REQUEST, .status = status};
    struct route route;

    route_find((struct view){target.at, query ? (size_t)(query - target.at) : target.len},
               CREDENTIAL_NONE, &route);
    bytes_printf(head,
                 "x-request-id: %016llx\r\naccess-control-allow-origin: *\r\n"
                 "access-control-expose-headers: " REPLY_EXPOSED "\r\nx-should-retry: false\r\n",
                 (unsigned long long)road_id(frontend->road));
    complaint.text = status == 431 ? "The headers are too large." : "This is no HTTP request.";
    route.shape->write(&complaint, body);
}

/* Who asks */

static bool find_query_key(struct view query, struct bytes *key)
{
    struct view name, value;

    while (url_query_next(&query, &name, &value)) {
        if (!view_equal(name, VIEW("key")))
            continue;
        url_query_decode(value, key);
        return true;
    }
    return false;
}

static struct view header_of(const void *req, const char *name)
{
    return web_find(req, name);
}

/* What may stand in an address as its host and port. */
static bool is_host(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.at[i]) && !strchr("-._:[]", text.at[i]))
            return false;
    return text.len;
}

/* The first of those that proxies have added. */
static struct view first_of(struct view list)
{
    const char *comma = list.len ? memchr(list.at, ',', list.len) : NULL;

    return view_trim((struct view){list.at, comma ? (size_t)(comma - list.at) : list.len});
}

/* scheme://host by which the client asks us; in the request's memory. */
static struct view origin_of(h2o_req_t *req)
{
    struct view proto = first_of(web_find(req, "x-forwarded-proto"));
    struct view host = first_of(web_find(req, "x-forwarded-host"));
    bool is_tls = view_equal(proto, VIEW("https"));
    h2o_iovec_t origin;

    if (!is_host(host))
        host = (struct view){req->authority.base, req->authority.len};
    if (!is_host(host))
        return VIEW("");
    origin = h2o_concat(&req->pool, h2o_iovec_init(is_tls ? "https://" : "http://", is_tls ? 8 : 7),
                        h2o_iovec_init(host.at, host.len));
    return (struct view){origin.base, origin.len};
}

/* The list tells what Gemini's keys have, and nothing of Vertex's. */
static const struct catalog *catalog_of(const struct visit *visit)
{
    return strcmp(visit->route.pool, "vertex") == 0 ? NULL : &visit->frontend->catalog;
}

static struct request request_of(struct visit *visit)
{
    h2o_req_t *req = visit->req;

    return (struct request){
        .id = visit->id,
        .client = visit->token.client,
        .any_client = visit->token.is_admin || !settings_now()->files_user_isolation,
        .now_ms = clock_ms(),
        .utc_ms = clock_utc_ms(),
        .pool = visit->route.pool,
        .model = visit->route.model,
        .query = visit->query,
        .body = visit->body,
        .method = {req->method.base, req->method.len},
        .path = visit->route.clean,
        .is_alpha = visit->route.is_alpha,
        .origin = visit->route.endpoint->takes_stream ? origin_of(req) : VIEW(""),
        .header = header_of,
        .headers = req,
        .refusals = &visit->frontend->refusals,
        .catalog = catalog_of(visit),
        .seals = &visit->frontend->seals,
        .signatures = &visit->frontend->signatures};
}

/* All places are looked into, so that it takes as long for a wrong token as for a right one. */
static bool is_allowed(struct visit *visit)
{
    const struct tokens *tokens = &visit->frontend->tokens;
    struct secret shown[] = {
        {tokens_bearer(web_find(visit->req, "authorization"))},
        {web_find(visit->req, "x-goog-api-key")},
        {web_find(visit->req, "api-key")},
        {web_find(visit->req, "x-api-key")},
    };
    struct bytes key = {0};
    bool is_found = false;

    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        is_found |= tokens_find(tokens, shown[i], &visit->token);
    if (find_query_key(visit->query, &key))
        is_found |= tokens_find(tokens, (struct secret){bytes_view(&key)}, &visit->token);
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

/* X-Server-Timeout of Google's clients: how many seconds they wait; 0: they don't say. */
static uint64_t time_out_of(const h2o_req_t *req)
{
    struct view text = web_find(req, "x-server-timeout");
    char number[16] = "", *end = NULL;
    double seconds;

    if (!text.len || text.len >= sizeof(number))
        return 0;
    memcpy(number, text.at, text.len);
    if (strspn(number, "0123456789.") != text.len)
        return 0;
    seconds = strtod(number, &end);
    return *end == '\0' && seconds > 0 && seconds < 1e6 ? (uint64_t)(seconds * 1000) + 1 : 0;
}

/* An endpoint that needs no call has its reply already. */
static void reply_at_once(struct visit *visit, void *state)
{
    const struct endpoint *endpoint = visit->route.endpoint;
    struct bytes body = {0};

    endpoint->end(state, &body);
    reply_headers_common(visit->req, visit->id);
    web_reply(visit->req, 200, "application/json", bytes_view(&body));
    bytes_clear(&body);
}

static int fail_list(struct visit *visit)
{
    const struct catalog_failure *why = &visit->frontend->catalog.failure;
    enum error error = why->error == ERROR_NONE ? ERROR_TIMEOUT : why->error;

    return fail(visit, &(struct complaint){.error = error,
                                           .retry_after_ms = why->retry_after_ms,
                                           .is_tried = why->is_tried,
                                           .body = bytes_view(&why->body)});
}

/* Whether its token may use the models that the request came to. */
static bool may_ask(const struct visit *visit, const struct plan *plan)
{
    bool is_good = true;

    for (size_t i = 0; i < plan->count; i++)
        is_good &=
            tokens_allow(&visit->frontend->tokens, &visit->token, plan->steps[i]->order.model);
    return is_good;
}

/* The endpoint reads the request; what it makes of it runs by itself from then on. */
static int on_endpoint(struct visit *visit, bool may_wait)
{
    const struct endpoint *endpoint = visit->route.endpoint;
    struct frontend *frontend = visit->frontend;
    struct intake *intake = intake_open(visit->req);
    struct request request = request_of(visit);
    struct plan plan = {.limit = settings_now()->call_steps ? settings_now()->call_steps : 1,
                        .time_out_ms = time_out_of(visit->req),
                        .route = visit->route.pattern,
                        .read_at_us = clock_us()};
    void *state = h2o_mem_alloc_pool(&visit->req->pool, endpoint->state_size + 1);
    enum error error;

    memset(state, 0, endpoint->state_size);
    request.stream = intake_body(intake);
    request.may_wait = may_wait;
    error = endpoint->begin(state, &request, &plan);
    if (error == ERROR_NONE && !may_ask(visit, &plan)) {
        error = ERROR_CLIENT_MODEL;
        plan.param = "model";
    }
    if (error == ERROR_NONE && plan.count) {
        struct exchange *exchange;

        forget_entity(visit->req);
        exchange = exchange_begin(&frontend->exchanges, visit->req, endpoint, visit->route.shape,
                                  state, &plan, visit->id);
        if (intake)
            intake_begin(intake, exchange);
        return 0;
    }
    if (plan.models_wait_ms && may_wait)
        parked_wait(visit, plan.models_wait_ms, on_endpoint);
    else if (plan.models_wait_ms)
        fail_list(visit);
    else if (error == ERROR_NONE)
        reply_at_once(visit, state);
    else
        fail(visit, &(struct complaint){.error = error,
                                        .text = plan.why.len ? bytes_cstr(&plan.why) : NULL,
                                        .param = plan.param});
    if (endpoint->clear)
        endpoint->clear(state);
    plan_clear(&plan);
    return 0;
}

static int on_health(struct visit *visit)
{
    uint64_t now_ms = clock_ms();
    struct bytes report = {0};
    bool is_healthy;

    health_look(&visit->frontend->health, visit->frontend->road, now_ms);
    is_healthy = health_report(&visit->frontend->health, now_ms, &report);
    reply_headers_common(visit->req, visit->id);
    web_header(visit->req, "cache-control", VIEW("no-store"));
    web_reply(visit->req, is_healthy ? 200 : 503, "application/json", bytes_view(&report));
    bytes_clear(&report);
    return 0;
}

/* A browser asks before it sends headers of its own. No other site's pages may use the dashboard. */
static int on_preflight(struct visit *visit)
{
    struct view wanted = web_find(visit->req, "access-control-request-headers");

    if (visit->route.who == ROUTE_ADMIN) {
        web_reply(visit->req, 204, "", VIEW(""));
        return 0;
    }
    reply_headers_common(visit->req, visit->id);
    web_header(visit->req, "access-control-allow-methods",
               VIEW("GET, POST, PUT, PATCH, DELETE, OPTIONS"));
    web_header(visit->req, "access-control-allow-headers", wanted.len ? wanted : VIEW("*"));
    web_header(visit->req, "access-control-max-age", VIEW("86400"));
    web_reply(visit->req, 204, "", VIEW(""));
    return 0;
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
    if (web_stream_length(visit->req, &(uint64_t){0}) && !decode_is_plain(coding))
        return fail_decode(visit, DECODE_UNKNOWN);
    if (visit->body.len && !decode_is_plain(coding)) {
        result = decode_body(coding, visit->body, settings_now()->body_limit, &plain);
        visit->body = bytes_view(&plain);
    }
    if (result != DECODE_DONE)
        fail_decode(visit, result);
    else if (!road_has_room(visit->frontend->road, visit->body.len, 1))
        fail_full(visit);
    else
        on_endpoint(visit, true);
    bytes_clear(&plain);
    return 0;
}

static int fail_method(const struct visit *visit)
{
    struct bytes allow = {0};

    route_allow(&visit->route, &allow);
    h2o_add_header_by_str(&visit->req->pool, &visit->req->res.headers, H2O_STRLIT("allow"), 0, NULL,
                          h2o_strdup(&visit->req->pool, allow.at, allow.len).base, allow.len);
    bytes_clear(&allow);
    return fail_as(visit, ERROR_BAD_METHOD);
}

/* Without a token; its client must still be one. */
static bool is_admitted(struct visit *visit)
{
    const struct endpoint *endpoint = visit->route.endpoint;
    struct request request;

    if (!endpoint->admits)
        return false;
    request = request_of(visit);
    return endpoint->admits(&request, &visit->token.client) &&
           tokens_know(&visit->frontend->tokens, visit->token.client);
}

static int on_client(struct visit *visit)
{
    enum error refusal;

    if (!is_allowed(visit) && !is_admitted(visit))
        return fail_as(visit, ERROR_UNAUTHORIZED);
    refusal = tokens_refusal(&visit->frontend->tokens, &visit->token, clock_utc_ms());
    if (refusal != ERROR_NONE)
        return fail_as(visit, refusal);
    if (visit->req->entity.len > settings_now()->body_limit)
        return fail_as(visit, ERROR_TOO_LARGE);
    return on_body(visit);
}

static int on_visit(struct visit *visit)
{
    struct view method = {visit->req->method.base, visit->req->method.len};

    if (refuse_endless(visit) == 0)
        return 0;
    if (view_equal(method, VIEW("OPTIONS")))
        return on_preflight(visit);
    if (visit->route.who == ROUTE_NOBODY)
        return fail_no_route(visit);
    if (!route_takes(&visit->route, method))
        return fail_method(visit);
    switch (visit->route.who) {
    case ROUTE_CLIENT:
        return on_client(visit);
    case ROUTE_HEALTH:
        return on_health(visit);
    case ROUTE_ADMIN: /* the next handler relays it */
    case ROUTE_NOBODY:
        break;
    }
    return -1;
}

int http_on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    struct frontend *frontend = web_owner(req);
    struct visit visit = {.frontend = frontend, .req = req, .query = query_of(req)};

    (void)handler;
    route_find(path_of(req), credential_of(req), &visit.route);
    visit.id = road_id(frontend->road);
    return on_visit(&visit);
}

/* Short bodies are had as a whole: they can be sent once more where the first time failed. Looked at for
 * each request with a body, so most go by at the first glance. */
bool http_streams(struct web *web, struct view method, struct view target, uint64_t length)
{
    static const char mark[] = "/upload/";
    const char *query = memchr(target.at, '?', target.len);
    struct route route;

    (void)web;
    if (query)
        target.len = (size_t)(query - target.at);
    if ((length && length <= SHORT_BODY) || !memmem(target.at, target.len, mark, sizeof(mark) - 1))
        return false;
    route_find(target, CREDENTIAL_GOOGLE, &route);
    return route.who == ROUTE_CLIENT && route.endpoint->takes_stream && route_takes(&route, method);
}
