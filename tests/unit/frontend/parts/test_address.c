/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of address a part names, and what its ending says. */
#include "cases.h"

#include "parts/address.h"

static void an_address_is_of_one_kind(void **state)
{
    static const struct {
        const char *address;
        enum address_kind kind;
    } cases[] = {
        {"data:image/png;base64,QQ==", ADDRESS_DATA},
        {"DATA:,x", ADDRESS_DATA},
        {"files/abc-1", ADDRESS_FILE},
        {"https://generativelanguage.googleapis.com/v1beta/files/abc", ADDRESS_FILE},
        {"https://www.youtube.com/watch?v=x", ADDRESS_YOUTUBE},
        {"https://youtu.be/x", ADDRESS_YOUTUBE},
        {"http://m.youtube.com/shorts/x", ADDRESS_YOUTUBE},
        {"HTTPS://YouTube.com/watch?v=x", ADDRESS_YOUTUBE},
        {"https://youtube.com.example.org/watch", ADDRESS_WEB},
        {"https://example.org/?u=https://youtu.be/x", ADDRESS_WEB},
        {"http://example.org", ADDRESS_WEB},
        {"https://generativelanguage.googleapis.com.example.org/files/x", ADDRESS_WEB},
        {"https:///x", ADDRESS_OTHER},
        {"gs://bucket/x", ADDRESS_OTHER},
        {"file:///etc/passwd", ADDRESS_OTHER},
        {"ftp://example.org", ADDRESS_OTHER},
        {"files/", ADDRESS_OTHER},
        {"files/../models", ADDRESS_OTHER},
        {"file-abc", ADDRESS_OTHER},
        {"", ADDRESS_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (address_kind(view_of(cases[i].address)) != cases[i].kind)
            fail_msg("%s", cases[i].address);
}

static void an_ending_says_the_type(void **state)
{
    static const struct {
        const char *address, *type;
    } cases[] = {
        {"a.png", "image/png"},
        {"A.JPG", "image/jpeg"},
        {"https://example.org/a.pdf?x=.png#.mp3", "application/pdf"},
        {"https://example.org/a?x=a.png", NULL},
        {"notes.md", "text/markdown"},
        {".png", NULL},
        {"png", NULL},
        {"a.docx", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *type = address_type(view_of(cases[i].address));
        expect_text(cases[i].address, type ? type : "none", cases[i].type ? cases[i].type : "none");
    }
}

static void a_files_name_becomes_its_uri(void **state)
{
    struct bytes out = {0};

    (void)state;
    address_write(VIEW("files/abc"), &out);
    assert_string_equal(bytes_cstr(&out),
                        "https://generativelanguage.googleapis.com/v1beta/files/abc");
    out.len = 0;
    address_write(VIEW("https://youtu.be/x"), &out);
    assert_string_equal(bytes_cstr(&out), "https://youtu.be/x");
    bytes_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_of_one_kind),
        cmocka_unit_test(an_ending_says_the_type),
        cmocka_unit_test(a_files_name_becomes_its_uri),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
