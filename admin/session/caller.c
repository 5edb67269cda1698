/* SPDX-License-Identifier: Apache-2.0 */
/* Reads who asks. Called for each request, before its route is looked for. */
#include "session/caller.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "base/guard.h"

union place {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* False: it is no address. An IPv4 address in the shape of IPv6 becomes one of IPv4. */
static bool place_read(struct view text, union place *place)
{
    char copy[INET6_ADDRSTRLEN] = "";

    *place = (union place){0};
    if (!text.at || !text.len || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.at, text.len);
    place->any.sa_family = AF_INET;
    if (inet_pton(AF_INET, strncasecmp(copy, "::ffff:", 7) == 0 ? copy + 7 : copy,
                  &place->v4.sin_addr) == 1)
        return true;
    place->any.sa_family = AF_INET6;
    return inet_pton(AF_INET6, copy, &place->v6.sin6_addr) == 1;
}

static bool is_loopback(const union place *place)
{
    if (place->any.sa_family == AF_INET)
        return ntohl(place->v4.sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&place->v6.sin6_addr);
}

static bool is_trusted(const union place *place, const struct option_list *trusted)
{
    struct guard_net net;

    if (is_loopback(place))
        return true;
    for (size_t i = 0; i < trusted->count; i++)
        if (guard_net_read(&net, view_of(trusted->at[i])) && guard_net_has(&net, &place->any))
            return true;
    return false;
}

static struct view take_last(struct view *list)
{
    const char *comma = list->len ? memrchr(list->at, ',', list->len) : NULL;
    struct view last = comma ? view_skip(*list, (size_t)(comma - list->at) + 1) : *list;

    list->len = comma ? (size_t)(comma - list->at) : 0;
    return view_trim(last);
}

/* Back along the proxies until one is not trusted. True: the nearest is, so its lines count. What another host says
 * of where it was asked from makes nobody one of this host. */
static bool read_address(struct caller *caller, struct view list, const struct option_list *trusted,
                         bool *from_loopback)
{
    union place place;
    bool is_near_trusted = false, is_first = true;

    while (list.len) {
        struct view one = take_last(&list);
        bool is_address = place_read(one, &place),
             goes_on = is_address && is_trusted(&place, trusted);

        if (is_address)
            inet_ntop(place.any.sa_family,
                      place.any.sa_family == AF_INET ? (void *)&place.v4.sin_addr
                                                     : (void *)&place.v6.sin6_addr,
                      caller->address, sizeof(caller->address));
        *from_loopback = *from_loopback && is_address && is_loopback(&place);
        is_near_trusted = is_first ? goes_on : is_near_trusted;
        is_first = false;
        if (!goes_on)
            break;
    }
    return is_near_trusted;
}

static struct view host_of(struct view authority)
{
    const char *bracket = authority.len ? memchr(authority.at, ']', authority.len) : NULL;
    const char *colon = authority.len ? memrchr(authority.at, ':', authority.len) : NULL;

    if (bracket)
        return (struct view){authority.at, (size_t)(bracket - authority.at) + 1};
    return colon ? (struct view){authority.at, (size_t)(colon - authority.at)} : authority;
}

/* Another site's name may lead to this host, so the name counts as well as the address. */
static bool is_local_name(struct view host)
{
    struct view name = host_of(host);
    union place place;

    if (name.len == 9 && strncasecmp(name.at, "localhost", 9) == 0)
        return true;
    if (name.len > 2 && name.at[0] == '[')
        name = (struct view){name.at + 1, name.len - 2};
    return place_read(name, &place) && is_loopback(&place);
}

static bool is_same_host(struct view origin, struct view host)
{
    const char *slashes = origin.len ? memmem(origin.at, origin.len, "://", 3) : NULL;
    struct view rest;

    if (!slashes || !host.len)
        return false;
    rest = view_skip(origin, (size_t)(slashes - origin.at) + 3);
    return rest.len == host.len && strncasecmp(rest.at, host.at, host.len) == 0;
}

/* Browsers say it in a line that no page can write. Those that do not know it say the origin. */
static void read_site(struct caller *caller, const struct caller_lines *lines, bool is_forwarded)
{
    if (lines->fetch_site.len)
        caller->is_own_site = view_equal(lines->fetch_site, VIEW("same-origin"));
    else if (lines->origin.len)
        caller->is_own_site = is_same_host(lines->origin, lines->host) ||
                              (is_forwarded && is_same_host(lines->origin, lines->forwarded_host));
    caller->is_foreign = (lines->fetch_site.len || lines->origin.len) && !caller->is_own_site;
}

void caller_read(struct caller *caller, const struct caller_lines *lines,
                 const struct option_list *trusted, bool has_socket)
{
    bool is_forwarded = true, from_loopback = true;

    *caller = (struct caller){0};
    if (lines->forwarded_for.len)
        is_forwarded = read_address(caller, lines->forwarded_for, trusted, &from_loopback);
    else
        caller->is_socket = has_socket;
    if (!caller->address[0])
        snprintf(caller->address, sizeof(caller->address), "%s",
                 caller->is_socket ? "socket" : "unknown");
    caller->is_local = from_loopback && is_local_name(lines->host);
    caller->is_tls = is_forwarded && view_equal(lines->forwarded_proto, VIEW("https"));
    read_site(caller, lines, is_forwarded);
}

bool caller_cookie_next(struct view *cookies, struct view name, struct view *value)
{
    while (cookies->len) {
        const char *end = memchr(cookies->at, ';', cookies->len);
        struct view one = {cookies->at, end ? (size_t)(end - cookies->at) : cookies->len};

        *cookies = view_skip(*cookies, end ? one.len + 1 : one.len);
        one = view_trim(one);
        if (one.len > name.len && view_starts(one, name) && one.at[name.len] == '=') {
            *value = view_skip(one, name.len + 1);
            return true;
        }
    }
    return false;
}
