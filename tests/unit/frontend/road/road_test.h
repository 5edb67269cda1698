/* SPDX-License-Identifier: Apache-2.0 */
/* A road without sockets: letters go in by its handlers, what is posted is noted as text, and so is
 * what the owners of calls hear. Balancers are slots 0 and 1, an upstream is its incarnation. */
#pragma once

#include "cases.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "road/private.h"
#include "settings_mine.h"

enum { CALLS_MOST = 40, BOXES_MOST = 8 };

static struct {
    struct actor actor;
    struct road *road;
    const char *try_fault; /* what mailbox_try has against the next address */
    struct bytes posted, heard;
    struct bytes body; /* of the last CALL */
    struct mailbox *closed[BOXES_MOST];
    size_t closed_count;
} scene;

/* Instead of proto/actor.c, proto/mailbox.c and proto/link.c, which then are not linked */

static inline void note(const char *who, uint64_t number, enum message_kind kind,
                        const void *letter)
{
    const union message *msg = letter;
    struct bytes *out = &scene.posted;

    bytes_printf(out, "%s%x:%s", who, (unsigned)number, messages[kind].name);
    switch ((int)kind) {
    case MSG_CALL:
        bytes_printf(out, "(%u.%u%s)", (unsigned)msg->call.call, (unsigned)msg->call.offer,
                     msg->call.again ? " again" : "");
        scene.body.len = 0;
        bytes_append(&scene.body, msg->call.body);
        break;
    case MSG_ACK:
        bytes_printf(out, "(%u.%u %u)", (unsigned)msg->ack.call, (unsigned)msg->ack.offer,
                     (unsigned)msg->ack.seq);
        break;
    case MSG_RESUME:
        bytes_printf(out, "(%u.%u %u)", (unsigned)msg->resume.call, (unsigned)msg->resume.offer,
                     (unsigned)msg->resume.seq);
        break;
    case MSG_CANCEL:
        bytes_printf(out, "(%u.%u)", (unsigned)msg->cancel.call, (unsigned)msg->cancel.offer);
        break;
    case MSG_BODY:
        bytes_printf(out, "(%u.%u %u+%u)", (unsigned)msg->body.call, (unsigned)msg->body.offer,
                     (unsigned)msg->body.from, (unsigned)msg->body.data.len);
        break;
    case MSG_SEES:
        bytes_printf(out, "(%x)", (unsigned)msg->sees.peer);
        break;
    case MSG_LOST:
        bytes_printf(out, "(%x)", (unsigned)msg->lost.upstream);
        break;
    default:
        break;
    }
    bytes_text(out, " ");
}

void actor_wake(struct actor *actor, uint64_t at_ms)
{
    if (at_ms < actor->wake_ms)
        actor->wake_ms = at_ms;
}

const char *mailbox_try(struct mailbox *box, struct actor *actor, enum mailbox_type type,
                        const char *name, const char *address, letter_handler *const *handlers,
                        mailbox_watcher *watcher, void *owner)
{
    (void)address;
    *box = (struct mailbox){.actor = actor,
                            .name = name,
                            .type = type,
                            .handlers = handlers,
                            .watcher = watcher,
                            .owner = owner};
    return scene.try_fault;
}

void mailbox_close(struct mailbox *box)
{
    assert_true(scene.closed_count < BOXES_MOST);
    scene.closed[scene.closed_count++] = box;
}

void mailbox_post(struct mailbox *box, uint64_t to, enum message_kind kind, const void *letter)
{
    (void)to;
    note("U", ((struct upstream_link *)box->owner)->incarnation, kind, letter);
}

void link_open(struct link *link, struct actor *actor, const char *name, const char *address,
               const struct msg_hello *hello, letter_handler *const *handlers, void *owner)
{
    (void)name, (void)hello;
    link->box.actor = actor;
    link->address = address;
    link->owner = owner;
    memcpy(link->handlers, handlers, sizeof(link->handlers));
}

bool link_post(struct link *link, enum message_kind kind, const void *letter)
{
    if (!link->peer)
        return false;
    note("B", ((struct balancer_link *)link->owner)->slot, kind, letter);
    return true;
}

void link_tick(struct link *link, uint64_t calls, uint64_t now_ms)
{
    (void)link, (void)calls, (void)now_ms;
}

