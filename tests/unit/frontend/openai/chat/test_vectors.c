/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of chat/completions that gateways get wrong, one test for each, both ways. The tables
 * of single rules are in the tests of the dialect. */
#include "frontend/reply_test.h"

#include <yyjson.h>

#include "base/sse.h"
#include "settings_mine.h"

#define REQUEST_OF(model, messages) "{'model':'" model "','messages':[" messages "]}"
#define REQUEST(messages) REQUEST_OF("gemini-2.5-pro", messages)
#define USER(text) "{'role':'user','content':'" text "'}"
#define CONTENTS(contents) "{'contents':[" contents "]}"
#define SAYS(role, parts) "{'role':'" role "','parts':[" parts "]}"
#define PART(text) "{'text':'" text "'}"

#define ANSWERS(...)                                                                               \
    do {                                                                                           \
        static const struct whole cases[] = {__VA_ARGS__};                                         \
        wholes_are(cases, COUNT_OF(cases), false);                                                 \
    } while (0)
#define STREAMS(...)                                                                               \
    do {                                                                                           \
        static const struct stream cases[] = {__VA_ARGS__};                                        \
        streams_are(cases, COUNT_OF(cases));                                                       \
    } while (0)

/* ---- requests ---- */

static void v01_plain_text(void **state)
{
    (void)state;
    TRANSLATES({"", REQUEST(USER("Hi")), CONTENTS(SAYS("user", PART("Hi")))});
    ANSWERS({"", PARTS(PART("Hello"), "STOP"),
             WHOLE(MESSAGE("0", "'content':'Hello','refusal':null", "stop"), NO_USAGE)});
    STREAMS({.what = "",
             .events = {MORE(PART("Hel")), PARTS(PART("lo"), "STOP")},
             .want = ROLE TEXT("Hel") TEXT("lo") FINISH("stop") DONE});
}

static void v02_system_only(void **state)
{
    (void)state;
    TRANSLATES({"", REQUEST("{'role':'system','content':'Be brief.'}"),
                CONTENTS(SAYS("user", PART("Be brief.")))});
}

static void v03_two_systems_and_a_late_developer(void **state)
{
    (void)state;
    TRANSLATES({"",
                REQUEST("{'role':'system','content':'A'},{'role':'system','content':'B'}," USER(
                    "Hi") ",{'role':'developer','content':'C'}"),
                "{'contents':[" SAYS("user", PART("Hi")) "],'systemInstruction':{'parts':[" PART(
                    "A") "," PART("B") "," PART("C") "]}}"});
}

static void v04_consecutive_users(void **state)
{
    (void)state;
    TRANSLATES({"", REQUEST(USER("a") "," USER("") "," USER("b")),
                CONTENTS(SAYS("user", PART("a") "," PART("b")))});
}

static void v05_a_prefill_is_refused_from_3_6_on(void **state)
{
    (void)state;
    TRANSLATES(
        {"older",
         REQUEST_OF("gemini-3.5-flash", USER("Hi") ",{'role':'assistant','content':'Well,'}"),
         CONTENTS(SAYS("user", PART("Hi")) "," SAYS("model", PART("Well,")))},
        {"none after all",
         REQUEST_OF("gemini-3.6-flash", USER("Hi") ",{'role':'assistant','content':''}"),
         CONTENTS(SAYS("user", PART("Hi")))});
    REFUSES({"newer",
             REQUEST_OF("gemini-3.6-flash", USER("Hi") ",{'role':'assistant','content':'Well,'}"),
             ERROR_UNSUPPORTED_VALUE, "messages"},
            {"newer still",
             REQUEST_OF("gemini-4-pro", USER("Hi") ",{'role':'assistant','content':'Well,'}"),
             ERROR_UNSUPPORTED_VALUE, "messages"},
            {"3.5-flash-lite",
             REQUEST_OF("gemini-3.5-flash-lite", USER("Hi") ",{'role':'assistant','content':'W'}"),
             ERROR_UNSUPPORTED_VALUE, "messages"});
}

static void v05_or_the_user_says_continue(void **state)
{
#define PREFILL(model) REQUEST_OF(model, USER("Hi") ",{'role':'assistant','content':'Well,'}")
#define TURNS SAYS("user", PART("Hi")) "," SAYS("model", PART("Well,"))
    (void)state;
    settings_mine()->continue_prefill = true;
    TRANSLATES(
        {"newer", PREFILL("gemini-3.6-flash"), CONTENTS(TURNS "," SAYS("user", PART("Continue.")))},
        {"older", PREFILL("gemini-3.5-flash"), CONTENTS(TURNS)},
        {"none after all",
         REQUEST_OF("gemini-3.6-flash", USER("Hi") ",{'role':'assistant','content':''}"),
         CONTENTS(SAYS("user", PART("Hi")))},
        {"with a system's word",
         REQUEST_OF("gemini-3.6-flash", "{'role':'assistant','content':'Well,'},"
                                        "{'role':'system','content':'S'}"),
         "{'contents':[" SAYS("user", PART(".")) "," SAYS("model", PART("Well,")) "," SAYS(
             "user", PART("Continue.")) "],'systemInstruction':{'parts':[" PART("S") "]}}"});
}

static void v22_stop_as_text_as_a_list_and_six_of_them(void **state)
{
#define STOPS(stop) "{'model':'gemini-2.5-pro','stop':" stop ",'messages':[" USER("Hi") "]}"
#define STOPPED(stops)                                                                             \
    "{'contents':[" SAYS("user", PART("Hi")) "],'generationConfig':{'stopSequences':[" stops "]}}"
    (void)state;
    TRANSLATES({"text", STOPS("'END'"), STOPPED("'END'")},
               {"a list", STOPS("['a','b']"), STOPPED("'a','b'")},
               {"five of six", STOPS("['1','2','3','2','4','5']"), STOPPED("'1','2','3','4','5'")},
               {"six, two empty", STOPS("['','1','2','','3','4']"), STOPPED("'1','2','3','4'")});
    REFUSES({"six", STOPS("['1','2','3','4','5','6']"), ERROR_BAD_VALUE, "stop"});
}

