/* SPDX-License-Identifier: Apache-2.0 */
/* Called by main.c. What must stay true: no whole incarnation leaves through here. */
#include "report.h"

#include <stdlib.h>
#include <yyjson.h>

enum { SHOWN_MOST = 6 }; /* digits of an incarnation */

static void shorten(yyjson_mut_doc *doc, yyjson_mut_val *value)
{
    size_t index, count;
    yyjson_mut_val *key, *child;

    if (yyjson_mut_is_arr(value))
        yyjson_mut_arr_foreach(value, index, count, child) shorten(doc, child);
    if (!yyjson_mut_is_obj(value))
        return;
    yyjson_mut_obj_foreach(value, index, count, key, child)
    {
        if (yyjson_mut_equals_str(key, "incarnation") && yyjson_mut_is_str(child)) {
            size_t len = yyjson_mut_get_len(child);

            yyjson_mut_set_strn(child, yyjson_mut_get_str(child),
                                len < SHOWN_MOST ? len : SHOWN_MOST);
        }
        shorten(doc, child);
    }
}

void report_status(struct bytes *out, struct view status)
{
    yyjson_doc *read = yyjson_read(status.at ? status.at : "", status.len, 0);
    yyjson_mut_doc *doc = read ? yyjson_doc_mut_copy(read, NULL) : NULL;
    char *text = NULL;
    size_t len = 0;

    if (doc && yyjson_mut_is_obj(yyjson_mut_doc_get_root(doc))) {
        shorten(doc, yyjson_mut_doc_get_root(doc));
        text = yyjson_mut_write(doc, 0, &len);
    }
    bytes_append(out, text ? (struct view){text, len} : VIEW("null"));
    free(text);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(read);
}
