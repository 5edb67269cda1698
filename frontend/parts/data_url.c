/* SPDX-License-Identifier: Apache-2.0 */
/* data: URLs, and base64 alone, as inline data. Called by those who write parts. What must stay true: whatever stands in the
 * URL, only base64's alphabet and the letters of a media type reach the JSON; and clean base64,
 * which may be many megabytes, is looked at and copied once, never decoded. */
#include "parts/data_url.h"

#include <openssl/evp.h>
#include <stdio.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/url.h"

enum {
    TYPE_MOST = 64,      /* bytes of a media type with its zero */
    SNIFF_CHARS = 24,    /* of base64; 18 bytes */
    ENCODE_BYTES = 3072, /* at once; a multiple of three, or padding would come between */
    WHOLE_BYTES = 3 << 20,
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- base64 ---- */

static bool is_base64(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '/' && c <= '9') || c == '+';
}

/* Copies what `text` begins with of base64's standard alphabet; returns how much. Writes up to 16
 * bytes more. */
static size_t copy_clean(char *to, struct view text)
{
    size_t at = 0;

#ifdef __SSE2__
    for (; text.len - at >= 16; at += 16) { /* compares signed: bytes above 127 are below all */
        __m128i some = _mm_loadu_si128((const __m128i *)(const void *)(text.at + at));
        __m128i lower = _mm_or_si128(some, _mm_set1_epi8(0x20));
        __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                       _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
        __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(some, _mm_set1_epi8('/' - 1)),
                                      _mm_cmplt_epi8(some, _mm_set1_epi8('9' + 1)));
        __m128i plus = _mm_cmpeq_epi8(some, _mm_set1_epi8('+'));
        int mask = _mm_movemask_epi8(_mm_or_si128(letter, _mm_or_si128(digit, plus)));

        _mm_storeu_si128((__m128i *)(void *)(to + at), some);
        if (mask != 0xffff)
            return at + (size_t)__builtin_ctz(~(unsigned)mask);
    }
#endif
    for (; at < text.len && is_base64((unsigned char)text.at[at]); at++)
        to[at] = text.at[at];
    return at;
}

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Base64 as people send it: broken into lines, with the alphabet for URLs, without padding, some of
 * it percent-encoded. What is clean is copied in one go. */
static const char *write_base64(struct view text, struct bytes *out)
{
    char *to = bytes_room(out, text.len + 16); /* copy_clean's store, and padding */
    size_t len = 0, padding = 0;

    while (text.len) {
        size_t clean = padding ? 0 : copy_clean(to + len, text);
        unsigned char c;

        len += clean;
        text = view_skip(text, clean);
        if (!text.len)
            break;
        c = url_take(&text);
        if (is_space(c))
            continue;
        c = c == '-' ? '+' : c == '_' ? '/' : c;
        if (c == '=' && ++padding <= 2)
            continue;
        if (padding || !is_base64(c))
            return "its data is not base64";
        to[len++] = (char)c;
    }
    if (len % 4 == 1)
        return "its base64 is cut off";
    while (len % 4)
        to[len++] = '=';
    out->len += len;
    return NULL;
}

static void encode(const unsigned char *raw, size_t len, struct bytes *out)
{
    unsigned char *room = (unsigned char *)bytes_room(out, len / 3 * 4 + 8);

    out->len += (size_t)EVP_EncodeBlock(room, raw, (int)len);
}

/* Plain data, percent-encoded. */
static const char *write_plain(struct view text, struct bytes *out)
{
    unsigned char raw[ENCODE_BYTES];

    while (text.len) {
        size_t len = 0;

        while (len < sizeof(raw) && text.len)
            raw[len++] = url_take(&text);
        encode(raw, len, out);
    }
    return NULL;
}

/* ---- the media type ---- */

