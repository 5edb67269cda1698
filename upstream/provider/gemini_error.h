/* SPDX-License-Identifier: Apache-2.0 */
/* What Gemini's error bodies mean: the part of provider_gemini that is a table of texts. */
#pragma once

#include "provider/provider.h"

/* As `read_error` of struct provider. */
void gemini_read_error(unsigned status, struct view body, uint64_t utc_ms, struct verdict *verdict);
