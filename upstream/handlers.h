/* SPDX-License-Identifier: Apache-2.0 */
/* The letters that an upstream answers to, by the mailbox they may come by. */
#pragma once

#include "actor.h"
#include "link.h"

/* From a balancer; the owner is its struct balancer_link. */
extern letter_handler *const balancer_handlers[MSG_KINDS];

/* A balancer's WELCOME; the owner is its struct balancer_link. */
void on_balancer_welcome(void *owner, struct link *link);

/* From frontends, by the XPUB; the owner is struct upstream. A frontend's incarnation is known to
 * its peers only, so that naming it is the right to speak for it. */
extern letter_handler *const reader_handlers[MSG_KINDS];

/* From the recorder; the owner is struct upstream. */
extern letter_handler *const recorder_handlers[MSG_KINDS];

/* The XPUB's subscriptions; the owner is struct upstream. */
void route_event(void *owner, struct mailbox *box, enum mailbox_event event, uint64_t peer);
