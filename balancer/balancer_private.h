/* SPDX-License-Identifier: Apache-2.0 */
/* What balancer.c does for handlers.c. */
#pragma once

#include "balancer.h"
#include "base/log.h"

/* The mailbox by which peers of that role speak. */
struct mailbox *peer_box(struct balancer *b, unsigned role);

void tell_all(struct balancer *b, unsigned roles, enum message_kind kind, const void *letter);

/* How many keys are available, and what keeps the others. */
void tell_status(struct balancer *b, uint64_t frontend);

/* The peer is gone: its calls are given back or dropped, and others hear of it. */
void remove_peer(struct balancer *b, struct peer *peer);
