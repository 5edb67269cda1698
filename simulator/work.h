/* SPDX-License-Identifier: Apache-2.0 */
/* One request on its way to an answer, and the steps that all of Google's methods share. */
#pragma once

#include "prompt.h"
#include "quota.h"
#include "reply.h"
#include "server.h"

struct work {
    struct call *call;
    struct span key_name;
    struct span model_name;
    const struct model *model; /* NULL: there is none of this name */
    enum operation operation;
    struct mode_use mode;
    yyjson_doc *doc; /* the body */
    struct violations violations;
    struct plan plan;
};

/* Counts and keeps the request, and takes it through the key, the mode, the query and the model's
 * name; false when it was answered. */
bool work_begin(struct work *w, struct call *call, enum operation operation);

/* Parses the body; unless something is refused already. */
void work_parse(struct work *w);

/* Refuses with what the violations say, if anything. */
void work_settle(struct work *w);

/* Refuses a model that isn't there, is gone, or is of another kind than the method's. */
void work_check_model(struct work *w, bool is_able);

/* Refuses by the key's mode when it is one of the kind that comes after the body was looked at. */
void work_apply_mode(struct work *w);

/* Takes the request from its project's quotas, or refuses it. */
void work_take_quota(struct work *w, enum quota_kind kind, int64_t requests, int64_t tokens);

/* Does what the admin's script says of errors and delays, for methods that say nothing scripted. */
void work_script(struct work *w);

void work_refuse(struct work *w, enum refusal refusal);
void work_refuse_with(struct work *w, enum refusal refusal, struct span message);

/* Answers with this JSON, or as refused when it is; late when the key is slow. Frees what the work
 * holds. */
void work_answer(struct work *w, struct text *body);
void work_end(struct work *w);

/* A copy that lives as long as the request. */
struct span work_copy(struct work *w, struct span s);
