/* SPDX-License-Identifier: Apache-2.0 */
/* audio/speech: what the provider is asked, and what clients get. */
#include "frontend/media_test.h"

static int speech_options(void **state)
{
    plain_options(state);
    settings_mine()->tts_model = "gemini-9-tts";
    settings_mine()->tts_voice_name = "Zephyr";
    settings_mine()->tts_speed = "normal";
    settings_mine()->reply_limit = 1 << 20;
    return 0;
}

/* ---- requests ---- */

#define SAY_TO(model, operation, text, voice)                                                      \
    "/models/" model ":" operation " {'contents':[{'role':'user','parts':[{'text':'" text          \
    "'}]}],'generationConfig':{'responseModalities':['AUDIO'],'speechConfig':{'voiceConfig':"      \
    "{'prebuiltVoiceConfig':{'voiceName':'" voice "'}}}}}"
#define SAY(text, voice) SAY_TO("gemini-9-tts", "generateContent", text, voice)

static void requests_become_the_providers(void **state)
{
    static const struct {
        const char *what, *in, *want;
    } cases[] = {
        {"OpenAI's model and voice", "{'model':'tts-1','input':'Hi','voice':'alloy'}",
         SAY("Hi", "Kore")},
        {"another", "{'model':'gpt-4o-mini-tts','input':'Hi','voice':'shimmer'}",
         SAY("Hi", "Leda")},
        {"Google's own",
         "{'model':'models/gemini-2.5-pro-preview-tts','input':'Hi','voice':'Sulafat'}",
         SAY_TO("gemini-2.5-pro-preview-tts", "generateContent", "Hi", "Sulafat")},
        {"in any case", "{'model':'tts-1-hd','input':'Hi','voice':'KORE'}", SAY("Hi", "Kore")},
        {"a voice that nobody has", "{'input':'Hi','voice':'Hal'}", SAY("Hi", "Zephyr")},
        {"no voice, no model", "{'input':'Hi'}", SAY("Hi", "Zephyr")},
        {"a voice in an object", "{'input':'Hi','voice':{'id':'nova'}}", SAY("Hi", "Aoede")},
        {"instructions", "{'input':'Hi','voice':'ash','instructions':'Whisper '}",
         SAY("Whisper: Hi", "Orus")},
        {"speed", "{'input':'Hi','voice':'echo','speed':1.5}",
         SAY("Speak at 1.5 times the normal speed: Hi", "Puck")},
        {"both", "{'input':'Hi','voice':'onyx','speed':'0.5','instructions':'Whisper'}",
         SAY("Whisper (speak at 0.5 times the normal speed): Hi", "Charon")},
        {"the usual speed", "{'input':'Hi','voice':'fable','speed':1.0}", SAY("Hi", "Fenrir")},
        {"a stream", "{'input':'Hi','voice':'sage','stream_format':'audio'}",
         SAY_TO("gemini-9-tts", "streamGenerateContent?alt=sse", "Hi", "Sulafat")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        if (run_begin(&run, &endpoint_speech, cases[i].in) != ERROR_NONE)
            fail_msg("%s: refused: %s", cases[i].what, bytes_cstr(&run.plan.why));
        assert_int_equal(run.plan.count, 1);
        run_asked(&run, cases[i].what, 0, cases[i].want);
        run_clear(&run);
    }
}

static void the_usual_speed_may_be_another(void **state)
{
    struct run run;

    (void)state;
    settings_mine()->tts_speed = "slow";
    assert_int_equal(run_begin(&run, &endpoint_speech, "{'input':'Hi'}"), ERROR_NONE);
    run_asked(&run, "slow", 0, SAY("Speak slowly: Hi", "Zephyr"));
    run_clear(&run);
    settings_mine()->tts_speed = "fast";
    assert_int_equal(run_begin(&run, &endpoint_speech, "{'input':'Hi','instructions':'Sing'}"),
                     ERROR_NONE);
    run_asked(&run, "fast", 0, SAY("Sing (speak fast): Hi", "Zephyr"));
    run_clear(&run);
}

static void replies_have_their_type(void **state)
{
    static const struct {
        const char *in, *type;
        bool is_sse, is_early;
    } cases[] = {
        {"{'input':'x'}", "audio/mpeg", false, false},
        {"{'input':'x','response_format':'opus'}", "audio/ogg", false, false},
        {"{'input':'x','response_format':'wav','stream_format':'audio'}", "audio/wav", false, true},
        {"{'input':'x','response_format':'pcm','stream_format':'sse'}", "audio/pcm", true, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        assert_int_equal(run_begin(&run, &endpoint_speech, cases[i].in), ERROR_NONE);
        assert_string_equal(run.plan.type, cases[i].type);
        assert_int_equal(run.plan.is_sse, cases[i].is_sse);
        assert_int_equal(run.plan.is_early, cases[i].is_early);
        assert_int_equal(run.plan.steps[0]->pass, cases[i].is_early ? STEP_EVENTS : STEP_WHOLE);
        run_clear(&run);
    }
}

static void wrong_requests_are_refused(void **state)
{
    static const struct refused cases[] = {
        {"no JSON", "x", ERROR_BAD_JSON, NULL},
        {"no input", "{'voice':'alloy'}", ERROR_MISSING_PARAMETER, "input"},
        {"an empty input", "{'input':' '}", ERROR_MISSING_PARAMETER, "input"},
        {"input", "{'input':['x']}", ERROR_BAD_TYPE, "input"},
        {"voice", "{'input':'x','voice':7}", ERROR_BAD_TYPE, "voice"},
        {"format", "{'input':'x','response_format':'ogg'}", ERROR_BAD_VALUE, "response_format"},
        {"stream", "{'input':'x','stream_format':'ws'}", ERROR_BAD_VALUE, "stream_format"},
        {"slow", "{'input':'x','speed':0.2}", ERROR_BAD_VALUE, "speed"},
        {"fast", "{'input':'x','speed':4.1}", ERROR_BAD_VALUE, "speed"},
        {"speed", "{'input':'x','speed':'fast'}", ERROR_BAD_TYPE, "speed"},
        {"a model that writes", "{'input':'x','model':'gemini-2.5-flash'}", ERROR_NO_MODEL,
         "model"},
        {"a path", "{'input':'x','model':'../tts'}", ERROR_NO_MODEL, "model"},
    };

    (void)state;
    run_refuses(&endpoint_speech, cases, COUNT_OF(cases));
}

static void a_long_input_is_refused(void **state)
{
    struct bytes body = {0};
    struct run run;

    (void)state;
    bytes_text(&body, "{'input':'");
    for (int i = 0; i < 4097; i++)
        bytes_text(&body, "ü");
    bytes_text(&body, "'}");
    assert_int_equal(run_begin(&run, &endpoint_speech, bytes_cstr(&body)), ERROR_TOO_LONG);
    assert_string_equal(run.plan.param, "input");
    run_clear(&run);
    bytes_clear(&body);
}

/* ---- replies ---- */

#define SOUND(data) "{'inlineData':{'mimeType':'audio/L16;codec=pcm;rate=24000','data':'" data "'}}"
#define SAID(parts)                                                                                \
    "{'candidates':[{'content':{'parts':[" parts "]},'finishReason':'STOP'}],'usageMetadata':"     \
    "{'promptTokenCount':3,'candidatesTokenCount':25,'totalTokenCount':28}}"

static void samples_come_as_they_are(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin(&run, &endpoint_speech, "{'input':'x','response_format':'pcm'}"),
                     ERROR_NONE);
    assert_int_equal(run_answer(&run, 0, SAID(SOUND("QUJDRA=="))), ERROR_NONE); /* ABCD */
    assert_int_equal(run.out.len, 0);
    run_work(&run);
    endpoint_speech.end(run.state, &run.out);
    assert_string_equal(bytes_cstr(&run.out), "ABCD");
    run_clear(&run);
}

/* Each event may end in padding, and within a sample. */
static void events_are_joined_by_their_bytes(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin(&run, &endpoint_speech,
                               "{'input':'x','response_format':'pcm','stream_format':'audio'}"),
                     ERROR_NONE);
    assert_int_equal(run_event(&run, 0, SAID(SOUND("QQ=="))), ERROR_NONE);
    run_work(&run);
    assert_int_equal(run.out.len, 0); /* half a sample */
    assert_int_equal(run_event(&run, 0, SAID(SOUND("QkM="))), ERROR_NONE);
    assert_int_equal(run_event(&run, 0, SAID(SOUND("REVG"))), ERROR_NONE);
    run_work(&run);
    assert_string_equal(bytes_cstr(&run.out), "ABCDEF");
    assert_int_equal(run_answer(&run, 0, ""), ERROR_NONE);
    run_work(&run);
    assert_string_equal(bytes_cstr(&run.out), "ABCDEF");
    run_clear(&run);
}

