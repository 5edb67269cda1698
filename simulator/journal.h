/* SPDX-License-Identifier: Apache-2.0 */
/* The last requests as they were received, for tests that compare bytes. */
#pragma once

#include <h2o.h>

#include "text.h"

/* Maps the shared memory; before the fork. */
void journal_open(void);

void journal_add(const h2o_req_t *req, struct span key);
void journal_forget(void);

/* Appends {"requests":[…]} with the last `count`, oldest first. */
void journal_write(struct text *out, size_t count);
