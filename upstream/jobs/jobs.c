/* SPDX-License-Identifier: Apache-2.0 */
/* What concerns many jobs at once: balancers and frontends that come back or go, deadlines, the
 * end. Called by handlers.c, main.c and, as events, by subscriber.c. What must stay true: a job whose deadline is near
 * is looked at in time, and none is looked at more often than the pause between two looks. */
#include "jobs/jobs.h"

#include "base/clock.h"
#include "base/log.h"
#include "jobs/attempt.h"
#include "upstream.h"

enum {
    CHECK_PAUSE_MS = 20, /* between two looks at all deadlines */
};

#define JOBS_OF(upstream, job, next) HASH_ITER (hh, (upstream)->jobs, job, next)

void jobs_tell_held(struct balancer_link *balancer)
{
    struct job *job, *next;
    uint64_t now_ms = clock_ms();

    JOBS_OF(balancer->upstream, job, next)
    {
        struct msg_held held = {
            .frontend = job->key.frontend,
            .call = job->key.call,
            .offer = job->offer,
            .attempt = job->attempt,
            .key_id = job->key_id,
            .model = view_of(job->model),
            .estimate = job->estimate,
            .state = view_of(job_state_name(job)),
            .left_ms = job->deadline_ms > now_ms ? job->deadline_ms - now_ms : 0,
            .owner = job->owner,
            .once = job->once,
        };

        if (job->balancer == balancer)
            link_post(&balancer->link, MSG_HELD, &held);
    }
}

void jobs_ask_again(struct balancer_link *balancer)
{
    struct job *job, *next;

    JOBS_OF(balancer->upstream, job, next)
    {
        if (job->balancer == balancer && job->state == JOB_WAITING &&
            !balancer_keeps(balancer, job->outcome_seq))
            job_tell_outcome(job, true); /* it was settled, but the answer never came */
    }
}

static void expect_resume(struct reader *reader, struct upstream *upstream)
{
    struct job *job, *next;

    JOBS_OF(upstream, job, next)
    {
        if (job->reader != reader)
            continue;
        job->answer.awaits_resume = true;
        job_want_again(job);
    }
}

static void resend(struct reader *reader, struct upstream *upstream)
{
    struct job *job, *next;

    JOBS_OF(upstream, job, next)
    {
        if (job->reader == reader && job->answer.awaits_resume)
            answer_resend_all(&job->answer);
    }
}

static void cancel_of(struct reader *reader, struct upstream *upstream)
{
    struct job *job, *next;

    JOBS_OF(upstream, job, next)
    {
        if (job->reader == reader)
            job_cancel(job, FAULT_CLIENT_GONE);
    }
}

const struct reader_events jobs_reader_events = {
    .back = expect_resume, .late = resend, .gone = cancel_of};

void jobs_check(struct upstream *upstream, uint64_t now_ms)
{
    struct job *job, *next;

    if (now_ms < upstream->check_ms)
        return;
    upstream->check_ms = UINT64_MAX;
    JOBS_OF(upstream, job, next)
    {
        uint64_t at_ms = job_due_ms(job);

        if (at_ms <= now_ms && job->state == JOB_ENDED) {
            attempt_settle(job, true);
            continue;
        }
        if (at_ms <= now_ms) {
            job_give_up(job, FAULT_TIMEOUT);
            continue;
        }
        if (at_ms < now_ms + CHECK_PAUSE_MS)
            at_ms = now_ms + CHECK_PAUSE_MS;
        if (at_ms < upstream->check_ms)
            upstream->check_ms = at_ms;
    }
}

void jobs_stop_open(struct upstream *upstream)
{
    struct job *job, *next;

    JOBS_OF(upstream, job, next)
    {
        if (job->state == JOB_OPEN)
            job_give_up(job, FAULT_STOPPED);
    }
}

void jobs_cancel_all(struct upstream *upstream, enum fault fault)
{
    struct job *job, *next;

    JOBS_OF(upstream, job, next) job_cancel(job, fault);
}

void jobs_dump(struct upstream *upstream)
{
    struct job *job, *next;

    JOBS_OF(upstream, job, next)
    log_info("dump.call", F_ID("frontend", job->key.frontend), F_ID("call", job->key.call),
             F_NUM("offer", job->offer), F_STR("state", job_state_name(job)),
             F_NUM("attempt", job->attempt), F_NUM("unacked", job->answer.unacked),
             F_NUM("seq", job->answer.next_seq), F_NUM("acked", job->answer.acked),
             F_NUM("paused", job->is_paused));
}
