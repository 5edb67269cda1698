/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's chat/completions: replies and errors; the request is in openai_chat.c. Called by the
 * frontend for each event of the provider as it comes. What must stay true: a stream ends in a
 * finish_reason and [DONE] only if the provider said that it had finished; and usage is that of the
 * newest event, never a sum. */
#include "openai/chat/chat.h"

#include "openai/chat/request.h"
#include "openai/chat/reply.h"
#include "openai/chat/tool_calls.h"
#include "settings/options.h"
#include "parts/refusal.h"

/* ---- what events and whole answers have in common ---- */

static yyjson_val *parts_of(yyjson_val *candidate)
{
    return json_member(json_member(candidate, VIEW("content")), VIEW("parts"));
}

static struct reply_choice *choice_of(struct reply *reply, yyjson_val *candidate, uint64_t *index)
{
    *index = json_count(json_member(candidate, VIEW("index")));
    if (!yyjson_is_obj(candidate) || *index >= REPLY_CHOICES)
        return NULL;
    if (ask_legs(reply->ask) > 1) {
        if (*index != 0)
            return NULL;
        *index = reply->leg;
    }
    return &reply->choices[*index];
}

static void note_finish(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate)
{
    struct view reason = json_view(json_member(candidate, VIEW("finishReason")));
    struct view message = json_view(json_member(candidate, VIEW("finishMessage")));

    if (!reason.len)
        return;
    reply->has_finish = true;
    choice->finish = finish_of(reason);
    if (message.len) {
        bytes_copy(&choice->refusal, message);
    } else {
        bytes_copy(&choice->refusal, VIEW("The answer was withheld: "));
        bytes_append(&choice->refusal, reason);
    }
}

/* A prompt that the provider refuses is answered, with nothing but the reason; unless the operator
 * wants an error: false. */
static bool note_block(struct reply *reply, yyjson_val *root)
{
    yyjson_val *feedback = json_member(root, VIEW("promptFeedback"));
    struct view reason = json_view(json_member(feedback, VIEW("blockReason")));
    struct reply_choice *choice = &reply->choices[reply->leg];

    if (!reason.len || view_equal(reason, VIEW("BLOCK_REASON_UNSPECIFIED")) ||
        yyjson_arr_size(json_member(root, VIEW("candidates"))))
        return true;
    if (settings_now()->refuse_blocked && !reply->has_content) {
        reply->fault = ERROR_BLOCKED;
        return false;
    }
    reply->has_finish = true;
    choice->finish = finish_of(VIEW("SAFETY"));
    bytes_copy(&choice->refusal, VIEW("The prompt was blocked: "));
    bytes_append(&choice->refusal, reason);
    return true;
}

static void note_head(struct reply *reply, yyjson_val *root)
{
    struct view id;

    if (reply->head.len && !reply->ask->include_usage)
        return; /* nothing of it would be written any more */
    id = json_view(json_member(root, VIEW("responseId")));
    if (!reply->response_id.len && id.len)
        bytes_copy(&reply->response_id, id);
    usage_note(reply, json_member(root, VIEW("usageMetadata")));
}

/* {"id":…,"object":…,"created":…,"model":…,"service_tier":…,"choices":[ */
static void write_head(struct reply *reply, struct bytes *out, struct view object)
{
    if (!reply->response_id.len)
        bytes_printf(&reply->response_id, "%016llx", (unsigned long long)reply->id);
    bytes_append(out, VIEW("{\"id\":\"chatcmpl-"));
    json_escape(out, bytes_view(&reply->response_id));
    bytes_append(out, VIEW("\",\"object\":\""));
    bytes_append(out, object);
    json_int_after(out, VIEW("\",\"created\":"), reply->created_s);
    bytes_append(out, VIEW(",\"model\":"));
    json_text(out, bytes_view(&reply->ask->client_model));
    if (reply->tier) {
        bytes_append(out, VIEW(",\"service_tier\":\""));
        bytes_text(out, reply->tier);
        bytes_append(out, VIEW("\""));
    }
    bytes_append(out, VIEW(",\"choices\":["));
}

static void write_annotations(const struct reply_choice *choice, struct bytes *out)
{
    bytes_append(out, VIEW("\"annotations\":["));
    bytes_append(out, bytes_view(&choice->cited.annotations));
    bytes_append(out, VIEW("]"));
}

/* ---- a stream ---- */

