/* SPDX-License-Identifier: Apache-2.0 */
/* audio/transcriptions and audio/translations: what the provider is asked, and what clients get. */
#include "frontend/media_test.h"

static int transcription_options(void **state)
{
    plain_options(state);
    settings_mine()->transcription_model = "gemini-9-flash";
    settings_mine()->reply_limit = 1 << 20;
    return 0;
}

#define SOUND FORM_FILE("file", "a.wav", "abc")
#define WHISPER FORM_TEXT("model", "whisper-1")

/* ---- requests ---- */

#define ASKED(model, operation, text, config)                                                      \
    "/models/" model ":" operation " {'contents':[{'role':'user','parts':[{'inlineData':"          \
    "{'mimeType':'audio/wav','data':'YWJj'}},{'text':'" text "'}]}]" config "}"
#define HEAR                                                                                       \
    "Write down word for word what is said in this recording, in the language in which it is "     \
    "said."
#define ALONE " Answer with this text alone; with nothing if nothing is said."
#define TIMES                                                                                      \
    " Divide it into segments of one sentence at most. Tell when each begins and ends, in "        \
    "seconds "                                                                                     \
    "from the beginning with three decimals, the English name of the language that is spoken, in " \
    "lower case, and the recording\x01s duration in seconds."
#define TIMED(name)                                                                                \
    "{'type':'ARRAY','items':{'type':'OBJECT','properties':{'start':{'type':'NUMBER'},'end':"      \
    "{'type':'NUMBER'},'" name "':{'type':'STRING'}},'required':['start','end','" name "']}}"
#define SCHEMA(more, names)                                                                        \
    ",'generationConfig':{'responseMimeType':'application/"                                        \
    "json','responseSchema':{'type':'OBJECT',"                                                     \
    "'properties':{'language':{'type':'STRING'},'duration':{'type':'NUMBER'},'segments':" TIMED(   \
        "text") more "},'required':['language','duration','segments'" names "]}}"

static void requests_become_the_providers(void **state)
{
    static const struct {
        const char *what, *in, *want;
    } cases[] = {
        {"OpenAI's model", SOUND WHISPER,
         ASKED("gemini-9-flash", "generateContent", HEAR ALONE, "")},
        {"Google's model, language and prompt, temperature",
         SOUND FORM_TEXT("model", "gemini-2.5-pro") FORM_TEXT("language", "de")
             FORM_TEXT("prompt", "Frau Müller") FORM_TEXT("temperature", "0.2")
                 FORM_TEXT("response_format", "text"),
         ASKED("gemini-2.5-pro", "generateContent",
               HEAR ALONE "\\nIts language: de\\nWhat was said before it, or shows its style: "
                          "Frau Müller",
               ",'generationConfig':{'temperature':0.2}")},
        {"lists", SOUND FORM_TEXT("keywords[]", "Zephyr") FORM_TEXT("keywords[]", "Kore"),
         ASKED("gemini-9-flash", "generateContent",
               HEAR ALONE "\\nWords that may occur: Zephyr, Kore", "")},
        {"a stream", SOUND WHISPER FORM_TEXT("stream", "true"),
         ASKED("gemini-9-flash", "streamGenerateContent?alt=sse", HEAR ALONE, "")},
        {"subtitles", SOUND WHISPER FORM_TEXT("response_format", "srt"),
         ASKED("gemini-9-flash", "generateContent", HEAR TIMES, SCHEMA("", ""))},
        {"words",
         SOUND WHISPER FORM_TEXT("response_format", "verbose_json")
             FORM_TEXT("timestamp_granularities[]", "word"),
         ASKED("gemini-9-flash", "generateContent", HEAR TIMES " Tell the same times of each word.",
               SCHEMA(",'words':" TIMED("word"), ",'words'"))},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes want = {0};
        struct run run;

        if (run_begin_form(&run, &endpoint_transcription, cases[i].in) != ERROR_NONE)
            fail_msg("%s: refused: %s", cases[i].what, bytes_cstr(&run.plan.why));
        for (const char *at = cases[i].want; *at; at++) /* \x01: an apostrophe that stays one */
            bytes_printf(&want, "%c", *at == '\'' ? '"' : *at == 1 ? '\'' : *at);
        {
            struct bytes got = {0};

            bytes_append(&got, bytes_view(&run.plan.steps[0]->path));
            bytes_text(&got, " ");
            bytes_append(&got, body_view(run.plan.steps[0]->order.body));
            expect_text(cases[i].what, bytes_cstr(&got), bytes_cstr(&want));
            bytes_clear(&got);
        }
        bytes_clear(&want);
        run_clear(&run);
    }
}

