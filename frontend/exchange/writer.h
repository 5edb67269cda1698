/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a reply to its client: header lines once it is known what they must say, then bytes at
 * the client's pace, then an end that is clean or visibly is not. */
#pragma once

#include "base/bytes.h"
#include "error.h"
#include "web/web.h"
#include "settings/settings.h"

struct writer_events {
    void (*sending)(void *owner); /* what is pending goes to the client now */
    void (*taken)(void *owner);   /* …and the client has taken it */
    void (*gone)(void *owner);    /* the client has hung up */
};

/* What all writers share. */
struct writers {
    struct web *web;
    h2o_timeout_t stall; /* between two looks whether a client has stopped reading */
    const bool *is_draining;
};

void writers_open(struct writers *all, struct web *web);
void writers_follow(struct writers *all, const struct settings *settings);

struct writer {
    h2o_req_t *req; /* NULL after the last h2o_send */
    struct writers *all;
    const struct writer_events *events;
    void *owner;
    h2o_generator_t generator;
    h2o_timeout_entry_t send_timer, stall_timer;
    struct bytes pending, in_flight; /* for the client; given to h2o */
    /* an error that ends the stream: a write of its own, behind `pending` */
    struct bytes last_words;

    /* set by the owner */
    bool is_sse;      /* the client reads events */
    bool is_early;    /* bytes may go out before the reply is whole */
    bool is_ended;    /* nothing will be added to `pending` */
    bool is_broken;   /* …and what has gone out is not whole */
    bool has_failed;  /* nothing has gone out, and the reply is the error in `pending` */
    enum error error; /* …which is this one */
    bool is_tried;    /* the provider was asked as often as we would */
    int status;       /* 0: 200 */
    uint64_t retry_after_ms;
    struct view model;    /* that serves, for x-gateway-model; empty: none */
    const char *type;     /* Content-Type of a reply that is no error; NULL: application/json */
    struct view lines;    /* more header lines of such a reply, each with CRLF behind it */
    uint64_t length;      /* bytes of the whole reply + 1 if that is known before its end */
    uint64_t head_length; /* of a reply to HEAD: what GET would have had */

    bool is_head;    /* the client reads only the header lines */
    bool is_started; /* the status has gone out */
    bool is_sending; /* an h2o_send is under way */
    bool is_last;    /* …and it was the last one */
    int socket_fd;
    uint64_t id, sent_bytes;
    uint64_t send_ms; /* when the last h2o_send began, by h2o's clock */
};

/* The events may come from here on. `id` is x-request-id. */
void writer_open(struct writer *writer, struct writers *all, h2o_req_t *req, uint64_t id,
                 const struct writer_events *events, void *owner);

/* What has been added to `pending`, or the end, is to go out: soon, or, in a callback of h2o's
 * loop, now. */
void writer_send_soon(struct writer *writer);
void writer_send(struct writer *writer);

/* Whether the client has all that was for it so far. */
bool writer_is_idle(const struct writer *writer);

/* The request is being disposed of. */
void writer_clear(struct writer *writer);
