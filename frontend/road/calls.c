/* SPDX-License-Identifier: Apache-2.0 */
/* The table of open calls, and what goes to balancers and comes from them; what upstreams say is in
 * answers.c. What must stay true: an open call is either held back or with exactly one balancer or
 * upstream; and an event is the last thing that happens to a call. */
#include "road/calls.h"

#include <stdlib.h>
#include <sys/random.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "road/flow.h"
#include "settings/options.h"

/* Each chunk of an answer looks its call up, and each step along a chain is a wait for memory: so
 * chains are kept shorter than uthash's ten. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 4U

enum {
    INLINE_MOST = 64 * 1024, /* bytes of a body that travels inside CALL */
    URGENT_MOST = 4 * 1024,  /* bytes taken after which an acknowledgement doesn't wait */
};

/* The table */

/* Numbers begin at random places, so that two frontends' calls are told apart in logs and by
 * x-request-id. */
void calls_open(struct road *road)
{
    uint32_t high = 0;

    while (getrandom(&high, sizeof(high), 0) != sizeof(high))
        continue;
    road->next_id = (uint64_t)(high & INT32_MAX) << 32 | 1;
}

uint64_t road_id(struct road *road)
{
    return road->next_id++;
}

bool road_has_room(const struct road *road, size_t body_len, size_t calls)
{
    return road->count + calls <= settings_now()->call_limit &&
           (body_len == 0 || road->body_bytes + body_len * calls <= settings_now()->body_budget);
}

struct call *call_find(const struct road *road, uint64_t id)
{
    struct call *call;

    HASH_FIND(hh, road->by_id, &id, sizeof(id), call);
    return call;
}

struct bytes calls_pick(const struct road *road,
                        bool (*wants)(const struct call *call, const void *what), const void *what)
{
    struct bytes picked = {0};

    for (const struct call *call = road->by_id; call; call = call->hh.next)
        if (wants(call, what))
            bytes_append(&picked,
                         (struct view){(const char *)&call->life.id, sizeof(call->life.id)});
    return picked;
}

struct call *calls_next(const struct road *road, const struct bytes *picked, size_t *place)
{
    struct call *call = NULL;
    uint64_t id;

    while (!call && *place < picked->len) {
        memcpy(&id, picked->at + *place, sizeof(id));
        *place += sizeof(id);
        call = call_find(road, id);
    }
    return call;
}

void call_attach(struct call *call, struct upstream_link *upstream)
{
    if (call->upstream == upstream)
        return;
    call_detach(call);
    call->upstream = upstream;
    DL_APPEND(upstream->calls, call);
}

void call_detach(struct call *call)
{
    if (!call->upstream)
        return;
    DL_DELETE(call->upstream->calls, call);
    call->upstream = NULL;
    call->ack_place = (struct ack_place){0};
}

void call_forget_body(struct call *call)
{
    call->road->body_bytes -= body_view(call->body).len;
    if (body_flow(call->body))
        body_flow(call->body)->call = NULL;
    body_let_go(call->body);
    call->body = NULL;
}

void call_finish(struct call *call)
{
    life_end(&call->life);
    HASH_DEL(call->road->by_id, call);
    call->road->count--;
    call->is_held = false;
    call_forget_body(call);
}

void call_fail(struct call *call, const struct call_failure *failure)
{
    call_finish(call);
    call->events->failed(call->owner, failure);
}

/* Offering */

/* For the ledger. What a request costs here before its first call is that call's. */
static void put_asking(struct msg_call *letter, struct asking *asking)
{
    if (!asking)
        return;
    letter->route = view_of(asking->route);
    letter->request = asking->request;
    letter->asked_ms = asking->asked_ms;
    letter->read_us = asking->read_us;
    if (!asking->is_begun)
        letter->translate_us = clock_us() - asking->read_at_us;
    asking->is_begun = true;
}

static void post_call(struct call *call, struct balancer_link *balancer, uint64_t now_ms,
                      bool again)
{
    const struct order *order = call->order;
    struct view body = body_view(call->body);
    const struct flow *flow = body_flow(call->body);
    struct msg_call letter = {
        .balancer = balancer->link.peer,
        .call = call->life.id,
        .offer = call->life.offer,
        .attempts = call->life.attempts,
        .pool = view_of(order->pool),
        .model = order->model,
        .operation = view_of(order->operation),
        .path = order->path,
        .stream = order->stream,
        .thoughts = order->thoughts,
        .estimate = order->tokens,
        .affinity = order->affinity,
        .client = order->client,
        .left_ms = call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 1,
        .body_len = flow && flow->length ? flow->length - 1 : body.len,
        .again = again,
        .method = order->method ? view_of(order->method) : VIEW(""),
        .type = order->type ? view_of(order->type) : VIEW(""),
        .headers = order->headers ? view_of(order->headers) : VIEW(""),
        .owner = order->owner,
        .raw = order->raw,
        .flow = flow != NULL,
        .lines = order->lines,
        .names = order->names,
        .any_client = order->any_client,
        .once = order->once,
    };

    put_asking(&letter, order->asking);
    if (!flow && body.len <= INLINE_MOST)
        letter.body = body;
    link_post(&balancer->link, MSG_CALL, &letter);
}

