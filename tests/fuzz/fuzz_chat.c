/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for bodies and provider's replies that break the dialects. The first byte says what the
 * rest is; a stream's events are its lines. What is written must be JSON again; a native body must
 * pass untouched. */
/* needs: frontend/dialect.c frontend/dialect_openai.c frontend/refusal.c frontend/dialect_openai_models.c */
/* needs: frontend/dialect_gemini.c frontend/openai_chat.c frontend/openai_messages.c */
/* needs: frontend/openai_thinking.c frontend/json.c frontend/model.c */
#include <assert.h>
#include <stdint.h>

#include "dialect.h"
#include "json.h"
#include "options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_json(const struct bytes *text)
{
    yyjson_doc *doc = yyjson_read(text->at, text->len, 0);

    assert(doc);
    yyjson_doc_free(doc);
}

static void request(const struct dialect *dialect, struct view body)
{
    struct ask ask = {0};
    struct bytes why = {0}, out = {0};
    const char *param = NULL;
    struct complaint complaint = {0};

    bytes_text(&ask.model, dialect == &dialect_gemini ? "m" : "");
    complaint.error = dialect->request(body, &ask, &why, &param);
    if (complaint.error == ERROR_NONE) {
        if (dialect == &dialect_openai)
            must_be_json(&ask.body);
        else
            assert(view_equal(bytes_view(&ask.body), body));
        assert(ask.path.len > 0);
    } else {
        complaint.text = bytes_cstr(&why);
        complaint.param = param;
        dialect->error(&complaint, &out);
        must_be_json(&out);
    }
    ask_clear(&ask);
    bytes_clear(&why);
    bytes_clear(&out);
}

static void whole(const struct dialect *dialect, struct view json)
{
    struct ask ask = {.thoughts = true};
    struct reply reply = {.ask = &ask};
    struct bytes out = {0};

    if (dialect->whole(&reply, json, &out))
        must_be_json(&out);
    else
        assert(out.len == 0);
    reply_clear(&reply);
    bytes_clear(&out);
}

static void stream(struct view events)
{
    struct ask ask = {.thoughts = true, .include_usage = true};
    struct reply reply = {.ask = &ask};
    struct bytes out = {0};

    while (events.len) {
        const char *newline = memchr(events.at, '\n', events.len);
        size_t len = newline ? (size_t)(newline - events.at) : events.len;
        dialect_openai.event(&reply, (struct view){events.at, len}, &out);
        events = view_skip(events, len + (newline ? 1 : 0));
    }
    dialect_openai.end(&reply, &out);
    reply_clear(&reply);
    bytes_clear(&out);
}

static void errors(struct view body)
{
    struct complaint complaint = {.error = ERROR_NO_QUOTA, .body = body, .retry_after_ms = 1};
    struct bytes out = {0};

    dialect_openai.error(&complaint, &out);
    must_be_json(&out);
    out.len = 0;
    dialect_gemini.error(&complaint, &out);
    must_be_json(&out);
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = {(const char *)data + 1, size - 1};

    if (!size)
        return 0;
    options.safety_settings = "[]";
    options.show_thinking = true;
    switch (data[0]) {
    case 'r':
        request(&dialect_openai, rest);
        break;
    case 'n':
        request(&dialect_gemini, rest);
        break;
    case 'w':
        whole(&dialect_openai, rest);
        break;
    case 'm':
        whole(&dialect_openai_models, rest);
        break;
    case 's':
        stream(rest);
        break;
    case 'e':
        errors(rest);
        break;
    default:
        break;
    }
    return 0;
}
