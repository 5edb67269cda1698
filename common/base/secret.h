/* SPDX-License-Identifier: Apache-2.0 */
/* A string that must never be logged or printed: provider keys and client tokens. It is a type of
 * its own so that no log field takes it; whoever needs the bytes says so by naming `.hidden`. */
#pragma once

#include "base/view.h"

struct secret {
    struct view hidden;
};

/* Whether two secrets are equal, in a time that depends on their lengths only. */
bool secret_equal(struct secret a, struct secret b);

/* Overwrites a text, which may be the environment's; nothing if NULL. */
void secret_wipe(const char *text);
