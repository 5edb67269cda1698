/* SPDX-License-Identifier: Apache-2.0 */
/* Names of objects. Used by the frontend (what a request names), the upstream (what an answer names) and the balancer (who
 * has it). What must stay true: two spellings that the provider takes for one object are one name here, and a name holds
 * nothing that could end it in a path, a list or a line. */
#include "objects/objects.h"

#include <strings.h>

#include "settings/settings.h"

#define HOUR_MS (UINT64_C(60) * 60 * 1000)
#define DAY_MS (24 * HOUR_MS)

/* Life at least, as the provider says it of each kind: files two days, stored interactions 55. */
static const struct collection {
    struct view name;
    uint64_t life_ms;
} collections[] = {
    {{"files", 5}, 48 * HOUR_MS},
    {{"cachedContents", 14}, HOUR_MS},
    {{"batches", 7}, 60 * DAY_MS},
    {{"operations", 10}, 7 * DAY_MS},
    {{"generatedFiles", 14}, 48 * HOUR_MS},
    {{"interactions", 12}, 55 * DAY_MS},
    {{"fileSearchStores", 16}, 3650 * DAY_MS},
    {{"tunedModels", 11}, 3650 * DAY_MS},
    {{"corpora", 7}, 3650 * DAY_MS},
    {{"agents", 6}, 3650 * DAY_MS},
    {{"environments", 12}, 3650 * DAY_MS},
    {{"webhooks", 8}, 3650 * DAY_MS},
    {{"auth_tokens", 11}, DAY_MS},
};

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_id_character(char c)
{
    return is_alphanumeric(c) || (c && strchr("-._~=+@,", c));
}

/* Takes one segment off the path, whose slash is gone; a colon ends it and all of the path. Empty: none that is part of a name;
 * dots alone would be another path. */
static struct view take_segment(struct view *path)
{
    struct view segment = {path->at, 0};
    bool is_word = false;

    while (segment.len < path->len && is_id_character(path->at[segment.len]))
        is_word |= is_alphanumeric(path->at[segment.len++]);
    *path = view_skip(*path, segment.len);
    return is_word ? segment : VIEW("");
}

/* Whether a segment follows; takes the slash before it. */
static bool has_more(struct view *path)
{
    if (path->len < 2 || path->at[0] != '/')
        return false;
    *path = view_skip(*path, 1);
    return true;
}

/* A segment ends where the path does, or at what is no part of a name. */
static bool is_over(struct view path)
{
    return !path.len || strchr("/:?#", path.at[0]);
}

/* Takes `count` segments; empty: there are not so many. */
static struct view take_name(struct view path, int count)
{
    struct view rest = path;

    for (int i = 0; i < count; i++) {
        if ((i && !has_more(&rest)) || !take_segment(&rest).len || !is_over(rest))
            return VIEW("");
    }
    path.len -= rest.len;
    return path.len <= OBJECT_NAME_MOST ? path : VIEW("");
}

struct view object_of_path(struct view path)
{
    struct view operation;

    if (!path.len || path.at[0] != '/')
        return VIEW("");
    path = view_skip(path, 1);
    if (!view_starts(path, VIEW("models/")))
        return take_name(path, 2);
    operation = take_name(path, 4);
    return memmem(operation.at, operation.len, "/operations/", 12) ? operation : VIEW("");
}

static struct view first_segment(struct view name)
{
    const char *slash = name.len ? memchr(name.at, '/', name.len) : NULL;

    return (struct view){name.at, slash ? (size_t)(slash - name.at) : name.len};
}

static const struct collection *find_collection(struct view name)
{
    for (size_t i = 0; i < sizeof(collections) / sizeof(collections[0]); i++)
        if (view_equal(collections[i].name, name))
            return &collections[i];
    return NULL;
}

static const struct collection *collection_of(struct view name)
{
    if (view_starts(name, VIEW("models/")))
        return find_collection(VIEW("operations"));
    return find_collection(first_segment(name));
}

bool object_is_known(struct view name)
{
    return collection_of(name) != NULL;
}

