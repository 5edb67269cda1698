/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as Google's clients read them. */
#include "gemini/shape.h"

#include <ctype.h>
#include <stdlib.h>

/* The provider's own details if there are any, else what we know. */
static void add_details(yyjson_mut_doc *doc, yyjson_mut_val *error,
                        const struct complaint *complaint, yyjson_val *theirs)
{
    yyjson_mut_val *list, *detail;

    if (theirs) {
        yyjson_mut_obj_add_val(doc, error, "details", yyjson_val_mut_copy(doc, theirs));
        return;
    }
    if (!complaint->retry_after_ms && complaint->error != ERROR_UNAUTHORIZED)
        return;
    list = yyjson_mut_obj_add_arr(doc, error, "details");
    detail = yyjson_mut_arr_add_obj(doc, list);
    if (complaint->error == ERROR_UNAUTHORIZED) {
        yyjson_mut_obj_add_str(doc, detail, "@type", "type.googleapis.com/google.rpc.ErrorInfo");
        yyjson_mut_obj_add_str(doc, detail, "reason", "API_KEY_INVALID");
        yyjson_mut_obj_add_str(doc, detail, "domain", "googleapis.com");
    } else {
        struct bytes delay = {0};
        bytes_printf(&delay, "%.12gs", (double)complaint->retry_after_ms / 1000);
        yyjson_mut_obj_add_str(doc, detail, "@type", "type.googleapis.com/google.rpc.RetryInfo");
        yyjson_mut_obj_add_strcpy(doc, detail, "retryDelay", bytes_cstr(&delay));
        bytes_clear(&delay);
    }
}

static void append(yyjson_mut_doc *doc, yyjson_write_flag flags, struct bytes *out)
{
    size_t len = 0;
    char *text = yyjson_mut_write(doc, flags | YYJSON_WRITE_ALLOW_INVALID_UNICODE, &len);

    if (text)
        complaint_mask(out, (struct view){text, len});
    free(text);
    yyjson_mut_doc_free(doc);
}

/* error.code: the HTTP status; as a word that of google.rpc in small letters, or the provider's own. */
static void add_code(yyjson_mut_doc *doc, yyjson_mut_val *error, uint64_t code, struct view status,
                     yyjson_val *theirs)
{
    char word[32] = "";

    for (size_t i = 0; i < status.len && i < sizeof(word) - 1; i++)
        word[i] = (char)tolower((unsigned char)status.at[i]);
    if (!status.len)
        yyjson_mut_obj_add_uint(doc, error, "code", code);
    else if (yyjson_is_str(theirs))
        yyjson_mut_obj_add_strncpy(doc, error, "code", yyjson_get_str(theirs),
                                   yyjson_get_len(theirs));
    else
        yyjson_mut_obj_add_strcpy(doc, error, "code", word);
}

/* {"error":{"code","message","status","details"}} */
static yyjson_mut_doc *make(const struct complaint *complaint, bool is_word)
{
    const struct error_facts *facts = error_facts(complaint->error);
    struct provider_error provider = provider_error_read(complaint);
    uint64_t code = (uint64_t)(complaint->status ? complaint->status : facts->status);
    bool is_theirs = provider.status.len && provider.code == code;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *error;
    struct bytes message = {0};

    complaint_message(complaint, &provider, &message);
    yyjson_mut_doc_set_root(doc, root);
    error = yyjson_mut_obj_add_obj(doc, root, "error");
    add_code(doc, error, code, is_word ? view_of(facts->google) : VIEW(""),
             json_member(provider.error, VIEW("code")));
    yyjson_mut_obj_add_strncpy(doc, error, "message", message.at, message.len);
    if (is_theirs)
        yyjson_mut_obj_add_strncpy(doc, error, "status", provider.status.at, provider.status.len);
    else
        yyjson_mut_obj_add_str(doc, error, "status", facts->google);
    add_details(doc, error, complaint, json_member(provider.error, VIEW("details")));
    bytes_clear(&message);
    yyjson_doc_free(provider.doc);
    return doc;
}

/* Pretty, as Google writes it, with a newline at its end. */
static void write_whole(const struct complaint *complaint, bool is_word, struct bytes *out)
{
    append(make(complaint, is_word), YYJSON_WRITE_PRETTY_TWO_SPACES, out);
    bytes_append(out, VIEW("\n"));
}

/* As the provider's own error comes in a stream. */
static void write_in_stream(const struct complaint *complaint, bool is_word, struct bytes *out)
{
    bytes_append(out, VIEW("data: "));
    append(make(complaint, is_word), YYJSON_WRITE_NOFLAG, out);
    bytes_append(out, VIEW("\n\n"));
}

static void write(const struct complaint *complaint, struct bytes *out)
{
    write_whole(complaint, false, out);
}

static void write_event(const struct complaint *complaint, struct bytes *out)
{
    write_in_stream(complaint, false, out);
}

static void write_words(const struct complaint *complaint, struct bytes *out)
{
    write_whole(complaint, true, out);
}

static void write_words_event(const struct complaint *complaint, struct bytes *out)
{
    write_in_stream(complaint, true, out);
}

/* A bare object, or a clean end, is truncated text without an error for some of these clients. */
const struct error_shape shape_gemini = {
    .name = "gemini", .write = write, .write_event = write_event, .breaks = true};
const struct error_shape shape_gemini_words = {
    .name = "gemini", .write = write_words, .write_event = write_words_event, .breaks = true};
