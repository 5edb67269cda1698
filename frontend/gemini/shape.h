/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as Google's clients read them: google.rpc.Status. */
#pragma once

#include "endpoint/complaint.h"

extern const struct error_shape shape_gemini;

/* The same for the newer methods (interactions, agents, …), whose clients take nothing but a word as error.code. */
extern const struct error_shape shape_gemini_words;
