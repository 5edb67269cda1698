/* SPDX-License-Identifier: Apache-2.0 */
/* For web.c. */
#pragma once

#include "web/web.h"

/* Before any other handler is added. */
void refusal_open(struct web *web);
