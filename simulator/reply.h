/* SPDX-License-Identifier: Apache-2.0 */
/* Sends answers: the plain ones at once, the others piece by piece as the script says and the
 * client reads. */
#pragma once

#include <h2o.h>

#include "frame.h"
#include "ledger.h"

/* How a stream's last event is followed. */
enum ending {
    ENDING_FINISH,
    ENDING_CLOSE, /* cleanly, without a finishReason */
    ENDING_ERROR,
    ENDING_CUT,
    ENDING_HANG,
};

/* Everything about one answer. The spans live as long as the request. */
struct plan {
    struct answer answer;
    struct key *key;      /* whose counts it goes to */
    enum refusal refusal; /* the status of a refusal, or of ENDING_ERROR */
    struct refusal_facts facts;
    const char *type; /* Content-Type; NULL: JSON, or a stream's */
    struct span body; /* what is answered, when it is ready and no answer is to be rendered */
    bool has_body;
    bool is_stream;
    bool is_refused;
    bool is_silent; /* never answers */
    bool is_chunked;
    bool is_head_early;
    bool is_last_close;
    bool is_cut_fin;
    enum ending ending;
    int64_t events;   /* after so many comes the ending */
    int64_t first_ms; /* before the first byte */
    int64_t pace_ms;
    int64_t split;
    int64_t split_ms;
    int64_t cut_at; /* UNSET: no cut by bytes */
};

/* Answers with a body that is ready. Content type: JSON, HTML when `is_page`. */
void reply_now(h2o_req_t *req, int status, struct span body, bool is_page);

/* Answers as planned and counts the answer; the plan is copied. */
void reply_start(h2o_req_t *req, const struct plan *plan);

/* Resets the request's TCP connection. */
void reply_reset(h2o_req_t *req);
