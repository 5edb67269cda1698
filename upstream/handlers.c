/* SPDX-License-Identifier: Apache-2.0 */
/* Letters to jobs. What must stay true: what names an old offer, or a call that is not here,
 * changes nothing. */
#include "handlers.h"

#include "jobs/jobs.h"
#include "jobs/probe.h"
#include "base/log.h"
#include "upstream.h"
#include "trace.h"

/* From here on JOBs of any other incarnation of this endpoint are refused. The order matters: the
 * balancer has to know what is held before outcomes name it, and READY closes what is told. */
void on_balancer_welcome(void *owner, struct link *link)
{
    struct balancer_link *balancer = owner;
    struct msg_ready ready = {0};
    struct msg_leave leave = {0};

    trace_point("balancer.fenced");
    balancer_tell_readers(balancer);
    jobs_tell_held(balancer);
    trace_point("balancer.held");
    balancer_tell_outcomes(balancer);
    jobs_ask_again(balancer);
    link_post(link, MSG_READY, &ready);
    if (balancer->upstream->actor.is_draining)
        link_post(link, MSG_LEAVE, &leave);
}

static void on_job(void *owner, const struct letter *letter)
{
    job_take(owner, &letter->msg->job);
}

/* The job that waits for this answer, or NULL. */
static struct job *asking(struct balancer_link *balancer, uint64_t frontend, uint64_t call,
                          uint64_t offer)
{
    struct job *job = job_find(balancer->upstream, frontend, call);

    if (!job || job->offer != offer || job->state != JOB_WAITING || job->balancer != balancer)
        return NULL;
    return job;
}

static void on_rekey(void *owner, const struct letter *letter)
{
    const struct msg_rekey *msg = &letter->msg->rekey;
    struct job *job = asking(owner, msg->frontend, msg->call, msg->offer);

    if (job)
        job_rekey(job, msg);
    else
        job_tell_over(owner, msg); /* cancelled meanwhile: the key is free again */
}

static void on_stop(void *owner, const struct letter *letter)
{
    const struct msg_stop *msg = &letter->msg->stop;
    struct job *job = asking(owner, msg->frontend, msg->call, msg->offer);

    if (job)
        job_stop(job, msg);
}

static void on_settled(void *owner, const struct letter *letter)
{
    balancer_settled(owner, letter->msg->settled.seq);
}

static void cancel(struct upstream *upstream, const struct msg_cancel *msg)
{
    struct job *job = job_find(upstream, msg->frontend, msg->call);

    if (job && job->offer <= msg->offer)
        job_cancel(job, FAULT_CLIENT_GONE);
}

static void on_balancer_cancel(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    cancel(balancer->upstream, &letter->msg->cancel);
}

static void on_probe(void *owner, const struct letter *letter)
{
    probe_take(owner, &letter->msg->probe);
}

letter_handler *const balancer_handlers[MSG_KINDS] = {
    [MSG_JOB] = on_job,
    [MSG_REKEY] = on_rekey,
    [MSG_STOP] = on_stop,
    [MSG_SETTLED] = on_settled,
    [MSG_CANCEL] = on_balancer_cancel,
    [MSG_PROBE] = on_probe,
};

/* From frontends */

static struct job *offered(struct upstream *upstream, uint64_t frontend, uint64_t call,
                           uint64_t offer)
{
    struct job *job = job_find(upstream, frontend, call);

    return job && job->offer == offer ? job : NULL;
}

static void on_body(void *owner, const struct letter *letter)
{
    const struct msg_body *msg = &letter->msg->body;
    struct job *job = offered(owner, msg->frontend, msg->call, msg->offer);

    if (job)
        job_body(job, msg);
}

static void on_ack(void *owner, const struct letter *letter)
{
    const struct msg_ack *msg = &letter->msg->ack;
    struct job *job = offered(owner, msg->frontend, msg->call, msg->offer);

    if (job)
        job_ack(job, msg->seq, msg->reply_us);
}

/* What we don't hold can't be resumed; the frontend must hear that, or it would wait. With nothing
 * seen yet (seq 0) it asks every upstream: the call may be with another, or on its way to be
 * offered again. */
static void refuse_resume(struct upstream *upstream, const struct msg_resume *msg)
{
    struct msg_fail fail = {
        .call = msg->call, .offer = msg->offer, .seq = msg->seq, .error = ERROR_UPSTREAM_LOST};

    if (msg->seq && reader_find(upstream, msg->frontend))
        mailbox_post(&upstream->answers, msg->frontend, MSG_FAIL, &fail);
}

static void on_resume(void *owner, const struct letter *letter)
{
    const struct msg_resume *msg = &letter->msg->resume;
    struct job *job = offered(owner, msg->frontend, msg->call, msg->offer);

    if (job)
        job_resume(job, msg->seq);
    else
        refuse_resume(owner, msg);
}

static void on_reader_cancel(void *owner, const struct letter *letter)
{
    cancel(owner, &letter->msg->cancel);
}

letter_handler *const reader_handlers[MSG_KINDS] = {
    [MSG_BODY] = on_body,
    [MSG_ACK] = on_ack,
    [MSG_RESUME] = on_resume,
    [MSG_CANCEL] = on_reader_cancel,
};

void route_event(void *owner, struct mailbox *box, enum mailbox_event event, uint64_t peer)
{
    (void)box;
    if (event == MAILBOX_SUBSCRIBED)
        reader_subscribed(owner, peer);
    else if (event == MAILBOX_UNSUBSCRIBED)
        reader_unsubscribed(owner, peer);
}

/* From the recorder */

static void on_recorded(void *owner, const struct letter *letter)
{
    struct upstream *upstream = owner;

    records_recorded(&upstream->records, letter->msg->recorded.sender, letter->msg->recorded.seq);
}

letter_handler *const recorder_handlers[MSG_KINDS] = {
    [MSG_RECORDED] = on_recorded,
};
