/* SPDX-License-Identifier: Apache-2.0 */
/* Names of settings: ours, gemini-balance's, and those that are neither. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Why a setting of gemini-balance has no effect here. */
enum name_effect { NAME_COSMETIC, NAME_NEEDLESS, NAME_EFFECTS };

/* As a line on the terminal begins. */
const char *name_effect_text(enum name_effect effect);

/* The names that are known and have no effect; NULL behind the last. */
const char *name_later(size_t place, enum name_effect *effect);

/* In any case. */
bool name_is_known(const char *name);

/* The setting whose name is nearest, and in how many letters it differs, case aside. */
const char *name_nearest(const char *name, size_t *distance);

/* Whether whoever wrote it meant a key or a token. */
bool name_is_of_secret(const char *name);
