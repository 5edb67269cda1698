/* SPDX-License-Identifier: Apache-2.0 */
/* Called by native.c. What must stay true: a body that names no model leaves untouched, and numbers are spelled as they were. */
#include "gemini/renamed.h"

#include <stdlib.h>

#include "base/json.h"
#include "models/model.h"

struct change {
    yyjson_mut_doc *doc;
    struct view from, to;
    size_t dimensions;
    bool is_changed;
};

static void rename_in(struct change *change, yyjson_mut_val *object)
{
    yyjson_mut_val *said = yyjson_mut_obj_get(object, "model");
    struct view name = {yyjson_mut_get_str(said), yyjson_mut_get_len(said)};
    struct bytes text = {0};

    if (!yyjson_mut_is_str(said) || !model_name(name, &name) || !view_equal(name, change->from))
        return;
    bytes_text(&text, "models/");
    bytes_append(&text, change->to);
    yyjson_mut_obj_put(object, yyjson_mut_str(change->doc, "model"),
                       yyjson_mut_strncpy(change->doc, text.at, text.len));
    bytes_clear(&text);
    change->is_changed = true;
}

/* Vectors keep the size that their model's name has always meant. */
static void size_in(struct change *change, yyjson_mut_val *object)
{
    if (!change->dimensions || !yyjson_mut_obj_get(object, "content") ||
        yyjson_mut_obj_get(object, "outputDimensionality") ||
        yyjson_mut_obj_get(object, "output_dimensionality"))
        return;
    yyjson_mut_obj_add_uint(change->doc, object, "outputDimensionality", change->dimensions);
    change->is_changed = true;
}

static void change_all(struct change *change, yyjson_mut_val *root)
{
    static const char *const inner[] = {"generateContentRequest", "generate_content_request",
                                        "batch"};
    yyjson_mut_val *one;
    size_t i, max;

    rename_in(change, root);
    size_in(change, root);
    for (size_t k = 0; k < sizeof(inner) / sizeof(inner[0]); k++)
        rename_in(change, yyjson_mut_obj_get(root, inner[k]));
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(root, "requests"), i, max, one)
    {
        rename_in(change, one);
        size_in(change, one);
    }
}

bool renamed_body(struct view from, struct view to, size_t dimensions, struct view body,
                  struct bytes *out)
{
    const char *why;
    yyjson_doc *read = json_read_request(body, &why);
    yyjson_mut_doc *doc = read ? yyjson_doc_mut_copy(read, NULL) : NULL;
    struct change change = {.doc = doc, .from = from, .to = to, .dimensions = dimensions};
    size_t len = 0;
    char *text = NULL;

    if (doc)
        change_all(&change, yyjson_mut_doc_get_root(doc));
    if (change.is_changed)
        text = yyjson_mut_write(doc, 0, &len);
    bytes_append(out, (struct view){text, len});
    free(text);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(read);
    return text != NULL;
}
