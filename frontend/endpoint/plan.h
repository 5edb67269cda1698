/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a request: the provider calls that answer it, and those that come of their answers.
 * An endpoint writes it; the exchange runs it. */
#pragma once

#include "road/road.h"

/* What becomes of a call's answer. */
enum step_pass {
    STEP_WHOLE,  /* put together, then `answer` */
    STEP_EVENTS, /* `event` for each as it comes, then `answer` without a body */
    STEP_BYTES,  /* to the client untouched, as it comes; a plan has one such step, its only one */
};

struct step {
    struct order order; /* its views into `model`, `path`, `names`, `lines` are set by plan_add */
    struct bytes model; /* for the provider; empty: none */
    struct bytes path;  /* behind the pool's address, with its query */
    struct bytes names; /* of objects that it mentions */
    struct bytes
        lines; /* header lines for the provider, instead of the order's, if there are any */
    enum step_pass pass;
    /* which of the reply's parts it answers: answers are put in the order of places */
    size_t place;
    size_t tries; /* for the endpoint: how often it has been mended */
};

struct plan {
    struct step **steps;
    size_t count, limit;
    bool is_sse;          /* the reply is a stream of events */
    bool is_gathered;     /* …though its calls' answers come whole: nothing is seen for long */
    const char *type;     /* Content-Type of a reply that is none; NULL: application/json. Static */
    bool is_early;        /* such a reply goes out as it comes */
    bool is_paced;        /* its events are to be seen one after the other… */
    uint64_t pace_ms;     /* …those that were appended last so long apart */
    bool has_work;        /* the endpoint's `work` is to be called */
    uint64_t time_out_ms; /* that the client allows; 0: it does not say */
    const char *route;    /* that was asked for; NULL: nobody says */
    uint64_t read_at_us;  /* when the request was there */
    size_t kept;          /* bytes that the endpoint keeps of answers: the exchange charges them */
    struct bytes lines;   /* header lines of the reply, for an endpoint that puts it together */
    /* instead of steps: the list of models is needed first, for which the request waits so long;
     * then it is read again, with a state of its own. 0: it is not */
    uint64_t models_wait_ms;
    /* what is to be said of an error that the endpoint returns; empty: the text of errors.def */
    struct bytes why;
    const char *param; /* …and the parameter at fault */
};

/* Adds a call, and returns its number, from 0 on. Takes the step's model, path, names, lines; `order.body` is
 * held as well as it was. SIZE_MAX, and nothing taken: the plan is full. */
size_t plan_add(struct plan *plan, struct step *step);

/* Adds a call like that one, but with this body. */
size_t plan_again(struct plan *plan, size_t call, struct bytes *body);

/* The answer of the call has begun: its body will not be asked for again. */
void plan_forget_body(struct plan *plan, size_t call);

void plan_clear(struct plan *plan);
