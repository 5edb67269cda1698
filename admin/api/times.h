/* SPDX-License-Identifier: Apache-2.0 */
/* What queries of the API say of time, and of calls, as the ledger is asked for it. */
#pragma once

#include "base/bytes.h"

/* Appends "from_ms":…,"to_ms":… to a JSON object that has just been opened: by range, or by from and
 * to; to a few seconds, so that who asks next asks the same. NULL, or the name of what is wrong. */
const char *times_write(struct view query, struct bytes *json);

/* Appends ,"name":"value" for each of the filters of calls that the query has. */
void times_write_filter(struct view query, struct bytes *json);
