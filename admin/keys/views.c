/* SPDX-License-Identifier: Apache-2.0 */
/* Views of keys. Called by the route that lists them, and by those that act on all that match. */
#include "keys/views.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static bool has_text(struct view text, const char *part)
{
    size_t len = strlen(part);

    for (size_t i = 0; i + len <= text.len; i++) {
        size_t k = 0;

        while (k < len && tolower((unsigned char)text.at[i + k]) == tolower((unsigned char)part[k]))
            k++;
        if (k == len)
            return true;
    }
    return false;
}

bool view_filter_takes(const struct view_filter *filter, const struct key *key)
{
    char id[KEY_ID_DIGITS + 1];

    if (filter->states && !(filter->states & 1u << key->state))
        return false;
    if (!filter->text[0])
        return true;
    snprintf(id, sizeof(id), "%016llx", (unsigned long long)key->id);
    return has_text(view_of(id), filter->text) || has_text(view_of(key->tail), filter->text) ||
           has_text(bytes_view(&key->says), filter->text) ||
           has_text(bytes_view(&key->code), filter->text);
}

/* What needs somebody comes first. */
static uint64_t rank_of(const struct key *key, enum view_sort sort)
{
    static const unsigned char ranks[KEY_STATES] = {
        [KEY_DEAD] = 0, [KEY_COOLING] = 1, [KEY_SPENT] = 2, [KEY_PARTIAL] = 3,
        [KEY_NEW] = 4,  [KEY_OFF] = 5,     [KEY_READY] = 6};

    switch (sort) {
    case SORT_STATE:
        return ranks[key->state];
    case SORT_TAIL:
        return 0;
    case SORT_CALLS:
        return key->sums.calls;
    case SORT_FAILED:
        return key->sums.failed;
    case SORT_USED:
        return key->sums.last_used_at;
    case SORT_UNTIL:
        return key->until_at ? key->until_at : UINT64_MAX;
    }
    return 0;
}

static int by_filter(const void *a, const void *b, void *data)
{
    const struct view_filter *filter = data;
    const struct key *one = *(struct key *const *)a, *other = *(struct key *const *)b;
    uint64_t rank = rank_of(one, filter->sort), other_rank = rank_of(other, filter->sort);
    int order = rank != other_rank ? (rank < other_rank ? -1 : 1) : strcmp(one->tail, other->tail);

    if (!order)
        order = one->id < other->id ? -1 : 1;
    return filter->is_falling ? -order : order;
}

static void fill(struct key_view *view, const struct keys *keys)
{
    size_t total = HASH_COUNT(keys->by_id), count = 0;
    struct key **found = memory_new((total + 1) * sizeof(void *)), *key, *next;

    HASH_ITER (hh, keys->by_id, key, next)
        if (view_filter_takes(&view->filter, key))
            found[count++] = key;
    qsort_r(found, count, sizeof(void *), by_filter, &view->filter);
    view->ids = memory_new((count + 1) * sizeof(*view->ids));
    for (size_t i = 0; i < count; i++)
        view->ids[i] = found[i]->id;
    view->count = count;
    free(found);
}

static struct key_view *place(struct key_views *views)
{
    struct key_view *oldest = &views->at[0];

    for (size_t i = 0; i < VIEWS_MOST; i++) {
        if (!views->at[i].number)
            return &views->at[i];
        if (views->at[i].used_ms < oldest->used_ms)
            oldest = &views->at[i];
    }
    return oldest;
}

static bool is_same(const struct view_filter *one, const struct view_filter *other)
{
    return one->states == other->states && one->sort == other->sort &&
           one->is_falling == other->is_falling && strcmp(one->text, other->text) == 0;
}

const struct key_view *views_get(struct key_views *views, const struct keys *keys, uint64_t number,
                                 const struct view_filter *filter, uint64_t now_ms)
{
    struct key_view *view;

    for (size_t i = 0; i < VIEWS_MOST; i++) {
        view = &views->at[i];
        if (!number || view->number != number || !is_same(&view->filter, filter))
            continue;
        view->used_ms = now_ms;
        return view;
    }
    view = place(views);
    free(view->ids);
    *view = (struct key_view){
        .number = ++views->number, .made_ms = now_ms, .used_ms = now_ms, .filter = *filter};
    fill(view, keys);
    return view;
}

void views_clear(struct key_views *views)
{
    for (size_t i = 0; i < VIEWS_MOST; i++)
        free(views->at[i].ids);
    *views = (struct key_views){0};
}
