/* SPDX-License-Identifier: Apache-2.0 */
/* The pages by their paths. Called by http.c. What must stay true: only what was packed into the
 * program is served; no path of a request ever names a file. */
#include "pages.h"

#include <assert.h>
#include <zlib.h>

#include "assets.h"

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".webmanifest", "application/manifest+json"},
    };
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t end = strlen(types[i].end);

        if (len > end && strcmp(name + len - end, types[i].end) == 0)
            return types[i].type;
    }
    return "text/plain; charset=utf-8";
}

static const struct asset *find(struct view name)
{
    for (size_t i = 0; i < asset_count; i++)
        if (view_equal(name, view_of(assets[i].name)))
            return &assets[i];
    return NULL;
}

/* What stands behind /a/VERSION/; the page itself is at /. */
static struct view name_of(struct view path)
{
    static const struct view folder = {"/a/", 3};
    struct view version = view_of(assets_version);

    if (view_equal(path, VIEW("/")))
        return VIEW("index.html");
    if (!view_starts(path, folder) || !view_starts(view_skip(path, 3), version))
        return VIEW("");
    path = view_skip(path, 3 + version.len);
    return path.len && path.at[0] == '/' && !view_equal(path, VIEW("/index.html"))
               ? view_skip(path, 1)
               : VIEW("");
}

bool pages_find(struct view path, struct page *page)
{
    const struct asset *asset = find(name_of(path));

    if (!asset)
        return false;
    *page = (struct page){.type = type_of(asset->name),
                          .packed = {asset->at, (size_t)(asset->end - asset->at)},
                          .size = asset->size,
                          .is_lasting = !view_equal(path, VIEW("/"))};
    return true;
}

const char *pages_moved(struct view path)
{
    static const struct {
        const char *path, *to;
    } moved[] = {
        {"/auth", "/#/login"},
        {"/keys", "/#/keys"},
        {"/config", "/#/settings"},
        {"/logs", "/#/errors"},
    };

    for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
        if (view_equal(path, view_of(moved[i].path)))
            return moved[i].to;
    return NULL;
}

void pages_unpack(const struct page *page, struct bytes *out)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)page->packed.at,
                       .avail_in = (unsigned)page->packed.len,
                       .next_out = (unsigned char *)bytes_room(out, page->size + 1),
                       .avail_out = (unsigned)page->size + 1};

    assert(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
    assert(inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out == page->size);
    inflateEnd(&stream);
    out->len += page->size;
}

const char *pages_version(void)
{
    return assets_version;
}
