/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange between a road that is played and a client over a real connection: calls are started,
 * and the test says what becomes of them, then reads what the client gets. */
#pragma once

#include "cases.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "exchange/exchange.h"
#include "settings_mine.h"

enum { CALLS_MOST = 16 };

static struct {
    struct actor actor;
    struct web web;
    struct exchanges exchanges;
    bool is_draining;
    char address[64];

    /* the client */
    int fd;
    struct bytes in;
    bool is_closed, is_slow; /* a slow one reads nothing */

    /* what the next request becomes */
    struct endpoint endpoint;
    struct error_shape shape;
    enum step_pass pass;
    size_t steps, limit;
    size_t places[CALLS_MOST];
    bool is_sse, is_stream, is_gathered;
    enum error event_error, answer_error;
    const char *why;
    size_t mends;   /* failures that get another call */
    size_t skips;   /* failures without which the plan goes on */
    size_t further; /* answers that ask for another call */
    size_t keeps;   /* bytes that the endpoint says it keeps */
    size_t pieces;  /* of work that each answer leaves to do */
    enum error work_error;
    const char *type;
    bool is_early;
    size_t beats, begun, cleared, idle;

    /* the road */
    size_t started, room;
    bool is_unheard;
} scene;

/* Instead of frontend/road */

struct call {
    size_t number;
    const struct order *order;
    const struct call_events *events;
    void *owner;
    uint64_t mark, heard_ms;
};

static struct call *calls[CALLS_MOST]; /* NULL: freed */
static uint64_t taken[CALLS_MOST];

bool road_has_room(const struct road *road, size_t body_len, size_t more)
{
    (void)road, (void)body_len;
    return scene.started + more <= scene.room;
}

struct call *call_start(struct road *road, uint64_t id, const struct order *order,
                        uint64_t deadline_ms, const struct call_events *events, void *owner)
{
    struct call *call;

    (void)road, (void)id, (void)deadline_ms;
    if (scene.started >= scene.room)
        return NULL;
    call = memory_new(sizeof(*call));
    *call =
        (struct call){.number = scene.started, .order = order, .events = events, .owner = owner};
    taken[scene.started] = 0;
    return calls[scene.started++] = call;
}

void call_free(struct call *call)
{
    if (!call)
        return;
    calls[call->number] = NULL;
    free(call);
}

uint64_t call_mark(const struct call *call)
{
    return call->mark;
}

void call_taken(struct call *call, uint64_t mark)
{
    assert_true(mark >= taken[call->number] && mark <= call->mark);
    taken[call->number] = mark;
}

struct call_facts call_facts(const struct call *call)
{
    return (struct call_facts){.id = call->number + 1,
                               .attempts = 1,
                               .heard_ms = call->heard_ms,
                               .is_unheard = scene.is_unheard};
}

/* What becomes of the calls */

static inline void head_of(size_t number, struct answer_head head)
{
    struct call *call = calls[number];

    call->mark++;
    call->heard_ms = clock_ms();
    call->events->head(call->owner, &head);
}

static inline void head(size_t number)
{
    head_of(number, (struct answer_head){.status = 200});
}

static inline void bytes_of(size_t number, struct view bytes, bool event_end)
{
    struct call *call = calls[number];

    call->mark++;
    call->heard_ms = clock_ms();
    call->events->bytes(call->owner, bytes, event_end);
}

static inline void text(size_t number, const char *text)
{
    bytes_of(number, view_of(text), true);
}

static inline void end(size_t number)
{
    struct call *call = calls[number];

    call->mark++;
    call->events->end(call->owner);
}

static inline void failed(size_t number, struct call_failure failure)
{
    struct call *call = calls[number];

    call->mark++;
    call->events->failed(call->owner, &failure);
}

static inline void answered(size_t number, const char *body)
{
    head(number);
    text(number, body);
    end(number);
}

/* Instead of proto/actor.c, which then is not linked */

void actor_hook(struct actor *actor, void (*watch)(struct actor *, int fd),
                void (*unwatch)(struct actor *, int fd), void *loop)
{
    (void)actor, (void)watch, (void)unwatch, (void)loop;
}

void actor_ready(struct actor *actor, int fd)
{
    (void)actor, (void)fd;
}

bool actor_turn(struct actor *actor)
{
    (void)actor;
    return false;
}

uint64_t actor_wait_ms(const struct actor *actor)
{
    (void)actor;
    return 0;
}

/* The endpoint and the shape of errors */

static inline enum error takes_event(void *state, struct plan *plan, size_t call, struct view json,
                                     struct bytes *out)
{
    (void)state;
    bytes_printf(out, "<%zu:%.*s>", plan->steps[call]->place, (int)json.len, json.at);
    plan->kept = scene.keeps;
    if (scene.why)
        bytes_text(&plan->why, scene.why);
    return scene.event_error;
}

static inline enum error takes_answer(void *state, struct plan *plan, size_t call,
                                      const struct call_answer *answer, struct bytes *out)
{
    struct bytes body = {0};

    (void)state;
    bytes_printf(out, "[%zu:%.*s]", plan->steps[call]->place, (int)answer->body.len,
                 answer->body.len ? answer->body.at : "");
    if (scene.further) {
        scene.further--;
        plan_again(plan, call, &body);
    }
    plan->has_work = scene.pieces > 0;
    return scene.answer_error;
}

