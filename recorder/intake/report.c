/* SPDX-License-Identifier: Apache-2.0 */
/* The store's report. What must stay true: a reader finds a whole report or none. */
#include "intake/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "settings/options.h"

static const char *path(void)
{
    static const char *at;

    if (!at)
        at = options_path("run/recorder-store.json");
    return at;
}

static const char *new_path(void)
{
    static const char *at;

    if (!at)
        at = options_path("run/recorder-store.json.new");
    return at;
}

yyjson_mut_val *report_describe(const struct report *report, yyjson_mut_doc *doc)
{
    yyjson_mut_val *root = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_bool(doc, root, "is_open", report->is_open);
    yyjson_mut_obj_add_uint(doc, root, "stored", report->stored);
    yyjson_mut_obj_add_uint(doc, root, "refused", report->refused);
    yyjson_mut_obj_add_uint(doc, root, "error_ms", report->error_ms);
    yyjson_mut_obj_add_strncpy(doc, root, "error", report->error.len ? report->error.at : "",
                               report->error.len);
    return root;
}

void report_write(const struct report *report)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);

    yyjson_mut_doc_set_root(doc, report_describe(report, doc));
    if (yyjson_mut_write_file(new_path(), doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL, NULL))
        rename(new_path(), path());
    yyjson_mut_doc_free(doc);
}

bool report_read(struct report *report)
{
    yyjson_doc *doc = yyjson_read_file(path(), YYJSON_READ_ALLOW_INVALID_UNICODE, NULL, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc);

    *report = (struct report){0};
    if (!doc)
        return false;
    report->is_open = yyjson_get_bool(yyjson_obj_get(root, "is_open"));
    report->stored = yyjson_get_uint(yyjson_obj_get(root, "stored"));
    report->refused = yyjson_get_uint(yyjson_obj_get(root, "refused"));
    report->error_ms = yyjson_get_uint(yyjson_obj_get(root, "error_ms"));
    bytes_copy(&report->error, view_of(yyjson_get_str(yyjson_obj_get(root, "error"))));
    yyjson_doc_free(doc);
    return true;
}

void report_clear(struct report *report)
{
    bytes_clear(&report->error);
}
