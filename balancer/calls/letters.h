/* SPDX-License-Identifier: Apache-2.0 */
/* What is told about calls: one function a message. */
#pragma once

#include "calls/call.h"

/* To its frontend: it was never placed. */
void tell_refused(struct calls *calls, const struct call *call, const struct wait *wait);

/* To its frontend: offer it again. */
void tell_retry(struct calls *calls, const struct ended_call *lost);

/* To the frontend that asks what of a client's objects is known: a page of their names. */
void tell_objects(struct calls *calls, uint64_t frontend, const struct msg_call *letter);

/* To its upstream */
void tell_job(struct calls *calls, const struct call *call, const struct msg_call *letter,
              const struct grant *grant);
void tell_rekey(struct calls *calls, const struct call *call, const struct grant *grant);
void tell_stop(struct calls *calls, const struct call *call, const struct wait *wait);

/* To any upstream: it is not to run this offer. */
void tell_cancel(struct calls *calls, const struct peer *upstream, const struct ended_call *offer);
