/* SPDX-License-Identifier: Apache-2.0 */
/* data: URLs, in which clients send pictures, as the provider takes them. */
#pragma once

#include "base/bytes.h"

/* Whether it is a data: URL, good or bad. */
bool data_url_is(struct view url);

/* Appends `"data":"…","mimeType":"…"` to a JSON object that has just been opened: standard base64
 * with its padding, and a media type that is the data's own where its first bytes tell. Returns
 * NULL, or what is wrong (static, for the client); then what was appended is of no use. */
const char *data_url_write(struct view url, struct bytes *out);