static const struct {
    const char *said, *meant;
} other_names[] = {
    {"application/octet-stream", ""},
    {"binary/octet-stream", ""},
    {"image/*", ""},
    {"audio/*", ""},
    {"video/*", ""},
    {"image/jpg", "image/jpeg"},
    {"image/pjpeg", "image/jpeg"},
    {"image/x-png", "image/png"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"heic", "image/heic"},
    {"heif", "image/heif"},
    {"avif", "image/avif"},
    {"wav", "audio/wav"},
    {"mp3", "audio/mp3"},
    {"mp4", "video/mp4"},
    {"pdf", "application/pdf"},
    {"application/x-pdf", "application/pdf"},
    {"audio/x-wav", "audio/wav"},
    {"audio/wave", "audio/wav"},
    {"audio/vnd.wave", "audio/wav"},
    {"audio/x-mp3", "audio/mp3"},
    {"audio/x-m4a", "audio/m4a"},
    {"audio/mp4", "audio/m4a"},
    {"audio/x-aac", "audio/aac"},
    {"audio/x-flac", "audio/flac"},
    {"audio/x-aiff", "audio/aiff"},
    {"audio/pcm16", "audio/pcm"},
    {"video/x-msvideo", "video/avi"},
    {"video/x-ms-wmv", "video/wmv"},
    {"video/3gp", "video/3gpp"},
};

static const struct {
    const char *type;
    size_t at;
    struct view magic;
    bool is_sure; /* whatever picture the client calls it */
} magics[] = {
    {"image/png", 0, {"\x89PNG\r\n\x1a\n", 8}, true},
    {"image/jpeg", 0, {"\xff\xd8\xff", 3}, true},
    {"image/gif", 0, {"GIF8", 4}, true},
    {"image/webp", 8, {"WEBP", 4}, true},
    {"image/avif", 4, {"ftypavif", 8}, false},
    {"image/heic", 4, {"ftypheic", 8}, false},
    {"image/heic", 4, {"ftypheix", 8}, false},
    {"image/heif", 4, {"ftypmif1", 8}, false},
    {"application/pdf", 0, {"%PDF-", 5}, false},
    {"audio/wav", 8, {"WAVE", 4}, false},
    {"audio/mp3", 0, {"ID3", 3}, false},
    {"audio/mp3", 0, {"\xff\xfb", 2}, false},
    {"audio/mp3", 0, {"\xff\xf3", 2}, false},
    {"audio/aac", 0, {"\xff\xf1", 2}, false},
    {"audio/flac", 0, {"fLaC", 4}, false},
    {"audio/ogg", 0, {"OggS", 4}, false},
    {"audio/m4a", 4, {"ftypM4A", 7}, false},
    {"video/mp4", 4, {"ftypisom", 8}, false},
    {"video/mp4", 4, {"ftypmp4", 7}, false},
    {"video/quicktime", 4, {"ftypqt", 6}, false},
    {"video/webm", 0, {"\x1a\x45\xdf\xa3", 4}, false},
};

/* The type that the first bytes of standard base64 show; NULL: unknown. */
static const char *sniff(struct view base64, bool is_sure)
{
    unsigned char bytes[SNIFF_CHARS] = {0};
    size_t len = base64.len < SNIFF_CHARS ? base64.len : SNIFF_CHARS;

    if (EVP_DecodeBlock(bytes, (const unsigned char *)base64.at, (int)len) < 0)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(magics); i++)
        if ((magics[i].is_sure || !is_sure) &&
            memcmp(bytes + magics[i].at, magics[i].magic.at, magics[i].magic.len) == 0)
            return magics[i].type;
    return NULL;
}

static bool is_type_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("/+-._*", c);
}