static void a_translation_is_into_english(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin_form(&run, &endpoint_translation, SOUND WHISPER), ERROR_NONE);
    run_asked(&run, "translation", 0,
              ASKED("gemini-9-flash", "generateContent",
                    "Translate what is said in this recording into English." ALONE, ""));
    run_clear(&run);
}

static void wrong_requests_are_refused(void **state)
{
    static const struct refused cases[] = {
        {"JSON", "{'model':'whisper-1','file':'x'}", ERROR_BAD_REQUEST, "file"},
        {"no file", WHISPER, ERROR_MISSING_PARAMETER, "file"},
        {"a text for a file", WHISPER FORM_TEXT("file", "x"), ERROR_MISSING_PARAMETER, "file"},
        {"an empty file", WHISPER FORM_FILE("file", "a.wav", ""), ERROR_BAD_VALUE, "file"},
        {"a file of no sound", WHISPER FORM_FILE("file", "a.txt", "x"), ERROR_BAD_VALUE, "file"},
        {"format", SOUND FORM_TEXT("response_format", "xml"), ERROR_BAD_VALUE, "response_format"},
        {"speakers", SOUND FORM_TEXT("response_format", "diarized_json"), ERROR_BAD_VALUE,
         "response_format"},
        {"temperature", SOUND FORM_TEXT("temperature", "1.5"), ERROR_BAD_VALUE, "temperature"},
        {"a temperature in words", SOUND FORM_TEXT("temperature", "hot"), ERROR_BAD_TYPE,
         "temperature"},
        {"granularity",
         SOUND FORM_TEXT("response_format", "verbose_json")
             FORM_TEXT("timestamp_granularities[]", "letter"),
         ERROR_BAD_VALUE, "timestamp_granularities"},
        {"words without times", SOUND FORM_TEXT("timestamp_granularities[]", "word"),
         ERROR_BAD_VALUE, "timestamp_granularities"},
        {"logprobs", SOUND FORM_TEXT("include[]", "logprobs"), ERROR_UNSUPPORTED, "include"},
        {"a stream of subtitles",
         SOUND FORM_TEXT("response_format", "vtt") FORM_TEXT("stream", "true"),
         ERROR_UNSUPPORTED_VALUE, "response_format"},
        {"a model that speaks", SOUND FORM_TEXT("model", "gemini-2.5-flash-preview-tts"),
         ERROR_NO_MODEL, "model"},
        {"an embedding", SOUND FORM_TEXT("model", "gemini-embedding-001"), ERROR_NO_MODEL, "model"},
        {"a hidden model", SOUND FORM_TEXT("model", "gemini-old"), ERROR_NO_MODEL, "model"},
    };

    (void)state;
    run_refuses(&endpoint_transcription, cases, COUNT_OF(cases));
}

