/* SPDX-License-Identifier: Apache-2.0 */
/* An actor's life: mailboxes, dispatch, signals, beats, drain. Every process is one actor with one
 * thread of its own (libzmq's apart). What must stay true: a letter is handled only if the mailbox
 * it came by has a handler for its kind.
 *
 * A turn: read the letters that are there, let the handlers run, send all that they posted (one
 * message per peer), look again, since sending may eat the wake-up of a letter that came meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "message.h"

struct actor;
struct mailbox;
struct outbox;

struct letter {
    enum message_kind kind;
    const union message
        *msg;      /* borrowed until the handler returns; bytes_copy what must live longer */
    uint64_t from; /* ROUTER: the sender's incarnation; elsewhere 0 */
    struct mailbox *box;
};

/* `owner` is what was given to mailbox_open. */
typedef void letter_handler(void *owner, const struct letter *letter);

enum mailbox_type {
    MAILBOX_ROUTER, /* bound; many peers, named by incarnation */
    MAILBOX_DEALER, /* connected to one ROUTER */
    MAILBOX_XPUB,   /* bound; answers go to topics (frontend incarnations), letters come back */
    MAILBOX_XSUB,   /* connected to one XPUB */
};

enum mailbox_event {
    MAILBOX_CONNECTED,    /* DEALER, XSUB: the handshake is done */
    MAILBOX_DISCONNECTED, /* DEALER, XSUB: the connection broke (libzmq keeps trying) */
    MAILBOX_SUBSCRIBED,   /* XPUB: `peer` has subscribed */
    MAILBOX_UNSUBSCRIBED, /* XPUB: `peer` is gone */
    MAILBOX_UNREACHABLE,  /* ROUTER: letters for `peer` could not be sent */
    MAILBOX_CLOSED,       /* after mailbox_close: the mailbox may be freed or opened again */
};
typedef void mailbox_watcher(void *owner, struct mailbox *box, enum mailbox_event event,
                             uint64_t peer);

struct mailbox {
    struct actor *actor;
    const char *name; /* for logs */
    enum mailbox_type type;
    letter_handler *const *handlers; /* [MSG_KINDS]; NULL: refused and counted */
    mailbox_watcher *watcher;        /* may be NULL */
    void *owner;
    uint64_t topic; /* XSUB: subscribed to this one */

    /* private */
    void *socket;
    void *monitor; /* connection events of DEALER and XSUB */
    int fd;
    int monitor_fd;
    bool has_mail;  /* look into it in this turn */
    bool has_event; /* and into its monitor, which has a wake-up of its own */
    bool must_close;
    struct outbox *outboxes; /* by peer */
    struct mailbox *prev, *next;
};

struct actor {
    unsigned role;
    const char *name;
    uint64_t incarnation; /* random, its first byte is never 0 */
    bool is_draining;
    uint64_t drain_by_ms; /* clock_ms() at which draining ends in any case */
    uint64_t now_ms;      /* clock_ms(), read once a turn */
    uint64_t stray_letters;
    uint64_t wake_ms; /* when the loop must turn at the latest; set by actor_wake */
    uint64_t lag_ms;  /* longest turn of the last second */
    uint64_t memory;  /* resident bytes, read once a second */
    void *owner;

    /* Set by the process before actor_run or its own loop: */
    void (*on_tick)(void *owner, uint64_t now_ms); /* once a second and whenever wake_ms has come */
    void (*on_round)(void *owner); /* after each round of letters, before what was posted leaves */
    void (*on_drain)(void *owner); /* SIGTERM or SIGINT has come */
    void (*on_dump)(void *owner);  /* SIGUSR1: log what is open */

    /* How the loop in use watches a file descriptor: set by actor_hook. */
    void (*watch)(struct actor *actor, int fd);
    void (*unwatch)(struct actor *actor, int fd);
    void *loop;

