/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of events; frame.c and usage.c ask it. What must stay true: the joined slices of a
 * text are the text, and no slice cuts a UTF-8 character. */
#include "answer.h"

int64_t answer_tokens(int64_t bytes)
{
    return (bytes + 3) / 4;
}

int64_t answer_media_events(const struct answer *a)
{
    return a->media.len != 0 ? (a->framing == FRAMING_WHOLE ? 1 : a->media_pieces) : 0;
}

struct span answer_media(const struct answer *a, int64_t index)
{
    int64_t groups = (int64_t)a->media.len / 4; /* of base64 */
    int64_t count = answer_media_events(a);
    size_t begin = count != 0 ? (size_t)(groups * index / count * 4) : 0;

    if (count == 0)
        return (struct span){"", 0};
    return (struct span){a->media.at + begin, (size_t)(groups * (index + 1) / count * 4) - begin};
}

int64_t answer_steps(const struct answer *a)
{
    return a->thoughts + a->chunks + a->call_count + answer_media_events(a) +
           (a->is_signed_apart && a->signature.len != 0);
}

int64_t answer_events(const struct answer *a)
{
    return answer_steps(a) * a->count;
}

/* Takes at most `most` of what is left. */
static int64_t take(int64_t *left, int64_t most)
{
    int64_t taken = *left < most ? *left : most;

    *left -= taken;
    return taken;
}

struct progress answer_progress(const struct answer *a, int64_t events, int index)
{
    int64_t left = events / a->count + (index < events % a->count);
    struct progress p;

    p.thoughts = take(&left, a->thoughts);
    p.chunks = take(&left, a->chunks);
    p.calls = take(&left, a->call_count);
    p.media = take(&left, answer_media_events(a));
    return p;
}

static size_t slice_begin(const struct answer *a, struct span text, int64_t index)
{
    size_t at = text.len * (size_t)index / (size_t)a->chunks;

    while (at < text.len && at > 0 && ((unsigned char)text.at[at] & 0xc0) == 0x80)
        at--;
    return at;
}

struct span answer_slice(const struct answer *a, int candidate, int64_t index)
{
    struct span text = a->candidates[candidate].text;
    size_t begin = slice_begin(a, text, index);

    return (struct span){text.at + begin, slice_begin(a, text, index + 1) - begin};
}

static int64_t digits_of(int64_t number)
{
    int64_t digits = 1;

    while (number >= 10) {
        number /= 10;
        digits++;
    }
    return digits;
}

int64_t answer_filler_bytes(const struct answer *a, int64_t index)
{
    int64_t number = a->is_numbered ? digits_of(index) + 2 : 0;

    return a->text_bytes > number ? a->text_bytes : number;
}

int64_t answer_bytes(const struct answer *a, int candidate, int64_t count)
{
    struct span text = a->candidates[candidate].text;
    int64_t sum = 0;

    if (count == 0 || a->is_empty)
        return 0;
    if (!a->is_filler)
        return (int64_t)(count == a->chunks ? text.len : slice_begin(a, text, count));
    if (!a->is_numbered)
        return a->text_bytes * count;
    for (int64_t begin = 0, end = 10; begin < count; begin = end, end *= 10)
        sum += answer_filler_bytes(a, begin) * ((end < count ? end : count) - begin);
    return sum;
}