static inline enum error works(void *state, struct plan *plan, struct bytes *out)
{
    (void)state;
    assert_true(scene.pieces > 0);
    bytes_printf(out, "piece %zu ", scene.pieces--);
    plan->has_work = scene.pieces > 0;
    return scene.work_error;
}

static inline bool takes_failure(void *state, struct plan *plan, size_t call,
                                 const struct call_failure *failure)
{
    struct bytes body = {0};

    (void)state, (void)failure;
    if (scene.skips) {
        scene.skips--;
        return true;
    }
    if (!scene.mends)
        return false;
    scene.mends--;
    return plan_again(plan, call, &body) != SIZE_MAX;
}

static inline void takes_end(void *state, struct bytes *out)
{
    (void)state;
    bytes_text(out, "END");
}

static inline void takes_beat(void *state, struct bytes *out)
{
    (void)state;
    scene.beats++;
    bytes_text(out, "beat ");
}

static inline void clears(void *state)
{
    (void)state;
    scene.cleared++;
}

static inline void writes(const struct complaint *complaint, struct bytes *out)
{
    bytes_printf(out, "error(%s%s%s%.*s)", error_facts(complaint->error)->name,
                 complaint->text ? " " : "", complaint->text ? complaint->text : "",
                 (int)complaint->body.len, complaint->body.len ? complaint->body.at : "");
}

static inline void writes_event(const struct complaint *complaint, struct bytes *out)
{
    bytes_printf(out, "event-error(%s)", error_facts(complaint->error)->name);
}

/* The gateway's side of HTTP */

static inline int on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    struct plan plan = {.limit = scene.limit,
                        .is_sse = scene.is_sse,
                        .is_gathered = scene.is_gathered,
                        .type = scene.type,
                        .is_early = scene.is_early};
    void *state = h2o_mem_alloc_pool(&req->pool, 1);

    (void)handler;
    for (size_t i = 0; i < scene.steps; i++) {
        struct bytes body = {0};
        struct step step = {.order = {.pool = "gemini",
                                      .operation = "x",
                                      .body = body_new(&body),
                                      .stream = scene.is_stream},
                            .pass = scene.pass,
                            .place = scene.places[i]};

        plan_add(&plan, &step);
        body_let_go(step.order.body);
    }
    scene.begun++;
    exchange_begin(&scene.exchanges, req, &scene.endpoint, &scene.shape, state, &plan, 0xabc);
    return 0;
}

static inline void on_idle(void *owner)
{
    (void)owner;
    scene.idle++;
}

/* The client */

static inline void read_on(void)
{
    char part[65536];
    ssize_t got;

    while (!scene.is_slow && !scene.is_closed && scene.fd >= 0 &&
           (got = recv(scene.fd, part, sizeof(part), MSG_DONTWAIT)) >= 0) {
        bytes_append(&scene.in, (struct view){part, (size_t)got});
        scene.is_closed = got == 0;
    }
}

static inline void turn(void)
{
    h2o_evloop_run(scene.web.loop, 2);
    read_on();
}

#define TURN_UNTIL(what)                                                                           \
    do {                                                                                           \
        for (uint64_t end_ms_ = clock_ms() + 10000; !(what) && clock_ms() < end_ms_;)              \
            turn();                                                                                \
        assert_true(what);                                                                         \
    } while (0)

static inline void turns(int count)
{
    while (count-- > 0)
        turn();
}

static inline void hang_up(void)
{
    if (scene.fd >= 0)
        close(scene.fd);
    scene.fd = -1;
}

static inline void connect_client(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    hang_up();
    scene.is_closed = scene.is_slow = false;
    scene.in.len = scene.started = 0;
    memcpy(at.sun_path, scene.address, sizeof(scene.address));
    scene.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(scene.fd, (struct sockaddr *)&at, sizeof(at)), 0);
}

static inline void ask_by(const char *method, const char *version)
{
    struct bytes request = {0};
    size_t begun = scene.begun;

    connect_client();
    bytes_printf(&request, "%s / HTTP/%s\r\nhost: x\r\nconnection: close\r\n\r\n", method, version);
    assert_int_equal(write(scene.fd, request.at, request.len), request.len);
    bytes_clear(&request);
    TURN_UNTIL(scene.begun > begun);
}

static inline void ask(void)
{
    ask_by("GET", "1.1");
}

/* Whether the client has got that by now. */
static inline bool has(const char *text)
{
    return strcasestr(bytes_cstr(&scene.in), text) != NULL;
}

/* A reply as a client reads it. */
static struct reply {
    struct bytes head, body;
    bool is_whole; /* as far as its framing tells */
} reply;

static inline bool dechunk(struct view raw, struct bytes *out)
{
    while (raw.len) {
        char *after;
        size_t len = strtoul(raw.at, &after, 16);
        size_t skip = (size_t)(after - raw.at) + 2;

        if (len == 0)
            return true;
        if (raw.len < skip)
            return false;
        raw = view_skip(raw, skip);
        if (raw.len < len + 2) {
            bytes_append(out, raw);
            return false;
        }
        bytes_append(out, (struct view){raw.at, len});
        raw = view_skip(raw, len + 2);
    }
    return false;
}

