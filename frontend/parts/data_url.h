/* SPDX-License-Identifier: Apache-2.0 */
/* data: URLs and base64, in which clients send pictures, sound and files, as the provider takes
 * them. */
#pragma once

#include "base/bytes.h"

/* Whether it is a data: URL, good or bad. */
bool data_url_is(struct view url);

/* Appends `"data":"…","mimeType":"…"` to a JSON object that has just been opened: standard base64
 * with its padding, and a media type that is the data's own where its first bytes tell. Returns
 * NULL, or what is wrong (static, for the client); then what was appended is of no use. */
const char *data_url_write(struct view url, struct bytes *out);

/* The same; `otherwise` is the type of data that says none and shows none. NULL: that is wrong. */
const char *data_url_write_as(struct view url, const char *otherwise, struct bytes *out);

/* The same of base64 alone; `type` is what the client calls it, a media type or the short name of
 * one (png, wav), and may be empty. */
const char *data_base64_write(struct view base64, struct view type, const char *otherwise,
                              struct bytes *out);

/* The same of bytes as they are; `said` is what their sender calls them, and is passed over if it is
 * no media type. `type`: the one that was written, a view into `out`. */
const char *data_bytes_write(struct view data, struct view said, const char *otherwise,
                             struct bytes *out, struct view *type);
