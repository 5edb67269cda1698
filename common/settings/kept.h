/* SPDX-License-Identifier: Apache-2.0 */
/* Small files that this user alone may read, replaced as a whole. */
#pragma once

#include <stdbool.h>

#include "base/view.h"

/* Blocks until the disk has it. False: it does not take it (logged). */
bool kept_write(const char *path, struct view text);
