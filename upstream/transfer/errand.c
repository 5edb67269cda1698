/* SPDX-License-Identifier: Apache-2.0 */
/* One transfer to a host that is not the provider's: its socket, head, body, redirects and end. Called by outside.c. What must stay
 * true: what stands at the top of outside.c, 1 to 3. */
#include "transfer/outside_private.h"

#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/guard.h"
#include "transfer/lines.h"

enum {
    HOPS_MOST = 5,          /* redirects */
    HEAD_MOST = 64 * 1024,  /* bytes of all heads */
    ASIDE_MOST = 64 * 1024, /* of a body that nobody wants */
};

static const char *judge(const struct errand *errand, const struct curl_sockaddr *address)
{
    char *host = NULL;
    const char *refusal;
    struct view name;

    curl_url_get(errand->handle.url, CURLUPART_HOST, &host, 0);
    name = view_of(host);
    if (name.len > 2 && name.at[0] == '[')
        name = (struct view){name.at + 1, name.len - 2};
    refusal = guard_refuses(&errand->outside->engine->settings.guard, name, &address->addr);
    curl_free(host);
    return refusal;
}

/* Refused addresses are passed over: a name may have several. */
static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct errand *errand = data;
    const char *refusal = NULL;
    int fd;

    (void)purpose;
    if (errand->is_guarded)
        refusal = judge(errand, address);
    if (refusal) {
        errand->unreached = refusal;
        return CURL_SOCKET_BAD;
    }
    fd = sockets_open(&errand->outside->sockets, address);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* What libcurl tells */

static bool is_redirect(const struct errand *errand)
{
    return errand->status >= 300 && errand->status <= 399;
}

static struct view line_of(const struct errand *errand, const char *name)
{
    struct curl_header *header = NULL;

