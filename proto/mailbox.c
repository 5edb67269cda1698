/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes: the one place that touches ZeroMQ sockets. What must stay true: nothing here blocks; a
 * frame from XSUB to XPUB is single and begins with a msgpack array, since libzmq takes a first
 * byte of 00 or 01 for a subscription. */
#include "actor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>
#include <zmq.h>

#include "settings/address.h"
#include "base/log.h"
#include "mailbox_private.h"
#include "trace.h"

enum {
    TOPIC_LEN = 8,
    FRAME_FULL = 192 * 1024,       /* a frame that has grown to this leaves at once */
    FRAME_MOST = 64 * 1024 * 1024, /* larger messages from a peer end its connection */
    LAZY_MS = 10,                  /* that a letter nobody waits for may stay */
    COPY_MOST = 8 * 1024, /* shorter frames are copied into the message, longer ones given away */
    DRAIN_MOST = 200,     /* messages of one mailbox in a turn */
};

struct outbox {
    uint64_t to;
    struct bytes frame;
    struct mailbox *box;
    bool is_dirty; /* leaves at the end of the round */
    bool is_lazy;  /* leaves when due, if it hasn't left before */
    uint64_t due_ms;
    bool kills_after; /* a trace point waits for this frame to be sent */
    struct outbox *next_dirty, *next_lazy;
    UT_hash_handle hh;
};

static void put_u64(unsigned char *at, uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        at[i] = (unsigned char)number;
}

static uint64_t get_u64(const void *from)
{
    const unsigned char *at = from;
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | at[i];
    return number;
}

/* Opening */

static void set_int(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof(value));
}

static void set_options(const struct mailbox *box, const char *address)
{
    unsigned char id[TOPIC_LEN];
    int64_t most = FRAME_MOST;

    put_u64(id, box->actor->incarnation);
    set_int(box->socket, ZMQ_LINGER, 0);
    set_int(box->socket, ZMQ_SNDHWM, 0);
    set_int(box->socket, ZMQ_RCVHWM, 0);
    set_int(box->socket, ZMQ_RECONNECT_IVL, 20);
    set_int(box->socket, ZMQ_RECONNECT_IVL_MAX, 200);
    zmq_setsockopt(box->socket, ZMQ_MAXMSGSIZE, &most, sizeof(most));
    if (strncmp(address, "tcp://", 6) == 0) {
        /* Never on ipc: there a stopped process would look like a dead one. */
        set_int(box->socket, ZMQ_HEARTBEAT_IVL, 1000);
        set_int(box->socket, ZMQ_HEARTBEAT_TIMEOUT, 5000);
    }
    switch (box->type) {
    case MAILBOX_ROUTER:
        set_int(box->socket, ZMQ_ROUTER_MANDATORY, 1);
        set_int(box->socket, ZMQ_ROUTER_HANDOVER, 1);
        return;
    case MAILBOX_DEALER:
        zmq_setsockopt(box->socket, ZMQ_ROUTING_ID, id, sizeof(id));
        return;
    case MAILBOX_XPUB:
        set_int(box->socket, ZMQ_XPUB_NODROP, 1);
        /* A subscriber that comes back before its old connection is known to be gone must be heard,
         * too. */
        set_int(box->socket, ZMQ_XPUB_VERBOSE, 1);
        return;
    case MAILBOX_XSUB:
        return;
    }
}

