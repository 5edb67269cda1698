/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: what waits for a key or an upstream, what is placed where. Called by route.c and peers.c.
 * What must stay true: a call is never placed while an upstream may hold it; the newest offer
 * counts, older ones are cancelled.
 *
 *   WAITING -> PLACED -> (gone)                       [calls_offer, place; calls_outcome]
 *       ^         |  \-> ENDED -> (gone)              [held after a restart: remembered until KNOWN has gone out]
 *       |         v
 *       |      REKEYING -> PLACED                     [calls_outcome with `more`: its upstream waits for a key]
 *       \-- a new offer of the frontend, after RETRY
 */
#include "balancer.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "log.h"
#include "options.h"

enum {
    TRIED_MOST = 8,      /* keys remembered as tried for one call */
    PASSED_MOST = 24,    /* keys passed over because their proxy is out of order */
    BUSY_PAUSE_MS = 250, /* before another try where the model is overloaded; doubles */
    BUSY_PAUSE_MOST_MS = 4000,
    MODELS_MOST = 16, /* models remembered as having no key, in one pass over the waiting calls */
};

enum call_state {
    CALL_WAITING,  /* for an upstream and a key */
    CALL_PLACED,   /* with its upstream */
    CALL_REKEYING, /* with its upstream, which waits for a key */
    CALL_ENDED,    /* over, remembered for KNOWN */
};

struct call {
    struct {
        uint64_t frontend, call;
    } id;
    enum call_state state;
    uint64_t offer;
    uint64_t attempt; /* provider requests made or under way */
    uint64_t deadline_ms;
    uint64_t not_before_ms;
    struct peer *upstream; /* PLACED, REKEYING */
    uint64_t round;        /* of the upstream's HELLO after which it was last reported or placed */
    bool was_held;         /* reported in this incarnation: KNOWN must name it */
    bool is_asking;        /* PLACED: its upstream reported that it waits for a key */
    uint64_t tried[TRIED_MOST];
    size_t tried_count;
    struct proxy *proxy;      /* PLACED: by which it went out, if this process placed it */
    char *model;              /* WAITING, REKEYING */
    struct bytes letter;      /* WAITING: the CALL as packed */
    struct call *prev, *next; /* in b->waiting, or in its upstream's list */
    UT_hash_handle hh;
};

/* Finding, making, ending */

static struct call *find(struct balancer *b, uint64_t frontend, uint64_t number)
{
    struct call key = {.id = {frontend, number}}, *call;

    HASH_FIND(hh, b->calls, &key.id, sizeof(key.id), call);
    return call;
}

static struct call *make(struct balancer *b, uint64_t frontend, uint64_t number)
{
    struct call *call = memory_new(sizeof(*call));

    call->id.frontend = frontend;
    call->id.call = number;
    call->state = CALL_ENDED; /* in no list yet */
    HASH_ADD(hh, b->calls, id, sizeof(call->id), call);
    return call;
}

static bool is_in_waiting(const struct call *call)
{
    return call->state == CALL_WAITING || call->state == CALL_REKEYING;
}

/* The only place that changes a call's state, with its lists and counts. */
static void enter(struct balancer *b, struct call *call, enum call_state state,
                  struct peer *upstream)
{
    if (is_in_waiting(call)) {
        DL_DELETE(b->waiting, call);
        b->waiting_count--;
    }
    if (call->state == CALL_PLACED)
        DL_DELETE(call->upstream->placed, call);
    if (call->upstream && call->upstream != upstream) {
        call->upstream->outstanding--;
        b->may_place = true;
    }
    if (upstream && call->upstream != upstream)
        upstream->outstanding++;
    assert((state == CALL_PLACED || state == CALL_REKEYING) == (upstream != NULL));
    call->state = state;
    call->upstream = upstream;
    if (is_in_waiting(call)) {
        DL_APPEND(b->waiting, call);
        b->waiting_count++;
    }
    if (state == CALL_PLACED) {
        call->round = upstream->round;
        DL_APPEND(upstream->placed, call);
    }
}

static void keep_letter(struct balancer *b, struct call *call, const struct msg_call *letter)
{
    message_pack(&call->letter, MSG_CALL, letter);
    b->waiting_bytes += call->letter.len;
}

static void drop_letter(struct balancer *b, struct call *call)
{
    b->waiting_bytes -= call->letter.len;
    bytes_clear(&call->letter);
}

