/* SPDX-License-Identifier: Apache-2.0 */
/* A request's head as bytes, before and beside h2o. No sockets. */
#pragma once

#include <stddef.h>

#include "base/view.h"

/* What h2o will make of the bytes that a connection has brought: 0, or the status with which it
 * will refuse them without a word that a client could read. `*target` is the request's target, if
 * it can be told. */
int head_status(struct view bytes, struct view *target);

/* What is wrong with the head at the start of `bytes`, which h2o has accepted: two readers could
 * see two different requests in it. NULL: nothing. The text is static, for the client. */
const char *head_fault(struct view bytes);

/* The path and query of a target, which may be a whole address (http://host/path). */
struct view head_origin(struct view target);
