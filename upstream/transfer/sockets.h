/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's sockets on our epoll loop: which are watched, for what, and how many belong to
 * connections. Called by the transfers. */
#pragma once

#include <curl/curl.h>

#include "base/loop.h"

struct sockets {
    struct loop *loop;
    struct watch *watches; /* by descriptor */
    size_t watch_count;
    size_t connections; /* open ones */
    /* A socket is ready; `action` is for curl_multi_socket_action. */
    void (*on_ready)(void *owner, int fd, int action);
    void *owner;
};

/* Watches what this multi wants watched. The struct must not move any more. */
void sockets_serve(struct sockets *sockets, CURLM *multi);

/* Closes the connections of this handle; who sets its OPENSOCKETFUNCTION opens them by
 * sockets_open, which is socket(2). */
void sockets_close_for(struct sockets *sockets, CURL *easy);
int sockets_open(struct sockets *sockets, const struct curl_sockaddr *address);

void sockets_clear(struct sockets *sockets);
