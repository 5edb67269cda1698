/* SPDX-License-Identifier: Apache-2.0 */
/* What h2o would refuse before there is a request. For listen.c and refusal.c. */
#pragma once

#include "web/client.h"

/* Looks at what the connection brings before h2o does. To be called when h2o has begun to read. */
void early_watch(struct client *client);

/* The same for the request behind this one. */
void early_watch_next(h2o_req_t *req);
