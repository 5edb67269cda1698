/* SPDX-License-Identifier: Apache-2.0 */
/* What goes over a TLS connection that libcurl has made: OpenSSL's session of it, on the socket
 * itself. Called by the connections. */
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include "base/view.h"

enum {
    TLS_AGAIN = -1,  /* nothing now: wait until the socket is ready */
    TLS_BROKEN = -2, /* `why` says why */
};

struct tls {
    SSL *session; /* libcurl's; NULL: there is none */
    const char *why;
};

/* To be called when libcurl reads and writes there no more. `session` stays libcurl's, which closes
 * it with its handle. */
void tls_take(struct tls *tls, SSL *session, int fd);

/* Sends from the front of `text`, and takes off there what has left; what has not must come again
 * unchanged and unmoved. 0, AGAIN or BROKEN. */
int tls_send(struct tls *tls, struct view *text);

/* How many bytes, 0 when the peer has said that it ends; AGAIN or BROKEN. */
ssize_t tls_receive(struct tls *tls, char *at, size_t size);

/* Whether bytes were taken out of the socket and not given yet. */
bool tls_holds(const struct tls *tls);
