/* SPDX-License-Identifier: Apache-2.0 */
/* A chat's stream: each event of the provider as chunks. Called by endpoint.c. What must stay true:
 * a stream ends in a finish_reason and [DONE] only if the provider said that it had finished. */
#include "openai/chat/chat.h"

#include "openai/chat/tool_calls.h"

/* The chunk of a choice that is being written. */
struct delta {
    struct reply *reply;
    struct reply_choice *choice;
    uint64_t index;
    struct bytes *out;
    enum piece_kind open; /* what its delta holds; NONE: no chunk is open */
};

static void chunk_open(struct reply *reply, uint64_t index, struct bytes *out)
{
    if (!reply->head.len) {
        bytes_append(&reply->head, VIEW("data: "));
        reply_write_head(reply, &reply->head, VIEW("chat.completion.chunk"));
    }
    bytes_append(out, bytes_view(&reply->head));
    json_int_after(out, VIEW("{\"index\":"), index);
    bytes_append(out, VIEW(",\"delta\":{"));
}

/* `finish` is NULL in all chunks but the last of a choice, which has no `logprobs`. */
static void chunk_close(const struct reply *reply, const char *finish, yyjson_val *logprobs,
                        struct bytes *out)
{
    if (finish) {
        bytes_append(out, VIEW("},\"logprobs\":null,\"finish_reason\":\""));
        bytes_text(out, finish);
        bytes_append(out, VIEW("\"}]"));
    } else if (logprobs) {
        bytes_append(out, VIEW("},\"logprobs\":"));
        logprobs_write(logprobs, out);
        bytes_append(out, VIEW(",\"finish_reason\":null}]"));
    } else {
        bytes_append(out, VIEW("},\"logprobs\":null,\"finish_reason\":null}]"));
    }
    if (reply->ask->include_usage)
        bytes_append(out, VIEW(",\"usage\":null"));
    bytes_append(out, VIEW("}\n\n"));
}

/* Calls that come first say that there is no text; it may follow all the same. */
static void write_role(struct reply *reply, uint64_t index, enum piece_kind first,
                       struct bytes *out)
{
    bool is_call = first == PIECE_CALL || first == PIECE_LEGACY;

    if (reply->choices[index].role_sent)
        return;
    reply->choices[index].role_sent = true;
    chunk_open(reply, index, out);
    bytes_append(out, is_call ? VIEW("\"role\":\"assistant\",\"content\":null,\"refusal\":null")
                              : VIEW("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"));
    chunk_close(reply, NULL, NULL, out);
}

/* How the pieces of a kind stand in a delta. */
static const struct {
    struct view open, between, close;
} forms[] = {
    [PIECE_TEXT] = {{"\"content\":\"", 11}, {"", 0}, {"\"", 1}},
    [PIECE_THOUGHT] = {{"\"reasoning_content\":\"", 21}, {"", 0}, {"\"", 1}},
    [PIECE_IMAGE] = {{"\"images\":[", 10}, {",", 1}, {"]", 1}},
    [PIECE_AUDIO] = {{"\"audio\":", 8}, {"", 0}, {"", 0}},
    [PIECE_CALL] = {{"\"tool_calls\":[", 14}, {",", 1}, {"]", 1}},
    [PIECE_LEGACY] = {{"\"function_call\":", 16}, {"", 0}, {"", 0}},
};

/* Neighbours of these kinds share a chunk; some clients look at the first call of a chunk only. */
static bool is_shared(enum piece_kind kind)
{
    return kind == PIECE_TEXT || kind == PIECE_THOUGHT || kind == PIECE_IMAGE;
}

static void delta_close(struct delta *delta, yyjson_val *logprobs)
{
    if (delta->open == PIECE_NONE)
        return;
    bytes_append(delta->out, forms[delta->open].close);
    chunk_close(delta->reply, NULL, logprobs, delta->out);
    delta->open = PIECE_NONE;
}

static void delta_open(struct delta *delta, enum piece_kind kind)
{
    if (delta->open == kind && is_shared(kind)) {
        bytes_append(delta->out, forms[kind].between);
        return;
    }
    delta_close(delta, NULL);
    write_role(delta->reply, delta->index, kind, delta->out);
    chunk_open(delta->reply, delta->index, delta->out);
    bytes_append(delta->out, forms[kind].open);
    delta->open = kind;
}

