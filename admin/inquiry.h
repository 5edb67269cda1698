/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to `recorder query` on behalf of requests, each with a deadline. */
#pragma once

#include "admin.h"
#include "question.h"
#include "reply.h"

enum {
    ANSWER_LIMIT_MS = QUESTION_LIMIT_MS + 2000, /* a little more than the recorder takes */
    CHANGE_LIMIT_MS = 15000, /* a change waits for the database, and then for the processes */
};

/* Gives the reply, of the answer's JSON. */
typedef void answer_handler(struct admin *admin, struct reply *reply, struct view json);

/* Asks, and calls `on_answer` with the JSON when it comes; it gives the reply. If nothing comes
 * until `by_ms`, or nobody is there to ask, the reply is given here: 504 or 503. A request that goes
 * meanwhile takes its question with it. */
void ask_then(struct admin *admin, enum question question, struct view parameters,
              struct reply *reply, answer_handler *on_answer, uint64_t by_ms);

/* The same of the ledger by a question's name, which a recorder may not know yet; an answer that is no
 * error is good for `fresh_ms`, and whoever asks the same meanwhile gets it at once. */
void ask_fresh_then(struct admin *admin, const char *question, struct view parameters,
                    struct reply *reply, answer_handler *on_answer, uint64_t fresh_ms);

/* The same of a balancer: the first that is there. `name` is of an ASK that balancers know. */
void ask_balancer_then(struct admin *admin, const char *name, struct view parameters,
                       struct reply *reply, answer_handler *on_answer, uint64_t by_ms);
/* The same for what the recorder's keeper is to change: `what` as CHANGE says, `data` JSON, in which keys
 * may be. */
void change_then(struct admin *admin, const char *what, struct secret data, struct reply *reply,
                 answer_handler *on_answer);

/* Writes into the audit what was done on behalf of this reply's request, if the keeper is there: by
 * whom (NULL: as the request shows), what (a word), to what, and how that is now (empty: that says
 * nothing). No secret may be in any of it. */
void audit_note(struct admin *admin, const struct reply *reply, const char *by, const char *what,
                struct view on, struct view after);

/* Gives the keeper's answer to a change: its status and its JSON. */
void change_answer(struct admin *admin, struct reply *reply, struct view json);

/* An ANSWER came. */
void inquiry_answer(struct admin *admin, uint64_t number, struct view json);

/* Ends those whose time is up, or (the connection broke) all that went by this link. */
void inquiries_expire(struct admin *admin, uint64_t now_ms);
void inquiries_lose(struct admin *admin, const struct link *link);
