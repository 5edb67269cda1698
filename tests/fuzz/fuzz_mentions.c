/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of clients and of the provider in which objects are named: what is found is a name, and of a text that is JSON
 * each string is looked at. */
#include <stdint.h>
#include <stdlib.h>
#include <yyjson.h>

#include "base/scan.h"
#include "objects/mentions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

static void check_names(struct view names)
{
    struct view name;

    ensure(names.len <= OBJECT_NAMES_MOST);
    while (object_next(&names, &name)) {
        ensure(object_is_name(name));
        ensure(!memchr(name.at, '\n', name.len));
    }
}

/* Strings and names of members in a value. */
static size_t count(yyjson_val *value)
{
    size_t found = yyjson_is_str(value), i, most;
    yyjson_val *name, *inner;

    yyjson_arr_foreach(value, i, most, inner) found += count(inner);
    yyjson_obj_foreach(value, i, most, name, inner) found += 1 + count(inner);
    return found;
}

static void check_strings(struct view text)
{
    yyjson_doc *doc = yyjson_read(text.at, text.len, 0);
    struct scan scan = scan_of(text);
    struct scan_string string;
    struct bytes room = {0};
    size_t found = 0;

    while (scan_next(&scan, &string)) {
        ensure(scan_text(string.raw, &room).len <= string.raw.len);
        found++;
    }
    if (doc)
        ensure(found == count(yyjson_doc_get_root(doc)) && scan.depth == 0);
    yyjson_doc_free(doc);
    bytes_clear(&room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    struct description description = {0};
    struct bytes names = {0};

    if (size > 65536)
        return 0;
    check_strings(text);
    (void)mentions_in_body(text, &names);
    (void)mentions_in_query(text, &names);
    check_names(bytes_view(&names));
    mentions_in_answer(text, VIEW("/interactions"), &description);
    check_names(bytes_view(&description.names));
    ensure(object_of_path(text).len <= OBJECT_NAME_MOST);
    bytes_clear(&names);
    bytes_clear(&description.names);
    return 0;
}