static void a_stream_of_events_has_pieces_and_an_end(void **state)
{
    struct run run;

    (void)state;
    assert_int_equal(run_begin(&run, &endpoint_speech,
                               "{'input':'x','response_format':'pcm','stream_format':'sse'}"),
                     ERROR_NONE);
    assert_int_equal(run_event(&run, 0, SAID(SOUND("QUJDRA=="))), ERROR_NONE);
    run_work(&run);
    assert_int_equal(run_answer(&run, 0, ""), ERROR_NONE);
    run_work(&run);
    endpoint_speech.end(run.state, &run.out);
    run_expect(&run, "events",
               "data: {'type':'speech.audio.delta','audio':'QUJDRA=='}\n\n"
               "data: {'type':'speech.audio.done','usage':{'input_tokens':3,'output_tokens':25,"
               "'total_tokens':28}}\n\n");
    run_clear(&run);
}

/* A minute of silence, which is 3,840,000 characters of base64. */
static void a_minute_is_encoded_in_pieces(void **state)
{
    static const char head[] = SAID(SOUND("*"));
    struct bytes body = {0};
    struct run run;
    size_t pieces;

    (void)state;
    bytes_append(&body, (struct view){head, (size_t)(strchr(head, '*') - head)});
    memset(bytes_room(&body, 3840000), 'A', 3840000);
    body.len += 3840000;
    bytes_text(&body, strchr(head, '*') + 1);
    assert_int_equal(run_begin(&run, &endpoint_speech, "{'input':'x','response_format':'wav'}"),
                     ERROR_NONE);
    assert_int_equal(run_answer(&run, 0, bytes_cstr(&body)), ERROR_NONE);
    assert_int_equal(run.plan.kept, 3840000);
    pieces = run_work(&run);
    assert_int_equal(pieces, 300);
    assert_int_equal(run.plan.kept, 0);
    assert_int_equal(run.out.len, 44 + 2880000);
    assert_memory_equal(run.out.at, "RIFF\x24\xf2\x2b\x00WAVEfmt ", 16);
    run_clear(&run);
    bytes_clear(&body);
}

