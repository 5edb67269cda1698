/* SPDX-License-Identifier: Apache-2.0 */
/* Types of uploaded files. */
#include "cases.h"
#include "parts/media_type.h"

struct file {
    struct view data;
    const char *name, *said, *want; /* NULL: none */
};

static void check(const struct file *files, size_t count,
                  const char *(*type_of)(struct view, struct view, struct view))
{
    for (size_t i = 0; i < count; i++) {
        const char *got = type_of(files[i].data, view_of(files[i].name), view_of(files[i].said));

        expect_text(files[i].name, got ? got : "none", files[i].want ? files[i].want : "none");
    }
}

static void sound_is_known_by_its_bytes_then_its_name_then_its_type(void **state)
{
    static const struct file files[] = {
        {{"RIFF\0\0\0\0WAVEfmt ", 16}, "x.mp3", "audio/mpeg", "audio/wav"},
        {{"RIFF\0\0\0\0AVI ", 12}, "x", "", NULL},
        {{"ID3\4", 4}, "x.wav", "", "audio/mp3"},
        {{"\xff\xfb\x90", 3}, "x", "", "audio/mp3"},
        {{"\xff\xf1\x50", 3}, "x", "", "audio/aac"},
        {{"OggS", 4}, "x", "", "audio/ogg"},
        {{"fLaC", 4}, "x", "", "audio/flac"},
        {{"\0\0\0\x20"
          "ftypM4A ",
          12},
         "x",
         "",
         "audio/m4a"},
        {{"\0\0\0\x20"
          "ftypisom",
          12},
         "x",
         "",
         "video/mp4"},
        {{"\x1a\x45\xdf\xa3", 4}, "x", "", "audio/webm"},
        {{"FORM\0\0\0\0AIFF", 12}, "x", "", "audio/aiff"},
        {{"", 0}, "a.b.MPGA", "", "audio/mp3"},
        {{"xyz", 3}, "x.txt", "audio/x-wav; a=b", "audio/wav"},
        {{"xyz", 3}, "", "audio/\"evil", NULL},
        {{"xyz", 3}, "x.txt", "text/plain", NULL},
        {{"", 0}, "", "", NULL},
    };

    (void)state;
    check(files, COUNT_OF(files), media_type_sound);
}

static void so_is_a_picture(void **state)
{
    static const struct file files[] = {
        {{"\x89PNG\r\n\x1a\n", 8}, "x.jpg", "", "image/png"},
        {{"\xff\xd8\xff\xe0", 4}, "x", "", "image/jpeg"},
        {{"RIFF\0\0\0\0WEBP", 12}, "x", "", "image/webp"},
        {{"", 0}, "x.JPG", "", "image/jpeg"},
        {{"", 0}, "x", "image/png", "image/png"},
        {{"x", 1}, "x.svg", "image/svg+xml", NULL},
    };

    (void)state;
    check(files, COUNT_OF(files), media_type_picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_is_known_by_its_bytes_then_its_name_then_its_type),
        cmocka_unit_test(so_is_a_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