    /* private */
    void *context;
    int signal_fd;
    bool has_signal;
    bool has_ready;   /* actor_ready was called since the last turn */
    bool is_stopped;  /* actor_stop */
    uint64_t tick_ms; /* when the next second is over */
    uint64_t look_ms; /* when every mailbox is to be looked into, marked or not */
    struct mailbox *boxes;
    struct outbox *dirty;
    struct outbox *lazy;
    uint64_t lazy_ms; /* when the first of them is due */
    struct bytes print;
};

/* Opens the actor: incarnation, signals, ZeroMQ's context, no core dumps. Call after options_read
 * and log_open. */
void actor_open(struct actor *actor, unsigned role, const char *name, void *owner);

/* Opens a mailbox at `address`: ROUTER and XPUB bind, DEALER and XSUB connect. Ends the process if
 * the address is wrong or
 * taken. A DEALER's routing id is the actor's incarnation; an XSUB subscribes to `actor->incarnation`. */
void mailbox_open(struct mailbox *box, struct actor *actor, enum mailbox_type type,
                  const char *name, const char *address, letter_handler *const *handlers,
                  mailbox_watcher *watcher, void *owner);

/* The same for an address that a peer has told us: returns what is wrong with it instead, or NULL.
 */
const char *mailbox_try(struct mailbox *box, struct actor *actor, enum mailbox_type type,
                        const char *name, const char *address, letter_handler *const *handlers,
                        mailbox_watcher *watcher, void *owner);

/* Closes it at the end of the turn (safe in its own handlers); what was posted and not flushed is
 * dropped. */
void mailbox_close(struct mailbox *box);

/* The address really bound (a wildcard port resolved); memory is the caller's: free(). */
char *mailbox_address(const struct mailbox *box);

/* Posts a letter to peer `to` (ROUTER: incarnation; XPUB: topic; else ignored). It leaves at the
 * end of the turn. */
void mailbox_post(struct mailbox *box, uint64_t to, enum message_kind kind, const void *letter);

/* The same for a letter that nobody waits for: it leaves with the next one for that peer that is
 * not lazy, or ten milliseconds later. Saves wake-ups where calls are few. */
void mailbox_post_lazily(struct mailbox *box, uint64_t to, enum message_kind kind,
                         const void *letter);

/* Forgets what is posted to this peer. */
void mailbox_forget(struct mailbox *box, uint64_t to);

/* Says how to watch file descriptors for reading, and has those of all mailboxes watched. `loop` is
 * for the hooks. An h2o process calls it before its loop; actor_run does so itself. */
void actor_hook(struct actor *actor, void (*watch)(struct actor *, int fd),
                void (*unwatch)(struct actor *, int fd), void *loop);

/* Marks what belongs to this readable fd as having mail, to be looked at in the next turn.
 * Optional: a turn without any mark looks everywhere. */
void actor_ready(struct actor *actor, int fd);

/* One turn: letters in, handlers, ticks, letters out. For h2o processes, whose loop calls it when a
 * watched fd is readable or a timer is due. Returns true if letters are left (a bounded number is
 * taken): turn again soon. */
bool actor_turn(struct actor *actor);

/* Asks for on_tick (and a turn) at `at_ms` or before. */
void actor_wake(struct actor *actor, uint64_t at_ms);

/* Milliseconds until the next turn is due by itself. */
uint64_t actor_wait_ms(const struct actor *actor);

/* Runs turns on an epoll loop until actor_stop. The loop is the caller's, so that it can watch
 * more. */
struct loop;
void actor_run(struct actor *actor, struct loop *loop);
void actor_stop(struct actor *actor);

/* Flushes (1 s at most), closes everything; returns the exit status. */
int actor_close(struct actor *actor);

/* Takes the lock file STATE_DIR/run/<name>.lock, waiting for it (and saying so once) if another
 * holds it. */
void actor_lock(struct actor *actor, const char *name);

/* Resident bytes of this process. */
uint64_t actor_memory(void);
