/* SPDX-License-Identifier: Apache-2.0 */
/* Handles. What must stay true: what is the same for all requests is set once, since a handle
 * serves thousands; there is no way to a provider without its certificate being checked; and the
 * key's header goes to the provider alone. */
#include "transfer/handle.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEEPALIVE_S = 20, /* an idle connection is asked whether it lives, and then each so many */
    KEEPALIVE_STEP_S = 5,
    EXPECT_LEAST = 1024 * 1024, /* libcurl asks first (100-continue) above this */
};

/* The system's certificates, unless a bundle is named; there is no way to do without. */
static void set_tls(CURL *easy, const struct transfer_settings *settings)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* Debian's libcurl knows a folder of certificates besides their bundle. With a folder it reads
     * the bundle anew for each connection (25 ms of CPU), without it once a day. */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    if (!settings->ca_bundle || !*settings->ca_bundle)
        return;
    curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_bundle);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, settings->ca_bundle);
}

static void set_connection(CURL *easy, const struct transfer_settings *settings)
{
    long version = settings->is_http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a look-up under way is left behind */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long)settings->is_http2);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)HANDLE_READ_LEN);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)(settings->idle_ms / 1000));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_STEP_S);
    set_tls(easy, settings);
    /* What is for the provider, its key above all, is not for a proxy that makes a tunnel. */
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

void handle_init(struct handle *handle, const struct transfer_settings *settings,
                 struct curl_slist *shared)
{
    handle->easy = curl_easy_init();
    handle->url = curl_url();
    handle->shared = shared;
    if (!handle->easy || !handle->url)
        abort();
    set_connection(handle->easy, settings);
    curl_easy_setopt(handle->easy, CURLOPT_USERAGENT, TRANSFER_AGENT);
    curl_easy_setopt(handle->easy, CURLOPT_CURLU, handle->url);
    curl_easy_setopt(handle->easy, CURLOPT_ERRORBUFFER, handle->said);
    curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, handle->headers);
}

static void wipe(struct bytes *secret)
{
    if (secret->at)
        explicit_bzero(secret->at, secret->size);
    bytes_clear(secret);
}

void handle_clear(struct handle *handle)
{
    curl_easy_cleanup(handle->easy);
    curl_url_cleanup(handle->url);
    bytes_clear(&handle->url_text);
    bytes_clear(&handle->type_line);
    bytes_clear(&handle->lines);
    wipe(&handle->key_line);
    wipe(&handle->proxy);
}

void handle_forget(struct handle *handle)
{
    if (handle->key_line.at)
        explicit_bzero(handle->key_line.at, handle->key_line.size);
    handle->key_line.len = 0;
}

static const char *type_line(struct handle *handle, struct view type)
{
    handle->type_line.len = 0;
    bytes_text(&handle->type_line, "Content-Type: ");
    bytes_append(&handle->type_line, type);
    return bytes_cstr(&handle->type_line);
}

enum { KEY_LINES_MOST = HANDLE_HEADERS - HANDLE_LINES - 3 };

/* The lines of the key, mostly one; the others are for a host that is not the provider. */
static size_t split_key(struct handle *handle, const char **lines)
{
    size_t count = 0;
    char *line = handle->key_line.len ? (char *)(uintptr_t)bytes_cstr(&handle->key_line) : NULL;

    while (line && count < KEY_LINES_MOST) {
        char *end = strchr(line, '\n');

        lines[count++] = line;
        if (end)
            *end = '\0';
        line = end ? end + 1 : NULL;
    }
    return count;
}

/* The order's own lines, behind `count` others. Returns how many there are then. */
static size_t split_lines(struct handle *handle, struct view text,
                          const char *lines[HANDLE_HEADERS], size_t count)
{
    bytes_copy(&handle->lines, text);
    for (char *at = handle->lines.at, *end; text.len && count < HANDLE_HEADERS; at = end + 2) {
        size_t rest = handle->lines.len - (size_t)(at - handle->lines.at);

        end = rest > 1 ? memmem(at, rest, "\r\n", 2) : NULL;
        if (!end)
            break;
        *end = '\0';
        lines[count++] = at;
    }
    return count;
}

