/* SPDX-License-Identifier: Apache-2.0 */
/* A process's connection to one balancer or to the recorder: HELLO, WELCOME, WHO, beats, and a
 * fresh socket whenever the connection breaks, so that nothing old is delivered to a new
 * incarnation. */
#pragma once

#include "actor.h"

struct link {
    struct mailbox box;
    uint64_t peer;       /* incarnation that has welcomed us; 0: none, post nothing but through
                            link_open's HELLO */
    uint64_t since_ms;   /* when `peer` last changed */
    uint64_t heard_ms;   /* when a WELCOME or BEAT last came */
    const char *address; /* borrowed for the link's life */
    struct msg_hello hello;
    letter_handler
        *handlers[MSG_KINDS]; /* of the owner; WELCOME, WHO and BEAT are the link's own */
    void (*on_welcome)(
        void *owner, struct link *link); /* each WELCOME: send lists and what is not acknowledged */
    void (*on_lost)(void *owner, struct link *link); /* the connection broke; peer is 0 again */
    void *owner;

    /* private */
    uint64_t opened_ms;
    uint64_t beat_ms;
    bool must_reopen;
};

/* Connects and says HELLO. `hello.role`, `.incarnation` and `.version` are filled in; address and
 * slots come from the caller. The handlers get `owner`. Set on_welcome and on_lost before.
 * Reopening happens in link_tick. */
void link_open(struct link *link, struct actor *actor, const char *name, const char *address,
               const struct msg_hello *hello, letter_handler *const *handlers, void *owner);

/* Posts a letter if we are welcome; returns false if not. */
bool link_post(struct link *link, enum message_kind kind, const void *letter);

/* The same, lazily: see mailbox_post_lazily. */
bool link_post_lazily(struct link *link, enum message_kind kind, const void *letter);

/* To be called from the owner's on_tick: beats, and a fresh socket where one is due. */
void link_tick(struct link *link, uint64_t calls, uint64_t now_ms);
