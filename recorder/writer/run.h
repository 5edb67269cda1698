/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder's process that moves records from the spool into the database. It alone waits for
 * the server. */
#pragma once

/* Runs until a signal ends it; returns the exit status. */
int writer_run(void);
