/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of api.def. Each gives the reply, now or later. */
#pragma once

#include "admin.h"
#include "reply.h"

#define API(method, path, needs, handler, text)                                                    \
    void api_##handler(struct admin *admin, struct view query, struct reply *reply);
#include "api/api.def"
