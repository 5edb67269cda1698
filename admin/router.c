/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes. What must stay true: whether a token is right shows in no time that it
 * takes; without an administrator's token nothing is open that needs it; and nothing is changed by a
 * browser that another site makes ask. */
#include "router.h"

#include "session/tokens.h"

static const struct api routes[] = {
#define API(method, pattern, needs, handler, text) {#method, pattern, NEEDS_##needs, api_##handler},
#include "api/api.def"
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

/* Paths. {id} stands for one segment, which is not empty. */

static bool fits(const char *pattern, struct view path, struct view *id)
{
    const char *brace = strchr(pattern, '{');
    struct view head = {pattern, brace ? (size_t)(brace - pattern) : strlen(pattern)};
    const char *slash;
    struct view rest;

    *id = VIEW("");
    if (!brace)
        return view_equal(path, head);
    if (!view_starts(path, head))
        return false;
    rest = view_skip(path, head.len);
    slash = rest.len ? memchr(rest.at, '/', rest.len) : NULL;
    *id = (struct view){rest.at, slash ? (size_t)(slash - rest.at) : rest.len};
    return id->len && view_equal(view_skip(rest, id->len), view_of(strchr(brace, '}') + 1));
}

static bool is_method(const struct api *api, struct view method)
{
    return view_equal(method, view_of(api->method)) ||
           (view_equal(method, VIEW("HEAD")) && strcmp(api->method, "GET") == 0);
}

/* Who may */

static struct decision no(const struct api *api, int status, const char *code, const char *text)
{
    return (struct decision){.status = status, .code = code, .text = text, .api = api};
}

static struct decision yes(const struct api *api, bool is_by_session)
{
    return (struct decision){
        .status = 200, .code = "", .text = "", .api = api, .is_by_session = is_by_session};
}

static struct decision admit_token(const struct api *api, const struct visit *visit,
                                   struct secret candidate)
{
    struct decision decision = yes(api, false);

    if (!secret_equal(candidate, visit->token))
        return no(api, 401, "wrong_token", "this is not AUTH_TOKEN");
    if (token_is_sample(visit->token) && !visit->caller->is_local)
        return no(api, 403, "sample_token",
                  "AUTH_TOKEN is one that everybody knows: it is good on this host only");
    decision.is_by_token = true;
    return decision;
}

/* What only looks changes nothing, and no other site can read what it is given. */
static struct decision admit_session(const struct api *api, const struct visit *visit)
{
    if (strcmp(api->method, "GET") == 0)
        return yes(api, true);
    if (!visit->caller->is_own_site)
        return no(api, 403, "other_site", "a change must come from the dashboard's own pages");
    if (!session_knows_csrf(visit->session, visit->csrf))
        return no(api, 403, "no_csrf", "give the csrf of GET /api/admin/session as X-CSRF");
    return yes(api, true);
}

static struct decision admit(const struct api *api, const struct visit *visit)
{
    struct secret candidate = {token_of_bearer(visit->authorization)};

    if (api->needs == NEEDS_NOTHING || (api->needs == NEEDS_HOST && visit->caller->is_socket))
        return yes(api, false);
    if (!visit->token.hidden.len)
        return no(api, 403, "no_administrator", "AUTH_TOKEN is not set");
    if (candidate.hidden.len)
        return admit_token(api, visit, candidate);
    if (visit->session)
        return admit_session(api, visit);
    return no(api, 401, "no_session", "log in, or give AUTH_TOKEN as Authorization: Bearer");
}

struct decision router_decide(const struct visit *visit)
{
    const struct api *found = NULL;
    struct decision decision;
    struct view id;

    for (size_t i = 0; i < ROUTES; i++) {
        if (!fits(routes[i].pattern, visit->path, &id))
            continue;
        found = &routes[i];
        if (!is_method(found, visit->method))
            continue;
        decision = admit(found, visit);
        decision.id = id;
        return decision;
    }
    if (found)
        return no(NULL, 405, "method", "this route has other methods");
    return no(NULL, 404, "no_route", "there is no such route");
}

void router_write_methods(struct view path, struct bytes *out)
{
    struct view id;

    for (size_t i = 0; i < ROUTES; i++) {
        if (!fits(routes[i].pattern, path, &id))
            continue;
        bytes_text(out, out->len ? ", " : "");
        bytes_text(out, strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method);
    }
}
