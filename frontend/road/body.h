/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests, as the road's files see them. */
#pragma once

#include "road/road.h"

/* One more holds it; NULL stays NULL. */
struct body *body_hold(struct body *body);
