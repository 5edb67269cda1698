/* SPDX-License-Identifier: Apache-2.0 */
/* JSON for the dialects. What must stay true: nothing here recurses, so depth costs no stack; and
 * only text that yyjson has checked to be UTF-8 is written by json_text. */
#include "base/json.h"

#include <assert.h>
#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Whether `doc` nests deeper than JSON_DEPTH. yyjson lays values out in the order of the text, a
 * container before what is in it, and knows where each container ends. */
static bool is_deep(yyjson_doc *doc)
{
    yyjson_val *ends[JSON_DEPTH];
    yyjson_val *value = yyjson_doc_get_root(doc);
    yyjson_val *last = value + yyjson_doc_get_val_count(doc);
    size_t depth = 0;

    for (; value < last; value++) {
        while (depth && value >= ends[depth - 1])
            depth--;
        if (!yyjson_is_ctn(value))
            continue;
        if (depth == JSON_DEPTH)
            return true;
        ends[depth++] = unsafe_yyjson_get_next(value);
    }
    return false;
}

/* The four hex digits behind \u as a number, or -1. */
static int hex4(const char *at)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* The code unit of the escape \uXXXX at `i`, or -1. */
static int escape_at(const struct bytes *text, size_t i)
{
    if (i + 6 > text->len || text->at[i] != '\\' || text->at[i + 1] != 'u')
        return -1;
    return hex4(text->at + i + 2);
}

/* Replaces escapes of half a surrogate pair by that of U+FFFD; returns whether there was any. */
static bool mend_surrogates(struct bytes *text)
{
    bool has_mended = false;

    for (size_t i = 0; i < text->len;) {
        int unit = escape_at(text, i);
        int next = unit >= 0xd800 && unit < 0xdc00 ? escape_at(text, i + 6) : -1;

        if (next >= 0xdc00 && next < 0xe000) {
            i += 12;
        } else if (unit >= 0xd800 && unit < 0xe000) {
            memcpy(text->at + i, "\\ufffd", 6);
            has_mended = true;
            i += 6;
        } else {
            i += text->at[i] == '\\' ? 2 : 1;
        }
    }
    return has_mended;
}

static yyjson_doc *read_mended(struct view text, yyjson_read_flag flags)
{
    struct bytes copy = {0};
    yyjson_doc *doc = NULL;

    bytes_copy(&copy, text);
    if (mend_surrogates(&copy))
        doc = yyjson_read(copy.at, copy.len, flags);
    bytes_clear(&copy);
    return doc;
}

/* Reads, and mends what nothing but a lone half of a surrogate pair is wrong with. */
static yyjson_doc *read_most(struct view text, yyjson_read_flag flags, const yyjson_alc *pool,
                             yyjson_read_err *err)
{
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.at, text.len, flags, pool, err);

    return !doc && err->code == YYJSON_READ_ERROR_INVALID_STRING ? read_mended(text, flags) : doc;
}

struct view json_skip_mark(struct view text)
{
    return view_starts(text, VIEW("\xef\xbb\xbf")) ? view_skip(text, 3) : text;
}

yyjson_doc *json_read_request(struct view text, const char **why)
{
    yyjson_read_err err = {0};
    yyjson_doc *doc;

    text = json_skip_mark(text);
    doc = read_most(text, YYJSON_READ_NUMBER_AS_RAW, NULL, &err);
    if (!doc) {
        *why = text.len ? err.msg : "the body is empty";
        return NULL;
    }
    if (is_deep(doc)) {
        *why = "it is nested too deeply";
        yyjson_doc_free(doc);
        return NULL;
    }
    return doc;
}

yyjson_doc *json_read_loosely(struct view text)
{
    yyjson_read_flag flags =
        YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_ALLOW_TRAILING_COMMAS | YYJSON_READ_ALLOW_COMMENTS;
    yyjson_read_err err = {0};
    yyjson_doc *doc = read_most(text, flags, NULL, &err);

    if (!doc || !is_deep(doc))
        return doc;
    yyjson_doc_free(doc);
    return NULL;
}