#define PICTURE(url) "{'type':'image_url','image_url':{'url':'" url "'}}"
#define LOOKS(part) REQUEST("{'role':'user','content':[{'type':'text','text':'See:'}," part "]}")
#define SEEN_PART(part) CONTENTS(SAYS("user", PART("See:") "," part))
#define SEEN(data, type) SEEN_PART("{'inlineData':{'data':'" data "','mimeType':'" type "'}}")
#define PNG "iVBORw0KGgoAAAANSUhEUg=="

static void v25_data_urls(void **state)
{
    (void)state;
    TRANSLATES(
        {"an object", LOOKS(PICTURE("data:image/png;base64," PNG)), SEEN(PNG, "image/png")},
        {"a string", LOOKS("{'type':'image_url','image_url':'data:image/png;base64," PNG "'}"),
         SEEN(PNG, "image/png")},
        {"an input_image",
         LOOKS("{'type':'input_image','detail':'low','image_url':'data:image/png;base64," PNG "'}"),
         SEEN(PNG, "image/png")},
        {"parameters", LOOKS(PICTURE("data:image/png;charset=x;base64," PNG)),
         SEEN(PNG, "image/png")},
        {"no type", LOOKS(PICTURE("data:;base64," PNG)), SEEN(PNG, "image/png")},
        {"image/jpg", LOOKS(PICTURE("data:image/jpg;base64,/9j/4AAQ")),
         SEEN("/9j/4AAQ", "image/jpeg")},
        {"white space", LOOKS(PICTURE("data:image/png;base64,iVBORw0KGgoA\\n AAANSUhEUg==")),
         SEEN(PNG, "image/png")},
        {"the alphabet for URLs", LOOKS(PICTURE("data:image/png;base64,_-_-")),
         SEEN("/+/+", "image/png")},
        {"no padding", LOOKS(PICTURE("data:image/png;base64,QQ")), SEEN("QQ==", "image/png")},
        {"escaped slashes", LOOKS(PICTURE("data:image\\/png;base64,QUJ\\/")),
         SEEN("QUJ/", "image/png")},
        {"plain", LOOKS(PICTURE("data:text/plain,Hi%21")), SEEN("SGkh", "text/plain")},
        {"alone", REQUEST("{'role':'user','content':[" PICTURE("data:image/png;base64,QQ==") "]}"),
         CONTENTS(SAYS("user", "{'inlineData':{'data':'QQ==','mimeType':'image/png'}}"))});
}

static void v25_other_urls_and_bad_ones_are_refused_by_name(void **state)
{
#define URL "messages[0].content[1].image_url.url"
    (void)state;
    REFUSES(
        {"http, of an older model",
         REQUEST_OF("gemini-2.0-flash",
                    "{'role':'user','content':[" PICTURE("http://example.org/a.png") "]}"),
         ERROR_UNSUPPORTED_VALUE, "messages[0].content[0].image_url.url"},
        {"gs", LOOKS(PICTURE("gs://bucket/a.png")), ERROR_UNSUPPORTED_VALUE, URL},
        {"a folder", LOOKS(PICTURE("files/a/b")), ERROR_UNSUPPORTED_VALUE, URL},
        {"no host", LOOKS(PICTURE("https:///a.png")), ERROR_UNSUPPORTED_VALUE, URL},
        {"empty", LOOKS(PICTURE("")), ERROR_UNSUPPORTED_VALUE, URL},
        {"wrong base64", LOOKS(PICTURE("data:image/png;base64,QUJ*")), ERROR_BAD_VALUE, URL},
        {"cut off", LOOKS(PICTURE("data:image/png;base64,QUJDQ")), ERROR_BAD_VALUE, URL},
        {"no data", LOOKS(PICTURE("data:image/png;base64,")), ERROR_BAD_VALUE, URL},
        {"no comma", LOOKS(PICTURE("data:image/png")), ERROR_BAD_VALUE, URL},
        {"no type", LOOKS(PICTURE("data:;base64,QUJD")), ERROR_BAD_VALUE, URL},
        {"an empty object", LOOKS("{'type':'image_url','image_url':{}}"), ERROR_MISSING_PARAMETER,
         URL},
        {"nothing", LOOKS("{'type':'image_url'}"), ERROR_MISSING_PARAMETER,
         "messages[0].content[1].image_url"},
        {"a number", LOOKS("{'type':'image_url','image_url':7}"), ERROR_BAD_TYPE,
         "messages[0].content[1].image_url"},
        {"a number inside", LOOKS("{'type':'image_url','image_url':{'url':7}}"), ERROR_BAD_TYPE,
         URL},
        {"a wrong string", LOOKS("{'type':'image_url','image_url':'data:image/png;base64,?'}"),
         ERROR_BAD_VALUE, "messages[0].content[1].image_url"},
        {"detail of a wrong type",
         LOOKS("{'type':'image_url','image_url':{'url':'data:image/png;base64,QQ==','detail':1}}"
               ""),
         ERROR_BAD_TYPE, "messages[0].content[1].image_url.detail"},
        {"an unknown detail",
         LOOKS("{'type':'image_url','image_url':{'url':'data:image/png;base64,QQ==','detail':"
               "'x'}}"),
         ERROR_BAD_VALUE, "messages[0].content[1].image_url.detail"},
        {"a system's picture",
         REQUEST(
             USER("Hi") ",{'role':'system','content':[" PICTURE("data:image/png;base64,QQ==") "]}"),
         ERROR_UNSUPPORTED_VALUE, "messages[1].content[0].type"});
}

