/* SPDX-License-Identifier: Apache-2.0 */
/* Paths to routes, by the table in routes.def. What must stay true: nothing of a path reaches the
 * provider but a model name that model.h approves, or a path without dots and control characters, encoded anew. */
#include "http/route.h"

#include <stdlib.h>
#include <strings.h>

#include "base/url.h"
#include "gemini/endpoints.h"
#include "gemini/shape.h"
#include "models/model.h"
#include "openai/endpoints.h"
#include "openai/shape.h"
#include "settings/settings.h"

enum language { LANGUAGE_OPENAI, LANGUAGE_GOOGLE, LANGUAGE_GOOGLE_KEY };

struct line {
    enum route_who who;
    enum language language;
    const char *methods;
    struct view pattern;
    const struct endpoint *endpoint;
    const char *pool;
};

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct line lines[] = {
#define ROUTE(methods, pattern, language, endpoint, pool)                                          \
    {ROUTE_CLIENT, LANGUAGE_##language, methods, TEXT(pattern), &endpoint_##endpoint, pool},
#define OWN(methods, pattern, what)                                                                \
    {ROUTE_##what, LANGUAGE_OPENAI, methods, TEXT(pattern), NULL, NULL},
#include "http/routes.def"
};

static const struct {
    struct view prefix, whole;
} aliases[] = {
#define ALIAS(prefix, whole) {TEXT(prefix), TEXT(whole)},
#include "http/routes.def"
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The path */

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

/* Whether the path begins with `head` as whole segments; a colon begins a verb. */
static bool begins_with(struct view path, struct view head)
{
    return view_starts(path, head) && (path.len == head.len || path.at[head.len] == '/');
}

/* Puts what the spelling stands for in place of `prefix`. */
static void replace(struct view *path, struct view prefix, struct view whole,
                    char out[ROUTE_PATH_MOST])
{
    size_t rest = path->len - prefix.len;

    if (whole.len + rest > ROUTE_PATH_MOST)
        return;
    memmove(out + whole.len, out + prefix.len, rest);
    memcpy(out, whole.at, whole.len);
    path->len = whole.len + rest;
}

static void follow_aliases(struct view *path, struct route *route)
{
    for (size_t i = 0; i < COUNT(aliases); i++) {
        /* Walked at each request: the letters behind the slash tell nearly all apart. */
        if (path->len < 3 || memcmp(path->at + 1, aliases[i].prefix.at + 1, 2) != 0 ||
            !begins_with(*path, aliases[i].prefix))
            continue;
        route->is_alpha |= view_equal(aliases[i].prefix, VIEW("/v1alpha"));
        replace(path, aliases[i].prefix, aliases[i].whole, route->path);
    }
}

/* The table */

static bool ends_with(struct view text, struct view tail)
{
    return text.len >= tail.len && memcmp(text.at + text.len - tail.len, tail.at, tail.len) == 0;
}

/* `tail` is what stands behind {model} in the pattern. */
static bool take_model(struct view rest, struct view tail, struct view *model)
{
    if (!ends_with(rest, tail))
        return false;
    rest.len -= tail.len;
    if (tail.len && rest.len && rest.at[rest.len - 1] == '/') /* some put a slash before the verb */
        rest.len--;
    return model_name(rest, model);
}

/* What a client calls a model, which may be none: whoever takes it has to look. */
static bool take_id(struct view rest, struct view *id)
{
    *id = rest;
    return rest.len && !memchr(rest.at, ':', rest.len);
}

static bool fits(struct view pattern, struct view path, struct view *model)
{
    const char *brace = memchr(pattern.at, '{', pattern.len);
    struct view head = {pattern.at, brace ? (size_t)(brace - pattern.at) : pattern.len};

    if (brace && view_equal(view_skip(pattern, head.len), VIEW("{id}")))
        return view_starts(path, head) && take_id(view_skip(path, head.len), model);
    if (brace)
        return view_starts(path, head) &&
               take_model(view_skip(path, head.len), view_skip(pattern, head.len + 7), model);
    if (pattern.at[pattern.len - 1] == '*')
        return view_starts(path, (struct view){pattern.at, pattern.len - 1});
    return view_equal(pattern, path);
}

static const struct line *find(struct view path, enum credential credential, struct view *model)
{
    for (size_t i = 0; i < COUNT(lines); i++)
        if ((lines[i].language != LANGUAGE_GOOGLE_KEY || credential == CREDENTIAL_GOOGLE) &&
            fits(lines[i].pattern, path, model))
            return &lines[i];
    *model = VIEW("");
    return NULL;
}

static bool is_googles(struct view path)
{
    return begins_with(path, VIEW("/v1beta")) ||
           begins_with(path, VIEW("/vertex-express/v1beta")) ||
           begins_with(path, VIEW("/gemini")) || begins_with(path, VIEW("/upload")) ||
           begins_with(path, VIEW("/ws")) || begins_with(path, VIEW("/download"));
}

/* Calls of a model's method are Google's alone; else who shows a token as OpenAI's clients do reads
 * OpenAI's errors. */
static const struct error_shape *shape_of(const struct line *line, struct view path,
                                          enum credential credential)
{
    if (line && line->language == LANGUAGE_GOOGLE &&
        memchr(line->pattern.at, ':', line->pattern.len))
        return &shape_gemini;
    if (line && line->who == ROUTE_CLIENT && line->language == LANGUAGE_OPENAI)
        return &shape_openai;
    if (credential == CREDENTIAL_NONE)
        return is_googles(path) ? &shape_gemini : &shape_openai;
    return credential == CREDENTIAL_GOOGLE ? &shape_gemini : &shape_openai;
}

/* The newer methods have errors of their own. */
static bool wants_words(struct view path)
{
    static const struct view heads[] = {VIEW("/v1beta/interactions"), VIEW("/v1beta/agents"),
                                        VIEW("/v1beta/environments"), VIEW("/v1beta/webhooks")};

    for (size_t i = 0; i < COUNT(heads); i++)
        if (begins_with(path, heads[i]))
            return true;
    return false;
}

/* URL_NORMALIZATION_ENABLED: what clients put in front that leads nowhere is dropped, segment by
 * segment, until the rest is a route for clients. NULL: none is, and the path is as it was. */
static const struct line *repair(struct view *clean, enum credential credential,
                                 struct route *route)
{
    char whole[ROUTE_PATH_MOST];
    size_t len = clean->len;

    memcpy(whole, clean->at, len);
    for (size_t i = 1; i < len; i++) {
        const struct line *line;
        if (whole[i] != '/')
            continue;
        memcpy(route->path, whole + i, len - i);
        *clean = (struct view){route->path, len - i};
        route->is_alpha = false;
        follow_aliases(clean, route);
        line = find(*clean, credential, &route->model);
        if (line && line->who == ROUTE_CLIENT)
            return line;
    }
    memcpy(route->path, whole, len);
    *clean = (struct view){route->path, len};
    route->model = VIEW("");
    route->is_alpha = false;
    return NULL;
}

void route_find(struct view path, enum credential credential, struct route *route)
{
    struct view clean = path_clean(path, route->path);
    const struct line *line = NULL;

    route->model = VIEW("");
    route->is_alpha = false;
    if (clean.len) {
        follow_aliases(&clean, route);
        line = find(clean, credential, &route->model);
        if (settings_now()->repairs_urls && clean.len && (!line || line->who == ROUTE_NOBODY))
            line = repair(&clean, credential, route);
        path = clean;
    }
    route->clean = clean;
    route->shape = shape_of(line, path, credential);
    if (route->shape == &shape_gemini && wants_words(path))
        route->shape = &shape_gemini_words;
    route->who = line ? line->who : ROUTE_NOBODY;
    route->methods = line ? line->methods : "";
    route->endpoint = line ? line->endpoint : NULL;
    route->pool = line ? line->pool : NULL;
    route->pattern = line ? line->pattern.at : NULL;
}

/* Methods */

bool route_takes(const struct route *route, struct view method)
{
    struct view list = view_of(route->methods);
    bool is_head = view_equal(method, VIEW("HEAD"));

    while (list.len) {
        const char *comma = memchr(list.at, ',', list.len);
        struct view one = {list.at, comma ? (size_t)(comma - list.at) : list.len};

        if (view_equal(one, is_head ? VIEW("GET") : method))
            return true;
        list = view_skip(list, comma ? one.len + 2 : one.len);
    }
    return false;
}

void route_allow(const struct route *route, struct bytes *out)
{
    bytes_text(out, route->methods);
    if (route_takes(route, VIEW("GET")))
        bytes_text(out, ", HEAD");
    bytes_text(out, ", OPTIONS");
}
