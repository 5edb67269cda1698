/* SPDX-License-Identifier: Apache-2.0 */
/* The file `.env` of the working folder. */
#pragma once

/* Reads it, if it is there. */
void env_file_read(const char *path);

/* The value of that name, which lives as long as the process; NULL if there is none. */
const char *env_file_find(const char *name);

/* Overwrites all values of that name. */
void env_file_wipe(const char *name);