uint64_t object_life_ms(struct view name)
{
    const struct collection *collection = collection_of(name);

    return collection ? collection->life_ms : 55 * DAY_MS;
}

bool object_is_name(struct view name)
{
    struct view path, found;
    char room[OBJECT_NAME_MOST + 1];

    if (!name.len || name.len > OBJECT_NAME_MOST)
        return false;
    room[0] = '/';
    memcpy(room + 1, name.at, name.len);
    path = (struct view){room, name.len + 1};
    found = object_of_path(path);
    return found.len == name.len;
}

struct view object_collection(struct view name)
{
    while (name.len && name.at[name.len - 1] != '/')
        name.len--;
    name.len -= name.len > 0;
    return name;
}

bool object_is_list(struct view path)
{
    struct view rest = view_skip(path, path.len > 0);

    if (!path.len || path.at[0] != '/')
        return false;
    if (!view_starts(rest, VIEW("models/")))
        return find_collection(rest) != NULL;
    rest = view_skip(rest, strlen("models/"));
    return take_segment(&rest).len && view_equal(rest, VIEW("/operations"));
}

/* ---- addresses ---- */

static bool ends_with(struct view text, struct view tail)
{
    return text.len >= tail.len &&
           strncasecmp(text.at + text.len - tail.len, tail.at, tail.len) == 0;
}

/* Cuts the host off what stands behind scheme://, with its user and port. */
static struct view take_host(struct view *rest)
{
    struct view host = {rest->at, 0};

    while (host.len < rest->len && !strchr("/?#", rest->at[host.len]))
        host.len++;
    *rest = view_skip(*rest, host.len);
    return host;
}

static bool skip_scheme(struct view *text)
{
    static const struct view schemes[] = {{"https://", 8}, {"http://", 7}};

    for (size_t i = 0; i < 2; i++) {
        if (text->len < schemes[i].len || strncasecmp(text->at, schemes[i].at, schemes[i].len) != 0)
            continue;
        *text = view_skip(*text, schemes[i].len);
        return true;
    }
    return false;
}

/* Google's hosts, and the one that we ask. */
static bool is_providers(struct view host)
{
    struct view base = view_of(settings_now()->base_url);

    return ends_with(host, VIEW("generativelanguage.googleapis.com")) ||
           (skip_scheme(&base) && view_equal(take_host(&base), host));
}

static struct view object_of_address(struct view rest)
{
    struct view host = take_host(&rest), name = {0};

    if (!is_providers(host))
        return VIEW("");
    for (; rest.len && !name.len; rest = view_skip(rest, 1)) {
        static const struct view versions[] = {{"/v1beta/", 8}, {"/v1alpha/", 9}, {"/v1/", 4}};

        for (size_t i = 0; i < 3 && !name.len; i++)
            if (view_starts(rest, versions[i]))
                name = object_of_path(view_skip(rest, versions[i].len - 1));
    }
    return name;
}

struct view object_of_text(struct view text)
{
    struct view name;

    if (skip_scheme(&text))
        return object_of_address(text);
    if (!text.len || text.len > OBJECT_NAME_MOST || !object_is_name(text))
        return VIEW("");
    name = text;
    return object_is_known(name) ? name : VIEW("");
}

/* ---- lists ---- */

bool object_next(struct view *names, struct view *name)
{
    const char *end;

    while (names->len && names->at[0] == ' ')
        *names = view_skip(*names, 1);
    end = names->len ? memchr(names->at, ' ', names->len) : NULL;
    *name = (struct view){names->at, end ? (size_t)(end - names->at) : names->len};
    *names = view_skip(*names, name->len);
    return name->len;
}

static bool has_name(struct view names, struct view wanted)
{
    struct view name;

    while (object_next(&names, &name))
        if (view_equal(name, wanted))
            return true;
    return false;
}

bool object_add(struct bytes *names, struct view name)
{
    if (has_name(bytes_view(names), name))
        return true;
    if (names->len + name.len + 1 > OBJECT_NAMES_MOST)
        return false;
    if (names->len)
        bytes_text(names, " ");
    bytes_append(names, name);
    return true;
}
