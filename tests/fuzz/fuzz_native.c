/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in Gemini's own language: a line with the model, then the body. A body that is taken
 * passes untouched, and the model cannot leave its place in the path. */
/* needs: frontend */
#include <assert.h>
#include <stdint.h>

#include "exchange/dialect.h"
#include "base/json.h"
#include "models/model.h"
#include "settings/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const struct ask *ask, struct view body)
{
    struct view path = bytes_view(&ask->path);
    const char *colon = memchr(path.at, ':', path.len);
    yyjson_doc *doc = yyjson_read(body.at, body.len, YYJSON_READ_NUMBER_AS_RAW);

    assert(view_equal(bytes_view(&ask->body), body));
    assert(view_starts(path, VIEW("/models/")) && colon);
    assert(!memmem(path.at, path.len, "..", 2));
    for (const char *at = path.at + 8; at < colon; at++)
        assert((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
               (*at >= '0' && *at <= '9') || *at == '.' || *at == '_' || *at == '-');
    yyjson_doc_free(doc);
}

static void check_refused(struct complaint *complaint, struct bytes *why)
{
    struct bytes out = {0};
    yyjson_doc *doc;

    assert(why->len > 0);
    complaint->text = bytes_cstr(why);
    dialect_gemini.error(complaint, &out);
    doc = yyjson_read(out.at, out.len, 0);
    assert(yyjson_is_obj(yyjson_obj_get(yyjson_doc_get_root(doc), "error")));
    yyjson_doc_free(doc);
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view body = {(const char *)data, size};
    const char *newline = size ? memchr(data, '\n', size) : NULL;
    struct ask ask = {.stream = size % 2};
    struct bytes why = {0};
    struct complaint complaint = {0};
    struct view name;

    if (!newline)
        return 0;
    bytes_append(&ask.model, (struct view){body.at, (size_t)(newline - body.at)});
    body = view_skip(body, (size_t)(newline - body.at) + 1);
    if (model_name(bytes_view(&ask.model), &name)) {
        struct bytes plain = {0};
        bytes_append(&plain, name); /* as the route does */
        bytes_clear(&ask.model);
        ask.model = plain;
    }
    complaint.error = dialect_gemini.request(body, &ask, &why, &complaint.param);
    if (complaint.error == ERROR_NONE)
        check_taken(&ask, body);
    else
        check_refused(&complaint, &why);
    ask_clear(&ask);
    bytes_clear(&why);
    return 0;
}
