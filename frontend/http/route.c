/* SPDX-License-Identifier: Apache-2.0 */
/* Paths to routes. Called by http.c for every request. What must stay true: nothing of a path
 * reaches the provider but a model name that model.h approves, and nothing of a query but the
 * parameters named here. */
#include "http/route.h"

#include <stdlib.h>
#include <strings.h>

#include "models/model.h"
#include "base/url.h"

static bool has_dots(struct view path)
{
    for (size_t i = 0; i + 1 < path.len; i++) {
        size_t dots = i + 1;

        if (path.at[i] != '/')
            continue;
        while (dots < path.len && path.at[dots] == '.')
            dots++;
        if (dots > i + 1 && (dots == path.len || path.at[dots] == '/'))
            return true;
    }
    return false;
}

/* Decodes the path into `out`; an empty view: it is none. */
static struct view path_clean(struct view path, char out[ROUTE_PATH_MOST])
{
    size_t len = 0;

    while (path.len) {
        unsigned char c = url_take(&path);

        if (c < ' ' || c == 0x7f || c == '\\' || len == ROUTE_PATH_MOST)
            return VIEW("");
        if (c == '/' && len && out[len - 1] == '/')
            continue;
        out[len++] = (char)c;
    }
    if (len > 1 && out[len - 1] == '/')
        len--;
    if (len == 0 || out[0] != '/' || has_dots((struct view){out, len}))
        return VIEW("");
    return (struct view){out, len};
}

/* Takes `head` off the path if the path begins with it as whole segments. */
static bool take_segments(struct view *path, struct view head)
{
    if (!view_starts(*path, head) || (path->len > head.len && path->at[head.len] != '/'))
        return false;
    *path = view_skip(*path, head.len);
    return true;
}

static bool take_prefix(struct view *path, const struct view *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (take_segments(path, prefixes[i]))
            return true;
    return false;
}

static void set(struct route *route, enum route_kind kind, const char *allow)
{
    route->kind = kind;
    route->allow = allow;
}

static bool ends_with(struct view text, struct view tail)
{
    return text.len >= tail.len && memcmp(text.at + text.len - tail.len, tail.at, tail.len) == 0;
}

/* `name` is what stands behind /models/. False: it doesn't end in a verb. */
static bool find_verb(struct view name, struct route *route)
{
    static const struct {
        struct view verb;
        enum route_kind kind;
    } verbs[] = {
        {{":generateContent", 16}, ROUTE_GENERATE},
        {{":streamGenerateContent", 22}, ROUTE_STREAM},
    };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        struct view model = name;

        if (!ends_with(name, verbs[i].verb))
            continue;
        model.len -= verbs[i].verb.len;
        if (model_name(model, &route->model))
            set(route, verbs[i].kind, "POST, OPTIONS");
        return true;
    }
    return false;
}

static void find_model(struct view name, struct route *route)
{
    if (!find_verb(name, route) && model_name(name, &route->model))
        set(route, ROUTE_NATIVE_MODEL, "GET, HEAD, OPTIONS");
}

static void find_native(struct view rest, struct route *route)
{
    route->is_native = true; /* however the prefix was spelled */
    if (!take_segments(&rest, VIEW("/models")))
        return;
    if (rest.len == 0)
        set(route, ROUTE_NATIVE_MODELS, "GET, HEAD, OPTIONS");
    else
        find_model(view_skip(rest, 1), route);
}

static void find_openai(struct view rest, struct route *route)
{
    if (view_equal(rest, VIEW("/chat/completions")))
        set(route, ROUTE_CHAT, "POST, OPTIONS");
    else if (view_equal(rest, VIEW("/models")))
        set(route, ROUTE_MODELS, "GET, HEAD, OPTIONS");
    else if (view_starts(rest, VIEW("/models/"))) /* Google's SDK of today calls its API v1 */
        route->is_native = find_verb(view_skip(rest, 8), route);
}

