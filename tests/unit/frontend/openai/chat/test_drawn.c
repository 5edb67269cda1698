/* SPDX-License-Identifier: Apache-2.0 */
/* Chats that are requests for pictures: what the provider is asked, and what clients get. */
#include "frontend/media_test.h"

static int drawn_options(void **state)
{
    plain_options(state);
    settings_mine()->create_image_model = "models/gemini-3.1-flash-image";
    return 0;
}

#define IMAGEN "'model':'imagen-4.0-generate-001-chat'"
#define GEMINI "'model':'gemini-3.1-flash-image-chat'"
#define SAYS(model, content, more)                                                                 \
    "{" model ",'messages':[{'role':'user','content':" content "}]" more "}"
#define TEXT(text) "{'type':'text','text':'" text "'}"
#define PREDICT(prompt, parameters)                                                                \
    "/models/imagen-4.0-generate-001:predict {'instances':[{'prompt':'" prompt                     \
    "'}],'parameters':{" parameters ",'personGeneration':'allow_adult','safetySetting':"           \
    "'block_low_and_above','includeRaiReason':true,'outputOptions':{'mimeType':'image/png'}}}"
#define CONTENT(prompt, config)                                                                    \
    "/models/gemini-3.1-flash-image:generateContent {'contents':[{'role':'user','parts':"          \
    "[{'text':'" prompt "'}]}],'generationConfig':{'responseModalities':['TEXT','IMAGE']" config   \
    "}}"

/* ---- requests ---- */

