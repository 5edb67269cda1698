/* SPDX-License-Identifier: Apache-2.0 */
/* All jobs of the process, or all of one frontend or balancer. */
#pragma once

#include "jobs/job.h"

/* WELCOME: tells the balancer what is held, and asks again for those that wait for a key. */
void jobs_tell_held(struct balancer_link *balancer);
void jobs_ask_again(struct balancer_link *balancer);

/* A frontend is back: bodies are wanted again, and what it does not resume is sent again. Or it is
 * gone for good: its jobs too. */
extern const struct reader_events jobs_reader_events;

/* Looks at all deadlines if it is time to; upstream->check_ms says when next. */
void jobs_check(struct upstream *upstream, uint64_t now_ms);

/* The process is about to end: who has read the beginning of an answer is told that no more comes.
 * The others' calls go to another upstream unseen. */
void jobs_stop_open(struct upstream *upstream);

void jobs_cancel_all(struct upstream *upstream, enum fault fault);
void jobs_dump(struct upstream *upstream);