static void chunk_open(struct reply *reply, uint64_t index, struct bytes *out)
{
    if (!reply->head.len) {
        bytes_append(&reply->head, VIEW("data: "));
        write_head(reply, &reply->head, VIEW("chat.completion.chunk"));
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

static void write_role(struct reply *reply, uint64_t index, struct bytes *out)
{
    if (reply->choices[index].role_sent)
        return;
    reply->choices[index].role_sent = true;
    chunk_open(reply, index, out);
    bytes_append(out, VIEW("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"));
    chunk_close(reply, NULL, NULL, out);
}

/* How the pieces of a kind stand in a delta. */
static const struct {
    struct view open, between, close;
} pieces[] = {
    [PIECE_TEXT] = {{"\"content\":\"", 11}, {"", 0}, {"\"", 1}},
    [PIECE_THOUGHT] = {{"\"reasoning_content\":\"", 21}, {"", 0}, {"\"", 1}},
    [PIECE_IMAGE] = {{"\"images\":[", 10}, {",", 1}, {"]", 1}},
    [PIECE_CALL] = {{"\"tool_calls\":[", 14}, {",", 1}, {"]", 1}},
    [PIECE_LEGACY] = {{"\"function_call\":", 16}, {"", 0}, {"", 0}},
};

/* Who knows only function_call is told of one. */
static struct piece take_piece(const struct reply *reply, const struct reply_choice *choice,
                               yyjson_val *part)
{
    struct piece piece = piece_read(reply->ask, part);

    if (piece.kind == PIECE_LEGACY && choice->calls.count)
        piece.kind = PIECE_NONE;
    return piece;
}

static void write_piece(const struct reply *reply, struct reply_choice *choice, uint64_t index,
                        const struct piece *piece, bool is_stream, struct bytes *out)
{
    if (piece->kind == PIECE_CALL || piece->kind == PIECE_LEGACY)
        tool_call_write(reply, choice, index, piece->part, is_stream, out);
    else
        piece_write(piece, out);
}

/* Neighbouring parts of one kind share a chunk, but for calls: some clients look at the first of a
 * chunk only. The last has the probabilities of all. */
static void write_delta(struct reply *reply, struct reply_choice *choice, uint64_t index,
                        yyjson_val *candidate, struct bytes *out)
{
    yyjson_val *logprobs =
        reply->ask->logprobs ? json_member(candidate, VIEW("logprobsResult")) : NULL;
    enum piece_kind open = PIECE_NONE;
    size_t i, max;
    yyjson_val *part;

    yyjson_arr_foreach(parts_of(candidate), i, max, part)
    {
        struct piece piece = take_piece(reply, choice, part);
        citation_hear(reply, choice, &piece, true);
        if (piece.kind == PIECE_NONE)
            continue;
        if (piece.kind == open && open != PIECE_CALL) {
            bytes_append(out, pieces[open].between);
        } else {
            if (open != PIECE_NONE) {
                bytes_append(out, pieces[open].close);
                chunk_close(reply, NULL, NULL, out);
            }
            write_role(reply, index, out);
            chunk_open(reply, index, out);
            bytes_append(out, pieces[piece.kind].open);
            open = piece.kind;
        }
        write_piece(reply, choice, index, &piece, true, out);
        choice->has_content = choice->has_content || piece.kind != PIECE_THOUGHT;
    }
    if (open == PIECE_NONE && !logprobs)
        return;
    if (open == PIECE_NONE) {
        write_role(reply, index, out);
        chunk_open(reply, index, out);
    } else {
        bytes_append(out, pieces[open].close);
    }
    chunk_close(reply, NULL, logprobs, out);
}

static void take_candidate(struct reply *reply, yyjson_val *candidate, struct bytes *out)
{
    uint64_t index;
    struct reply_choice *choice = choice_of(reply, candidate, &index);

    if (!choice)
        return;
    write_delta(reply, choice, index, candidate, out);
    citation_note(reply, choice, json_member(candidate, VIEW("groundingMetadata")));
    reply->has_content = reply->has_content || choice->has_content;
    note_finish(reply, choice, candidate);
}

bool chat_event(struct reply *reply, struct view json, struct bytes *out)
{
    yyjson_doc *doc = json_open(json, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool is_good = yyjson_is_obj(root) && !json_member(root, VIEW("error"));
    size_t i, max;
    yyjson_val *candidate;

    if (is_good) {
        note_head(reply, root);
        yyjson_arr_foreach(json_member(root, VIEW("candidates")), i, max, candidate)
            take_candidate(reply, candidate, out);
        is_good = note_block(reply, root);
    }
    json_close(doc);
    return is_good;
}

static void write_finish(struct reply *reply, uint64_t index, struct bytes *out)
{
    struct reply_choice *choice = &reply->choices[index];
    const char *finish = finish_word(choice);

    write_role(reply, index, out);
    if (!choice->has_content && strcmp(finish, "content_filter") == 0) {
        chunk_open(reply, index, out);
        bytes_append(out, VIEW("\"refusal\":"));
        json_text(out, bytes_view(&choice->refusal));
        chunk_close(reply, NULL, NULL, out);
    }
    if (choice->cited.count) {
        chunk_open(reply, index, out);
        write_annotations(choice, out);
        chunk_close(reply, NULL, NULL, out);
    }
    chunk_open(reply, index, out);
    chunk_close(reply, finish, NULL, out);
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
        write_role(reply, 0, out);
        return;
    }
    chunk_open(reply, 0, out);
    bytes_append(out, VIEW("\"role\":\"assistant\",\"content\":\"\""));
    chunk_close(reply, NULL, NULL, out);
}

/* ---- a whole answer ---- */

/* Appends all pieces of that kind as one; returns whether there was any. */
static bool write_pieces(const struct reply *reply, struct reply_choice *choice,
                         yyjson_val *candidate, enum piece_kind wanted, struct bytes *out)
{
    bool found = false;
    size_t i, max;
    yyjson_val *part;

    bytes_append(out, pieces[wanted].open);
    yyjson_arr_foreach(parts_of(candidate), i, max, part)
    {
        struct piece piece = take_piece(reply, choice, part);
        if (piece.kind != wanted)
            continue;
        bytes_append(out, found ? pieces[wanted].between : VIEW(""));
        write_piece(reply, choice, (uint64_t)(choice - reply->choices), &piece, false, out);
        found = true;
    }
    bytes_append(out, pieces[wanted].close);
    return found;
}

/* The same, only if there is any. */
static bool write_some(const struct reply *reply, struct reply_choice *choice,
                       yyjson_val *candidate, enum piece_kind wanted, struct bytes *out)
{
    size_t start = out->len;

    bytes_append(out, VIEW(","));
    if (write_pieces(reply, choice, candidate, wanted, out))
        return true;
    out->len = start;
    return false;
}

static void note_sources(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate)
{
    yyjson_val *grounding = json_member(candidate, VIEW("groundingMetadata")), *part;
    size_t i, max;

    if (!grounding)
        return;
    yyjson_arr_foreach(parts_of(candidate), i, max, part)
    {
        struct piece piece = piece_read(reply->ask, part);
        citation_hear(reply, choice, &piece, false);
    }
    citation_note(reply, choice, grounding);
}

static bool has_calls(yyjson_val *candidate)
{
    size_t i, max;
    yyjson_val *part;

    yyjson_arr_foreach(parts_of(candidate), i, max, part)
    {
        if (yyjson_is_obj(json_member(part, VIEW("functionCall"))))
            return true;
    }
    return false;
}

/* What a message says. Calls alone have no text, which is told as null. */
static void write_message(const struct reply *reply, struct reply_choice *choice,
                          yyjson_val *candidate, struct bytes *out)
{
    static const enum piece_kind others[] = {PIECE_IMAGE, PIECE_CALL, PIECE_LEGACY};
    size_t start = out->len;

    choice->has_content = write_pieces(reply, choice, candidate, PIECE_TEXT, out);
    if (!choice->has_content && has_calls(candidate)) {
        out->len = start;
        bytes_append(out, VIEW("\"content\":null"));
    }
    write_some(reply, choice, candidate, PIECE_THOUGHT, out);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (write_some(reply, choice, candidate, others[i], out))
            choice->has_content = true;
}

/* False: the candidate is no answer. `candidate` is NULL if the prompt was blocked. */
static bool write_choice(struct reply *reply, struct reply_choice *choice, uint64_t index,
                         yyjson_val *candidate, struct bytes *out)
{
    const char *finish;

    json_int_after(out, VIEW("{\"index\":"), index);
    bytes_append(out, VIEW(",\"message\":{\"role\":\"assistant\","));
    write_message(reply, choice, candidate, out);
    if (!choice->finish) /* the provider leaves out its FINISH_REASON_UNSPECIFIED */
        choice->finish = finish_of(VIEW(""));
    finish = finish_word(choice);
    if (!finish)
        return false;
    bytes_append(out, VIEW(",\"refusal\":"));
    if (choice->has_content || !choice->refusal.len || strcmp(finish, "content_filter") != 0)
        bytes_append(out, VIEW("null"));
    else
        json_text(out, bytes_view(&choice->refusal));
    note_sources(reply, choice, candidate);
    bytes_append(out, VIEW(","));
    write_annotations(choice, out);
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

    if (!note_block(reply, root))
        return false;
    if (reply->choices[reply->leg].finish)
        return write_choice(reply, &reply->choices[reply->leg], reply->leg, NULL, out);
    yyjson_arr_foreach(json_member(root, VIEW("candidates")), i, max, candidate)
    {
        uint64_t index;
        struct reply_choice *choice = choice_of(reply, candidate, &index);
        if (!choice)
            continue;
        note_finish(reply, choice, candidate);
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
    note_head(reply, root);
    if (reply->leg == 0)
        write_head(reply, out, VIEW("chat.completion"));
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

static void choice_clear(struct reply_choice *choice)
{
    bytes_clear(&choice->refusal);
    bytes_clear(&choice->cited.said);
    bytes_clear(&choice->cited.annotations);
}

void reply_clear(struct reply *reply)
{
    bytes_clear(&reply->response_id);
    bytes_clear(&reply->head);
    for (size_t i = 0; i < REPLY_CHOICES; i++)
        choice_clear(&reply->choices[i]);
    *reply = (struct reply){0};
}