static void the_last_text_is_drawn(void **state)
{
    static const struct {
        const char *what, *in;
        size_t count; /* of calls */
        const char *want;
    } cases[] = {
        {"a text", SAYS(IMAGEN, "'a fox'", ""), 1, PREDICT("a fox", "'sampleCount':1")},
        {"what stands before it",
         "{" IMAGEN ",'messages':[{'role':'system','content':'Be brief.'},{'role':'user',"
         "'content':'a fox'},{'role':'assistant','content':null,'images':[]},{'role':'user',"
         "'content':'a hen'},{'role':'assistant','content':'x'}],'temperature':0.7,'tools':[],"
         "'max_tokens':9,'n':1,'stream':false}",
         1, PREDICT("a hen", "'sampleCount':1")},
        {"parts", SAYS(IMAGEN, "[" TEXT("a fox") "," TEXT("in snow") "]", ""), 1,
         PREDICT("a fox\\nin snow", "'sampleCount':1")},
        {"hints", SAYS(IMAGEN, "'a fox {n:2} {ratio:16:9}'", ""), 1,
         PREDICT("a fox", "'sampleCount':2,'aspectRatio':'16:9'")},
        {"more than one call makes", SAYS(IMAGEN, "'a fox {n:6}'", ""), 2,
         PREDICT("a fox", "'sampleCount':4")},
        {"Gemini's models make one a call", SAYS(GEMINI, "'a fox {n:3}'", ",'stream':true"), 3,
         CONTENT("a fox", "")},
        {"shape and size",
         SAYS(GEMINI, "'a fox'",
              ",'extra_body':{'google':{'aspect_ratio':'4:5','image_size':'2K'}}"),
         1, CONTENT("a fox", ",'imageConfig':{'aspectRatio':'4:5','imageSize':'2K'}")},
        {"shape and size in Google's words",
         SAYS(GEMINI, "'a fox'",
              ",'extra_body':{'google':{'image_config':{'aspect_ratio':'4:5','imageSize':'2K'}}}"),
         1, CONTENT("a fox", ",'imageConfig':{'aspectRatio':'4:5','imageSize':'2K'}")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        if (run_begin(&run, &endpoint_chat, cases[i].in) != ERROR_NONE)
            fail_msg("%s: refused: %s", cases[i].what, bytes_cstr(&run.plan.why));
        assert_int_equal(run.plan.count, cases[i].count);
        run_asked(&run, cases[i].what, 0, cases[i].want);
        expect_text("pool", run.plan.steps[0]->order.pool, "paid");
        assert_int_equal(run.plan.steps[0]->order.client, 7);
        assert_int_equal(run.plan.steps[0]->pass, STEP_WHOLE);
        assert_int_equal(run.plan.is_gathered, run.plan.is_sse);
        run_clear(&run);
    }
}

static void what_cannot_be_drawn_is_refused(void **state)
{
    static const struct refused cases[] = {
        {"no messages", "{" IMAGEN "}", ERROR_MISSING_PARAMETER, "messages"},
        {"none of the user's", "{" IMAGEN ",'messages':[{'role':'system','content':'x'}]}",
         ERROR_BAD_VALUE, "messages"},
        {"nothing said", SAYS(IMAGEN, "' '", ""), ERROR_BAD_VALUE, "messages"},
        {"no parts", SAYS(IMAGEN, "[]", ""), ERROR_BAD_VALUE, "messages"},
        {"hints alone", SAYS(IMAGEN, "'{n:2}'", ""), ERROR_MISSING_PARAMETER, "messages"},
        {"too many", SAYS(IMAGEN, "'a fox {n:11}'", ""), ERROR_BAD_VALUE, "messages"},
        {"a content of no type", SAYS(IMAGEN, "7", ""), ERROR_BAD_TYPE, "messages[0].content"},
        {"a message of no type", "{" IMAGEN ",'messages':[7]}", ERROR_BAD_VALUE, "messages"},
        {"a text of no type", SAYS(IMAGEN, "[{'type':'text','text':7}]", ""), ERROR_BAD_TYPE,
         "messages[0].content[0].text"},
        {"a picture",
         SAYS(IMAGEN,
              "[" TEXT(
                  "this") ",{'type':'image_url','image_url':{'url':'data:image/png;base64,AA=='}}]",
              ""),
         ERROR_UNSUPPORTED_VALUE, "messages[0].content[1].type"},
        {"choices", SAYS(IMAGEN, "'a fox'", ",'n':2"), ERROR_UNSUPPORTED_VALUE, "n"},
        {"a shape that there is not",
         SAYS(IMAGEN, "'a fox'", ",'extra_body':{'google':{'aspect_ratio':'5:1'}}"),
         ERROR_BAD_VALUE, "aspect_ratio"},
        {"a model that does not draw", SAYS("'model':'imagen-4.0-generate-001'", "'x'", ""),
         ERROR_NO_MODEL, "model"},
    };

    (void)state;
    run_refuses(&endpoint_chat, cases, COUNT_OF(cases));
    settings_mine()->create_image_model = "gemini-9.9-pro";
    run_refuses(&endpoint_chat,
                &(struct refused){"a choice that does not draw",
                                  SAYS("'model':'gemini-9.9-pro-chat'", "'x'", ""), ERROR_NO_MODEL,
                                  "model"},
                1);
}

/* ---- replies ---- */

#define PNG(data) "{'mimeType':'image/png','bytesBase64Encoded':'" data "'}"
#define PICTURE(data) "{'type':'image_url','image_url':{'url':'data:image/png;base64," data "'}"
#define NO_USAGE                                                                                   \
    "'usage':{'prompt_tokens':0,'completion_tokens':0,'total_tokens':0,"                           \
    "'prompt_tokens_details':{'cached_tokens':0,'audio_tokens':0},'completion_tokens_details':"    \
    "{'reasoning_tokens':0,'audio_tokens':0,'accepted_prediction_tokens':0,"                       \
    "'rejected_prediction_tokens':0}}"
#define HEAD(object, model)                                                                        \
    "{'id':'chatcmpl-0000000000000000','object':'" object "','created':1700000000,'model':'" model \
    "','choices':["
#define WHOLE(model, content, images, usage)                                                       \
    HEAD("chat.completion", model)                                                                 \
    "{'index':0,'message':{'role':'assistant','content':'" content "'" images                      \
    ",'refusal':null,'annotations':[]},'logprobs':null,'finish_reason':'stop'}]," usage "}"

static void pictures_are_those_of_the_message(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin(&run, &endpoint_chat, SAYS(IMAGEN, "'a fox {n:5}'", "")),
                     ERROR_NONE);
    assert_int_equal(
        run_answer(&run, 0,
                   "{'predictions':[" PNG("AA==") ",{'raiFilteredReason':'No.'}," PNG("AQ==") "]}"),
        ERROR_NONE);
    assert_int_equal(run.out.len, 0);
    assert_true(run.plan.kept > 0);
    assert_int_equal(run_answer(&run, 1, "{'predictions':[" PNG("Ag==") "]}"), ERROR_NONE);
    run.endpoint->end(run.state, &run.out);
    run_expect(&run, "Imagen's",
               WHOLE("imagen-4.0-generate-001-chat", "",
                     ",'images':[" PICTURE("AA==") "}," PICTURE("AQ==") "}," PICTURE("Ag==") "}]",
                     NO_USAGE));
    run_clear(&run);
}

#define DREW                                                                                       \
    "{'candidates':[{'content':{'parts':[{'text':'Here:'},{'inlineData':{'mimeType':'image/png',"  \
    "'data':'AA=='}}]},'finishReason':'STOP'}],'usageMetadata':{'promptTokenCount':5,"             \
    "'candidatesTokenCount':1300,'candidatesTokensDetails':[{'modality':'IMAGE',"                  \
    "'tokenCount':1290}]}}"

