/* SPDX-License-Identifier: Apache-2.0 */
/* One process's server; main.c runs it. What must stay true: a request is looked at when its body
 * is complete, and every route stands in one table. */
#include "server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "admin.h"
#include "generate.h"
#include "methods.h"
#include "reply.h"
#include "routes.h"
#include "uploads.h"
#include "wait.h"

#define BODY_BYTES_MAX ((size_t)3 << 30) /* uploads; h2o keeps long ones in a file */
#define IDLE_MS (UINT64_C(10) * 60 * 1000)
#define ACCEPTS_MAX 16

static h2o_globalconf_t config;
static h2o_context_t context;
static h2o_accept_ctx_t accept_context;
static sigset_t stop_signals;
static bool is_stopping;

#define VERTEX "/v1beta1/publishers/google/"

static const struct route {
    const char *method;
    const char *prefix;
    const char *suffix; /* NULL: nothing may follow the prefix; "": anything may */
    void (*handle)(struct call *call);
} routes[] = {
    {"POST", "/v1beta/models/", ":generateContent", generate_whole},
    {"POST", "/v1beta/models/", ":streamGenerateContent", generate_stream},
    {"POST", "/v1/models/", ":generateContent", generate_whole},
    {"POST", "/v1/models/", ":streamGenerateContent", generate_stream},
    {"POST", "/v1beta/models/", ":countTokens", count_tokens},
    {"POST", "/v1/models/", ":countTokens", count_tokens},
    {"POST", "/v1beta/models/", ":embedContent", embed_one},
    {"POST", "/v1/models/", ":embedContent", embed_one},
    {"POST", "/v1beta/models/", ":batchEmbedContents", embed_batch},
    {"POST", "/v1/models/", ":batchEmbedContents", embed_batch},
    {"POST", "/v1beta/models/", ":predict", predict},
    {"POST", "/v1/models/", ":predict", predict},
    {"POST", VERTEX "models/", ":generateContent", generate_whole},
    {"POST", VERTEX "models/", ":streamGenerateContent", generate_stream},
    {"POST", VERTEX "models/", ":countTokens", count_tokens},
    {"POST", VERTEX "models/", ":predict", predict},
    {"POST", "/v1beta/openai/chat/completions", NULL, openai_chat},
    {"POST", "/v1beta/openai/embeddings", NULL, openai_embeddings},
    {"GET", "/v1beta/openai/models", NULL, openai_models},
    {"GET", "/v1beta/openai/models/", "", openai_model},
    {"GET", "/v1beta/models", NULL, models_list},
    {"GET", "/v1/models", NULL, models_list},
    {"GET", "/v1beta/models/", "", models_get},
    {"GET", "/v1/models/", "", models_get},
    {"POST", "/upload/v1beta/", "", upload},
    {"PUT", "/upload/v1beta/", "", upload},
    {"GET", "/v1beta/files/", ":download", download},
    {"HEAD", "/v1beta/files/", ":download", download},
    {"GET", "/download/v1beta/files/", ":download", download},
    {"HEAD", "/download/v1beta/files/", ":download", download},
    {"GET", "/admin/counts", NULL, admin_counts},
    {"GET", "/admin/requests", NULL, admin_requests},
    {"POST", "/admin/keys", NULL, admin_keys},
    {"POST", "/admin/script", NULL, admin_script},
    {"GET", "/admin/quota", NULL, admin_quotas},
    {"POST", "/admin/quota", NULL, admin_quota},
    {"POST", "/admin/clock", NULL, admin_clock},
    {"POST", "/admin/files", NULL, admin_files},
    {"POST", "/admin/reset", NULL, admin_reset},
};

/* -- Reading a request -- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

/* Percent-decoded; a copy in the request's memory only when there is something to decode. */
static struct span decode(h2o_req_t *req, struct span s, bool is_query)
{
    size_t len = 0;

    if (s.len == 0 ||
        (memchr(s.at, '%', s.len) == NULL && (!is_query || memchr(s.at, '+', s.len) == NULL)))
        return s;
    char *to = h2o_mem_alloc_pool(&req->pool, s.len);
    for (size_t i = 0; i < s.len; i++) {
        int high = i + 2 < s.len && s.at[i] == '%' ? hex_value(s.at[i + 1]) : -1;
        int low = high >= 0 ? hex_value(s.at[i + 2]) : -1;
        if (low >= 0)
            i += 2;
        to[len++] = low >= 0 ? (char)(high * 16 + low) : is_query && s.at[i] == '+' ? ' ' : s.at[i];
    }
    return (struct span){to, len};
}

