/* SPDX-License-Identifier: Apache-2.0 */
/* Thought signatures of calls that clients were told of, for those that come back without: most
 * clients drop what OpenAI's API does not know. All frontends of a host share one file; what is
 * oldest makes room. Nothing here waits, and nothing fails: what is not found was not kept. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum { SIGNATURES_LIFE_S = 24 * 3600 };

struct signatures_header;

/* Valid when zeroed: keeps nothing. */
struct signatures {
    struct signatures_header *header; /* mapped; NULL: not open */
    uint64_t size;                    /* bytes of the ring */
    uint64_t buckets;                 /* of the index */
    int fd;
};

/* A call's place: whose it is, and what it is called. */
struct signature_owner {
    uint64_t client; /* hash of its token */
    struct view id;
    struct view model;
};

/* Opens the file in that folder, or makes it; `size` bytes of signatures, 0: none are kept. Logs
 * what is wrong. */
void signatures_open(struct signatures *kept, const char *folder, uint64_t size);
void signatures_close(struct signatures *kept);

/* Keeps it; NULL is taken for one that keeps nothing, here and below. */
void signatures_keep(struct signatures *kept, const struct signature_owner *owner,
                     struct view signature, uint64_t now_s);

/* Appends what was kept for that call, if the model is of the family that made it; and keeps it
 * longer. */
bool signatures_find(struct signatures *kept, const struct signature_owner *owner, uint64_t now_s,
                     struct bytes *signature);
