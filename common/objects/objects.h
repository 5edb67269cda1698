/* SPDX-License-Identifier: Apache-2.0 */
/* Names of what the provider keeps for a project: files/abc, cachedContents/x, models/m/operations/o. A name is what the
 * provider calls it, without a version in front; what lies below an object (fileSearchStores/s/documents/d) goes by the
 * object's name. Lists of names have a space between two. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum {
    OBJECT_NAME_MOST = 320,        /* bytes of a name */
    OBJECT_NAMES_MOST = 16 * 1024, /* of a list of names */
};

/* The object that a path (decoded, behind the version: /files/a:download) is about, a part of it; empty: none. */
struct view object_of_path(struct view path);

/* The object that a value names by its name or its address at the provider
 * (https://generativelanguage.googleapis.com/v1beta/files/a); empty: none. */
struct view object_of_text(struct view text);

/* Whether it is the name of an object, written as we write it. */
bool object_is_name(struct view name);

/* Files, caches and all other collections that the provider is known to have: a key can be asked whether it has one. */
bool object_is_known(struct view name);

/* What stands before the last slash: "files", "models/m/operations". */
struct view object_collection(struct view name);

/* Whether the path (without its query) is that of a list of objects: /files, /models/m/operations. */
bool object_is_list(struct view path);

/* How long one of this name is there at least, if its answer does not say it, in ms. */
uint64_t object_life_ms(struct view name);

/* Takes the next name off a list. False: there is none. */
bool object_next(struct view *names, struct view *name);

/* Adds a name to a list unless it is there. False: the list is full. */
bool object_add(struct bytes *names, struct view name);
