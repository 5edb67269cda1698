/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in Gemini's own language: a line with the model, then the body. A body that is taken
 * passes untouched, and the model cannot leave its place in the path; what suffixes of a name make of
 * an object is an object, with all that it had. */
/* needs: frontend */
#include <assert.h>
#include <stdint.h>

#include "base/json.h"
#include "gemini/endpoints.h"
#include "gemini/shape.h"
#include "gemini/suffixed.h"
#include "models/model.h"
#include "models/suffix.h"
#include "settings/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const struct step *step, struct view body)
{
    struct view path = step->order.path;
    const char *colon = memchr(path.at, ':', path.len);
    yyjson_doc *doc = yyjson_read(body.at, body.len, YYJSON_READ_NUMBER_AS_RAW);

    assert(view_equal(body_view(step->order.body), body));
    assert(view_starts(path, VIEW("/models/")) && colon);
    assert(!memmem(path.at, path.len, "..", 2));
    for (const char *at = path.at + 8; at < colon; at++)
        assert((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
               (*at >= '0' && *at <= '9') || *at == '.' || *at == '_' || *at == '-');
    yyjson_doc_free(doc);
}

static void check_refused(enum error error, struct bytes *why)
{
    struct complaint complaint = {.error = error};
    struct bytes out = {0};
    yyjson_doc *doc;

    assert(why->len > 0);
    complaint.text = bytes_cstr(why);
    shape_gemini.write(&complaint, &out);
    doc = yyjson_read(out.at, out.len, 0);
    assert(yyjson_is_obj(yyjson_obj_get(yyjson_doc_get_root(doc), "error")));
    yyjson_doc_free(doc);
    bytes_clear(&out);
}

static void check_suffixed(struct view model, struct view body)
{
    static const unsigned all[] = {SUFFIX_SEARCH, SUFFIX_NO_THOUGHT, SUFFIX_IMAGE | SUFFIX_SEARCH};
    struct bytes out = {0};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        yyjson_doc *doc;

        out.len = 0;
        if (!suffixed_body(all[i], model, body, &out))
            continue;
        doc = yyjson_read(out.at, out.len, YYJSON_READ_NUMBER_AS_RAW);
        assert(yyjson_is_obj(yyjson_doc_get_root(doc)));
        yyjson_doc_free(doc);
    }
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view body = {(const char *)data, size};
    const char *newline = size ? memchr(data, '\n', size) : NULL;
    const struct endpoint *endpoint = size % 2 ? &endpoint_stream : &endpoint_generate;
    struct plan plan = {.limit = 1};
    struct request request = {.pool = "gemini"};
    struct view name;
    enum error error;

    if (!newline)
        return 0;
    request.model = (struct view){body.at, (size_t)(newline - body.at)};
    request.body = view_skip(body, request.model.len + 1);
    if (model_name(request.model, &name))
        request.model = name; /* as the route does */
    check_suffixed(request.model, request.body);
    error = endpoint->begin(NULL, &request, &plan);
    if (error == ERROR_NONE)
        check_taken(plan.steps[0], request.body);
    else
        check_refused(error, &plan.why);
    plan_clear(&plan);
    return 0;
}
