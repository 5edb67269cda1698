/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bodies: each coding, broken ones, and those that would become too large. */
#include "web/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { BIG = 1000000 };

/* "hello hello hello hello", and a million times "a" */
static const char brotli_text[] = "\x1b\x16\x00\xf8\x8d\x94\x6e\xde\x44\x55\x86\x96\x6c\x20\x6f"
                                  "\x21\x4f\x1c\xe0\x38";
static const char brotli_big[] = "\x5b\x3f\x42\x8f\x5f\x22\x2c\x1e\x0b\x04\xf2\x73\x1e\x00";

static struct view text_of(bool is_big)
{
    static char big[BIG];

    memset(big, 'a', sizeof(big));
    return is_big ? (struct view){big, sizeof(big)} : VIEW("hello hello hello hello");
}

static void zip(struct view text, int window_bits, struct bytes *out)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text.at, .avail_in = (uInt)text.len};
    size_t room = text.len + 1000;

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, 0), Z_OK);
    stream.next_out = (unsigned char *)bytes_room(out, room);
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->len += stream.total_out;
    deflateEnd(&stream);
}

/* The large text, or the small one, in each coding. */
static struct view encode(const char *how, bool is_big, struct bytes *out)
{
    struct view text = text_of(is_big);

    if (strcmp(how, "gzip") == 0)
        zip(text, 31, out);
    else if (strcmp(how, "deflate") == 0)
        zip(text, 15, out);
    else if (strcmp(how, "raw") == 0)
        zip(text, -15, out);
    else if (strcmp(how, "br") == 0)
        bytes_append(out, is_big ? VIEW(brotli_big) : VIEW(brotli_text));
    else
        out->len +=
            ZSTD_compress(bytes_room(out, text.len + 1000), text.len + 1000, text.at, text.len, 3);
    return bytes_view(out);
}

static struct view name_of(const char *how)
{
    return strcmp(how, "raw") == 0 ? VIEW("deflate") : view_of(how);
}

static const char *const ways[] = {"gzip", "deflate", "raw", "br", "zstd"};

static void each_coding_gives_the_text_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(ways); i++) {
        struct bytes packed = {0}, out = {0};
        struct view body = encode(ways[i / 2], i % 2, &packed);

        bytes_text(&out, "<");
        assert_int_equal(decode_body(name_of(ways[i / 2]), body, BIG, &out), DECODE_DONE);
        assert_true(view_equal(view_skip(bytes_view(&out), 1), text_of(i % 2)));
        bytes_clear(&packed);
        bytes_clear(&out);
    }
}

static void what_would_be_too_large_stops_at_the_bound(void **state)
{
    static const size_t bounds[] = {0, 1, 65535, 65536, BIG - 1};

    (void)state;
    for (size_t i = 0; i < COUNT(ways) * COUNT(bounds); i++) {
        const char *how = ways[i % COUNT(ways)];
        size_t most = bounds[i / COUNT(ways)];
        struct bytes packed = {0}, out = {0};

        assert_int_equal(decode_body(name_of(how), encode(how, true, &packed), most, &out),
                         DECODE_TOO_LARGE);
        assert_in_range(out.len, 0, most + 1);
        bytes_clear(&packed);
        bytes_clear(&out);
    }
}

static void what_is_cut_or_followed_by_rubbish_is_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct bytes packed = {0}, out = {0};
        struct view body = encode(ways[i], false, &packed);

        for (size_t len = 0; len < body.len; len++) {
            out.len = 0;
            assert_int_equal(decode_body(name_of(ways[i]), (struct view){body.at, len}, BIG, &out),
                             DECODE_BROKEN);
        }
        bytes_text(&packed, "rubbish");
        assert_int_equal(decode_body(name_of(ways[i]), bytes_view(&packed), BIG, &out),
                         DECODE_BROKEN);
        assert_int_equal(decode_body(name_of(ways[i]), VIEW("{\"model\":\"m\"}"), BIG, &out),
                         DECODE_BROKEN);
        bytes_clear(&packed);
        bytes_clear(&out);
    }
}

static void frames_behind_each_other_are_one_body(void **state)
{
    static const char *const joined[] = {"gzip", "zstd"};

    (void)state;
    for (size_t i = 0; i < COUNT(joined); i++) {
        struct bytes packed = {0}, out = {0};

        encode(joined[i], false, &packed);
        encode(joined[i], false, &packed);
        assert_int_equal(decode_body(view_of(joined[i]), bytes_view(&packed), BIG, &out),
                         DECODE_DONE);
        assert_int_equal(out.len, 2 * text_of(false).len);
        bytes_clear(&packed);
        bytes_clear(&out);
    }
}

static void only_known_names_are_taken(void **state)
{
    static const char *const unknown[] = {"compress", "gzip, br", "aws-chunked", "gz", "*", ""};
    static const char *const known[] = {"GZIP", " gzip ", "x-gzip"};
    struct bytes packed = {0}, out = {0};
    struct view body = encode("gzip", false, &packed);

    (void)state;
    for (size_t i = 0; i < COUNT(unknown); i++)
        assert_int_equal(decode_body(view_of(unknown[i]), body, BIG, &out), DECODE_UNKNOWN);
    for (size_t i = 0; i < COUNT(known); i++)
        assert_int_equal(decode_body(view_of(known[i]), body, BIG, &out), DECODE_DONE);
    bytes_clear(&packed);
    bytes_clear(&out);
}

static void no_coding_and_identity_are_plain(void **state)
{
    (void)state;
    assert_true(decode_is_plain(VIEW("")));
    assert_true(decode_is_plain((struct view){NULL, 0}));
    assert_true(decode_is_plain(VIEW(" Identity")));
    assert_false(decode_is_plain(VIEW("gzip")));
    assert_false(decode_is_plain(VIEW("identity, gzip")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_coding_gives_the_text_back),
        cmocka_unit_test(what_would_be_too_large_stops_at_the_bound),
        cmocka_unit_test(what_is_cut_or_followed_by_rubbish_is_broken),
        cmocka_unit_test(frames_behind_each_other_are_one_body),
        cmocka_unit_test(only_known_names_are_taken),
        cmocka_unit_test(no_coding_and_identity_are_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
