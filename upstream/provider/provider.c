/* SPDX-License-Identifier: Apache-2.0 */
/* The list of providers. Asked when a JOB comes. */
#include "provider/provider.h"

#include <ctype.h>
#include <stddef.h>

static const struct provider *const providers[] = {
    &provider_gemini, &provider_vertex, &provider_relay, &provider_fetch, &provider_image_host,
};

const struct provider *provider_find(struct view pool)
{
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
        if (view_equal(pool, view_of(providers[i]->pool)))
            return providers[i];
    return NULL;
}

/* Without /v1beta, /v1, … at its end. */
static struct view without_version(struct view address)
{
    size_t slash = address.len;

    while (slash && address.at[slash - 1] != '/')
        slash--;
    if (slash && slash + 1 < address.len && address.at[slash] == 'v' &&
        isdigit((unsigned char)address.at[slash + 1]))
        address.len = slash - 1;
    return address;
}

static bool is_beta(struct view address)
{
    struct view version = VIEW("/v1beta");

    return address.len >= version.len &&
           memcmp(address.at + address.len - version.len, version.at, version.len) == 0;
}

void provider_url(const struct provider *provider, const struct settings *settings,
                  struct view path, struct bytes *out)
{
    struct view address = provider->address ? view_of(provider->address(settings)) : VIEW("");
    bool is_beside = view_starts(path, VIEW("/upload/")) || view_starts(path, VIEW("/download/"));

    if (view_starts(path,
                    VIEW("/v1alpha/"))) { /* it brings its own version, which relays may not have */
        is_beside = is_beta(address);
        path = view_skip(path, is_beside ? 0 : strlen("/v1alpha"));
    }
    bytes_append(out, is_beside ? without_version(address) : address);
    bytes_append(out, path);
}
