/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for proto/actor.c and proto/mailbox.c, which then are not linked: a process's own run
 * function is called, and where its loop would turn, the test's `scene` runs. Letters go in by its
 * handlers' table, what it posts is caught, time is a variable. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "actor.h"

enum { FAKE_INCARNATION = 0x77, FAKE_POSTED_MOST = 300 };

static struct {
    struct actor *actor;
    struct mailbox *box;
    void (*scene)(void);
    struct {
        uint64_t to;
        enum message_kind kind;
        struct bytes frame;
    } posted[FAKE_POSTED_MOST];
    size_t count;
} fake;

void actor_open(struct actor *actor, unsigned role, const char *name, void *owner)
{
    *actor = (struct actor){.role = role,
                            .name = name,
                            .owner = owner,
                            .incarnation = FAKE_INCARNATION,
                            .now_ms = 1000 * 1000,
                            .wake_ms = UINT64_MAX};
    fake.actor = actor;
}

void actor_lock(struct actor *actor, const char *name)
{
    (void)actor, (void)name;
}

void actor_wake(struct actor *actor, uint64_t at_ms)
{
    if (at_ms < actor->wake_ms)
        actor->wake_ms = at_ms;
}

void actor_run(struct actor *actor, struct loop *loop)
{
    (void)actor, (void)loop;
    fake.scene();
}

void actor_stop(struct actor *actor)
{
    actor->is_stopped = true;
}

int actor_close(struct actor *actor)
{
    (void)actor;
    return 0;
}

uint64_t actor_memory(void)
{
    return 4096;
}

void mailbox_open(struct mailbox *box, struct actor *actor, enum mailbox_type type,
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
    fake.box = box;
}

void mailbox_post(struct mailbox *box, uint64_t to, enum message_kind kind, const void *letter)
{
    (void)box;
    assert_true(fake.count < FAKE_POSTED_MOST);
    fake.posted[fake.count].to = to;
    fake.posted[fake.count].kind = kind;
    fake.posted[fake.count].frame.len = 0;
    message_pack(&fake.posted[fake.count++].frame, kind, letter);
}

void mailbox_forget(struct mailbox *box, uint64_t to)
{
    (void)box, (void)to;
}

/* What the loop does with a letter, and with time. */
static inline void fake_hear(uint64_t from, enum message_kind kind, const void *letter, size_t size)
{
    union message copy = {0};

    memcpy(&copy, letter, size);
    assert_non_null(fake.box->handlers[kind]);
    fake.box->handlers[kind](fake.box->owner, &(struct letter){kind, &copy, from, fake.box});
}

#define FAKE_HEAR(from, KIND, name, ...)                                                           \
    fake_hear(from, MSG_##KIND, &(struct msg_##name){__VA_ARGS__}, sizeof(struct msg_##name))

static inline void fake_pass(uint64_t ms)
{
    fake.actor->now_ms += ms;
    fake.actor->wake_ms = UINT64_MAX;
    fake.actor->on_tick(fake.actor->owner, fake.actor->now_ms);
}

static inline size_t fake_count(uint64_t to, enum message_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < fake.count; i++)
        count += fake.posted[i].to == to && fake.posted[i].kind == kind;
    return count;
}

/* The last letter of that kind to that peer; fails if there is none. */
static inline union message fake_last(uint64_t to, enum message_kind kind)
{
    union message letter;
    enum message_kind got;

    for (size_t i = fake.count; i-- > 0;) {
        struct view frame = bytes_view(&fake.posted[i].frame);

        if (fake.posted[i].to != to || fake.posted[i].kind != kind)
            continue;
        assert_null(message_unpack(&frame, &got, &letter));
        return letter;
    }
    fail_msg("no %s for %llx", messages[kind].name, (unsigned long long)to);
    abort();
}

static inline void fake_forget(void)
{
    for (size_t i = 0; i < FAKE_POSTED_MOST; i++)
        bytes_clear(&fake.posted[i].frame);
    fake.count = 0;
}
