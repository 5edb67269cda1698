/* SPDX-License-Identifier: Apache-2.0 */
/* Thoughts, pictures and fenced JSON in the content of a chat, for who wants them there, and not for
 * others. */
#include "frontend/reply_test.h"

#define SAID(content)                                                                              \
    WHOLE(MESSAGE("0", "'content':'" content "','refusal':null", "stop"), NO_USAGE)
#define THOUGHT(text) "{'text':'" text "','thought':true}"

static void thoughts_may_stand_in_the_content_between_tags(void **state)
{
    static const struct whole cases[] = {
        {"before the text", PARTS(THOUGHT("a") "," THOUGHT("b") ",{'text':'c'}", "STOP"),
         SAID("<think>\\nab\\n</think>\\n\\nc")},
        {"again", PARTS(THOUGHT("a") ",{'text':'b'}," THOUGHT("c") ",{'text':'d'}", "STOP"),
         SAID("<think>\\na\\n</think>\\n\\nb<think>\\nc\\n</think>\\n\\nd")},
        {"and nothing else", PARTS(THOUGHT("a"), "STOP"), SAID("<think>\\na\\n</think>\\n\\n")},
        {"before a picture",
         PARTS(THOUGHT("a") ",{'inlineData':{'mimeType':'image/png','data':'QUJD'}}", "STOP"),
         WHOLE(MESSAGE("0",
                       "'content':'<think>\\na\\n</think>\\n\\n','images':[" IMAGE(
                           "image/png", "QUJD") "],'refusal':null",
                       "stop"),
               NO_USAGE)},
        {"none", PARTS("{'text':'c'}", "STOP"), SAID("c")},
    };
    static const struct stream streams[] = {
        {.what = "over several events",
         .events = {MORE(THOUGHT("a")), MORE(THOUGHT("b") ",{'text':'c'}"),
                    PARTS("{'text':'d'}", "STOP")},
         .want =
             ROLE TEXT("<think>\\na") TEXT("b\\n</think>\\n\\nc") TEXT("d") FINISH("stop") DONE},
        {.what = "cut at the limit",
         .events = {PARTS(THOUGHT("a"), "MAX_TOKENS")},
         .want = ROLE TEXT("<think>\\na") TEXT("\\n</think>\\n\\n") FINISH("length") DONE},
        {.what = "hidden",
         .hides_thoughts = true,
         .events = {PARTS(THOUGHT("a") ",{'text':'b'}", "STOP")},
         .want = ROLE TEXT("b") FINISH("stop") DONE},
    };

    (void)state;
    given.style.think_tags = true;
    wholes_are(cases, COUNT_OF(cases) - 2, false);
    wholes_are(cases + COUNT_OF(cases) - 1, 1, false);
    streams_are(streams, COUNT_OF(streams));
    given = (struct given){0};
}

#define PICTURE "{'inlineData':{'mimeType':'image/png','data':'QUJD'}}"

static void pictures_may_stand_in_the_content_as_markdown(void **state)
{
    static const struct whole cases[] = {
        {"between texts", PARTS("{'text':'a'}," PICTURE ",{'text':'b'}", "STOP"),
         SAID("a![image](data:image/png;base64,QUJD)b")},
        {"by its address",
         PARTS("{'fileData':{'mimeType':'image/png','fileUri':'https://x.example/'}}", "STOP"),
         SAID("![image](https://x.example/)")},
    };
    static const struct stream streams[] = {
        {.what = "between texts",
         .events = {MORE("{'text':'a'}," PICTURE), PARTS("{'text':'b'}", "STOP")},
         .want = ROLE TEXT("a![image](data:image/png;base64,QUJD)") TEXT("b") FINISH("stop") DONE},
    };

    (void)state;
    given.style.image_links = true;
    wholes_are(cases, COUNT_OF(cases), false);
    streams_are(streams, COUNT_OF(streams));
    given = (struct given){0};
}

/* A table of content as the model gives it and as the client has it; a bar parts events. */
static void a_fence_around_told_json_is_taken_off(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"{}", "{}"},
        {"```json\n{}\n```", "{}"},
        {"```\n[1]\n```\n", "[1]"},
        {" \n```JSON \n{}```", "{}"},
        {"`|``js|on\n{|\"a\":1}\n`|``|\n", "{\"a\":1}"},
        {"{\"a\":\"```\"|}", "{\"a\":\"```\"}"},
        {"```json\n{\"a\":\"``|` \"}\n|```", "{\"a\":\"``` \"}"},
        {"```json\n{\"a\":", "{\"a\":"},
        {"``", "``"},
        {"```", "```"},
        {"   ", "   "},
        {"``x", "``x"},
        {"```a line that is too long for any opening of a fence\n1\n```",
         "```a line that is too long for any opening of a fence\n1\n```"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reply_fence fence = {0};
        struct bytes out = {0};

        for (const char *at = cases[i].in, *end; *at; at = *end ? end + 1 : end) {
            end = at + strcspn(at, "|");
            fence_take(&fence, (struct view){at, (size_t)(end - at)}, &out);
        }
        fence_end(&fence, &out);
        expect_text(cases[i].in, bytes_cstr(&out), cases[i].want);
        bytes_clear(&fence.held);
        bytes_clear(&out);
    }
}

