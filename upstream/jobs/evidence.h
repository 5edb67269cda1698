/* SPDX-License-Identifier: Apache-2.0 */
/* What a request asked that failed, as the error log keeps it. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

enum { EVIDENCE_MOST = 8 * 1024 };

/* Appends the beginning of a request's body, at most EVIDENCE_MOST bytes: without `key` and whatever looks like one,
 * and without the data of pictures and files, of which their length is said. */
void evidence_write(struct bytes *out, struct view body, struct secret key);
