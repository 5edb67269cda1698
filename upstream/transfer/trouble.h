/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request has not come as far as the provider, in words that say what to look at. Called by
 * the transfers. */
#pragma once

#include <curl/curl.h>

#include "base/bytes.h"
#include "transfer/transfer.h"

/* A proxy that forwards answered in the provider's place, that it wants a password. */
enum transfer_end trouble_password(CURLU *url, struct bytes *why);

/* `easy` ended with `code` before the request was sent; `url` is its address, `said` what libcurl
 * says. Writes the words into `why`: the host concerned, no path, no key, no password. */
enum transfer_end trouble_read(CURL *easy, CURLU *url, struct view proxy, CURLcode code,
                               const char *said, struct bytes *why);
