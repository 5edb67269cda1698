/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers by libcurl from beginning to end: through proxies, and over HTTP/2. One of the engines
 * behind transfer.h. */
#pragma once

#include "transfer/engine.h"

extern const struct engine_kind engine_multi;