static void what_is_too_large_is_refused(void **state)
{
    struct bytes body = {0};
    struct run run;

    (void)state;
    bytes_text(
        &body,
        FORM_TEXT("model",
                  "gemini-2.0-flash") "--xyz\r\nContent-Disposition: form-data; name=\"file\"; "
                                      "filename=\"a.wav\"\r\n\r\n");
    memset(bytes_room(&body, 16 << 20), 'x', 16 << 20);
    body.len += 16 << 20;
    bytes_text(&body, "\r\n");
    assert_int_equal(run_begin_form(&run, &endpoint_transcription, bytes_cstr(&body)),
                     ERROR_TOO_LARGE);
    assert_string_equal(run.plan.param, "file");
    run_clear(&run);
    body.len = 0;
    bytes_text(&body, SOUND "--xyz\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n");
    for (int i = 0; i < 9000; i++)
        bytes_text(&body, "x");
    bytes_text(&body, "\r\n");
    assert_int_equal(run_begin_form(&run, &endpoint_transcription, bytes_cstr(&body)),
                     ERROR_TOO_LONG);
    assert_string_equal(run.plan.param, "prompt");
    run_clear(&run);
    bytes_clear(&body);
}

/* ---- replies ---- */

#define USAGE                                                                                      \
    ",'usageMetadata':{'promptTokenCount':40,'candidatesTokenCount':5,'totalTokenCount':45,"       \
    "'promptTokensDetails':[{'modality':'TEXT','tokenCount':8},{'modality':'AUDIO',"               \
    "'tokenCount':32}]}"
#define TOLD                                                                                       \
    "{'type':'tokens','input_tokens':40,'input_token_details':{'text_tokens':8,"                   \
    "'audio_tokens':32},'output_tokens':5,'total_tokens':45}"
#define SAID(text)                                                                                 \
    "{'candidates':[{'content':{'parts':[{'thought':true,'text':'Hm'},{'text':'" text              \
    "'}]},'finishReason':'STOP'}]" USAGE "}"
/* what the schema asks for, as text within text */
#define HEARD                                                                                      \
    SAID("{\\'language\\':\\'german\\',\\'duration\\':4.2,\\'segments\\':["                        \
         "{\\'start\\':0,\\'end\\':1.5,\\'text\\':\\' Guten Tag. \\'},"                            \
         "{\\'start\\':-3,\\'end\\':\\'x\\',\\'text\\':\\'a\\\\n\\\\nb --> c\\'},"                 \
         "{\\'start\\':3661.25,\\'end\\':2,\\'text\\':\\'Ende.\\'},"                               \
         "{\\'start\\':4000,\\'end\\':4001,\\'text\\':\\'\\'}],\\'words\\':["                      \
         "{\\'start\\':0.5,\\'end\\':1,\\'word\\':\\'Guten\\'}]}")
#define SEGMENT(id, start, end, text)                                                              \
    "{'id':" id ",'seek':0,'start':" start ",'end':" end ",'text':'" text                          \
    "','tokens':[],'temperature':0,'avg_logprob':0,'compression_ratio':1,'no_speech_prob':0}"
#define VERBOSE(more)                                                                              \
    "{'task':'transcribe','language':'german','duration':4001.000,'text':'Guten Tag. a\\n\\nb "    \
    "--> c Ende.'" more ",'usage':{'type':'duration','seconds':4001}}"