/* What the client is to read of a refusal that came with words: the provider's about a key, or what it is about. */
static void write_words(enum error error, struct view words, struct bytes *text)
{
    if (error == ERROR_NO_OBJECT || error == ERROR_OBJECTS_APART)
        bytes_printf(text, "%.*s: %s", (int)words.len, words.at, error_facts(error)->text);
    else if (error == ERROR_KEYS_REFUSED)
        bytes_append(text, words);
}

static void fail_refused(struct call *call, struct view words)
{
    struct call_failure failure = {.error = call->life.refusal,
                                   .retry_after_ms = call->life.refusal_retry_ms};
    struct bytes body = {0}, text = {0};

    write_words(failure.error, words, &text);
    if (words.len && text.len) {
        bytes_text(&body, "{\"error\":{\"message\":");
        bytes_json(&body, bytes_view(&text));
        bytes_text(&body, "}}");
        failure.body = bytes_view(&body);
    }
    call_fail(call, &failure);
    bytes_clear(&text);
    bytes_clear(&body);
}

/* To the next balancer; the call stays held back until there is one. `words`: of the refusal that
 * came just now. */
static void offer(struct call *call, struct view words)
{
    uint64_t now_ms = clock_ms();
    struct balancer_link *balancer = balancers_pick(call->road, call->life.refusers, now_ms);

    if (balancer) {
        call->is_held = false;
        life_offer(&call->life, balancer->slot, balancer->link.peer);
        post_call(call, balancer, now_ms, false);
    } else if (call->life.refusers) {
        fail_refused(call, words);
    } else {
        call->is_held = true;
    }
}

static void offer_again(struct call *call, struct view words)
{
    struct flow *flow = body_flow(call->body);

    call_detach(call);
    if (flow && !flow_rewind(flow)) {
        call_fail(call, &(struct call_failure){.error = ERROR_BODY_LOST});
        return;
    }
    log_info("call.offered", F_ID("call", call->life.id), F_NUM("offer", call->life.offer),
             F_NUM("attempts", call->life.attempts));
    offer(call, words);
}

static bool is_held_back(const struct call *call, const void *what)
{
    (void)what;
    return call->is_held;
}

/* Oldest first: that is the table's order. */
void calls_offer_held(struct road *road)
{
    struct bytes picked = calls_pick(road, is_held_back, NULL);
    struct call *call;

    for (size_t place = 0; (call = calls_next(road, &picked, &place));)
        if (call->is_held)
            offer(call, VIEW(""));
    bytes_clear(&picked);
}

void calls_repeat(struct road *road, struct balancer_link *to)
{
    uint64_t now_ms = clock_ms();

    for (struct call *call = road->by_id; call; call = call->hh.next)
        if (life_is_with(&call->life, to->slot, to->link.peer))
            post_call(call, to, now_ms, true);
}

/* What balancers say */

void calls_on_known(struct road *road, struct balancer_link *from, const struct msg_known *known)
{
    struct call *call = call_find(road, known->call);

    if (call)
        life_known(&call->life, from->slot, from->link.peer, known->offer);
}

static bool is_any(const struct call *call, const void *what)
{
    (void)call, (void)what;
    return true;
}

void calls_on_known_end(struct road *road, struct balancer_link *from)
{
    struct bytes picked;
    struct call *call;

    if (from->listed_by == from->link.peer)
        return;
    from->listed_by = from->link.peer;
    picked = calls_pick(road, is_any, NULL);
    for (size_t place = 0; (call = calls_next(road, &picked, &place));)
        if (life_known_end(&call->life, from->slot, from->link.peer))
            offer_again(call, VIEW(""));
    bytes_clear(&picked);
}

void calls_on_refused(struct road *road, struct balancer_link *from,
                      const struct msg_refused *refused)
{
    struct call *call = call_find(road, refused->call);
    enum error error = refused->error < ERROR_COUNT ? (enum error)refused->error : ERROR_INTERNAL;

    if (!call || !life_is_current(&call->life, from->slot, refused->offer))
        return;
    if (life_refuse(&call->life, error, refused->retry_after_ms, road->balancers.count))
        offer_again(call, refused->words);
    else
        fail_refused(call, refused->words);
}

