/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the provider. libcurl makes them (names, TLS, time limits); what goes over them is
 * the business of who took them. Called by the direct transfers. */
#pragma once

#include <curl/curl.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "transfer/sockets.h"
#include "transfer/streams.h"
#include "transfer/tls.h"
#include "transfer/transfer.h"

enum {
    CONNECTION_AGAIN = TLS_AGAIN,   /* nothing now: wait until it is ready */
    CONNECTION_BROKEN = TLS_BROKEN, /* connection_why says why */
};

struct opener; /* libcurl's side of one */

struct connection {
    struct connections *all;
    struct opener *opener; /* while it is made, and with TLS until it ends */
    int fd;                /* -1: it is being made */
    struct loop *loop;     /* in which it is watched */
    bool is_tls;
    bool is_idle;
    bool is_watched;
    struct tls tls; /* if it is TLS */
    int error;      /* an errno, without TLS */
    uint64_t idle_since_ms;
    struct bytes origin;
    void *user;
    struct connection *prev, *next; /* idle ones, the newest first */
};

/* What is told of a connection to its user, from inside the loop. */
struct connection_events {
    void (*found)(void *user); /* its name has an address */
    void (*opened)(void *user);
    /* It is gone. `why`: words for a client. */
    void (*failed)(void *user, enum transfer_end end, const char *why);
    void (*ready)(void *user, unsigned events); /* LOOP_… */
};

struct connections {
    struct loop *loop;
    const struct transfer_settings *settings;
    const struct connection_events *events;
    CURLM *multi; /* in which all openers are */
    struct sockets sockets;
    size_t count; /* open ones, and those that are being made */
    struct connection *idle;
    struct opener *pool;
    size_t pool_count;
    struct streams streams;
    uint64_t due_ms;            /* libcurl's */
    void (*wake)(void *owner);  /* connections_due_ms has changed */
    void (*after)(void *owner); /* events were told */
    void *owner;
};

/* The struct is zeroed but for `loop`, `settings`, `events`, `wake`, `after` and `owner`. */
void connections_open(struct connections *connections);
void connections_close(struct connections *connections);

/* When connections_turn must be called. */
uint64_t connections_due_ms(const struct connections *connections);
void connections_turn(struct connections *connections, uint64_t now_ms);

bool connections_has_idle(const struct connections *connections, struct view origin);

/* Closes the one that has idled longest; false: none idles. */
bool connections_close_oldest(struct connections *connections);
void connections_close_idle(struct connections *connections);

/* The newest idle one to `origin` (scheme://host:port) that is still open, or NULL. */
struct connection *connection_take(struct connections *connections, struct view origin, void *user);

/* Begins to make one; `opened` or `failed` will follow. */
struct connection *connection_open(struct connections *connections, struct view origin, bool is_tls,
                                   void *user);

/* Sends from the front of `head`, then of `body`, and takes off there what has left. With TLS what
 * has not left must come again unchanged and unmoved. 0, AGAIN or BROKEN. */
int connection_send(struct connection *connection, struct view *head, struct view *body);

/* How many bytes, 0 at the end; AGAIN or BROKEN. */
ssize_t connection_receive(struct connection *connection, char *at, size_t size);

/* Whether more is there that the loop will not tell of. */
bool connection_holds(const struct connection *connection);

const char *connection_why(const struct connection *connection);

/* Which events `ready` is called for; 0: none. */
void connection_watch(struct connection *connection, unsigned events);

/* From now on events of a stream come over it: nothing is lost if many of them wait for a moment.
 */
void connection_streams(struct connection *connection);

/* Nobody uses it: for the next one. */
void connection_keep(struct connection *connection);

/* Closes it, also while it is made. */
void connection_close(struct connection *connection);
