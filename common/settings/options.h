/* SPDX-License-Identifier: Apache-2.0 */
/* Settings, from options.def: command line, then environment, then `.env` in the working folder,
 * then the default.
 * `--time-out=10s` sets TIME_OUT; `--help` lists them; `--print=NAME` prints one (a secret: how
 * many values it has), `--place=NAME` where it comes from; `--check` says what is odd about their names. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "settings/settings.h"

/* Reads all settings. A wrong value ends the process with status 2, saying the option, its value
 * and what would be right. Arguments that are no options are left in *argv (argv[0] stays); returns
 * their count, argv[0] included. */
int options_read(int argc, char **argv);

/* Forgets the secrets that are not this role's (of enum role) business, in the environment as well:
 * keys and proxies are the balancer's, clients' tokens the frontend's, the administrator's token the
 * frontend's and admin's, CUSTOM_HEADERS and image hosts' secrets the upstream's, the database's
 * password the recorder's.
 * actor_open calls it. */
void options_keep(unsigned role);

/* Logs which settings are known from gemini-balance, are set, and change nothing. */
void options_warn_later(void);

/* Prints docs/SETTINGS.md, or the README's table of the settings that most need, to stdout. */
void options_print_all(void);
void options_print_few(void);

/* A path inside STATE_DIR: "STATE_DIR/<name>", in memory of its own, never freed. */
const char *options_path(const char *name);

/* The address of the balancer in `slot` of BALANCER_ENDPOINTS for frontends and admin, or for
 * upstreams; never freed. options_balancers says how many there are. */
size_t options_balancers(void);
const char *options_balancer_front(size_t slot);
const char *options_balancer_upstream(size_t slot);
const char *options_recorder(void);

/* Where `recorder query` is: beside the recorder. */
const char *options_query(void);

/* Where `recorder keeper` is: beside them. */
const char *options_keeper(void);
