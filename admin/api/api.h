/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of api.def. Each gives the reply, now or later; `call` is the reply's own. */
#pragma once

#include "admin.h"
#include "reply.h"

#define API(method, pattern, needs, handler, text)                                                 \
    void api_##handler(struct admin *admin, const struct api_call *call, struct reply *reply);
#include "api/api.def"

/* Gives the recorder's answer as it is, an error with its HTTP status. */
void api_pass_on(struct admin *admin, struct reply *reply, struct view json);
