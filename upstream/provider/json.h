/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a provider's JSON. */
#pragma once

#include <yyjson.h>

#include "base/view.h"

/* A member that is a string; an empty view if there is none. */
struct view json_text(yyjson_val *object, const char *name);

/* A member that is a number not below zero, or such a number as a string; 0 if there is none. */
uint64_t json_number(yyjson_val *object, const char *name);
