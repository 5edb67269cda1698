/* SPDX-License-Identifier: Apache-2.0 */
/* The upstream process: what its files share. One of it, owned by main.c; jobs, readers and
 * balancers point back at it. */
#pragma once

#include "actor.h"
#include "jobs/answer.h"
#include "jobs/balancer_link.h"
#include "base/headers.h"
#include "news.h"
#include "base/loop.h"
#include "jobs/subscriber.h"
#include "jobs/records.h"
#include "transfer/transfer.h"

struct job;
struct probe;

struct upstream {
    struct actor actor;
    struct loop loop;
    struct transfers transfers;
    const struct settings *settings; /* that the transfers go by */
    struct headers headers;          /* CUSTOM_HEADERS */
    struct outlet outlet;
    struct mailbox answers; /* XPUB */
    char *address;          /* of it, as HELLO says it */
    uint64_t resume_ms;     /* how long a frontend may be cut off; 0 on ipc */
    struct balancer_link *balancers;
    size_t balancer_count;
    struct link recorder;
    struct news news; /* of settings that change */
    struct records records;
    struct reader *readers; /* by incarnation */
    const struct reader_events *reader_events;
    struct job *jobs;     /* by (frontend, call) */
    struct probe *probes; /* keys that are being tried */
    size_t held;          /* bytes that wait behind gates */
    uint64_t check_ms;    /* when the jobs' deadlines are to be looked at next */
    uint64_t trim_ms;     /* when memory is given back next, if nothing is under way */
    uint64_t quiet_ms;    /* draining: since when no job is open; 0: there are some */
    bool is_used;         /* since the last trim */
};