static void v25_detail_goes_to_models_that_take_it(void **state)
{
#define DETAIL_OF(model, detail)                                                                   \
    REQUEST_OF(model, "{'role':'user','content':[{'type':'image_url','image_url':{'url':"          \
                      "'data:image/png;base64,QQ==','detail':'" detail "'}}]}")
#define DETAILED(more)                                                                             \
    CONTENTS(SAYS("user", "{'inlineData':{'data':'QQ==','mimeType':'image/png'}" more "}"))
#define LEVEL(level) ",'mediaResolution':{'level':'MEDIA_RESOLUTION_" level "'}"
    (void)state;
    TRANSLATES(
        {"low", DETAIL_OF("gemini-3-flash-preview", "low"), DETAILED(LEVEL("LOW"))},
        {"high", DETAIL_OF("gemini-3.6-flash", "high"), DETAILED(LEVEL("HIGH"))},
        {"auto", DETAIL_OF("gemini-3.6-flash", "auto"), DETAILED("")},
        {"original", DETAIL_OF("gemini-3.6-flash", "original"), DETAILED("")},
        {"2.5", DETAIL_OF("gemini-2.5-flash", "low"), DETAILED("")},
        {"a model that makes pictures", DETAIL_OF("gemini-3-pro-image", "low"), DETAILED("")});
}

#define HISTORY(model, assistant)                                                                  \
    REQUEST_OF(model, USER("Draw") ",{'role':'assistant'," assistant "}," USER("Again"))
#define HISTORY_OF(parts)                                                                          \
    CONTENTS(SAYS("user", PART("Draw")) "," SAYS("model", parts) "," SAYS("user", PART("Again")))
#define DRAWN "{'inlineData':{'data':'QQ==','mimeType':'image/png'}}"

static void v25_pictures_of_the_assistant_come_back(void **state)
{
    (void)state;
    TRANSLATES(
        {"to one that makes them",
         HISTORY("gemini-2.5-flash-image",
                 "'content':'Here:','images':[" PICTURE("data:image/png;base64,QQ==") "]"),
         HISTORY_OF(PART("Here:") "," DRAWN)},
        {"to one that makes them, as content",
         HISTORY("gemini-2.5-flash-image", "'content':[" PICTURE("data:image/png;base64,QQ==") "]"),
         HISTORY_OF(DRAWN)},
        {"to another",
         HISTORY("gemini-2.5-flash",
                 "'content':'Here:','images':[" PICTURE("data:image/png;base64,QQ==") "]"),
         HISTORY_OF(PART("Here:") "," PART("[image]"))},
        {"to one that makes them, in Markdown",
         HISTORY("gemini-2.5-flash-image",
                 "'content':'Here: ![a [cat](data:image/png;base64,QQ==)\\n![b](data:image/gif;"
                 "base64,R0lG)'"),
         HISTORY_OF(
             PART("Here: ![a [cat](data:image/png;base64,QQ==)\\n") ","
                                                                    "{'inlineData':{'data':'R0lG','"
                                                                    "mimeType':'image/gif'}}")},
        {"several, and text around them",
         HISTORY("gemini-2.5-flash-image",
                 "'content':[{'type':'text','text':'a![](data:image/png;base64,QQ==)![x](data:"
                 "image/png;base64,QQ==) b'}]"),
         HISTORY_OF(PART("a") "," DRAWN "," DRAWN "," PART(" b"))},
        {"what only looks like one",
         HISTORY("gemini-2.5-flash-image",
                 "'content':'![a](data:image/png;base64,?) ![b](data:image/png;base64,QQ== "
                 "[c](data:image/png;base64,QQ==) ![d](https://example.org/)'"),
         HISTORY_OF(PART("![a](data:image/png;base64,?) ![b](data:image/png;base64,QQ== "
                         "[c](data:image/png;base64,QQ==) ![d](https://example.org/)"))},
        {"at an address",
         HISTORY("gemini-2.5-flash-image", "'images':[" PICTURE("https://x.org/a.png") "]"),
         HISTORY_OF("{'fileData':{'fileUri':'https://x.org/a.png','mimeType':'image/png'}}")},
        {"a picture in the text of another model stays text",
         HISTORY("gemini-2.5-flash", "'content':'![a](data:image/png;base64,QQ==)'"),
         HISTORY_OF(PART("![a](data:image/png;base64,QQ==)"))});
    REFUSES({"what is none", HISTORY("gemini-2.5-flash-image", "'content':'','images':[1]"),
             ERROR_BAD_TYPE, "messages[1].images[0]"},
            {"a bucket",
             HISTORY("gemini-2.5-flash-image", "'images':[" PICTURE("gs://example/a") "]"),
             ERROR_UNSUPPORTED_VALUE, "messages[1].images[0].image_url.url"});
}

/* A request with `count` pictures of `size` bytes of base64 each. */
static enum error look_at(const char *model, size_t count, size_t size, struct ask *ask)
{
    struct bytes in = {0}, why = {0};
    const char *param;
    enum error error;

