/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures that a model has made, put at the operator's image host (UPLOAD_PROVIDER): each is a step
 * of the plan behind the model's answer, and its address takes the place that was kept for it in the
 * reply. Where that fails the picture itself stands there, as a data URL. For endpoints whose
 * replies hold pictures.
 *
 * The reply is kept as long as there are places in it: uploads_add, then uploads_plan; uploads_take
 * or uploads_failed for each of those steps; uploads_fill at the end. */
#pragma once

#include "endpoint/endpoint.h"

enum { UPLOADS_MOST = 32 /* of a reply; pictures beyond stand in it themselves */ };

struct upload {
    struct bytes base64;
    char *type;      /* image/png */
    char *body_type; /* Content-Type of what is sent */
    char *path;      /* "/2025/01/31/0a1b2c3d.png" */
    struct bytes url;
    char mark[48]; /* its place in the reply */
};

/* Valid when zeroed. */
struct uploads {
    struct upload *at[UPLOADS_MOST];
    size_t count, planned;
    size_t kept; /* bytes */
    char mark[33];
    uint64_t id, client; /* of the request */
    uint64_t utc_ms;
};

/* Whether there is a host. */
bool uploads_wanted(void);

/* The text that keeps the place of a picture's address, good until uploads_clear; it needs no
 * escaping in JSON. Empty: there is no room for it. The same picture has one place and one step. */
struct view uploads_add(struct uploads *uploads, struct view type, struct view base64);

/* Adds steps for those that have none. */
void uploads_plan(struct uploads *uploads, struct plan *plan);

/* Whether that step is one of those. */
bool uploads_has(const struct plan *plan, size_t call);

/* The host has answered, or has not: neither is the request's failure. */
void uploads_take(struct uploads *uploads, const struct plan *plan, size_t call,
                  const struct call_answer *answer);
void uploads_failed(struct uploads *uploads, const struct plan *plan, size_t call,
                    const struct call_failure *failure);

/* Appends the text with the addresses in their places, escaped as in JSON. */
void uploads_fill(const struct uploads *uploads, struct view text, struct bytes *out);

void uploads_clear(struct uploads *uploads);