static void silence_is_an_error(void **state)
{
    static const struct {
        const char *answer;
        enum error error;
        const char *why;
    } cases[] = {
        {SAID("{'text':'I only write.'}"), ERROR_UPSTREAM_EMPTY, "I only write."},
        {"{'candidates':[{'finishReason':'OTHER'}]}", ERROR_UPSTREAM_EMPTY, "OTHER"},
        {"{'candidates':[{'finishReason':'PROHIBITED_CONTENT'}]}", ERROR_CONTENT_POLICY,
         "PROHIBITED_CONTENT"},
        {"{'promptFeedback':{'blockReason':'SAFETY'}}", ERROR_CONTENT_POLICY, "SAFETY"},
        {"{}", ERROR_UPSTREAM_EMPTY, ""},
        {"x", ERROR_UPSTREAM, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run run;

        assert_int_equal(run_begin(&run, &endpoint_speech, "{'input':'x'}"), ERROR_NONE);
        assert_int_equal(run_answer(&run, 0, cases[i].answer), cases[i].error);
        assert_non_null(strstr(bytes_cstr(&run.plan.why), cases[i].why));
        assert_false(run.plan.has_work);
        run_clear(&run);
    }
}

static void broken_sound_is_an_error(void **state)
{
    static const char *const sounds[] = {SOUND("QUJ"), SOUND("!!!!"),
                                         "{'inlineData':{'mimeType':'audio/L16;rate=23','data':"
                                         "'QUJDRA=='}}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sounds); i++) {
        struct bytes body = {0};
        struct run run;

        bytes_printf(&body, "{'candidates':[{'content':{'parts':[%s]}}]}", sounds[i]);
        assert_int_equal(run_begin(&run, &endpoint_speech, "{'input':'x'}"), ERROR_NONE);
        assert_int_equal(run_answer(&run, 0, bytes_cstr(&body)), ERROR_NONE);
        assert_int_equal(endpoint_speech.work(run.state, &run.plan, &run.out), ERROR_MALFORMED);
        run_clear(&run);
        bytes_clear(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(requests_become_the_providers, speech_options),
        cmocka_unit_test_setup(the_usual_speed_may_be_another, speech_options),
        cmocka_unit_test_setup(replies_have_their_type, speech_options),
        cmocka_unit_test_setup(wrong_requests_are_refused, speech_options),
        cmocka_unit_test_setup(a_long_input_is_refused, speech_options),
        cmocka_unit_test_setup(samples_come_as_they_are, speech_options),
        cmocka_unit_test_setup(events_are_joined_by_their_bytes, speech_options),
        cmocka_unit_test_setup(a_stream_of_events_has_pieces_and_an_end, speech_options),
        cmocka_unit_test_setup(a_minute_is_encoded_in_pieces, speech_options),
        cmocka_unit_test_setup(silence_is_an_error, speech_options),
        cmocka_unit_test_setup(broken_sound_is_an_error, speech_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
