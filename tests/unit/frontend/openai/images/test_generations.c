/* SPDX-License-Identifier: Apache-2.0 */
/* images/generations: what the provider is asked, and what clients get. */
#include "frontend/media_test.h"

static int image_options(void **state)
{
    plain_options(state);
    settings_mine()->create_image_model = "gemini-9.9-image";
    settings_mine()->image_quality_larger = true;
    return 0;
}

/* ---- requests ---- */

#define IMAGEN "/models/imagen-4.0-generate-001:predict "
#define PREDICT(prompt, parameters)                                                                \
    "{'instances':[{'prompt':'" prompt "'}],'parameters':{" parameters                             \
    ",'personGeneration':'allow_adult','safetySetting':'block_low_and_above',"                     \
    "'includeRaiReason':true,'outputOptions':{'mimeType':'image/png'}}}"
#define GEMINI(model) "/models/" model ":generateContent "
#define CONTENT(prompt, config)                                                                    \
    "{'contents':[{'role':'user','parts':[{'text':'" prompt "'}]}],'generationConfig':"            \
    "{'responseModalities':['TEXT','IMAGE']" config "}}"
#define CONFIG(members) ",'imageConfig':{" members "}"

static void requests_become_the_providers(void **state)
{
    static const struct {
        const char *what, *in;
        size_t count; /* of calls */
        const char *want;
    } cases[] = {
        {"Imagen", "{'model':'imagen-4.0-generate-001','prompt':'a fox','n':3,'size':'1024x1024'}",
         1, IMAGEN PREDICT("a fox", "'sampleCount':3,'aspectRatio':'1:1'")},
        {"Imagen, its name with models/", "{'model':'models/imagen-4.0-generate-001','prompt':'x'}",
         1, IMAGEN PREDICT("x", "'sampleCount':1")},
        {"a tall picture", "{'model':'imagen-4.0-generate-001','prompt':'x','size':'1024x1792'}", 1,
         IMAGEN PREDICT("x", "'sampleCount':1,'aspectRatio':'9:16'")},
        {"the typing error of former times",
         "{'model':'imagen-4.0-generate-001','prompt':'x','size':'1027x1792'}", 1,
         IMAGEN PREDICT("x", "'sampleCount':1,'aspectRatio':'9:16'")},
        {"a wide picture", "{'model':'imagen-4.0-generate-001','prompt':'x','size':'1792x1024'}", 1,
         IMAGEN PREDICT("x", "'sampleCount':1,'aspectRatio':'16:9'")},
        {"the nearest shape", "{'model':'imagen-4.0-generate-001','prompt':'x','size':'1536x1024'}",
         1, IMAGEN PREDICT("x", "'sampleCount':1,'aspectRatio':'4:3'")},
        {"hints win and go",
         "{'model':'imagen-4.0-generate-001','prompt':'a {b} fox {n:2} {ratio:16:9}','n':4,"
         "'size':'1024x1024'}",
         1, IMAGEN PREDICT("a {b} fox", "'sampleCount':2,'aspectRatio':'16:9'")},
        {"six of Imagen are two calls", "{'model':'imagen-4.0-generate-001','prompt':'x','n':6}", 2,
         IMAGEN PREDICT("x", "'sampleCount':4")},
        {"Imagen's JPEG",
         "{'model':'imagen-4.0-generate-001','prompt':'x','output_format':'jpeg',"
         "'output_compression':'70'}",
         1,
         IMAGEN "{'instances':[{'prompt':'x'}],'parameters':{'sampleCount':1,"
                "'personGeneration':'allow_adult','safetySetting':'block_low_and_above',"
                "'includeRaiReason':true,'outputOptions':{'mimeType':'image/jpeg',"
                "'compressionQuality':70}}}"},
        {"Gemini", "{'model':'gemini-2.5-flash-image','prompt':'x','size':'1536x1024'}", 1,
         GEMINI("gemini-2.5-flash-image") CONTENT("x", CONFIG("'aspectRatio':'3:2'"))},
        {"Gemini, its own choice", "{'model':'gemini-2.5-flash-image','prompt':'x','size':'auto'}",
         1, GEMINI("gemini-2.5-flash-image") CONTENT("x", "")},
        {"three of Gemini are three calls",
         "{'model':'gemini-2.5-flash-image','prompt':'x','n':'3'}", 3,
         GEMINI("gemini-2.5-flash-image") CONTENT("x", "")},
        {"2.5 knows no sizes",
         "{'model':'gemini-2.5-flash-image','prompt':'x','size':'2048x2048','quality':'high'}", 1,
         GEMINI("gemini-2.5-flash-image") CONTENT("x", CONFIG("'aspectRatio':'1:1'"))},
        {"sizes of newer models",
         "{'model':'gemini-3-pro-image','prompt':'x','size':'1024x1536','quality':'medium'}", 1,
         GEMINI("gemini-3-pro-image") CONTENT("x", CONFIG("'aspectRatio':'2:3','imageSize':'2K'"))},
        {"a small one", "{'model':'gemini-3.1-flash-image','prompt':'x','size':'256x256'}", 1,
         GEMINI("gemini-3.1-flash-image")
             CONTENT("x", CONFIG("'aspectRatio':'1:1','imageSize':'512'"))},
        {"a small one of a model without",
         "{'model':'gemini-3-pro-image','prompt':'x','size':'512x512'}", 1,
         GEMINI("gemini-3-pro-image") CONTENT("x", CONFIG("'aspectRatio':'1:1','imageSize':'1K'"))},
        {"a very wide one", "{'model':'gemini-3.1-flash-image','prompt':'x','size':'4096x1024'}", 1,
         GEMINI("gemini-3.1-flash-image")
             CONTENT("x", CONFIG("'aspectRatio':'4:1','imageSize':'4K'"))},
        {"hd", "{'model':'gemini-3-pro-image','prompt':'x','quality':'hd'}", 1,
         GEMINI("gemini-3-pro-image") CONTENT("x", CONFIG("'imageSize':'2K'"))},
        {"Google's words",
         "{'model':'gemini-3-pro-image','prompt':'x','size':'4K','aspect_ratio':'4:5'}", 1,
         GEMINI("gemini-3-pro-image") CONTENT("x", CONFIG("'aspectRatio':'4:5','imageSize':'4K'"))},
        {"no model", "{'prompt':'x'}", 1, GEMINI("gemini-9.9-image") CONTENT("x", "")},
        {"OpenAI's model, and all that has no counterpart",
         "{'model':'dall-e-3','prompt':'x','style':'vivid','quality':'standard','user':'u',"
         "'background':'opaque','moderation':'low','partial_images':2,'n':null,'size':''}",
         1, GEMINI("gemini-9.9-image") CONTENT("x", "")},
        {"quotes in the prompt", "{'model':'gpt-image-1','prompt':'a \\u0022b\\u0022'}", 1,
         GEMINI("gemini-9.9-image") CONTENT("a \\'b\\'", "")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        if (run_begin(&run, &endpoint_images, cases[i].in) != ERROR_NONE)
            fail_msg("%s: refused: %s", cases[i].what, bytes_cstr(&run.plan.why));
        assert_int_equal(run.plan.count, cases[i].count);
        run_asked(&run, cases[i].what, 0, cases[i].want);
        assert_int_equal(run.plan.steps[0]->order.client, 7);
        run_clear(&run);
    }
}

static void the_rest_of_many_is_asked_for_too(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin(&run, &endpoint_images,
                               "{'model':'imagen-4.0-generate-001','prompt':'x','n':10}"),
                     ERROR_NONE);
    assert_int_equal(run.plan.count, 3);
    assert_ptr_equal(run.plan.steps[0]->order.body, run.plan.steps[1]->order.body);
    run_asked(&run, "the last two", 2, IMAGEN PREDICT("x", "'sampleCount':2"));
    run_clear(&run);
}

