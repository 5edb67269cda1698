/* SPDX-License-Identifier: Apache-2.0 */
/* What upstreams say of our calls. */
#pragma once

#include "actor.h"

struct upstream_link;

/* HEAD, CHUNK, END, FAIL, WANT; their owner is a struct upstream_link. */
extern letter_handler *const answers_handlers[MSG_KINDS];

/* The upstream is gone: its answers break off. */
void answers_lose(struct upstream_link *upstream);

/* Its connection is back: its answers go on where they stopped. */
void answers_resume(struct upstream_link *upstream);