static inline void read_reply(void)
{
    const char *border, *length;
    struct view rest;

    TURN_UNTIL(scene.is_closed);
    reply.head.len = reply.body.len = 0;
    border = strstr(bytes_cstr(&scene.in), "\r\n\r\n");
    assert_non_null(border);
    bytes_append(&reply.head, (struct view){scene.in.at, (size_t)(border - scene.in.at) + 2});
    rest = view_skip(bytes_view(&scene.in), reply.head.len + 2);
    length = strcasestr(bytes_cstr(&reply.head), "content-length: ");
    if (strstr(reply.head.at, "transfer-encoding: chunked")) {
        reply.is_whole = dechunk(rest, &reply.body);
    } else {
        bytes_append(&reply.body, rest);
        reply.is_whole = !length || strtoul(length + 16, NULL, 10) == rest.len;
    }
}

static inline void expect_reply(const char *what, const char *head, const char *body, bool is_whole)
{
    read_reply();
    if (!strcasestr(bytes_cstr(&reply.head), head))
        fail_msg("%s: no %s in\n%s", what, head, reply.head.at);
    expect_text(what, bytes_cstr(&reply.body), body);
    if (reply.is_whole != is_whole)
        fail_msg("%s: whole is %d", what, reply.is_whole);
}

static inline size_t open_calls(void)
{
    size_t count = 0;

    for (size_t i = 0; i < CALLS_MOST; i++)
        count += calls[i] != NULL;
    return count;
}

/* Before and after */

static inline int open_web(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    *settings_mine() = (struct settings){0};
    settings_mine()->request_ms = 60000;
    settings_mine()->client_stall_ms = 60000;
    settings_mine()->time_out_ms = 60000;
    log_open("test", "ERROR");
    snprintf(scene.address, sizeof(scene.address), "/tmp/test-exchange-%d", (int)getpid());
    web_open(&scene.web, &scene.actor, NULL, on_req, 1 << 20);
    web_start(&scene.web);
    web_listen_unix(&scene.web, scene.address);
    scene.exchanges.on_idle = on_idle;
    scene.exchanges.writers.is_draining = &scene.is_draining;
    exchanges_open(&scene.exchanges, &scene.web, NULL);
    scene.fd = -1;
    return 0;
}

static inline int close_web(void **state)
{
    (void)state;
    unlink(scene.address);
    bytes_clear(&scene.in);
    bytes_clear(&reply.head);
    bytes_clear(&reply.body);
    return 0;
}

static inline int open_exchange(void **state)
{
    (void)state;
    settings_mine()->body_budget = 64 << 20;
    settings_mine()->reply_limit = 1 << 20;
    settings_mine()->time_out_ms = 60000;
    settings_mine()->client_stall_ms = 60000;
    settings_mine()->stream_ping_ms = 60000;
    scene.exchanges.deadline.timeout = scene.exchanges.ping.timeout = 60000;
    scene.exchanges.writers.stall.timeout = 60000;
    scene.endpoint = (struct endpoint){.name = "fake",
                                       .state_size = 1,
                                       .stream = "text/event-stream",
                                       .event = takes_event,
                                       .answer = takes_answer,
                                       .failed = takes_failure,
                                       .end = takes_end,
                                       .work = works,
                                       .clear = clears};
    scene.shape =
        (struct error_shape){.name = "fake", .write = writes, .write_event = writes_event};
    scene.pass = STEP_WHOLE;
    scene.steps = 1;
    scene.limit = scene.room = CALLS_MOST;
    for (size_t i = 0; i < CALLS_MOST; i++)
        scene.places[i] = i;
    scene.is_sse = scene.is_stream = scene.is_draining = scene.is_unheard = false;
    scene.event_error = scene.answer_error = scene.work_error = ERROR_NONE;
    scene.pieces = 0;
    scene.type = NULL;
    scene.is_early = false;
    scene.is_gathered = false;
    scene.why = NULL;
    scene.mends = scene.skips = scene.further = scene.keeps = 0;
    scene.beats = scene.begun = scene.cleared = scene.idle = 0;
    return 0;
}

static inline int close_exchange(void **state)
{
    (void)state;
    hang_up();
    TURN_UNTIL(scene.exchanges.count == 0 && scene.web.clients == 0);
    assert_null(scene.exchanges.open);
    assert_int_equal(open_calls(), 0);
    assert_int_equal(scene.exchanges.gathered, 0);
    assert_int_equal(scene.cleared, scene.begun);
    assert_true(scene.idle > 0);
    return 0;
}

static inline void stream(void)
{
    scene.pass = STEP_EVENTS;
    scene.is_sse = scene.is_stream = true;
    ask();
}

static inline void pass_bytes(void)
{
    scene.pass = STEP_BYTES;
    ask();
}

#define EXCHANGE_TEST(name) cmocka_unit_test_setup_teardown(name, open_exchange, close_exchange)
