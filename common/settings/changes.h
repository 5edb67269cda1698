/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that were changed while the gateway runs: a JSON object, of each name the text of its
 * value, when (UTC, ms) and by whom it was changed:
 *
 *     {"MAX_RETRIES": {"value": "5", "at": 1764334198000, "by": "session 3"}}
 *
 * They stand over what a process was started with, as a whole. The version counts the change sets;
 * the recorder's keeper has the last word on both. */
#pragma once

#include "settings/option.h"

/* Says how the file's changes stand; to be called once, before anything is made of settings. A file
 * that cannot be read, or whose changes are wrong with what the process was started with, changes
 * nothing, and that is logged. */
void changes_load(void);

/* Takes what the file says now, if that is another version; for processes that no message tells.
 * To be called as often as they like; it looks a few times a second. */
void changes_watch(uint64_t now_ms);

/* Puts them over the settings of the start and makes that the settings of now. False: `why` says
 * which is wrong and what would be right, and nothing has changed. */
bool changes_take(uint64_t version, struct view json, struct bytes *why);

/* Whether they could be taken. `listener` hears of each that is wrong. */
bool changes_are_good(struct view json, option_listener *listener, void *owner);

/* Keeps them in STATE_DIR, for the next start; false: the disk does not take them (logged). */
bool changes_save(uint64_t version, struct view json);

/* The last that were taken; 0 and {}: none. */
uint64_t changes_version(void);
struct view changes_json(void);

/* Whether a change of that time is in force: one of a setting that the environment or the command
 * line gives holds until the gateway's next start only. */
bool changes_hold(const struct option *option, uint64_t at_ms);
