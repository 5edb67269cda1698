/* SPDX-License-Identifier: Apache-2.0 */
/* Openers. What must stay true: libcurl connects with them and does nothing else, and closes no
 * connection that we have not given back.
 *
 * libcurl looks through a cache, each second in which it opens another connection, for those that
 * seem dead: a newer one takes unread bytes for a sign of that. So each opener with TLS has a cache
 * of its own, that of a share. */
#include "transfer/opener.h"

#include <stdlib.h>
#include <utlist.h>

enum {
    POOL_MOST = 16, /* openers kept, without a connection */
    NEVER_S = 10 * 365 * 24 * 3600,
};

static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct opener *opener = data;
    struct connections *connections = opener->connection->all;
    int fd;

    (void)purpose;
    connections->events->found(opener->connection->user);
    fd = sockets_open(&connections->sockets, address);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* The connection is made, and libcurl at it: it tells of the session now, and not later. */
static int on_made(void *data, char *there, char *here, int there_port, int here_port)
{
    struct opener *opener = data;
    struct curl_tlssessioninfo *info = NULL;

    (void)there, (void)here, (void)there_port, (void)here_port;
    curl_easy_getinfo(opener->handle.easy, CURLINFO_TLS_SSL_PTR, &info);
    if (info && info->backend == CURLSSLBACKEND_OPENSSL)
        opener->session = info->internals;
    return CURL_PREREQFUNC_OK;
}

static struct opener *opener_new(struct connections *connections)
{
    struct opener *opener = memory_new(sizeof(*opener));
    CURL *easy;

    handle_init(&opener->handle, connections->settings, NULL);
    easy = opener->handle.easy;
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)NEVER_S); /* we count ourselves */
    curl_easy_setopt(easy, CURLOPT_PRIVATE, opener);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_made);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, opener);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, opener);
    sockets_close_for(&connections->sockets, easy);
    return opener;
}

static void opener_free(struct opener *opener)
{
    handle_clear(&opener->handle);
    if (opener->share)
        curl_share_cleanup(opener->share);
    free(opener);
}

static void set_share(struct opener *opener)
{
    if (opener->share)
        return;
    opener->share = curl_share_init();
    if (!opener->share ||
        curl_share_setopt(opener->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK)
        abort();
    curl_easy_setopt(opener->handle.easy, CURLOPT_SHARE, opener->share);
}

struct opener *opener_take(struct connections *connections, bool is_tls)
{
    struct opener *opener = connections->pool;

    if (opener) {
        LL_DELETE(connections->pool, opener);
        connections->pool_count--;
    } else {
        opener = opener_new(connections);
    }
    if (is_tls)
        set_share(opener);
    return opener;
}

void opener_give(struct connections *connections, struct opener *opener)
{
    curl_multi_remove_handle(connections->multi, opener->handle.easy);
    opener->connection = NULL;
    opener->session = NULL;
    if (connections->pool_count >= POOL_MOST) {
        opener_free(opener);
        return;
    }
    LL_PREPEND(connections->pool, opener);
    connections->pool_count++;
}

void openers_clear(struct connections *connections)
{
    while (connections->pool) {
        struct opener *opener = connections->pool;

        LL_DELETE(connections->pool, opener);
        opener_free(opener);
    }
}
