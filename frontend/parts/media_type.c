/* SPDX-License-Identifier: Apache-2.0 */
/* Media types. Called by the endpoints that take files. What must stay true: only types of the tables
 * reach the provider, whatever a client writes. */
#include "parts/media_type.h"

#include <strings.h>

/* What a file begins with; a second mark must stand at `at` as well. */
struct magic {
    const char *type;
    struct view begins;
    size_t at;
    struct view also;
};

#define MARK(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct magic sounds[] = {
    {"audio/wav", MARK("RIFF"), 8, MARK("WAVE")},
    {"audio/wav", MARK("RF64"), 8, MARK("WAVE")},
    {"audio/aiff", MARK("FORM"), 8, MARK("AIF")},
    {"audio/mp3", MARK("ID3"), 0, MARK("")},
    {"audio/ogg", MARK("OggS"), 0, MARK("")},
    {"audio/flac", MARK("fLaC"), 0, MARK("")},
    {"audio/m4a", MARK(""), 4, MARK("ftypM4A")},
    {"audio/m4a", MARK(""), 4, MARK("ftypM4B")},
    {"video/quicktime", MARK(""), 4, MARK("ftypqt")},
    {"video/3gpp", MARK(""), 4, MARK("ftyp3gp")},
    {"video/mp4", MARK(""), 4, MARK("ftyp")},
    {"audio/webm", MARK("\x1a\x45\xdf\xa3"), 0, MARK("")},
};

static const struct magic pictures[] = {
    {"image/png", MARK("\x89PNG\r\n\x1a\n"), 0, MARK("")},
    {"image/jpeg", MARK("\xff\xd8\xff"), 0, MARK("")},
    {"image/webp", MARK("RIFF"), 8, MARK("WEBP")},
    {"image/heic", MARK(""), 4, MARK("ftyphei")},
    {"image/heif", MARK(""), 4, MARK("ftypmif1")},
    {"image/gif", MARK("GIF8"), 0, MARK("")},
};

/* A file's ending or a type's second half, and what it is called. */
struct word {
    const char *word, *type;
};

static const struct word sound_words[] = {
    {"wav", "audio/wav"},   {"x-wav", "audio/wav"},   {"wave", "audio/wav"},
    {"mp3", "audio/mp3"},   {"mpga", "audio/mp3"},    {"mpeg", "audio/mp3"},
    {"m4a", "audio/m4a"},   {"x-m4a", "audio/m4a"},   {"mp4", "video/mp4"},
    {"ogg", "audio/ogg"},   {"oga", "audio/ogg"},     {"opus", "audio/opus"},
    {"flac", "audio/flac"}, {"x-flac", "audio/flac"}, {"webm", "audio/webm"},
    {"aac", "audio/aac"},   {"aiff", "audio/aiff"},   {"aif", "audio/aiff"},
};

static const struct word picture_words[] = {
    {"png", "image/png"},   {"jpg", "image/jpeg"},  {"jpeg", "image/jpeg"},
    {"webp", "image/webp"}, {"heic", "image/heic"}, {"heif", "image/heif"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool stands_at(struct view data, size_t at, struct view mark)
{
    return data.len >= at + mark.len && view_starts(view_skip(data, at), mark);
}

static const char *by_magic(struct view data, const struct magic *magics, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (view_starts(data, magics[i].begins) && stands_at(data, magics[i].at, magics[i].also))
            return magics[i].type;
    return NULL;
}

/* Frames of MPEG sound tell themselves by eleven set bits and their layer: none is AAC's. */
static const char *by_frame(struct view data)
{
    const unsigned char *at = (const unsigned char *)data.at;

    if (data.len < 2 || at[0] != 0xff || (at[1] & 0xe0) != 0xe0)
        return NULL;
    return (at[1] & 0x06) == 0 ? "audio/aac" : "audio/mp3";
}

static const char *by_word(struct view word, const struct word *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (word.len == strlen(words[i].word) && word.len &&
            strncasecmp(word.at, words[i].word, word.len) == 0)
            return words[i].type;
    return NULL;
}

/* What stands behind the last sign of that kind, up to a semicolon. */
static struct view behind(struct view text, char sign)
{
    const char *end = text.len ? memchr(text.at, ';', text.len) : NULL;
    const char *at;

    if (end && sign == '/')
        text.len = (size_t)(end - text.at);
    at = text.len ? memrchr(text.at, sign, text.len) : NULL;
    return at ? view_trim(view_skip(text, (size_t)(at - text.at) + 1)) : VIEW("");
}

static const char *by_words(struct view file_name, struct view said, const struct word *words,
                            size_t count)
{
    const char *type = by_word(behind(file_name, '.'), words, count);

    return type ? type : by_word(behind(said, '/'), words, count);
}

const char *media_type_sound(struct view data, struct view file_name, struct view said)
{
    const char *type = by_magic(data, sounds, COUNT_OF(sounds));

    if (!type)
        type = by_frame(data);
    return type ? type : by_words(file_name, said, sound_words, COUNT_OF(sound_words));
}

const char *media_type_picture(struct view data, struct view file_name, struct view said)
{
    const char *type = by_magic(data, pictures, COUNT_OF(pictures));

    return type ? type : by_words(file_name, said, picture_words, COUNT_OF(picture_words));
}
