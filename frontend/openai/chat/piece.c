/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a provider's content as pieces of a chat. Called by stream.c and whole.c for each
 * part. What must stay true: a thought never becomes content, unless the operator wants it there
 * between tags. */
#include "openai/chat/reply.h"

#define THINK_BEGIN VIEW("<think>\n")
#define THINK_END VIEW("\n</think>\n\n")

/* A thought's part has this beside its text or picture. */
static bool is_thought(yyjson_val *part)
{
    return yyjson_is_true(json_member(part, VIEW("thought")));
}

/* What the provider has run, as people write programs in a chat. */
static struct piece read_code(yyjson_val *part)
{
    struct piece piece = {.kind = PIECE_TEXT, .is_code = true, .before = VIEW("\n```\n")};
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

static bool is_image(struct view type)
{
    return view_starts(type, VIEW("image/"));
}

/* Only pictures and sound: a chat has no place for other media. */
static struct piece read_media(const struct reply *reply, yyjson_val *part)
{
    yyjson_val *data = json_member(part, VIEW("inlineData"));
    yyjson_val *file = json_member(part, VIEW("fileData"));
    struct piece piece = {.before = json_view(json_member(data ? data : file, VIEW("mimeType"))),
                          .text = json_view(json_member(file, VIEW("fileUri"))),
                          .after = json_view(json_member(data, VIEW("data")))};

    if (is_image(piece.before) && (piece.after.len || piece.text.len)) {
        piece.is_media = reply->style.image_links || reply->style.uploads;
        if (reply->style.uploads && !piece.text.len)
            piece.text = uploads_add(reply->style.uploads, piece.before, piece.after);
        piece.kind = piece.is_media ? PIECE_TEXT : PIECE_IMAGE;
    } else if (view_starts(piece.before, VIEW("audio/")) && piece.after.len) {
        piece.kind = PIECE_AUDIO;
    }
    if (piece.kind == PIECE_NONE)
        return (struct piece){0};
    return piece;
}

static struct piece read_text(const struct reply *reply, yyjson_val *part, struct view text)
{
    struct piece piece = {.text = text, .is_thought = is_thought(part)};

    if (!piece.is_thought)
        piece.kind = PIECE_TEXT;
    else if (reply->ask->thoughts)
        piece.kind = reply->style.think_tags ? PIECE_TEXT : PIECE_THOUGHT;
    return piece;
}

/* Who knows only function_call is told of one. */
static struct piece read_call(const struct reply *reply, const struct reply_choice *choice,
                              yyjson_val *part)
{
    struct piece piece = {.kind = PIECE_CALL, .part = part};

    if (reply->ask->tools.is_legacy)
        piece.kind = choice->calls.count ? PIECE_NONE : PIECE_LEGACY;
    return piece;
}

static struct piece read_one(const struct reply *reply, const struct reply_choice *choice,
                             yyjson_val *part)
{
    struct view text = json_view(json_member(part, VIEW("text")));
    struct piece piece;

    if (text.len)
        return read_text(reply, part, text);
    if (is_thought(part))
        return (struct piece){0}; /* sketches of a picture */
    if (yyjson_is_obj(json_member(part, VIEW("functionCall"))))
        return read_call(reply, choice, part);
    piece = read_media(reply, part);
    return piece.kind == PIECE_NONE ? read_code(part) : piece;
}

bool piece_end(struct reply_choice *choice, struct piece *piece)
{
    if (!choice->is_thinking)
        return false;
    choice->is_thinking = false;
    *piece = (struct piece){.kind = PIECE_TEXT, .is_thought = true, .text = THINK_END};
    return true;
}

size_t piece_read(const struct reply *reply, struct reply_choice *choice, yyjson_val *part,
                  struct piece pieces[PIECES_MOST])
{
    struct piece piece = read_one(reply, choice, part);
    bool begins = piece.kind == PIECE_TEXT && piece.is_thought && !choice->is_thinking;
    size_t count = 0;

    if (begins) {
        piece.before = THINK_BEGIN;
        choice->is_thinking = true;
    } else if (piece.kind != PIECE_NONE && !piece.is_thought) {
        count += piece_end(choice, pieces);
    }
    pieces[count++] = piece;
    return count;
}

/* ---- writing ---- */

/* The texts that a piece is made of, in order. */
struct texts {
    struct view at[5];
};

static struct texts address_of(const struct piece *piece)
{
    if (piece->text.len)
        return (struct texts){{piece->text}};
    return (struct texts){{VIEW("data:"), piece->before, VIEW(";base64,"), piece->after}};
}

static void write_all(const struct texts *texts, bool is_plain, struct bytes *out)
{
    for (size_t i = 0; i < sizeof(texts->at) / sizeof(texts->at[0]); i++) {
        if (texts->at[i].len && is_plain)
            bytes_append(out, texts->at[i]);
        else if (texts->at[i].len)
            json_escape(out, texts->at[i]);
    }
}

static void write_text(const struct piece *piece, bool is_plain, struct bytes *out)
{
    struct texts texts = {{piece->before, piece->text, piece->after}};

    if (!piece->is_media) {
        write_all(&texts, is_plain, out);
        return;
    }
    texts = address_of(piece);
    bytes_append(out, VIEW("![image]("));
    write_all(&texts, is_plain, out);
    bytes_append(out, VIEW(")"));
}

void piece_say(const struct piece *piece, struct bytes *out)
{
    write_text(piece, true, out);
}

void piece_write(const struct piece *piece, struct bytes *out)
{
    write_text(piece, false, out);
}

void piece_write_image(const struct piece *piece, size_t number, struct bytes *out)
{
    struct texts texts = address_of(piece);

    bytes_append(out, VIEW("{\"type\":\"image_url\",\"image_url\":{\"url\":\""));
    write_all(&texts, false, out);
    bytes_append(out, VIEW("\"}"));
    if (number != SIZE_MAX)
        json_int_after(out, VIEW(",\"index\":"), number);
    bytes_append(out, VIEW("}"));
}
