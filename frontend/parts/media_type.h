/* SPDX-License-Identifier: Apache-2.0 */
/* The media type of a file that a client has uploaded, as the provider calls it. */
#pragma once

#include "base/view.h"

/* Of sound, or of a video whose sound is meant: by the first bytes, else by the file's name, else by
 * what the client says it is. Static; NULL: it is none that the provider takes. */
const char *media_type_sound(struct view data, struct view file_name, struct view said);

/* Of a picture, likewise. */
const char *media_type_picture(struct view data, struct view file_name, struct view said);
