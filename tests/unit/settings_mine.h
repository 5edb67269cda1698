/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a test: the snapshot of now, to be written to. */
#pragma once

#include <stdint.h>

#include "settings/settings.h"

static inline struct settings *settings_mine(void)
{
    return (struct settings *)(uintptr_t)settings_now();
}