static void find_own(struct view path, struct route *route)
{
    if (view_equal(path, VIEW("/health")))
        set(route, ROUTE_HEALTH, "GET, HEAD, OPTIONS");
    else if (view_equal(path, VIEW("/")) || view_starts(path, VIEW("/static/")) ||
             view_starts(path, VIEW("/api/")))
        set(route, ROUTE_ADMIN, "GET, HEAD, OPTIONS");
}

void route_find(struct view path, struct route *route)
{
    static const struct view native[] = {{"/v1beta", 7}, {"/gemini/v1beta", 14}};
    static const struct view openai[] = {{"/v1", 3}, {"/hf/v1", 6}, {"/openai/v1", 10}};
    struct view rest;

    route->kind = ROUTE_NONE;
    route->is_native = view_starts(path, VIEW("/v1beta")) || view_starts(path, VIEW("/gemini/"));
    route->allow = "";
    route->model = VIEW("");
    path = path_clean(path, route->path);
    rest = path;
    if (take_prefix(&rest, native, sizeof(native) / sizeof(native[0])))
        find_native(rest, route);
    else if (take_prefix(&rest, openai, sizeof(openai) / sizeof(openai[0])))
        find_openai(rest, route);
    else
        find_own(path, route);
}

bool route_takes(const struct route *route, struct view method)
{
    struct view list = view_of(route->allow);

    while (list.len) {
        const char *comma = memchr(list.at, ',', list.len);
        struct view one = {list.at, comma ? (size_t)(comma - list.at) : list.len};

        if (view_equal(one, method))
            return true;
        list = view_skip(list, comma ? one.len + 2 : one.len);
    }
    return false;
}

bool route_query_next(struct view *query, struct view *name, struct view *value)
{
    while (query->len) {
        const char *end = memchr(query->at, '&', query->len);
        struct view pair = {query->at, end ? (size_t)(end - query->at) : query->len};
        const char *equals = pair.len ? memchr(pair.at, '=', pair.len) : NULL;

        *query = view_skip(*query, end ? pair.len + 1 : pair.len);
        if (pair.len == 0)
            continue;
        name->at = pair.at;
        name->len = equals ? (size_t)(equals - pair.at) : pair.len;
        *value = equals ? view_skip(pair, name->len + 1) : VIEW("");
        return true;
    }
    return false;
}

void route_query_decode(struct view value, struct bytes *out)
{
    while (value.len) {
        char c = value.at[0] == '+' ? ' ' : 0;

        if (c)
            value = view_skip(value, 1);
        else
            c = (char)url_take(&value);
        bytes_append(out, (struct view){&c, 1});
    }
}

/* What may stand in a query as it is; the rest is written as %XX, so that nothing ends the request
 * line early. */
static void append_escaped(struct bytes *out, struct view value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~!$'()*+,;:@/%";

    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] && strchr(plain, value.at[i]))
            bytes_append(out, (struct view){value.at + i, 1});
        else
            bytes_printf(out, "%%%02X", (unsigned char)value.at[i]);
    }
}

static bool is_kept(enum route_kind kind, struct view name, struct view value)
{
    bool is_list = kind == ROUTE_NATIVE_MODELS;

    if (view_equal(name, VIEW("alt")))
        return view_equal(value, VIEW("sse")) || view_equal(value, VIEW("json"));
    return view_equal(name, VIEW("fields")) || view_equal(name, VIEW("prettyPrint")) ||
           (is_list && (view_equal(name, VIEW("pageSize")) || view_equal(name, VIEW("pageToken"))));
}

void route_query_keep(enum route_kind kind, struct view query, struct bytes *out, bool *is_sse)
{
    struct view name, value;
    const char *sign = "?";

    *is_sse = false;
    while (route_query_next(&query, &name, &value)) {
        if (!is_kept(kind, name, value))
            continue;
        *is_sse |= view_equal(name, VIEW("alt")) && view_equal(value, VIEW("sse"));
        bytes_text(out, sign);
        bytes_append(out, name);
        bytes_text(out, "=");
        append_escaped(out, value);
        sign = "&";
    }
}