static void safety_settings_go_along(void **state)
{
    struct run run;

    (void)state;
    settings_mine()->safety_settings = "[{\"category\":\"A\"}]";
    assert_int_equal(run_begin(&run, &endpoint_images, "{'prompt':'x'}"), ERROR_NONE);
    run_asked(&run, "safety", 0,
              GEMINI("gemini-9.9-image") "{'contents':[{'role':'user','parts':[{'text':'x'}]}],"
                                         "'safetySettings':[{'category':'A'}],'generationConfig':"
                                         "{'responseModalities':['TEXT','IMAGE']}}");
    run_clear(&run);
}

static void quality_may_leave_the_size_alone(void **state)
{
    struct run run;

    (void)state;
    settings_mine()->image_quality_larger = false;
    assert_int_equal(run_begin(&run, &endpoint_images,
                               "{'model':'gemini-3-pro-image','prompt':'x','quality':'high'}"),
                     ERROR_NONE);
    run_asked(&run, "high", 0, GEMINI("gemini-3-pro-image") CONTENT("x", ""));
    run_clear(&run);
}

static void wrong_requests_are_refused(void **state)
{
    static const struct refused cases[] = {
        {"no JSON", "{", ERROR_BAD_JSON, NULL},
        {"no object", "[]", ERROR_BAD_JSON, NULL},
        {"no prompt", "{}", ERROR_MISSING_PARAMETER, "prompt"},
        {"a blank prompt", "{'prompt':'  '}", ERROR_MISSING_PARAMETER, "prompt"},
        {"a prompt of hints", "{'prompt':'{n:2}'}", ERROR_MISSING_PARAMETER, "prompt"},
        {"prompt", "{'prompt':7}", ERROR_BAD_TYPE, "prompt"},
        {"n of none", "{'prompt':'x','n':0}", ERROR_BAD_VALUE, "n"},
        {"n of many", "{'prompt':'x','n':11}", ERROR_BAD_VALUE, "n"},
        {"n in parts", "{'prompt':'x','n':1.5}", ERROR_BAD_TYPE, "n"},
        {"n in words", "{'prompt':'x','n':'two'}", ERROR_BAD_TYPE, "n"},
        {"a hint of none", "{'prompt':'x {n:0}'}", ERROR_BAD_VALUE, "prompt"},
        {"a hint of many", "{'prompt':'x {n:99999999}'}", ERROR_BAD_VALUE, "prompt"},
        {"a hint of no shape", "{'model':'imagen-4.0-generate-001','prompt':'x {ratio:2:3}'}",
         ERROR_BAD_VALUE, "prompt"},
        {"size", "{'prompt':'x','size':'large'}", ERROR_BAD_VALUE, "size"},
        {"half a size", "{'prompt':'x','size':'1024x'}", ERROR_BAD_VALUE, "size"},
        {"a size of nothing", "{'prompt':'x','size':'0x0'}", ERROR_BAD_VALUE, "size"},
        {"a huge size", "{'prompt':'x','size':'99999999999x1'}", ERROR_BAD_VALUE, "size"},
        {"more behind the size", "{'prompt':'x','size':'1024x1024px'}", ERROR_BAD_VALUE, "size"},
        {"size as a number", "{'prompt':'x','size':1024}", ERROR_BAD_TYPE, "size"},
        {"a shape that it has not",
         "{'model':'imagen-4.0-generate-001','prompt':'x','aspectRatio':'21:9'}", ERROR_BAD_VALUE,
         "aspectRatio"},
        {"quality", "{'prompt':'x','quality':'best'}", ERROR_BAD_VALUE, "quality"},
        {"style", "{'prompt':'x','style':'oil'}", ERROR_BAD_VALUE, "style"},
        {"moderation", "{'prompt':'x','moderation':'off'}", ERROR_BAD_VALUE, "moderation"},
        {"no ground", "{'prompt':'x','background':'transparent'}", ERROR_UNSUPPORTED_VALUE,
         "background"},
        {"response_format", "{'prompt':'x','response_format':'png'}", ERROR_BAD_VALUE,
         "response_format"},
        {"output_format", "{'prompt':'x','output_format':'gif'}", ERROR_BAD_VALUE, "output_format"},
        {"compression", "{'prompt':'x','output_compression':101}", ERROR_BAD_VALUE,
         "output_compression"},
        {"stream", "{'prompt':'x','stream':'maybe'}", ERROR_BAD_TYPE, "stream"},
        {"partial", "{'prompt':'x','stream':true,'partial_images':4}", ERROR_BAD_VALUE,
         "partial_images"},
        {"a model of words", "{'prompt':'x','model':'gemini-2.5-flash'}", ERROR_NO_MODEL, "model"},
        {"a model that is hidden", "{'prompt':'x','model':'gemini-old'}", ERROR_NO_MODEL, "model"},
        {"a path for a model", "{'prompt':'x','model':'../x'}", ERROR_NO_MODEL, "model"},
    };

    (void)state;
    run_refuses(&endpoint_images, cases, COUNT_OF(cases));
}

