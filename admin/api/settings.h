/* SPDX-License-Identifier: Apache-2.0 */
/* What /api/admin/settings says and takes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Appends {"etag", "rows"}: every setting of options.def, as it is now. */
void settings_write(struct bytes *out);

/* An etag as If-Match says it: "7", 7 or W/"7". False: it is none of ours. */
bool settings_etag_read(struct view line, uint64_t *version);
