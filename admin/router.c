/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes. What must stay true: whether a token is right shows in no time that it
 * takes, and without an administrator's token nothing is open that needs it. */
#include "router.h"

#include <strings.h>

static const struct api routes[] = {
#define API(method, path, needs, handler, text) {#method, path, NEEDS_##needs, api_##handler},
#include "api/api.def"
};

static bool is_method(const struct api *api, struct view method)
{
    return view_equal(method, view_of(api->method)) ||
           (view_equal(method, VIEW("HEAD")) && strcmp(api->method, "GET") == 0);
}

static struct view bearer_of(struct view authorization)
{
    if (authorization.len < 7 || strncasecmp(authorization.at, "Bearer ", 7) != 0)
        return VIEW("");
    return view_trim(view_skip(authorization, 7));
}

static struct decision admit(const struct api *api, struct view authorization, struct secret token)
{
    struct secret candidate = {bearer_of(authorization)};

    if (api->needs == NEEDS_NOTHING)
        return (struct decision){200, "", "", api};
    if (!token.hidden.len)
        return (struct decision){403, "no_administrator", "AUTH_TOKEN is not set", api};
    if (!candidate.hidden.len)
        return (struct decision){401, "no_token", "give AUTH_TOKEN as Authorization: Bearer", api};
    if (!secret_equal(candidate, token))
        return (struct decision){401, "wrong_token", "this is not AUTH_TOKEN", api};
    return (struct decision){200, "", "", api};
}

struct decision router_refuse_method(void)
{
    return (struct decision){405, "method", "this route has other methods", NULL};
}

struct decision router_decide(struct view method, struct view path, struct view authorization,
                              struct secret token)
{
    const struct api *found = NULL;

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!view_equal(path, view_of(routes[i].path)))
            continue;
        found = &routes[i];
        if (is_method(found, method))
            return admit(found, authorization, token);
    }
    if (found)
        return router_refuse_method();
    return (struct decision){404, "no_route", "there is no such route", NULL};
}