static void forget(struct balancer *b, struct call *call)
{
    enter(b, call, CALL_ENDED, NULL);
    HASH_DEL(b->calls, call);
    drop_letter(b, call);
    free(call->model);
    free(call);
}

/* The upstream is done with the call, but the answer may still be on its way. So it remembers the
 * call, for the case that it dies now. And if it was reported held, the call is kept until its
 * frontend has been told so: one that KNOWN doesn't name is offered again. */
static void end(struct balancer *b, struct call *call, struct peer *upstream)
{
    struct peer *frontend = peer_find(b, call->id.frontend, ROLE_FRONTEND);

    ended_note(&upstream->ended, &(struct ended_call){.frontend = call->id.frontend,
                                                      .call = call->id.call,
                                                      .offer = call->offer,
                                                      .attempt = call->attempt});
    if (call->was_held && !(frontend && frontend->known_sent))
        enter(b, call, CALL_ENDED, NULL);
    else
        forget(b, call);
}

static uint64_t left_ms(const struct balancer *b, const struct call *call)
{
    return call->deadline_ms > b->actor.now_ms ? call->deadline_ms - b->actor.now_ms : 0;
}

static void note_tried(struct call *call, uint64_t key_id)
{
    call->tried[call->tried_count++ % TRIED_MOST] = key_id;
}

/* The key that was given last has not arrived: its upstream still reports `key_id`. */
static void forget_untried(struct call *call, uint64_t key_id)
{
    if (call->tried_count && call->tried[(call->tried_count - 1) % TRIED_MOST] != key_id)
        call->tried_count--;
}

