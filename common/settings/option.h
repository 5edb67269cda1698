/* SPDX-License-Identifier: Apache-2.0 */
/* One setting, as options.def declares it, and its value in a snapshot. */
#pragma once

#include "settings/settings.h"

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
    size_t offset;     /* of the value in struct settings */
    const char *value; /* default */
    const char *text;
    unsigned line; /* in options.def, which tells its group */
};

extern const struct option option_table[];
extern const size_t option_count;

/* The group that its line stands below. */
enum setting_group option_group(const struct option *option);
const char *option_group_name(enum setting_group group);
const char *option_group_heading(enum setting_group group);
const char *option_group_text(enum setting_group group);

bool option_is_secret(const struct option *option);

/* As docs/SETTINGS.md and --help say it. */
const char *option_type_name(enum option_type type);

/* Remembers, for complaints, where the value comes from: "the environment", ".env, line 3". Takes
 * the text; NULL: it is the default. */
void option_comes_from(const struct option *option, char *where);
const char *option_place(const struct option *option);

/* Where the value that the process was started with comes from. */
enum option_source {
    SOURCE_DEFAULT,
    SOURCE_FILE,        /* .env */
    SOURCE_ENVIRONMENT, /* or the command line */
};
/* Whether it was set to something at the start; good for secrets that are forgotten since. */
void option_note_given(const struct option *option, bool is_given);
bool option_was_given(const struct option *option);

enum option_source option_source(const struct option *option);

/* The option of that name, in capitals; NULL: there is none. */
const struct option *option_find(struct view name);

/* Why it cannot change while the gateway runs; NULL: it can. */
const char *option_fixed(const struct option *option);

/* Ends the process with status 2: the name, its value ("…" for what must not be told), what would
 * be right, and where it stands. Or tells whoever listens, and returns. */
void option_complain(const char *name, const char *value, const char *right);

/* Complaints go to the listener from here on, and end nothing; NULL: they end the process again.
 * The name may be that of a part: "PROXIES, number 2". */
typedef void option_listener(void *owner, const char *name, const char *right);
void option_complain_to(option_listener *listener, void *owner);

/* Reads a copy of the text into a value that is zero; complains of one that is wrong. */
void option_store(const struct option *option, struct settings *settings, const char *text);

/* Copies its value from `from` to `to`, whose own must be zero. */
void option_copy(const struct option *option, struct settings *to, const struct settings *from);

/* Frees its value and leaves zero, or an empty text; overwrites secrets. */
void option_clear(const struct option *option, struct settings *settings);

bool option_equal(const struct option *option, const struct settings *one,
                  const struct settings *other);

/* Adds the value, with `between` its parts; of secrets, how many there are. */
void option_write(const struct option *option, const struct settings *settings, const char *between,
                  struct bytes *out);