    bytes_printf(&in, "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":[", model);
    for (size_t i = 0; i < count; i++) {
        bytes_text(&in, i ? "," : "");
        bytes_text(&in, "{\"type\":\"image_url\",\"image_url\":\"data:image/png;base64,");
        memset(bytes_room(&in, size), 'A', size);
        in.len += size;
        bytes_text(&in, "\"}");
    }
    bytes_text(&in, "]}]}");
    error = openai_chat_request(bytes_view(&in), ask, &why, &param);
    if (error != ERROR_NONE) {
        expect_text("param", param, "messages[0].content[1].image_url");
        assert_non_null(strstr(bytes_cstr(&why), "MiB"));
    }
    bytes_clear(&in);
    bytes_clear(&why);
    return error;
}

static void v25_the_sum_of_pictures_has_a_limit(void **state)
{
    struct ask ask = {0};

    (void)state;
    assert_int_equal(look_at("gemini-2.0-flash", 2, 8 << 20, &ask), ERROR_NONE);
    assert_true(ask.body.len > 16 << 20);
    assert_int_equal(ask.estimate, 2 * 258);
    ask_clear(&ask);
    assert_int_equal(look_at("gemini-2.0-flash", 2, 12 << 20, &ask), ERROR_TOO_LARGE);
    ask_clear(&ask);
    assert_int_equal(look_at("gemini-2.5-flash", 2, 12 << 20, &ask), ERROR_NONE);
    ask_clear(&ask);
    assert_int_equal(look_at("gemini-2.5-flash", 2, 52 << 20, &ask), ERROR_TOO_LARGE);
    ask_clear(&ask);
}

#define SMILE "\xf0\x9f\x98\x80"

static void v26_emoji_and_lone_surrogates(void **state)
{
    (void)state;
    TRANSLATES(
        {"whole ones", REQUEST(USER("\\ud83d\\ude00" SMILE)),
         CONTENTS(SAYS("user", PART(SMILE SMILE)))},
        {"a first half", REQUEST(USER("a\\ud83d")), CONTENTS(SAYS("user", PART("a\xef\xbf\xbd")))},
        {"a second half", REQUEST(USER("\\ude00 b")),
         CONTENTS(SAYS("user", PART("\xef\xbf\xbd b")))},
        {"the wrong way round", REQUEST(USER("\\ude00\\ud83d")),
         CONTENTS(SAYS("user", PART("\xef\xbf\xbd\xef\xbf\xbd")))},
        {"a NUL and a bell", REQUEST(USER("a\\u0000b\\u0007")),
         CONTENTS(SAYS("user", PART("ab\xef\xbf\xbd")))});
    STREAMS({.what = "back",
             .events = {PARTS(PART("\\ud83d\\ude00"), "STOP")},
             .want = ROLE TEXT(SMILE) FINISH("stop") DONE});
}

static void v32_a_model_s_prefix_is_the_client_s_affair(void **state)
{
    static const char *const names[] = {"gemini-2.5-pro", "models/gemini-2.5-pro",
                                        "google/gemini-2.5-pro", "gemini/gemini-2.5-pro",
                                        "google/models/gemini-2.5-pro"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct bytes in = {0}, out = {0}, why = {0}, answer = json_of(PARTS(PART("Hi"), "STOP"));
        struct bytes want = {0};
        struct ask ask = {0};
        struct reply reply = {.ask = &ask};
        const char *param;

        bytes_printf(&in,
                     "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
                     names[i]);
        assert_int_equal(openai_chat_request(bytes_view(&in), &ask, &why, &param), ERROR_NONE);
        expect_text(names[i], bytes_cstr(&ask.path), "/models/gemini-2.5-pro:generateContent");
        expect_text(names[i], bytes_cstr(&ask.model), "gemini-2.5-pro");
        assert_true(chat_whole(&reply, bytes_view(&answer), &out));
        bytes_printf(&want, "\"model\":\"%s\"", names[i]);
        assert_non_null(strstr(bytes_cstr(&out), bytes_cstr(&want)));
        reply_clear(&reply);
        ask_clear(&ask);
        bytes_clear(&in);
        bytes_clear(&out);
        bytes_clear(&answer);
        bytes_clear(&want);
    }
}

static void v33_a_schema_of_great_depth_is_refused(void **state)
{
    struct bytes in = {0}, why = {0};
    struct ask ask = {0};
    const char *param;

    (void)state;
    bytes_text(&in, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
                    "\"parameters\":");
    for (int i = 0; i < 20000; i++)
        bytes_text(&in, "{\"type\":\"object\",\"properties\":{\"a\":");
    bytes_text(&in, "{}");
    for (int i = 0; i < 20000; i++)
        bytes_text(&in, "}}");
    bytes_text(&in, "}}]}");
    assert_int_equal(openai_chat_request(bytes_view(&in), &ask, &why, &param), ERROR_BAD_JSON);
    assert_non_null(strstr(bytes_cstr(&why), "deep"));
    ask_clear(&ask);
    bytes_clear(&in);
    bytes_clear(&why);
}

/* ---- replies ---- */

static void v11_thoughts_are_streamed_apart(void **state)
{
    (void)state;
    STREAMS({.what = "shown",
             .events = {MORE("{'text':'Hm','thought':true}"), MORE("{'text':'m','thought':true}"),
                        PARTS("{'text':'.','thought':true}," PART("So."), "STOP")},
             .want = ROLE CHUNK("'reasoning_content':'Hm'") CHUNK("'reasoning_content':'m'")
                 CHUNK("'reasoning_content':'.'") TEXT("So.") FINISH("stop") DONE},
            {.what = "hidden",
             .hides_thoughts = true,
             .events = {MORE("{'text':'Hm','thought':true}"),
                        PARTS("{'text':'.','thought':true}," PART("So."), "STOP")},
             .want = ROLE TEXT("So.") FINISH("stop") DONE});
}

static void v12_a_last_frame_with_a_signature_only(void **state)
{
    (void)state;
    STREAMS({.what = "an empty text",
             .events = {MORE(PART("Hi")), PARTS("{'text':'','thoughtSignature':'Eg=='}", "STOP")},
             .want = ROLE TEXT("Hi") FINISH("stop") DONE},
            {.what = "no text, after the finish",
             .events = {PARTS(PART("Hi"), "STOP"), MORE("{'thoughtSignature':'Eg=='}")},
             .want = ROLE TEXT("Hi") FINISH("stop") DONE});
}

static void v13_the_limit_before_any_content(void **state)
{
    (void)state;
    ANSWERS(
        {"no content", FINISHED("MAX_TOKENS"),
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "length"), NO_USAGE)},
        {"no parts",
         "{'candidates':[{'content':{'role':'model'},'finishReason':'MAX_TOKENS','index':0}],"
         "'usageMetadata':{'promptTokenCount':9,'thoughtsTokenCount':20,'totalTokenCount':29}" ID
         "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "length"),
               USAGE("9", "20", "29", "0", "20"))});
    STREAMS({.what = "", .events = {FINISHED("MAX_TOKENS")}, .want = ROLE FINISH("length") DONE});
}

