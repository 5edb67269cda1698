/* SPDX-License-Identifier: Apache-2.0 */
/* The routes by which a test sets the simulator up and asks it what happened. */
#pragma once

#include "server.h"

void admin_counts(struct call *call);
void admin_requests(struct call *call);
void admin_keys(struct call *call);
void admin_script(struct call *call);
void admin_quotas(struct call *call);
void admin_quota(struct call *call);
void admin_clock(struct call *call);
void admin_files(struct call *call);
void admin_reset(struct call *call);
