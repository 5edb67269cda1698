/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin process holds. */
#pragma once

#include "cache.h"
#include "events/events.h"
#include "keys/jobs.h"
#include "keys/views.h"
#include "link.h"
#include "processes.h"
#include "news.h"
#include "session/guesses.h"
#include "session/sessions.h"
#include "web/web.h"

/* A process that says its status each second. */
struct source {
    struct link link; /* first: letters lead back from its mailbox */
    struct admin *admin;
    struct bytes status;
    uint64_t told_ms;
    uint64_t status_number, status_ms; /* of the last ASK, and when the next is due */
    struct bytes keys;                 /* a balancer's: the last characters of each key by its id */
    uint64_t keys_number, keys_ms;
    uint64_t look_number, look_ms; /* of the last ASK pool; 0: its answer has come */
    uint64_t peer;                 /* that the looks are of */
    uint64_t ended;                /* calls, by its last status */
};

/* What all balancers together do, by their last two reports. */
struct pace {
    uint64_t ended, at_ms;
    double calls_per_s;
    uint64_t open, waiting;
};

struct admin {
    struct actor actor;
    struct web web;
    struct source *balancers;
    size_t balancer_count;
    struct source recorder;
    struct link query;
    struct bytes clients;      /* as the keeper told them last; JSON */
    struct news news;          /* the keeper's: settings that change, and the way to change them */
    struct inquiry *inquiries; /* questions whose answer has not come */
    size_t inquiry_count;
    uint64_t number;    /* of the last ASK */
    struct cache cache; /* of the ledger's answers */
    struct sessions sessions;
    struct guesses guesses;
    struct keys keys; /* of the first balancer */
    struct key_views views;
    struct jobs jobs;
    uint64_t job_number,
        job_ask; /* the job whose ids were sent with the last ASK order, and that */
    struct processes processes;
    struct pace pace;
    struct events events;
    uint64_t live_ms;                      /* when what is told each second is told next */
    uint64_t told_changes, told_processes; /* of keys and processes, in events */
    uint64_t sums_number, sums_ms;         /* of the last question for keys' sums, and the next */
};