/* The mailboxes that were closed go, as they do at the end of a turn. */
static inline void close_boxes(void)
{
    for (size_t i = 0; i < scene.closed_count; i++)
        scene.closed[i]->watcher(scene.closed[i]->owner, scene.closed[i], MAILBOX_CLOSED, 0);
    scene.closed_count = 0;
}

/* What balancers do */

static inline struct balancer_link *balancer(size_t slot)
{
    return &scene.road->balancers.at[slot];
}

static inline void welcome(size_t slot, uint64_t incarnation)
{
    struct link *link = &balancer(slot)->link;

    link->peer = incarnation;
    link->heard_ms = clock_ms();
    link->on_welcome(link->owner, link);
}

static inline void break_link(size_t slot)
{
    struct link *link = &balancer(slot)->link;

    link->peer = 0;
    link->on_lost(link->owner, link);
}

static inline void say(size_t slot, enum message_kind kind, const void *letter, size_t size)
{
    union message copy = {0};
    struct link *link = &balancer(slot)->link;

    memcpy(&copy, letter, size);
    assert_non_null(link->handlers[kind]);
    link->handlers[kind](link->owner, &(struct letter){kind, &copy, 0, &link->box});
}

#define SAY(slot, KIND, name, ...)                                                                 \
    say(slot, MSG_##KIND, &(struct msg_##name){__VA_ARGS__}, sizeof(struct msg_##name))

/* What upstreams do */

static inline struct upstream_link *upstream(uint64_t incarnation)
{
    struct upstream_link *found;

    HASH_FIND(hh, scene.road->upstreams.by_incarnation, &incarnation, sizeof(incarnation), found);
    assert_non_null(found);
    return found;
}

static inline void happen(uint64_t incarnation, enum mailbox_event event)
{
    struct mailbox *box = &upstream(incarnation)->box;

    box->watcher(box->owner, box, event, 0);
}

static inline void attach(uint64_t incarnation, const char *address)
{
    SAY(0, PEER, peer, .upstream = incarnation, .address = view_of(address));
    happen(incarnation, MAILBOX_CONNECTED);
}

static inline void answer(uint64_t incarnation, enum message_kind kind, const void *letter,
                          size_t size)
{
    union message copy = {0};
    struct mailbox *box = &upstream(incarnation)->box;

    memcpy(&copy, letter, size);
    assert_non_null(box->handlers[kind]);
    box->handlers[kind](box->owner, &(struct letter){kind, &copy, 0, box});
}

#define ANSWER(from, KIND, name, ...)                                                              \
    answer(from, MSG_##KIND, &(struct msg_##name){__VA_ARGS__}, sizeof(struct msg_##name))
#define HEAD(from, id) ANSWER(from, HEAD, head, .call = (id), .offer = 1, .status = 200)
#define CHUNK(from, id, number, text)                                                              \
    ANSWER(from, CHUNK, chunk, .call = (id), .offer = 1, .seq = (number), .data = VIEW(text))
#define END(from, id, number) ANSWER(from, END, end, .call = (id), .offer = 1, .seq = (number))

/* What owners of calls hear */

static struct listener {
    struct call *call;
    uint64_t id;
    struct order order;
    uint64_t frees; /* the numbers of calls that any event of this one frees, one bit each */
    bool starts;    /* …and whether it starts the next one */
} listeners[CALLS_MOST];

static struct call *start(uint64_t id, struct order order);

static inline void react(struct listener *listener)
{
    uint64_t frees = listener->frees;

    listener->frees = 0;
    for (size_t id = 1; id < CALLS_MOST; id++)
        if (frees >> id & 1) {
            call_free(listeners[id].call);
            listeners[id].call = NULL;
        }
    if (listener->starts)
        start(listener->id + 20, (struct order){.pool = "gemini", .operation = "models"});
}

static inline void hears_head(void *owner, const struct answer_head *head)
{
    struct listener *listener = owner;

    bytes_printf(&scene.heard, "%u:head(%u) ", (unsigned)listener->id, (unsigned)head->status);
    react(listener);
}

static inline void hears_bytes(void *owner, struct view bytes, bool event_end)
{
    struct listener *listener = owner;

    bytes_printf(&scene.heard, "%u:%.*s%s ", (unsigned)listener->id, (int)bytes.len, bytes.at,
                 event_end ? "." : "");
    react(listener);
}

static inline void hears_end(void *owner)
{
    struct listener *listener = owner;

    bytes_printf(&scene.heard, "%u:end ", (unsigned)listener->id);
    react(listener);
}

static inline void hears_failed(void *owner, const struct call_failure *failure)
{
    struct listener *listener = owner;

    bytes_printf(&scene.heard, "%u:%s%s%s", (unsigned)listener->id,
                 error_facts(failure->error)->name, failure->has_begun ? " begun" : "",
                 failure->is_tried ? " tried" : "");
    if (failure->retry_after_ms)
        bytes_printf(&scene.heard, " after %u", (unsigned)failure->retry_after_ms);
    if (failure->body.len)
        bytes_printf(&scene.heard, " %.*s", (int)failure->body.len, failure->body.at);
    bytes_text(&scene.heard, " ");
    react(listener);
}

static const struct call_events listening = {
    .head = hears_head, .bytes = hears_bytes, .end = hears_end, .failed = hears_failed};

static inline struct call *start(uint64_t id, struct order order)
{
    struct listener *listener = &listeners[id];

    listener->id = id;
    listener->order = order;
    listener->call =
        call_start(scene.road, id, &listener->order, clock_ms() + 60000, &listening, listener);
    return listener->call;
}

static inline struct call *start_plain(uint64_t id)
{
    return start(id, (struct order){.pool = "gemini", .operation = "generateContent"});
}

static inline void free_call(uint64_t id)
{
    call_free(listeners[id].call);
    listeners[id].call = NULL;
}

/* What has been posted and heard since the last look. */
static inline void expect(const char *what, const char *posted, const char *heard)
{
    expect_text(what, bytes_cstr(&scene.posted), posted);
    expect_text(what, bytes_cstr(&scene.heard), heard);
    scene.posted.len = scene.heard.len = 0;
}

static inline void forget(void)
{
    scene.posted.len = scene.heard.len = 0;
}

static inline void pass_ms(uint64_t ms)
{
    scene.actor.now_ms += ms;
    scene.actor.wake_ms = UINT64_MAX;
    road_tick(scene.road, scene.actor.now_ms);
}

static inline int open_road(void **state)
{
    static const char *endpoints[] = {"ipc:///tmp/b0", "ipc:///tmp/b1"};

    (void)state;
    memset(&scene, 0, sizeof(scene));
    memset(listeners, 0, sizeof(listeners));
    *settings_mine() = (struct settings){0};
    settings_mine()->balancer_endpoints = (struct option_list){endpoints, 2};
    settings_mine()->call_limit = 30;
    settings_mine()->body_budget = 1 << 20;
    settings_mine()->answer_window = 64 * 1024;
    settings_mine()->resume_ms = 3000;
    scene.actor.incarnation = 0xf1;
    scene.actor.now_ms = clock_ms();
    scene.actor.wake_ms = UINT64_MAX;
    log_open("test", "ERROR");
    scene.road = road_open(&scene.actor);
    return 0;
}

/* Both balancers have welcomed us, and one upstream of another machine and one of this are
 * attached. */
static inline int open_both(void **state)
{
    open_road(state);
    welcome(0, 0xb0);
    welcome(1, 0xb1);
    attach(0xa, "tcp://127.0.0.1:1");
    attach(0xc, "ipc:///tmp/c");
    forget();
    return 0;
}

static inline int close_road(void **state)
{
    struct upstream_link *link, *next;

    (void)state;
    for (uint64_t id = 0; id < CALLS_MOST; id++)
        free_call(id);
    assert_int_equal(scene.road->count, 0);
    assert_int_equal(scene.road->body_bytes, 0);
    HASH_ITER (hh, scene.road->upstreams.by_incarnation, link, next) {
        assert_null(link->calls);
        SAY(0, GONE, gone, .upstream = link->incarnation);
    }
    close_boxes();
    free(scene.road->balancers.at);
    free(scene.road);
    bytes_clear(&scene.posted);
    bytes_clear(&scene.heard);
    bytes_clear(&scene.body);
    return 0;
}

#define ROAD_TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_road)
