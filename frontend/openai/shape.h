/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as OpenAI's clients read them: {"error":{"message","type","param","code"}}. */
#pragma once

#include "endpoint/complaint.h"

extern const struct error_shape shape_openai;
