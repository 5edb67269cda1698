/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of compressed bodies. Called by the frontend's routes. What must stay true: a body comes
 * out in steps, and the first step beyond the bound is the last, so that a few kilobytes which
 * stand for gigabytes cost no more than a body of the permitted size. */
#include "web/decode.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

enum {
    STEP = 64 * 1024,    /* bytes that come out at once */
    ZSTD_WINDOW_LOG = 23 /* 8 MiB, what RFC 8878 asks of every decoder */
};

/* Where the bytes go. */
struct sink {
    struct bytes *out;
    size_t start; /* bytes that stood in `out` before */
    size_t most;
};

/* Room for the next step: one byte more than may come, which tells a full body from a too large
 * one. */
static size_t sink_room(const struct sink *sink, char **at)
{
    size_t left = sink->most + 1 - (sink->out->len - sink->start);
    size_t step = left < STEP ? left : STEP;

    *at = bytes_room(sink->out, step);
    return step;
}

/* Counts what a step has written; false: it is more than may come. */
static bool sink_take(const struct sink *sink, size_t len)
{
    sink->out->len += len;
    return sink->out->len - sink->start <= sink->most;
}

/* Clients call both of these `deflate`: RFC 9110's has zlib's two bytes in front, others leave them
 * out. */
static bool has_zlib_head(struct view body)
{
    const unsigned char *at = (const unsigned char *)body.at;

    return body.len >= 2 && (at[0] & 15) == 8 && (at[0] << 8 | at[1]) % 31 == 0;
}

static enum decode_result run_zlib(z_stream *stream, const struct sink *sink)
{
    for (;;) {
        char *at;
        size_t room = sink_room(sink, &at);
        int said;

        stream->next_out = (unsigned char *)at;
        stream->avail_out = (uInt)room;
        said = inflate(stream, Z_NO_FLUSH);
        if (!sink_take(sink, room - stream->avail_out))
            return DECODE_TOO_LARGE;
        if (said == Z_STREAM_END) {
            if (!stream->avail_in)
                return DECODE_DONE;
            said = inflateReset(stream); /* gzip's may stand one behind the other */
        }
        if (said != Z_OK)
            return DECODE_BROKEN;
    }
}

static enum decode_result decode_zlib(struct view body, int window_bits, const struct sink *sink)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)body.at, .avail_in = (uInt)body.len};
    enum decode_result result;

    if (body.len > UINT32_MAX || inflateInit2(&stream, window_bits) != Z_OK)
        return DECODE_BROKEN;
    result = run_zlib(&stream, sink);
    inflateEnd(&stream);
    return result;
}

static enum decode_result decode_gzip(struct view body, const struct sink *sink)
{
    return decode_zlib(body, 16 + MAX_WBITS, sink);
}

static enum decode_result decode_deflate(struct view body, const struct sink *sink)
{
    return decode_zlib(body, has_zlib_head(body) ? MAX_WBITS : -MAX_WBITS, sink);
}

static enum decode_result run_brotli(BrotliDecoderState *state, struct view body,
                                     const struct sink *sink)
{
    const uint8_t *next = (const uint8_t *)body.at;
    size_t left = body.len;
    BrotliDecoderResult said = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;

    while (said == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
        char *at;
        size_t room = sink_room(sink, &at), free_room = room;
        uint8_t *to = (uint8_t *)at;

        said = BrotliDecoderDecompressStream(state, &left, &next, &free_room, &to, NULL);
        if (!sink_take(sink, room - free_room))
            return DECODE_TOO_LARGE;
    }
    return said == BROTLI_DECODER_RESULT_SUCCESS && !left ? DECODE_DONE : DECODE_BROKEN;
}

static enum decode_result decode_brotli(struct view body, const struct sink *sink)
{
    BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    enum decode_result result = state ? run_brotli(state, body, sink) : DECODE_BROKEN;

    BrotliDecoderDestroyInstance(state);
    return result;
}

/* Frames may stand one behind the other; `wanted` is 0 where one has ended. */
static enum decode_result run_zstd(ZSTD_DCtx *context, struct view body, const struct sink *sink)
{
    ZSTD_inBuffer in = {body.at, body.len, 0};
    size_t wanted = 1;
    bool is_full = false; /* more may wait inside the decoder */

    while (in.pos < in.size || is_full) {
        ZSTD_outBuffer out = {0};
        char *at;

        out.size = sink_room(sink, &at);
        out.dst = at;
        wanted = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(wanted))
            return DECODE_BROKEN;
        if (!sink_take(sink, out.pos))
            return DECODE_TOO_LARGE;
        is_full = wanted && out.pos == out.size;
    }
    return wanted ? DECODE_BROKEN : DECODE_DONE;
}

static enum decode_result decode_zstd(struct view body, const struct sink *sink)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    enum decode_result result = DECODE_BROKEN;

    if (context) {
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
        result = run_zstd(context, body, sink);
    }
    ZSTD_freeDCtx(context);
    return result;
}

static bool is_word(struct view text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

bool decode_is_plain(struct view coding)
{
    coding = view_trim(coding);
    return !coding.len || is_word(coding, "identity");
}

enum decode_result decode_body(struct view coding, struct view body, size_t most, struct bytes *out)
{
    static const struct {
        const char *name;
        enum decode_result (*decode)(struct view body, const struct sink *sink);
    } known[] = {
        {"gzip", decode_gzip}, {"x-gzip", decode_gzip}, {"deflate", decode_deflate},
        {"br", decode_brotli}, {"zstd", decode_zstd},
    };
    struct sink sink = {out, out->len, most};

    coding = view_trim(coding);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (is_word(coding, known[i].name))
            return known[i].decode(body, &sink);
    return DECODE_UNKNOWN;
}
