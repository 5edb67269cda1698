/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limits by project and model, shared by the simulator's processes: requests and input tokens
 * in the last minute, requests since midnight in Los Angeles. Off until a rule is set. */
#pragma once

#include <stdint.h>

#include "refusal.h"
#include "text.h"

#define QUOTA_NAME_BYTES 200

/* UNSET: no such limit. */
struct quota_rule {
    int64_t rpm;
    int64_t tpm;
    int64_t rpd;
    int64_t minute_ms; /* how long a minute is; tests have no time */
    bool is_paid;      /* which ids the refusals name */
};

/* Which ids count a method. */
enum quota_kind {
    QUOTA_GENERATE,
    QUOTA_EMBED,
    QUOTA_PREDICT,
    QUOTA_KINDS,
};

/* What a request wants to use. */
struct quota_use {
    enum quota_kind kind;
    struct span project;
    struct span model;
    int64_t requests;
    int64_t tokens;
};

/* Maps the shared memory; before the fork. */
void quota_open(void);

bool quota_is_on(void);

/* Sets the rule for a project and a model (empty: any), in place of one with the same two. The most
 * particular rule counts: both, project, model, any. False when there are too many. */
bool quota_set(const struct quota_rule *rule, struct span project, struct span model);

/* Takes the use from all limits, or, when one would be passed, from none: then false, and the
 * failure names every such limit. */
bool quota_take(const struct quota_use *use, struct quota_failure *failure);

void quota_reset(void); /* rules, uses and the clock */

/* Appends {"quotas":[…],"used":[…],"now_ms"}. */
void quota_write(struct text *out);

/* The quotas' clock: the real one, moved; when it is stopped only quota_clock_move moves it. */
int64_t quota_now_ms(void);
void quota_clock_set(int64_t now_ms);
void quota_clock_move(int64_t ms);
void quota_clock_stop(bool is_stopped);