static void an_error_says_what_came_instead(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"{'prompt':'x','n':'two'}",
         "Invalid type for 'n': expected a number, but got a string instead."},
        {"{'prompt':'x','n':true}",
         "Invalid type for 'n': expected a number, but got a boolean instead."},
        {"{'prompt':'x','n':1.5}",
         "Invalid type for 'n': expected an integer, but got a number instead."},
        {"{'prompt':'x','stream':7}",
         "Invalid type for 'stream': expected a boolean, but got a number instead."},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        assert_int_equal(run_begin(&run, &endpoint_images, cases[i].in), ERROR_BAD_TYPE);
        expect_text(cases[i].in, bytes_cstr(&run.plan.why), cases[i].want);
        run_clear(&run);
    }
}

static void a_long_prompt_is_refused(void **state)
{
    struct bytes body = {0};
    struct run run;

    (void)state;
    bytes_text(&body, "{'prompt':'");
    for (int i = 0; i < 32001; i++)
        bytes_text(&body, "ä");
    bytes_text(&body, "'}");
    assert_int_equal(run_begin(&run, &endpoint_images, bytes_cstr(&body)), ERROR_TOO_LONG);
    assert_string_equal(run.plan.param, "prompt");
    run_clear(&run);
    bytes_clear(&body);
}

