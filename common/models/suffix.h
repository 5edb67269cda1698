/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand behind a model's name to change what it does: MODEL-search, -image, -non-thinking,
 * in any order, and IMAGEN-chat or CREATE_IMAGE_MODEL-chat. Used by whoever reads a model's name, and by
 * whoever lists them. */
#pragma once

#include "base/view.h"

enum suffix {
    SUFFIX_SEARCH = 1,     /* with Google's search */
    SUFFIX_IMAGE = 2,      /* answers with pictures too */
    SUFFIX_NO_THOUGHT = 4, /* thinks as little as it can */
    SUFFIX_CHAT = 8,       /* pictures of a model that draws, as a chat */
};

/* The model without what stands behind it, and what that was: bits of enum suffix. A name that ends
 * so by itself (gemini-2.5-flash-image) is left whole. */
unsigned suffix_take(struct view name, struct view *model);

/* Whether SEARCH_MODELS, IMAGE_MODELS or THINKING_MODELS has the model: then MODEL-suffix is listed, and
 * search and image may be asked for; for chat, whether it draws. `which` is one of enum suffix. */
bool suffix_is_for(enum suffix which, struct view model);

/* What stands behind the name, with its hyphen. */
struct view suffix_word(enum suffix which);
