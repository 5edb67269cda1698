/* SPDX-License-Identifier: Apache-2.0 */
/* data: URLs: each way in which people write them, and what is wrong with the rest. */
#include "frontend/dialect_test.h"

#include "parts/data_url.h"

#define PNG "iVBORw0KGgoAAAANSUhEUg=="
#define JPEG "/9j/4AAQSkZJRgABAQ=="
#define INLINE(data, type) "'data':'" data "','mimeType':'" type "'"

static void each_spelling_becomes_inline_data(void **state)
{
    static const struct {
        const char *what, *url, *want;
    } cases[] = {
        {"as it should be", "data:image/png;base64," PNG, INLINE(PNG, "image/png")},
        {"a type's parameters", "data:image/png;charset=utf-8;base64," PNG,
         INLINE(PNG, "image/png")},
        {"base64 before a parameter", "data:image/png;base64;name=a.png," PNG,
         INLINE(PNG, "image/png")},
        {"spaces in the head", "data: image/png ; base64," PNG, INLINE(PNG, "image/png")},
        {"large letters", "DATA:Image/PNG;BASE64," PNG, INLINE(PNG, "image/png")},
        {"no type, a PNG", "data:;base64," PNG, INLINE(PNG, "image/png")},
        {"no type, a JPEG", "data:;base64," JPEG, INLINE(JPEG, "image/jpeg")},
        {"no type, a GIF",
         "data:;base64,R0lGODlhAQABAIAAAP==", INLINE("R0lGODlhAQABAIAAAP==", "image/gif")},
        {"no type, a WebP",
         "data:;base64,UklGRiQAAABXRUJQVlA4IA==", INLINE("UklGRiQAAABXRUJQVlA4IA==", "image/webp")},
        {"no type, a HEIC", "data:;base64,AAAAGGZ0eXBoZWljAAAA",
         INLINE("AAAAGGZ0eXBoZWljAAAA", "image/heic")},
        {"no type, a HEIF", "data:;base64,AAAAGGZ0eXBtaWYxAAAA",
         INLINE("AAAAGGZ0eXBtaWYxAAAA", "image/heif")},
        {"no type, an AVIF", "data:;base64,AAAAGGZ0eXBhdmlmAAAA",
         INLINE("AAAAGGZ0eXBhdmlmAAAA", "image/avif")},
        {"no type, a PDF", "data:;base64,JVBERi0xLjc=", INLINE("JVBERi0xLjc=", "application/pdf")},
        {"a type that says nothing", "data:application/octet-stream;base64," PNG,
         INLINE(PNG, "image/png")},
        {"any image", "data:image/*;base64," JPEG, INLINE(JPEG, "image/jpeg")},
        {"image/jpg", "data:image/jpg;base64,QUJD", INLINE("QUJD", "image/jpeg")},
        {"half a type", "data:png;base64,QUJD", INLINE("QUJD", "image/png")},
        {"the wrong picture", "data:image/png;base64," JPEG, INLINE(JPEG, "image/jpeg")},
        {"no picture by its type", "data:text/plain;base64," PNG, INLINE(PNG, "text/plain")},
        {"what isn't known stays", "data:image/heif;base64,AAAAGGZ0eXBoZWljAAAA",
         INLINE("AAAAGGZ0eXBoZWljAAAA", "image/heif")},
        {"lines", "data:image/png;base64,\niVBORw0KGgoA\r\n  AAANSUhEUg==\n",
         INLINE(PNG, "image/png")},
        {"the alphabet for URLs", "data:image/png;base64,_-_-QUJD",
         INLINE("/+/+QUJD", "image/png")},
        {"no padding, one", "data:image/png;base64,QUI", INLINE("QUI=", "image/png")},
        {"no padding, two", "data:image/png;base64,QQ", INLINE("QQ==", "image/png")},
        {"half the padding", "data:image/png;base64,QQ=", INLINE("QQ==", "image/png")},
        {"base64 percent-encoded", "data:image/png;base64,%2F9j%2f%2B%0AQUI%3D",
         INLINE("/9j/+QUI", "image/jpeg")},
        {"padding percent-encoded", "data:image/png;base64,QUI%3D", INLINE("QUI=", "image/png")},
        {"plain text", "data:text/plain,Hello%2C%20world%21",
         INLINE("SGVsbG8sIHdvcmxkIQ==", "text/plain")},
        {"plain bytes", "data:,%89PNG%0d%0A%1a%0A%00%00", INLINE("iVBORw0KGgoAAA==", "image/png")},
        {"a lone percent sign", "data:text/plain,100%", INLINE("MTAwJQ==", "text/plain")},
        {"a comma in the data", "data:text/plain,a,b", INLINE("YSxi", "text/plain")},
        {"an SVG", "data:image/svg+xml,<svg/>", INLINE("PHN2Zy8+", "image/svg+xml")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes want = json_of(cases[i].want), out = {0};
        const char *fault = data_url_write(view_of(cases[i].url), &out);

        assert_true(data_url_is(view_of(cases[i].url)));
        if (fault)
            fail_msg("%s: refused: %s", cases[i].what, fault);
        expect_text(cases[i].what, bytes_cstr(&out), want.at);
        bytes_clear(&want);
        bytes_clear(&out);
    }
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *url, *fault;
    } cases[] = {
        {"data:", "there is no comma before its data"},
        {"data:image/png;base64", "there is no comma before its data"},
        {"data:image/png;base64,", "it has no data"},
        {"data:image/png;base64, \n", "it has no data"},
        {"data:image/png,", "it has no data"},
        {"data:image/png;base64,QUJ*", "its data is not base64"},
        {"data:image/png;base64,QUJD\"", "its data is not base64"},
        {"data:image/png;base64,QUJDQUJDQUJDQUJDQUJDQUJDQUJD\xc3\xa9", "its data is not base64"},
        {"data:image/png;base64,QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD\\", "its data is not base64"},
        {"data:image/png;base64,Q%", "its data is not base64"},
        {"data:image/png;base64,QQ===", "its data is not base64"},
        {"data:image/png;base64,QQ==QQ==", "its data is not base64"},
        {"data:image/png;base64,====", "its data is not base64"},
        {"data:image/png;base64,QUJDQ", "its base64 is cut off"},
        {"data:image/png;base64,Q", "its base64 is cut off"},
        {"data:;base64,QUJD", "it has no media type, and its data doesn't show one"},
        {"data:,Hello", "it has no media type, and its data doesn't show one"},
        {"data:image/\"png;base64,QUJD", "its media type is not valid"},
        {"data:picture;base64,QUJD", "its media type is not valid"},
        {"data:image/0123456789012345678901234567890123456789012345678901234567890123;base64,QUJD",
         "its media type is not valid"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes out = {0};
        const char *fault = data_url_write(view_of(cases[i].url), &out);

        expect_text(cases[i].url, fault ? fault : "nothing", cases[i].fault);
        bytes_clear(&out);
    }
}

static void other_urls_are_none(void **state)
{
    (void)state;
    assert_false(data_url_is(VIEW("")));
    assert_false(data_url_is(VIEW("data")));
    assert_false(data_url_is(VIEW("https://example.org/data:")));
    assert_false(data_url_is(VIEW("gs://bucket/a.png")));
}

/* A character that isn't base64's at each place of a vector, at each distance from the end. */
static void a_wrong_character_is_found_wherever_it_stands(void **state)
{
    static const char head[] = "data:image/png;base64,";
    static const char wrong[] = "!*,.:@[`{~\x7f\x80\xff";

    (void)state;
    for (size_t len = 4; len <= 72; len += 4) {
        for (size_t at = 0; at < len; at++) {
            struct bytes url = {0}, out = {0};

            bytes_text(&url, head);
            memset(bytes_room(&url, len), 'A', len);
            url.len += len;
            url.at[sizeof(head) - 1 + at] = wrong[at % (sizeof(wrong) - 1)];
            assert_non_null(data_url_write(bytes_view(&url), &out));
            bytes_clear(&url);
            bytes_clear(&out);
        }
    }
}

static void a_large_one_arrives_whole(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct bytes url = {0}, want = {0}, broken = {0}, out = {0};

    (void)state;
    bytes_text(&url, "data:image/webp;base64,");
    bytes_text(&broken, "data:image/webp;base64,");
    bytes_text(&want, "\"data\":\"");
    for (int i = 0; i < 100000; i++) {
        bytes_text(&url, alphabet);
        bytes_text(&want, alphabet);
        bytes_printf(&broken, "%s%s", alphabet, i % 7 ? "" : "\r\n");
    }
    bytes_text(&want, "\",\"mimeType\":\"image/webp\"");
    assert_null(data_url_write(bytes_view(&url), &out));
    assert_true(view_equal(bytes_view(&out), bytes_view(&want)));
    out.len = 0;
    assert_null(data_url_write(bytes_view(&broken), &out));
    assert_true(view_equal(bytes_view(&out), bytes_view(&want)));
    bytes_clear(&url);
    bytes_clear(&want);
    bytes_clear(&broken);
    bytes_clear(&out);
}

/* Plain data is encoded in runs; none may end in padding. */
static void long_plain_data_is_one_base64(void **state)
{
    struct bytes url = {0}, out = {0};

    (void)state;
    bytes_text(&url, "data:text/plain,");
    for (int i = 0; i < 3500; i++)
        bytes_text(&url, "%41%42%43");
    bytes_text(&url, "A");
    assert_null(data_url_write(bytes_view(&url), &out));
    assert_int_equal(out.len,
                     strlen("\"data\":\"") + 14000 + 4 + strlen("\",\"mimeType\":\"text/plain\""));
    assert_ptr_equal(strchr(bytes_cstr(&out), '='), out.at + strlen("\"data\":\"") + 14002);
    bytes_clear(&url);
    bytes_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_spelling_becomes_inline_data),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(other_urls_are_none),
        cmocka_unit_test(a_wrong_character_is_found_wherever_it_stands),
        cmocka_unit_test(a_large_one_arrives_whole),
        cmocka_unit_test(long_plain_data_is_one_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