static void of_fenced_json_the_client_sees_the_json(void **state)
{
    static const struct whole cases[] = {
        {"whole", PARTS("{'text':'```json\\n{'},{'text':'}\\n```'}", "STOP"), SAID("{}")},
        {"without", PARTS("{'text':'{}'}", "STOP"), SAID("{}")},
    };
    static const struct stream streams[] = {
        {.what = "streamed",
         .events = {MORE("{'text':'```js'}"), MORE("{'text':'on\\n{'}"), MORE("{'text':'}\\n``'}"),
                    PARTS("{'text':'`'}", "STOP")},
         .want = ROLE TEXT("{") TEXT("}") FINISH("stop") DONE},
        {.what = "what was held is not lost",
         .events = {PARTS("{'text':'``'}", "MAX_TOKENS")},
         .want = ROLE TEXT("``") FINISH("length") DONE},
    };
    static const struct whole plain[] = {
        {"nobody asked in words", PARTS("{'text':'```json\\n{}\\n```'}", "STOP"),
         SAID("```json\\n{}\\n```")},
    };

    (void)state;
    given.is_json_told = true;
    wholes_are(cases, COUNT_OF(cases), false);
    streams_are(streams, COUNT_OF(streams));
    given = (struct given){0};
    wholes_are(plain, COUNT_OF(plain), false);
}

#define SOUND(type, data) "{'inlineData':{'mimeType':'" type "','data':'" data "'}}"
#define L16 "audio/L16;codec=pcm;rate=24000"
#define ABOUT(id) "'id':'" id "','expires_at':3677,'transcript':'',"
#define ID_WHOLE "audio_38a5e39ecea531c076411e55"
#define HEARD(content, data)                                                                       \
    WHOLE(MESSAGE("0",                                                                             \
                  "'content':" content ",'audio':{" ABOUT(ID_WHOLE) "'data':'" data                \
                                                                    "'},'refusal':null",           \
                  "stop"),                                                                         \
          NO_USAGE)

static void sound_is_audio_of_the_message(void **state)
{
    static const struct whole wav[] = {
        {"samples get a head", PARTS(SOUND(L16, "AAEAAg=="), "STOP"),
         HEARD("null", "UklGRigAAABXQVZFZm10IBAAAAABAAEAwF0AAIC7AAACABAAZGF0YQQAAAAAAQAC")},
        {"parts are one sound, at their rate",
         PARTS(SOUND("audio/pcm;rate=16000", "AAE=") "," SOUND("audio/pcm;rate=16000", "AAI="),
               "STOP"),
         HEARD("null", "UklGRigAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQQAAAAAAQAC")},
        {"what is no bare sound stays as it is",
         PARTS("{'text':'Hi'}," SOUND("audio/mp3", "AAEAAg=="), "STOP"), HEARD("'Hi'", "AAEAAg==")},
        {"broken base64 is silence", PARTS(SOUND("audio/mp3", "AAE"), "STOP"), HEARD("null", "")},
    };
    static const struct whole bare[] = {
        {"as it was asked for", PARTS(SOUND(L16, "AAE=") "," SOUND(L16, "AAI="), "STOP"),
         HEARD("null", "AAEAAg==")},
    };

    (void)state;
    wholes_are(wav, COUNT_OF(wav), false);
    given.wants_pcm = true;
    wholes_are(bare, COUNT_OF(bare), false);
    given = (struct given){0};
}

static void streamed_sound_says_what_it_is_once(void **state)
{
    static const struct stream bare[] = {
        {.what = "samples",
         .events = {MORE(SOUND(L16, "AAE=")), PARTS(SOUND(L16, "AAI="), "STOP")},
         .want = ROLE CHUNK("'audio':{" ABOUT("audio_f0ab197362b3e8be31b0d2ab") "'data':'AAE='}")
             CHUNK("'audio':{'data':'AAI='}") FINISH("stop") DONE},
    };
    static const struct stream wav[] = {
        {.what = "the head goes first, of a length that nobody knows",
         .events = {MORE(SOUND(L16, "AAE=")), PARTS(SOUND(L16, "AAI="), "STOP")},
         .want = ROLE CHUNK("'audio':{" ABOUT(
             "audio_f0ab197362b3e8be31b0d2ab") "'data':'UklGR"
                                               "v////9XQVZFZm10IBAAAAABAAEAwF0AAIC7AAACABAAZGF0Yf//"
                                               "//8AAQ=='}") CHUNK("'audio':{'data':'AAI='}")
             FINISH("stop") DONE},
    };

    (void)state;
    streams_are(wav, COUNT_OF(wav));
    given.wants_pcm = true;
    streams_are(bare, COUNT_OF(bare));
    given = (struct given){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thoughts_may_stand_in_the_content_between_tags),
        cmocka_unit_test(pictures_may_stand_in_the_content_as_markdown),
        cmocka_unit_test(a_fence_around_told_json_is_taken_off),
        cmocka_unit_test(of_fenced_json_the_client_sees_the_json),
        cmocka_unit_test(sound_is_audio_of_the_message),
        cmocka_unit_test(streamed_sound_says_what_it_is_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
