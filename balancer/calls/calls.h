/* SPDX-License-Identifier: Apache-2.0 */
/* What messages do to calls, and what becomes of them when a pair breaks. */
#pragma once

#include "calls/call.h"

void calls_offer(struct calls *calls, uint64_t frontend, const struct msg_call *letter);
void calls_held(struct calls *calls, struct peer *upstream, const struct msg_held *letter);

/* `call`: the one that it names, or NULL; may be gone afterwards. */
void calls_outcome(struct calls *calls, struct peer *upstream, struct call *call,
                   const struct msg_outcome *letter);
void calls_outcome_again(struct calls *calls, struct peer *upstream,
                         const struct msg_outcome *letter);
void calls_cancel(struct calls *calls, uint64_t frontend, const struct msg_cancel *letter);

/* Those of the frontend (0: of all) that are at this upstream are to be offered again. */
void calls_retry_placed(struct calls *calls, struct peer *upstream, uint64_t frontend);

/* The upstream has said HELLO again and reported all that it holds. */
void calls_retry_unreported(struct calls *calls, struct peer *upstream);

/* The upstream holds nothing: every answer has been acknowledged. */
void calls_all_acked(struct calls *calls, struct peer *upstream);

void calls_drop_frontend(struct calls *calls, uint64_t frontend);

/* Tells the frontend which of its calls are held. */
void calls_known(struct calls *calls, const struct peer *frontend);

size_t calls_count(const struct calls *calls);
void calls_dump(const struct calls *calls);

/* Forgets them all. */
void calls_close(struct calls *calls);