static void more_calls_than_a_request_may_have_are_refused(void **state)
{
    struct bytes json = json_of("{'prompt':'x','n':5}");
    struct request request = {.pool = "gemini", .body = bytes_view(&json)};
    struct run run = {.endpoint = &endpoint_images,
                      .state = memory_new(endpoint_images.state_size),
                      .plan = {.limit = 4}};

    (void)state;
    assert_int_equal(endpoint_images.begin(run.state, &request, &run.plan), ERROR_BAD_VALUE);
    assert_string_equal(run.plan.param, "n");
    run_clear(&run);
    bytes_clear(&json);
}

/* ---- replies ---- */

#define USAGE                                                                                      \
    ",'usageMetadata':{'promptTokenCount':5,'candidatesTokenCount':1300,'thoughtsTokenCount':20,"  \
    "'candidatesTokensDetails':[{'modality':'IMAGE','tokenCount':1290}]}"
#define TOLD                                                                                       \
    "{'input_tokens':5,'output_tokens':1320,'total_tokens':1325,'input_tokens_details':"           \
    "{'text_tokens':5,'image_tokens':0},'output_tokens_details':{'text_tokens':30,"                \
    "'image_tokens':1290}}"
#define PARTS(parts)                                                                               \
    "{'candidates':[{'content':{'parts':[" parts "]},'finishReason':'STOP'}]" USAGE "}"
#define PICTURE(type, data) "{'inlineData':{'mimeType':'" type "','data':'" data "'}}"

static void pictures_become_a_reply(void **state)
{
    static const struct {
        const char *what, *in, *answer, *want;
    } cases[] = {
        {"Imagen", "{'model':'imagen-x','prompt':'x','n':2}",
         "{'predictions':[{'mimeType':'image/png','bytesBase64Encoded':'QQ=='},"
         "{'mimeType':'image/png','bytesBase64Encoded':'Qg==','prompt':'better'}]}",
         "{'created':1700000000,'data':[{'b64_json':'QQ=='},{'b64_json':'Qg==','revised_prompt':"
         "'better'}],'background':'opaque','output_format':'png'}"},
        {"one that was filtered is missing", "{'model':'imagen-x','prompt':'x','n':2}",
         "{'predictions':[{'raiFilteredReason':'bad'},{'bytesBase64Encoded':'Qg=='}]}",
         "{'created':1700000000,'data':[{'b64_json':'Qg=='}],'background':'opaque',"
         "'output_format':'png'}"},
        {"as a URL", "{'model':'imagen-x','prompt':'x','response_format':'url'}",
         "{'predictions':[{'mimeType':'image/jpeg','bytesBase64Encoded':'QQ=='}]}",
         "{'created':1700000000,'data':[{'url':'data:image/jpeg;base64,QQ=='}],'background':"
         "'opaque','output_format':'jpeg'}"},
        {"Gemini", "{'prompt':'x'}",
         PARTS("{'text':' Here. '}," PICTURE("image/png", "QQ==") "," PICTURE("image/png", "Qg==")),
         "{'created':1700000000,'data':[{'b64_json':'QQ==','revised_prompt':'Here.'}],"
         "'background':'opaque','output_format':'png','usage':" TOLD "}"},
        {"what was only thought is no picture", "{'prompt':'x','output_format':'webp'}",
         PARTS("{'thought':true,'inlineData':{'mimeType':'image/png','data':'QQ=='}},"
               "{'thought':true,'text':'Hm.'}," PICTURE("image/jpeg", "Qg==")),
         "{'created':1700000000,'data':[{'b64_json':'Qg=='}],'background':'opaque',"
         "'output_format':'jpeg','usage':" TOLD "}"},
        {"in a stream", "{'prompt':'x','stream':true,'quality':'high'}",
         PARTS(PICTURE("image/webp", "QQ==")),
         "event: image_generation.completed\ndata: {'type':'image_generation.completed',"
         "'b64_json':'QQ==','created_at':1700000000,'size':'auto','quality':'high','background':"
         "'opaque','output_format':'webp','usage':" TOLD "}\n\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        assert_int_equal(run_begin(&run, &endpoint_images, cases[i].in), ERROR_NONE);
        assert_int_equal(run_answer(&run, 0, cases[i].answer), ERROR_NONE);
        endpoint_images.end(run.state, &run.out);
        run_expect(&run, cases[i].what, cases[i].want);
        run_clear(&run);
    }
}

static void pictures_of_several_calls_are_one_reply(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin(&run, &endpoint_images, "{'prompt':'x','n':3}"), ERROR_NONE);
    assert_int_equal(run_answer(&run, 0, PARTS(PICTURE("image/png", "QQ=="))), ERROR_NONE);
    assert_int_equal(
        run_answer(&run, 1, "{'candidates':[{'finishReason':'IMAGE_SAFETY'}]" USAGE "}"),
        ERROR_NONE);
    assert_int_equal(run_answer(&run, 2, PARTS(PICTURE("image/png", "Qw=="))), ERROR_NONE);
    endpoint_images.end(run.state, &run.out);
    run_expect(
        &run, "two of three",
        "{'created':1700000000,'data':[{'b64_json':'QQ=='},{'b64_json':'Qw=='}],"
        "'background':'opaque','output_format':'png','usage':{'input_tokens':5,"
        "'output_tokens':3960,'total_tokens':3965,'input_tokens_details':{'text_tokens':5,"
        "'image_tokens':0},'output_tokens_details':{'text_tokens':90,'image_tokens':3870}}}");
    run_clear(&run);
}