    if (curl_easy_header(errand->handle.easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return VIEW("");
    return view_of(header->value);
}

/* What speaks against an answer of a server that a client has named, before any of its body. */
static const char *look_at_head(const struct errand *errand, curl_off_t length)
{
    struct view coding = line_of(errand, "content-encoding");

    if (errand->status != STATUS_OK)
        return "status";
    if (coding.len && !view_equal(coding, VIEW("identity")))
        return "the answer is compressed, though that was not asked for";
    if (length > 0 && (uint64_t)length > errand->outside->engine->settings.outside_limit)
        return "too large";
    return NULL;
}

static void gather_lines(struct errand *errand)
{
    struct curl_header *header = NULL;

    errand->lines.len = 0;
    while ((header = curl_easy_nextheader(errand->handle.easy, CURLH_HEADER, -1, header)) != NULL)
        if (lines_want(errand->wanted, view_of(header->name)))
            lines_add(&errand->lines, view_of(header->name), view_of(header->value));
}

/* Where it says so, in any of its lines, it is another one each time, or nobody else's business. */
static bool may_be_kept(const struct errand *errand)
{
    static const char *const words[] = {"no-store", "no-cache", "private", "max-age=0"};
    struct curl_header *line = NULL;

    for (size_t at = 0; curl_easy_header(errand->handle.easy, "cache-control", at, CURLH_HEADER, -1,
                                         &line) == CURLHE_OK;
         at++)
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            if (strcasestr(line->value, words[i]))
                return false;
    return true;
}

static void keep_nothing(struct errand *errand)
{
    if (errand->gathered)
        cache_drop(&errand->outside->cache, errand->gathered);
    errand->gathered = NULL;
}

static void keep_head(struct errand *errand, struct view type)
{
    if (!errand->gathered)
        return;
    if (!may_be_kept(errand)) {
        keep_nothing(errand);
        return;
    }
    bytes_copy(&errand->gathered->type, type);
    bytes_copy(&errand->gathered->lines, bytes_view(&errand->lines));
}

static void keep_bytes(struct errand *errand, struct view bytes)
{
    if (errand->gathered && !cache_gather(&errand->outside->cache, errand->gathered, bytes))
        errand->gathered = NULL;
}

/* The head of the last hop, told once; false: the answer is none that is wanted. */
bool errand_give_head(struct errand *errand)
{
    curl_off_t length = -1;
    char *type = NULL;

    if (errand->hop_head_len)
        curl_easy_getinfo(errand->handle.easy, CURLINFO_RESPONSE_CODE, &errand->status);
    if (!errand->status)
        return false; /* it broke before */
    if (errand->is_guarded && is_redirect(errand))
        return false;
    curl_easy_getinfo(errand->handle.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (errand->is_guarded)
        errand->refusal = look_at_head(errand, length);
    if (errand->refusal)
        return false;
    curl_easy_getinfo(errand->handle.easy, CURLINFO_CONTENT_TYPE, &type);
    gather_lines(errand);
    errand->has_head = true;
    keep_head(errand, view_of(type));
    errand->base.events->head(errand->base.owner, (unsigned)errand->status, view_of(type),
                              (uint64_t)(length + 1), bytes_view(&errand->lines));
    return true;
}

static size_t on_line(char *at, size_t size, size_t count, void *data)
{
    struct errand *errand = data;

    (void)at;
    errand->head_len += size * count;
    errand->hop_head_len += size * count;
    if (errand->head_len <= HEAD_MOST)
        return size * count;
    errand->refusal = "the head of the answer is too large";
    return 0;
}

/* The body of a redirect is read, a little of it. */
static size_t pass_over(struct errand *errand, size_t len)
{
    errand->aside += len;
    return errand->refusal || errand->aside > ASIDE_MOST ? 0 : len;
}

static size_t on_write(char *at, size_t size, size_t count, void *data)
{
    struct errand *errand = data;
    struct view bytes = {at, size * count};

    if (!errand->has_head && !errand_give_head(errand))
        return pass_over(errand, bytes.len);
    if (errand->is_guarded &&
        errand->taken + bytes.len > errand->outside->engine->settings.outside_limit) {
        errand->refusal = "too large";
        return 0;
    }
    switch (errand->base.events->bytes(errand->base.owner, bytes)) {
    case TRANSFER_TAKEN:
        errand->taken += bytes.len;
        keep_bytes(errand, bytes);
        return bytes.len;
    case TRANSFER_LATER:
        errand->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    case TRANSFER_STOP:
        errand->is_stopped = true;
        return 0;
    }
    return 0;
}

/* Ends */

static const char *words_of(const struct errand *errand, CURLcode code)
{
    static const struct {
        CURLcode code;
        const char *words;
    } known[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "its name has no address"},
        {CURLE_COULDNT_CONNECT, "no connection"},
        {CURLE_OPERATION_TIMEDOUT, "timeout"},
        {CURLE_PEER_FAILED_VERIFICATION, "its certificate is not accepted"},
        {CURLE_SSL_CACERT_BADFILE, "its certificate cannot be checked"},
        {CURLE_SSL_CONNECT_ERROR, "no TLS handshake"},
        {CURLE_URL_MALFORMAT, "it is no http or https address"},
        {CURLE_PARTIAL_FILE, "the connection broke"},
        {CURLE_RECV_ERROR, "the connection broke"},
        {CURLE_SEND_ERROR, "the connection broke"},
        {CURLE_GOT_NOTHING, "the connection broke"},
    };

    if (errand->refusal)
        return errand->refusal;
    if (errand->unreached && !errand->status)
        return errand->unreached;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].code == code)
            return known[i].words;
    return "what answers there speaks no HTTP";
}

/* How it ended; the words are for a client where it has named the address. */
enum transfer_end errand_end(struct errand *errand, CURLcode code)
{
    struct bytes *why = &errand->why;

