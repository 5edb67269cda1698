/* SPDX-License-Identifier: Apache-2.0 */
/* Renders answers in Google's form; reply.c asks for one frame after the other. What must stay
 * true: the joined texts of a stream's events are the text, and no event cuts a UTF-8 character. */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>

static const char pattern[FRAME_PATTERN_BYTES + 1] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";

/* Memory full of the pattern. */
static const char *pattern_block(void)
{
    static char *block;

    if (block == NULL) {
        block = malloc(FRAME_BLOCK_BYTES);
        if (block == NULL)
            abort();
        for (size_t i = 0; i < FRAME_BLOCK_BYTES; i++)
            block[i] = pattern[i % FRAME_PATTERN_BYTES];
    }
    return block;
}

uint64_t frame_len(const struct frame *f)
{
    return f->bytes.len + f->hole_len;
}

struct span frame_run(const struct frame *f, uint64_t from)
{
    uint64_t hole_end = f->hole_at + f->hole_len;

    if (from < f->hole_at)
        return (struct span){f->bytes.at + from, f->hole_at - from};
    if (from < hole_end) {
        size_t begin = (from - f->hole_at) % FRAME_PATTERN_BYTES;
        struct span run = {pattern_block() + begin, FRAME_BLOCK_BYTES - begin};
        return span_first(run, hole_end - from);
    }
    return (struct span){f->bytes.at + (from - f->hole_len), f->bytes.len - (from - f->hole_len)};
}

static void frame_empty(struct frame *f)
{
    f->bytes.len = 0;
    f->hole_at = 0;
    f->hole_len = 0;
}

static void put_number(struct text *out, const struct answer *a, int64_t index)
{
    if (a->is_numbered) {
        text_put(out, "[");
        text_number(out, index);
        text_put(out, "]");
    }
}

/* Writes the chunk's text; the pattern becomes the frame's hole. */
static void put_chunk(struct frame *f, const struct answer *a, int candidate, int64_t index)
{
    if (!a->is_filler) {
        text_escape(&f->bytes, answer_slice(a, candidate, index));
        return;
    }
    size_t before = f->bytes.len;
    put_number(&f->bytes, a, index);
    f->hole_at = f->bytes.len;
    f->hole_len = (uint64_t)answer_filler_bytes(a, index) - (f->bytes.len - before);
}

/* The same where several chunks share a frame: the pattern is written out. */
static void put_chunk_out(struct frame *f, const struct answer *a, int64_t index)
{
    size_t before = f->bytes.len;
    size_t size = (size_t)answer_filler_bytes(a, index);

    put_number(&f->bytes, a, index);
    for (size_t left = size - (f->bytes.len - before); left != 0;) {
        struct span run = span_first((struct span){pattern_block(), FRAME_BLOCK_BYTES}, left);
        text_add(&f->bytes, run.at, run.len);
        left -= run.len;
    }
}

/* -- Parts -- */

static void open_text_part(struct frame *f, struct json *j)
{
    json_item(j);
    json_open(j, '{');
    json_name(j, "text");
    text_put(&f->bytes, "\"");
}

/* `is_signed`: this is the text that carries the answer's signature. */
static void close_text_part(struct frame *f, struct json *j, const struct answer *a, bool is_signed)
{
    text_put(&f->bytes, "\"");
    if (is_signed && a->signature.len != 0)
        json_name_text(j, "thoughtSignature", a->signature);
    json_close(j, '}');
}

static void write_thought(struct frame *f, struct json *j, int64_t index)
{
    open_text_part(f, j);
    text_format(&f->bytes, "Thinking about it, step %lld.\"", (long long)index);
    json_name_true(j, "thought");
    json_close(j, '}');
}

static void write_call(struct json *j, const struct answer_call *call)
{
    json_item(j);
    json_open(j, '{');
    json_name(j, "functionCall");
    json_open(j, '{');
    if (call->id.len != 0)
        json_name_text(j, "id", call->id);
    json_name_text(j, "name", call->name);
    if (call->args.len != 0 && !span_is(call->args, "{}"))
        json_name_raw(j, "args", call->args);
    json_close(j, '}');
    if (call->signature.len != 0)
        json_name_text(j, "thoughtSignature", call->signature);
    json_close(j, '}');
}

static void write_media(struct json *j, const struct answer *a, int64_t index)
{
    json_item(j);
    json_open(j, '{');
    json_name(j, "inlineData");
    json_open(j, '{');
    json_name_text(j, "mimeType", span_of(a->media_type));
    json_name_text(j, "data", answer_media(a, index));
    json_close(j, '}');
    json_close(j, '}');
}

