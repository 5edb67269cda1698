/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say of the host that pictures are put at: for the frontend, which writes what is
 * put there and reads where it is, and the upstream, which knows the secrets. */
#pragma once

#include "settings/settings.h"

#define PICGO_PUBLIC_URL "https://www.picgo.net/api/1/upload"

enum image_host_kind {
    IMAGE_HOST_NONE,
    IMAGE_HOST_SMMS,
    IMAGE_HOST_PICGO,
    IMAGE_HOST_CLOUDFLARE,
    IMAGE_HOST_ALIYUN,
};

enum image_host_kind image_host_kind(const struct settings *settings);

/* Whether all is there that this host needs; while secrets have not been forgotten. */
bool image_host_is_complete(const struct settings *settings);

/* Appends the address of that object ("/2025/01/31/x.png") of the bucket. */
void image_host_oss_url(const struct settings *settings, struct view path, struct bytes *out);

/* Complains of what is wrong with these settings. A host without its secret is none from then on: so
 * gemini-balance has it, and so does its example. */
void image_host_check(struct settings *settings);
