/* SPDX-License-Identifier: Apache-2.0 */
/* What balancers say; the owner of each handler is a struct balancer_link. */
#pragma once

#include "link.h"

extern letter_handler *const handlers_of_balancers[MSG_KINDS];
void handlers_welcome(void *owner, struct link *link);