yyjson_doc *json_read_reply(struct view text)
{
    yyjson_read_err err = {0};

    return read_most(text, YYJSON_READ_NUMBER_AS_RAW, NULL, &err);
}

/* Documents in one block. What must stay true: nobody keeps one; the block serves one at a time. */

enum { BLOCK_SIZE = 256 * 1024 }; /* untouched pages of it cost nothing */

static bool is_taken;

yyjson_doc *json_open(struct view text, yyjson_read_flag flags)
{
    static char block[BLOCK_SIZE] __attribute__((aligned(16)));
    yyjson_alc pool;
    bool fits = text.len < BLOCK_SIZE / 16 &&
                yyjson_read_max_memory_usage(text.len, flags) < BLOCK_SIZE - 1024;
    yyjson_read_err err = {0};
    yyjson_doc *doc;

    assert(!is_taken);
    if (!text.len)
        return NULL;
    if (fits)
        yyjson_alc_pool_init(&pool, block, sizeof(block));
    doc = yyjson_read_opts((char *)(uintptr_t)text.at, text.len, flags, fits ? &pool : NULL, &err);
    is_taken = doc && fits;
    return !doc && err.code == YYJSON_READ_ERROR_INVALID_STRING ? read_mended(text, flags) : doc;
}

void json_close(yyjson_doc *doc)
{
    if (is_taken)
        is_taken = false; /* the block is simply used again */
    else
        yyjson_doc_free(doc);
}

yyjson_val *json_member(yyjson_val *object, struct view name)
{
    yyjson_val *value = yyjson_obj_getn(object, name.at, name.len);

    return yyjson_is_null(value) ? NULL : value;
}

struct view json_view(yyjson_val *value)
{
    if (!yyjson_is_str(value))
        return (struct view){0};
    return (struct view){yyjson_get_str(value), yyjson_get_len(value)};
}

struct view json_member_text(yyjson_val *object, const char *name)
{
    return json_view(yyjson_obj_get(object, name));
}

uint64_t json_member_count(yyjson_val *object, const char *name)
{
    return json_count(yyjson_obj_get(object, name));
}

const char *json_type(yyjson_val *value)
{
    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_NULL:
        return "null";
    case YYJSON_TYPE_BOOL:
        return "a boolean";
    case YYJSON_TYPE_RAW:
    case YYJSON_TYPE_NUM:
        return "a number";
    case YYJSON_TYPE_STR:
        return "a string";
    case YYJSON_TYPE_ARR:
        return "an array";
    case YYJSON_TYPE_OBJ:
        return "an object";
    default: /* yyjson's types are numbers, not an enum */
        return "nothing";
    }
}

bool json_number(yyjson_val *value, double *number)
{
    if (!yyjson_is_raw(value))
        return false;
    *number = strtod(yyjson_get_raw(value), NULL);
    return true;
}

bool json_integer(yyjson_val *value, int64_t *number)
{
    const char *text = yyjson_get_raw(value);
    char *end;
    double real;

    if (!text)
        return false;
    *number = strtoll(text, &end, 10);
    if (!*end)
        return true;
    real = strtod(text, NULL); /* 100.0 and 1e2 are whole numbers too */
    if (real >= 9e18 || real <= -9e18)
        *number = real > 0 ? INT64_MAX : INT64_MIN;
    else if ((double)(int64_t)real == real)
        *number = (int64_t)real;
    else
        return false;
    return true;
}

/* A count is nearly always a few digits; the rest is for strtod. What is too large to be believed
 * would overflow where counts are added. */
uint64_t json_count(yyjson_val *value)
{
    const char *text = yyjson_is_str(value) ? yyjson_get_str(value) : yyjson_get_raw(value);
    uint64_t count = 0;
    double real;

    if (yyjson_is_uint(value))
        return yyjson_get_uint(value);
    if (!text)
        return 0;
    for (size_t i = 0; i < 16; i++) {
        if (text[i] < '0' || text[i] > '9') {
            if (!text[i])
                return count;
            break;
        }
        count = count * 10 + (uint64_t)(text[i] - '0');
    }
    real = strtod(text, NULL);
    return real > 0 && real < 1e15 ? (uint64_t)real : 0;
}

