/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to `recorder query` on behalf of requests, each with a deadline. */
#pragma once

#include "admin.h"
#include "question.h"
#include "reply.h"

enum { ANSWER_LIMIT_MS = QUESTION_LIMIT_MS + 2000 }; /* a little more than the recorder takes */

/* Gives the reply, of the answer's JSON. */
typedef void answer_handler(struct admin *admin, struct reply *reply, struct view json);

/* Asks, and calls `on_answer` with the JSON when it comes; it gives the reply. If nothing comes
 * until `by_ms`, or nobody is there to ask, the reply is given here: 504 or 503. A request that goes
 * meanwhile takes its question with it. */
void ask_then(struct admin *admin, enum question question, struct view parameters,
              struct reply *reply, answer_handler *on_answer, uint64_t by_ms);

/* The same of a balancer: the first that is there. `name` is of an ASK that balancers know. */
void ask_balancer_then(struct admin *admin, const char *name, struct view parameters,
                       struct reply *reply, answer_handler *on_answer, uint64_t by_ms);

/* An ANSWER came. */
void inquiry_answer(struct admin *admin, uint64_t number, struct view json);

/* Ends those whose time is up, or (the connection broke) all. */
void inquiries_expire(struct admin *admin, uint64_t now_ms);
void inquiries_lose(struct admin *admin);
