/* SPDX-License-Identifier: Apache-2.0 */
/* images/edits and images/variations. */
#include "frontend/media_test.h"

static int image_options(void **state)
{
    plain_options(state);
    settings_mine()->create_image_model = "gemini-9.9-image";
    return 0;
}

#define EDIT(parts, config)                                                                        \
    "/models/gemini-9.9-image:generateContent {'contents':[{'role':'user','parts':[" parts         \
    "{'text':'a hat'}]}],'generationConfig':{'responseModalities':['TEXT','IMAGE']" config "}}"
#define INLINE(type, data) "{'inlineData':{'mimeType':'" type "','data':'" data "'}},"
#define PNG "\x89PNG\r\n\x1a\n"
#define PNG_64 "iVBORw0KGgo="
#define PROMPT FORM_TEXT("prompt", "a hat")

static void edits_become_the_providers(void **state)
{
    static const struct {
        const char *what, *in;
        size_t count;
        const char *want;
    } cases[] = {
        {"a picture", FORM_FILE("image", "x.bin", PNG) PROMPT, 1,
         EDIT(INLINE("image/png", PNG_64), "")},
        {"two, known by their names alone",
         FORM_FILE("image[]", "a.jpg", "abc") FORM_FILE("image[]", "b.webp", "abcd") PROMPT, 1,
         EDIT(INLINE("image/jpeg", "YWJj") INLINE("image/webp", "YWJjZA=="), "")},
        {"more wishes",
         FORM_FILE("image", "a.png", PNG) PROMPT FORM_TEXT("size", "1536x1024") FORM_TEXT("n", "2")
             FORM_TEXT("input_fidelity", "high") FORM_TEXT("model", "dall-e-2"),
         2,
         EDIT(INLINE("image/png", PNG_64),
              ",'imageConfig':{'aspectRatio':'3:2','imageSize':'2K'}")},
        {"JSON",
         "{'prompt':'a hat','images':[{'image_url':'data:image/png;base64," PNG_64 "'},"
         "{'image_url':{'url':'data:image/jpeg;base64,YWJj'}}]}",
         1,
         EDIT("{'inlineData':{'data':'" PNG_64 "','mimeType':'image/png'}},"
              "{'inlineData':{'data':'YWJj','mimeType':'image/jpeg'}},",
              "")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;
        enum error error = *cases[i].in == '{'
                               ? run_begin(&run, &endpoint_image_edits, cases[i].in)
                               : run_begin_form(&run, &endpoint_image_edits, cases[i].in);

        if (error != ERROR_NONE)
            fail_msg("%s: refused: %s", cases[i].what, bytes_cstr(&run.plan.why));
        assert_int_equal(run.plan.count, cases[i].count);
        run_asked(&run, cases[i].what, 0, cases[i].want);
        run_clear(&run);
    }
}

static void wrong_edits_are_refused(void **state)
{
#define IMAGE FORM_FILE("image", "a.png", PNG)
    static const struct refused cases[] = {
        {"no picture", PROMPT, ERROR_MISSING_PARAMETER, "image"},
        {"no pictures", "{'prompt':'a hat'}", ERROR_MISSING_PARAMETER, "images"},
        {"no prompt", IMAGE, ERROR_MISSING_PARAMETER, "prompt"},
        {"a text for a picture", PROMPT FORM_TEXT("image", "x"), ERROR_MISSING_PARAMETER, "image"},
        {"an empty picture", PROMPT FORM_FILE("image", "a.png", ""), ERROR_BAD_VALUE, "image"},
        {"no picture's type", PROMPT FORM_FILE("image", "a.txt", "x"), ERROR_BAD_VALUE, "image"},
        {"a mask", PROMPT IMAGE FORM_FILE("mask", "m.png", PNG), ERROR_UNSUPPORTED, "mask"},
        {"Imagen", PROMPT IMAGE FORM_TEXT("model", "imagen-4.0-generate-001"), ERROR_NO_MODEL,
         "model"},
        {"fidelity", PROMPT IMAGE FORM_TEXT("input_fidelity", "mid"), ERROR_BAD_VALUE,
         "input_fidelity"},
        {"a file for a text", IMAGE FORM_FILE("prompt", "p.txt", "x"), ERROR_BAD_TYPE, "prompt"},
        {"an address, though none is fetched",
         "{'prompt':'x','images':[{'image_url':'https://x/y.png'}]}", ERROR_BAD_VALUE, "images"},
        {"no address", "{'prompt':'x','images':[{'file_id':'files/a'}]}", ERROR_UNSUPPORTED_VALUE,
         "images"},
        {"a broken one", "{'prompt':'x','images':[{'image_url':'data:image/png;base64,!'}]}",
         ERROR_BAD_VALUE, "images"},
        {"half a form", "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--xyz\r\n",
         ERROR_BAD_REQUEST, NULL},
    };

    (void)state;
    settings_mine()->media_urls = "off";
    run_refuses(&endpoint_image_edits, cases, COUNT_OF(cases));
}

static void what_is_named_by_address_is_fetched_first(void **state)
{
    const char *in = "{'prompt':'a hat','n':2,'images':[{'image_url':'https://x/y.png'},"
                     "{'image_url':'data:image/jpeg;base64,YWJj'}]}";
    struct run run;

    (void)state;
    settings_mine()->media_urls = "fetch";
    assert_int_equal(run_begin(&run, &endpoint_image_edits, in), ERROR_NONE);
    assert_int_equal(run.plan.count, 1);
    assert_string_equal(run.plan.steps[0]->order.pool, "fetch");
    assert_int_equal(run_answer(&run, 0, PNG), ERROR_NONE);
    assert_int_equal(run.plan.count, 3);
    run_asked(&run, "by address", 1,
              EDIT("{'inlineData':{'data':'" PNG_64 "','mimeType':'image/png'}},"
                   "{'inlineData':{'data':'YWJj','mimeType':'image/jpeg'}},",
                   ""));
    run_clear(&run);
}

static void there_are_sixteen_pictures_at_most(void **state)
{
    struct bytes body = {0};
    struct run run;

    (void)state;
    bytes_text(&body, PROMPT);
    for (int i = 0; i < 17; i++)
        bytes_text(&body, IMAGE);
    assert_int_equal(run_begin_form(&run, &endpoint_image_edits, bytes_cstr(&body)),
                     ERROR_BAD_VALUE);
    assert_string_equal(run.plan.param, "image");
    run_clear(&run);
    bytes_clear(&body);
}

static void a_streams_event_is_its_own(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(
        run_begin_form(&run, &endpoint_image_edits, PROMPT IMAGE FORM_TEXT("stream", "true")),
        ERROR_NONE);
    assert_true(run.plan.is_sse);
    assert_int_equal(run_answer(&run, 0,
                                "{'candidates':[{'content':{'parts':[{'inlineData':{'mimeType':"
                                "'image/png','data':'QQ=='}}]}}]}"),
                     ERROR_NONE);
    assert_non_null(strstr(bytes_cstr(&run.out), "event: image_edit.completed\n"));
    run_clear(&run);
}

static void variations_are_not_offered(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin_form(&run, &endpoint_image_variations, IMAGE), ERROR_BAD_REQUEST);
    assert_non_null(strstr(bytes_cstr(&run.plan.why), "images/edits"));
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(edits_become_the_providers, image_options),
        cmocka_unit_test_setup(wrong_edits_are_refused, image_options),
        cmocka_unit_test_setup(what_is_named_by_address_is_fetched_first, image_options),
        cmocka_unit_test_setup(there_are_sixteen_pictures_at_most, image_options),
        cmocka_unit_test_setup(a_streams_event_is_its_own, image_options),
        cmocka_unit_test_setup(variations_are_not_offered, image_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
