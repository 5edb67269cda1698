/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded speech, decoded again. */
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>

#include "cases.h"
#include "openai/audio/sound.h"

enum { RATE = 24000, SAMPLES = 40000, PIECE = 4801 };

static short tone[SAMPLES];

static int make_tone(void **state)
{
    (void)state;
    for (int i = 0; i < SAMPLES; i++)
        tone[i] = (short)(8000 * sin(i * 0.1));
    return 0;
}

/* All of the tone, and whether anything came out before its end. */
static struct bytes encoded(enum sound_format format, bool *is_early)
{
    struct sound *sound = sound_new(format, RATE);
    struct bytes out = {0};

    assert_non_null(sound);
    for (int at = 0; at < SAMPLES; at += PIECE) {
        int count = SAMPLES - at < PIECE ? SAMPLES - at : PIECE;

        assert_true(sound_feed(
            sound, (struct view){(const char *)(tone + at), (size_t)count * sizeof(*tone)}));
        sound_take(sound, &out);
    }
    *is_early = out.len > 0;
    assert_true(sound_end(sound));
    sound_take(sound, &out);
    sound_free(sound);
    return out;
}

/* A file in memory */

static struct {
    struct bytes bytes;
    sf_count_t at;
} file;

static sf_count_t length(void *of)
{
    (void)of;
    return (sf_count_t)file.bytes.len;
}

static sf_count_t seek(sf_count_t offset, int whence, void *of)
{
    (void)of;
    file.at = offset + (whence == SEEK_CUR   ? file.at
                        : whence == SEEK_END ? (sf_count_t)file.bytes.len
                                             : 0);
    return file.at;
}

static sf_count_t read_file(void *to, sf_count_t count, void *of)
{
    sf_count_t left = (sf_count_t)file.bytes.len - file.at;

    (void)of;
    count = count < left ? count : left;
    memcpy(to, file.bytes.at + file.at, (size_t)count);
    file.at += count;
    return count;
}

static sf_count_t write_file(const void *from, sf_count_t count, void *of)
{
    (void)from, (void)count, (void)of;
    return 0;
}

static sf_count_t tell(void *of)
{
    (void)of;
    return file.at;
}

static void what_is_encoded_is_heard_again(void **state)
{
    static const struct {
        enum sound_format format;
        int kind;
        bool is_early, is_exact;
    } cases[] = {
        {SOUND_MP3, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, true, false},
        {SOUND_OPUS, SF_FORMAT_OGG | SF_FORMAT_OPUS, true, false},
        {SOUND_FLAC, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, false, true},
        {SOUND_WAV, SF_FORMAT_WAV | SF_FORMAT_PCM_16, false, true},
    };
    static SF_VIRTUAL_IO io = {length, seek, read_file, write_file, tell};
    static short heard[2 * SAMPLES];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        SF_INFO info = {0};
        SNDFILE *decoded;
        bool is_early;
        sf_count_t count;
        double power = 0;

        file.bytes = encoded(cases[i].format, &is_early);
        file.at = 0;
        assert_int_equal(is_early, cases[i].is_early);
        decoded = sf_open_virtual(&io, SFM_READ, &info, NULL);
        if (!decoded)
            fail_msg("%s: %s", sound_formats[cases[i].format], sf_strerror(NULL));
        assert_int_equal(info.format, cases[i].kind);
        assert_int_equal(info.channels, 1);
        assert_int_equal(info.samplerate, RATE);
        count = sf_read_short(decoded, heard, COUNT_OF(heard));
        if (count < SAMPLES || count > SAMPLES + 4000) /* the last frame, and delay */
            fail_msg("%s: %d samples", sound_formats[cases[i].format], (int)count);
        if (cases[i].is_exact)
            assert_memory_equal(heard, tone, sizeof(tone));
        for (int k = 4000; k < SAMPLES - 4000; k++)
            power += (double)heard[k] * heard[k];
        power = sqrt(power / (SAMPLES - 8000));
        if (power < 5000 || power > 6300) /* 8000 / √2 */
            fail_msg("%s: %g", sound_formats[cases[i].format], power);
        sf_close(decoded);
        bytes_clear(&file.bytes);
    }
}

static void aac_comes_in_whole_frames(void **state)
{
    bool is_early;
    struct bytes out = encoded(SOUND_AAC, &is_early);
    size_t frames = 0;

    (void)state;
    assert_true(is_early);
    for (size_t at = 0; at < out.len; frames++) {
        const unsigned char *head = (const unsigned char *)out.at + at;

        assert_true(out.len - at > 7);
        assert_int_equal(head[0], 0xff);
        assert_int_equal(head[1] & 0xf6, 0xf0);
        assert_int_equal(head[2] >> 2 & 15, 6); /* 24 kHz */
        at += (head[3] & 3u) << 11 | head[4] << 3 | head[5] >> 5;
        assert_true(at <= out.len);
    }
    assert_int_equal(frames, (SAMPLES + 1023) / 1024);
    bytes_clear(&out);
}

static void samples_themselves_pass_untouched(void **state)
{
    bool is_early;
    struct bytes out = encoded(SOUND_PCM, &is_early);

    (void)state;
    assert_true(is_early);
    assert_int_equal(out.len, sizeof(tone));
    assert_memory_equal(out.at, tone, sizeof(tone));
    bytes_clear(&out);
}

static void a_file_without_samples_is_one(void **state)
{
    (void)state;
    for (size_t i = 0; sound_formats[i]; i++) {
        struct sound *sound = sound_new((enum sound_format)i, RATE);
        struct bytes out = {0};

        assert_true(sound_end(sound));
        sound_take(sound, &out);
        sound_free(sound);
        bytes_clear(&out);
    }
}

static void what_is_broken_off_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; sound_formats[i]; i++) {
        struct sound *sound = sound_new((enum sound_format)i, RATE);

        assert_true(sound_feed(sound, (struct view){(const char *)tone, sizeof(tone)}));
        sound_free(sound);
    }
    sound_free(NULL);
}

static void a_rate_that_a_format_has_not_is_refused(void **state)
{
    (void)state;
    assert_null(sound_new(SOUND_OPUS, 23999));
    assert_null(sound_new(SOUND_MP3, 1));
    assert_null(sound_new(SOUND_AAC, 7));
}

static void each_has_its_type(void **state)
{
    (void)state;
    assert_string_equal(sound_type(SOUND_MP3), "audio/mpeg");
    assert_string_equal(sound_type(SOUND_OPUS), "audio/ogg");
    assert_string_equal(sound_type(SOUND_AAC), "audio/aac");
    assert_string_equal(sound_type(SOUND_FLAC), "audio/flac");
    assert_string_equal(sound_type(SOUND_WAV), "audio/wav");
    assert_string_equal(sound_type(SOUND_PCM), "audio/pcm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_heard_again),
        cmocka_unit_test(aac_comes_in_whole_frames),
        cmocka_unit_test(samples_themselves_pass_untouched),
        cmocka_unit_test(a_file_without_samples_is_one),
        cmocka_unit_test(what_is_broken_off_leaves_nothing),
        cmocka_unit_test(a_rate_that_a_format_has_not_is_refused),
        cmocka_unit_test(each_has_its_type),
    };

    return cmocka_run_group_tests(tests, make_tone, NULL);
}
