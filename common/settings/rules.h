/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings must satisfy beyond their types. */
#pragma once

#include "settings/settings.h"

/* Looks at settings that were just read, and takes slashes off BASE_URL's end; ends the process (option_complain) if something is wrong. */
void option_rules_check(struct settings *settings);