/* A chunk for each piece; the last is still open. */
static void add_flowing(struct delta *delta, struct view text)
{
    struct reply *reply = delta->reply;
    size_t piece = pace_of(&reply->pace, pace_characters(text), &reply->pause_ms);

    while (text.len) {
        delta_close(delta, NULL);
        delta_open(delta, PIECE_TEXT);
        json_escape(delta->out, pace_piece(&text, piece));
    }
}

static void add_text(struct delta *delta, struct view text)
{
    if (!text.len)
        return;
    if (delta->reply->pace.is_on) {
        add_flowing(delta, text);
        return;
    }
    delta_open(delta, PIECE_TEXT);
    json_escape(delta->out, text);
}

/* Text may be a fence around the answer, which is known only when more has come; and it may have to
 * flow. */
static void add_said(struct delta *delta, const struct piece *piece)
{
    struct bytes said = {0}, text = {0};

    piece_say(piece, &said);
    if (delta->reply->ask->is_json_told)
        fence_take(&delta->choice->fence, bytes_view(&said), &text);
    else
        bytes_append(&text, bytes_view(&said));
    add_text(delta, bytes_view(&text));
    bytes_clear(&said);
    bytes_clear(&text);
}

static void add_piece(struct delta *delta, const struct piece *piece)
{
    citation_hear(delta->reply, delta->choice, piece, true);
    if (piece->kind == PIECE_NONE)
        return;
    if (!piece->is_thought)
        delta->choice->has_content = true;
    if (piece->kind == PIECE_TEXT && !piece->is_media &&
        (delta->reply->ask->is_json_told || delta->reply->pace.is_on)) {
        add_said(delta, piece);
        return;
    }
    delta_open(delta, piece->kind);
    if (piece->kind == PIECE_CALL || piece->kind == PIECE_LEGACY)
        tool_call_write(delta->reply, delta->choice, delta->index, piece->part, true, delta->out);
    else if (piece->kind == PIECE_AUDIO)
        audio_write_delta(delta->reply, delta->choice, delta->index, piece, delta->out);
    else if (piece->kind == PIECE_IMAGE)
        piece_write_image(piece, delta->reply->images++, delta->out);
    else
        piece_write(piece, delta->out);
}

/* The last chunk of an event has the probabilities of all its tokens. */
static void write_delta(struct delta *delta, yyjson_val *candidate)
{
    yyjson_val *logprobs =
        delta->reply->ask->logprobs ? json_member(candidate, VIEW("logprobsResult")) : NULL;
    size_t i, max;
    yyjson_val *part;

    yyjson_arr_foreach(reply_parts(candidate), i, max, part)
    {
        struct piece pieces[PIECES_MOST];
        size_t count = piece_read(delta->reply, delta->choice, part, pieces);

        for (size_t k = 0; k < count; k++)
            add_piece(delta, &pieces[k]);
    }
    if (delta->open == PIECE_NONE && logprobs) {
        write_role(delta->reply, delta->index, PIECE_NONE, delta->out);
        chunk_open(delta->reply, delta->index, delta->out);
        chunk_close(delta->reply, NULL, logprobs, delta->out);
    }
    delta_close(delta, logprobs);
}

static void take_candidate(struct reply *reply, yyjson_val *candidate, struct bytes *out)
{
    uint64_t index;
    struct reply_choice *choice = reply_choice_of(reply, candidate, &index);
    struct delta delta = {reply, choice, index, out, PIECE_NONE};

    if (!choice)
        return;
    write_delta(&delta, candidate);
    citation_note(reply, choice, candidate);
    reply->has_content = reply->has_content || choice->has_content;
    reply_note_finish(reply, choice, candidate);
}

