/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs. Fed by sources.c with what the balancer has told. What must stay true: each key of a job
 * counts once, and a job ends. */
#include "keys/jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct job *place(struct jobs *jobs)
{
    struct job *oldest = NULL;

    for (size_t i = 0; i < JOBS_MOST; i++) {
        struct job *job = &jobs->at[i];

        if (!job->number)
            return job;
        if (job->state != JOB_RUNNING && (!oldest || job->number < oldest->number))
            oldest = job;
    }
    return oldest;
}

struct job *jobs_begin(struct jobs *jobs, uint64_t **ids, size_t count)
{
    struct job *job = place(jobs);
    uint64_t *taken = *ids;

    *ids = NULL;
    if (!job) {
        free(taken);
        return NULL;
    }
    free(job->ids);
    *job = (struct job){.number = ++jobs->number, .ids = taken, .total = count, .is_changed = true};
    job->state = count ? JOB_RUNNING : JOB_DONE;
    return job;
}

struct job *jobs_find(struct jobs *jobs, uint64_t number)
{
    for (size_t i = 0; i < JOBS_MOST; i++)
        if (number && jobs->at[i].number == number)
            return &jobs->at[i];
    return NULL;
}

/* The last group takes what has no room of its own. */
static void count(struct job *job, struct view code)
{
    size_t i = 0;

    if (code.len >= sizeof(job->groups[0].code))
        code.len = sizeof(job->groups[0].code) - 1;
    while (i + 1 < JOB_CODES && job->groups[i].count &&
           !view_equal(code, view_of(job->groups[i].code)))
        i++;
    if (!job->groups[i].count)
        snprintf(job->groups[i].code, sizeof(job->groups[i].code), "%.*s", (int)code.len, code.at);
    job->groups[i].count++;
    job->done++;
    job->is_changed = true;
    if (job->done == job->total && job->state == JOB_RUNNING)
        job->state = JOB_DONE;
}

static void end(struct job *job, size_t i, struct view code)
{
    job->under_way[i] = job->under_way[--job->under_way_count];
    count(job, code);
}

void job_look(struct job *job, const struct keys *keys, uint64_t now_ms)
{
    for (size_t i = job->under_way_count; i-- > 0;) {
        const struct job_trial *trial = &job->under_way[i];
        const struct key *key = keys_find(keys, trial->id);

        if (!key)
            end(job, i, VIEW("unknown_key"));
        else if (key->trial != trial->before)
            end(job, i,
                view_equal(bytes_view(&key->verified), VIEW("none")) ? VIEW("ok")
                                                                     : bytes_view(&key->verified));
        else if (now_ms >= trial->by_ms)
            end(job, i, VIEW("no_answer"));
    }
}

bool job_write_next(struct job *job, const struct keys *keys, uint64_t now_ms, struct bytes *json)
{
    size_t before = job->under_way_count;

    bytes_text(json, "{\"do\":\"verify\",\"ids\":[");
    while (job->state == JOB_RUNNING && job->next < job->total &&
           job->under_way_count < JOB_AHEAD) {
        uint64_t id = job->ids[job->next++];
        const struct key *key = keys_find(keys, id);

        if (!key) {
            count(job, VIEW("unknown_key"));
            continue;
        }
        bytes_printf(json, "%s\"%016" PRIx64 "\"", json->at[json->len - 1] == '[' ? "" : ",", id);
        job->under_way[job->under_way_count++] =
            (struct job_trial){id, key->trial, now_ms + JOB_WAIT_MS};
    }
    bytes_text(json, "]}");
    return job->under_way_count > before;
}

void job_refused(struct job *job, uint64_t id, struct view code)
{
    for (size_t i = job->under_way_count; i-- > 0;)
        if (job->under_way[i].id == id)
            end(job, i, code);
}

void job_stop(struct job *job)
{
    if (job->state != JOB_RUNNING)
        return;
    job->state = JOB_STOPPED;
    job->is_changed = true;
}

void job_write(const struct job *job, struct bytes *json)
{
    static const char *const states[] = {"running", "done", "stopped"};

    bytes_printf(json, "{\"id\":\"%" PRIu64 "\",\"done\":%zu,\"total\":%zu,\"groups\":{",
                 job->number, job->done, job->total);
    for (size_t i = 0; i < JOB_CODES && job->groups[i].count; i++)
        bytes_printf(json, "%s\"%s\":%zu", i ? "," : "", job->groups[i].code, job->groups[i].count);
    bytes_printf(json, "},\"state\":\"%s\"}", states[job->state]);
}

void jobs_clear(struct jobs *jobs)
{
    for (size_t i = 0; i < JOBS_MOST; i++)
        free(jobs->at[i].ids);
    *jobs = (struct jobs){0};
}
