/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that have a token of their own: shown from memory, changed by the recorder's keeper. What
 * must stay true: nothing is shown that a token could be known by, but its last characters; a
 * token is shown once, in the answer that makes it. */
#include "api/api.h"
#include "base/json.h"
#include "inquiry.h"

static void put_client(yyjson_val *entry, struct bytes *out)
{
    yyjson_obj_iter members;
    yyjson_val *name;

    bytes_text(out, "{");
    yyjson_obj_iter_init(entry, &members);
    while ((name = yyjson_obj_iter_next(&members)) != NULL) {
        struct view its_name = json_view(name);

        if (view_equal(its_name, VIEW("hash")) || view_equal(its_name, VIEW("old_hash")))
            continue;
        json_key(out, its_name);
        json_value(out, yyjson_obj_iter_get_val(name));
    }
    bytes_text(out, "}");
}

void api_client_terms(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    yyjson_doc *doc = yyjson_read(admin->clients.at ? admin->clients.at : "[]",
                                  admin->clients.at ? admin->clients.len : 2, 0);
    struct bytes out = {0};
    yyjson_val *entry;
    size_t i, count;

    (void)call;
    bytes_text(&out, "{\"rows\":[");
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, entry)
    {
        bytes_text(&out, i ? "," : "");
        put_client(entry, &out);
    }
    bytes_text(&out, "]}");
    reply_json(reply, 200, bytes_view(&out));
    bytes_clear(&out);
    yyjson_doc_free(doc);
}

/* The body's members, and the id of the path. */
static void change(struct admin *admin, const struct api_call *call, struct reply *reply,
                   const char *what)
{
    bool has_body = view_trim(call->body).len > 0;
    yyjson_doc *doc =
        yyjson_read(has_body ? call->body.at : "{}", has_body ? call->body.len : 2, 0);
    yyjson_mut_doc *asked = yyjson_doc_mut_copy(doc, NULL);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(asked);
    size_t len = 0;
    char *json;

    if (!yyjson_mut_is_obj(root)) {
        reply_fail(reply, 400, "bad_request", VIEW("give a JSON object"));
    } else {
        yyjson_mut_obj_remove_key(root, "id");
        if (call->id.len)
            yyjson_mut_obj_add_strncpy(asked, root, "id", call->id.at, call->id.len);
        json = yyjson_mut_write(asked, 0, &len);
        change_then(admin, what, (struct secret){{json, len}}, reply, change_answer);
        free(json);
    }
    yyjson_mut_doc_free(asked);
    yyjson_doc_free(doc);
}

void api_client_add(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    change(admin, call, reply, "client.add");
}

void api_client_change(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    change(admin, call, reply, "client.change");
}

void api_client_revoke(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    change(admin, call, reply, "client.revoke");
}

void api_client_restore(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    change(admin, call, reply, "client.restore");
}

void api_client_rotate(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    change(admin, call, reply, "client.rotate");
}
