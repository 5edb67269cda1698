/* SPDX-License-Identifier: Apache-2.0 */
/* What a JOB orders. */
#pragma once

#include "jobs/job.h"

enum { WANT_MOST = 1024 * 1024 }; /* bytes of a body that are asked for and not yet there */

/* False: it would end in a request that nobody meant. */
bool order_is_sound(const struct job *job, const struct msg_job *msg);

/* Whether a key and a way out may stand in a request. */
bool order_may_use(struct secret key, struct secret proxy);

/* A job with the order's texts and nothing else. They are in one piece of memory with it, since there are
 * eight and most are short. */
struct job *order_make_job(const struct msg_job *msg);