/* The list stays ours: libcurl only reads it, and looks through it many times, so it is short. */
static void set_headers(struct handle *handle, const struct transfer_order *order)
{
    const char *lines[HANDLE_HEADERS] = {"Accept-Encoding: identity"};
    struct view key_line = order->authorization.hidden;
    size_t count = 1;

    handle_forget(handle);
    /* In one piece: what grows leaves a copy behind. */
    bytes_room(&handle->key_line, key_line.len + 1);
    bytes_append(&handle->key_line, key_line);
    count += split_key(handle, lines + count);
    if (order->body.len || order->feed)
        lines[count++] = type_line(handle, order->type);
    else if (order->method[0] == 'P')
        lines[count++] = "Content-Type:"; /* libcurl takes what is nothing for a form */
    if (order->body.len >= EXPECT_LEAST || order->feed)
        lines[count++] = "Expect:";
    count = split_lines(handle, order->lines, lines, count);
    for (size_t i = 0; i < count; i++) {
        handle->headers[i].data = (char *)(uintptr_t)lines[i];
        handle->headers[i].next = i + 1 < count ? &handle->headers[i + 1] : handle->shared;
    }
}

void handle_set_url(struct handle *handle, const char *url)
{
    handle->said[0] = '\0';
    if (handle->url_text.len && view_equal(bytes_view(&handle->url_text), view_of(url)))
        return;
    bytes_copy(&handle->url_text, view_of(url));
    curl_url_set(handle->url, CURLUPART_URL, NULL, 0); /* or half a URL is completed by the last */
    if (curl_url_set(handle->url, CURLUPART_URL, url, 0) != CURLUE_OK) {
        /* To be told as a fault of this transfer: a name that nobody has. */
        handle->url_text.len = 0;
        curl_url_set(handle->url, CURLUPART_URL, "http://url.invalid/", 0);
    }
}

/* Names are looked up by the proxy, as other programs have it that know socks5:// alone: what is
 * behind it need not be known here. */
static void write_proxy(struct bytes *text, struct view proxy)
{
    if (view_starts(proxy, VIEW("socks5:"))) {
        bytes_text(text, "socks5h:");
        proxy = view_skip(proxy, strlen("socks5:"));
    }
    bytes_append(text, proxy);
}

static void set_proxy(struct handle *handle, struct view proxy)
{
    struct bytes text = {0};

    if (view_equal(proxy, bytes_view(&handle->proxy)))
        return;
    bytes_copy(&handle->proxy, proxy);
    write_proxy(&text, proxy);
    curl_easy_setopt(handle->easy, CURLOPT_PROXY, bytes_cstr(&text));
    curl_easy_setopt(handle->easy, CURLOPT_NOPROXY, proxy.len ? "" : "*");
    wipe(&text);
}

void handle_set(struct handle *handle, const struct transfer_order *order)
{
    CURL *easy = handle->easy;

    handle_set_url(handle, order->url);
    if (order->feed) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)order->feed_length - 1);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    } else if (order->body.len || order->method[0] == 'P') {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)order->body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, order->body.len ? order->body.at : "");
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, order->method);
    if (strcmp(order->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L); /* HTTPGET and POST take it back */
    set_headers(handle, order);
    set_proxy(handle, order->proxy.hidden);
}

uint64_t handle_connect_us(const struct handle *handle)
{
    curl_off_t connected = 0, secured = 0;

    curl_easy_getinfo(handle->easy, CURLINFO_CONNECT_TIME_T, &connected);
    curl_easy_getinfo(handle->easy, CURLINFO_APPCONNECT_TIME_T, &secured);
    return (uint64_t)(secured > connected ? secured : connected);
}
