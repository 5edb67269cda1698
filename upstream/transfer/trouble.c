/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong on the way to the provider. What must stay true: the words go to clients, so the
 * proxy is never named in them, and nothing of a URL but the provider's host and port is. */
#include "transfer/trouble.h"

#include <string.h>

struct trouble {
    CURL *easy;
    CURLcode code;
    const char *said;
    char *host, *port; /* the provider's */
    bool is_tls_proxy;
    struct bytes *why;
};

static const char *reason(const struct trouble *t)
{
    long number = 0;

    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
    return number ? strerror((int)number) : "no answer";
}

static long connect_status(const struct trouble *t)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status;
}

static bool has_come(const struct trouble *t, CURLINFO info)
{
    curl_off_t at_us = 0;

    curl_easy_getinfo(t->easy, info, &at_us);
    return at_us > 0;
}

/* What libcurl says behind its own announcement: "SSL certificate problem: certificate has
 * expired".
 */
static const char *tls_words(const struct trouble *t)
{
    static const char *const heads[] = {
        "SSL certificate problem: ", "SSL: ", "TLS connect error: "};

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        if (strncmp(t->said, heads[i], strlen(heads[i])) == 0)
            return t->said + strlen(heads[i]);
    return t->said;
}

/* Another protocol at the port is what this most often is, and OpenSSL's words do not say so. */
static const char *handshake_words(const struct trouble *t)
{
    if (strstr(t->said, "wrong version number") || strstr(t->said, "packet length too long"))
        return "what answers there speaks no TLS (http:// in place of https://?)";
    if (strstr(t->said, "protocol version") || strstr(t->said, "unsupported protocol"))
        return "it offers no TLS 1.2 or newer";
    return tls_words(t);
}

/* Straight */

static enum transfer_end name_unknown(const struct trouble *t)
{
    bytes_printf(t->why, "The name %s has no address", t->host);
    return TRANSFER_NO_NAME;
}

static enum transfer_end not_connected(const struct trouble *t)
{
    bytes_printf(t->why, "No connection to %s:%s: %s", t->host, t->port, reason(t));
    return TRANSFER_NO_CONNECTION;
}

static enum transfer_end not_in_time(const struct trouble *t)
{
    if (!has_come(t, CURLINFO_NAMELOOKUP_TIME_T)) {
        bytes_printf(t->why, "The name %s was not looked up in time: no name server answers",
                     t->host);
        return TRANSFER_NO_NAME;
    }
    if (has_come(t, CURLINFO_CONNECT_TIME_T)) {
        bytes_printf(t->why, "No TLS handshake with %s:%s in time", t->host, t->port);
        return TRANSFER_NO_TLS;
    }
    bytes_printf(t->why, "No connection to %s:%s in time", t->host, t->port);
    return TRANSFER_NO_CONNECTION;
}

static enum transfer_end not_trusted(const struct trouble *t)
{
    bytes_printf(t->why, "The certificate of %s:%s is not accepted: %s", t->host, t->port,
                 tls_words(t));
    return TRANSFER_UNTRUSTED;
}

static enum transfer_end no_tls(const struct trouble *t)
{
    bytes_printf(t->why, "No TLS handshake with %s:%s: %s", t->host, t->port, handshake_words(t));
    return TRANSFER_NO_TLS;
}

static enum transfer_end no_authorities(const struct trouble *t)
{
    bytes_printf(t->why, "The certificate of %s:%s cannot be checked: CA_BUNDLE cannot be read",
                 t->host, t->port);
    return TRANSFER_UNTRUSTED;
}

static enum transfer_end something_else(const struct trouble *t)
{
    bytes_printf(t->why, "No connection to %s:%s: %s", t->host, t->port,
                 curl_easy_strerror(t->code));
    return TRANSFER_NO_CONNECTION;
}

static const struct {
    CURLcode code;
    enum transfer_end (*tell)(const struct trouble *t);
} straight[] = {
    {CURLE_COULDNT_RESOLVE_HOST, name_unknown},
    {CURLE_COULDNT_CONNECT, not_connected},
    {CURLE_OPERATION_TIMEDOUT, not_in_time},
    {CURLE_PEER_FAILED_VERIFICATION, not_trusted},
    {CURLE_SSL_INVALIDCERTSTATUS, not_trusted},
    {CURLE_SSL_ISSUER_ERROR, not_trusted},
    {CURLE_SSL_CACERT_BADFILE, no_authorities},
    {CURLE_SSL_CONNECT_ERROR, no_tls},
    {CURLE_SSL_CIPHER, no_tls},
};

