/* SPDX-License-Identifier: Apache-2.0 */
/* Change sets. Called by book.c. What must stay true: one wrong setting refuses the whole set, and
 * no value of a secret is in an answer. */
#include "keeper/changing.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "settings/changes.h"

/* {"errors": {NAME: code}, "messages": {NAME: what would be right}} */
struct faults {
    yyjson_mut_doc *doc;
    yyjson_mut_val *codes, *messages;
};

static void faults_open(struct faults *faults)
{
    yyjson_mut_val *root;

    faults->doc = yyjson_mut_doc_new(NULL);
    root = yyjson_mut_obj(faults->doc);
    yyjson_mut_doc_set_root(faults->doc, root);
    faults->codes = yyjson_mut_obj_add_obj(faults->doc, root, "errors");
    faults->messages = yyjson_mut_obj_add_obj(faults->doc, root, "messages");
}

/* The first of each setting counts. */
static void fault_add(struct faults *faults, struct view name, const char *code, const char *text)
{
    if (yyjson_mut_obj_getn(faults->codes, name.at, name.len))
        return;
    yyjson_mut_obj_add_val(faults->doc, faults->codes,
                           yyjson_mut_get_str(yyjson_mut_strncpy(faults->doc, name.at, name.len)),
                           yyjson_mut_str(faults->doc, code));
    yyjson_mut_obj_add_val(faults->doc, faults->messages,
                           yyjson_mut_get_str(yyjson_mut_strncpy(faults->doc, name.at, name.len)),
                           yyjson_mut_strcpy(faults->doc, text));
}

static bool faults_are_there(const struct faults *faults)
{
    return yyjson_mut_obj_size(faults->codes) > 0;
}

/* "PROXIES, number 2" is about PROXIES. */
static void on_wrong(void *owner, const char *name, const char *right)
{
    fault_add(owner, (struct view){name, strcspn(name, ",")}, "wrong", right);
}

static void refuse(struct changing *changing, int status, const char *code, const char *text)
{
    changing->status = status;
    bytes_printf(&changing->answer, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    bytes_json(&changing->answer, view_of(text));
    bytes_text(&changing->answer, "}}");
}

/* As an option's text would say it; false: no option has such a value. */
static bool write_text(yyjson_val *value, struct bytes *text)
{
    struct view string = {yyjson_get_str(value), yyjson_get_len(value)};

    if (yyjson_is_str(value))
        bytes_append(text, string);
    else
        json_value(text, value);
    return !yyjson_is_str(value) || !string.len || !memchr(string.at, '\0', string.len);
}

static void put_entry(yyjson_mut_doc *doc, const char *name, const char *text, struct view who,
                      uint64_t utc_ms, uint64_t version)
{
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc), *entry = yyjson_mut_obj(doc);

    if (text)
        yyjson_mut_obj_add_strcpy(doc, entry, "value", text);
    else
        yyjson_mut_obj_add_null(doc, entry, "value");
    yyjson_mut_obj_add_uint(doc, entry, "at", utc_ms);
    yyjson_mut_obj_add_strncpy(doc, entry, "by", who.at, who.len);
    yyjson_mut_obj_add_uint(doc, entry, "version", version);
    yyjson_mut_obj_put(root, yyjson_mut_strcpy(doc, name), entry);
}

/* One of the set, into `doc`, unless it is none that can be changed. */
static void take_one(struct changing *changing, struct faults *faults, yyjson_mut_doc *doc,
                     yyjson_val *name, struct view who, uint64_t utc_ms)
{
    struct view its_name = {yyjson_get_str(name), yyjson_get_len(name)};
    const struct option *option = option_find(its_name);
    yyjson_val *value = yyjson_obj_iter_get_val(name);
    struct bytes text = {0};

    if (!option)
        fault_add(faults, its_name, "unknown", "there is no such setting");
    else if (option_fixed(option))
        fault_add(faults, its_name, "fixed", option_fixed(option));
    else if (option_is_secret(option))
        fault_add(faults, its_name, "secret", "secrets come from the environment or .env");
    else if (!write_text(value, &text))
        fault_add(faults, its_name, "wrong", "should hold no zero");
    else
        put_entry(doc, option->name, yyjson_is_null(value) ? NULL : bytes_cstr(&text), who, utc_ms,
                  changing->next.version);
    bytes_clear(&text);
}

