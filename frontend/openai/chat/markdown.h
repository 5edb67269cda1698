/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures in Markdown, as some programs keep what a model has drawn: ![a cat](data:image/png;…).
 * Private to messages.c and its test. */
#pragma once

#include "base/view.h"

/* Finds the first picture whose address is a data URL: `before` is what stands before it, `url` the
 * address, `text` becomes what follows it. False: there is none. Takes time in proportion to what
 * it passes. */
bool markdown_picture(struct view *text, struct view *before, struct view *url);