static bool is_among(const uint64_t *ids, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* A key for the call, and its way out into call->proxy. A key whose proxy is out of order is passed
 * over as long as there are others; if there are none, it is better than nothing. */
static struct pool_key *pick(struct balancer *b, struct call *call, struct view model,
                             struct pool_wait *wait)
{
    size_t tried = call->tried_count < TRIED_MOST ? call->tried_count : TRIED_MOST, count = tried;
    uint64_t avoid[TRIED_MOST + PASSED_MOST], now_ms = b->actor.now_ms;
    struct pool_key *first, *key;
    struct pool_wait ignored;

    if (!b->proxies.count)
        return pool_pick(&b->pool, model, call->tried, tried, now_ms, wait);
    memcpy(avoid, call->tried, tried * sizeof(*avoid));
    key = first = pool_pick(&b->pool, model, avoid, count, now_ms, wait);
    if (!key)
        return NULL;
    call->proxy = proxies_pick(&b->proxies, key->id, now_ms);
    while (b->proxies.is_by_key && !proxy_is_fit(call->proxy, now_ms) &&
           count < tried + PASSED_MOST) {
        avoid[count++] = key->id;
        key = pool_pick(&b->pool, model, avoid, count, now_ms, &ignored);
        if (is_among(avoid, count, key->id)) /* there is no other */
            break;
        call->proxy = proxies_pick(&b->proxies, key->id, now_ms);
    }
    if (proxy_is_fit(call->proxy, now_ms))
        return key;
    call->proxy = proxies_pick(&b->proxies, first->id, now_ms);
    return first;
}

static struct secret way_out(const struct call *call)
{
    return call->proxy ? call->proxy->url : (struct secret){VIEW("")};
}

static void set_model(struct call *call, struct view model)
{
    free(call->model);
    call->model = memory_text(model);
}

/* Refusing */

static void refuse(struct balancer *b, struct call *call, enum error error, uint64_t retry_after_ms)
{
    mailbox_post(&b->front, call->id.frontend, MSG_REFUSED,
                 &(struct msg_refused){.call = call->id.call,
                                       .offer = call->offer,
                                       .error = error,
                                       .retry_after_ms = retry_after_ms});
    forget(b, call);
}

static void stop(struct balancer *b, struct call *call, enum error error, uint64_t retry_after_ms)
{
    mailbox_post(&b->upstream, call->upstream->id, MSG_STOP,
                 &(struct msg_stop){.frontend = call->id.frontend,
                                    .call = call->id.call,
                                    .offer = call->offer,
                                    .error = error,
                                    .retry_after_ms = retry_after_ms});
    end(b, call, call->upstream);
}

/* No key now. False: one will be fit before the call's deadline, wait. */
static bool give_up(struct balancer *b, struct call *call, const struct pool_wait *wait)
{
    uint64_t after_ms = wait->until_ms == UINT64_MAX ? 0 : wait->until_ms - b->actor.now_ms;

    if (wait->until_ms < call->deadline_ms)
        return false;
    if (call->state == CALL_REKEYING)
        stop(b, call, wait->error, after_ms);
    else
        refuse(b, call, wait->error, after_ms);
    return true;
}

static void give_up_late(struct balancer *b, struct call *call)
{
    if (call->state == CALL_REKEYING)
        stop(b, call, ERROR_NONE, 0);
    else
        refuse(b, call, ERROR_NOT_READY, 1000);
}

/* Placing */

static void send_job(struct balancer *b, struct call *call, const struct msg_call *letter,
                     const struct pool_key *key)
{
    struct msg_job job = {
        .balancer = b->actor.incarnation,
        .frontend = call->id.frontend,
        .call = call->id.call,
        .offer = call->offer,
        .attempt = call->attempt,
        .pool = letter->pool,
        .model = letter->model,
        .operation = letter->operation,
        .path = letter->path,
        .stream = letter->stream,
        .thoughts = letter->thoughts,
        .estimate = letter->estimate,
        .client = letter->client,
        .left_ms = left_ms(b, call),
        .body_len = letter->body_len,
        .key_id = key->id,
        .key = key->key,
        .proxy = way_out(call),
        .body = letter->body,
    };

    mailbox_post(&b->upstream, call->upstream->id, MSG_JOB, &job);
}

/* True: the call needs no further care now (placed, or refused). */
static bool place(struct balancer *b, struct call *call, const struct msg_call *letter,
                  struct pool_wait *wait)
{
    struct peer *upstream = peer_least_loaded(b, call->id.frontend);
    struct pool_key *key;

    *wait = (struct pool_wait){0};
    if (!upstream)
        return false;
    key = pick(b, call, letter->model, wait);
    if (!key)
        return give_up(b, call, wait);
    call->attempt++;
    note_tried(call, key->id);
    enter(b, call, CALL_PLACED, upstream);
    send_job(b, call, letter, key);
    drop_letter(b, call);
    return true;
}

static bool rekey(struct balancer *b, struct call *call, struct pool_wait *wait)
{
    struct pool_key *key = pick(b, call, view_of(call->model), wait);
    struct peer *upstream = call->upstream;

    if (!key)
        return give_up(b, call, wait);
    call->attempt++;
    note_tried(call, key->id);
    enter(b, call, CALL_PLACED, upstream);
    mailbox_post(&b->upstream, upstream->id, MSG_REKEY,
                 &(struct msg_rekey){.frontend = call->id.frontend,
                                     .call = call->id.call,
                                     .offer = call->offer,
                                     .attempt = call->attempt,
                                     .key_id = key->id,
                                     .key = key->key,
                                     .proxy = way_out(call)});
    return true;
}

static bool place_again(struct balancer *b, struct call *call, struct pool_wait *wait)
{
    struct view frame = bytes_view(&call->letter);
    union message letter;
    enum message_kind kind;

    if (call->state == CALL_REKEYING)
        return rekey(b, call, wait);
    message_unpack(&frame, &kind, &letter);
    assert(kind == MSG_CALL); /* we packed it */
    return place(b, call, &letter.call, wait);
}

/* Whether those that came before wait for an upstream already. */
static bool is_blocked(struct balancer *b, uint64_t frontend)
{
    const struct peer *peer = b->is_blocked ? NULL : peer_find(b, frontend, ROLE_FRONTEND);

    return b->is_blocked || (peer && peer->is_blocked);
}

/* There is no upstream for a call of this frontend. If others have room, that is no other
 * frontend's business. */
static void block(struct balancer *b, uint64_t frontend)
{
    struct peer *peer = peer_find(b, frontend, ROLE_FRONTEND);

    b->is_blocked = !peers_have_room(b);
    if (peer)
        peer->is_blocked = true;
}

struct dry_models {
    struct view at[MODELS_MOST];
    size_t count;
};

static bool is_dry(const struct dry_models *dry, struct view model)
{
    for (size_t i = 0; i < dry->count; i++)
        if (view_equal(dry->at[i], model))
            return true;
    return false;
}

/* One look at a waiting call; sets the time of the next look. */
static void look_at(struct balancer *b, struct call *call, struct dry_models *dry)
{
    struct pool_wait wait = {0};
    uint64_t now_ms = b->actor.now_ms;

    actor_wake(&b->actor, call->deadline_ms);
    if (now_ms >= call->deadline_ms) {
        give_up_late(b, call);
        return;
    }
    if (now_ms < call->not_before_ms) {
        actor_wake(&b->actor, call->not_before_ms);
        return;
    }
    if ((call->state == CALL_WAITING && is_blocked(b, call->id.frontend)) ||
        is_dry(dry, view_of(call->model)))
        return;
    if (place_again(b, call, &wait))
        return;
    if (!wait.until_ms) {
        block(b, call->id.frontend);
        return;
    }
    actor_wake(&b->actor, wait.until_ms);
    if (dry->count < MODELS_MOST)
        dry->at[dry->count++] = view_of(call->model);
}

void calls_place(struct balancer *b)
{
    struct dry_models dry = {0};
    struct call *call, *next;

    b->may_place = b->is_blocked = false;
    peers_unblock(b);
    DL_FOREACH_SAFE (b->waiting, call, next)
        look_at(b, call, &dry);
    b->may_place = false;
}

/* Letters */

static void wait_in_queue(struct balancer *b, struct call *call, const struct msg_call *letter)
{
    if (b->waiting_count >= options.queue_limit ||
        b->waiting_bytes + letter->body.len > options.queue_bytes) {
        refuse(b, call, ERROR_QUEUE_FULL, 1000);
        return;
    }
    keep_letter(b, call, letter);
    set_model(call, letter->model);
    enter(b, call, CALL_WAITING, NULL);
    actor_wake(&b->actor, call->deadline_ms);
}

static void cancel_at_upstream(struct balancer *b, const struct call *call)
{
    if (call->upstream)
        mailbox_post(&b->upstream, call->upstream->id, MSG_CANCEL,
                     &(struct msg_cancel){.frontend = call->id.frontend,
                                          .call = call->id.call,
                                          .offer = call->offer});
}

/* The offer has ended here, and its answer may be on the way. */
static bool has_ended(struct balancer *b, uint64_t frontend, const struct msg_call *letter)
{
    struct peer *peer, *next;

    HASH_ITER (hh, b->peers, peer, next)
        if (ended_has(&peer->ended, frontend, letter->call, letter->offer))
            return true;
    return false;
}

void calls_offer(struct balancer *b, uint64_t frontend, const struct msg_call *letter)
{
    struct call *call = find(b, frontend, letter->call);
    struct pool_wait wait;

    if (letter->again && (call || has_ended(b, frontend, letter)))
        return;
    if (call && call->state != CALL_ENDED && letter->offer <= call->offer)
        return; /* heard before */
    if (call && call->state != CALL_ENDED)
        cancel_at_upstream(b, call);
    if (call)
        forget(b, call);
    call = make(b, frontend, letter->call);
    call->offer = letter->offer;
    call->attempt = letter->attempts;
    call->deadline_ms = b->actor.now_ms + letter->left_ms;
    if (is_blocked(b, frontend)) {
        wait_in_queue(b, call, letter);
        return;
    }
    if (place(b, call, letter, &wait))
        return;
    if (wait.until_ms)
        actor_wake(&b->actor, wait.until_ms);
    else
        block(b, frontend);
    wait_in_queue(b, call, letter);
}

void calls_held(struct balancer *b, struct peer *upstream, const struct msg_held *letter)
{
    struct call *call = find(b, letter->frontend, letter->call);

    bool is_running = call && call->state != CALL_ENDED;
    bool is_elsewhere = is_running && call->upstream && call->upstream != upstream;

    if (is_running && letter->offer <= call->offer &&
        (is_elsewhere || letter->offer < call->offer)) {
        mailbox_post(&b->upstream, upstream->id, MSG_CANCEL,
                     &(struct msg_cancel){.frontend = letter->frontend,
                                          .call = letter->call,
                                          .offer = letter->offer});
        return;
    }
    if (is_elsewhere)
        cancel_at_upstream(b,
                           call); /* one that was silent for a while: the call was offered again */
    if (!call)
        call = make(b, letter->frontend, letter->call);
    call->offer = letter->offer;
    call->attempt = letter->attempt;
    call->is_asking = view_equal(letter->state, VIEW("waiting"));
    if (call->is_asking)
        forget_untried(call, letter->key_id);
    call->deadline_ms = b->actor.now_ms + letter->left_ms;
    call->was_held = true;
    if (!view_equal(letter->state, VIEW("ended")))
        enter(b, call, CALL_PLACED, upstream);
    else
        end(b, call, upstream);
}

static uint64_t pause_ms(uint64_t fault, uint64_t attempt)
{
    uint64_t pause = BUSY_PAUSE_MS;

    if (fault != FAULT_OVERLOADED)
        return 0;
    while (--attempt > 0 && pause < BUSY_PAUSE_MOST_MS)
        pause *= 2;
    return pause;
}

/* No further attempt. If keys rest, the client is to come again when the first of them is back, not
 * the last tried. */
static void stop_tried(struct balancer *b, struct call *call, const struct msg_outcome *letter)
{
    struct pool_wait wait = pool_earliest(&b->pool, letter->model);
    bool is_rest = fault_facts(letter->fault)->cools != COOLS_NOTHING;

    if (!is_rest)
        stop(b, call, ERROR_NONE, letter->retry_ms);
    else if (wait.until_ms == UINT64_MAX) /* there are no keys (any more) */
        stop(b, call, wait.error, 0);
    else if (wait.until_ms <= b->actor.now_ms)
        stop(b, call, ERROR_NONE, 1);
    else
        stop(b, call, wait.error, wait.until_ms - b->actor.now_ms);
}

/* The upstream asks for another key. */
static void more(struct balancer *b, struct call *call, const struct msg_outcome *letter)
{
    uint64_t most = options.max_retries ? options.max_retries : 1;
    struct peer *upstream = call->upstream;

    if (letter->fault == FAULT_NO_MODEL && most > 2)
        most = 2; /* keys differ in what they may use, but a name that is wrong is wrong for all */
    call->attempt = letter->attempt > call->attempt ? letter->attempt : call->attempt;
    if (call->attempt >= most || b->actor.now_ms >= call->deadline_ms) {
        stop_tried(b, call, letter);
        return;
    }
    note_tried(call, letter->key_id);
    call->is_asking = false;
    set_model(call, letter->model);
    call->not_before_ms = b->actor.now_ms + pause_ms(letter->fault, call->attempt);
    enter(b, call, CALL_REKEYING, upstream);
    b->may_place = true;
    actor_wake(&b->actor, call->not_before_ms);
}

/* What the attempt says of the proxy that it went by. One that was given up, or that came to no
 * end, says nothing. */
static void settle_proxy(struct balancer *b, struct call *call, const struct msg_outcome *letter)
{
    struct proxy *proxy = call->proxy;
    uint64_t until_ms;

    if (!proxy || letter->attempt != call->attempt)
        return;
    call->proxy = NULL;
    if (letter->fault == FAULT_CLIENT_GONE || letter->fault == FAULT_TIMEOUT ||
        letter->fault == FAULT_LOST)
        return;
    until_ms = proxy_settle(proxy, letter->fault == FAULT_PROXY, b->actor.now_ms);
    if (until_ms > b->actor.now_ms)
        log_warn("proxy.rests", F_ID("proxy", proxy->id),
                 F_NUM("number", proxy - b->proxies.at + 1),
                 F_NUM("ms", until_ms - b->actor.now_ms));
}

void calls_outcome(struct balancer *b, struct peer *upstream, const struct msg_outcome *letter)
{
    struct call *call = find(b, letter->frontend, letter->call);
    bool is_ours = call && call->upstream == upstream && call->offer == letter->offer;

    if (!is_ours) {
        if (letter->more)
            mailbox_post(&b->upstream, upstream->id, MSG_CANCEL,
                         &(struct msg_cancel){.frontend = letter->frontend,
                                              .call = letter->call,
                                              .offer = letter->offer});
        return;
    }
    settle_proxy(b, call, letter);
    if (letter->more)
        more(b, call, letter);
    else
        end(b, call, upstream);
}

/* An outcome that was taken before. If its upstream still waits for a key, the REKEY was lost with
 * the connection. */
void calls_outcome_again(struct balancer *b, struct peer *upstream,
                         const struct msg_outcome *letter)
{
    struct call *call = find(b, letter->frontend, letter->call);

    if (letter->more && call && call->state == CALL_PLACED && call->upstream == upstream &&
        call->offer == letter->offer && call->is_asking && call->attempt == letter->attempt)
        more(b, call, letter);
}

void calls_cancel(struct balancer *b, uint64_t frontend, const struct msg_cancel *letter)
{
    struct call *call = find(b, frontend, letter->call);

    if (!call || call->offer > letter->offer || call->state == CALL_ENDED)
        return;
    cancel_at_upstream(b, call);
    if (call->state == CALL_REKEYING)
        enter(b, call, CALL_PLACED, call->upstream); /* until its outcome says cancelled */
    if (call->state == CALL_WAITING)
        forget(b, call);
}

/* What becomes of calls when pairs break */

static void tell_retry(struct balancer *b, const struct ended_call *lost)
{
    mailbox_post(
        &b->front, lost->frontend, MSG_RETRY,
        &(struct msg_retry){.call = lost->call, .offer = lost->offer, .attempts = lost->attempt});
}

static void retry(struct balancer *b, struct call *call)
{
    tell_retry(b, &(struct ended_call){.frontend = call->id.frontend,
                                       .call = call->id.call,
                                       .offer = call->offer,
                                       .attempt = call->attempt});
    forget(b, call);
}

/* Nobody holds it any more: if it is kept for KNOWN, it must not be named there. */
static void drop_ended(struct balancer *b, const struct ended_call *ended)
{
    struct call *call = find(b, ended->frontend, ended->call);

    if (call && call->state == CALL_ENDED && call->offer == ended->offer)
        forget(b, call);
}

void calls_all_acked(struct balancer *b, struct peer *upstream)
{
    for (size_t i = 0; i < upstream->ended.count; i++)
        drop_ended(b, ended_at(&upstream->ended, i));
    ended_forget(&upstream->ended, 0);
}

/* Those that have ended there: a frontend that has the answer, or its beginning, ignores this. */
static void retry_ended(struct balancer *b, struct peer *upstream, uint64_t frontend)
{
    for (size_t i = 0; i < upstream->ended.count; i++) {
        const struct ended_call *call = ended_at(&upstream->ended, i);

        if (frontend && call->frontend != frontend)
            continue;
        tell_retry(b, call);
        drop_ended(b, call);
    }
    ended_forget(&upstream->ended, frontend);
}

void calls_retry_placed(struct balancer *b, struct peer *upstream, uint64_t frontend)
{
    struct call *call, *next;

    DL_FOREACH_SAFE (upstream->placed, call, next)
        if (!frontend || call->id.frontend == frontend)
            retry(b, call);
    DL_FOREACH_SAFE (b->waiting, call, next)
        if (call->upstream == upstream && (!frontend || call->id.frontend == frontend))
            retry(b, call);
    retry_ended(b, upstream, frontend);
}

void calls_retry_unreported(struct balancer *b, struct peer *upstream)
{
    struct call *call, *next;

    DL_FOREACH_SAFE (upstream->placed, call, next) {
        if (call->round == upstream->round)
            continue;
        call->attempt -= call->attempt > 0; /* its JOB was lost: that request was never made */
        retry(b, call);
    }
}

void calls_drop_frontend(struct balancer *b, uint64_t frontend)
{
    struct call *call, *next;

    HASH_ITER (hh, b->calls, call, next)
        if (call->id.frontend == frontend)
            forget(b, call);
}

void calls_known(struct balancer *b, struct peer *frontend)
{
    struct call *call, *next;

    HASH_ITER (hh, b->calls, call, next) {
        if (call->id.frontend != frontend->id || !call->was_held)
            continue;
        mailbox_post(&b->front, frontend->id, MSG_KNOWN,
                     &(struct msg_known){.call = call->id.call, .offer = call->offer});
        if (call->state == CALL_ENDED)
            forget(b, call);
    }
}

size_t calls_count(const struct balancer *b)
{
    return HASH_COUNT(b->calls);
}

void calls_dump(struct balancer *b)
{
    static const char *const names[] = {"waiting", "placed", "rekeying", "ended"};
    struct call *call, *next;

    HASH_ITER (hh, b->calls, call, next)
        log_info("dump.call", F_ID("frontend", call->id.frontend), F_ID("call", call->id.call),
                 F_NUM("offer", call->offer), F_STR("state", names[call->state]),
                 F_ID("upstream", call->upstream ? call->upstream->id : 0));
}