static void write_doc(yyjson_mut_doc *doc, struct bytes *out)
{
    size_t len = 0;
    char *json = yyjson_mut_write(doc, 0, &len);

    bytes_append(out, (struct view){json, len});
    free(json);
}

static void end_with_faults(struct changing *changing, const struct faults *faults)
{
    changing->status = 422;
    yyjson_mut_obj_add_val(faults->doc, yyjson_mut_doc_get_root(faults->doc), "error",
                           yyjson_mut_obj(faults->doc));
    yyjson_mut_val *error = yyjson_mut_obj_get(yyjson_mut_doc_get_root(faults->doc), "error");
    yyjson_mut_obj_add_str(faults->doc, error, "code", "wrong_settings");
    yyjson_mut_obj_add_str(faults->doc, error, "message",
                           "nothing was changed, since some of it is wrong");
    write_doc(faults->doc, &changing->answer);
}

static void judge(struct changing *changing, const struct changed *now, struct view who,
                  uint64_t utc_ms)
{
    yyjson_doc *old =
        yyjson_read(now->json.at ? now->json.at : "{}", now->json.at ? now->json.len : 2, 0);
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(old, NULL);
    struct faults faults;
    yyjson_obj_iter members;
    yyjson_val *name;

    faults_open(&faults);
    changing->next.version = now->version + 1;
    yyjson_obj_iter_init(changing->changes, &members);
    while ((name = yyjson_obj_iter_next(&members)) != NULL)
        take_one(changing, &faults, doc, name, who, utc_ms);
    write_doc(doc, &changing->next.json);
    if (!faults_are_there(&faults))
        (void)changes_are_good(bytes_view(&changing->next.json), on_wrong, &faults);
    changing->status = 200;
    if (faults_are_there(&faults))
        end_with_faults(changing, &faults);
    yyjson_mut_doc_free(faults.doc);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(old);
}

/* What others have changed since the version that the asker knows. */
static void tell_others(struct changing *changing, const struct changed *now, uint64_t known)
{
    yyjson_doc *doc =
        yyjson_read(now->json.at ? now->json.at : "{}", now->json.at ? now->json.len : 2, 0);
    yyjson_obj_iter members;
    yyjson_val *name;

    refuse(changing, 412, "changed", "somebody else has changed settings meanwhile");
    changing->answer.len--; /* the brace */
    bytes_printf(&changing->answer, ",\"etag\":\"%llu\",\"changes\":{",
                 (unsigned long long)now->version);
    yyjson_obj_iter_init(yyjson_doc_get_root(doc), &members);
    while ((name = yyjson_obj_iter_next(&members)) != NULL) {
        if (json_member_count(yyjson_obj_iter_get_val(name), "version") <= known)
            continue;
        json_key(&changing->answer, json_view(name));
        json_value(&changing->answer, yyjson_obj_iter_get_val(name));
    }
    bytes_text(&changing->answer, "}}");
    yyjson_doc_free(doc);
}

void changing_read(struct changing *changing, const struct changed *now, struct view asked,
                   struct view who, uint64_t utc_ms)
{
    yyjson_val *root, *known;

    *changing = (struct changing){.asked = yyjson_read(asked.at ? asked.at : "", asked.len, 0)};
    root = yyjson_doc_get_root(changing->asked);
    changing->changes = yyjson_obj_get(root, "changes");
    known = yyjson_obj_get(root, "if_version");
    if (!yyjson_is_obj(changing->changes) || !yyjson_obj_size(changing->changes))
        refuse(changing, 400, "bad_request", "give {\"changes\": {\"NAME\": value}}");
    else if (known && yyjson_get_uint(known) != now->version)
        tell_others(changing, now, yyjson_get_uint(known));
    else
        judge(changing, now, who, utc_ms);
    if (changing->status == 200)
        changing->doc = yyjson_read(changing->next.json.at, changing->next.json.len, 0);
}

void changing_clear(struct changing *changing)
{
    yyjson_doc_free(changing->asked);
    yyjson_doc_free(changing->doc);
    bytes_clear(&changing->answer);
    bytes_clear(&changing->next.json);
}

struct view changed_value(yyjson_val *changed, const char *name)
{
    yyjson_val *value = yyjson_obj_get(yyjson_obj_get(changed, name), "value");

    return (struct view){yyjson_get_str(value), yyjson_get_len(value)};
}