static void what_is_said_beside_them_is_the_content(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin(&run, &endpoint_chat, SAYS(GEMINI, "'a fox {n:2}'", "")),
                     ERROR_NONE);
    assert_int_equal(run_answer(&run, 0, DREW), ERROR_NONE);
    assert_int_equal(run_answer(&run, 1, DREW), ERROR_NONE);
    run_expect(&run, "Gemini's",
               WHOLE("gemini-3.1-flash-image-chat",
                     "Here:Here:", ",'images':[" PICTURE("AA==") "}," PICTURE("AA==") "}]",
                     "'usage':{'prompt_tokens':5,'completion_tokens':2600,'total_tokens':2605,"
                     "'prompt_tokens_details':{'cached_tokens':0,'audio_tokens':0,'text_tokens':5},"
                     "'completion_tokens_details':{'reasoning_tokens':0,'audio_tokens':0,"
                     "'image_tokens':2580,'accepted_prediction_tokens':0,"
                     "'rejected_prediction_tokens':0}}"));
    run_clear(&run);
}

#define CHUNK(delta, finish)                                                                       \
    "data: " HEAD("chat.completion.chunk",                                                         \
                  "imagen-4.0-generate-001-chat") "{'index':0,'delta':{" delta                     \
                                                  "},'logprobs':null,'finish_reason':" finish      \
                                                  "}],'usage':null}\n\n"

static void a_stream_has_them_in_a_delta(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin(&run, &endpoint_chat,
                               SAYS(IMAGEN, "'a fox {n:2}'",
                                    ",'stream':true,'stream_options':{'include_usage':true}")),
                     ERROR_NONE);
    assert_true(run.plan.is_sse);
    assert_int_equal(run_answer(&run, 0, "{'predictions':[" PNG("AA==") "," PNG("AQ==") "]}"),
                     ERROR_NONE);
    run_expect(&run, "a stream",
               CHUNK("'role':'assistant','content':'','refusal':null", "null")
                   CHUNK("'images':[" PICTURE("AA==") ",'index':0}," PICTURE("AQ==") ",'index':1}]",
                         "null")
                       CHUNK("", "'stop'") "data: " HEAD(
                           "chat.completion.chunk",
                           "imagen-4.0-generate-001-chat") "]," NO_USAGE "}\n\ndata: [DONE]\n\n");
    run_clear(&run);
}

static void links_are_the_operators_wish(void **state)
{
    struct run run;

    (void)state;
    settings_mine()->image_links = true;
    assert_int_equal(run_begin(&run, &endpoint_chat, SAYS(IMAGEN, "'a fox'", "")), ERROR_NONE);
    assert_int_equal(run_answer(&run, 0, "{'predictions':[" PNG("AA==") "]}"), ERROR_NONE);
    run_expect(&run, "Markdown",
               WHOLE("imagen-4.0-generate-001-chat", "![image](data:image/png;base64,AA==)", "",
                     NO_USAGE));
    run_clear(&run);
}

static void no_picture_is_an_error(void **state)
{
    static const struct {
        const char *what, *in, *answer;
        enum error error;
        const char *why; /* a part of it */
    } cases[] = {
        {"filtered", SAYS(IMAGEN, "'a fox'", ""),
         "{'predictions':[{'raiFilteredReason':'Not that.'}]}", ERROR_CONTENT_POLICY,
         "It says: Not that."},
        {"words", SAYS(GEMINI, "'a fox'", ",'stream':true"),
         "{'candidates':[{'content':{'parts':[{'text':'I will not.'}]},'finishReason':'STOP'}]}",
         ERROR_CONTENT_POLICY, "It says: I will not."},
        {"nothing at all", SAYS(IMAGEN, "'a fox'", ""), "[]", ERROR_UPSTREAM, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        assert_int_equal(run_begin(&run, &endpoint_chat, cases[i].in), ERROR_NONE);
        assert_int_equal(run_answer(&run, 0, cases[i].answer), cases[i].error);
        assert_int_equal(run.out.len, 0);
        if (!strstr(bytes_cstr(&run.plan.why), cases[i].why))
            fail_msg("%s: %s", cases[i].what, bytes_cstr(&run.plan.why));
        run_clear(&run);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, drawn_options)
    const struct CMUnitTest tests[] = {
        TEST(the_last_text_is_drawn),
        TEST(what_cannot_be_drawn_is_refused),
        TEST(pictures_are_those_of_the_message),
        TEST(what_is_said_beside_them_is_the_content),
        TEST(a_stream_has_them_in_a_delta),
        TEST(links_are_the_operators_wish),
        TEST(no_picture_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
