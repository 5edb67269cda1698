/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as OpenAI's clients read them. */
#include "openai/shape.h"

static void write_text_or_null(struct bytes *out, const char *text)
{
    if (text)
        bytes_json(out, view_of(text));
    else
        bytes_append(out, VIEW("null"));
}

/* OpenAI tells two kinds of limits apart. */
static const char *type_of(const struct complaint *complaint, const struct provider_error *provider)
{
    bool is_tokens = complaint->error == ERROR_NO_QUOTA && provider->is_about_tokens;

    return is_tokens ? "tokens" : error_facts(complaint->error)->type;
}

static void write(const struct complaint *complaint, struct bytes *out)
{
    const struct error_facts *facts = error_facts(complaint->error);
    struct provider_error provider = provider_error_read(complaint);
    struct bytes message = {0};

    complaint_message(complaint, &provider, &message);
    bytes_append(out, VIEW("{\"error\":{\"message\":"));
    bytes_json(out, bytes_view(&message));
    bytes_append(out, VIEW(",\"type\":"));
    bytes_json(out, view_of(type_of(complaint, &provider)));
    bytes_append(out, VIEW(",\"param\":"));
    write_text_or_null(out, complaint->param);
    bytes_append(out, VIEW(",\"code\":"));
    write_text_or_null(out, facts->code);
    bytes_append(out, VIEW("}}"));
    bytes_clear(&message);
    yyjson_doc_free(provider.doc);
}

static void write_event(const struct complaint *complaint, struct bytes *out)
{
    bytes_append(out, VIEW("data: "));
    write(complaint, out);
    bytes_append(out, VIEW("\n\n"));
}

const struct error_shape shape_openai = {
    .name = "openai", .write = write, .write_event = write_event};
