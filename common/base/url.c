/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of providers and proxies. Called by the settings, by the balancer (which proxy is
 * which) and by the upstream (whom a failure concerns). What must stay true: what is let through
 * here holds nothing that could end up in a request line or a header as anything else. */
#include "base/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>

enum { HOST_MOST = 253, PORT_MOST = 65535, PORT_DIGITS = 5 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Cuts off what stands before `mark` and returns it, without the mark; `whole` is what is left. Not
 * there: everything, and nothing is left. */
static struct view cut(struct view *whole, char mark)
{
    const char *at = whole->len ? memchr(whole->at, mark, whole->len) : NULL;
    struct view head = {whole->at, at ? (size_t)(at - whole->at) : whole->len};

    *whole = view_skip(*whole, at ? head.len + 1 : head.len);
    return head;
}

static bool holds(struct view text, char mark)
{
    return text.len && memchr(text.at, mark, text.len) != NULL;
}

static bool is_plain(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f ||
            strchr("\"<>\\^`{|}", text.at[i]))
            return false;
    return true;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_name(struct view host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!is_name_character(host.at[i]))
            return false;
    return host.len && host.len <= HOST_MOST && host.at[0] != '.' && host.at[0] != '-';
}

static bool is_ipv6(struct view host)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr number;

    if (host.len >= sizeof(text))
        return false;
    memcpy(text, host.at, host.len);
    return inet_pton(AF_INET6, text, &number) == 1;
}

static bool is_port(struct view port)
{
    uint32_t number = 0;

    if (!port.len || port.len > PORT_DIGITS)
        return false;
    for (size_t i = 0; i < port.len; i++) {
        if (port.at[i] < '0' || port.at[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(port.at[i] - '0');
    }
    return number > 0 && number <= PORT_MOST;
}

static const char *read_port(struct url *url, struct view rest)
{
    if (!rest.len)
        return NULL;
    if (rest.at[0] != ':')
        return "has something between its host and its port";
    url->port = view_skip(rest, 1);
    return is_port(url->port) ? NULL : "should have a port from 1 to 65535 behind its colon";
}

static const char *read_host(struct url *url, struct view place)
{
    bool is_bracketed = place.len && place.at[0] == '[';
    struct view rest = view_skip(place, is_bracketed);
    size_t len = 0;

    if (is_bracketed) {
        if (!holds(rest, ']'))
            return "should close the bracket around its IPv6 address";
        url->host = cut(&rest, ']');
        if (!is_ipv6(url->host))
            return "should have an IPv6 address between its brackets";
        return read_port(url, rest);
    }
    while (len < place.len && place.at[len] != ':')
        len++;
    url->host = (struct view){place.at, len};
    if (holds(view_skip(place, len + (len < place.len)), ':'))
        return "should have brackets around its IPv6 address, like http://[::1]:8080";
    if (!len)
        return "should name a host";
    if (!is_name(url->host))
        return "should name a host of letters, digits, dots and dashes (a name of others as xn--…)";
    return read_port(url, view_skip(place, len));
}

/* The last @ ends the user's part: a password may hold one that somebody forgot to encode. */
static void read_user(struct url *url, struct view *place)
{
    struct view user;
    size_t at = place->len;

    while (at > 0 && place->at[at - 1] != '@')
        at--;
    if (!at)
        return;
    user = (struct view){place->at, at - 1};
    *place = view_skip(*place, at);
    url->has_user = true;
    url->user = cut(&user, ':');
    url->password = user;
}

const char *url_read(struct url *url, struct view text)
{
    struct view place = text;
    size_t path = 0;

    *url = (struct url){0};
    url->scheme = cut(&place, ':');
    if (!is_plain(text))
        return "should hold no spaces, quotes, braces or letters beyond ASCII";
    if (!view_starts(place, VIEW("//")))
        return "should begin like http://";
    place = view_skip(place, 2);
    while (path < place.len && !strchr("/?#", place.at[path]))
        path++;
    url->path = view_skip(place, path);
    place.len = path;
    read_user(url, &place);
    return read_host(url, place);
}

static bool is_one_of(struct view scheme, const char *const *schemes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (view_equal(scheme, view_of(schemes[i])))
            return true;
    return false;
}

const char *url_base_fault(struct view text)
{
    static const char *const schemes[] = {"http", "https"};
    struct url url;
    const char *fault = url_read(&url, text);

    if (!is_one_of(url.scheme, schemes, COUNT(schemes)))
        return "should begin with https:// or http://";
    if (fault)
        return fault;
    if (url.has_user)
        return "should hold no user and password; a header for a proxy in front goes into "
               "CUSTOM_HEADERS";
    if (holds(url.path, '?') || holds(url.path, '#'))
        return "should end with its path, without ? and #";
    return NULL;
}

const char *url_proxy_fault(struct view text)
{
    static const char *const schemes[] = {"http", "https", "socks5", "socks5h"};
    struct url url;
    const char *fault = url_read(&url, text);

    if (!is_one_of(url.scheme, schemes, COUNT(schemes)))
        return "should begin with http://, https://, socks5:// or socks5h://";
    if (holds(url.path, '@'))
        return "should have / ? # in its user and password written as %2F %3F %23";
    if (fault)
        return fault;
    if (!url.port.len)
        return "should have a port, like http://user:password@host:8080";
    if (url.path.len && !view_equal(url.path, VIEW("/")))
        return "should end behind its port";
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

unsigned char url_take(struct view *text)
{
    unsigned char c = (unsigned char)text->at[0];
    int high = c == '%' && text->len >= 3 ? hex_digit(text->at[1]) : -1;
    int low = high >= 0 ? hex_digit(text->at[2]) : -1;

    *text = view_skip(*text, low >= 0 ? 3 : 1);
    return low >= 0 ? (unsigned char)(high << 4 | low) : c;
}

/* ---- queries ---- */

bool url_query_next(struct view *query, struct view *name, struct view *value)
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

void url_query_decode(struct view value, struct bytes *out)
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

static void escape_all_but(struct bytes *out, struct view text, const char *plain)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] && strchr(plain, text.at[i]))
            bytes_append(out, (struct view){text.at + i, 1});
        else
            bytes_printf(out, "%%%02X", (unsigned char)text.at[i]);
    }
}

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

void url_keep(struct bytes *out, struct view value)
{
    escape_all_but(out, value, UNRESERVED "!$'()*+,;:@/%");
}

void url_path(struct bytes *out, struct view path)
{
    escape_all_but(out, path, UNRESERVED "!$&'()*+,;=:@/");
}

void url_escape(struct bytes *out, struct view value)
{
    escape_all_but(out, value, UNRESERVED);
}
