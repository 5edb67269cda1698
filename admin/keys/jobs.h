/* SPDX-License-Identifier: Apache-2.0 */
/* Trials of many keys, as an administrator has asked for them: paced by the balancer, followed here.
 * Plain functions; time is passed in. */
#pragma once

#include "keys/keys.h"

enum {
    JOBS_MOST = 16,
    JOB_AHEAD = 200,      /* keys of a job that the balancer has at once */
    JOB_CODES = 24,       /* different ends that are told apart */
    JOB_WAIT_MS = 120000, /* for the end of one trial */
};

enum job_state { JOB_RUNNING, JOB_DONE, JOB_STOPPED };

struct job_group {
    char code[32];
    size_t count;
};

/* A key that is under way. */
struct job_trial {
    uint64_t id, before; /* the number of its last trial then */
    uint64_t by_ms;
};

struct job {
    uint64_t number; /* 0: free */
    enum job_state state;
    uint64_t *ids;
    size_t total, next, done;
    struct job_trial under_way[JOB_AHEAD];
    size_t under_way_count;
    struct job_group groups[JOB_CODES];
    bool is_changed; /* since it was told */
};

struct jobs {
    struct job at[JOBS_MOST];
    uint64_t number;
};

/* Takes the list of ids. NULL: too many are running; then the list is freed. */
struct job *jobs_begin(struct jobs *jobs, uint64_t **ids, size_t count);
struct job *jobs_find(struct jobs *jobs, uint64_t number);

/* What has come of those under way, by what is known of the keys. */
void job_look(struct job *job, const struct keys *keys, uint64_t now_ms);

/* Appends the next ids to be tried as {"do":"verify","ids":[…]}; false: none now. */
bool job_write_next(struct job *job, const struct keys *keys, uint64_t now_ms, struct bytes *json);

/* The balancer does not try this one. */
void job_refused(struct job *job, uint64_t id, struct view code);
void job_stop(struct job *job);

/* Appends {"id","done","total","groups","state"}. */
void job_write(const struct job *job, struct bytes *json);
void jobs_clear(struct jobs *jobs);