#define BLOCKED(reason)                                                                            \
    "{'promptFeedback':{'blockReason':'" reason "'},'usageMetadata':{'promptTokenCount':4,"        \
    "'totalTokenCount':4}" ID "}"

static void v14_a_blocked_prompt(void **state)
{
    (void)state;
    ANSWERS({"", BLOCKED("PROHIBITED_CONTENT"),
             WHOLE(MESSAGE("0",
                           "'content':'','refusal':'The prompt was blocked: "
                           "PROHIBITED_CONTENT'",
                           "content_filter"),
                   USAGE("4", "0", "4", "0", "0"))});
    STREAMS({.what = "",
             .events = {BLOCKED("SAFETY")},
             .want = ROLE CHUNK("'refusal':'The prompt was blocked: SAFETY'")
                 FINISH("content_filter") DONE},
            {.what = "half-way",
             .events = {MORE(PART("Hi")), BLOCKED("SAFETY")},
             .want = ROLE TEXT("Hi") FINISH("content_filter") DONE});
}

static void v14_a_blocked_prompt_is_an_error_if_the_operator_wants(void **state)
{
    struct bytes answer = json_of(BLOCKED("SAFETY")), text = json_of(MORE(PART("Hi"))), out = {0};
    struct ask ask = {0};
    struct reply whole = {.ask = &ask}, stream = {.ask = &ask}, late = {.ask = &ask};

    (void)state;
    settings_mine()->refuse_blocked = true;
    assert_false(chat_whole(&whole, bytes_view(&answer), &out));
    assert_int_equal(whole.fault, ERROR_BLOCKED);
    assert_false(chat_event(&stream, bytes_view(&answer), &out));
    assert_int_equal(stream.fault, ERROR_BLOCKED);
    assert_int_equal(out.len, 0);
    assert_true(chat_event(&late, bytes_view(&text), &out));
    assert_true(chat_event(&late, bytes_view(&answer), &out)); /* the client has content */
    assert_true(late.has_finish);
    reply_clear(&whole);
    reply_clear(&stream);
    reply_clear(&late);
    bytes_clear(&answer);
    bytes_clear(&text);
    bytes_clear(&out);
}

static const struct {
    const char *reason, *with_content, *without; /* NULL: that is no answer */
} finishes[] = {
    {"STOP", "stop", "stop"},
    {"MAX_TOKENS", "length", "length"},
    {"SAFETY", "content_filter", "content_filter"},
    {"RECITATION", "content_filter", "content_filter"},
    {"LANGUAGE", "content_filter", "content_filter"},
    {"BLOCKLIST", "content_filter", "content_filter"},
    {"PROHIBITED_CONTENT", "content_filter", "content_filter"},
    {"SPII", "content_filter", "content_filter"},
    {"IMAGE_SAFETY", "content_filter", "content_filter"},
    {"IMAGE_PROHIBITED_CONTENT", "content_filter", "content_filter"},
    {"IMAGE_RECITATION", "content_filter", "content_filter"},
    {"ESCALATION", "content_filter", "content_filter"},
    {"PUP_LIMITED_DISABLED", "content_filter", "content_filter"},
    {"MALFORMED_FUNCTION_CALL", "stop", NULL},
    {"UNEXPECTED_TOOL_CALL", "stop", NULL},
    {"MALFORMED_RESPONSE", "stop", NULL},
    {"TOO_MANY_TOOL_CALLS", "stop", NULL},
    {"MISSING_THOUGHT_SIGNATURE", "stop", NULL},
    {"OTHER", "stop", "stop"},
    {"FINISH_REASON_UNSPECIFIED", "stop", "stop"},
    {"NO_IMAGE", "stop", "stop"},
    {"IMAGE_OTHER", "stop", "stop"},
    {"NEVER_HEARD_OF", "stop", "stop"},
};

/* What a client sees of an answer with this text and this reason. */
static void finish_streamed(const char *text, const char *reason, const char *word)
{
    struct bytes event = {0}, out = {0}, want = {0};
    struct ask ask = {0};
    struct reply reply = {.ask = &ask};

    bytes_printf(&event,
                 "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}]},"
                 "\"finishReason\":\"%s\",\"finishMessage\":\"Why not.\"}]}",
                 text, reason);
    bytes_printf(&want, "\"finish_reason\":\"%s\"", word ? word : "");
    assert_true(chat_event(&reply, bytes_view(&event), &out));
    assert_int_equal(ends(&reply, &out), word != NULL);
    if (!word)
        assert_non_null(strstr(bytes_cstr(&out), reason));
    else if (!strstr(bytes_cstr(&out), bytes_cstr(&want)))
        fail_msg("%s: %s", reason, bytes_cstr(&out));
    assert_int_equal(strstr(bytes_cstr(&out), "[DONE]") != NULL, word != NULL);
    assert_int_equal(strstr(bytes_cstr(&out), "\"refusal\":\"Why not.\"") != NULL,
                     !*text && word && strcmp(reason, "STOP") != 0 &&
                         strcmp(reason, "MAX_TOKENS") != 0);
    reply_clear(&reply);
    bytes_clear(&event);
    bytes_clear(&out);
    bytes_clear(&want);
}

