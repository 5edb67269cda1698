/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin process holds. */
#pragma once

#include "link.h"
#include "session/guesses.h"
#include "session/sessions.h"
#include "web/web.h"

/* A process that says its status each second. */
struct source {
    struct link link; /* first: letters lead back from its mailbox */
    struct bytes status;
    uint64_t told_ms;
    struct bytes keys;             /* a balancer's: the last characters of each key by its id */
    uint64_t keys_number, keys_ms; /* of the last ASK for them, and when the next is due */
};

struct admin {
    struct actor actor;
    struct web web;
    struct source *balancers;
    size_t balancer_count;
    struct source recorder;
    struct link query;
    struct inquiry *inquiries; /* questions whose answer has not come */
    size_t inquiry_count;
    uint64_t number; /* of the last ASK */
    struct sessions sessions;
    struct guesses guesses;
};