uint64_t json_text_size(yyjson_doc *doc)
{
    yyjson_val *value = yyjson_doc_get_root(doc);
    yyjson_val *last = value + yyjson_doc_get_val_count(doc);
    uint64_t size = 0;

    for (yyjson_val *before = value; value < last; before = value++) {
        size_t len = yyjson_is_str(value) ? yyjson_get_len(value) : 0;
        bool is_data = len > 1024 && view_equal(json_view(before), VIEW("data"));
        size += is_data ? 1024 : len;
    }
    return size;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* Copies from `from` up to `end` or to the first byte that needs an escape; returns how many.
 * Writes up to 16 more. */
static size_t copy_plain(char *to, const char *from, const char *end)
{
    const char *at = from;

#ifdef __SSE2__
    for (; end - at >= 16; at += 16, to += 16) {
        __m128i some = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(some, _mm_set1_epi8(0x1f)), some);
        __m128i quote = _mm_cmpeq_epi8(some, _mm_set1_epi8('"'));
        __m128i slash = _mm_cmpeq_epi8(some, _mm_set1_epi8('\\'));
        int mask = _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, slash)));

        _mm_storeu_si128((__m128i *)(void *)to, some);
        if (mask)
            return (size_t)(at - from) + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (at < end && is_plain((unsigned char)*at))
        *to++ = *at++;
    return (size_t)(at - from);
}

/* Writes the escape of `c` to `to`, which has room for six bytes; returns its length. */
static size_t escape(char *to, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[0x60] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
        ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
    };

    to[0] = '\\';
    if (letters[c]) {
        to[1] = letters[c];
        return 2;
    }
    to[1] = 'u';
    to[2] = to[3] = '0';
    to[4] = digits[c >> 4];
    to[5] = digits[c & 15];
    return 6;
}

/* The same, but a control character that no text needs becomes U+FFFD, and a NUL nothing. */
static size_t escape_said(char *to, unsigned char c)
{
    if (c >= ' ' || (c && strchr("\t\n\r", c)))
        return escape(to, c);
    to[0] = '\xef', to[1] = '\xbf', to[2] = '\xbd';
    return c ? 3 : 0;
}

static void write_escaped(struct bytes *out, struct view text,
                          size_t (*escape_one)(char *to, unsigned char c))
{
    const char *from = text.at, *end = text.len ? from + text.len : from;

    while (from < end) {
        size_t room = (size_t)(end - from) + 16 + 6; /* copy_plain's store, one escape */
        char *to = out->size - out->len >= room ? out->at + out->len : bytes_room(out, room);
        size_t plain = copy_plain(to, from, end);

        out->len += plain;
        from += plain;
        if (from < end)
            out->len += escape_one(to + plain, (unsigned char)*from++);
    }
}

void json_escape(struct bytes *out, struct view text)
{
    write_escaped(out, text, escape);
}

void json_said(struct bytes *out, struct view text)
{
    write_escaped(out, text, escape_said);
}

void json_text(struct bytes *out, struct view text)
{
    bytes_append(out, VIEW("\""));
    json_escape(out, text);
    bytes_append(out, VIEW("\""));
}

void json_int(struct bytes *out, int64_t number)
{
    char text[24], *at = text + sizeof(text);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--at = '-';
    bytes_append(out, (struct view){at, (size_t)(text + sizeof(text) - at)});
}

void json_int_after(struct bytes *out, struct view before, uint64_t count)
{
    bytes_append(out, before);
    json_int(out, (int64_t)count);
}

void json_key(struct bytes *out, struct view name)
{
    if (out->len && out->at[out->len - 1] != '{')
        bytes_append(out, VIEW(","));
    bytes_append(out, VIEW("\""));
    bytes_append(out, name);
    bytes_append(out, VIEW("\":"));
}

void json_value(struct bytes *out, yyjson_val *value)
{
    size_t len;
    char *text = yyjson_val_write(value, 0, &len);

    bytes_append(out, text ? (struct view){text, len} : VIEW("null"));
    free(text);
}
