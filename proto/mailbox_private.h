/* SPDX-License-Identifier: Apache-2.0 */
/* What actor.c and mailbox.c know of each other and nobody else. */
#pragma once

#include "actor.h"

/* mailbox.c */
void mailbox_watch(struct mailbox *box);
bool mailbox_drain(struct mailbox *box);           /* true: letters are left */
void mailbox_flush(struct actor *actor, bool all); /* all: those that are not due as well */
void mailbox_shut(struct mailbox *box, int linger_ms);

/* actor.c */
void actor_trace_letter(struct actor *actor, const char *event, const char *box,
                        enum message_kind kind, const void *letter);
void actor_trace_kind(const char *verb, enum message_kind kind);
bool actor_is_kill(const char *verb, enum message_kind kind);
void actor_kill_sent(void) __attribute__((noreturn));
