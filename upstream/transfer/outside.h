/* SPDX-License-Identifier: Apache-2.0 */
/* The engine for hosts that are not the provider's: addresses that clients name, under the guard,
 * and hosts of the operator's. Used by transfer.c only. */
#pragma once

#include "transfer/engine.h"

extern const struct engine_kind engine_outside;
