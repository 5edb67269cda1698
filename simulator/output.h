/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures and speech as answers. */
#pragma once

#include "prompt.h"

/* Checks responseModalities, imageConfig, speechConfig and mediaResolution. */
void output_read(struct prompt *prompt, struct violations *v, yyjson_val *config,
                 const struct model *model);

/* The size of a small picture of this aspect ratio, "16:9"; false when there is no such ratio. */
bool output_size(struct span ratio, int *width, int *height);
