/* SPDX-License-Identifier: Apache-2.0 */
/* Google's error bodies, from faults.def. */
#pragma once

#include "text.h"

enum fault {
    FAULT_NONE,
#define FAULT(name, ...) FAULT_##name,
#include "faults.def"
    FAULT_COUNT
};

/* What a fault's text may speak of. All is borrowed. */
struct fault_facts {
    struct span key;
    struct span model;
    struct span message;    /* instead of the table's, when not empty */
    struct span violations; /* the elements of BadRequest.fieldViolations, when not empty */
    int retry_ms;           /* RetryInfo and "Please retry in"; negative: the fault's own */
};

int fault_status(enum fault fault);
bool fault_is_page(enum fault fault); /* an HTML page instead of JSON */

/* The plainest fault that has this HTTP status; INTERNAL for one that Google doesn't send. */
enum fault fault_of_status(int status);

/* Appends the whole body. */
void fault_write(struct text *out, enum fault fault, const struct fault_facts *facts, bool pretty);

/* Appends {"error":…} at the writer's depth, for an error inside of a stream. */
void fault_write_object(struct json *j, enum fault fault, const struct fault_facts *facts);
