/* SPDX-License-Identifier: Apache-2.0 */
/* What an embeddings request asks, and its reply. */
#pragma once

#include "endpoint/endpoint.h"

enum { EMBED_BATCH = 100 /* inputs that the provider takes in one request */ };

/* Valid when zeroed; embed_clear frees it. */
struct embed {
    struct bytes client_model; /* as the client spelled it, for the reply */
    struct bytes model;        /* for the provider */
    size_t count;              /* inputs */
    int64_t dimensions;        /* 0: as many as the model likes */
    bool is_list;              /* of inputs, though it may be of one */
    bool is_base64;
    bool normalises; /* what comes is not of length 1 */

    struct bytes list; /* elements of the reply's data */
    size_t index;      /* of the next one */
    uint64_t tokens;
};

/* Reads the client's body and adds the calls that answer it. Another value than NONE: `plan->why`
 * and `param` say more. */
enum error embed_read(struct embed *embed, const struct request *request, struct plan *plan);

/* Takes what one call answered, `inputs` of them; `estimate` is what they cost if it does not say.
 * False: it is no such answer. */
bool embed_take(struct embed *embed, struct view json, size_t inputs, uint64_t estimate);

/* Appends the reply. */
void embed_write(const struct embed *embed, struct bytes *out);

void embed_clear(struct embed *embed);