    why->len = 0;
    if (errand->is_stopped)
        return TRANSFER_STOPPED;
    if (code == CURLE_OK && !errand->refusal)
        return TRANSFER_CLEAN;
    if (errand->refusal && strcmp(errand->refusal, "status") == 0)
        bytes_printf(why, "the server answered with status %ld", errand->status);
    else
        bytes_text(why, words_of(errand, code));
    return TRANSFER_OUTSIDE;
}

/* Redirects */

static bool is_secure(const struct errand *errand)
{
    struct view url = bytes_view(&errand->handle.url_text);

    return url.len >= 6 && strncasecmp(url.at, "https:", 6) == 0;
}

/* What speaks against going where the answer points; NULL: its address is in `next`. */
static const char *look_at_redirect(const struct errand *errand, struct bytes *next)
{
    char *there = NULL;

    curl_easy_getinfo(errand->handle.easy, CURLINFO_REDIRECT_URL, &there);
    if (!there)
        return "status";
    if (errand->hops >= HOPS_MOST)
        return "too many redirects";
    if (guard_url_write(view_of(there), next))
        return "it redirects to what is no http or https address";
    if (is_secure(errand) && (next->len < 6 || strncasecmp(next->at, "https:", 6) != 0))
        return "it redirects from https to http";
    return NULL;
}

static void set_time(struct errand *errand)
{
    uint64_t now_ms = clock_ms();
    uint64_t left_ms = errand->by_ms > now_ms ? errand->by_ms - now_ms : 1;

    curl_easy_setopt(errand->handle.easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
}

void errand_add(struct errand *errand)
{
    set_time(errand);
    errand->status = 0;
    errand->aside = errand->hop_head_len = 0;
    errand->unreached = NULL;
    if (curl_multi_add_handle(errand->outside->curl, errand->handle.easy) != CURLM_OK)
        abort(); /* a handle of ours, and it is in no other multi */
}

/* Goes where the answer points. False: it does not, and the errand has ended. */
bool errand_follow(struct errand *errand)
{
    struct bytes next = {0};

    if (!errand->is_guarded || errand->has_head || errand->refusal || errand->is_stopped ||
        !is_redirect(errand))
        return false;
    errand->refusal = look_at_redirect(errand, &next);
    if (!errand->refusal) {
        curl_multi_remove_handle(errand->outside->curl, errand->handle.easy);
        errand->hops++;
        handle_set_url(&errand->handle, bytes_cstr(&next));
        errand_add(errand);
    }
    bytes_clear(&next);
    return !errand->refusal;
}

/* Making */

static void set_options(struct errand *errand)
{
    CURL *easy = errand->handle.easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, errand);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, errand);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, errand);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, errand);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    sockets_close_for(&errand->outside->sockets, easy);
}

/* Whether others who ask for the same may have what comes. */
static bool is_shared(const struct outside *outside, const struct transfer_order *order)
{
    return order->way == TRANSFER_GUARDED && strcmp(order->method, "GET") == 0 &&
           !order->body.len && !order->lines.len && outside->engine->settings.cache_bytes &&
           outside->engine->settings.cache_ms;
}

struct errand *errand_make(struct outside *outside, const struct transfer_order *order)
{
    struct errand *errand = memory_new(sizeof(*errand));
    bool is_guarded = order->way == TRANSFER_GUARDED;

    errand->outside = outside;
    errand->is_guarded = is_guarded;
    errand->body_len = order->body.len;
    errand->wanted = order->wanted;
    errand->client = order->client;
    errand->url = is_shared(outside, order) ? memory_text(view_of(order->url)) : NULL;
    handle_init(&errand->handle, &outside->engine->settings, NULL);
    set_options(errand);
    handle_set(&errand->handle, order);
    return errand;
}

void errand_free(struct errand *errand)
{
    keep_nothing(errand);
    handle_clear(&errand->handle);
    bytes_clear(&errand->lines);
    bytes_clear(&errand->why);
    free(errand->url);
    free(errand);
}
