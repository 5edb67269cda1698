/* SPDX-License-Identifier: Apache-2.0 */
/* Voices by the names that clients use. */
#pragma once

#include "base/view.h"

/* The provider's voice of that name: one of its own, whatever the case, or what stands for one of
 * OpenAI's; any other name gives TTS_VOICE_NAME, as no name does. */
struct view voice_find(struct view name);
