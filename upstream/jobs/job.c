/* SPDX-License-Identifier: Apache-2.0 */
/* A job: its states, and what the letters do to it. Called by handlers.c and jobs.c. What must
 * stay true: an answer's last letter is posted exactly once, and until the frontend has
 * acknowledged it, balancers hear that we hold the job. */
#include "jobs/job.h"

#include <assert.h>
#include <stdlib.h>

#include "jobs/attempt.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "jobs/failure.h"
#include "jobs/order.h"
#include "objects/mentions.h"
#include "settings/options.h"
#include "upstream.h"
#include "trace.h"

enum {
    WANT_PIECE = 256 * 1024,
    HELD_MS = 1000, /* a record waits so long for the client to have all of its answer */
};

static bool is_step(enum job_state from, enum job_state to)
{
    switch (to) {
    case JOB_BODY:
        return false;
    case JOB_RUNNING:
        return from == JOB_BODY || from == JOB_WAITING;
    case JOB_WAITING:
    case JOB_OPEN:
        return from == JOB_RUNNING;
    case JOB_ENDED:
        return from != JOB_ENDED;
    }
    return false;
}

const char *job_state_name(const struct job *job)
{
    static const char *const names[] = {
        [JOB_BODY] = "body", [JOB_RUNNING] = "running", [JOB_WAITING] = "waiting",
        [JOB_OPEN] = "open", [JOB_ENDED] = "ended",
    };

    return names[job->state];
}

/* The only line that writes a job's state. */
static void enter(struct job *job, enum job_state state)
{
    static const char *const traces[] = {
        [JOB_BODY] = "job.body", [JOB_RUNNING] = "job.running", [JOB_WAITING] = "job.waiting",
        [JOB_OPEN] = "job.open", [JOB_ENDED] = "job.ended",
    };

    assert(is_step(job->state, state));
    job->state = state;
    trace_point(traces[state]);
}

/* Deadlines */

/* A body may take its time, as long as it moves. */
static uint64_t feed_due_ms(const struct job *job)
{
    uint64_t due_ms = job->fed_ms + settings_now()->time_out_ms;

    return due_ms > job->deadline_ms ? due_ms : job->deadline_ms;
}

uint64_t job_due_ms(const struct job *job)
{
    switch (job->state) {
    case JOB_RUNNING:
        return job->has_feed ? feed_due_ms(job) : job->deadline_ms;
    case JOB_BODY:
    case JOB_WAITING:
        return job->deadline_ms;
    case JOB_OPEN:
        return job->is_paused ? UINT64_MAX : job->heard_ms + settings_now()->time_out_ms;
    case JOB_ENDED:
        return job->is_held ? job->held_by_ms : UINT64_MAX;
    }
    return UINT64_MAX;
}

static void watch_deadline(struct job *job)
{
    uint64_t at_ms = job_due_ms(job);

    if (at_ms >= job->upstream->check_ms)
        return;
    job->upstream->check_ms = at_ms;
    actor_wake(&job->upstream->actor, at_ms);
}

/* Outcomes */

/* The key that had it has it no more. */
static bool is_missing(const struct job *job)
{
    return job->fault == FAULT_FORBIDDEN && job->owner == job->key_id &&
           strcmp(job->method, "GET") == 0 && (job->gate.status == 403 || job->gate.status == 404);
}

/* What an answer says of objects: this key has them, or they are gone. */
static void describe(const struct job *job, struct description *description, bool *is_gone)
{
    const char *mark = strchr(job->path, '?');
    struct view path = {job->path, mark ? (size_t)(mark - job->path) : strlen(job->path)}, name;

    if (!attempt_may_describe(job))
        return;
    if (view_starts(path, VIEW("/v1alpha/")))
        path = view_skip(path, strlen("/v1alpha"));
    name = object_of_path(path);
    *is_gone = strcmp(job->method, "DELETE") == 0 || is_missing(job);
    if (job->fault != FAULT_NONE && !is_missing(job))
        return;
    if (*is_gone && name.len && name.len + 1 == path.len)
        object_add(&description->names, name);
    else if (!*is_gone)
        mentions_in_answer(bytes_view(&job->begin), path, description);
}

