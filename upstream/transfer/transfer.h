/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange with a provider over HTTP: a narrow interface, behind which calls that go straight
 * to the provider are an exchange of our own, and libcurl has the others. Called by the job. What
 * must stay true: nothing in here blocks, whatever a name server, a proxy or a provider does; and a
 * request is sent once, never again without the caller's knowing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/guard.h"
#include "base/loop.h"
#include "base/secret.h"
#include "base/view.h"

struct transfer;

/* What a provider is told of who asks, unless the settings have a User-Agent. */
#define TRANSFER_AGENT "gemini-gateway/1"

enum transfer_end {
    TRANSFER_CLEAN,         /* the answer is whole, as far as HTTP can tell */
    TRANSFER_NO_NAME,       /* the request was not sent: the provider's name has no address */
    TRANSFER_NO_CONNECTION, /* nor was it here: refused, no route, not in time */
    TRANSFER_UNTRUSTED,     /* nor here: the provider's certificate is not accepted */
    TRANSFER_NO_TLS,        /* nor here: no TLS handshake */
    TRANSFER_NO_PROXY,      /* the proxy failed */
    TRANSFER_BROKEN,        /* the connection broke, or what came is no HTTP */
    TRANSFER_OUTSIDE,       /* it did not go to the provider, and failed in whatever way */
    TRANSFER_STOPPED,       /* `bytes` said so */
};

enum transfer_answer {
    TRANSFER_TAKEN,
    TRANSFER_LATER, /* pause: the same bytes come again after transfer_resume */
    TRANSFER_STOP,  /* enough: end with TRANSFER_STOPPED */
};

/* In `head` and `bytes` no transfer may be started, resumed or cancelled; in `done` any may. */
struct transfer_events {
    /* Before the first bytes, or before `done`. `length` is Content-Length + 1; 0: unknown.
     * `headers`: the wanted header lines that there are, each with CRLF behind it. */
    void (*head)(void *owner, unsigned status, struct view type, uint64_t length,
                 struct view headers);
    enum transfer_answer (*bytes)(void *owner, struct view bytes);
    /* The transfer is gone when this is called. `why`: words for a client where the request was not
     * sent; else for the log. */
    void (*done)(void *owner, enum transfer_end end, const char *why);
};

/* Whose host it is, and so what goes there. */
enum transfer_way {
    TRANSFER_TO_PROVIDER,
    TRANSFER_GUARDED, /* a client has named it: under the guard, with nothing of ours */
    TRANSFER_APART,   /* the operator's own: without what is for the provider */
};

/* A body that comes while the request is under way. Both are called from inside the loop, or from
 * transfer_feed. */
struct transfer_feed {
    /* What is there, from the front; it stays where it is until it is taken. Empty: nothing now, or,
     * if `*is_all` is set, nothing more. */
    struct view (*look)(void *owner, bool *is_all);
    void (*take)(void *owner, size_t bytes); /* so many of them have left */
};

struct transfer_order {
    enum transfer_way way;
    const char *url;
    const char *method;
    /* the header line that shows the key, where it is not for the provider several with line ends
     * between; empty: none */
    struct secret authorization;
    struct view type;   /* Content-Type of the body */
    struct view wanted; /* names of header lines, with commas; borrowed until the end */
    struct view lines;  /* more header lines, each with CRLF behind it */
    struct view body;   /* borrowed until it is sent */
    const struct transfer_feed *feed; /* instead of `body`; NULL: none */
    uint64_t feed_length;             /* bytes of it + 1; 0: unknown */
    struct secret proxy;              /* empty: none, whatever the environment says */
    uint64_t client;                  /* whose it is, where several share what there is */
};

/* What is the same for all transfers. */
struct transfer_settings {
    size_t slots;          /* transfers at once; so many connections are kept */
    size_t connections;    /* at once; transfers beyond them wait; 0: as many as slots and files */
    uint64_t connect_ms;   /* a connection that takes longer does not come */
    uint64_t idle_ms;      /* after which a connection that is not used is closed */
    bool is_http2;         /* where the provider offers it */
    const char *ca_bundle; /* file; empty: the system's */
    char **headers;        /* "Name: value", sent along; outlive the transfers */
    size_t header_count;
    struct guard guard;   /* what may be asked for clients, beside public addresses */
    size_t outside_limit; /* bytes of an answer that is fetched for a client */
    uint64_t outside_ms;  /* the time that it may take, redirects included */
    size_t cache_bytes;   /* of what was fetched for clients; 0: none is kept */
    uint64_t cache_ms;    /* how long; 0: not at all */
};

struct transfers {
    struct loop *loop;
    uint64_t due_ms; /* when transfers_turn must be called at the latest; UINT64_MAX: no need */
    size_t count;    /* under way, waiting ones included */
    void (*wake)(void *owner, uint64_t at_ms); /* due_ms has changed */
    void (*on_activity)(void *owner); /* events were called: look at what there is to send */
    void *owner;
    struct engine *engine;
};

/* `wake`, `on_activity` and `owner` are the caller's to set. */
void transfers_open(struct transfers *transfers, struct loop *loop,
                    const struct transfer_settings *settings);

/* What comes from here on goes by these settings; slots, connections, is_http2 and headers stay what they
 * were. */
void transfers_follow(struct transfers *transfers, const struct transfer_settings *settings);

/* To be called when due_ms has come: timers, and what was just started. Called more often it closes
 * idle connections in time. */
void transfers_turn(struct transfers *transfers, uint64_t now_ms);

/* Gives back what was pooled and is not needed. */
void transfers_trim(struct transfers *transfers);

void transfers_close(struct transfers *transfers);

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_order *order,
                                const struct transfer_events *events, void *owner);

/* May call `bytes` at once. */
void transfer_resume(struct transfer *transfer);

/* More of its feed is there. */
void transfer_feed(struct transfer *transfer);

/* Ends it without a word; the connection is closed. */
void transfer_cancel(struct transfer *transfer);

/* How long it has taken until its new connection was there, once that is known; 0: it goes over a kept one. */
uint64_t transfer_connect_us(const struct transfer *transfer);

/* Whether the request has left whole, so that its body is not needed any more. */
bool transfer_is_sent(const struct transfer *transfer);
