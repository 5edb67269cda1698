/* SPDX-License-Identifier: Apache-2.0 */
/* One provider request of a job, from the flight file's BEGUN to its record: transfer, gate and
 * answer joined together. Called by job.c. */
#pragma once

#include "jobs/job.h"

/* What an attempt tells of. */
struct attempt_events {
    void (*opened)(struct job *job); /* the first content leaves: its HEAD is posted */
    void (*fed)(struct job *job);    /* some of its body has left for the provider */
    void (*done)(struct job *job);   /* it has ended: well, or with a fault and what the provider
                                        said in fail_status and fail_body */
};

/* Begins the attempt of a job that is RUNNING. The events come later, never from here. */
void attempt_begin(struct job *job, const struct attempt_events *events);

/* Whether its answers may describe objects that the key has. */
bool attempt_may_describe(const struct job *job);

/* Breaks off what is under way, if anything is: the connection closes, the record says `fault`. No
 * event. */
void attempt_abort(struct job *job, enum fault fault);

/* Its record waits no longer, if it does: it was its call's last attempt, or another follows. */
void attempt_settle(struct job *job, bool is_last);
