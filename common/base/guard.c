/* SPDX-License-Identifier: Apache-2.0 */
/* The guard. Asked by the upstream for each connection that it makes for a stranger, and by the
 * frontend for addresses in requests. What must stay true: the judgement is on the very address
 * that is connected to, so that no name, spelling or change of mind of a name server passes it; and
 * what is not known to be public is not. */
#include "base/guard.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>

#include "base/url.h"

enum { HOST_MOST = 253, PORT_MOST = 65535, PORT_DIGITS = 5, SHOWN_MOST = 200 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct net {
    unsigned char at[16];
    unsigned bits;
};

/* Not for everybody, of RFC 6890 and IANA's registry; and what clouds answer their guests at. */
static const struct net private_4[] = {
    {{0}, 8},                 /* this network */
    {{10}, 8},                /* private */
    {{100, 64}, 10},          /* shared by carriers; some clouds' metadata */
    {{127}, 8},               /* loopback */
    {{168, 63, 129, 16}, 32}, /* what Azure's hosts tell their guests */
    {{169, 254}, 16},         /* link-local; most clouds' metadata */
    {{172, 16}, 12},          /* private */
    {{192, 0, 0}, 24},        /* protocol assignments */
    {{192, 0, 2}, 24},        /* documentation */
    {{192, 88, 99}, 24},      /* 6to4 relays */
    {{192, 168}, 16},         /* private */
    {{198, 18}, 15},          /* benchmarks */
    {{198, 51, 100}, 24},     /* documentation */
    {{203, 0, 113}, 24},      /* documentation */
    {{224}, 4},               /* multicast */
    {{240}, 4},               /* reserved, broadcast */
};

/* All that is public so far is in here; mapped, NAT64, unique local, link-local and multicast
 * addresses are not. */
static const struct net global_6 = {{0x20}, 3};

static const struct net private_6[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments, Teredo among them */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4 */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static bool has(const struct net *net, const unsigned char *address)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    unsigned char mask = (unsigned char)(0xff00u >> rest);

    return memcmp(net->at, address, whole) == 0 &&
           (!rest || ((net->at[whole] ^ address[whole]) & mask) == 0);
}

/* The number of a socket address; NULL: it is of another kind. */
static const unsigned char *number_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (const unsigned char *)&((const struct sockaddr_in *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        return (const unsigned char *)&((const struct sockaddr_in6 *)address)->sin6_addr;
    return NULL;
}

static bool is_in(const struct net *nets, size_t count, const unsigned char *number)
{
    for (size_t i = 0; i < count; i++)
        if (has(&nets[i], number))
            return true;
    return false;
}

bool guard_is_public(const struct sockaddr *address)
{
    const unsigned char *number = number_of(address);

    if (address->sa_family == AF_INET)
        return !is_in(private_4, COUNT(private_4), number);
    return number && has(&global_6, number) && !is_in(private_6, COUNT(private_6), number);
}

/* What is allowed besides */

static bool read_count(struct view text, unsigned most, unsigned *count)
{
    *count = 0;
    if (!text.len || text.len > PORT_DIGITS)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *count = *count * 10 + (unsigned)(text.at[i] - '0');
    }
    return *count <= most;
}

bool guard_net_read(struct guard_net *net, struct view text)
{
    const char *slash = text.len ? memchr(text.at, '/', text.len) : NULL;
    struct view number = {text.at, slash ? (size_t)(slash - text.at) : text.len};
    char copy[INET6_ADDRSTRLEN] = "";
    unsigned most;

    *net = (struct guard_net){0};
    if (!number.len || number.len >= sizeof(copy))
        return false;
    memcpy(copy, number.at, number.len);
    net->family = memchr(copy, ':', number.len) ? AF_INET6 : AF_INET;
    most = net->family == AF_INET6 ? 128 : 32;
    net->bits = most;
    return inet_pton(net->family, copy, net->at) == 1 &&
           (!slash || read_count(view_skip(text, number.len + 1), most, &net->bits));
}

const char *guard_net_fault(struct view text)
{
    struct guard_net net;

    return guard_net_read(&net, text) ? NULL : "should be addresses, or networks as 10.0.0.0/8";
}

bool guard_net_has(const struct guard_net *net, const struct sockaddr *address)
{
    struct net plain = {.bits = net->bits};

    memcpy(plain.at, net->at, sizeof(plain.at));
    return address->sa_family == net->family && has(&plain, number_of(address));
}

static bool is_named(const struct guard *guard, struct view host, const struct sockaddr *address)
{
    struct guard_net net;

    for (size_t i = 0; i < guard->host_count; i++) {
        struct view entry = view_of(guard->hosts[i]);

        if (guard_net_read(&net, entry)
                ? guard_net_has(&net, address)
                : entry.len == host.len && strncasecmp(entry.at, host.at, host.len) == 0)
            return true;
    }
    return false;
}

static unsigned port_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)address)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
}

