/* SPDX-License-Identifier: Apache-2.0 */
/* A request's path and query as a client writes them, with a question mark between. What a route
 * hands on must be harmless, and must not depend on how the client spelled it. */
/* needs: frontend */
#include <stdint.h>
#include <stdlib.h>

#include "base/url.h"
#include "gemini/endpoints.h"
#include "http/route.h"
#include "models/model.h"
#include "openai/endpoints.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

static bool is_inside(struct view part, const char *at, size_t size)
{
    return part.len == 0 || (part.at >= at && part.at + part.len <= at + size);
}

/* A name that may stand in a URL's path as it is. */
static void check_model(const struct route *route)
{
    bool needs_model = route->endpoint == &endpoint_generate || route->endpoint == &endpoint_stream;
    bool may_have = route->endpoint == &endpoint_native_models ||
                    route->endpoint == &endpoint_chat || route->endpoint == &endpoint_embeddings;
    bool has_model = needs_model || (may_have && route->model.len);
    struct view again;

    if (route->endpoint == &endpoint_model) { /* any text: it is looked for in a list */
        ensure(route->model.len && is_inside(route->model, route->path, sizeof(route->path)));
        return;
    }

    ensure(has_model == (route->model.len > 0));
    ensure(is_inside(route->model, route->path, sizeof(route->path)));
    for (size_t i = 0; i < route->model.len; i++) {
        char c = route->model.at[i];

        ensure((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || (c == '.' && (i == 0 || route->model.at[i - 1] != '.')));
    }
    ensure(!has_model || (model_name(route->model, &again) && view_equal(again, route->model)));
}

static void check_methods(const struct route *route)
{
    static const char *const methods[] = {"GET", "HEAD", "POST"};
    size_t taken = 0;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        taken += route_takes(route, view_of(methods[i]));
    ensure((route->who == ROUTE_NOBODY) == (taken == 0));
    ensure(route_takes(route, VIEW("GET")) == route_takes(route, VIEW("HEAD")));
    ensure(!route_takes(route, VIEW("")) && !route_takes(route, VIEW("get")) &&
           !route_takes(route, VIEW("GET, HEAD")) &&
           route_takes(route, VIEW("DELETE")) ==
               (route->endpoint == &endpoint_native || route->endpoint == &endpoint_relay ||
                (route->who == ROUTE_ADMIN && route_takes(route, VIEW("PUT")))));
}

static void escape(struct bytes *out, struct view text, bool (*is_chosen)(char))
{
    for (size_t i = 0; i < text.len; i++)
        if (is_chosen(text.at[i]))
            bytes_printf(out, "%%%02x", (unsigned char)text.at[i]);
        else
            bytes_append(out, view_skip((struct view){text.at, i + 1}, i));
}

static bool is_any(char c)
{
    (void)c;
    return true;
}

static bool is_no_slash(char c)
{
    return c != '/';
}

static void check_same(struct view path, const struct route *as)
{
    static struct route route;

    route_find(path, CREDENTIAL_NONE, &route);
    ensure(route.who == as->who && route.endpoint == as->endpoint &&
           view_equal(route.model, as->model));
    ensure(route.who == ROUTE_NOBODY || route.shape == as->shape);
}

/* The same route if each character is written as %XX, and if slashes are doubled. */
static void check_spellings(struct view path, const struct route *route)
{
    struct bytes escaped = {0}, half = {0}, slashed = {0};

    if (memchr(path.at, '%', path.len))
        return; /* once escaped it would mean itself */
    escape(&escaped, path, is_any);
    escape(&half, path, is_no_slash);
    check_same(bytes_view(&escaped), route);
    check_same(bytes_view(&half), route);
    if (route->who != ROUTE_NOBODY) {
        bytes_text(&slashed, "//");
        bytes_append(&slashed, path);
        bytes_text(&slashed, "/");
        if (path.len + 3 < ROUTE_PATH_MOST)
            check_same(bytes_view(&slashed), route);
    }
    bytes_clear(&escaped);
    bytes_clear(&half);
    bytes_clear(&slashed);
}

static void check_path(struct view path)
{
    static struct route route;

    route_find(path, CREDENTIAL_NONE, &route);
    check_model(&route);
    check_methods(&route);
    if (path.len)
        check_spellings(path, &route);
}

static bool is_credential(struct view name)
{
    return view_equal(name, VIEW("key")) || view_equal(name, VIEW("access_token")) ||
           view_equal(name, VIEW("oauth_token"));
}

static void check_harmless(struct view kept)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~!$'()*+,;:@/%&=";

    ensure(kept.len == 0 || kept.at[0] == '?');
    for (size_t i = 1; i < kept.len; i++)
        ensure(kept.at[i] && strchr(plain, kept.at[i]));
}

static bool is_same(struct view a, struct view b)
{
    struct bytes one = {0}, two = {0};
    bool is_one;

    url_query_decode(a, &one);
    url_query_decode(b, &two);
    is_one = view_equal(bytes_view(&one), bytes_view(&two));
    bytes_clear(&one);
    bytes_clear(&two);
    return is_one;
}

static bool hides_credential(struct view name)
{
    struct bytes plain = {0};
    bool hides;

    url_query_decode(name, &plain);
    hides = is_credential(bytes_view(&plain));
    bytes_clear(&plain);
    return hides;
}

/* All names and values of the client's but credentials, decoded, in its order. */
static void check_pairs(struct view query, struct view kept)
{
    struct view name, value, from_name, from_value;

    while (url_query_next(&query, &from_name, &from_value)) {
        if (hides_credential(from_name))
            continue;
        ensure(url_query_next(&kept, &name, &value));
        ensure(is_same(name, from_name) && is_same(value, from_value));
    }
    ensure(!url_query_next(&kept, &name, &value));
}

/* What goes to the provider of a query, with its question mark. */
static void keep(const struct endpoint *endpoint, struct view query, struct bytes *kept,
                 bool *is_sse)
{
    const struct request request = {
        .pool = "gemini", .model = VIEW("m"), .query = query, .body = VIEW("{}")};
    struct plan plan = {.limit = 1};
    struct view path;
    const char *mark;

    ensure(endpoint->begin(NULL, &request, &plan) == ERROR_NONE);
    path = plan.steps[0]->order.path;
    mark = memchr(path.at, '?', path.len);
    if (mark)
        bytes_append(kept, view_skip(path, (size_t)(mark - path.at)));
    *is_sse = plan.is_sse;
    plan_clear(&plan);
}

static void check_query(const struct endpoint *endpoint, struct view query)
{
    struct bytes kept = {0}, again = {0};
    bool is_sse, is_sse_again;

    keep(endpoint, query, &kept, &is_sse);
    check_harmless(bytes_view(&kept));
    if (kept.len) {
        struct view inner = view_skip(bytes_view(&kept), 1);

        check_pairs(query, inner);
        keep(endpoint, inner, &again, &is_sse_again);
        ensure(view_equal(bytes_view(&kept), bytes_view(&again)) && is_sse == is_sse_again);
    }
    bytes_clear(&kept);
    bytes_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view path = {(const char *)data, size}, query = VIEW("");
    const char *mark = size ? memchr(path.at, '?', size) : NULL;

    if (mark) {
        path.len = (size_t)(mark - path.at);
        query = view_skip((struct view){path.at, size}, path.len + 1);
    }
    check_path(path);
    check_query(&endpoint_stream, query);
    check_query(&endpoint_native_models, query);
    return 0;
}
