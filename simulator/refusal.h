/* SPDX-License-Identifier: Apache-2.0 */
/* Google's error bodies, from refusals.def. */
#pragma once

#include "text.h"

enum refusal {
    REFUSAL_NONE,
#define REFUSAL(name, ...) REFUSAL_##name,
#include "refusals.def"
    REFUSAL_COUNT
};

/* One exceeded quota. */
struct quota_violation {
    const char *metric; /* without the service's name */
    const char *id;
    int64_t value;
};

#define QUOTA_VIOLATIONS 3

struct quota_failure {
    int count;
    struct quota_violation violations[QUOTA_VIOLATIONS];
    int64_t retry_ms;
};

/* What a refusal's text may speak of. All is borrowed. */
struct refusal_facts {
    struct span key;
    struct span model;
    struct span method;     /* "generateContent" */
    struct span message;    /* instead of the table's, when not empty */
    struct span violations; /* the elements of BadRequest.fieldViolations, when not empty */
    const struct quota_failure *quota; /* instead of the table's, when not NULL */
    int retry_ms; /* RetryInfo and "Please retry in"; negative: the refusal's own */
};

int refusal_status(enum refusal refusal);
bool refusal_is_page(enum refusal refusal); /* an HTML page instead of JSON */

/* The plainest refusal that has this HTTP status; INTERNAL for one that Google doesn't send. */
enum refusal refusal_of_status(int status);

/* Appends the whole body. */
void refusal_write(struct text *out, enum refusal refusal, const struct refusal_facts *facts,
                   bool pretty);

/* Appends {"error":…} at the writer's depth, for an error inside of a stream. */
void refusal_write_object(struct json *j, enum refusal refusal, const struct refusal_facts *facts);