static void v15_every_finish_reason_streamed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(finishes); i++) {
        finish_streamed("Hi", finishes[i].reason, finishes[i].with_content);
        finish_streamed("", finishes[i].reason, finishes[i].without);
    }
}

static void v15_every_finish_reason_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(finishes); i++) {
        bool has_content = i % 2;
        const char *word = has_content ? finishes[i / 2].with_content : finishes[i / 2].without;
        struct bytes event = {0}, out = {0}, want = {0};
        struct ask ask = {0};
        struct reply reply = {.ask = &ask};

        bytes_printf(&event,
                     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}]},"
                     "\"finishReason\":\"%s\"}]}",
                     has_content ? "Hi" : "", finishes[i / 2].reason);
        bytes_printf(&want, "\"finish_reason\":\"%s\"", word ? word : "");
        assert_int_equal(chat_whole(&reply, bytes_view(&event), &out), word != NULL);
        if (word && !strstr(bytes_cstr(&out), bytes_cstr(&want)))
            fail_msg("%s: %s", finishes[i / 2].reason, bytes_cstr(&out));
        reply_clear(&reply);
        bytes_clear(&event);
        bytes_clear(&out);
        bytes_clear(&want);
    }
}

#define OVERLOADED_BODY                                                                            \
    "{'error':{'code':503,'message':'The model is overloaded. Please try again later.',"           \
    "'status':'UNAVAILABLE'}}"

static void v16_an_error_inside_a_stream(void **state)
{
    struct bytes error = json_of(OVERLOADED_BODY), text = json_of(MORE(PART("Hi"))), out = {0};
    struct bytes want =
        json_of(BROKEN("The model is overloaded. Please try again later.", "'model_overloaded'"));
    struct complaint complaint = {.error = ERROR_OVERLOADED};
    struct ask ask = {0};
    struct reply reply = {.ask = &ask}, late = {.ask = &ask};
    size_t said;

    (void)state;
    assert_false(chat_event(&reply, bytes_view(&error), &out));
    assert_int_equal(out.len, 0); /* so that it may still be answered with a status */
    assert_true(chat_event(&late, bytes_view(&text), &out));
    said = out.len;
    assert_false(chat_event(&late, bytes_view(&error), &out));
    assert_int_equal(out.len, said);
    out.len = 0;
    complaint.body = bytes_view(&error);
    shape_openai.write_event(&complaint, &out);
    expect_text("the last event", bytes_cstr(&out), want.at);
    reply_clear(&reply);
    reply_clear(&late);
    bytes_clear(&error);
    bytes_clear(&text);
    bytes_clear(&want);
    bytes_clear(&out);
}

/* What becomes of a stream that comes in two parts. */
static void cut_stream(const struct bytes *stream, size_t at, struct bytes *out)
{
    struct view parts[] = {{stream->at, at}, view_skip(bytes_view(stream), at)};
    struct sse sse = {0};
    struct ask ask = {.thoughts = true};
    struct reply reply = {.ask = &ask, .created_s = 77};
    struct view event;
    bool is_broken = false;

    bytes_text(&ask.client_model, "models/m");
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        while (sse_feed(&sse, &parts[i], &event, &is_broken))
            assert_true(chat_event(&reply, event, out));
    assert_false(is_broken);
    assert_true(ends(&reply, out));
    sse_clear(&sse);
    reply_clear(&reply);
    ask_clear(&ask);
}

static void v17_frames_split_at_every_byte(void **state)
{
    static const char *const line_ends[] = {"\r\n", "\n", "\r"};
    struct bytes want = json_of(ROLE CHUNK("'reasoning_content':'hm'") TEXT("H\xc3\xa9" SMILE)
                                    TEXT("!") FINISH("stop") DONE);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(line_ends); i++) {
        struct bytes stream = {0}, first = json_of(MORE("{'text':'hm','thought':true},"
                                                        "{'text':'H\xc3\xa9\\ud83d\\ude00'}"));
        struct bytes last = json_of(PARTS(PART("!"), "STOP"));

        bytes_printf(&stream, "data: %s%s%sdata: %s%s%s", first.at, line_ends[i], line_ends[i],
                     last.at, line_ends[i], line_ends[i]);
        for (size_t at = 0; at <= stream.len; at++) {
            struct bytes out = {0};

            cut_stream(&stream, at, &out);
            expect_text("split", bytes_cstr(&out), want.at);
            bytes_clear(&out);
        }
        bytes_clear(&stream);
        bytes_clear(&first);
        bytes_clear(&last);
    }
    bytes_clear(&want);
}

#define COSTS "'usageMetadata':{'promptTokenCount':3,'candidatesTokenCount':2,'totalTokenCount':5}"
#define COSTING                                                                                    \
    "{'candidates':[{'content':{'parts':[" PART("Hi") "]},'finishReason':'STOP'}]," COSTS ID "}"

static void v19_usage_is_streamed_only_if_asked_for(void **state)
{
#define NULL_USAGE(delta, finish) CHUNK_OF("0", delta, finish) ",'usage':null}\n\n"
    (void)state;
    STREAMS(
        {.what = "off", .events = {COSTING}, .want = ROLE TEXT("Hi") FINISH("stop") DONE},
        {.what = "on",
         .include_usage = true,
         .events = {COSTING},
         .want = NULL_USAGE("'role':'assistant','content':'','refusal':null", "null")
             NULL_USAGE("'content':'Hi'", "null") NULL_USAGE(
                 "", "'stop'") "data: "
                               "{'id':'chatcmpl-r1','object':'chat.completion.chunk','created':77,"
                               "'model':'models/m','choices':[],'usage':" USAGE("3", "2", "5", "0",
                                                                                "0") "}\n\n" DONE});
}

