/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's sockets on our epoll loop: which are watched, for what, and how many belong to
 * connections. Called by the transfers. */
#pragma once

#include <curl/curl.h>

#include "loop.h"

struct sockets {
    struct loop *loop;
    struct watch *watches; /* by descriptor */
    size_t watch_count;
    size_t connections; /* open ones */
    /* A socket is ready; `action` is for curl_multi_socket_action. */
    void (*on_ready)(void *owner, int fd, int action);
    void *owner;
};

/* `what` is libcurl's CURL_POLL_…. */
void sockets_want(struct sockets *sockets, int fd, int what);

/* For libcurl's connections: socket and close. */
int sockets_open(struct sockets *sockets, const struct curl_sockaddr *address);
int sockets_close(struct sockets *sockets, int fd);

void sockets_clear(struct sockets *sockets);
