/* SPDX-License-Identifier: Apache-2.0 */
/* One client request and its reply: the plan of its endpoint is run over the road, and what comes
 * of it goes out through the writer. An exchange lives in the request's memory and dies with it,
 * however that comes. */
#pragma once

#include "base/elements.h"
#include "base/sse.h"
#include "endpoint/endpoint.h"
#include "exchange/pacer.h"
#include "exchange/writer.h"
#include "settings/settings.h"

struct exchanges;

/* One call of the plan, while its answer comes. */
struct part {
    struct exchange *exchange;
    struct call *call; /* NULL: it has failed, or none is open any more */
    size_t number;     /* in the plan */
    enum step_pass pass;
    bool is_open;                /* its end has not come */
    bool is_answered;            /* its endpoint has had the answer */
    bool has_begun;              /* STEP_EVENTS: it is known how they come… */
    bool is_array;               /* …namely as elements of a JSON array */
    struct sse sse;              /* the event that is coming in */
    struct elements elements;    /* or the element */
    size_t gathered;             /* of the process's budget */
    uint64_t sent;               /* the mark of what has been given to the client */
    struct bytes gather;         /* STEP_WHOLE: the answer so far */
    struct answer_head head;     /* status and key; its views are gone */
    struct bytes headers;        /* that were wanted */
    uint64_t first_ms;           /* when its HEAD came; 0: not yet */
    uint64_t attempts, upstream; /* of its call, for the log */
    struct part *next;
};

struct exchange {
    /* what each event needs stands together: a thousand streams find it in memory again and
     * again */
    struct exchanges *all;
    const struct endpoint *endpoint;
    const struct error_shape *shape;
    void *state; /* the endpoint's */
    struct part *parts;
    struct plan plan;
    size_t started;   /* steps of the plan that are parts */
    size_t open;      /* parts whose end has not come */
    size_t unheard;   /* parts whose HEAD has not come */
    enum error error; /* that ended it */
    bool at_border;   /* what has been passed on ends where an event or element ends */
    bool is_bytes;    /* the reply is a call's bytes */
    bool is_array;    /* …and began as an array that grows… */
    bool is_closed;   /* …which has its closing bracket */
    bool is_answered; /* …and only what is paced is left to come */
    struct pacer pacer;
    struct bytes fresh; /* what the endpoint appends to a paced reply */
    h2o_timeout_entry_t pace_timer;
    size_t merged; /* bytes of the translated reply, of the process's budget */
    struct writer writer;

    struct asking asking; /* what the ledger is told of the request */
    uint64_t id;          /* x-request-id, and the number of the first call */
    uint64_t began_ms, deadline_ms, first_ms;
    uint64_t body_ms; /* when the body last moved; 0: it was whole at the beginning */
    h2o_timeout_entry_t deadline_timer, ping_timer, work_timer;
    struct exchange *prev, *next; /* among the open ones */
};

/* What all exchanges share. */
struct exchanges {
    struct web *web;
    struct road *road;
    h2o_timeout_t deadline; /* TIME_OUT and some more: the upstream is to notice first */
    h2o_timeout_t ping;     /* STREAM_PING */
    h2o_timeout_t work;     /* between two pieces of an endpoint's work: other requests' turn */
    h2o_timeout_t pace;     /* STREAM_MIN_DELAY */
    h2o_timeout_t beat;     /* the same for gathered streams, which say nothing until their end */
    struct writers writers;
    struct exchange *open;
    uint64_t count;               /* exchanges whose requests are not disposed of */
    size_t gathered;              /* bytes of answers that are put together */
    void (*on_idle)(void *owner); /* the last one is gone */
    void *owner;
};

void exchanges_open(struct exchanges *all, struct web *web, struct road *road);

/* Its clocks run by these settings from here on. */
void exchanges_follow(struct exchanges *all, const struct settings *settings);

/* Runs the plan that `endpoint` has made of a request. `state`, in the request's memory, and the
 * plan are taken over. */
struct exchange *exchange_begin(struct exchanges *all, h2o_req_t *req,
                                const struct endpoint *endpoint, const struct error_shape *shape,
                                void *state, struct plan *plan, uint64_t id);

/* It ends by this error, as far as its client can be told; `text`, static, says more (NULL: the text of
 * errors.def). */
void exchange_fail(struct exchange *exchange, enum error error, const char *text);

/* All open ones end by this error, as far as their clients can be told. */
void exchanges_fail(struct exchanges *all, enum error error);
