/* SPDX-License-Identifier: Apache-2.0 */
/* TLS without libcurl between. What must stay true: an end that the peer has not announced is no
 * end but a broken connection, for whoever sits between could cut an answer that lasts until then.
 *
 * libcurl's own way there searches the connection in a cache, and reads the head of a record and
 * its rest in two steps. So its session gets the socket, and reads ahead. Writing may raise
 * SIGPIPE, which every process of ours ignores. */
#include "transfer/tls.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

void tls_take(struct tls *tls, SSL *session, int fd)
{
    BIO *socket = BIO_new_socket(fd, BIO_NOCLOSE);

    if (!socket)
        abort();
    SSL_set_bio(session, socket, socket); /* frees libcurl's */
    SSL_set_read_ahead(session, 1);
    SSL_set_mode(session, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
    *tls = (struct tls){.session = session, .why = "the TLS connection broke"};
}

static const char *reason_of(unsigned long code)
{
    const char *words;

    if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return strerror(ECONNRESET);
    words = ERR_reason_error_string(code);
    return words ? words : "the TLS connection broke";
}

/* After a call that gave nothing; 0 if that is the peer's end. */
static int fault(struct tls *tls, int result)
{
    int number = errno;

    switch (SSL_get_error(tls->session, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        tls->why = strerror(number ? number : ECONNRESET);
        return TLS_BROKEN;
    default:
        tls->why = reason_of(ERR_peek_error());
        return TLS_BROKEN;
    }
}

int tls_send(struct tls *tls, struct view *text)
{
    while (text->len) {
        size_t sent = 0;
        int result;

        ERR_clear_error();
        errno = 0;
        result = SSL_write_ex(tls->session, text->at, text->len, &sent);
        if (result <= 0) {
            int how = fault(tls, result);

            return how ? how : TLS_BROKEN;
        }
        *text = view_skip(*text, sent);
    }
    return 0;
}

ssize_t tls_receive(struct tls *tls, char *at, size_t size)
{
    size_t len = 0;
    int result;

    ERR_clear_error();
    errno = 0;
    result = SSL_read_ex(tls->session, at, size, &len);
    return result > 0 ? (ssize_t)len : fault(tls, result);
}

bool tls_holds(const struct tls *tls)
{
    return SSL_has_pending(tls->session);
}
