/* SPDX-License-Identifier: Apache-2.0 */
/* All settings as one immutable snapshot. Who holds a call holds the snapshot that the call began
 * with; whoever keeps something made of settings is told of a change as a reader. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
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

struct settings {
#define OPTION(name, type, field, value, text) option_##type field;
#include "settings/options.def"
};

enum setting_group {
#define GROUP(name, heading, text) SETTING_GROUP_##name,
#include "settings/options.def"
    SETTING_GROUPS
};

/* One a part that keeps something made of settings. */
struct settings_reader {
    const char *name;
    uint64_t groups; /* bits of enum setting_group: called only if one of them has changed */
    /* False: it cannot take them, and `why` says so; then nobody changes. May be NULL. */
    bool (*check)(void *owner, const struct settings *next, struct bytes *why);
    void (*apply)(void *owner, const struct settings *before, const struct settings *next);
    void *owner;
};

/* Before the first settings_take all of them are zero. */
const struct settings *settings_now(void);

/* Counts the changes, the first snapshot is 1. */
uint64_t settings_version(void);

/* The snapshot of now, which lives until settings_let_go. */
const struct settings *settings_hold(void);
void settings_let_go(const struct settings *settings);

/* The reader is borrowed for the life of the process. */
void settings_read_by(const struct settings_reader *reader);

/* The snapshot that the process was started with, which lives as long as it does: parts that are
 * made once may borrow from it. Changes are put over it. */
const struct settings *settings_start(void);

/* Whether all readers would take `next`; else `why` says what speaks against it. */
bool settings_check(const struct settings *next, struct bytes *why);

/* Makes a copy of `next` the snapshot of now and tells the readers; false, and `why` says so, if
 * one of them refuses. */
bool settings_take(const struct settings *next, struct bytes *why);

/* Forgets the option's secrets in the snapshot of now itself, and in that of the start: for the
 * start, before anybody else holds them. */
struct option;
void settings_forget(const struct option *option);

/* Adds a line "NAME: before -> next" for each difference; of secrets only how many there are. */
void settings_write_changes(const struct settings *before, const struct settings *next,
                            struct bytes *out);