void calls_on_retry(struct road *road, struct balancer_link *from, const struct msg_retry *retry)
{
    struct call *call = call_find(road, retry->call);

    if (!call || !life_is_current(&call->life, from->slot, retry->offer))
        return;
    if (retry->attempts > call->life.attempts)
        call->life.attempts = retry->attempts;
    if (call->order->once && retry->attempts) {
        call_fail(call, &(struct call_failure){.error = ERROR_UPSTREAM_LOST, .is_tried = true});
        return;
    }
    call->life.refusers = 0;
    life_withdraw(&call->life);
    offer_again(call, VIEW(""));
}

/* The balancer's own answer is a whole one. */
void calls_on_told(struct road *road, struct balancer_link *from, const struct msg_told *told)
{
    struct answer_head head = {
        .status = 200, .type = VIEW("application/json"), .length = told->data.len + 1};
    struct call *call = call_find(road, told->call);

    if (!call || !life_is_current(&call->life, from->slot, told->offer))
        return;
    call->events->head(call->owner, &head);
    if ((call = call_find(road, told->call)) != NULL)
        call->events->bytes(call->owner, told->data, true);
    if ((call = call_find(road, told->call)) == NULL)
        return;
    call_finish(call);
    call->events->end(call->owner);
}

/* For those above */

struct call *call_start(struct road *road, uint64_t id, const struct order *order,
                        uint64_t deadline_ms, const struct call_events *events, void *owner)
{
    struct view body = body_view(order->body);
    struct call *call;

    if (!road_has_room(road, body.len, 1))
        return NULL;
    call = memory_new(sizeof(*call));
    call->road = road;
    call->events = events;
    call->owner = owner;
    call->order = order;
    call->deadline_ms = deadline_ms;
    call->body = body_hold(order->body);
    if (body_flow(call->body))
        body_flow(call->body)->call = call;
    road->body_bytes += body.len;
    road->count++;
    life_begin(&call->life, id ? id : road_id(road));
    HASH_ADD(hh, road->by_id, life.id, sizeof(call->life.id), call);
    offer(call, VIEW(""));
    return call;
}

static void cancel(struct call *call)
{
    struct road *road = call->road;
    struct msg_cancel letter = {
        .frontend = road->actor->incarnation, .call = call->life.id, .offer = call->life.offer};

    if (call->life.state == LIFE_HELD_BACK)
        return;
    if (call->upstream)
        upstream_cancel(call->upstream, call->life.id, call->life.offer);
    link_post(&road->balancers.at[call->life.slot].link, MSG_CANCEL, &letter);
}

void call_free(struct call *call)
{
    if (!call)
        return;
    if (call->life.state != LIFE_DONE) {
        cancel(call);
        call_finish(call);
    }
    call_taken(call, call_mark(call)); /* the rest doesn't matter any more */
    call_detach(call);
    free(call);
}

/* The number of the last letter that came; a mark of 0 says that there was none. */
uint64_t call_mark(const struct call *call)
{
    return call->life.next_seq;
}

static size_t urgent_bytes(void)
{
    size_t quarter = settings_now()->answer_window / 4;

    return quarter < URGENT_MOST ? quarter : URGENT_MOST;
}

/* With the last of the answer: how long the client has waited for all of it. */
static uint64_t reply_us(const struct call *call)
{
    bool is_last = call->life.state == LIFE_DONE && call->taken >= call->life.next_seq;

    return is_last && call->order->asking ? clock_us() - call->order->asking->begun_us : 0;
}

static void ack(struct call *call)
{
    upstream_ack(call->upstream, &call->ack_place,
                 (struct ack){call->life.id, call->life.offer, call->taken - 1, reply_us(call)},
                 call->unacked >= urgent_bytes());
    call->unacked = 0;
}

void call_taken(struct call *call, uint64_t mark)
{
    if (!call->upstream || mark <= call->taken)
        return;
    call->taken = mark;
    ack(call);
}

void call_ack_again(struct call *call)
{
    if (call->upstream && call->taken)
        ack(call);
}

struct call_facts call_facts(const struct call *call)
{
    return (struct call_facts){
        .id = call->life.id,
        .attempts = call->life.attempts,
        .upstream = call->life.upstream,
        .heard_ms = call->heard_ms,
        .is_unheard = call->life.state == LIFE_HELD_BACK && call->life.offer == 1,
        .has_ended = call->life.state == LIFE_DONE,
    };
}

void calls_dump(const struct road *road)
{
    for (const struct call *call = road->by_id; call; call = call->hh.next)
        log_info("dump.call", F_ID("call", call->life.id), F_NUM("offer", call->life.offer),
                 F_STR("state", life_state_name(call->life.state)),
                 F_ID("upstream", call->life.upstream), F_ID("balancer", call->life.balancer),
                 F_NUM("next", call->life.next_seq), F_NUM("taken", call->taken));
}
