/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in Google's own words whose model's name says what is wanted: MODEL-search, -image,
 * -non-thinking. */
#pragma once

#include "base/bytes.h"

/* Appends the body with what the suffixes (bits of enum suffix) mean for the model, where the client
 * says nothing of it itself. False: it is no JSON object. */
bool suffixed_body(unsigned suffixes, struct view model, struct view body, struct bytes *out);
