/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding, by libsndfile (MP3, Opus, FLAC, WAV) and vo-aacenc (AAC). Called by speech.c. What must
 * stay true: no call works on more than it is given, so that the caller decides how long it takes. */
#include "openai/audio/sound.h"

#include <sndfile.h>
#include <stdlib.h>

#include "openai/audio/aac.h"

#define MP3_LEVEL 0.6 /* of compression: 64 kbit/s at 24 kHz */

struct sound {
    enum sound_format format;
    SNDFILE *file; /* NULL: not libsndfile's */
    struct aac *aac;
    struct bytes made; /* the file, from byte `given` on */
    sf_count_t at, given;
    bool has_ended;
};

static const struct {
    const char *type;
    int kind;             /* of libsndfile; 0: not its */
    bool is_final_at_end; /* its beginning is written once more at its end */
} facts[] = {
    [SOUND_MP3] = {"audio/mpeg", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, false},
    [SOUND_OPUS] = {"audio/ogg", SF_FORMAT_OGG | SF_FORMAT_OPUS, false},
    [SOUND_AAC] = {"audio/aac", 0, false},
    [SOUND_FLAC] = {"audio/flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, true},
    [SOUND_WAV] = {"audio/wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, true},
    [SOUND_PCM] = {"audio/pcm", 0, false},
};

const char *const sound_formats[] = {"mp3", "opus", "aac", "flac", "wav", "pcm", NULL};

const char *sound_type(enum sound_format format)
{
    return facts[format].type;
}

/* ---- the file that libsndfile writes ---- */

static sf_count_t file_length(void *of)
{
    const struct sound *sound = of;

    return sound->given + (sf_count_t)sound->made.len;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *of)
{
    struct sound *sound = of;
    sf_count_t from = whence == SEEK_CUR ? sound->at : whence == SEEK_END ? file_length(of) : 0;

    return sound->at = from + offset < 0 ? 0 : from + offset;
}

static sf_count_t file_tell(void *of)
{
    const struct sound *sound = of;

    return sound->at;
}

/* Nothing is read from a file that is written. */
static sf_count_t file_read(void *to, sf_count_t count, void *of)
{
    (void)to, (void)count, (void)of;
    return 0;
}

/* What is written behind the end leaves no gap; what has been given away stays as it was, as that
 * of an MP3's first frame, which at the end would tell its length. */
static sf_count_t file_write(const void *from, sf_count_t count, void *of)
{
    struct sound *sound = of;
    struct view data = {from, (size_t)count};
    size_t skip = 0, place, over;

    if (sound->at < sound->given)
        skip = (size_t)(sound->given - sound->at) < data.len ? (size_t)(sound->given - sound->at)
                                                             : data.len;
    sound->at += count;
    data = view_skip(data, skip);
    place = (size_t)(sound->at - sound->given) - data.len;
    if (!data.len || place > sound->made.len)
        return data.len ? 0 : count;
    over = sound->made.len - place < data.len ? sound->made.len - place : data.len;
    if (over)
        memcpy(sound->made.at + place, data.at, over);
    bytes_append(&sound->made, view_skip(data, over));
    return count;
}

/* Of a rate that there is not libsndfile 1.2 loses what it has made of the encoder. */
static bool is_mp3_rate(unsigned rate)
{
    static const unsigned rates[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        if (rates[i] == rate)
            return true;
    return false;
}

static SNDFILE *open_file(struct sound *sound, unsigned rate)
{
    static SF_VIRTUAL_IO io = {file_length, file_seek, file_read, file_write, file_tell};
    SF_INFO info = {.samplerate = (int)rate, .channels = 1, .format = facts[sound->format].kind};
    int mode = SF_BITRATE_MODE_CONSTANT;
    double level = MP3_LEVEL;
    SNDFILE *file;

    if (sound->format == SOUND_MP3 && !is_mp3_rate(rate))
        return NULL;
    file = sf_open_virtual(&io, SFM_WRITE, &info, sound);

    /* Who reads a stream tells its length by its rate. The first command's answer is "no" even where
     * it has been followed (libsndfile 1.2.0). */
    if (file && sound->format == SOUND_MP3) {
        (void)sf_command(file, SFC_SET_BITRATE_MODE, &mode, sizeof(mode));
        (void)sf_command(file, SFC_SET_COMPRESSION_LEVEL, &level, sizeof(level));
    }
    return file;
}

/* ---- */

struct sound *sound_new(enum sound_format format, unsigned rate)
{
    struct sound *sound = memory_new(sizeof(*sound));

    sound->format = format;
    if (facts[format].kind)
        sound->file = open_file(sound, rate);
    else if (format == SOUND_AAC)
        sound->aac = aac_new(rate);
    if (sound->file || sound->aac || format == SOUND_PCM)
        return sound;
    sound_free(sound);
    return NULL;
}

bool sound_feed(struct sound *sound, struct view samples)
{
    sf_count_t count = (sf_count_t)(samples.len / 2);
    bool is_good = true;
    short *copy;

    if (!sound->file) {
        if (sound->aac)
            return aac_feed(sound->aac, samples, &sound->made);
        bytes_append(&sound->made, samples);
        return true;
    }
    copy = memory_new(samples.len + 1); /* aligned */
    for (sf_count_t i = 0; i < count; i++)
        copy[i] = (short)((unsigned char)samples.at[2 * i] |
                          (unsigned)(unsigned char)samples.at[2 * i + 1] << 8);
    is_good = sf_write_short(sound->file, copy, count) == count;
    free(copy);
    return is_good;
}

bool sound_end(struct sound *sound)
{
    bool is_good = true;

    sound->has_ended = true;
    if (sound->file)
        is_good = sf_close(sound->file) == 0;
    else if (sound->aac)
        is_good = aac_end(sound->aac, &sound->made);
    sound->file = NULL;
    return is_good;
}

void sound_take(struct sound *sound, struct bytes *out)
{
    if (facts[sound->format].is_final_at_end && !sound->has_ended)
        return;
    bytes_append(out, bytes_view(&sound->made));
    sound->given += (sf_count_t)sound->made.len;
    sound->made.len = 0;
}

void sound_free(struct sound *sound)
{
    if (!sound)
        return;
    if (sound->file)
        (void)sf_close(sound->file); /* what it would say of the file is of no use any more */
    aac_free(sound->aac);
    bytes_clear(&sound->made);
    free(sound);
}
