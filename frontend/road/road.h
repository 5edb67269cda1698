/* SPDX-License-Identifier: Apache-2.0 */
/* The road: the way of a call to the provider and of its answer back. It finds a balancer, offers
 * the call again where a process died, takes what comes in order, and gives the upstream credit.
 * Who stands above it knows this header, and no balancer, upstream, offer or acknowledgement.
 *
 * A call ends by `end` or `failed`, once; or by call_free before that. Events come while letters
 * are read, and are the last thing that the road does with the call: an event may free it, free
 * others, or start new ones. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "error.h"

struct actor;
struct road; /* all calls of the process */
struct call;
struct body; /* of a request to the provider; several calls may share one */

/* Takes the text over. The caller holds the body until body_let_go. */
struct body *body_new(struct bytes *text);
struct body *body_hold(struct body *body); /* NULL stays NULL */
void body_let_go(struct body *body);       /* NULL is taken too */
struct view body_view(const struct body *body);

/* A body that is not there yet: it goes to the provider as it comes from the client, and is kept for no
 * longer than that. It can be the body of one call. `length`: bytes of the whole + 1; 0: nobody knows.
 * `wanted` is called, from where letters are read, when there is room for more than there was. */
struct body *body_of_stream(uint64_t length, void (*wanted)(void *owner), void *owner);

/* How many bytes may be given now. */
size_t body_room(const struct body *body);

/* The next bytes, no more than there is room for; `is_last`: nothing follows. */
void body_give(struct body *body, struct view bytes, bool is_last);

/* Whoever gave is gone: `wanted` is not called any more. */
void body_close(struct body *body);

/* Of the client's request that calls are made for, as the ledger has it. */
struct asking {
    const char *route;   /* as routes.def writes it */
    uint64_t request;    /* x-request-id */
    uint64_t begun_us;   /* when it began to come, of the clock that only goes forward… */
    uint64_t asked_ms;   /* …and since 1970 */
    uint64_t read_us;    /* until it was there */
    uint64_t read_at_us; /* which was then */
    bool is_begun;       /* its first call has been offered */
};

/* What is asked of the provider. Texts and views are borrowed for the life of the call. */
struct order {
    const char *pool;      /* whose keys: gemini; objects: the balancer's own answer */
    const char *operation; /* generateContent, models, … */
    const char *method;    /* NULL: POST with a body, GET without one */
    const char *type;      /* of the body; NULL: application/json */
    /* names of the provider's header lines that are wanted, with commas between; NULL: none */
    const char *headers;
    struct view model; /* empty: none */
    struct view path;  /* behind the pool's address, with its query */
    struct view lines; /* header lines that go to the provider, each with CRLF behind it */
    struct body *body; /* NULL: none. The call holds it until its answer begins */
    bool stream;       /* the answer comes in events */
    bool thoughts;     /* thoughts count as content */
    bool raw;        /* an error event inside the answer is bytes too, and the answer then whole */
    uint64_t tokens; /* of input that it may cost */
    uint64_t affinity; /* hash of what belongs together; 0: none */
    uint64_t owner;    /* the only key that will do; 0: any, or that which has `names` */
    /* objects that the request mentions (objects/objects.h), with spaces between: the balancer finds the key that has them, and
     * refuses those of other clients unless `any_client` is set */
    struct view names;
    bool any_client;
    bool
        once; /* the provider may make or change something by it: never repeated where it may have been obeyed */
    uint64_t client;       /* hash of the client's token */
    struct asking *asking; /* NULL: no client has asked */
};

struct answer_head {
    uint64_t status;     /* the provider's */
    struct view type;    /* its Content-Type */
    uint64_t length;     /* bytes of the whole answer + 1; 0: unknown */
    struct view headers; /* those that were wanted, a line each with CRLF */
    uint64_t key_id;     /* who answered */
};

struct call_failure {
    enum error error;
    bool has_begun;          /* …the answer, before it broke off */
    bool is_tried;           /* the provider was asked, as often as we would */
    uint64_t status;         /* the provider's; 0: none */
    uint64_t retry_after_ms; /* 0: unknown */
    struct view body;        /* the provider's error, or its answer without content; may be empty */
};

struct call_events {
    void (*head)(void *owner, const struct answer_head *head);     /* the first content is there */
    void (*bytes)(void *owner, struct view bytes, bool event_end); /* in order, each once */
    void (*end)(void *owner);                                      /* the answer is whole */
    void (*failed)(void *owner, const struct call_failure *failure); /* instead of `end` */
};

/* A number that no other call or request of this host has, for a request and its first call. */
uint64_t road_id(struct road *road);

/* Whether so many calls with a body of that size may begin now. */
bool road_has_room(const struct road *road, size_t body_len, size_t calls);

/* Begins a call, with that number or, if it is 0, one of its own. It may take until `deadline_ms`
 * until its first content is there; the owner watches over that. NULL: there is no room. To be
 * freed by call_free, whether it has ended or not. */
struct call *call_start(struct road *road, uint64_t id, const struct order *order,
                        uint64_t deadline_ms, const struct call_events *events, void *owner);

/* Whoever runs the call is told to stop, if it has not ended. NULL is taken too. */
void call_free(struct call *call);

/* How much of the answer the events have brought, as a mark; and says that the client, or what puts
 * answers together, has taken all up to a mark: that is the upstream's credit. */
uint64_t call_mark(const struct call *call);
void call_taken(struct call *call, uint64_t mark);

/* For log lines, and for who watches over deadlines. */
struct call_facts {
    uint64_t id;
    uint64_t attempts; /* provider requests, as far as is known */
    uint64_t upstream; /* that answers or has answered; 0: none */
    uint64_t heard_ms; /* when a letter of its answer came last; 0: never */
    bool is_unheard;   /* no balancer has ever taken it */
    bool has_ended;
};
struct call_facts call_facts(const struct call *call);

/* ---- the process's side ---- */

/* Opens connections to all balancers. `actor` outlives the road. */
struct road *road_open(struct actor *actor);
void road_tick(struct road *road, uint64_t now_ms); /* from the actor's on_tick */
void road_leave(struct road *road); /* draining: nothing new comes, balancers are told */
void road_dump(const struct road *road);

/* What the balancers that are heard say of their keys. */
struct road_keys {
    uint64_t total, available;
    uint64_t by_ms;                 /* none: when the first will be available; 0: nobody knows */
    uint64_t error;                 /* none: what a call would get, of errors.def */
    uint64_t to_try, tried, answer; /* keys, at the balancer's start */
};

/* When each of these was there last; 0: never. */
struct road_sight {
    uint64_t balancer_ms, upstream_ms, key_ms;
    struct road_keys keys;
    size_t calls, body_bytes;
};
struct road_sight road_look(struct road *road, uint64_t now_ms);
