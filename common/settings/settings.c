/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshots and their holders. Called by options.c at the start and by whoever reads settings.
 * What must stay true: a snapshot does not change while somebody holds it, and a change that one
 * reader refuses is seen by none. */
#include "settings/settings.h"

#include <assert.h>
#include <stdlib.h>

#include "settings/option.h"

enum { READERS_MOST = 32 };

struct snapshot {
    struct settings settings; /* first: settings_let_go finds the snapshot by it */
    size_t holders;           /* being the one of now counts as one */
};

static struct snapshot first = {.holders = 1};
static struct snapshot *now = &first;
static struct snapshot *start = &first;
static uint64_t version;
static const struct settings_reader *readers[READERS_MOST];
static size_t reader_count;

const struct settings *settings_now(void)
{
    return &now->settings;
}

uint64_t settings_version(void)
{
    return version;
}

const struct settings *settings_hold(void)
{
    now->holders++;
    return &now->settings;
}

void settings_let_go(const struct settings *settings)
{
    struct snapshot *snapshot = (struct snapshot *)(uintptr_t)settings;

    assert(snapshot->holders > 0);
    if (--snapshot->holders > 0 || snapshot == &first)
        return;
    for (size_t i = 0; i < option_count; i++)
        option_clear(&option_table[i], &snapshot->settings);
    free(snapshot);
}

void settings_read_by(const struct settings_reader *reader)
{
    assert(reader_count < READERS_MOST);
    readers[reader_count++] = reader;
}

static uint64_t changed_groups(const struct settings *before, const struct settings *next)
{
    uint64_t changed = 0;

    for (size_t i = 0; i < option_count; i++)
        if (!option_equal(&option_table[i], before, next))
            changed |= UINT64_C(1) << option_group(&option_table[i]);
    return changed;
}

const struct settings *settings_start(void)
{
    return &start->settings;
}

bool settings_check(const struct settings *next, struct bytes *why)
{
    uint64_t changed = changed_groups(&now->settings, next);

    for (size_t i = 0; i < reader_count; i++)
        if ((readers[i]->groups & changed) && readers[i]->check &&
            !readers[i]->check(readers[i]->owner, next, why))
            return false;
    return true;
}

/* The first is held for good. */
static void keep_start(struct snapshot *snapshot)
{
    if (start != &first)
        return;
    start = snapshot;
    snapshot->holders++;
}

bool settings_take(const struct settings *next, struct bytes *why)
{
    uint64_t changed = changed_groups(&now->settings, next);
    struct snapshot *before = now, *snapshot;

    if (!settings_check(next, why))
        return false;
    snapshot = memory_new(sizeof(*snapshot));
    snapshot->holders = 1;
    for (size_t i = 0; i < option_count; i++)
        option_copy(&option_table[i], &snapshot->settings, next);
    keep_start(snapshot);
    now = snapshot;
    version++;
    for (size_t i = 0; i < reader_count; i++)
        if (readers[i]->groups & changed)
            readers[i]->apply(readers[i]->owner, &before->settings, &snapshot->settings);
    settings_let_go(&before->settings);
    return true;
}

static void forget_in(const struct option *option, struct snapshot *snapshot)
{
    option_clear(option, &snapshot->settings);
    option_store(option, &snapshot->settings, "");
}

void settings_forget(const struct option *option)
{
    if (start != now)
        forget_in(option, start);
    forget_in(option, now);
}

void settings_write_changes(const struct settings *before, const struct settings *next,
                            struct bytes *out)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];

        if (option_equal(option, before, next))
            continue;
        bytes_printf(out, "%s: ", option->name);
        option_write(option, before, ",", out);
        bytes_text(out, " -> ");
        option_write(option, next, ",", out);
        bytes_text(out, "\n");
    }
}
