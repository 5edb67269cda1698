/* SPDX-License-Identifier: Apache-2.0 */
/* What Google's own routes do. */
#pragma once

#include "endpoint/endpoint.h"

extern const struct endpoint endpoint_generate;      /* …/models/{m}:generateContent */
extern const struct endpoint endpoint_stream;        /* …/models/{m}:streamGenerateContent */
extern const struct endpoint endpoint_native;        /* any other method, known or not */
extern const struct endpoint endpoint_native_models; /* GET …/models, …/models/{m} */
extern const struct endpoint endpoint_live;          /* what of the Live API is asked for */
extern const struct endpoint endpoint_upload;        /* …/upload/… */
