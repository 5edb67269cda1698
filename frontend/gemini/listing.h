/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of objects (files, cachedContents, batches, …): the client's own, whichever key has them. The balancer says their names, and
 * each is asked of its key. */
#pragma once

#include "endpoint/endpoint.h"

struct listing {
    struct bytes collection; /* "files"; empty: the request is no list */
    uint64_t client;
    bool any_client;
    uint64_t before; /* where the next page begins; 0: this is the last */
    size_t count;    /* of those shown */
};

/* Begins with the question for the names. `path` stands behind the version. */
enum error listing_begin(struct listing *listing, const struct request *request, struct view path,
                         struct plan *plan);

enum error listing_answer(struct listing *listing, struct plan *plan, size_t call,
                          const struct call_answer *answer, struct bytes *out);

/* Whether the list goes on without the object. */
bool listing_failed(const struct listing *listing, size_t call, const struct call_failure *failure);

void listing_end(const struct listing *listing, struct bytes *out);
void listing_clear(struct listing *listing);
