/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON array of objects as it streams in: whole, and cut as the first bytes say, it must give the
 * same elements; if it is JSON, those that a whole reader finds in it; with a limit nothing grows
 * beyond it. */
#include <stdint.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/elements.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

static void feed(struct elements *elements, struct view part, struct bytes *seen)
{
    struct view element;
    bool is_broken;

    while (part.len) {
        size_t before = part.len;

        bool found = elements_feed(elements, &part, &element, &is_broken);

        ensure(elements->depth >= 0);
        if (!found) {
            ensure(part.len == 0);
            break;
        }
        ensure(part.len < before && element.len >= 2 && element.at[0] == '{' && !is_broken);
        bytes_text(seen, "\n<");
        bytes_append(seen, element);
    }
}

static void feed_cut(struct view text, const uint8_t *cuts, size_t count, struct bytes *seen)
{
    struct elements elements = {0};

    for (size_t i = 0; text.len; i++) {
        size_t len = 1 + cuts[i % count] % 32;
        struct bytes part = {0}; /* of its own, so that a look beyond is seen */

        if (len > text.len)
            len = text.len;
        bytes_append(&part, (struct view){text.at, len});
        feed(&elements, bytes_view(&part), seen);
        bytes_clear(&part);
        text = view_skip(text, len);
    }
    elements_clear(&elements);
}

/* With a limit: as many elements, and of one that is too long no more than its end. */
static void feed_limited(struct view text)
{
    struct elements limited = {.limit = 16}, free = {0};
    struct view element, whole;
    bool is_broken, is_over;

    while (text.len) {
        struct view part = {text.at, text.len < 7 ? text.len : 7}, same = part;
        bool found;

        text = view_skip(text, part.len);
        do {
            found = elements_feed(&limited, &part, &element, &is_broken);
            ensure(elements_feed(&free, &same, &whole, &is_over) == found);
            ensure(limited.data.len <= 16 && part.len == same.len && !is_over);
            if (!found)
                break;
            ensure(element.len <= 16 && element.len <= whole.len);
            ensure(is_broken == (whole.len > 16));
            ensure(memcmp(element.at, whole.at + whole.len - element.len, element.len) == 0);
        } while (part.len);
    }
    elements_clear(&limited);
    elements_clear(&free);
}

/* What a whole reader finds. */
static void check_json(struct view text, struct view seen)
{
    yyjson_doc *doc = yyjson_read(text.at, text.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *item;
    size_t i, count;

    if (yyjson_is_arr(root)) {
        yyjson_arr_foreach(root, i, count, item)
        {
            yyjson_doc *element;
            char *one, *two;
            size_t used;

            if (!yyjson_is_obj(item))
                continue;
            ensure(view_starts(seen, VIEW("\n<")));
            seen = view_skip(seen, 2);
            element = yyjson_read_opts((char *)(uintptr_t)seen.at, seen.len,
                                       YYJSON_READ_STOP_WHEN_DONE, NULL, NULL);
            ensure(element != NULL);
            used = yyjson_doc_get_read_size(element);
            one = yyjson_val_write(item, 0, NULL);
            two = yyjson_write(element, 0, NULL);
            ensure(one && two && strcmp(one, two) == 0);
            free(one);
            free(two);
            yyjson_doc_free(element);
            seen = view_skip(seen, used);
        }
        ensure(seen.len == 0);
    }
    yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes whole = {0}, cut = {0};
    struct elements elements = {0};
    struct view text;

    if (len < 5)
        return 0;
    text = (struct view){(const char *)data + 4, len - 4};
    feed(&elements, text, &whole);
    elements_clear(&elements);
    feed_cut(text, data, 4, &cut);
    ensure(view_equal(bytes_view(&whole), bytes_view(&cut)));
    feed_limited(text);
    check_json(text, bytes_view(&whole));
    bytes_clear(&whole);
    bytes_clear(&cut);
    return 0;
}
