/* SPDX-License-Identifier: Apache-2.0 */
/* yyjson as the upstream needs it: short texts are read in one static block, so that looking at an
 * event costs no malloc. */
#pragma once

#include <yyjson.h>

#include "view.h"

/* Reads `text`; NULL if it is not JSON. One document at a time: json_close it before the next
 * json_open. */
yyjson_doc *json_open(struct view text);
void json_close(yyjson_doc *doc);

/* A member that is a string; an empty view if there is none. */
struct view json_text(yyjson_val *object, const char *name);

/* A member that is a number not below zero, or such a number as a string; 0 if there is none. */
uint64_t json_number(yyjson_val *object, const char *name);