/* The limits that the provider has named in a refusal. */
static void name_limits(const struct job *job, struct msg_outcome *outcome)
{
    const struct named_limits *limits = &job->gate.verdict.limits;

    if (!job->fail_status)
        return;
    outcome->limit_requests = limits->requests;
    outcome->limit_tokens = limits->tokens;
    outcome->limit_day = limits->day;
    outcome->free_tier = limits->is_free;
}

void job_tell_outcome(struct job *job, bool more)
{
    yyjson_doc *doc = NULL;
    struct description description = {0};
    bool is_gone = false;
    struct msg_outcome outcome = {
        .frontend = job->key.frontend,
        .call = job->key.call,
        .offer = job->offer,
        .attempt = job->attempt,
        .key_id = job->key_id,
        .model = view_of(job->model),
        .status = job->gate.status,
        .fault = job->fault,
        .retry_ms = job->retry_ms,
        .tokens_in = job->gate.usage.tokens_in,
        .tokens_out = job->gate.usage.tokens_out,
        .tokens_thoughts = job->gate.usage.tokens_thoughts,
        .tokens_cached = job->gate.usage.tokens_cached,
        .first_ms = job->first_ms,
        .total_ms = job->begun_ms ? clock_ms() - job->begun_ms : 0,
        .more = more,
        .client = job->client,
        .words =
            job->fault != FAULT_NONE ? failure_words(bytes_view(&job->fail_body), &doc) : VIEW(""),
    };

    name_limits(job, &outcome);
    describe(job, &description, &is_gone);
    outcome.names = bytes_view(&description.names);
    outcome.until_ms = description.until_ms;
    outcome.gone = is_gone;
    balancer_tell(job->balancer, &outcome);
    bytes_clear(&description.names);
    yyjson_doc_free(doc);
    job->outcome_seq = outcome.seq;
}

void job_tell_over(struct balancer_link *balancer, const struct msg_rekey *msg)
{
    struct msg_outcome outcome = {
        .frontend = msg->frontend,
        .call = msg->call,
        .offer = msg->offer,
        .attempt = msg->attempt,
        .key_id = msg->key_id,
        .fault = FAULT_CLIENT_GONE,
    };

    balancer_tell(balancer, &outcome);
}

/* Coming and going */

struct job *job_find(struct upstream *upstream, uint64_t frontend, uint64_t call)
{
    struct job_key key = {frontend, call};
    struct job *job;

    HASH_FIND(hh, upstream->jobs, &key, sizeof(key), job);
    return job;
}