static void no_picture_is_an_error(void **state)
{
    static const struct {
        const char *in, *answer, *why; /* NULL: nothing is said */
    } cases[] = {
        {"{'model':'imagen-x','prompt':'x'}", "{}", NULL},
        {"{'model':'imagen-x','prompt':'x'}", "{'predictions':[{'raiFilteredReason':'bad words'}]}",
         "bad words"},
        {"{'prompt':'x'}", "{'candidates':[{'finishReason':'IMAGE_SAFETY'}]}", "IMAGE_SAFETY"},
        {"{'prompt':'x'}",
         "{'candidates':[{'finishReason':'NO_IMAGE','finishMessage':'Could not.'}]}", "Could not."},
        {"{'prompt':'x'}", "{'promptFeedback':{'blockReason':'PROHIBITED_CONTENT'}}",
         "PROHIBITED_CONTENT"},
        {"{'prompt':'x'}", PARTS("{'text':'I would rather not.'}"), "I would rather not."},
        {"{'prompt':'x'}", "{'candidates':[{'finishReason':'STOP'}]}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        assert_int_equal(run_begin(&run, &endpoint_images, cases[i].in), ERROR_NONE);
        assert_int_equal(run_answer(&run, 0, cases[i].answer), ERROR_CONTENT_POLICY);
        assert_int_equal(run.out.len, 0);
        if (cases[i].why)
            assert_non_null(strstr(bytes_cstr(&run.plan.why), cases[i].why));
        else
            assert_null(strstr(bytes_cstr(&run.plan.why), "It says"));
        run_clear(&run);
    }
}

static void what_is_no_answer_is_the_providers_fault(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin(&run, &endpoint_images, "{'prompt':'x'}"), ERROR_NONE);
    assert_int_equal(run_answer(&run, 0, "no JSON"), ERROR_UPSTREAM);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(requests_become_the_providers, image_options),
        cmocka_unit_test_setup(the_rest_of_many_is_asked_for_too, image_options),
        cmocka_unit_test_setup(safety_settings_go_along, image_options),
        cmocka_unit_test_setup(quality_may_leave_the_size_alone, image_options),
        cmocka_unit_test_setup(wrong_requests_are_refused, image_options),
        cmocka_unit_test_setup(an_error_says_what_came_instead, image_options),
        cmocka_unit_test_setup(a_long_prompt_is_refused, image_options),
        cmocka_unit_test_setup(more_calls_than_a_request_may_have_are_refused, image_options),
        cmocka_unit_test_setup(pictures_become_a_reply, image_options),
        cmocka_unit_test_setup(pictures_of_several_calls_are_one_reply, image_options),
        cmocka_unit_test_setup(no_picture_is_an_error, image_options),
        cmocka_unit_test_setup(what_is_no_answer_is_the_providers_fault, image_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
