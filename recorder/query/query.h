/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder's process that answers questions about what the database holds. */
#pragma once

/* Runs until a signal ends it; returns the exit status. */
int query_run(void);
