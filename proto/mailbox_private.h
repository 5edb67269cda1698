/* SPDX-License-Identifier: Apache-2.0 */
/* What actor.c asks of mailbox.c, and nobody else. */
#pragma once

#include "actor.h"

void mailbox_watch(struct mailbox *box);
bool mailbox_drain(struct mailbox *box);           /* true: letters are left */
void mailbox_flush(struct actor *actor, bool all); /* all: those that are not due as well */
void mailbox_shut(struct mailbox *box, int linger_ms);