/* The script's, as they stand there. */
static void write_more(struct json *j, const struct answer *a)
{
    yyjson_doc *doc = yyjson_read(a->parts.at, a->parts.len, 0);
    size_t i;
    size_t count;
    yyjson_val *part;

    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, part)
    {
        char *json = yyjson_val_write(part, 0, NULL);
        json_item(j);
        json_raw(j, span_of(json != NULL ? json : "null"));
        free(json);
    }
    yyjson_doc_free(doc);
}

static bool is_signed_chunk(const struct answer *a, int64_t chunk)
{
    return !a->is_signed_apart && chunk == (a->is_signed_first ? 0 : a->chunks - 1);
}

/* The part that a candidate's event `step` brings. */
static void write_part(struct frame *f, struct json *j, const struct answer *a, int candidate,
                       int64_t step)
{
    int64_t chunk = step - a->thoughts;
    int64_t call = chunk - a->chunks;

    if (chunk < 0) {
        write_thought(f, j, step);
    } else if (call < 0) {
        open_text_part(f, j);
        put_chunk(f, a, candidate, chunk);
        close_text_part(f, j, a, is_signed_chunk(a, chunk));
        if (chunk == a->chunks - 1 && a->parts.len != 0)
            write_more(j, a);
    } else if (call < a->call_count) {
        write_call(j, &a->calls[call]);
    } else if (call < a->call_count + answer_media_events(a)) {
        write_media(j, a, call - a->call_count);
    } else {
        open_text_part(f, j);
        close_text_part(f, j, a, true);
    }
}

static void write_whole_text(struct frame *f, struct json *j, const struct answer *a, int candidate)
{
    if (a->chunks == 0)
        return;
    open_text_part(f, j);
    if (!a->is_filler) {
        text_escape(&f->bytes, a->candidates[candidate].text);
    } else if (a->is_numbered || a->count > 1) {
        for (int64_t i = 0; i < a->chunks; i++)
            put_chunk_out(f, a, i);
    } else {
        f->hole_at = f->bytes.len;
        f->hole_len = (uint64_t)(a->text_bytes * a->chunks);
    }
    close_text_part(f, j, a, !a->is_signed_apart);
    if (a->parts.len != 0)
        write_more(j, a);
}

static void write_whole_parts(struct frame *f, struct json *j, const struct answer *a,
                              int candidate)
{
    for (int64_t i = 0; i < a->thoughts; i++)
        write_thought(f, j, i);
    write_whole_text(f, j, a, candidate);
    for (int64_t step = a->thoughts + a->chunks; step < answer_steps(a); step++)
        write_part(f, j, a, candidate, step);
}

/* -- Candidates -- */

static void write_ratings(struct json *j, struct span reason)
{
    static const char *const categories[] = {
        "HARM_CATEGORY_SEXUALLY_EXPLICIT", "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_HARASSMENT",
        "HARM_CATEGORY_DANGEROUS_CONTENT"};
    bool is_unsafe = span_is(reason, "SAFETY");

    json_name(j, "safetyRatings");
    json_open(j, '[');
    for (size_t i = 0; i < COUNT(categories); i++) {
        bool is_blocked = is_unsafe && i == 3;
        json_item(j);
        json_open(j, '{');
        json_name_text(j, "category", span_of(categories[i]));
        json_name_text(j, "probability", span_of(is_blocked ? "HIGH" : "NEGLIGIBLE"));
        if (is_blocked)
            json_name_true(j, "blocked");
        json_close(j, '}');
    }
    json_close(j, ']');
}

/* Adds the members of the script's object, which is `{…}`. */
static void write_extra(struct json *j, struct span object)
{
    yyjson_doc *doc = yyjson_read(object.at, object.len, 0);
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;

    yyjson_obj_foreach(yyjson_doc_get_root(doc), i, count, name, value)
    {
        char *json = yyjson_val_write(value, 0, NULL);
        json_item(j);
        json_text(j, (struct span){yyjson_get_str(name), yyjson_get_len(name)});
        text_put(j->out, j->pretty ? ": " : ":");
        json_raw(j, span_of(json != NULL ? json : "null"));
        free(json);
    }
    yyjson_doc_free(doc);
}

static void open_candidate(struct json *j)
{
    json_item(j);
    json_open(j, '{');
    json_name(j, "content");
    json_open(j, '{');
}

static void close_candidate(struct json *j, const struct answer *a, int index, bool is_end,
                            struct span text)
{
    struct span finish = a->candidates[index].finish;

