/* SPDX-License-Identifier: Apache-2.0 */
/* Sound that a model has made, as a chat's `audio`. The provider gives bare samples; players want a
 * head before them, so they get that of a WAV, unless the client has asked for samples. What must
 * stay true: what was cut into parts is one sound again. */
#include <openssl/evp.h>
#include <strings.h>

#include "openai/chat/reply.h"

enum {
    LIFE_S = 3600, /* as long as a client may take the id for good */
    HEAD_BYTES = 44,
    RATE = 24000, /* of samples in a second, where the provider doesn't say */
    RATE_MOST = 1000 * 1000,
    SAMPLE_BYTES = 2,
};

/* ---- base64 ---- */

/* False: it is none. */
static bool decode(struct view text, struct bytes *out)
{
    size_t padding = 0;
    int len;

    if (text.len % 4 || text.len > INT32_MAX)
        return false;
    while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=')
        padding++;
    len = EVP_DecodeBlock((unsigned char *)bytes_room(out, text.len / 4 * 3 + 1),
                          (const unsigned char *)text.at, (int)text.len);
    if (len < 0)
        return false;
    out->len += (size_t)len - padding;
    return true;
}

static void encode(struct view bytes, struct bytes *out)
{
    size_t room = (bytes.len + 2) / 3 * 4 + 1;

    if (bytes.len > INT32_MAX / 2)
        return;
    out->len += (size_t)EVP_EncodeBlock((unsigned char *)bytes_room(out, room),
                                        (const unsigned char *)bytes.at, (int)bytes.len);
}

/* ---- WAV ---- */

/* audio/L16;codec=pcm;rate=24000 */
static bool is_bare(struct view type)
{
    return (type.len >= 9 && strncasecmp(type.at, "audio/L16", 9) == 0) ||
           (type.len >= 9 && strncasecmp(type.at, "audio/pcm", 9) == 0);
}

static uint32_t rate_of(struct view type)
{
    const char *at = type.len ? memmem(type.at, type.len, "rate=", 5) : NULL;
    uint32_t rate = 0;

    for (at = at ? at + 5 : NULL; at && at < type.at + type.len && *at >= '0' && *at <= '9'; at++)
        if (rate < RATE_MOST)
            rate = rate * 10 + (uint32_t)(*at - '0');
    return rate && rate <= RATE_MOST ? rate : RATE;
}

static void put(unsigned char *at, uint32_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> 8 * i);
}

/* Of a stream nobody knows the length: the largest number says so. */
static void write_head(uint32_t rate, uint32_t len, struct bytes *out)
{
    unsigned char head[HEAD_BYTES] = "RIFF\0\0\0\0WAVEfmt ";

    put(head + 4, len > UINT32_MAX - 36 ? UINT32_MAX : len + 36, 4);
    put(head + 16, 16, 4);
    put(head + 20, 1, 2); /* samples as they are */
    put(head + 22, 1, 2); /* of one channel */
    put(head + 24, rate, 4);
    put(head + 28, rate * SAMPLE_BYTES, 4);
    put(head + 32, SAMPLE_BYTES, 2);
    put(head + 34, SAMPLE_BYTES * 8, 2);
    put(head + 36, 0x61746164, 4); /* "data" */
    put(head + 40, len, 4);
    bytes_append(out, (struct view){(const char *)head, sizeof(head)});
}

/* ---- the member ---- */

static void write_about(const struct reply *reply, uint64_t index, struct bytes *out)
{
    bytes_append(out, VIEW("\"id\":\""));
    reply_write_id(reply, index, SIZE_MAX, "audio_", out);
    json_int_after(out, VIEW("\",\"expires_at\":"), reply->created_s + LIFE_S);
    bytes_append(out, VIEW(",\"transcript\":\"\","));
}

static void write_data(struct view sound, struct bytes *out)
{
    bytes_append(out, VIEW("\"data\":\""));
    encode(sound, out);
    bytes_append(out, VIEW("\"}"));
}

/* Texts that clients put together end to end, and numbers that some add up, stand in the first. */
void audio_write_delta(const struct reply *reply, struct reply_choice *choice, uint64_t index,
                       const struct piece *piece, struct bytes *out)
{
    bool is_first = !choice->has_audio;
    struct bytes sound = {0};

    choice->has_audio = true;
    bytes_append(out, VIEW("{"));
    if (is_first)
        write_about(reply, index, out);
    if (is_first && is_bare(piece->before) && !reply->ask->wants_pcm)
        write_head(rate_of(piece->before), UINT32_MAX, &sound);
    (void)decode(piece->after, &sound); /* what is broken is silence */
    write_data(bytes_view(&sound), out);
    bytes_clear(&sound);
}

void audio_write_whole(const struct reply *reply, struct reply_choice *choice, uint64_t index,
                       yyjson_val *candidate, struct bytes *out)
{
    struct bytes samples = {0}, sound = {0};
    struct view type = {0};
    size_t i, max;
    yyjson_val *part;

    yyjson_arr_foreach(reply_parts(candidate), i, max, part)
    {
        struct piece pieces[PIECES_MOST];
        size_t count = piece_read(reply, choice, part, pieces);

        if (pieces[count - 1].kind != PIECE_AUDIO)
            continue;
        type = type.len ? type : pieces[count - 1].before;
        (void)decode(pieces[count - 1].after, &samples);
    }
    if (is_bare(type) && !reply->ask->wants_pcm)
        write_head(rate_of(type), (uint32_t)samples.len, &sound);
    bytes_append(&sound, bytes_view(&samples));
    bytes_append(out, VIEW("{"));
    write_about(reply, index, out);
    write_data(bytes_view(&sound), out);
    bytes_clear(&samples);
    bytes_clear(&sound);
}
