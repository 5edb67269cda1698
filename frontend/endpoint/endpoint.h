/* SPDX-License-Identifier: Apache-2.0 */
/* What a route does: the request becomes a plan of calls, and their answers one reply. Bytes in,
 * bytes out: no sockets, no clock, no globals but the settings. */
#pragma once

#include "endpoint/complaint.h"
#include "endpoint/plan.h"

struct catalog;
struct refusals;
struct seals;
struct signatures;

struct request {
    uint64_t id;     /* x-request-id */
    uint64_t client; /* hash of its token */
    bool any_client; /* it may touch what other clients have made */
    uint64_t now_ms, utc_ms;
    const char *pool;    /* of the route */
    struct view model;   /* {model} of the route; empty: it has none */
    struct view query;   /* behind the question mark, as the client wrote it */
    struct view body;    /* decoded; empty: none */
    struct body *stream; /* the body as it comes, instead of `body`; NULL: that is the whole */
    struct view method;
    struct view path;   /* of the route: decoded, aliases followed */
    bool is_alpha;      /* …of /v1alpha too */
    struct view origin; /* scheme://host by which the client asks us; empty: unknown */
    /* The value of a header (name in lower case), or the empty view. */
    struct view (*header)(const void *headers, const char *name);
    const void *headers;
    struct refusals *refusals;     /* what models are known to refuse */
    const struct seals *seals;     /* for what clients carry and must not read or change */
    struct signatures *signatures; /* of calls that clients were told of; NULL: none are kept */
    const struct catalog *catalog; /* the models that the keys have; NULL: nothing is known */
    bool may_wait;                 /* for the list of models, by plan->models_wait_ms */
};

struct call_answer {
    struct view body;    /* empty for a step of events */
    struct view headers; /* that the step asked for */
    uint64_t key_id;     /* who answered: owner of what was made */
};

struct endpoint {
    const char *name;   /* in logs */
    size_t state_size;  /* of `state` below: zeroed, private to the endpoint */
    const char *stream; /* Content-Type of a reply of events */

    bool takes_stream; /* `begin` takes a body as it comes, of any length */

    /* Whether the request shows by itself whose it is, without a token; `*client` is set then. NULL:
     * never. */
    bool (*admits)(const struct request *request, uint64_t *client);

    /* Reads the request, and adds the first calls to the plan; none if `end` can write the reply
     * at once. Another value than NONE: `plan->why` and `param` say more, and nothing is asked of
     * the provider. */
    enum error (*begin)(void *state, const struct request *request, struct plan *plan);

    /* Appends what one event of a call becomes. NULL: no step is one of events. */
    enum error (*event)(void *state, struct plan *plan, size_t call, struct view json,
                        struct bytes *out);

    /* A call's answer is whole: appends what it becomes. Whole answers come in the order of their
     * places, when no call is open; more calls may be added. NULL: all steps pass bytes. */
    enum error (*answer)(void *state, struct plan *plan, size_t call,
                         const struct call_answer *answer, struct bytes *out);

    /* A call has failed. True: the plan has a further step for its place, or the reply does without
     * it. NULL: never. */
    bool (*failed)(void *state, struct plan *plan, size_t call, const struct call_failure *failure);

    /* Does a bounded piece of what takes long. Called once a turn of the loop while the plan
     * `has_work`, between events too; the reply does not end before. NULL: nothing takes long. */
    enum error (*work)(void *state, struct plan *plan, struct bytes *out);

    /* All calls are answered: appends the end of the reply. NULL: nothing. */
    void (*end)(void *state, struct bytes *out);

    /* Nothing has come yet, and the client is not to lose patience. NULL: these clients bear
     * nothing. */
    void (*beat)(void *state, struct bytes *out);

    void (*clear)(void *state); /* NULL: nothing to free */
};