static void v20_usage_with_thoughts_cached_and_tools(void **state)
{
    (void)state;
    ANSWERS(
        {"",
         "{'candidates':[{'content':{'parts':[" PART(
             "Hi") "]},'finishReason':'STOP'}],"
                   "'usageMetadata':{'promptTokenCount':100,'cachedContentTokenCount':60,"
                   "'toolUsePromptTokenCount':5,'candidatesTokenCount':20,'thoughtsTokenCount':30,"
                   "'totalTokenCount':155}" ID "}",
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"),
               USAGE("105", "50", "155", "60", "30"))},
        {"a total that is less than its parts",
         "{'candidates':[{'content':{'parts':[" PART(
             "Hi") "]},'finishReason':'STOP'}],"
                   "'usageMetadata':{'promptTokenCount':7,'candidatesTokenCount':2,'"
                   "totalTokenCount':1}" ID "}",
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"),
               USAGE("7", "2", "9", "0", "0"))});
}

static void v21_three_candidates(void **state)
{
#define CANDIDATE(index, text)                                                                     \
    "{'index':" index ",'content':{'parts':[" PART(text) "]},'finishReason':'STOP'}"
#define ROLE_OF(index)                                                                             \
    CHUNK_OF(index, "'role':'assistant','content':'','refusal':null", "null") "}\n\n"
    (void)state;
    ANSWERS({"",
             "{'candidates':[" CANDIDATE("0", "a") "," CANDIDATE("1", "b") "," CANDIDATE(
                 "2", "c") "]" ID "}",
             WHOLE(MESSAGE("0", "'content':'a','refusal':null", "stop") "," MESSAGE(
                       "1", "'content':'b','refusal':null",
                       "stop") "," MESSAGE("2", "'content':'c','refusal':null", "stop"),
                   NO_USAGE)});
    STREAMS({.what = "out of order",
             .events = {"{'candidates':[" CANDIDATE("2", "c") "]" ID "}",
                        "{'candidates':[" CANDIDATE("0", "a") "]}",
                        "{'candidates':[" CANDIDATE("1", "b") "]}"},
             .want = ROLE_OF("2") CHUNK_OF("2", "'content':'c'", "null") "}\n\n" ROLE TEXT("a")
                 ROLE_OF("1") CHUNK_OF("1", "'content':'b'", "null") "}\n\n" FINISH("stop")
                     CHUNK_OF("1", "", "'stop'") "}\n\n" CHUNK_OF("2", "", "'stop'") "}\n\n" DONE});
}

/* ---- errors ---- */

/* What a client of each dialect reads of a provider's error, after it has been classified. */
static void errors_are(enum error error, uint64_t retry_after_ms, const char *theirs,
                       const char *openai, const char *gemini)
{
    struct bytes body = json_of(theirs), out = {0};
    struct complaint complaint = {
        .error = error, .retry_after_ms = retry_after_ms, .body = bytes_view(&body)};
    const struct error_shape *shapes[] = {&shape_openai, &shape_gemini};
    const char *const wants[] = {openai, gemini};

    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        struct bytes want = json_of(wants[i]);
        yyjson_doc *got, *wanted = yyjson_read(want.at, want.len, 0);

        out.len = 0;
        shapes[i]->write(&complaint, &out);
        got = yyjson_read(out.at, out.len, 0);
        assert_true(got && wanted);
        if (!yyjson_equals(yyjson_doc_get_root(got), yyjson_doc_get_root(wanted)))
            fail_msg("%s\n  got  %s\n  want %s", theirs, bytes_cstr(&out), want.at);
        yyjson_doc_free(got);
        yyjson_doc_free(wanted);
        bytes_clear(&want);
    }
    bytes_clear(&body);
    bytes_clear(&out);
}

#define OPENAI_SAYS(message, type, code)                                                           \
    "{'error':{'message':'" message "','type':'" type "','param':null,'code':" code "}}"
#define GEMINI_SAYS(code, message, status, more)                                                   \
    "{'error':{'code':" code ",'message':'" message "','status':'" status "'" more "}}"
#define QUOTA(id, value)                                                                           \
    "{'@type':'type.googleapis.com/google.rpc.QuotaFailure','violations':[{'quotaId':'" id         \
    "','quotaValue':'" value "'}]}"
#define RETRY(delay) "{'@type':'type.googleapis.com/google.rpc.RetryInfo','retryDelay':'" delay "'}"
#define DETAILS(details) ",'details':[" details "]"
#define USED_UP "You exceeded your current quota."
#define OF_MINUTE QUOTA("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "5")
#define OF_DAY QUOTA("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20")
#define OF_ZERO QUOTA("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0")
#define EXHAUSTED(more) GEMINI_SAYS("429", USED_UP, "RESOURCE_EXHAUSTED", more)