static enum transfer_end tell_straight(const struct trouble *t)
{
    for (size_t i = 0; i < sizeof(straight) / sizeof(straight[0]); i++)
        if (straight[i].code == t->code)
            return straight[i].tell(t);
    return something_else(t);
}

/* By a proxy */

static const char password_words[] = "it wants a user name and password, or others than it got";

static bool is_tls(CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
           code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CIPHER;
}

static const char *socks_words(const struct trouble *t)
{
    long number = CURLPX_OK;

    curl_easy_getinfo(t->easy, CURLINFO_PROXY_ERROR, &number);
    switch (number) {
    case CURLPX_NO_AUTH:
    case CURLPX_USER_REJECTED:
    case CURLPX_UNKNOWN_MODE:
        return password_words;
    case CURLPX_REPLY_NOT_ALLOWED:
        return "it does not let us through";
    case CURLPX_REPLY_HOST_UNREACHABLE:
    case CURLPX_REPLY_NETWORK_UNREACHABLE:
    case CURLPX_REPLY_CONNECTION_REFUSED:
    case CURLPX_REPLY_TTL_EXPIRED:
    case CURLPX_REPLY_GENERAL_SERVER_FAILURE:
        return "it cannot reach the provider";
    default:
        return "it speaks no SOCKS5";
    }
}

static const char *proxy_words(const struct trouble *t)
{
    long status = connect_status(t);

    if (status == 407 || status == 401)
        return password_words;
    if (status == 403 || status == 405)
        return "it does not let us through";
    if (status >= 300)
        return "it cannot reach the provider";
    if (t->code == CURLE_PROXY)
        return socks_words(t);
    if (t->code == CURLE_COULDNT_RESOLVE_PROXY || t->code == CURLE_COULDNT_RESOLVE_HOST)
        return "its name has no address";
    if (t->code == CURLE_COULDNT_CONNECT)
        return reason(t);
    if (t->code == CURLE_OPERATION_TIMEDOUT)
        return "no connection in time";
    return is_tls(t->code) ? handshake_words(t) : curl_easy_strerror(t->code);
}

/* Behind a tunnel the provider speaks for itself. */
static bool concerns_provider(const struct trouble *t)
{
    bool is_through = connect_status(t) == 200; /* the proxy has done its part */

    if (t->code == CURLE_OPERATION_TIMEDOUT)
        return is_through;
    return is_tls(t->code) && (is_through || !t->is_tls_proxy);
}

static enum transfer_end tell_proxy(const struct trouble *t, const char *words)
{
    bytes_printf(t->why, "The proxy on the way to %s:%s failed: %s", t->host, t->port, words);
    return TRANSFER_NO_PROXY;
}

static void open_trouble(struct trouble *t, CURLU *url)
{
    curl_url_get(url, CURLUPART_HOST, &t->host, 0);
    curl_url_get(url, CURLUPART_PORT, &t->port, CURLU_DEFAULT_PORT);
}

static void close_trouble(struct trouble *t)
{
    curl_free(t->host);
    curl_free(t->port);
}

enum transfer_end trouble_password(CURLU *url, struct bytes *why)
{
    struct trouble t = {.why = why};
    enum transfer_end end;

    open_trouble(&t, url);
    end = tell_proxy(&t, password_words);
    close_trouble(&t);
    return end;
}

enum transfer_end trouble_read(CURL *easy, CURLU *url, struct view proxy, CURLcode code,
                               const char *said, struct bytes *why)
{
    struct trouble t = {.easy = easy, .code = code, .said = said, .why = why};
    enum transfer_end end;

    t.is_tls_proxy = view_starts(proxy, VIEW("https:"));
    open_trouble(&t, url);
    end = proxy.len && !concerns_provider(&t) ? tell_proxy(&t, proxy_words(&t)) : tell_straight(&t);
    close_trouble(&t);
    return end;
}
