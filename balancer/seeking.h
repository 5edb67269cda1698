/* SPDX-License-Identifier: Apache-2.0 */
/* Asking keys whether they have an object that a call names and nobody knows. */
#pragma once

#include "balancer.h"

/* The numbers of our questions among those of all PROBEs. */
#define SEEKING_NUMBERS (UINT64_C(1) << 63)

/* Asks the next keys, as far as it is time, and lets the calls go on whose objects are sought no more. */
void seeking_turn(struct balancer *b);

/* The upstream is gone, and its questions with it. */
void seeking_lost(struct balancer *b, uint64_t upstream);

/* An answer to one of our questions. */
void seeking_probed(struct balancer *b, const struct msg_probed *msg);
