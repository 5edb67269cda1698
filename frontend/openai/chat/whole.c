/* SPDX-License-Identifier: Apache-2.0 */
/* A chat's reply in one piece, out of whole answers of the provider. Called by endpoint.c, for each
 * leg in order. What must stay true: what is no answer leaves nothing behind. */
#include "openai/chat/chat.h"

#include "openai/chat/tool_calls.h"

/* What is done with each piece of a candidate, in order. */
typedef void take_piece(struct reply *reply, struct reply_choice *choice, const struct piece *piece,
                        void *to);

static void each_piece(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate,
                       take_piece *take, void *to)
{
    struct piece pieces[PIECES_MOST];
    size_t i, max;
    yyjson_val *part;

    choice->is_thinking = false;
    choice->calls.count = 0;
    yyjson_arr_foreach(reply_parts(candidate), i, max, part)
    {
        size_t count = piece_read(reply, choice, part, pieces);
        for (size_t k = 0; k < count; k++)
            take(reply, choice, &pieces[k], to);
    }
    if (piece_end(choice, pieces))
        take(reply, choice, pieces, to);
}

/* Which kinds there are. */
static void take_kind(struct reply *reply, struct reply_choice *choice, const struct piece *piece,
                      void *to)
{
    (void)reply;
    ((bool *)to)[piece->kind] = true;
    if (piece->kind == PIECE_LEGACY)
        choice->calls.count++;
    if (piece->kind != PIECE_NONE && !piece->is_thought)
        choice->has_content = true;
}

/* ---- the content ---- */

static void take_text(struct reply *reply, struct reply_choice *choice, const struct piece *piece,
                      void *to)
{
    struct bytes said = {0};

    if (piece->kind != PIECE_TEXT)
        return;
    if (!reply->ask->is_json_told) {
        piece_write(piece, to);
        return;
    }
    piece_say(piece, &said);
    fence_take(&choice->fence, bytes_view(&said), to);
    bytes_clear(&said);
}

static void write_unfenced(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate,
                           struct bytes *out)
{
    struct bytes text = {0};

    each_piece(reply, choice, candidate, take_text, &text);
    fence_end(&choice->fence, &text);
    json_escape(out, bytes_view(&text));
    bytes_clear(&text);
}

/* What has no text at all but something else says so by null. */
static void write_content(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate,
                          const bool *has, struct bytes *out)
{
    bool is_other = has[PIECE_CALL] || has[PIECE_LEGACY] || has[PIECE_AUDIO];

    if (!has[PIECE_TEXT] && is_other && !choice->cited.links.len) {
        bytes_append(out, VIEW("\"content\":null"));
        return;
    }
    bytes_append(out, VIEW("\"content\":\""));
    if (reply->ask->is_json_told)
        write_unfenced(reply, choice, candidate, out);
    else
        each_piece(reply, choice, candidate, take_text, out);
    json_escape(out, bytes_view(&choice->cited.links));
    bytes_append(out, VIEW("\""));
}

/* ---- what stands beside it ---- */

static void take_thought(struct reply *reply, struct reply_choice *choice,
                         const struct piece *piece, void *to)
{
    (void)reply, (void)choice;
    if (piece->kind == PIECE_THOUGHT)
        piece_write(piece, to);
}

static void separate(struct bytes *out)
{
    if (out->at[out->len - 1] != '[')
        bytes_append(out, VIEW(","));
}

static void take_image(struct reply *reply, struct reply_choice *choice, const struct piece *piece,
                       void *to)
{
    (void)reply, (void)choice;
    if (piece->kind != PIECE_IMAGE)
        return;
    separate(to);
    piece_write_image(piece, SIZE_MAX, to);
}

static void take_call(struct reply *reply, struct reply_choice *choice, const struct piece *piece,
                      void *to)
{
    if (piece->kind != PIECE_CALL && piece->kind != PIECE_LEGACY)
        return;
    if (piece->kind == PIECE_CALL)
        separate(to);
    tool_call_write(reply, choice, (uint64_t)(choice - reply->choices), piece->part, false, to);
}

