/* SPDX-License-Identifier: Apache-2.0 */
/* What the processes that serve HTTP share: h2o's loop with the actor hooked into it, listening,
 * replies, and the traps of h2o 2.2.5 (clients that hang up, that never read, that are still
 * sending). HTTP/1.1 only.
 *
 * What must stay true: h2o_send is called in callbacks of the loop only (sockets, timeouts).
 * Letters are handled between two rounds of the loop: their handlers link an entry with web_defer,
 * and send in its callback. */
#pragma once

#include <h2o.h>

#include "actor.h"
#include "base/bytes.h"
#include "settings/settings.h"

struct web {
    struct actor *actor;
    void *owner;
    h2o_loop_t *loop;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_hostconf_t *host;
    h2o_pathconf_t *path; /* all requests; more handlers may be added to it before web_start */
    uint64_t replies; /* begun and not yet taken by their clients, those of web_guard included */

    /* Writes the body of an error that h2o itself has found (too large, malformed, relay failed), or
     * that lies in the request's head: then `text` says which. */
    void (*complain)(h2o_req_t *req, int status, const char *text, struct bytes *out);

    /* The same for what is no request at all; `head` gets header lines besides. NULL: h2o answers.
     */
    void (*complain_early)(struct web *web, int status, struct view target, struct bytes *head,
                           struct bytes *body);

    /* Whether the body of such a request is to be had as it comes (web_stream_open): then h2o's
     * req->entity is empty, and no limit holds. `length` 0: nobody knows. NULL: none is. */
    bool (*streams)(struct web *web, struct view method, struct view target, uint64_t length);

    /* private */
    h2o_socket_t *listener;
    h2o_timeout_t accept_pause;
    h2o_timeout_entry_t accept_again;
    h2o_timeout_t stall;
    h2o_timeout_t linger;
    unsigned lingering;
    size_t clients;      /* connections that are open */
    size_t clients_most; /* the most of them since memory was given back */
    bool is_trimming;    /* …as it was from many: they are becoming fewer */
    uint64_t looked_ms;
    struct web_watch *watches; /* file descriptors that the actor waits for */
};

/* Prepares h2o; `on_req` gets every request. Bodies above `body_limit` are refused. */
void web_open(struct web *web, struct actor *actor, void *owner,
              int (*on_req)(h2o_handler_t *, h2o_req_t *), uint64_t body_limit);

/* After all handlers are registered: makes the context, hooks the actor into the loop. */
void web_start(struct web *web);

/* Its clocks and the largest body are these from here on. */
void web_follow(struct web *web, const struct settings *settings, uint64_t body_limit);

/* Listens on TCP and returns the port. An inherited socket (environment LISTEN_FD) is taken
 * instead, if there is one. */
unsigned web_listen(struct web *web, const char *host, uint64_t port);

/* Listens on a Unix socket, replacing what a dead process left there. */
void web_listen_unix(struct web *web, const char *path);

/* Takes the connections that wait, then listens no more; requests to come are answered with
 * Connection: close. */
void web_leave(struct web *web);

/* Runs the loop until actor_stop. */
void web_run(struct web *web);

/* The owner given to web_open. */
void *web_owner(const h2o_req_t *req);

/* Runs `entry->cb` in the loop's next round; nothing if it is linked already. */
void web_defer(struct web *web, h2o_timeout_entry_t *entry);

/* Whether the client asked by HEAD, and so gets no body. */
bool web_is_head(const h2o_req_t *req);

/* The reason phrase of a status. */
const char *web_reason(int status);

/* Adds a header; the name is static, the value lives as long as the request. */
void web_header(h2o_req_t *req, const char *name, struct view value);

/* Sends a whole reply; `type` is static, the body is copied. */
void web_reply(h2o_req_t *req, int status, const char *type, struct view body);

/* The value of a request's header (name in lower case) or the empty view. */
struct view web_find(const h2o_req_t *req, const char *name);

/* From now on `on_gone` is called if the client hangs up; at most one for a connection. */
void web_tap(h2o_req_t *req, void (*on_gone)(void *data), void *data);

/* To be called before the last h2o_send; `on_gone` is not called any more. */
void web_untap(h2o_req_t *req);

/* Breaks the connection, whatever is in flight; h2o then disposes of the request. */
void web_break(h2o_req_t *req);

/* Bodies as they come */

enum web_stream_fault {
    WEB_STREAM_STALLED,   /* the client has sent nothing for CLIENT_STALL, though there was room */
    WEB_STREAM_MALFORMED, /* no chunk where one should be */
};

/* Called in callbacks of the loop. */
struct web_stream_events {
    size_t (*room)(void *owner); /* bytes that would be taken now */
    void (*bytes)(void *owner, struct view bytes, bool is_last);
    void (*failed)(void *owner, enum web_stream_fault fault); /* nothing more comes */
};

/* Whether the request's body is one of these. `*length`: bytes of the whole + 1; 0: nobody knows. */
bool web_stream_length(const h2o_req_t *req, uint64_t *length);

/* Behind web_tap; nothing comes before web_stream_go_on says that there is room. It stops by itself when
 * there is none, and needs to be told again. A client that hangs up is told by the tap. */
void web_stream_open(h2o_req_t *req, const struct web_stream_events *events, void *owner);
void web_stream_go_on(h2o_req_t *req);

/* The rest is not read. To be called before `owner` goes. */
void web_stream_close(h2o_req_t *req);
