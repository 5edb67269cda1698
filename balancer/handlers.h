/* SPDX-License-Identifier: Apache-2.0 */
/* What the balancer answers to, by mailbox. */
#pragma once

#include "balancer.h"

extern letter_handler *const route_front[MSG_KINDS];    /* from frontends and admin */
extern letter_handler *const route_upstream[MSG_KINDS]; /* from upstreams */