/* The members of a message that are there only if they have something to say. */
static void write_others(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate,
                         const bool *has, struct bytes *out)
{
    static const struct {
        enum piece_kind kind;
        struct view open, close;
        take_piece *take;
    } members[] = {
        {PIECE_THOUGHT, {",\"reasoning_content\":\"", 22}, {"\"", 1}, take_thought},
        {PIECE_IMAGE, {",\"images\":[", 11}, {"]", 1}, take_image},
        {PIECE_CALL, {",\"tool_calls\":[", 15}, {"]", 1}, take_call},
        {PIECE_LEGACY, {",\"function_call\":", 17}, {"", 0}, take_call},
    };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (!has[members[i].kind])
            continue;
        bytes_append(out, members[i].open);
        each_piece(reply, choice, candidate, members[i].take, out);
        bytes_append(out, members[i].close);
    }
    if (!has[PIECE_AUDIO])
        return;
    bytes_append(out, VIEW(",\"audio\":"));
    audio_write_whole(reply, choice, (uint64_t)(choice - reply->choices), candidate, out);
}

static void hear(struct reply *reply, struct reply_choice *choice, const struct piece *piece,
                 void *to)
{
    (void)to;
    citation_hear(reply, choice, piece, false);
}

static void note_sources(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate)
{
    if (!citation_has(candidate))
        return;
    each_piece(reply, choice, candidate, hear, NULL);
    citation_note(reply, choice, candidate);
}

/* False: the candidate is no answer. `candidate` is NULL if the prompt was blocked. */
static bool write_choice(struct reply *reply, struct reply_choice *choice, uint64_t index,
                         yyjson_val *candidate, struct bytes *out)
{
    bool has[PIECE_LEGACY + 1] = {false};
    const char *finish;

    each_piece(reply, choice, candidate, take_kind, has);
    note_sources(reply, choice, candidate);
    json_int_after(out, VIEW("{\"index\":"), index);
    bytes_append(out, VIEW(",\"message\":{\"role\":\"assistant\","));
    write_content(reply, choice, candidate, has, out);
    write_others(reply, choice, candidate, has, out);
    if (!choice->finish) /* the provider leaves out its FINISH_REASON_UNSPECIFIED */
        choice->finish = finish_of(VIEW(""));
    finish = finish_word(choice);
    if (!finish)
        return false;
    bytes_append(out, VIEW(",\"refusal\":"));
    reply_write_refusal(choice, out);
    bytes_append(out, VIEW(","));
    citation_write(choice, out);
    bytes_append(out, VIEW("},\"logprobs\":"));
    logprobs_write(reply->ask->logprobs ? json_member(candidate, VIEW("logprobsResult")) : NULL,
                   out);
    bytes_append(out, VIEW(",\"finish_reason\":\""));
    bytes_text(out, finish);
    bytes_append(out, VIEW("\"}"));
    return true;
}

static bool write_choices(struct reply *reply, yyjson_val *root, struct bytes *out)
{
    size_t i, max, written = 0;
    yyjson_val *candidate;

    if (!reply_note_block(reply, root))
        return false;
    if (reply->choices[reply->leg].finish)
        return write_choice(reply, &reply->choices[reply->leg], reply->leg, NULL, out);
    yyjson_arr_foreach(json_member(root, VIEW("candidates")), i, max, candidate)
    {
        uint64_t index;
        struct reply_choice *choice = reply_choice_of(reply, candidate, &index);
        if (!choice)
            continue;
        reply_note_finish(reply, choice, candidate);
        bytes_append(out, written++ ? VIEW(",") : VIEW(""));
        if (!write_choice(reply, choice, index, candidate, out))
            return false;
        reply->has_content = reply->has_content || choice->has_content;
    }
    return written > 0;
}

static bool write_whole(struct reply *reply, yyjson_val *root, struct bytes *out)
{
    if (!yyjson_is_obj(root) || json_member(root, VIEW("error")))
        return false;
    reply_note_head(reply, root);
    if (reply->leg == 0)
        reply_write_head(reply, out, VIEW("chat.completion"));
    else
        bytes_append(out, VIEW(","));
    if (!write_choices(reply, root, out))
        return false;
    if (reply->leg + 1 < reply->ask->legs)
        return true;
    bytes_append(out, VIEW("],\"usage\":"));
    usage_write(reply, out);
    bytes_append(out, VIEW("}"));
    return true;
}

bool chat_whole(struct reply *reply, struct view json, struct bytes *out)
{
    yyjson_doc *doc = json_open(json, YYJSON_READ_NUMBER_AS_RAW);
    size_t start = out->len;
    bool is_good = write_whole(reply, yyjson_doc_get_root(doc), out);

    if (!is_good)
        out->len = start;
    json_close(doc);
    return is_good;
}
