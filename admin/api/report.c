/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of /api/status. What must stay true: no whole incarnation leaves through here. */
#include "api/report.h"

#include <stdlib.h>
#include <yyjson.h>

#include "base/json.h"

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

/* In one line, whatever the server's message has in it. */
static void put_line(struct bytes *out, struct view text)
{
    struct bytes line = {0};

    bytes_append(&line, text);
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.at[i] < ' ')
            line.at[i] = ' ';
    bytes_json(out, view_trim(bytes_view(&line)));
    bytes_clear(&line);
}

static void put_trouble(struct bytes *out, yyjson_val *store)
{
    json_int_after(out, VIEW(",\"since_ms\":"), json_member_count(store, "error_ms"));
    bytes_text(out, ",\"reason\":");
    put_line(out, json_member_text(store, "error"));
}

void report_records(struct bytes *out, struct view status)
{
    yyjson_doc *doc = yyjson_read(status.at ? status.at : "", status.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *store = yyjson_obj_get(root, "store");
    bool is_open = yyjson_get_bool(yyjson_obj_get(store, "is_open"));

    if (yyjson_is_obj(root)) {
        bytes_printf(out, "{\"database\":%s", is_open ? "true" : "false");
        json_int_after(out, VIEW(",\"waiting\":"), json_member_count(root, "unstored"));
        json_int_after(out, VIEW(",\"bytes\":"),
                       json_member_count(yyjson_obj_get(root, "spool"), "bytes"));
        if (store && !is_open)
            put_trouble(out, store);
        bytes_text(out, "}");
    } else {
        bytes_text(out, "null");
    }
    yyjson_doc_free(doc);
}
