/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes and sizes of pictures. Called by wish.c. */
#include "openai/images/ratio.h"

enum { SIDE_MOST = 16384 };

static const struct {
    struct view name;
    unsigned width, height;
    enum ratio_set first; /* the first set that has it, of Gemini's */
    bool is_imagens;
} ratios[] = {
    {{"1:1", 3}, 1, 1, RATIOS_GEMINI, true},       {{"3:4", 3}, 3, 4, RATIOS_GEMINI, true},
    {{"4:3", 3}, 4, 3, RATIOS_GEMINI, true},       {{"9:16", 4}, 9, 16, RATIOS_GEMINI, true},
    {{"16:9", 4}, 16, 9, RATIOS_GEMINI, true},     {{"2:3", 3}, 2, 3, RATIOS_GEMINI, false},
    {{"3:2", 3}, 3, 2, RATIOS_GEMINI, false},      {{"4:5", 3}, 4, 5, RATIOS_GEMINI, false},
    {{"5:4", 3}, 5, 4, RATIOS_GEMINI, false},      {{"21:9", 4}, 21, 9, RATIOS_GEMINI, false},
    {{"1:4", 3}, 1, 4, RATIOS_GEMINI_WIDE, false}, {{"4:1", 3}, 4, 1, RATIOS_GEMINI_WIDE, false},
    {{"1:8", 3}, 1, 8, RATIOS_GEMINI_WIDE, false}, {{"8:1", 3}, 8, 1, RATIOS_GEMINI_WIDE, false},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_in(enum ratio_set set, size_t i)
{
    return set == RATIOS_IMAGEN ? ratios[i].is_imagens : ratios[i].first <= set;
}

/* Takes a number off the text; 0: there is none, or a huge one. */
static unsigned take_side(struct view *text)
{
    unsigned number = 0;

    for (; text->len && text->at[0] >= '0' && text->at[0] <= '9'; *text = view_skip(*text, 1)) {
        number = number * 10 + (unsigned)(text->at[0] - '0');
        if (number > SIDE_MOST)
            return 0;
    }
    return number;
}

static bool read_sides(struct view text, struct image_size *size)
{
    bool is_pixels;

    size->width = take_side(&text);
    if (!size->width || !text.len || !strchr("xX*:", text.at[0]))
        return false;
    is_pixels = text.at[0] != ':';
    text = view_skip(text, 1);
    size->height = take_side(&text);
    if (is_pixels)
        size->longest = size->width > size->height ? size->width : size->height;
    return size->height && !text.len;
}

bool image_size_read(struct view text, struct image_size *size)
{
    static const struct {
        struct view name;
        unsigned longest;
    } words[] = {{{"512", 3}, 512}, {{"1K", 2}, 1024}, {{"2K", 2}, 2048}, {{"4K", 2}, 4096}};

    *size = (struct image_size){0};
    if (!text.len || view_equal(text, VIEW("auto")))
        return true;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (view_equal(text, words[i].name)) {
            size->longest = words[i].longest;
            return true;
        }
    return read_sides(text, size);
}

/* How far two shapes are from each other: 1 and more. */
static double distance(unsigned width, unsigned height, size_t i)
{
    double a = (double)width * ratios[i].height, b = (double)height * ratios[i].width;

    return a > b ? a / b : b / a;
}

const char *ratio_nearest(enum ratio_set set, unsigned width, unsigned height)
{
    size_t best = 0;

    for (size_t i = 1; i < COUNT_OF(ratios); i++)
        if (is_in(set, i) && distance(width, height, i) < distance(width, height, best))
            best = i;
    return ratios[best].name.at;
}

const char *ratio_find(enum ratio_set set, struct view name)
{
    for (size_t i = 0; i < COUNT_OF(ratios); i++)
        if (is_in(set, i) && view_equal(ratios[i].name, name))
            return ratios[i].name.at;
    return NULL;
}

const char *image_size_word(unsigned longest, bool up, bool has_512)
{
    static const char *const words[] = {"512", "1K", "2K", "4K"};
    size_t i = longest <= 512 ? 0 : longest <= 1024 ? 1 : longest <= 2048 ? 2 : 3;

    if (i == 0 && !has_512)
        i = 1;
    if (up && i < 3)
        i++;
    return words[i];
}
