/* SPDX-License-Identifier: Apache-2.0 */
/* Dressing. Called by the routes that the ledger answers. */
#include "api/dress.h"

#include <stdlib.h>

#include "keys/keys.h"

enum { SHORT_NAME = 6 };

static struct view text_of(yyjson_mut_val *value)
{
    return (struct view){yyjson_mut_get_str(value), yyjson_mut_get_len(value)};
}

/* {"key": …} gets the "tail" beside it. */
static void add_tail(const struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    yyjson_mut_val *id = yyjson_mut_obj_get(object, "key");
    const struct key *key;

    if (!yyjson_mut_is_str(id) || yyjson_mut_obj_get(object, "tail"))
        return;
    key = keys_find(&admin->keys, key_id_read(text_of(id)));
    if (key)
        yyjson_mut_obj_add_strcpy(doc, object, "tail", key->tail);
    else
        yyjson_mut_obj_add_null(doc, object, "tail");
}

/* Until clients have names of their own they are known by the beginning of their hash. */
void dress_client(yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    struct view id = text_of(yyjson_mut_obj_get(object, "id"));

    if (id.len && !yyjson_mut_obj_get(object, "name"))
        yyjson_mut_obj_add_strncpy(doc, object, "name", id.at,
                                   id.len < SHORT_NAME ? id.len : SHORT_NAME);
}

/* {"client": "id"} becomes {"client": {"id", "name"}}. */
static void open_client(yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    yyjson_mut_val *client = yyjson_mut_obj_get(object, "client"), *opened;

    if (!yyjson_mut_is_str(client))
        return;
    opened = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_val(doc, opened, "id", yyjson_mut_val_mut_copy(doc, client));
    dress_client(doc, opened);
    yyjson_mut_obj_replace(object, yyjson_mut_str(doc, "client"), opened);
}

static void dress(const struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *value,
                  bool are_clients);

static void dress_members(const struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    yyjson_mut_val *name, *child;
    size_t i, count;

    add_tail(admin, doc, object);
    open_client(doc, object);
    yyjson_mut_obj_foreach(object, i, count, name, child)
    {
        dress(admin, doc, child,
              yyjson_mut_equals_str(name, "clients") || yyjson_mut_equals_str(name, "top_clients"));
    }
}

static void dress(const struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *value,
                  bool are_clients)
{
    yyjson_mut_val *child;
    size_t i, count;

    if (yyjson_mut_is_arr(value))
        yyjson_mut_arr_foreach(value, i, count, child)
        {
            if (are_clients && yyjson_mut_is_obj(child))
                dress_client(doc, child);
            if (!yyjson_mut_is_num(child))
                dress(admin, doc, child, false);
        }
    else if (yyjson_mut_is_obj(value))
        dress_members(admin, doc, value);
}

bool dress_answer(struct admin *admin, struct view json, dress_more *more, void *data,
                  struct bytes *out)
{
    yyjson_doc *read = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_mut_doc *doc = read ? yyjson_doc_mut_copy(read, NULL) : NULL;
    yyjson_mut_val *root = doc ? yyjson_mut_doc_get_root(doc) : NULL;
    bool is_good = yyjson_mut_is_obj(root) && !yyjson_mut_obj_get(root, "error");
    char *text = NULL;
    size_t len = 0;

    if (is_good) {
        dress(admin, doc, root, false);
        if (more)
            more(admin, doc, root, data);
        text = yyjson_mut_write(doc, 0, &len);
        bytes_append(out, (struct view){text, len});
        free(text);
    }
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(read);
    return is_good && len;
}
