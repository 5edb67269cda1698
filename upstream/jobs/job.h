/* SPDX-License-Identifier: Apache-2.0 */
/* A job: one call of a frontend, from its JOB until the frontend has acknowledged the last letter
 * of its answer. It is held by (frontend, call); `offer` tells which of the frontend's offers it
 * is, and only the newest counts. */
#pragma once

#include "actor.h"
#include "jobs/answer.h"
#include "jobs/balancer_link.h"
#include "jobs/feed.h"
#include "jobs/gate.h"
#include "jobs/quiet.h"
#include "transfer/transfer.h"

/* The life of a job:
 *
 *    BODY -> RUNNING -> OPEN -> ENDED        [begin, opened, done, fail]
 *      \      |   ^       \----^ |
 *       \     v   |              |
 *        \  WAITING -------------^           for another key [REKEY; STOP or the deadline]
 *         \----------------------^
 *    and from everywhere out: CANCEL, the frontend gone, a newer offer; from ENDED: the last ACK
 */
enum job_state {
    JOB_BODY,    /* the body is on its way from the frontend */
    JOB_RUNNING, /* a request is under way, nothing has left */
    JOB_WAITING, /* it failed in a way that another key may cure; the balancer was asked */
    JOB_OPEN,    /* the first content has left */
    JOB_ENDED,   /* END or FAIL is posted, not yet acknowledged */
};

enum { JOB_BEFORE_MOST = 16 }; /* attempts whose faults are remembered */

/* What others have measured, for the ledger. */
struct job_times {
    uint64_t request, asked_ms, read_us, translate_us; /* by the frontend */
    uint64_t wait_us, pick_us;                         /* by the balancer, for this attempt; … */
    uint64_t keys, cooling, spent, dead, off, no_room; /* …what its choice was made from… */
    char chosen_by[16];                                /* …and why */
    uint64_t reply_us;                                 /* until the client had all */
};

struct job_key {
    uint64_t frontend;
    uint64_t call;
};

struct job {
    struct job_key key;
    uint64_t offer;
    enum job_state state;
    struct upstream *upstream;
    struct balancer_link *balancer; /* who placed it */
    struct reader *reader;

    /* what is asked */
    const struct provider *provider;
    const char *model, *operation, *path; /* these and the next lie in `texts` */
    const char *method, *type_in;         /* of the request */
    const char *wanted;  /* names of header lines that are looked at here, and then … */
    const char *headers; /* … those that the frontend wants, with commas */
    const char *extra;   /* header lines that go along */
    const char *route;   /* that the client has asked for */
    char *moved;         /* where a download was sent on to: `path` then; NULL: nowhere */
    unsigned moves;      /* how often */
    bool is_moving;      /* the answer that is coming in says so */
    char *proxy;
    bool is_stream;
    bool thoughts;
    bool is_raw;    /* the client reads the provider's own events, an error among them too */
    uint64_t owner; /* the only key that will do; 0: any */
    bool once;      /* no further request where the last may have been obeyed */
    uint64_t estimate;
    uint64_t client;
    uint64_t key_id;
    char *secret; /* the key */
    struct bytes body;
    uint64_t body_len;
    uint64_t body_asked; /* WANTed so far */
    bool has_feed;       /* the body comes while the request is under way… */
    struct feed feed;    /* …here, instead of in `body` */
    uint64_t fed_ms;     /* when some of it came or left */

    struct job_times times;
    enum fault before[JOB_BEFORE_MOST]; /* of the attempts made here before this one */
    size_t before_count;

    /* the attempt under way, or the last one */
    uint64_t attempt;
    const struct attempt_events *events;
    struct transfer *transfer;
    struct gate gate;
    struct quiet quiet;  /* of a stream that is passed on as it comes */
    uint32_t slot;       /* in the flight file */
    bool is_begun;       /* it has one, and it hasn't ended… */
    bool is_held;        /* …or it has, but its record waits for what is still to come */
    uint64_t held_by_ms; /* ENDED: no longer than this */
    uint64_t connect_us; /* 0: no new connection */
    uint64_t begun_ms;
    uint64_t begun_utc_ms;
    uint64_t first_ms; /* from begun_ms to the first content */
    uint64_t bytes_out;
    uint64_t length;    /* Content-Length + 1 */
    char type[96];      /* Content-Type */
    struct bytes lines; /* of the head, for the frontend */
    struct bytes begin; /* of the body, if it may describe objects */
    bool is_coded;      /* the answer came compressed, though nobody asked for that */
    enum fault fault;
    bool is_told; /* the client has the provider's own error event: nothing is to be added */
    uint64_t retry_ms;
    unsigned fail_status;
    struct bytes fail_body;
    uint64_t outcome_seq; /* WAITING: of the OUTCOME that asked */

    uint64_t deadline_ms; /* for the first content */
    uint64_t heard_ms;    /* when bytes last came, or a pause ended */
    bool is_paused;
    bool is_ending; /* the answer is complete: what the gate lets out now is all there is */
    struct answer answer;
    UT_hash_handle hh;
    char texts[];
};

/* Takes the JOB, or drops it: it is not for us any more, its frontend is gone, or it is held
 * already. */
void job_take(struct balancer_link *balancer, const struct msg_job *msg);

struct job *job_find(struct upstream *upstream, uint64_t frontend, uint64_t call);

void job_body(struct job *job, const struct msg_body *msg);
void job_rekey(struct job *job, const struct msg_rekey *msg);
void job_stop(struct job *job, const struct msg_stop *msg);
/* `reply_us`: since the client's request began, if its last byte has gone; 0: nobody says. */
void job_ack(struct job *job, uint64_t seq, uint64_t reply_us);
void job_resume(struct job *job, uint64_t seq);

/* Ends it without an answer; the job is gone afterwards. LOST: the process ends with it; then the
 * balancer hears nothing, for what it still has placed here it lets the frontend offer again. */
void job_cancel(struct job *job, enum fault fault);

/* A balancer asks about a job that is not (or no longer) waiting: tells it that it is over. */
void job_tell_over(struct balancer_link *balancer, const struct msg_rekey *msg);

/* As HELD and dumps say it. */
const char *job_state_name(const struct job *job);

/* When it is to be given up, if nothing happens; UINT64_MAX: never. */
uint64_t job_due_ms(const struct job *job);

/* Gives it up, and its client is told. TIMEOUT: the deadline, or a silence that is too long; STOPPED:
 * the process ends before the answer does. */
void job_give_up(struct job *job, enum fault fault);

/* OUTCOME of the attempt; `more`: it waits for another key. */
void job_tell_outcome(struct job *job, bool more);

/* Asks for the next parts of the body, so that a megabyte of it is on its way; of one that is passed
 * on as it comes a window. */
void job_want_body(struct job *job);

/* The frontend was cut off and is back: what was asked for, or sent, may be lost. */
void job_want_again(struct job *job);

/* Whether the request could be sent once more: its body is here from the first byte on. */
bool job_is_repeatable(const struct job *job);