    json_name_text(j, "role", span_of("model"));
    json_close(j, '}');
    if (is_end && a->has_finish) {
        json_name_text(j, "finishReason", finish);
        if (a->finish_message.len != 0)
            json_name_text(j, "finishMessage", a->finish_message);
    }
    if (a->is_rated)
        write_ratings(j, is_end ? finish : span_of(""));
    if (a->has_logprobs && !a->is_filler && !a->is_empty)
        logprobs_write(j, a, text);
    json_name_number(j, "index", index);
    if (is_end && a->extra.len != 0)
        write_extra(j, a->extra);
    json_close(j, '}');
}

static void write_tail(struct json *j, const struct answer *a)
{
    json_name_text(j, "modelVersion", span_of(a->model->name));
    json_name_text(j, "responseId", span_of(a->id));
    json_close(j, '}');
}

static void write_blocked(struct json *j, const struct answer *a)
{
    json_open(j, '{');
    json_name(j, "promptFeedback");
    json_open(j, '{');
    json_name_text(j, "blockReason", a->blocked);
    if (a->is_rated)
        write_ratings(j, a->blocked);
    json_close(j, '}');
    usage_write(j, a, 0, true);
    write_tail(j, a);
}

static void open_candidates(struct json *j)
{
    json_open(j, '{');
    json_name(j, "candidates");
    json_open(j, '[');
}

static void write_event(struct frame *f, struct json *j, const struct answer *a, int64_t index)
{
    int candidate = (int)(index % a->count);
    int64_t step = index / a->count;
    int64_t chunk = step - a->thoughts;
    bool is_text = chunk >= 0 && chunk < a->chunks && !a->is_filler;

    open_candidates(j);
    open_candidate(j);
    if (!a->is_empty) {
        json_name(j, "parts");
        json_open(j, '[');
        write_part(f, j, a, candidate, step);
        json_close(j, ']');
    }
    close_candidate(j, a, candidate, step + 1 == answer_steps(a),
                    is_text ? answer_slice(a, candidate, chunk) : (struct span){"", 0});
    json_close(j, ']');
    usage_write(j, a, index + 1, index + 1 == answer_events(a));
    write_tail(j, a);
}

static void write_whole(struct frame *f, struct json *j, const struct answer *a)
{
    open_candidates(j);
    for (int i = 0; i < a->count; i++) {
        open_candidate(j);
        if (!a->is_empty) {
            json_name(j, "parts");
            json_open(j, '[');
            write_whole_parts(f, j, a, i);
            json_close(j, ']');
        }
        close_candidate(j, a, i, true,
                        a->chunks != 0 ? a->candidates[i].text : (struct span){"", 0});
    }
    json_close(j, ']');
    usage_write(j, a, answer_events(a), true);
    write_tail(j, a);
}

/* -- Frames -- */

static void open_element(struct frame *f, const struct answer *a, int64_t index)
{
    frame_empty(f);
    if (a->framing == FRAMING_ARRAY)
        text_put(&f->bytes, index == 0 ? "[" : "\n,\r\n");
}

static void close_element(struct frame *f, const struct answer *a, bool is_last)
{
    if (a->framing == FRAMING_ARRAY && is_last)
        text_put(&f->bytes, "\n]\n");
}

static void end_line(struct frame *f, const struct answer *a)
{
    text_add(&f->bytes, a->line_end.at, a->line_end.len);
    text_add(&f->bytes, a->line_end.at, a->line_end.len);
}

void frame_event(struct frame *f, const struct answer *a, int64_t index, bool is_last)
{
    struct json j = {.out = &f->bytes, .pretty = a->framing == FRAMING_ARRAY};

    open_element(f, a, index);
    if (a->framing == FRAMING_SSE)
        text_put(&f->bytes, "data: ");
    if (a->blocked.len != 0)
        write_blocked(&j, a);
    else
        write_event(f, &j, a, index);
    if (a->framing == FRAMING_SSE)
        end_line(f, a);
    close_element(f, a, is_last);
}

void frame_error(struct frame *f, const struct answer *a, enum refusal refusal,
                 const struct refusal_facts *facts, int64_t index)
{
    bool is_line = a->framing == FRAMING_SSE && a->is_error_data;
    struct json j = {.out = &f->bytes, .pretty = !is_line};

    open_element(f, a, index);
    if (is_line)
        text_put(&f->bytes, "data: ");
    refusal_write_object(&j, refusal, facts);
    if (is_line)
        end_line(f, a);
    else if (a->framing == FRAMING_SSE)
        text_put(&f->bytes, "\n");
    close_element(f, a, true);
}

void frame_whole(struct frame *f, const struct answer *a)
{
    struct json j = {.out = &f->bytes, .pretty = a->pretty};

    frame_empty(f);
    if (a->blocked.len != 0)
        write_blocked(&j, a);
    else
        write_whole(f, &j, a);
    text_put(&f->bytes, "\n");
}
