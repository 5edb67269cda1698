/* SPDX-License-Identifier: Apache-2.0 */
/* How a call is told, in the list and by itself. */
#pragma once

#include <yyjson.h>

#include "base/bytes.h"

/* Appends the columns of an attempt, its call's last, of the table `attempts` as `a`. */
void calls_put_columns(struct bytes *sql);

/* Appends a row with them as an object; `attempts`: rows with id, key, fault. */
void calls_write(yyjson_val *row, yyjson_val *attempts, struct bytes *json);
