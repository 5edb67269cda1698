/* SPDX-License-Identifier: Apache-2.0 */
/* Settings, from options.def: command line, then environment, then `.env` in the working folder,
 * then the default.
 * `--time-out=10s` sets TIME_OUT; `--help` lists them; `--print=NAME` prints one (a secret: how
 * many values it has). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/view.h"

struct option_list {
    const char **at; /* zero-terminated texts */
    size_t count;
};

struct option_secrets {
    struct secret *at; /* their bytes are zero-terminated */
    size_t count;
};

typedef uint64_t option_NUMBER;
typedef bool option_BOOLEAN;
typedef const char *option_TEXT;
typedef struct secret option_SECRET; /* its bytes are zero-terminated */
typedef struct option_list option_LIST;
typedef struct option_secrets option_SECRETS;
typedef uint64_t option_SECONDS; /* milliseconds */
typedef uint64_t option_SIZE;    /* bytes */

struct options {
#define OPTION(name, type, field, value, text) option_##type field;
#include "settings/options.def"
};

/* Filled by options_read, read-only afterwards. */
extern struct options options;

/* Reads all settings. A wrong value ends the process with status 2, saying the option, its value
 * and what would be right. Arguments that are no options are left in *argv (argv[0] stays); returns
 * their count, argv[0] included. */
int options_read(int argc, char **argv);

/* Forgets the secrets that are not this role's (of enum role) business, in the environment as well:
 * keys and proxies are the balancer's, clients' tokens the frontend's, the administrator's token the
 * frontend's and admin's, CUSTOM_HEADERS the upstream's, the database's password the recorder's.
 * actor_open calls it. */
void options_keep(unsigned role);

/* Warns of settings that are known from gemini-balance, are set, and change nothing yet. */
void options_warn_later(void);

/* Prints the Markdown table of the README to stdout. */
void options_print_table(void);

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
