/* SPDX-License-Identifier: Apache-2.0 */
/* What /api/status says, put together from what balancers answer. No sockets. */
#pragma once

#include "base/bytes.h"

/* Appends a balancer's status (JSON) with every incarnation cut short: a whole one is what
 * processes know each other by, and this is for everybody's eyes. Appends null if it is no JSON
 * object. */
void report_status(struct bytes *out, struct view status);

/* Appends, out of the recorder's status (JSON), whether records wait for the database: how many,
 * the spool's bytes, since when, and the database's reason in one line. Appends null if it is no
 * JSON object. */
void report_records(struct bytes *out, struct view status);
