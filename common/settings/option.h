/* SPDX-License-Identifier: Apache-2.0 */
/* One setting, as options.def declares it. Its value is in `options`. */
#pragma once

#include "settings/options.h"

enum option_type {
    TYPE_NUMBER,
    TYPE_BOOLEAN,
    TYPE_TEXT,
    TYPE_SECRET,
    TYPE_LIST,
    TYPE_SECRETS,
    TYPE_SECONDS,
    TYPE_SIZE,
};

struct option {
    const char *name;
    enum option_type type;
    size_t offset;     /* of the value in struct options */
    const char *value; /* default */
    const char *text;
};

bool option_is_secret(const struct option *option);

/* As the table of the README and --help say it. */
const char *option_type_name(enum option_type type);

/* Ends the process with status 2: the name, its value ("…" for what must not be told), and what
 * would be right. */
void option_complain(const char *name, const char *value, const char *right);

/* Reads the text into `options`; complains of one that is wrong. Keeps `text` where the value is
 * one. */
void option_store(const struct option *option, const char *text);

/* Prints the value to stdout; of secrets, how many there are. */
void option_print(const struct option *option);