/* Parameters that every Google method takes and that change nothing here. */
static bool is_ignored(struct span name)
{
    static const char *const names[] = {"access_token", "oauth_token",    "fields",
                                        "quotaUser",    "callback",       "$.xgafv",
                                        "uploadType",   "upload_protocol"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (span_is(name, names[i]))
            return true;
    return false;
}

static void take_parameter(struct query *q, struct span name, struct span value)
{
    if (span_is(name, "alt")) {
        q->is_sse = span_is(value, "sse");
        q->is_media = span_is(value, "media");
        if (!q->is_sse && !q->is_media && !span_is(value, "json"))
            q->unknown_alt = value;
    } else if (span_is(name, "key")) {
        q->key = value;
        q->has_key = true;
    } else if (span_is(name, "prettyPrint")) {
        q->is_flat = span_is(value, "false");
    } else if (span_is(name, "pageSize")) {
        q->page_size = value;
    } else if (span_is(name, "pageToken")) {
        q->page_token = value;
    } else if (span_is(name, "upload_id")) {
        q->upload_id = value;
    } else if (span_is(name, "last")) {
        q->last = value;
    } else if (!is_ignored(name) && q->unknown.at == NULL) {
        q->unknown = name;
    }
}

static void read_query(h2o_req_t *req, struct query *q, struct span s)
{
    while (s.len != 0) {
        const char *end = memchr(s.at, '&', s.len);
        struct span one = span_first(s, end != NULL ? (size_t)(end - s.at) : s.len);
        const char *mark = memchr(one.at, '=', one.len);
        size_t name_len = mark != NULL ? (size_t)(mark - one.at) : one.len;

        if (one.len != 0)
            take_parameter(
                q, decode(req, span_first(one, name_len), true),
                decode(req, span_from(one, mark != NULL ? name_len + 1 : one.len), true));
        s = span_from(s, end != NULL ? one.len + 1 : s.len);
    }
}

/* What the newest version has beside the others is not here, and so it is served as the one before. */
static struct span as_beta(h2o_req_t *req, struct span path)
{
    if (!span_starts(path, "/v1alpha/"))
        return path;
    struct span rest = span_from(path, strlen("/v1alpha"));
    char *to = h2o_mem_alloc_pool(&req->pool, path.len);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): a span has its length */
    memcpy(to, "/v1beta", 7);
    memcpy(to + 7, rest.at, rest.len);
    return (struct span){to, rest.len + 7};
}

/* Whether the route takes the request; leaves what lies between prefix and suffix. */
static bool route_fits(const struct route *route, struct span method, struct span path,
                       struct span *middle)
{
    size_t suffix_len = route->suffix != NULL ? strlen(route->suffix) : 0;

    if (!span_is(method, route->method) || !span_starts(path, route->prefix))
        return false;
    *middle = span_from(path, strlen(route->prefix));
    if (route->suffix == NULL)
        return middle->len == 0;
    if (middle->len < suffix_len ||
        memcmp(middle->at + middle->len - suffix_len, route->suffix, suffix_len) != 0)
        return false;
    middle->len -= suffix_len;
    return true;
}

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    struct call call = {.req = req};
    struct span target = {req->path.base, req->path.len};
    size_t path_len = req->query_at != SIZE_MAX ? req->query_at : target.len;
    struct span path = decode(req, span_first(target, path_len), false);
    struct span method = {req->method.base, req->method.len};

    (void)handler;
    if (path_len < target.len)
        read_query(req, &call.query, span_from(target, path_len + 1));
    call.is_vertex = span_starts(path, VERTEX);
    path = as_beta(req, path);
    if (methods_take(&call, method, path))
        return 0;
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (route_fits(&routes[i], method, path, &call.path)) {
            routes[i].handle(&call);
            return 0;
        }
    }
    models_lost(&call);
    return 0;
}

/* -- Sockets -- */

static void on_accept(h2o_socket_t *listener, const char *err)
{
    if (err != NULL)
        return;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        h2o_socket_t *sock = h2o_evloop_socket_accept(listener);
        if (sock == NULL)
            return;
        h2o_accept(&accept_context, sock);
    }
}

static void on_signal(h2o_socket_t *sock, const char *err)
{
    (void)sock;
    (void)err;
    is_stopping = true;
}

/* Makes a socket that only tells when it is readable. */
static h2o_socket_t *watch(int fd, h2o_socket_cb callback)
{
    h2o_socket_t *sock = h2o_evloop_socket_create(context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);

    h2o_socket_read_start(sock, callback);
    return sock;
}

void server_hold_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGTERM);
    sigaddset(&stop_signals, SIGINT);
    sigprocmask(SIG_BLOCK, &stop_signals, NULL);
}

static void configure(SSL_CTX *tls)
{
    h2o_config_init(&config);
    config.server_name = h2o_iovec_init(H2O_STRLIT("scaffolding on HTTPServer2"));
    config.max_request_entity_size = BODY_BYTES_MAX;
    config.http1.req_timeout = IDLE_MS;
    config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    path->filters.size = 0; /* without h2o's chunked encoder: reply.c has its own */
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_request;
    h2o_context_init(&context, h2o_evloop_create(), &config);
    accept_context.ctx = &context;
    accept_context.hosts = config.hosts;
    accept_context.ssl_ctx = tls;
    if (tls != NULL)
        h2o_ssl_register_alpn_protocols(tls, h2o_http2_alpn_protocols);
}

void server_run(int listener, SSL_CTX *tls)
{
    configure(tls);
    wait_open(context.loop);
    /* Only the kernel knows these two: kept here, so that a leak checker does not take them for
     * lost. */
    static h2o_socket_t *watched[2];
    watched[0] = watch(signalfd(-1, &stop_signals, SFD_NONBLOCK | SFD_CLOEXEC), on_signal);
    watched[1] = watch(listener, on_accept);
    while (!is_stopping)
        h2o_evloop_run(context.loop, INT32_MAX);
    h2o_socket_read_stop(watched[1]);
}
