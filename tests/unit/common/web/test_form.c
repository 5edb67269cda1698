/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of forms, as clients write them and as they should not be. */
#include "cases.h"
#include "web/form.h"

#define TYPE "multipart/form-data; boundary=xyz"
#define PART(head, body) "--xyz\r\nContent-Disposition: form-data; " head "\r\n\r\n" body "\r\n"
#define END "--xyz--\r\n"

static void parts_are_read(void **state)
{
    static const struct {
        const char *what, *type, *body;
        const char *want; /* name=body of each, with a | behind it; files as name<filename,type> */
    } cases[] = {
        {"texts", TYPE, PART("name=\"a\"", "1") PART("name=\"b\"", "two words") END,
         "a=1|b=two words|"},
        {"a file", TYPE,
         PART("name=\"file\"; filename=\"x.wav\"\r\nContent-Type: audio/wav", "RI\r\nFF") END,
         "file<x.wav,audio/wav>=RI\r\nFF|"},
        {"a file without a name", TYPE, PART("name=\"file\"; filename=\"\"", "x") END,
         "file<,>=x|"},
        {"a name with a semicolon", TYPE, PART("name=\"f\"; filename=\"a;b=c.mp3\"", "x") END,
         "f<a;b=c.mp3,>=x|"},
        {"empty values", TYPE, PART("name=\"a\"", "") PART("name=\"b\"", "") END, "a=|b=|"},
        {"nothing at all", TYPE, END, ""},
        {"a quoted boundary", "Multipart/Form-Data; charset=utf-8; Boundary=\"xyz\"",
         PART("name=\"a\"", "1") END, "a=1|"},
        {"names without quotes", TYPE, PART("name=a", "1") END, "a=1|"},
        {"heads in other letters", TYPE,
         "--xyz\r\ncontent-disposition:form-data;NAME=\"a\"\r\nX-Other: y\r\n\r\n1\r\n" END,
         "a=1|"},
        {"bare newlines", TYPE, "--xyz\nContent-Disposition: form-data; name=\"a\"\n\n1\n--xyz--\n",
         "a=1|"},
        {"words before and behind", TYPE, "hello\r\n" PART("name=\"a\"", "1") END "bye", "a=1|"},
        {"spaces behind a boundary", TYPE,
         "--xyz \t\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n" END, "a=1|"},
        {"what looks like a boundary", TYPE, PART("name=\"a\"", " --xyz--\r\n--xy\r\n -- ") END,
         "a= --xyz--\r\n--xy\r\n -- |"},
        {"a part whose border follows at once", TYPE,
         "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" END, "a=|"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes got = {0};
        struct form form;
        const char *fault = form_read(view_of(cases[i].type), view_of(cases[i].body), &form);

        if (fault)
            fail_msg("%s: %s", cases[i].what, fault);
        for (size_t k = 0; k < form.count; k++) {
            const struct form_part *part = &form.parts[k];

            bytes_append(&got, part->name);
            if (part->is_file)
                bytes_printf(&got, "<%.*s,%.*s>", (int)part->file_name.len, part->file_name.at,
                             (int)part->type.len, part->type.len ? part->type.at : "");
            bytes_text(&got, "=");
            bytes_append(&got, part->body);
            bytes_text(&got, "|");
        }
        expect_text(cases[i].what, bytes_cstr(&got), cases[i].want);
        bytes_clear(&got);
        form_clear(&form);
    }
}

static void what_is_no_form_is_refused(void **state)
{
    static const struct {
        const char *what, *type, *body, *fault;
    } cases[] = {
        {"JSON", "application/json", "{}", "its Content-Type is not"},
        {"no boundary", "multipart/form-data", "", "names no boundary"},
        {"an empty boundary", "multipart/form-data; boundary=", "", "names no boundary"},
        {"nothing", TYPE, "", "not to be found"},
        {"another boundary", TYPE, "--abc--", "not to be found"},
        {"no end", TYPE, "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1",
         "ends within a part"},
        {"half a head", TYPE, "--xyz\r\nContent-Disposition: form-data", "has no end"},
        {"no head", TYPE, "--xyz\r\n\r\n1\r\n" END, "no Content-Disposition"},
        {"another disposition", TYPE,
         "--xyz\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n" END,
         "no Content-Disposition"},
        {"no name", TYPE, PART("filename=\"a\"", "1") END, "no name"},
        {"a longer boundary", TYPE, "--xyzzy\r\n\r\n", "no end of a line"},
        {"an encoding", TYPE, PART("name=\"a\"\r\nContent-Transfer-Encoding: base64", "QQ==") END,
         "not taken"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct form form;
        const char *fault = form_read(view_of(cases[i].type), view_of(cases[i].body), &form);

        if (!fault || !strstr(fault, cases[i].fault))
            fail_msg("%s: %s", cases[i].what, fault ? fault : "read");
        assert_int_equal(form.count, 0);
        assert_null(form.parts);
    }
}

static void too_much_is_refused(void **state)
{
    struct bytes body = {0};
    struct form form;

    (void)state;
    for (int i = 0; i <= FORM_PARTS_MOST; i++)
        bytes_text(&body, PART("name=\"a\"", "1"));
    bytes_text(&body, END);
    assert_non_null(strstr(form_read(view_of(TYPE), bytes_view(&body), &form), "too many"));
    body.len = 0;
    bytes_text(&body, "--xyz\r\nX: ");
    for (int i = 0; i < 10000; i++)
        bytes_text(&body, "x");
    bytes_text(&body, "\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" END);
    assert_non_null(strstr(form_read(view_of(TYPE), bytes_view(&body), &form), "too large"));
    bytes_clear(&body);
}

static void parts_are_found_by_name_and_number(void **state)
{
    const char *body =
        PART("name=\"a[]\"", "1") PART("name=\"b\"", "2") PART("name=\"a\"", "3") END;
    struct form form;

    (void)state;
    assert_null(form_read(view_of(TYPE), view_of(body), &form));
    assert_true(view_equal(form_find(&form, "a", 0)->body, VIEW("1")));
    assert_true(view_equal(form_find(&form, "a", 1)->body, VIEW("3")));
    assert_true(view_equal(form_find(&form, "b", 0)->body, VIEW("2")));
    assert_null(form_find(&form, "a", 2));
    assert_null(form_find(&form, "c", 0));
    form_clear(&form);
    assert_null(form_find(&form, "a", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_read),
        cmocka_unit_test(what_is_no_form_is_refused),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(parts_are_found_by_name_and_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
