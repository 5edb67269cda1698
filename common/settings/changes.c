/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of settings, over those of the start. Called by the actor at its start and by whoever
 * hears of new ones. What must stay true: all of them are taken, or none; the rules are those of
 * the start. */
#include "settings/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "settings/kept.h"
#include "settings/options.h"
#include "settings/rules.h"

enum {
    LOOK_MS = 200,                /* between two looks at the file */
    FILE_MOST = 16 * 1024 * 1024, /* bytes of it */
};

static struct {
    uint64_t version;
    struct bytes json;
    uint64_t started_ms; /* the gateway's start, since 1970; 0: not read yet */
    const char *path;
    struct timespec seen; /* of the file that was read last */
    bool is_loaded;
    const struct settings *begun; /* what the parts made at the start borrow from, held for good */
    uint64_t look_ms;
} changes;

/* launch/run.sh says when all have been started; a process that is started by itself counts from its
 * own start. */
static uint64_t started_ms(void)
{
    const char *said = getenv("GATEWAY_STARTED");

    if (!changes.started_ms)
        changes.started_ms = said ? strtoull(said, NULL, 10) : clock_utc_ms();
    return changes.started_ms;
}

bool changes_hold(const struct option *option, uint64_t at_ms)
{
    return option_source(option) != SOURCE_ENVIRONMENT || at_ms >= started_ms();
}

/* Of all of them the whole is made anew. */
static void put_together(yyjson_val *root, struct settings *next)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];
        yyjson_val *entry = yyjson_obj_get(root, option->name);

        if (entry && !option_fixed(option) && !option_is_secret(option) &&
            changes_hold(option, json_member_count(entry, "at")) &&
            yyjson_is_str(yyjson_obj_get(entry, "value")))
            option_store(option, next, yyjson_get_str(yyjson_obj_get(entry, "value")));
        else
            option_copy(option, next, settings_start());
    }
}

static void clear_all(struct settings *settings)
{
    for (size_t i = 0; i < option_count; i++)
        option_clear(&option_table[i], settings);
}

/* Whom a complaint is passed to, and whether there was one. */
struct judge {
    option_listener *listener; /* NULL: nobody */
    void *owner;
    struct bytes *why; /* NULL, or where the first goes */
    bool is_wrong;
};

static void on_complaint(void *owner, const char *name, const char *right)
{
    struct judge *judge = owner;

    if (judge->why && !judge->is_wrong)
        bytes_printf(judge->why, "%s: %s", name, right);
    if (judge->listener)
        judge->listener(judge->owner, name, right);
    judge->is_wrong = true;
}

/* Makes settings of them, to be cleared; false: some are wrong. */
static bool read_changes(struct view json, struct settings *next, struct judge *judge)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);

    *next = (struct settings){0};
    if (!yyjson_is_obj(yyjson_doc_get_root(doc))) {
        on_complaint(judge, "changes", "should be a JSON object");
        yyjson_doc_free(doc);
        return false;
    }
    option_complain_to(on_complaint, judge);
    put_together(yyjson_doc_get_root(doc), next);
    if (!judge->is_wrong)
        option_rules_check(next);
    option_complain_to(NULL, NULL);
    yyjson_doc_free(doc);
    return !judge->is_wrong;
}

/* A reader says "NAME: what would be right". */
static void pass_on(option_listener *listener, void *owner, struct bytes *why)
{
    char *colon = strstr(bytes_cstr(why), ": ");

    if (colon)
        *colon = '\0';
    listener(owner, colon ? why->at : "", colon ? colon + 2 : why->at);
}

bool changes_are_good(struct view json, option_listener *listener, void *owner)
{
    struct judge judge = {.listener = listener, .owner = owner};
    struct bytes why = {0};
    struct settings next;
    bool is_good = read_changes(json, &next, &judge);

    if (is_good && !settings_check(&next, &why)) {
        is_good = false;
        if (listener)
            pass_on(listener, owner, &why);
    }
    clear_all(&next);
    bytes_clear(&why);
    return is_good;
}

bool changes_take(uint64_t version, struct view json, struct bytes *why)
{
    struct judge judge = {.why = why};
    struct settings next;
    bool is_good = read_changes(json, &next, &judge) && settings_take(&next, why);

    clear_all(&next);
    if (!is_good)
        return false;
    changes.version = version;
    bytes_copy(&changes.json, json);
    log_info("settings.taken", F_NUM("version", version));
    return true;
}

uint64_t changes_version(void)
{
    return changes.version;
}

struct view changes_json(void)
{
    return changes.json.len ? bytes_view(&changes.json) : VIEW("{}");
}

/* The file */

static const char *path(void)
{
    if (!changes.path)
        changes.path = options_path("settings.json");
    return changes.path;
}

static yyjson_doc *file_read(void)
{
    FILE *file = fopen(path(), "re");
    yyjson_doc *doc = NULL;
    struct bytes text = {0};
    struct stat facts;

    if (!file)
        return NULL;
    if (fstat(fileno(file), &facts) == 0 && facts.st_size <= FILE_MOST) {
        changes.seen = facts.st_mtim;
        text.len =
            fread(bytes_room(&text, (size_t)facts.st_size + 1), 1, (size_t)facts.st_size, file);
        doc = yyjson_read(text.at, text.len, 0);
    }
    fclose(file);
    if (!yyjson_is_obj(yyjson_obj_get(yyjson_doc_get_root(doc), "changes")))
        log_warn("settings.unreadable", F_STR("path", path()));
    bytes_clear(&text);
    return doc;
}

bool changes_save(uint64_t version, struct view json)
{
    struct bytes text = {0};
    bool is_done;

    bytes_printf(&text, "{\"version\":%llu,\"changes\":", (unsigned long long)version);
    bytes_append(&text, json);
    bytes_text(&text, "}\n");
    is_done = kept_write(path(), bytes_view(&text));
    bytes_clear(&text);
    return is_done;
}

static void take_file(void)
{
    yyjson_doc *doc = file_read();
    yyjson_val *root = yyjson_doc_get_root(doc), *kept = yyjson_obj_get(root, "changes");
    uint64_t version = json_member_count(root, "version");
    struct bytes json = {0}, why = {0};

    if (yyjson_is_obj(kept))
        json_value(&json, kept);
    if (json.len &&
        (version != changes.version || !view_equal(bytes_view(&json), changes_json())) &&
        !changes_take(version, bytes_view(&json), &why))
        log_error("settings.refused", F_NUM("version", version), F_VIEW("why", bytes_view(&why)));
    bytes_clear(&json);
    bytes_clear(&why);
    yyjson_doc_free(doc);
}

static void on_log_level(void *owner, const struct settings *before, const struct settings *next)
{
    (void)owner;
    if (strcmp(before->log_level, next->log_level) != 0)
        log_set_level(next->log_level);
}

static const struct settings_reader log_reader = {
    .name = "log",
    .groups = UINT64_C(1) << SETTING_GROUP_records,
    .apply = on_log_level,
};

void changes_load(void)
{
    (void)started_ms();
    if (!changes.is_loaded)
        settings_read_by(&log_reader);
    changes.is_loaded = true;
    take_file();
    changes.begun = settings_hold();
}

void changes_watch(uint64_t now_ms)
{
    struct stat facts;

    if (now_ms < changes.look_ms)
        return;
    changes.look_ms = now_ms + LOOK_MS;
    if (stat(path(), &facts) == 0 && (facts.st_mtim.tv_sec != changes.seen.tv_sec ||
                                      facts.st_mtim.tv_nsec != changes.seen.tv_nsec))
        take_file();
}