bool chat_event(struct reply *reply, struct view json, struct bytes *out)
{
    yyjson_doc *doc = json_open(json, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool is_good = yyjson_is_obj(root) && !json_member(root, VIEW("error"));
    size_t i, max;
    yyjson_val *candidate;

    reply->pause_ms = 0;
    if (is_good) {
        reply_note_head(reply, root);
        yyjson_arr_foreach(json_member(root, VIEW("candidates")), i, max, candidate)
            take_candidate(reply, candidate, out);
        is_good = reply_note_block(reply, root);
    }
    json_close(doc);
    return is_good;
}

/* ---- the end ---- */

/* Text that was held back, and what is listed behind it. */
static void write_last_text(struct delta *delta)
{
    struct reply_choice *choice = delta->choice;
    struct bytes rest = {0};
    struct piece end;

    if (piece_end(choice, &end))
        add_piece(delta, &end);
    fence_end(&choice->fence, &rest);
    add_text(delta, bytes_view(&rest));
    add_text(delta, bytes_view(&choice->cited.links));
    delta_close(delta, NULL);
    bytes_clear(&rest);
}

static void write_finish(struct reply *reply, uint64_t index, struct bytes *out)
{
    struct reply_choice *choice = &reply->choices[index];
    struct delta delta = {reply, choice, index, out, PIECE_NONE};

    write_last_text(&delta);
    write_role(reply, index, PIECE_NONE, out);
    if (!choice->has_content && choice->finish->is_told && choice->refusal.len) {
        chunk_open(reply, index, out);
        bytes_append(out, VIEW("\"refusal\":"));
        reply_write_refusal(choice, out);
        chunk_close(reply, NULL, NULL, out);
    }
    if (choice->cited.count || choice->cited.visited.len) {
        chunk_open(reply, index, out);
        citation_write(choice, out);
        chunk_close(reply, NULL, NULL, out);
    }
    chunk_open(reply, index, out);
    chunk_close(reply, finish_word(choice), NULL, out);
}

/* The choices of the leg that has ended: its own, or all where there is only one leg. */
static void ended_choices(const struct reply *reply, size_t *first, size_t *behind)
{
    bool is_one_of_several = ask_legs(reply->ask) > 1;

    *first = is_one_of_several ? reply->leg : 0;
    *behind = is_one_of_several ? reply->leg + 1 : REPLY_CHOICES;
}

/* Why the leg's stream is no whole answer, or ERROR_NONE. */
static enum error stream_fault(const struct reply *reply, struct bytes *why)
{
    size_t first, behind;

    ended_choices(reply, &first, &behind);
    if (!reply->has_finish || (behind - first == 1 && !reply->choices[first].finish))
        return ERROR_UPSTREAM_CUT;
    for (size_t i = first; i < behind; i++) {
        const struct reply_choice *choice = &reply->choices[i];
        if (choice->role_sent && !choice->finish)
            return ERROR_UPSTREAM_CUT;
        if (choice->finish && !finish_word(choice)) {
            bytes_text(why, "The model's answer was malformed: ");
            bytes_append(why, choice->finish->reason);
            return ERROR_MALFORMED;
        }
    }
    return ERROR_NONE;
}

bool chat_end(struct reply *reply, struct bytes *out, struct bytes *why)
{
    size_t first, behind;

    reply->fault = stream_fault(reply, why);
    if (reply->fault != ERROR_NONE)
        return false;
    ended_choices(reply, &first, &behind);
    for (uint64_t i = first; i < behind; i++)
        if (reply->choices[i].finish)
            write_finish(reply, i, out);
    if (reply->ended < reply->ask->legs)
        return true;
    if (reply->ask->include_usage) {
        bytes_append(out, bytes_view(&reply->head));
        bytes_append(out, VIEW("],\"usage\":"));
        usage_write(reply, out);
        bytes_append(out, VIEW("}\n\n"));
    }
    bytes_append(out, VIEW("data: [DONE]\n\n"));
    return true;
}

/* Clients know nothing of comments in a stream, or die of them; an empty piece of content hurts
 * none. */
void chat_beat(struct reply *reply, struct bytes *out)
{
    if (!reply->choices[0].role_sent) {
        write_role(reply, 0, PIECE_NONE, out);
        return;
    }
    chunk_open(reply, 0, out);
    bytes_append(out, VIEW("\"role\":\"assistant\",\"content\":\"\""));
    chunk_close(reply, NULL, NULL, out);
}