static void v28_quotas(void **state)
{
    static const char of_now[] = OPENAI_SAYS(USED_UP, "requests", "'rate_limit_exceeded'");
    static const char of_today[] =
        OPENAI_SAYS(USED_UP, "insufficient_quota", "'insufficient_quota'");

    (void)state;
    errors_are(ERROR_NO_QUOTA, 34074, EXHAUSTED(DETAILS(OF_MINUTE "," RETRY("34.074824224s"))),
               of_now, EXHAUSTED(DETAILS(OF_MINUTE "," RETRY("34.074824224s"))));
    errors_are(ERROR_NO_QUOTA_TODAY, 3600000, EXHAUSTED(DETAILS(OF_DAY)), of_today,
               EXHAUSTED(DETAILS(OF_DAY)));
    errors_are(ERROR_NO_QUOTA_TODAY, 0, EXHAUSTED(DETAILS(OF_ZERO)), of_today,
               EXHAUSTED(DETAILS(OF_ZERO)));
    errors_are(ERROR_NO_QUOTA, 0, EXHAUSTED(""), of_now, EXHAUSTED(""));
    errors_are(ERROR_NO_QUOTA, 1500, EXHAUSTED(""), of_now, EXHAUSTED(DETAILS(RETRY("1.5s"))));
    errors_are(ERROR_NO_QUOTA_TODAY, 0, EXHAUSTED(DETAILS(OF_MINUTE "," OF_DAY)), of_today,
               EXHAUSTED(DETAILS(OF_MINUTE "," OF_DAY)));
    errors_are(ERROR_NO_QUOTA, 0, "[" EXHAUSTED(DETAILS(OF_MINUTE)) "]", of_now,
               EXHAUSTED(DETAILS(OF_MINUTE)));
}

static void v29_what_is_wrong_with_a_key_is_not_told(void **state)
{
    static const char no_key[] =
        OPENAI_SAYS("No key can be used: none is configured, or the provider refuses all of them.",
                    "server_error", "'no_available_key'");
    static const char no_key_google[] = GEMINI_SAYS(
        "503", "No key can be used: none is configured, or the provider refuses all of them.",
        "UNAVAILABLE", "");
    static const char *const bodies[] = {
        GEMINI_SAYS("400", "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT",
                    ",'details':[{'reason':'API_KEY_INVALID'}]"),
        GEMINI_SAYS("403", "Permission denied: Consumer api_key:AIzaSyA has been suspended.",
                    "PERMISSION_DENIED", ",'details':[{'reason':'CONSUMER_SUSPENDED'}]"),
        GEMINI_SAYS("403", "Your API key was reported as leaked.", "PERMISSION_DENIED", ""),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        errors_are(ERROR_NO_KEY, 0, bodies[i], no_key, no_key_google);
    errors_are(ERROR_LOCATION, 0,
               GEMINI_SAYS("400", "User location is not supported for the API use.",
                           "FAILED_PRECONDITION", ""),
               OPENAI_SAYS("User location is not supported for the API use.", "server_error",
                           "'unsupported_country_region_territory'"),
               GEMINI_SAYS("503", "User location is not supported for the API use.",
                           "FAILED_PRECONDITION", ""));
}

static void v30_overloaded_to_the_end(void **state)
{
    (void)state;
    errors_are(ERROR_OVERLOADED, 2000, OVERLOADED_BODY,
               OPENAI_SAYS("The model is overloaded. Please try again later.", "server_error",
                           "'model_overloaded'"),
               GEMINI_SAYS("503", "The model is overloaded. Please try again later.", "UNAVAILABLE",
                           DETAILS(RETRY("2s"))));
}

static void v31_a_premature_end_is_no_stop(void **state)
{
    (void)state;
    STREAMS({.what = "after some text",
             .events = {MORE(PART("Hi"))},
             .is_broken = true,
             .want = ROLE TEXT("Hi")
                 BROKEN("The provider\x01s answer ended prematurely.", "'stream_cut'")},
            {.what = "after thoughts",
             .events = {MORE("{'text':'hm','thought':true}")},
             .is_broken = true,
             .want = ROLE CHUNK("'reasoning_content':'hm'")
                 BROKEN("The provider\x01s answer ended prematurely.", "'stream_cut'")});
    errors_are(ERROR_UPSTREAM_CUT, 0, "",
               "{'error':{'message':'The provider\\u0027s answer ended prematurely.','type':"
               "'server_error','param':null,'code':'stream_cut'}}",
               "{'error':{'code':502,'message':'The provider\\u0027s answer ended prematurely.',"
               "'status':'UNAVAILABLE'}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define VECTOR(name) cmocka_unit_test_setup(name, plain_options)
        VECTOR(v01_plain_text),
        VECTOR(v02_system_only),
        VECTOR(v03_two_systems_and_a_late_developer),
        VECTOR(v04_consecutive_users),
        VECTOR(v05_a_prefill_is_refused_from_3_6_on),
        VECTOR(v05_or_the_user_says_continue),
        VECTOR(v11_thoughts_are_streamed_apart),
        VECTOR(v12_a_last_frame_with_a_signature_only),
        VECTOR(v13_the_limit_before_any_content),
        VECTOR(v14_a_blocked_prompt),
        VECTOR(v14_a_blocked_prompt_is_an_error_if_the_operator_wants),
        VECTOR(v15_every_finish_reason_streamed),
        VECTOR(v15_every_finish_reason_whole),
        VECTOR(v16_an_error_inside_a_stream),
        VECTOR(v17_frames_split_at_every_byte),
        VECTOR(v19_usage_is_streamed_only_if_asked_for),
        VECTOR(v20_usage_with_thoughts_cached_and_tools),
        VECTOR(v21_three_candidates),
        VECTOR(v22_stop_as_text_as_a_list_and_six_of_them),
        VECTOR(v25_data_urls),
        VECTOR(v25_other_urls_and_bad_ones_are_refused_by_name),
        VECTOR(v25_detail_goes_to_models_that_take_it),
        VECTOR(v25_pictures_of_the_assistant_come_back),
        VECTOR(v25_the_sum_of_pictures_has_a_limit),
        VECTOR(v26_emoji_and_lone_surrogates),
        VECTOR(v28_quotas),
        VECTOR(v29_what_is_wrong_with_a_key_is_not_told),
        VECTOR(v30_overloaded_to_the_end),
        VECTOR(v31_a_premature_end_is_no_stop),
        VECTOR(v32_a_model_s_prefix_is_the_client_s_affair),
        VECTOR(v33_a_schema_of_great_depth_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
