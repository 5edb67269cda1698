/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to a balancer or the recorder. What must stay true: letters are posted only to an
 * incarnation that has welcomed us over this very socket; when the connection breaks, the socket
 * goes, and with it all that was queued. */
#include "link.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { REOPEN_PAUSE_MS = 100 }; /* between two fresh sockets */

static void on_welcome(void *owner, const struct letter *letter)
{
    struct link *link = (struct link *)letter->box; /* the mailbox is its first member */

    link->heard_ms = letter->box->actor->now_ms;
    if (link->peer != letter->msg->welcome.incarnation) {
        link->peer = letter->msg->welcome.incarnation;
        link->since_ms = link->heard_ms;
        log_info("link.up", F_STR("link", link->box.name), F_ID("peer", link->peer));
    }
    if (link->on_welcome)
        link->on_welcome(owner, link);
}

static void on_beat(void *owner, const struct letter *letter)
{
    struct link *link = (struct link *)letter->box;

    (void)owner;
    link->heard_ms = letter->box->actor->now_ms;
}

static void lose(struct link *link)
{
    if (!link->peer)
        return;
    log_info("link.down", F_STR("link", link->box.name), F_ID("peer", link->peer));
    link->peer = 0;
    link->since_ms = link->box.actor->now_ms;
    if (link->on_lost)
        link->on_lost(link->owner, link);
}

/* The socket goes at once: what is queued in it must not reach whoever answers at that address
 * next. */
static void reopen_soon(struct link *link)
{
    link->must_reopen = true;
    mailbox_close(&link->box);
    actor_wake(link->box.actor, link->opened_ms + REOPEN_PAUSE_MS);
}

static void on_who(void *owner, const struct letter *letter)
{
    struct link *link = (struct link *)letter->box;

    (void)owner;
    if (clock_ms() - link->opened_ms < REOPEN_PAUSE_MS && !link->peer)
        return; /* our HELLO is under way */
    lose(link);
    reopen_soon(link);
}

static void on_event(void *owner, struct mailbox *box, enum mailbox_event event, uint64_t peer)
{
    struct link *link = (struct link *)box;

    (void)owner, (void)peer;
    if (event != MAILBOX_DISCONNECTED)
        return;
    lose(link);
    reopen_soon(link);
}

static void say_hello(struct link *link)
{
    mailbox_post(&link->box, 0, MSG_HELLO, &link->hello);
}

static void open_box(struct link *link, struct actor *actor, const char *name)
{
    mailbox_open(&link->box, actor, MAILBOX_DEALER, name, link->address, link->handlers, on_event,
                 link->owner);
    link->opened_ms = clock_ms();
    link->must_reopen = false;
    say_hello(link);
}

void link_open(struct link *link, struct actor *actor, const char *name, const char *address,
               const struct msg_hello *hello, letter_handler *const *handlers, void *owner)
{
    memcpy(link->handlers, handlers, MSG_KINDS * sizeof(*handlers));
    link->handlers[MSG_WELCOME] = on_welcome;
    link->handlers[MSG_WHO] = on_who;
    link->handlers[MSG_BEAT] = on_beat;
    link->address = address;
    link->owner = owner;
    link->hello = *hello;
    link->hello.role = view_of(role_name(actor->role));
    link->hello.incarnation = actor->incarnation;
    link->hello.version = PROTOCOL_VERSION;
    open_box(link, actor, name);
}

bool link_post(struct link *link, enum message_kind kind, const void *letter)
{
    if (!link->peer)
        return false;
    mailbox_post(&link->box, 0, kind, letter);
    return true;
}

bool link_post_lazily(struct link *link, enum message_kind kind, const void *letter)
{
    if (!link->peer)
        return false;
    mailbox_post_lazily(&link->box, 0, kind, letter);
    return true;
}

void link_tick(struct link *link, uint64_t calls, uint64_t now_ms)
{
    struct actor *actor = link->box.actor;
    struct msg_beat beat = {.calls = calls, .memory = actor->memory, .lag_ms = actor->lag_ms};

    if (link->must_reopen) {
        if (link->box.socket || now_ms < link->opened_ms + REOPEN_PAUSE_MS)
            actor_wake(actor, link->opened_ms + REOPEN_PAUSE_MS);
        else
            open_box(link, actor, link->box.name);
        return;
    }
    if (now_ms < link->beat_ms)
        return;
    link->beat_ms = now_ms + 1000;
    link_post(link, MSG_BEAT, &beat);
}
