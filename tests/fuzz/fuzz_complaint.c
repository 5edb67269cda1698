/* SPDX-License-Identifier: Apache-2.0 */
/* A provider's error bodies, in the words of each dialect. The first bytes say what the gateway
 * takes it for. What a client gets is JSON of its dialect's shape, and shows no key. */
/* needs: frontend */
#include <assert.h>
#include <stdint.h>

#include "gemini/shape.h"
#include "openai/shape.h"
#include "base/json.h"
#include "settings/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_key_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

static void check_masked(struct view text)
{
    const char *found;

    while ((found = text.len ? memmem(text.at, text.len, "AIza", 4) : NULL)) {
        text = view_skip(text, (size_t)(found - text.at) + 4);
        assert(!text.len || !is_key_character(text.at[0]));
    }
}

static yyjson_val *read_error(yyjson_doc *doc)
{
    yyjson_val *error = json_member(yyjson_doc_get_root(doc), VIEW("error"));

    assert(yyjson_is_obj(error) && yyjson_is_str(json_member(error, VIEW("message"))));
    return error;
}

static void check_openai(const struct complaint *complaint)
{
    struct bytes out = {0};
    yyjson_doc *doc;
    yyjson_val *error;

    shape_openai.write(complaint, &out);
    doc = yyjson_read(out.at, out.len, 0);
    error = read_error(doc);
    assert(yyjson_obj_size(error) == 4 && json_member(error, VIEW("type")));
    check_masked(bytes_view(&out));
    out.len = 0;
    yyjson_doc_free(doc);
    shape_openai.write_event(complaint, &out);
    assert(view_starts(bytes_view(&out), VIEW("data: {")));
    assert(out.len > 10 && memcmp(out.at + out.len - 3, "}\n\n", 3) == 0);
    assert(memchr(out.at, '\n', out.len) == out.at + out.len - 2); /* one line */
    bytes_clear(&out);
}

static void check_gemini(const struct complaint *complaint)
{
    struct bytes out = {0};
    yyjson_doc *doc;
    yyjson_val *error;

    shape_gemini.write(complaint, &out);
    doc = yyjson_read(out.at, out.len, YYJSON_READ_NUMBER_AS_RAW);
    error = read_error(doc);
    assert(json_member(error, VIEW("code")) && yyjson_is_str(json_member(error, VIEW("status"))));
    check_masked(bytes_view(&out));
    yyjson_doc_free(doc);
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct complaint complaint = {0};

    if (size < 3)
        return 0;
    complaint.error = (enum error)(data[0] % ERROR_COUNT);
    complaint.status = data[1] % 4 ? 0 : 400 + data[1];
    complaint.retry_after_ms = (uint64_t)data[2] << data[1] % 32;
    complaint.param = data[1] & 1 ? "messages[0]" : NULL;
    complaint.body = (struct view){(const char *)data + 3, size - 3};
    check_openai(&complaint);
    check_gemini(&complaint);
    return 0;
}
