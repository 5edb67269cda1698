/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that an administrator has switched off stay so when the balancer comes back. */
#pragma once

#include "balancer.h"

/* Switches off those of the file; to be called once, when the pool is there. */
void disabled_load(struct balancer *b);

/* Keeps which are off now. */
void disabled_save(struct balancer *b);
