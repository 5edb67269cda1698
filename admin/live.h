/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of what the sources tell: the table of processes, jobs that go on, events for open
 * pages. */
#pragma once

#include "admin.h"

/* The keys have been looked at. */
void live_take_keys(struct admin *admin);

/* The balancer has answered the last order of a job. */
void live_take_order(struct admin *admin, struct view json);

/* To be called each second. */
void live_tick(struct admin *admin, uint64_t now_ms);

/* Sends the job's next keys to the balancer, and tells what is new of it. */
void live_push_job(struct admin *admin, struct job *job);
