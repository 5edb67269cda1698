/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of keys as somebody reads them: filtered and put in order once, then read in windows that
 * stay where they are while the keys change. Plain functions; time is passed in. */
#pragma once

#include "keys/keys.h"

enum { VIEWS_MOST = 16, VIEW_WORD = 64 };

enum view_sort { SORT_STATE, SORT_TAIL, SORT_CALLS, SORT_FAILED, SORT_USED, SORT_UNTIL };

/* What is wanted. */
struct view_filter {
    unsigned states;      /* bits of enum key_state; 0: all */
    char text[VIEW_WORD]; /* part of the id, the tail or the provider's words; empty: all */
    enum view_sort sort;
    bool is_falling;
};

struct key_view {
    uint64_t number; /* 0: free */
    uint64_t made_ms, used_ms;
    struct view_filter filter;
    uint64_t *ids;
    size_t count;
};

struct key_views {
    struct key_view at[VIEWS_MOST];
    uint64_t number;
};

bool view_filter_takes(const struct view_filter *filter, const struct key *key);

/* The view of that number, if it is still there and of that filter; else a new one. Borrowed. */
const struct key_view *views_get(struct key_views *views, const struct keys *keys, uint64_t number,
                                 const struct view_filter *filter, uint64_t now_ms);
void views_clear(struct key_views *views);
