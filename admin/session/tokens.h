/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's token, as a request shows it. */
#pragma once

#include <stdbool.h>

#include "base/secret.h"

/* The token out of an authorization's value; empty: it has none. */
struct view token_of_bearer(struct view authorization);

/* Whether everybody knows it: it stands in guides. */
bool token_is_sample(struct secret token);
