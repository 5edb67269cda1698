/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder's process that keeps what administrators change, and tells the others. */
#pragma once

/* Runs until a signal ends it; returns the exit status. */
int keeper_run(void);
