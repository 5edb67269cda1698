/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of keys. Called by the routes that list keys and act on them. */
#include "api/filter.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "query.h"

enum { IDS_MOST = 200000 };

static bool read_states(struct view list, unsigned *states)
{
    struct view one;

    while (query_next(&list, &one)) {
        enum key_state state = key_state_find(one);

        if (state == KEY_STATES)
            return false;
        *states |= 1u << state;
    }
    return true;
}

static bool read_text(struct view text, struct view_filter *filter)
{
    if (text.len >= VIEW_WORD)
        return false;
    snprintf(filter->text, VIEW_WORD, "%.*s", (int)text.len, text.len ? text.at : "");
    return true;
}

static bool read_sort(struct view name, struct view_filter *filter)
{
    static const char *const sorts[] = {
        [SORT_STATE] = "state",       [SORT_TAIL] = "tail",         [SORT_CALLS] = "calls_24h",
        [SORT_FAILED] = "failed_24h", [SORT_USED] = "last_used_at", [SORT_UNTIL] = "until"};

    for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
        if (!view_equal(name, view_of(sorts[i])))
            continue;
        filter->sort = (enum view_sort)i;
        return true;
    }
    return false;
}

const char *filter_read(struct view query, struct view_filter *filter)
{
    struct bytes states = {0}, text = {0}, sort = {0}, dir = {0};
    const char *wrong = NULL;

    *filter = (struct view_filter){0};
    query_text(query, "state", &states);
    query_text(query, "q", &text);
    if (!read_states(bytes_view(&states), &filter->states))
        wrong = "state";
    else if (!read_text(bytes_view(&text), filter))
        wrong = "q";
    else if (query_text(query, "sort", &sort) && !read_sort(bytes_view(&sort), filter))
        wrong = "sort";
    query_text(query, "dir", &dir);
    filter->is_falling = view_equal(bytes_view(&dir), VIEW("desc"));
    if (dir.len && !filter->is_falling && !view_equal(bytes_view(&dir), VIEW("asc")))
        wrong = "dir";
    bytes_clear(&states);
    bytes_clear(&text);
    bytes_clear(&sort);
    bytes_clear(&dir);
    return wrong;
}

/* Lists of ids */

static int by_id(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

    return one < other ? -1 : one > other;
}

/* NULL: one of them is none, or they are too many. */
static uint64_t *read_ids(yyjson_val *list, size_t *count)
{
    uint64_t *ids = memory_new((yyjson_arr_size(list) + 1) * sizeof(*ids));
    yyjson_val *one;
    size_t i, all;

    *count = 0;
    yyjson_arr_foreach(list, i, all, one)
    {
        ids[*count] = key_id_read(json_view(one));
        if (!ids[*count] || *count == IDS_MOST) {
            free(ids);
            return NULL;
        }
        ++*count;
    }
    return ids;
}

static const char *read_where(yyjson_val *where, struct view_filter *filter)
{
    *filter = (struct view_filter){0};
    if (!yyjson_is_obj(where))
        return "where";
    if (!read_states(json_member_text(where, "state"), &filter->states))
        return "where.state";
    return read_text(json_member_text(where, "q"), filter) ? NULL : "where.q";
}

static uint64_t *find_all(const struct keys *keys, const struct view_filter *filter,
                          const uint64_t *except, size_t except_count, size_t *count)
{
    uint64_t *ids = memory_new((HASH_COUNT(keys->by_id) + 1) * sizeof(*ids));
    struct key *key, *next;

    *count = 0;
    HASH_ITER (hh, keys->by_id, key, next)
        if (view_filter_takes(filter, key) &&
            !bsearch(&key->id, except, except_count, sizeof(*except), by_id))
            ids[(*count)++] = key->id;
    return ids;
}

static const char *ids_where(const struct keys *keys, yyjson_val *root, uint64_t **ids,
                             size_t *count)
{
    struct view_filter filter;
    const char *wrong = read_where(yyjson_obj_get(root, "where"), &filter);
    size_t except_count;
    uint64_t *except;

    if (wrong)
        return wrong;
    except = read_ids(yyjson_obj_get(root, "except"), &except_count);
    if (!except)
        return "except";
    qsort(except, except_count, sizeof(*except), by_id);
    *ids = find_all(keys, &filter, except, except_count, count);
    free(except);
    return NULL;
}

const char *filter_ids(const struct keys *keys, yyjson_val *root, uint64_t **ids, size_t *count)
{
    yyjson_val *list = yyjson_obj_get(root, "ids");

    *ids = NULL;
    *count = 0;
    if (!list)
        return ids_where(keys, root, ids, count);
    *ids = yyjson_is_arr(list) ? read_ids(list, count) : NULL;
    return *ids ? NULL : "ids";
}
