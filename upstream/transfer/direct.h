/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers that go straight to the provider over HTTP/1.1: one request and one answer on a
 * connection of connection.h, and nothing between. One of the engines behind transfer.h. */
#pragma once

#include "transfer/engine.h"

extern const struct engine_kind engine_direct;
