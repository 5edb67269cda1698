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

int64_t frame_tokens(int64_t bytes)
{
    return (bytes + 3) / 4;
}

int64_t answer_events(const struct answer *a)
{
    return a->thoughts + a->chunks;
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

/* Where chunk `index` of the text begins: at a character. */
static size_t slice_begin(const struct answer *a, int64_t index)
{
    size_t at = a->text.len * (size_t)index / (size_t)a->chunks;

    while (at < a->text.len && at > 0 && ((unsigned char)a->text.at[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static struct span text_slice(const struct answer *a, int64_t index)
{
    size_t begin = slice_begin(a, index);

    return (struct span){a->text.at + begin, slice_begin(a, index + 1) - begin};
}

static size_t digits_of(int64_t number)
{
    size_t digits = 1;

    while (number >= 10) {
        number /= 10;
        digits++;
    }
    return digits;
}

/* Bytes of filler chunk `index`, its number included. */
static int64_t filler_bytes(const struct answer *a, int64_t index)
{
    int64_t number = a->is_numbered ? (int64_t)digits_of(index) + 2 : 0;

    return a->text_bytes > number ? a->text_bytes : number;
}

/* Text bytes of the first `count` chunks. */
static int64_t bytes_until(const struct answer *a, int64_t count)
{
    int64_t sum = 0;

    if (!a->is_filler)
        return count == a->chunks ? (int64_t)a->text.len : (int64_t)slice_begin(a, count);
    if (!a->is_numbered)
        return a->text_bytes * count;
    for (int64_t begin = 0, end = 10; begin < count; begin = end, end *= 10)
        sum += filler_bytes(a, begin) * ((end < count ? end : count) - begin);
    return sum;
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
static void put_chunk(struct frame *f, const struct answer *a, int64_t index)
{
    if (!a->is_filler) {
        text_escape(&f->bytes, text_slice(a, index));
        return;
    }
    size_t before = f->bytes.len;
    put_number(&f->bytes, a, index);
    f->hole_at = f->bytes.len;
    f->hole_len = (uint64_t)filler_bytes(a, index) - (f->bytes.len - before);
}

/* The same where several chunks share a frame: the pattern is written out. */
static void put_chunk_out(struct frame *f, const struct answer *a, int64_t index)
{
    size_t before = f->bytes.len;
    size_t size = (size_t)filler_bytes(a, index);

    put_number(&f->bytes, a, index);
    for (size_t left = size - (f->bytes.len - before); left != 0;) {
        struct span run = span_first((struct span){pattern_block(), FRAME_BLOCK_BYTES}, left);
        text_add(&f->bytes, run.at, run.len);
        left -= run.len;
    }
}

#define THOUGHT_BYTES 40

static void put_thought(struct frame *f, int64_t index)
{
    text_format(&f->bytes, "Thinking about it, step %lld.", (long long)index);
}

static void write_thought_part(struct frame *f, struct json *j, int64_t index)
{
    json_item(j);
    json_open(j, '{');
    json_name(j, "text");
    text_put(&f->bytes, "\"");
    put_thought(f, index);
    text_put(&f->bytes, "\"");
    json_name(j, "thought");
    text_put(&f->bytes, "true");
    json_close(j, '}');
}

static void open_text_part(struct frame *f, struct json *j)
{
    json_item(j);
    json_open(j, '{');
    json_name(j, "text");
    text_put(&f->bytes, "\"");
}

static void close_text_part(struct frame *f, struct json *j)
{
    text_put(&f->bytes, "\"");
    json_close(j, '}');
}

static void write_numbers(struct json *j, const struct answer *a, int64_t text_bytes,
                          int64_t thoughts)
{
    int64_t candidates = frame_tokens(text_bytes);
    int64_t thinking = frame_tokens(thoughts * THOUGHT_BYTES);

    json_open(j, '{');
    json_name_number(j, "promptTokenCount", a->prompt_tokens);
    if (candidates != 0)
        json_name_number(j, "candidatesTokenCount", candidates);
    json_name_number(j, "totalTokenCount", a->prompt_tokens + candidates + thinking);
    if (thinking != 0)
        json_name_number(j, "thoughtsTokenCount", thinking);
    json_close(j, '}');
}

static void write_usage(struct json *j, const struct answer *a, int64_t text_bytes,
                        int64_t thoughts, bool is_last)
{
    if (a->usage_when == USAGE_NONE || (a->usage_when == USAGE_LAST && !is_last))
        return;
    json_name(j, "usageMetadata");
    if (is_last && a->usage.len != 0)
        text_add(j->out, a->usage.at, a->usage.len);
    else
        write_numbers(j, a, text_bytes, thoughts);
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
    json_close(j, '}');
    write_usage(j, a, 0, 0, true);
    write_tail(j, a);
}

static void open_candidate(struct json *j)
{
    json_open(j, '{');
    json_name(j, "candidates");
    json_open(j, '[');
    json_item(j);
    json_open(j, '{');
    json_name(j, "content");
    json_open(j, '{');
}

static void close_candidate(struct json *j, const struct answer *a, bool has_finish)
{
    json_name_text(j, "role", span_of("model"));
    json_close(j, '}');
    if (has_finish)
        json_name_text(j, "finishReason", a->finish);
    json_name_number(j, "index", 0);
    json_close(j, '}');
    json_close(j, ']');
}

static void write_event(struct frame *f, struct json *j, const struct answer *a, int64_t index)
{
    int64_t chunk = index - a->thoughts;
    bool is_end = index + 1 == answer_events(a);

    open_candidate(j);
    if (!a->is_empty) {
        json_name(j, "parts");
        json_open(j, '[');
        if (chunk < 0) {
            write_thought_part(f, j, index);
        } else {
            open_text_part(f, j);
            put_chunk(f, a, chunk);
            close_text_part(f, j);
        }
        json_close(j, ']');
    }
    close_candidate(j, a, is_end && a->has_finish);
    write_usage(j, a, a->is_empty || chunk < 0 ? 0 : bytes_until(a, chunk + 1),
                chunk < 0 ? index + 1 : a->thoughts, is_end);
    write_tail(j, a);
}

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

static void write_whole_text(struct frame *f, struct json *j, const struct answer *a)
{
    open_text_part(f, j);
    if (!a->is_filler) {
        text_escape(&f->bytes, a->text);
    } else if (a->is_numbered) {
        for (int64_t i = 0; i < a->chunks; i++)
            put_chunk_out(f, a, i);
    } else {
        f->hole_at = f->bytes.len;
        f->hole_len = (uint64_t)(a->text_bytes * a->chunks);
    }
    close_text_part(f, j);
}

static void write_whole(struct frame *f, struct json *j, const struct answer *a)
{
    open_candidate(j);
    if (!a->is_empty) {
        json_name(j, "parts");
        json_open(j, '[');
        for (int64_t i = 0; i < a->thoughts; i++)
            write_thought_part(f, j, i);
        write_whole_text(f, j, a);
        json_close(j, ']');
    }
    close_candidate(j, a, a->has_finish);
    write_usage(j, a, a->is_empty ? 0 : bytes_until(a, a->chunks), a->thoughts, true);
    write_tail(j, a);
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
