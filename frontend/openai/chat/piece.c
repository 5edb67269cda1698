/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a provider's content as pieces of a chat. Called by dialect_openai.c for each part.
 * What must stay true: a thought never becomes content. */
#include "openai/chat/reply.h"

/* A thought's part has this beside its text or picture. */
static bool is_thought(yyjson_val *part)
{
    return yyjson_is_true(json_member(part, VIEW("thought")));
}

/* What the provider has run, as people write programs in a chat. */
static struct piece read_code(yyjson_val *part)
{
    struct piece piece = {.kind = PIECE_TEXT, .before = VIEW("\n```\n")};
    yyjson_val *code = json_member(part, VIEW("executableCode"));
    yyjson_val *result = json_member(part, VIEW("codeExecutionResult"));
    bool has_end;

    if (code)
        piece.before = VIEW("\n```python\n");
    piece.text = code ? json_view(json_member(code, VIEW("code")))
                      : json_view(json_member(result, VIEW("output")));
    if (!piece.text.len)
        return (struct piece){0};
    has_end = piece.text.at[piece.text.len - 1] == '\n';
    piece.after = has_end ? VIEW("```\n") : VIEW("\n```\n");
    return piece;
}

/* Only pictures: a chat has no place for other media. */
static struct piece read_data(yyjson_val *part)
{
    yyjson_val *data = json_member(part, VIEW("inlineData"));
    struct piece piece = {.kind = PIECE_IMAGE,
                          .before = json_view(json_member(data, VIEW("mimeType"))),
                          .after = json_view(json_member(data, VIEW("data")))};

    return view_starts(piece.before, VIEW("image/")) && piece.after.len ? piece : (struct piece){0};
}

struct piece piece_read(const struct ask *ask, yyjson_val *part)
{
    struct piece piece = {.text = json_view(json_member(part, VIEW("text")))};

    if (piece.text.len) {
        if (!is_thought(part))
            piece.kind = PIECE_TEXT;
        else if (ask->thoughts)
            piece.kind = PIECE_THOUGHT;
        return piece;
    }
    if (is_thought(part))
        return piece; /* sketches of a picture */
    if (yyjson_is_obj(json_member(part, VIEW("functionCall"))))
        return (struct piece){.kind = ask->tools.is_legacy ? PIECE_LEGACY : PIECE_CALL,
                              .part = part};
    piece = read_data(part);
    return piece.kind == PIECE_NONE ? read_code(part) : piece;
}

void piece_write(const struct piece *piece, struct bytes *out)
{
    if (piece->kind != PIECE_IMAGE) {
        if (piece->before.len)
            json_escape(out, piece->before);
        json_escape(out, piece->text);
        if (piece->after.len)
            json_escape(out, piece->after);
        return;
    }
    bytes_append(out, VIEW("{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:"));
    json_escape(out, piece->before);
    bytes_append(out, VIEW(";base64,"));
    json_escape(out, piece->after);
    bytes_append(out, VIEW("\"}}"));
}