/* The type as it should be called, empty if none is said, into `type`; false: it is none. */
static bool read_type(struct view said, char type[TYPE_MOST])
{
    while (said.len && is_space((unsigned char)said.at[0]))
        said = view_skip(said, 1);
    while (said.len && is_space((unsigned char)said.at[said.len - 1]))
        said.len--;
    if (said.len >= TYPE_MOST)
        return false;
    for (size_t i = 0; i < said.len; i++) {
        char c = said.at[i];
        type[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        if (!type[i] || !is_type_character(type[i]))
            return false;
    }
    type[said.len] = '\0';
    for (size_t i = 0; i < COUNT_OF(other_names); i++)
        if (strcmp(type, other_names[i].said) == 0)
            snprintf(type, TYPE_MOST, "%s", other_names[i].meant);
    return !type[0] || strchr(type, '/');
}

/* ---- the URL ---- */

struct head {
    struct view type; /* as said; may be empty */
    bool is_base64;
};

static bool is_word(struct view text, const char *lower)
{
    size_t len = strlen(lower);

    if (text.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((text.at[i] | 0x20) != (lower[i] | 0x20))
            return false;
    return true;
}

/* `type;name=value;base64`; parameters say nothing that we need. */
static struct head read_head(struct view text)
{
    struct head head = {0};

    for (bool is_first = true; text.len || is_first; is_first = false) {
        const char *semicolon = text.len ? memchr(text.at, ';', text.len) : NULL;
        struct view word = {text.at, semicolon ? (size_t)(semicolon - text.at) : text.len};

        text = view_skip(text, word.len + (semicolon ? 1 : 0));
        while (word.len && word.at[0] == ' ')
            word = view_skip(word, 1);
        if (is_word(word, "base64"))
            head.is_base64 = true;
        else if (is_first)
            head.type = word;
    }
    return head;
}

bool data_url_is(struct view url)
{
    return url.len >= 5 && is_word((struct view){url.at, 5}, "data:");
}

/* Appends the type's member: what the first bytes show, else what is said, else `otherwise`. */
static const char *write_type(struct view base64, const char *said, const char *otherwise,
                              struct bytes *out)
{
    const char *seen = sniff(base64, said[0]);

    if (seen && said[0] && strncmp(said, "image/", 6) != 0)
        seen = said;
    if (!seen)
        seen = said[0] ? said : otherwise;
    if (!seen)
        return "it has no media type, and its data doesn't show one";
    bytes_append(out, VIEW("\",\"mimeType\":\""));
    bytes_text(out, seen);
    bytes_append(out, VIEW("\""));
    return NULL;
}

static const char *write_blob(struct view data, bool is_base64, struct view said,
                              const char *otherwise, struct bytes *out)
{
    char type[TYPE_MOST] = "";
    const char *fault;
    size_t start;

    if (!read_type(said, type))
        return "its media type is not valid";
    bytes_append(out, VIEW("\"data\":\""));
    start = out->len;
    fault = is_base64 ? write_base64(data, out) : write_plain(data, out);
    if (fault)
        return fault;
    if (out->len == start)
        return "it has no data";
    return write_type((struct view){out->at + start, out->len - start}, type, otherwise, out);
}

const char *data_url_write_as(struct view url, const char *otherwise, struct bytes *out)
{
    struct view rest = view_skip(url, 5);
    const char *comma = rest.len ? memchr(rest.at, ',', rest.len) : NULL;
    struct head head;

    if (!comma)
        return "there is no comma before its data";
    head = read_head((struct view){rest.at, (size_t)(comma - rest.at)});
    rest = view_skip(rest, (size_t)(comma - rest.at) + 1);
    return write_blob(rest, head.is_base64, head.type, otherwise, out);
}

const char *data_url_write(struct view url, struct bytes *out)
{
    return data_url_write_as(url, NULL, out);
}

const char *data_base64_write(struct view base64, struct view type, const char *otherwise,
                              struct bytes *out)
{
    return write_blob(base64, true, type, otherwise, out);
}

const char *data_bytes_write(struct view data, struct view said, const char *otherwise,
                             struct bytes *out, struct view *type)
{
    char name[TYPE_MOST] = "";
    const char *fault;
    size_t start, end;

    if (!read_type(said, name))
        name[0] = '\0';
    if (!data.len)
        return "it is empty";
    bytes_append(out, VIEW("\"data\":\""));
    start = out->len;
    while (data.len) {
        size_t len = data.len < WHOLE_BYTES ? data.len : WHOLE_BYTES;

        encode((const unsigned char *)data.at, len, out);
        data = view_skip(data, len);
    }
    end = out->len;
    fault = write_type((struct view){out->at + start, end - start}, name, otherwise, out);
    if (!fault) {
        end += strlen("\",\"mimeType\":\"");
        *type = (struct view){out->at + end, out->len - end - 1};
    }
    return fault;
}
