/* SPDX-License-Identifier: Apache-2.0 */
/* Voices of sound that a model makes. */
#pragma once

#include "base/view.h"

/* The provider's voice for one of OpenAI's; any other name as it is. */
struct view voice_of(struct view name);
