/* SPDX-License-Identifier: Apache-2.0 */
/* For web.c. */
#pragma once

#include "web/web.h"

/* Before web_listen, when there is a loop. */
void listen_prepare(struct web *web);