static bool is_port(const struct guard *guard, const struct sockaddr *address)
{
    unsigned port;

    for (size_t i = 0; i < guard->port_count; i++)
        if (read_count(view_of(guard->ports[i]), PORT_MOST, &port) && port == port_of(address))
            return true;
    return false;
}

const char *guard_refuses(const struct guard *guard, struct view host,
                          const struct sockaddr *address)
{
    if (!number_of(address))
        return "it is no Internet address";
    if (is_named(guard, host, address))
        return NULL;
    if (!guard_is_public(address))
        return "private address";
    return is_port(guard, address) ? NULL : "its port is not allowed";
}

const char *guard_port_fault(struct view text)
{
    unsigned port;

    return read_count(text, PORT_MOST, &port) && port ? NULL : "should be ports from 1 to 65535";
}

const char *guard_host_fault(struct view text)
{
    struct guard_net net;
    bool is_name = text.len && text.len <= HOST_MOST;

    if (guard_net_read(&net, text))
        return NULL;
    for (size_t i = 0; i < text.len; i++)
        is_name &= isalnum((unsigned char)text.at[i]) || strchr("-._", text.at[i]);
    return is_name
               ? NULL
               : "should be names, addresses or networks like example.org, 10.0.0.7, 10.0.0.0/8";
}

/* Addresses of the web */

static bool begins(struct view text, const char *word)
{
    return text.len >= strlen(word) && strncasecmp(text.at, word, strlen(word)) == 0;
}

bool guard_is_url(struct view text)
{
    text = view_trim(text);
    return begins(text, "http:") || begins(text, "https:");
}

static void escape(struct bytes *out, struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c))
            bytes_printf(out, "%%%02X", c);
        else
            bytes_append(out, (struct view){text.at + i, 1});
    }
}

static const char *fault_of(struct view text)
{
    struct url url;
    const char *fault = url_read(&url, text);

    if (text.len > GUARD_URL_MOST)
        return "it is too long";
    if (fault)
        return "it is no http or https address";
    return url.has_user ? "it has a user or password in it" : NULL;
}

static struct view without(struct view text, const char *marks)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] && strchr(marks, text.at[i]))
            return (struct view){text.at, i};
    return text;
}

const char *guard_url_write(struct view text, struct bytes *out)
{
    struct bytes plain = {0};
    const char *fault;

    text = without(view_trim(text), "#");
    if (text.len > GUARD_URL_MOST)
        return "it is too long";
    if (!guard_is_url(text))
        return "it is no http or https address";
    escape(&plain, text);
    fault = fault_of(bytes_view(&plain));
    if (!fault)
        bytes_append(out, bytes_view(&plain));
    bytes_clear(&plain);
    return fault;
}

void guard_url_show(struct view text, struct bytes *out)
{
    struct view shown = without(view_trim(text), "?#");
    struct view head = {0}, place;
    const char *slashes = shown.len > 2 ? memmem(shown.at, shown.len, "//", 2) : NULL;
    size_t at;

    if (slashes)
        head = (struct view){shown.at, (size_t)(slashes - shown.at) + 2};
    place = without(view_skip(shown, head.len), "/");
    for (at = place.len; at > 0 && place.at[at - 1] != '@'; at--)
        continue;
    shown = view_skip(shown, head.len + at);
    if (shown.len > SHOWN_MOST)
        shown.len = SHOWN_MOST;
    escape(out, head.len > SHOWN_MOST ? VIEW("") : head);
    escape(out, shown);
}
