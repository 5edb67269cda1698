/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder's process that takes records: letters in, spool, acknowledgements out. It knows
 * nothing of a database and never waits for one. */
#pragma once

/* Runs until a signal ends it; returns the exit status. */
int intake_run(void);