static void monitor_open(struct mailbox *box)
{
    static unsigned count;
    char name[40];

    snprintf(name, sizeof(name), "inproc://monitor-%u", count++);
    zmq_socket_monitor(box->socket, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    box->monitor = zmq_socket(box->actor->context, ZMQ_PAIR);
    set_int(box->monitor, ZMQ_LINGER, 0);
    if (zmq_connect(box->monitor, name) != 0)
        die("cannot watch the connection of %s: %s", box->name, zmq_strerror(errno));
}

static void sockets_close(struct mailbox *box)
{
    if (box->monitor) {
        zmq_socket_monitor(box->socket, NULL, 0);
        zmq_close(box->monitor);
    }
    if (box->socket)
        zmq_close(box->socket);
    box->socket = box->monitor = NULL;
}

static int socket_fd(void *socket)
{
    int fd = -1;
    size_t len = sizeof(fd);

    zmq_getsockopt(socket, ZMQ_FD, &fd, &len);
    return fd;
}

static void subscribe(struct mailbox *box)
{
    unsigned char frame[1 + TOPIC_LEN] = {1};

    put_u64(frame + 1, box->actor->incarnation);
    zmq_send(box->socket, frame, sizeof(frame), ZMQ_DONTWAIT);
}

static const char *socket_open(struct mailbox *box, const char *address)
{
    static const int types[] = {ZMQ_ROUTER, ZMQ_DEALER, ZMQ_XPUB, ZMQ_XSUB};
    bool is_bound = box->type == MAILBOX_ROUTER || box->type == MAILBOX_XPUB;

    box->socket = zmq_socket(box->actor->context, types[box->type]);
    if (!box->socket)
        return zmq_strerror(errno);
    set_options(box, address);
    if (!is_bound)
        monitor_open(box);
    if ((is_bound ? zmq_bind(box->socket, address) : zmq_connect(box->socket, address)) == 0)
        return NULL;
    return zmq_strerror(errno);
}

const char *mailbox_try(struct mailbox *box, struct actor *actor, enum mailbox_type type,
                        const char *name, const char *address, letter_handler *const *handlers,
                        mailbox_watcher *watcher, void *owner)
{
    const char *fault = address_fault(address);

    for (int kind = 0; kind < MSG_KINDS; kind++)
        if (handlers[kind] && !(messages[kind].to & actor->role))
            die("%s is not a letter for %s", messages[kind].name, actor->name);
    *box = (struct mailbox){.actor = actor,
                            .name = name,
                            .type = type,
                            .handlers = handlers,
                            .watcher = watcher,
                            .owner = owner,
                            .topic = actor->incarnation,
                            .has_mail = true,
                            .has_event = true,
                            .monitor_fd = -1};
    if (!fault)
        fault = socket_open(box, address);
    if (fault) {
        sockets_close(box);
        return fault;
    }
    if (type == MAILBOX_XSUB)
        subscribe(box);
    box->fd = socket_fd(box->socket);
    if (box->monitor)
        box->monitor_fd = socket_fd(box->monitor);
    DL_APPEND(actor->boxes, box);
    mailbox_watch(box);
    return NULL;
}

void mailbox_open(struct mailbox *box, struct actor *actor, enum mailbox_type type,
                  const char *name, const char *address, letter_handler *const *handlers,
                  mailbox_watcher *watcher, void *owner)
{
    const char *fault = mailbox_try(box, actor, type, name, address, handlers, watcher, owner);

    if (fault)
        die("cannot open %s at %s: %s", name, address, fault);
}

void mailbox_watch(struct mailbox *box)
{
    if (!box->actor->watch)
        return;
    box->actor->watch(box->actor, box->fd);
    if (box->monitor)
        box->actor->watch(box->actor, box->monitor_fd);
}

char *mailbox_address(const struct mailbox *box)
{
    char address[512] = "";
    size_t len = sizeof(address);

    zmq_getsockopt(box->socket, ZMQ_LAST_ENDPOINT, address, &len);
    return strdup(address);
}

/* Closing */

static void outbox_free(struct outbox *outbox)
{
    struct mailbox *box = outbox->box;

    if (outbox->is_dirty)
        LL_DELETE2(box->actor->dirty, outbox, next_dirty);
    if (outbox->is_lazy)
        LL_DELETE2(box->actor->lazy, outbox, next_lazy);
    HASH_DEL(box->outboxes, outbox);
    bytes_clear(&outbox->frame);
    free(outbox);
}

void mailbox_forget(struct mailbox *box, uint64_t to)
{
    struct outbox *outbox;

    HASH_FIND(hh, box->outboxes, &to, sizeof(to), outbox);
    if (outbox)
        outbox_free(outbox);
}

void mailbox_close(struct mailbox *box)
{
    box->must_close = true;
}

void mailbox_shut(struct mailbox *box, int linger_ms)
{
    struct actor *actor = box->actor;
    struct outbox *outbox, *next;

    HASH_ITER (hh, box->outboxes, outbox, next)
        outbox_free(outbox);
    if (actor->unwatch) {
        actor->unwatch(actor, box->fd);
        if (box->monitor)
            actor->unwatch(actor, box->monitor_fd);
    }
    DL_DELETE(actor->boxes, box);
    set_int(box->socket, ZMQ_LINGER, linger_ms);
    sockets_close(box);
}

/* Sending */

static struct outbox *outbox_of(struct mailbox *box, uint64_t to)
{
    struct outbox *outbox;

    HASH_FIND(hh, box->outboxes, &to, sizeof(to), outbox);
    if (outbox)
        return outbox;
    outbox = memory_new(sizeof(*outbox));
    outbox->to = to;
    outbox->box = box;
    HASH_ADD(hh, box->outboxes, to, sizeof(outbox->to), outbox);
    return outbox;
}

static void free_frame(void *at, void *hint)
{
    (void)hint;
    free(at);
}

/* Sends the frame and leaves it empty. */
static bool send_frame(void *socket, struct bytes *frame)
{
    zmq_msg_t message;

    if (frame->len > COPY_MOST) {
        zmq_msg_init_data(&message, frame->at, frame->len, free_frame, NULL);
        *frame = (struct bytes){0};
    } else {
        zmq_msg_init_size(&message, frame->len);
        memcpy(zmq_msg_data(&message), frame->at, frame->len);
        frame->len = 0;
    }
    if (zmq_msg_send(&message, socket, ZMQ_DONTWAIT) >= 0)
        return true;
    zmq_msg_close(&message);
    return false;
}

static void outbox_send(struct outbox *outbox)
{
    struct mailbox *box = outbox->box;
    uint64_t to = outbox->to;
    unsigned char id[TOPIC_LEN];
    bool is_reached = true;

    put_u64(id, to);
    if (box->type == MAILBOX_ROUTER)
        is_reached = zmq_send(box->socket, id, sizeof(id), ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0;
    if (is_reached)
        is_reached = send_frame(box->socket, &outbox->frame);
    outbox->frame.len = 0;
    box->has_mail = true; /* sending may have eaten the wake-up of a letter */
    if (outbox->kills_after)
        trace_kill_sent();
    if (is_reached)
        return;
    log_trace("message.unreachable", F_STR("box", box->name), F_ID("peer", to));
    if (box->watcher)
        box->watcher(box->owner, box, MAILBOX_UNREACHABLE, to);
}

/* Packs the letter behind those for the same peer; NULL if the mailbox is closed. */
static struct outbox *pack(struct mailbox *box, uint64_t to, enum message_kind kind,
                           const void *letter)
{
    struct outbox *outbox;
    unsigned char topic[TOPIC_LEN];

    if (!box->socket)
        return NULL;
    outbox = outbox_of(box, box->type == MAILBOX_ROUTER || box->type == MAILBOX_XPUB ? to : 0);
    if (box->type == MAILBOX_XPUB && outbox->frame.len == 0) {
        put_u64(topic, to);
        bytes_append(&outbox->frame, (struct view){(const char *)topic, TOPIC_LEN});
    }
    message_pack(&outbox->frame, kind, letter);
    trace_letter(&box->actor->print, "message.out", box->name, kind, letter);
    trace_kind("post", kind);
    outbox->kills_after |= trace_is_kill("sent", kind);
    return outbox;
}

static void make_dirty(struct outbox *outbox)
{
    if (outbox->is_dirty)
        return;
    outbox->is_dirty = true;
    LL_PREPEND2(outbox->box->actor->dirty, outbox, next_dirty);
}

void mailbox_post(struct mailbox *box, uint64_t to, enum message_kind kind, const void *letter)
{
    struct outbox *outbox = pack(box, to, kind, letter);

    if (!outbox)
        return;
    make_dirty(outbox);
    if (outbox->frame.len >= FRAME_FULL)
        outbox_send(outbox);
}

void mailbox_post_lazily(struct mailbox *box, uint64_t to, enum message_kind kind,
                         const void *letter)
{
    struct outbox *outbox = pack(box, to, kind, letter);

    if (!outbox)
        return;
    if (!outbox->is_lazy) {
        outbox->is_lazy = true;
        outbox->due_ms = box->actor->now_ms + LAZY_MS;
        LL_PREPEND2(box->actor->lazy, outbox, next_lazy);
    }
    if (outbox->frame.len >= FRAME_FULL)
        outbox_send(outbox);
}

/* Those that are due leave with the rest of this round; those that have left need no more care. */
static void hurry(struct actor *actor, bool all)
{
    struct outbox *outbox, *next;

    actor->lazy_ms = UINT64_MAX;
    LL_FOREACH_SAFE2 (actor->lazy, outbox, next, next_lazy) {
        bool is_due = all || actor->now_ms >= outbox->due_ms;

        if (!is_due && outbox->frame.len) {
            if (outbox->due_ms < actor->lazy_ms)
                actor->lazy_ms = outbox->due_ms;
            continue;
        }
        LL_DELETE2(actor->lazy, outbox, next_lazy);
        outbox->is_lazy = false;
        if (outbox->frame.len)
            make_dirty(outbox);
    }
}

void mailbox_flush(struct actor *actor, bool all)
{
    hurry(actor, all);
    while (actor->dirty) {
        struct outbox *outbox = actor->dirty;

        actor->dirty = outbox->next_dirty;
        outbox->is_dirty = false;
        if (outbox->frame.len > (outbox->box->type == MAILBOX_XPUB ? TOPIC_LEN : 0))
            outbox_send(outbox);
    }
}

/* Receiving */

static void stray(struct mailbox *box, const char *why, uint64_t from)
{
    if (box->actor->stray_letters++ % 1000 == 0)
        log_warn("message.refused", F_STR("box", box->name), F_STR("why", why), F_ID("from", from),
                 F_NUM("count", box->actor->stray_letters));
}

static void dispatch(struct mailbox *box, uint64_t from, struct view frame)
{
    union message letter;
    enum message_kind kind;

    while (frame.len && !box->must_close) {
        const char *wrong = message_unpack(&frame, &kind, &letter);

        if (wrong) {
            stray(box, wrong, from);
            return;
        }
        if (kind == MSG_NONE)
            continue;
        if (!box->handlers[kind]) {
            stray(box, messages[kind].name, from);
            continue;
        }
        trace_kind("recv", kind);
        trace_letter(&box->actor->print, "message.in", box->name, kind, &letter);
        box->handlers[kind](box->owner, &(struct letter){kind, &letter, from, box});
    }
}

/* An XPUB gets subscriptions and letters alike; the first byte tells them apart. */
static void take_from_xsub(struct mailbox *box, struct view frame)
{
    bool is_subscription = frame.len == 1 + TOPIC_LEN && (unsigned char)frame.at[0] <= 1;

    if (!is_subscription) {
        dispatch(box, 0, frame);
        return;
    }
    if (box->watcher)
        box->watcher(box->owner, box, frame.at[0] ? MAILBOX_SUBSCRIBED : MAILBOX_UNSUBSCRIBED,
                     get_u64(frame.at + 1));
}

static void take_frame(struct mailbox *box, uint64_t from, struct view frame)
{
    switch (box->type) {
    case MAILBOX_ROUTER:
    case MAILBOX_DEALER:
        dispatch(box, from, frame);
        return;
    case MAILBOX_XPUB:
        take_from_xsub(box, frame);
        return;
    case MAILBOX_XSUB:
        if (frame.len < TOPIC_LEN || get_u64(frame.at) != box->topic)
            stray(box, "topic", 0);
        else
            dispatch(box, 0, view_skip(frame, TOPIC_LEN));
        return;
    }
}

/* Takes one message, whatever its frames; only [routing id on ROUTER] and one frame are believed.
 */
static bool take_message(struct mailbox *box)
{
    zmq_msg_t message;
    uint64_t from = 0;
    bool has_more, is_first = true, wants_id = box->type == MAILBOX_ROUTER;

    do {
        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, box->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&message);
            return false;
        }
        has_more = zmq_msg_more(&message);
        if (is_first && wants_id)
            from = zmq_msg_size(&message) == TOPIC_LEN ? get_u64(zmq_msg_data(&message)) : 0;
        else if (!wants_id || from)
            take_frame(box, from, (struct view){zmq_msg_data(&message), zmq_msg_size(&message)});
        if (!is_first || !wants_id)
            from = wants_id ? 0 : from; /* a second frame behind the letters is not believed */
        is_first = false;
        zmq_msg_close(&message);
    } while (has_more);
    return true;
}

/* To look where nothing is costs two system calls: so it is not done for each letter. */
static void drain_monitor(struct mailbox *box)
{
    if (!box->has_event)
        return;
    box->has_event = false;
    for (;;) {
        zmq_msg_t message;
        uint16_t event = 0;

        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, box->monitor, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&message);
            return;
        }
        if (zmq_msg_more(&message) && zmq_msg_size(&message) >= sizeof(event))
            memcpy(&event, zmq_msg_data(&message), sizeof(event));
        zmq_msg_close(&message);
        if (event == ZMQ_EVENT_DISCONNECTED)
            while (!box->must_close && take_message(box))
                continue; /* what came before the break counts */
        if (event && box->watcher && !box->must_close)
            box->watcher(box->owner, box,
                         event == ZMQ_EVENT_DISCONNECTED ? MAILBOX_DISCONNECTED : MAILBOX_CONNECTED,
                         0);
    }
}

bool mailbox_drain(struct mailbox *box)
{
    int count = 0;

    while (count < DRAIN_MOST && !box->must_close && take_message(box))
        count++;
    if (box->monitor && !box->must_close)
        drain_monitor(box);
    return count == DRAIN_MOST && !box->must_close;
}
