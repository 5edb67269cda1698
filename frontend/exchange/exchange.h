/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request and its reply. It lives in the request's memory and dies with it, however that
 * comes. What the provider is asked for it are its legs: calls.c and answers.c have these, merge.c
 * makes one reply of their answers, reply.c has the way back to the client. */
#pragma once

#include <h2o.h>

#include "exchange/dialect.h"
#include "road/leg.h"

/* How an answer becomes a reply. */
enum exchange_form {
    FORM_RAW,    /* the provider's bytes as they come; has one leg */
    FORM_EVENTS, /* each event translated */
    FORM_WHOLE,  /* put together, then translated */
};

struct exchange {
    uint64_t id; /* x-request-id, and the number of the first leg's first call */
    struct ask ask;
    uint64_t client; /* hash of its token */
    uint64_t began_ms, deadline_ms;
    size_t body_charged; /* of the process's budget, for ask.body */
    size_t body_users;   /* legs that may still be asked for ask.body */
    size_t legs_open;    /* whose calls are not done */
    size_t legs_heard;   /* whose HEAD is there */

    /* the reply */
    int socket_fd; /* of the client's connection */
    int status;    /* of the reply; 0: none yet */
    uint64_t retry_after_ms;
    h2o_timeout_entry_t deadline_timer, ping_timer, stall_timer;
    struct bytes type; /* FORM_RAW: the provider's Content-Type */
    uint64_t length;   /* FORM_RAW: bytes of the whole answer + 1, if known */
    uint64_t first_ms; /* when the first HEAD came; 0: not yet */

    /* What follows, with the beginning of the leg, is what each event needs: a thousand streams
     * find it in memory again and again, so it stands together. */
    struct reply reply;
    struct frontend *frontend;
    const struct dialect *dialect;
    h2o_req_t *req; /* NULL after the last h2o_send */
    h2o_generator_t generator;
    h2o_timeout_entry_t send_timer;
    enum exchange_form form;
    enum error error;                /* that ended it */
    bool is_sse;                     /* the client reads events */
    bool is_head;                    /* …or only the header lines */
    bool is_started;                 /* the status has gone out */
    bool is_sending;                 /* an h2o_send is under way */
    bool is_ended;                   /* nothing will be added to `pending` */
    bool is_broken;                  /* …and what has gone out is not whole */
    bool has_failed;                 /* before anything went out: the reply is an error's */
    bool at_border;                  /* what has been relayed ends where an event or element ends */
    bool is_array;                   /* FORM_RAW: it began as an array that grows… */
    bool is_closed;                  /* …which has its closing bracket */
    struct bytes pending, in_flight; /* for the client; given to h2o */
    struct bytes
        last_words;      /* an error that ends the stream: a write of its own, behind `pending` */
    uint64_t relayed;    /* FORM_RAW: bytes so far */
    size_t merged;       /* bytes of the translated reply, of the process's budget */
    uint64_t sent_bytes; /* of the reply's body */
    uint64_t send_ms;    /* when the last h2o_send began, by h2o's clock */

    size_t leg_count;
    struct leg legs[];
};

/* Goes through the legs of an exchange. */
#define LEGS_OF(x, leg) for (struct leg *leg = (x)->legs; leg < (x)->legs + (x)->leg_count; leg++)
