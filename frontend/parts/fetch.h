/* SPDX-License-Identifier: Apache-2.0 */
/* What a request names by address and is to be sent along: each is a step of the plan in a pool
 * that needs no key; its bytes take the place that was kept for them in the provider's body. For
 * endpoints that write such bodies. */
#pragma once

#include "endpoint/plan.h"
#include "endpoint/endpoint.h"

enum { FETCHES_MOST = 16 /* addresses in one request */ };

struct fetch {
    char *url;            /* as it is asked for */
    char *param;          /* of the first part that names it */
    char *type;           /* as the client calls it; may be empty */
    const char *assumed;  /* type of what says none and shows none; NULL: there is none such */
    bool is_file;         /* any type will do; else a picture, sound, video or PDF */
    struct bytes members; /* of inlineData, once it is there */
};

/* Valid when zeroed. */
struct fetches {
    struct fetch at[FETCHES_MOST];
    size_t count, done;
    size_t kept; /* bytes of members */
    char mark
        [33]; /* what places begin with: random, so that no text of a client's is taken for one */
};

/* What a part says of what it names; the texts are copied, but for `assumed`, which is static. */
struct fetch_wish {
    struct view url, type;
    const char *assumed;
    bool is_file;
    const char *param;
};

/* Appends a member of inlineData that keeps the place. Returns NULL, or what is wrong with the
 * address (static, for the client). */
const char *fetches_add(struct fetches *fetches, const struct fetch_wish *wish, struct bytes *out);

/* Adds a step for each; place n is number n. False: the plan is full. */
bool fetches_plan(const struct fetches *fetches, struct plan *plan, uint64_t client);

/* Whether that step is one of those. */
bool fetches_has(const struct plan *plan, size_t call);

/* A step's answer is there. ERROR_FETCH: it is not what it should be, and the plan says why. */
enum error fetches_take(struct fetches *fetches, struct plan *plan, size_t call,
                        const struct call_answer *answer);

/* A step has failed. True: it is tried once more; false: the plan says why, where the address is at
 * fault. */
bool fetches_failed(const struct fetches *fetches, struct plan *plan, size_t call,
                    const struct call_failure *failure);

/* Puts what was fetched in its places. ERROR_TOO_LARGE: with the `inline_len` bytes of media that
 * the body has already, that is more than `most`; the plan says so. */
enum error fetches_fill(struct fetches *fetches, struct plan *plan, struct bytes *body,
                        uint64_t inline_len, uint64_t most);

void fetches_clear(struct fetches *fetches);