static void texts_become_replies(void **state)
{
    static const struct {
        const char *what, *in, *answer, *type, *want;
    } cases[] = {
        {"JSON", SOUND, SAID(" Guten Tag. "), NULL, "{'text':'Guten Tag.','usage':" TOLD "}"},
        {"silence", SOUND, "{'candidates':[{'finishReason':'STOP'}]" USAGE "}", NULL,
         "{'text':'','usage':" TOLD "}"},
        {"text", SOUND FORM_TEXT("response_format", "text"), SAID("Guten Tag."),
         "text/plain; charset=utf-8", "Guten Tag.\n"},
        {"srt", SOUND FORM_TEXT("response_format", "srt"), HEARD, "text/plain; charset=utf-8",
         "1\n00:00:00,000 --> 00:00:01,500\nGuten Tag.\n\n"
         "2\n00:00:00,000 --> 00:00:00,000\na\nb -> c\n\n"
         "3\n01:01:01,250 --> 01:01:01,250\nEnde.\n\n"},
        {"vtt", SOUND FORM_TEXT("response_format", "vtt"), HEARD, "text/vtt; charset=utf-8",
         "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nGuten Tag.\n\n"
         "00:00:00.000 --> 00:00:00.000\na\nb -> c\n\n"
         "01:01:01.250 --> 01:01:01.250\nEnde.\n\n"},
        {"verbose", SOUND FORM_TEXT("response_format", "verbose_json"), HEARD, NULL,
         VERBOSE(",'segments':[" SEGMENT("0", "0.000", "1.500", "Guten Tag.") "," SEGMENT(
             "1", "0.000", "0.000",
             "a\\n\\nb --> c") "," SEGMENT("2", "3661.250", "3661.250",
                                           "Ende.") "," SEGMENT("3", "4000.000", "4001.000",
                                                                "") "]")},
        {"words",
         SOUND FORM_TEXT("response_format", "verbose_json")
             FORM_TEXT("timestamp_granularities[]", "word"),
         HEARD, NULL, VERBOSE(",'words':[{'word':'Guten','start':0.500,'end':1.000}]")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        assert_int_equal(run_begin_form(&run, &endpoint_transcription, cases[i].in), ERROR_NONE);
        expect_text(cases[i].what, run.plan.type ? run.plan.type : "",
                    cases[i].type ? cases[i].type : "");
        assert_int_equal(run_answer(&run, 0, cases[i].answer), ERROR_NONE);
        run_expect(&run, cases[i].what, cases[i].want);
        run_clear(&run);
    }
}

static void a_stream_has_deltas_and_a_whole(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(
        run_begin_form(&run, &endpoint_transcription, SOUND FORM_TEXT("stream", "true")),
        ERROR_NONE);
    assert_true(run.plan.is_sse);
    assert_int_equal(
        run_event(&run, 0, "{'candidates':[{'content':{'parts':[{'text':'Guten '}]}}]}"),
        ERROR_NONE);
    assert_int_equal(run_event(&run, 0, SAID("Tag.")), ERROR_NONE);
    assert_int_equal(run_answer(&run, 0, ""), ERROR_NONE);
    run_expect(&run, "stream",
               "data: {'type':'transcript.text.delta','delta':'Guten '}\n\n"
               "data: {'type':'transcript.text.delta','delta':'Tag.'}\n\n"
               "data: {'type':'transcript.text.done','text':'Guten Tag.','usage':" TOLD "}\n\n");
    run_clear(&run);
}

static void what_is_no_transcript_is_an_error(void **state)
{
    static const struct {
        const char *format, *answer;
        enum error error;
    } cases[] = {
        {SOUND, "x", ERROR_UPSTREAM},
        {SOUND, "{'promptFeedback':{'blockReason':'SAFETY'}}", ERROR_CONTENT_POLICY},
        {SOUND, "{'candidates':[{'finishReason':'RECITATION'}]}", ERROR_CONTENT_POLICY},
        {SOUND,
         "{'candidates':[{'content':{'parts':[{'text':'Half'}]},'finishReason':'MAX_TOKENS'}]}",
         ERROR_UPSTREAM_CUT},
        {SOUND FORM_TEXT("response_format", "srt"), SAID("just words"), ERROR_MALFORMED},
        {SOUND FORM_TEXT("response_format", "vtt"), SAID("{}"), ERROR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        assert_int_equal(run_begin_form(&run, &endpoint_transcription, cases[i].format),
                         ERROR_NONE);
        assert_int_equal(run_answer(&run, 0, cases[i].answer), cases[i].error);
        run_clear(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(requests_become_the_providers, transcription_options),
        cmocka_unit_test_setup(a_translation_is_into_english, transcription_options),
        cmocka_unit_test_setup(wrong_requests_are_refused, transcription_options),
        cmocka_unit_test_setup(what_is_too_large_is_refused, transcription_options),
        cmocka_unit_test_setup(texts_become_replies, transcription_options),
        cmocka_unit_test_setup(a_stream_has_deltas_and_a_whole, transcription_options),
        cmocka_unit_test_setup(what_is_no_transcript_is_an_error, transcription_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
