/* SPDX-License-Identifier: Apache-2.0 */
/* Requests. What must stay true: nothing that comes from outside (a URL, a key) can end a line of
 * the head, so that one request is never read as two. */
#include "transfer/request.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

enum { ROOM_BESIDES = 128 }; /* method, type and length of the body, line ends */

/* URLs */

/* A space would end the request's target, a control character the line; what is beyond ASCII each
 * server reads as it likes. */
static bool is_plain(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f)
            return false;
    return text.len;
}

struct parts {
    char *scheme, *host, *port, *path, *query;
};

static void parts_clear(struct parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
    curl_free(parts->port);
    curl_free(parts->path);
    curl_free(parts->query);
}

/* No query is no fault. The parser is emptied first: it takes half a URL for one to be completed
 * by that of before. */
static bool parts_read(struct parts *parts, CURLU *parser, const char *url)
{
    if (curl_url_set(parser, CURLUPART_URL, NULL, 0) != CURLUE_OK ||
        curl_url_set(parser, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_get(parser, CURLUPART_SCHEME, &parts->scheme, 0) != CURLUE_OK ||
        curl_url_get(parser, CURLUPART_HOST, &parts->host, 0) != CURLUE_OK ||
        curl_url_get(parser, CURLUPART_PORT, &parts->port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        curl_url_get(parser, CURLUPART_PATH, &parts->path, 0) != CURLUE_OK)
        return false;
    curl_url_get(parser, CURLUPART_QUERY, &parts->query, 0);
    return is_plain(view_of(parts->host)) && is_plain(view_of(parts->path)) &&
           (!parts->query || !*parts->query || is_plain(view_of(parts->query)));
}

/* The port that goes without saying is not said, as other clients have it. */
static bool is_usual(const struct parts *parts)
{
    return strcmp(parts->port, strcmp(parts->scheme, "https") == 0 ? "443" : "80") == 0;
}

static void target_write(struct target *target, const struct parts *parts, const char *url)
{
    target->is_tls = strcmp(parts->scheme, "https") == 0;
    target->origin.len = target->lines.len = 0;
    bytes_copy(&target->url, view_of(url));
    bytes_printf(&target->origin, "%s://%s:%s", parts->scheme, parts->host, parts->port);
    bytes_text(&target->lines, " ");
    bytes_text(&target->lines, parts->path);
    if (parts->query) {
        bytes_text(&target->lines, "?");
        bytes_text(&target->lines, parts->query);
    }
    bytes_text(&target->lines, " HTTP/1.1\r\nHost: ");
    bytes_text(&target->lines, parts->host);
    if (!is_usual(parts)) {
        bytes_text(&target->lines, ":");
        bytes_text(&target->lines, parts->port);
    }
    bytes_text(&target->lines, "\r\n");
}

static const struct target *target_read(struct targets *targets, const char *url)
{
    struct target *target = &targets->known[targets->oldest];
    struct parts parts = {0};
    bool is_good = parts_read(&parts, targets->parser, url);

    if (is_good) {
        target_write(target, &parts, url);
        targets->oldest = (targets->oldest + 1) % TARGETS;
    }
    parts_clear(&parts);
    return is_good ? target : NULL;
}

const struct target *targets_find(struct targets *targets, const char *url)
{
    struct view wanted = view_of(url);

    for (size_t i = 0; i < TARGETS; i++)
        if (targets->known[i].url.len && view_equal(bytes_view(&targets->known[i].url), wanted))
            return &targets->known[i];
    return target_read(targets, url);
}

void targets_open(struct targets *targets)
{
    *targets = (struct targets){.parser = curl_url()};
    if (!targets->parser)
        abort();
}

void targets_close(struct targets *targets)
{
    for (size_t i = 0; i < TARGETS; i++) {
        bytes_clear(&targets->known[i].url);
        bytes_clear(&targets->known[i].origin);
        bytes_clear(&targets->known[i].lines);
    }
    curl_url_cleanup(targets->parser);
}

/* Heads */

static bool is_value(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] == 0x7f)
            return false;
    return true;
}

static bool is_named(struct view line, const char *name)
{
    return line.len >= strlen(name) && strncasecmp(line.at, name, strlen(name)) == 0;
}

void request_headers(struct bytes *lines, const struct transfer_settings *settings)
{
    bool has_accept = false, has_agent = false;
    size_t len = 0;

    for (size_t i = 0; i < settings->header_count; i++)
        len += strlen(settings->headers[i]) + strlen("\r\n");
    bytes_room(lines, len + ROOM_BESIDES); /* in one piece, as below */
    bytes_text(lines, "Accept-Encoding: identity\r\n");
    for (size_t i = 0; i < settings->header_count; i++) {
        struct view line = view_of(settings->headers[i]);

        assert(is_value(line)); /* the settings refuse others */
        has_accept |= is_named(line, "Accept:");
        has_agent |= is_named(line, "User-Agent:");
        bytes_append(lines, line);
        bytes_text(lines, "\r\n");
    }
    if (!has_accept)
        bytes_text(lines, "Accept: */*\r\n");
    if (!has_agent)
        bytes_text(lines, "User-Agent: " TRANSFER_AGENT "\r\n");
}

static void write_authorization(struct bytes *head, struct view line)
{
    if (!line.len)
        return;
    bytes_append(head, line);
    bytes_text(head, "\r\n");
}

/* Servers want to hear that a POST has no body. */
static void write_body_lines(struct bytes *head, const struct transfer_order *order)
{
    uint64_t len = order->feed ? order->feed_length - 1 : order->body.len;

    if (order->body.len || order->feed) {
        bytes_text(head, "Content-Type: ");
        bytes_append(head, order->type);
        bytes_text(head, "\r\n");
    }
    if (order->feed && !order->feed_length)
        bytes_text(head, "Transfer-Encoding: chunked\r\n");
    else if (order->feed || order->body.len || order->method[0] == 'P')
        bytes_printf(head, "Content-Length: %llu\r\n", (unsigned long long)len);
}

bool request_write(struct bytes *head, const struct target *target,
                   const struct transfer_order *order, struct view headers)
{
    struct view authorization = order->authorization.hidden;

    if (!is_value(authorization) || !is_value(order->type))
        return false;
    /* In one piece: what grows leaves a copy behind, and the key must not be in one. */
    bytes_room(head, target->lines.len + authorization.len + order->type.len + headers.len +
                         order->lines.len + ROOM_BESIDES);
    bytes_text(head, order->method);
    bytes_append(head, bytes_view(&target->lines));
    write_authorization(head, authorization);
    bytes_append(head, headers);
    bytes_append(head, order->lines);
    write_body_lines(head, order);
    bytes_text(head, "\r\n");
    return true;
}
