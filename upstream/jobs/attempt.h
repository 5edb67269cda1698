/* SPDX-License-Identifier: Apache-2.0 */
/* One provider request of a job, from the flight file's BEGUN to its record: transfer, gate and
 * answer joined together. Called by job.c. */
#pragma once

#include "jobs/job.h"

/* Begins the job's attempt: RUNNING. job_done comes later, never from here. */
void attempt_begin(struct job *job);

/* Breaks off what is under way, if anything is: the connection closes, the record says `fault`. No
 * job_done. */
void attempt_abort(struct job *job, enum fault fault);