static void secret_free(char **secret)
{
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

static void job_free(struct job *job)
{
    assert(!job->transfer && !job->is_begun);
    attempt_settle(job, true);
    HASH_DEL(job->upstream->jobs, job);
    job->reader->call_count--;
    answer_clear(&job->answer);
    bytes_clear(&job->body);
    feed_clear(&job->feed);
    bytes_clear(&job->fail_body);
    free(job->moved);
    bytes_clear(&job->begin);
    secret_free(&job->secret);
    bytes_clear(&job->lines);
    secret_free(&job->proxy);
    free(job);
    trace_point("job.forgotten");
}

/* The answer is complete as far as we are concerned; only what may be asked for again stays. */
static void end(struct job *job)
{
    enter(job, JOB_ENDED);
    job->held_by_ms = clock_ms() + HELD_MS;
    watch_deadline(job);
    bytes_clear(&job->body);
    feed_clear(&job->feed);
    bytes_clear(&job->fail_body);
    bytes_clear(&job->begin);
    secret_free(&job->secret);
    secret_free(&job->proxy);
}

/* The provider refuses what the client asks for, and says so itself: its bytes are the answer. Generations and uploads read
 * refusals for themselves. */
static bool is_refusal(const struct job *job, enum error error)
{
    bool is_clients = error == ERROR_BAD_REQUEST || error == ERROR_CONTEXT_LENGTH ||
                      error == ERROR_FORBIDDEN || error == ERROR_NO_MODEL ||
                      (error == ERROR_NOT_THE_API && job->gate.kind == GATE_OBJECT);
    bool passes = job->gate.kind == GATE_OBJECT || job->gate.kind == GATE_JSON;

    return job->is_raw && is_clients && passes && job->gate.framing == FRAMING_ERROR &&
           !job->answer.has_head && job->fail_status >= 400 && job->fail_status <= 499;
}

static void tell_refusal(struct job *job)
{
    struct msg_head head = {.status = job->fail_status,
                            .type = view_of(job->type),
                            .length = job->fail_body.len + 1,
                            .attempts = job->attempt,
                            .headers = bytes_view(&job->lines),
                            .key_id = job->key_id};
    struct msg_end msg = {.total_ms = clock_ms() - job->begun_ms};

    answer_head(&job->answer, &head);
    answer_write(&job->answer, bytes_view(&job->fail_body), true);
    answer_end(&job->answer, &msg);
    end(job);
}

static void fail(struct job *job, enum error error, uint64_t retry_after_ms)
{
    struct msg_fail msg = {
        .error = error,
        .status = job->fail_status,
        .retry_after_ms = retry_after_ms,
        .body = bytes_view(&job->fail_body),
    };

    if (is_refusal(job, error)) {
        tell_refusal(job);
        return;
    }
    answer_fail(&job->answer, &msg);
    end(job);
}

static void fail_by_fault(struct job *job)
{
    fail(job, fault_facts(job->fault)->error, job->retry_ms);
}

/* Attempts */

static void opened(struct job *job)
{
    enter(job, JOB_OPEN);
}

/* What was sent is gone, and so is the chance that another key gives. */
static void say_unrepeatable(struct job *job)
{
    bytes_printf(
        &job->fail_body,
        "{\"error\":{\"message\":\"The connection to the provider broke when %llu bytes of the "
        "body had been sent, and they are not kept here: send the request again. A resumable "
        "upload goes on from the offset that the command query tells.\"}}",
        (unsigned long long)job->feed.gone);
}

static void done(struct job *job)
{
    const struct fault_facts *facts = fault_facts(job->fault);
    bool is_whole = facts->error == ERROR_NONE || job->is_told;
    bool may_ask = job->state == JOB_RUNNING && facts->retry && clock_ms() < job->deadline_ms &&
                   job_is_repeatable(job);

    job_tell_outcome(job, may_ask);
    if (may_ask) {
        enter(job, JOB_WAITING);
    } else if (is_whole) {
        struct msg_end msg = {
            .tokens_in = job->gate.usage.tokens_in,
            .tokens_out = job->gate.usage.tokens_out,
            .first_ms = job->first_ms,
            .total_ms = clock_ms() - job->begun_ms,
        };
        answer_end(&job->answer, &msg);
        end(job);
    } else {
        if (facts->retry && !job_is_repeatable(job) && !job->fail_body.len)
            say_unrepeatable(job);
        fail_by_fault(job);
    }
}

static const struct attempt_events attempt_events = {
    .opened = opened, .fed = job_want_body, .done = done};

static void begin(struct job *job)
{
    if (job->is_held && job->before_count < JOB_BEFORE_MOST)
        job->before[job->before_count++] = job->fault;
    attempt_settle(job, false);
    enter(job, JOB_RUNNING);
    attempt_begin(job, &attempt_events);
}

static void keep_chosen_by(struct job_times *times, struct view text)
{
    size_t len = text.len < sizeof(times->chosen_by) ? text.len : sizeof(times->chosen_by) - 1;

    if (len)
        memcpy(times->chosen_by, text.at, len);
    times->chosen_by[len] = '\0';
}

static struct job_times times_of(const struct msg_job *msg)
{
    struct job_times times = {
        .request = msg->request,
        .asked_ms = msg->asked_ms,
        .read_us = msg->read_us,
        .translate_us = msg->translate_us,
        .wait_us = msg->wait_us,
        .pick_us = msg->pick_us,
        .keys = msg->keys,
        .cooling = msg->cooling,
        .spent = msg->spent,
        .dead = msg->dead,
        .off = msg->off,
        .no_room = msg->no_room,
    };

    keep_chosen_by(&times, msg->chosen_by);
    return times;
}

/* What the request has cost before is the first attempt's. */
static void note_choice(struct job_times *times, const struct msg_rekey *msg)
{
    times->wait_us = msg->wait_us;
    times->pick_us = msg->pick_us;
    times->keys = msg->keys;
    times->cooling = msg->cooling;
    times->spent = msg->spent;
    times->dead = msg->dead;
    times->off = msg->off;
    times->no_room = msg->no_room;
    keep_chosen_by(times, msg->chosen_by);
}

static struct job *job_new(struct balancer_link *balancer, struct reader *reader,
                           const struct msg_job *msg)
{
    struct upstream *upstream = balancer->upstream;
    struct job *job = order_make_job(msg);

    job->key = (struct job_key){msg->frontend, msg->call};
    job->offer = msg->offer;
    job->upstream = upstream;
    job->balancer = balancer;
    job->reader = reader;
    job->provider = provider_find(msg->pool);
    job->has_feed = msg->flow;
    job->feed.length = msg->body_len ? msg->body_len + 1 : 0;
    job->fed_ms = clock_ms();
    job->proxy = memory_text(msg->proxy.hidden);
    job->secret = memory_text(msg->key.hidden);
    job->is_stream = msg->stream;
    job->thoughts = msg->thoughts;
    job->is_raw = msg->raw;
    job->owner = msg->owner;
    job->once = msg->once;
    job->estimate = msg->estimate;
    job->client = msg->client;
    job->key_id = msg->key_id;
    job->attempt = msg->attempt;
    job->body_len = msg->body_len;
    job->deadline_ms = clock_ms() + msg->left_ms;
    job->times = times_of(msg);
    job->answer = (struct answer){
        .outlet = &upstream->outlet, .reader = reader, .call = msg->call, .offer = msg->offer};
    reader->call_count++;
    upstream->is_used = true;
    HASH_ADD(hh, upstream->jobs, key, sizeof(job->key), job);
    watch_deadline(job);
    return job;
}

/* Bodies */

static void want(struct job *job, uint64_t from, uint64_t len)
{
    struct msg_want want = {.call = job->key.call,
                            .offer = job->offer,
                            .from = from,
                            .len = len,
                            .gone = job->feed.gone};

    mailbox_post(&job->upstream->answers, job->key.frontend, MSG_WANT, &want);
}

static void want_feed(struct job *job)
{
    uint64_t from = job->feed.asked;
    size_t len = feed_want(&job->feed);

    if (len)
        want(job, from, len);
}

void job_want_body(struct job *job)
{
    if (!job->reader->is_attached)
        return;
    if (job->has_feed) {
        want_feed(job);
        return;
    }
    while (job->body_asked < job->body_len && job->body_asked - job->body.len < WANT_MOST) {
        uint64_t rest = job->body_len - job->body_asked;
        uint64_t len = rest < WANT_PIECE ? rest : WANT_PIECE;

        want(job, job->body_asked, len);
        job->body_asked += len;
    }
}

void job_want_again(struct job *job)
{
    if (job->has_feed && (job->state == JOB_RUNNING || job->state == JOB_WAITING))
        feed_ask_again(&job->feed);
    else if (job->state == JOB_BODY)
        job->body_asked = job->body.len;
    else
        return;
    job_want_body(job);
}

bool job_is_repeatable(const struct job *job)
{
    return !job->has_feed || !job->feed.gone;
}

/* Sent again after a break, or for an earlier want: it is not taken. */
static void take_feed(struct job *job, const struct msg_body *msg)
{
    if (!feed_take(&job->feed, msg->from, msg->data, msg->last))
        return;
    job->fed_ms = clock_ms();
    if (job->transfer)
        transfer_feed(job->transfer);
}

void job_body(struct job *job, const struct msg_body *msg)
{
    if (job->has_feed && job->state != JOB_ENDED) {
        take_feed(job, msg);
        return;
    }
    if (job->state != JOB_BODY || msg->from != job->body.len ||
        msg->data.len > job->body_len - msg->from)
        return; /* sent again after a break, or for an earlier want */
    if (!job->body.at)
        bytes_room(&job->body, job->body_len);
    bytes_append(&job->body, msg->data);
    if (job->body.len == job->body_len)
        begin(job);
    else
        job_want_body(job);
}

static void refuse(struct job *job)
{
    job->fault = FAULT_BAD_REQUEST;
    job->retry_ms = 0; /* all of the attempt before */
    job->fail_status = 0;
    job->fail_body.len = 0;
    job_tell_outcome(job, false);
    fail_by_fault(job);
}

static const char *why_refused(struct balancer_link *balancer, const struct reader *reader,
                               const struct job *held, const struct msg_job *msg)
{
    if (!balancer->link.peer || msg->balancer != balancer->link.peer)
        return "another balancer's";
    if (!reader)
        return "not subscribed";
    return held && held->offer >= msg->offer ? "held" : NULL;
}

void job_take(struct balancer_link *balancer, const struct msg_job *msg)
{
    struct reader *reader = reader_find(balancer->upstream, msg->frontend);
    struct job *job = job_find(balancer->upstream, msg->frontend, msg->call);
    const char *why = why_refused(balancer, reader, job, msg);

    if (why) {
        log_trace("job.refused", F_ID("frontend", msg->frontend), F_ID("call", msg->call),
                  F_STR("why", why));
        return;
    }
    if (job) /* the frontend has offered it again: nobody waits for this one */
        job_cancel(job, FAULT_CLIENT_GONE);
    job = job_new(balancer, reader, msg);
    trace_point("job.taken");
    if (!order_is_sound(job, msg)) {
        refuse(job);
        return;
    }
    if (msg->flow) {
        job_want_body(job);
        begin(job);
    } else if (msg->body.len == msg->body_len) {
        bytes_append(&job->body, msg->body);
        begin(job);
    } else {
        job_want_body(job);
    }
}

/* Ending */

void job_rekey(struct job *job, const struct msg_rekey *msg)
{
    secret_free(&job->secret);
    secret_free(&job->proxy);
    job->secret = memory_text(msg->key.hidden);
    job->proxy = memory_text(msg->proxy.hidden);
    job->key_id = msg->key_id;
    job->attempt = msg->attempt;
    note_choice(&job->times, msg);
    if (order_may_use(msg->key, msg->proxy))
        begin(job);
    else
        refuse(job);
}

void job_stop(struct job *job, const struct msg_stop *msg)
{
    enum error by_fault = fault_facts(job->fault)->error;

    if (msg->error != ERROR_NONE && msg->error != by_fault) {
        /* What the last provider said does not go with this error. */
        job->fail_status = 0;
        job->fail_body.len = 0;
        fail(job, msg->error < ERROR_COUNT ? (enum error)msg->error : ERROR_INTERNAL,
             msg->retry_after_ms);
        return;
    }
    fail(job, by_fault, msg->retry_after_ms ? msg->retry_after_ms : job->retry_ms);
}

void job_cancel(struct job *job, enum fault fault)
{
    attempt_abort(job, fault);
    if (job->state != JOB_ENDED && fault != FAULT_LOST) {
        job->fault = fault;
        job_tell_outcome(job, false);
    }
    job_free(job);
}

/* Of a job that waits for a key the balancer knows the fault, and must not count it twice; its
 * client is told the last one, since that says more. */
void job_give_up(struct job *job, enum fault fault)
{
    enum fault last = job->state == JOB_WAITING ? job->fault : fault;

    attempt_abort(job, fault);
    job->fault = fault;
    job_tell_outcome(job, false);
    job->fault = last;
    fail_by_fault(job);
}

/* Acknowledgements */

void job_ack(struct job *job, uint64_t seq, uint64_t reply_us)
{
    if (reply_us)
        job->times.reply_us = reply_us;
    if (answer_ack(&job->answer, seq)) {
        job_free(job);
        return;
    }
    if (!job->is_paused || !answer_is_drained(&job->answer))
        return;
    job->is_paused = false;
    job->heard_ms = clock_ms(); /* the clock stood while we would not listen */
    watch_deadline(job);
    transfer_resume(job->transfer);
}

void job_resume(struct job *job, uint64_t seq)
{
    struct msg_fail lost = {
        .call = job->key.call, .offer = job->offer, .seq = seq, .error = ERROR_UPSTREAM_LOST};

    if (answer_resend(&job->answer, seq))
        return;
    /* It asks for what it has acknowledged: nothing can repair that, so it ends, and says so. */
    log_error("answer.lost", F_ID("frontend", job->key.frontend), F_ID("call", job->key.call),
              F_NUM("seq", seq), F_NUM("acked", job->answer.acked));
    mailbox_post(&job->upstream->answers, job->key.frontend, MSG_FAIL, &lost);
    job_cancel(job, FAULT_CLIENT_GONE);
}
