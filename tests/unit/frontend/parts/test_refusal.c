/* SPDX-License-Identifier: Apache-2.0 */
/* What a provider refuses for a model: read, taken out, remembered. */
#include "frontend/dialect_test.h"

#include "parts/refusal.h"
#include "settings_mine.h"

#define ERROR_OF(message)                                                                          \
    "{'error':{'code':400,'message':'" message "','status':'INVALID_ARGUMENT'}}"

static void the_beginning_of_the_message_says_what_is_refused(void **state)
{
    static const struct {
        const char *body, *name; /* NULL: something else */
    } cases[] = {
        {ERROR_OF("Penalty is not enabled for this model"), "penalty"},
        {ERROR_OF("Penalty is not enabled for models/gemini-x"), "penalty"},
        {ERROR_OF("Logprobs is not enabled for models/gemini-x"), "logprobs"},
        {ERROR_OF("Media resolution is not enabled for models/x"), "media_resolution"},
        {ERROR_OF("JSON mode is not enabled for models/x"), "json"},
        {ERROR_OF("Developer instruction is not enabled for models/x"), "system"},
        {ERROR_OF("Thinking level is not supported for this model."), "thinking_level"},
        {ERROR_OF("Thinking budget is not supported for this model."), "thinking_budget"},
        {ERROR_OF("Thinking is not enabled for models/x"), "thinking"},
        {ERROR_OF("Requests ending with a model turn are not supported for models/x"), "prefill"},
        {ERROR_OF("Unable to submit request because thinking is not supported by this model."),
         "thinking"},
        {ERROR_OF("The thinking budget 9 is invalid. Please choose a value between 128 and 32768."),
         "thinking_budget"},
        {ERROR_OF("Function call `f` in the `2.` content block is missing a `thought_signature`."),
         "signature"},
        {ERROR_OF("Corrupted thought signature."), "signature"},
        {ERROR_OF("Invalid thought signature."), "signature"},
        {ERROR_OF("Thought signature is not valid"), "signature"},
        {ERROR_OF("Function call is missing a thought_signature in functionCall parts."),
         "signature"},
        {ERROR_OF("Invalid value at thought_signature"), "signature"},
        {ERROR_OF("Function call `f` is odd"), NULL},
        {ERROR_OF(
             "The specified schema produces a constraint that has too many states for serving."),
         "schema"},
        {ERROR_OF("A schema in GenerationConfig in the request exceeds the maximum allowed nesting "
                  "depth."),
         "schema"},
        {ERROR_OF("* GenerateContentRequest.generation_config.response_schema.properties: should "
                  "be non-empty for OBJECT type"),
         "schema"},
        {ERROR_OF("Invalid JSON payload received. Unknown name a at "
                  "generation_config.response_json_schema: Cannot find field."),
         "schema"},
        {ERROR_OF("Invalid value at tools[0].function_declarations[0].parameters_json_schema"),
         NULL},
        {"[" ERROR_OF("Penalty is not enabled for this model") "]", "penalty"},
        {ERROR_OF("Invalid value: \\u0022Penalty is not enabled for this model\\u0022"), NULL},
        {ERROR_OF("Penalty must be below 2"), NULL},
        {ERROR_OF("The input token count exceeds the maximum"), NULL},
        {"{'candidates':[{'finishReason':'STOP'}]}", NULL},
        {"{'candidates':[{'content':{},'finishReason':'MISSING_THOUGHT_SIGNATURE'}]}", "signature"},
        {"data: {'candidates':[{'finishReason':'MISSING_THOUGHT_SIGNATURE'}]}\r\n\r\ndata: {}\r\n",
         "signature"},
        {"data:", NULL},
        {"{'error':'Penalty is not enabled'}", NULL},
        {"<html>", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes body = {0};
        const struct refusal *refusal;
        bytes_text(&body, cases[i].body);
        for (size_t k = 0; k < body.len; k++)
            if (body.at[k] == '\'')
                body.at[k] = '"';
        refusal = refusal_read(bytes_view(&body));
        expect_text(cases[i].body, refusal ? refusal->name : "none",
                    cases[i].name ? cases[i].name : "none");
        bytes_clear(&body);
    }
}

#define HI "'contents':[{'role':'user','parts':[{'text':'hi'}]}]"
#define BIT(name) (1u << REFUSED_##name)

static void a_body_loses_what_is_refused_and_no_more(void **state)
{
    static const struct {
        const char *what;
        unsigned refused;
        const char *in, *want; /* NULL: it holds none of it */
    } cases[] = {
        {"v10 signatures", BIT(SIGNATURE),
         "{'contents':[{'role':'user','parts':[{'text':'hi'}]},{'role':'model','parts':[{'text':'a'"
         ","
         "'thoughtSignature':'YQ=='},{'functionCall':{'name':'f'},'thoughtSignature':'Yg=='},{"
         "'functionCall':{'name':'g'},'thoughtSignature':'Yw=='}]},{'role':'user','parts':[{"
         "'functionResponse':{}}]},{'role':'model','parts':[{'functionCall':{'name':'f'}}]}]}",
         "{'contents':[{'role':'user','parts':[{'text':'hi'}]},{'role':'model','parts':[{'text':'a'"
         "},{'functionCall':{'name':'f'},'thoughtSignature':'skip_thought_signature_validator'},{"
         "'functionCall':{'name':'g'}}]},{'role':'user','parts':[{'functionResponse':{}}]},{'role':"
         "'model','parts':[{'functionCall':{'name':'f'},'thoughtSignature':"
         "'skip_thought_signature_validator'}]}]}"},
        {"signatures that are skipped already", BIT(SIGNATURE),
         "{'contents':[{'role':'model','parts':[{'functionCall':{'name':'f'},'thoughtSignature':"
         "'skip_thought_signature_validator'}]}]}",
         NULL},
        {"JSON with its schema", BIT(JSON),
         "{" HI ",'generationConfig':{'responseMimeType':'application/json','responseJsonSchema':{}"
         "}}",
         "{" HI "}"},
        {"penalties", BIT(PENALTY),
         "{" HI ",'generationConfig':{'presencePenalty':1.50,'temperature':1e0,'frequencyPenalty':"
         "1}}",
         "{" HI ",'generationConfig':{'temperature':1e0}}"},
        {"nothing is left of the configuration", BIT(PENALTY),
         "{" HI ",'generationConfig':{'presencePenalty':1}}", "{" HI "}"},
        {"none", BIT(PENALTY), "{" HI ",'generationConfig':{'seed':1}}", NULL},
        {"the word in the text", BIT(PENALTY),
         "{'contents':[{'role':'user','parts':[{'text':'presencePenalty'}]}]}", NULL},
        {"logprobs", BIT(LOGPROBS),
         "{" HI ",'generationConfig':{'responseLogprobs':true,'logprobs':3,'seed':1}}",
         "{" HI ",'generationConfig':{'seed':1}}"},
        {"JSON", BIT(JSON), "{" HI ",'generationConfig':{'responseMimeType':'application/json'}}",
         "{" HI "}"},
        {"a level, thoughts stay", BIT(LEVEL),
         "{" HI ",'generationConfig':{'thinkingConfig':{'thinkingLevel':'low','includeThoughts':"
         "true}}}",
         "{" HI ",'generationConfig':{'thinkingConfig':{'includeThoughts':true}}}"},
        {"a budget that stood alone", BIT(BUDGET),
         "{" HI ",'generationConfig':{'thinkingConfig':{'thinkingBudget':5},'seed':1}}",
         "{" HI ",'generationConfig':{'seed':1}}"},
        {"all thinking", BIT(THINKING) | BIT(LEVEL),
         "{" HI ",'generationConfig':{'thinkingConfig':{'thinkingLevel':'low'}}}", "{" HI "}"},
        {"two at once", BIT(THINKING) | BIT(PENALTY),
         "{" HI ",'generationConfig':{'thinkingConfig':{'a':1},'presencePenalty':1,'topK':2}}",
         "{" HI ",'generationConfig':{'topK':2}}"},
        {"a system instruction becomes the first words", BIT(SYSTEM),
         "{" HI ",'systemInstruction':{'parts':[{'text':'a'},{'text':'b'}]}}",
         "{'contents':[{'role':'user','parts':[{'text':'a'},{'text':'b'},{'text':'hi'}]}]}"},
        {"before a turn of the model's", BIT(SYSTEM),
         "{'contents':[{'role':'model','parts':[{'text':'x'}]}],'systemInstruction':{'parts':[{"
         "'text':'a'}]}}",
         "{'contents':[{'role':'user','parts':[{'text':'a'}]},{'role':'model','parts':[{'text':'x'}"
         "]}]}"},
        {"a prefill", BIT(PREFILL),
         "{'contents':[{'role':'user','parts':[{'text':'a'}]},{'role':'model','parts':[{'text':'x'}"
         "]}]}",
         "{'contents':[{'role':'user','parts':[{'text':'a'}]},{'role':'model','parts':[{'text':'x'}"
         "]},{'role':'user','parts':[{'text':'Continue.'}]}]}"},
        {"no prefill", BIT(PREFILL), "{" HI "}", NULL},
        {"a prefill of no shape", BIT(PREFILL), "{'contents':{'role':'model'}}", NULL},
        {"no system instruction", BIT(SYSTEM), "{" HI "}", NULL},
        {"media resolution, of all and of a part", BIT(MEDIA_RESOLUTION),
         "{'contents':[{'parts':[{'text':'a'},{'inlineData':{'data':'QQ=='},'mediaResolution':{"
         "'level':'L'}}]},{'parts':[{'mediaResolution':{}}]}],'generationConfig':{"
         "'mediaResolution':'L','seed':1}}",
         "{'contents':[{'parts':[{'text':'a'},{'inlineData':{'data':'QQ=='}}]},{'parts':[{}]}],"
         "'generationConfig':{'seed':1}}"},
        {"media resolution of a part alone", BIT(MEDIA_RESOLUTION),
         "{'contents':[{'parts':[{'inlineData':{'data':'QQ=='},'mediaResolution':{'level':'L'}}]}]"
         "}",
         "{'contents':[{'parts':[{'inlineData':{'data':'QQ=='}}]}]}"},
        {"media resolution in the text only", BIT(MEDIA_RESOLUTION),
         "{'contents':[{'parts':[{'text':'mediaResolution'}]}]}", NULL},
        {"media resolution where no parts are", BIT(MEDIA_RESOLUTION),
         "{'contents':{'parts':{'mediaResolution':1}},'mediaResolution':1}", NULL},
        {"numbers keep their spelling", BIT(PENALTY),
         "{'generationConfig':{'presencePenalty':1,'x':12345678901234567890.50}}",
         "{'generationConfig':{'x':12345678901234567890.50}}"},
        {"no JSON", BIT(PENALTY), "presencePenalty", NULL},
        {"no object", BIT(PENALTY) | BIT(SYSTEM) | BIT(MEDIA_RESOLUTION),
         "['presencePenalty','systemInstruction','mediaResolution']", NULL},
        {"nothing as it should be", BIT(PENALTY) | BIT(SYSTEM) | BIT(MEDIA_RESOLUTION),
         "{'generationConfig':['presencePenalty'],'contents':[1,{'parts':['mediaResolution']}]}",
         NULL},
        {"nothing refused", 0, "{" HI ",'generationConfig':{'presencePenalty':1}}", NULL},
    };

    (void)state;
    settings_mine()->continue_prefill = true;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = json_of(cases[i].in), out = {0};
        struct bytes want = json_of(cases[i].want ? cases[i].want : "");
        bool is_changed = refusal_repair(bytes_view(&in), cases[i].refused, &out);

        if (is_changed != (cases[i].want != NULL))
            fail_msg("%s: %s", cases[i].what, is_changed ? "changed" : "not changed");
        expect_text(cases[i].what, bytes_cstr(&out), bytes_cstr(&want));
        bytes_clear(&in);
        bytes_clear(&out);
        bytes_clear(&want);
    }
}

static void a_prefill_stays_refused_unless_it_may_be_continued(void **state)
{
    struct bytes in = json_of("{'contents':[{'role':'model','parts':[{'text':'x'}]}]}"), out = {0};

    (void)state;
    assert_false(refusal_repair(bytes_view(&in), BIT(PREFILL), &out));
    assert_int_equal(out.len, 0);
    bytes_clear(&in);
}

/* Clients choose how many parts there are: twice as many may take twice as long, not four times. */
static void very_many_words_of_a_system_are_moved_in_their_order(void **state)
{
    struct bytes in = {0}, out = {0}, want = {0};

    (void)state;
    bytes_text(&in, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],"
                    "\"systemInstruction\":{\"parts\":[{\"text\":\"0\"}");
    bytes_text(&want, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"0\"}");
    for (int i = 1; i < 500000; i++) {
        bytes_printf(&in, ",{\"text\":\"%d\"}", i);
        bytes_printf(&want, ",{\"text\":\"%d\"}", i);
    }
    bytes_text(&in, "]}}");
    bytes_text(&want, ",{\"text\":\"hi\"}]}]}");
    assert_true(refusal_repair(bytes_view(&in), BIT(SYSTEM), &out));
    assert_true(view_equal(bytes_view(&out), bytes_view(&want)));
    bytes_clear(&in);
    bytes_clear(&out);
    bytes_clear(&want);
}

static const struct refusal *refusal_of(const char *message)
{
    struct bytes body = json_of("{'error':{'message':'");
    const struct refusal *refusal;

    bytes_text(&body, message);
    bytes_text(&body, "\"}}");
    for (size_t i = 0; i < body.len; i++)
        if (body.at[i] == '\'')
            body.at[i] = '"';
    refusal = refusal_read(bytes_view(&body));
    bytes_clear(&body);
    assert_non_null(refusal);
    return refusal;
}

enum { HOUR = 3600 * 1000 };

static void what_a_model_refuses_is_remembered_for_hours(void **state)
{
    static struct refusals all;

    (void)state;
    refusals_note(&all, VIEW("a"), refusal_of("Penalty is not enabled"), 1000);
    refusals_note(&all, VIEW("a"), refusal_of("Logprobs is not enabled"), HOUR);
    refusals_note(&all, VIEW("b"), refusal_of("Thinking is not enabled"), HOUR);
    assert_int_equal(refusals_known(&all, VIEW("a"), HOUR), BIT(PENALTY) | BIT(LOGPROBS));
    assert_int_equal(refusals_known(&all, VIEW("b"), HOUR), BIT(THINKING));
    assert_int_equal(refusals_known(&all, VIEW("c"), HOUR), 0);
    assert_int_equal(refusals_known(&all, VIEW("a"), 4 * HOUR + 2000), BIT(LOGPROBS));
    assert_int_equal(refusals_known(&all, VIEW("a"), 6 * HOUR), 0);
}

static void what_one_request_does_wrong_is_not_remembered(void **state)
{
    static struct refusals all;

    (void)state;
    refusals_note(&all, VIEW("a"), refusal_of("Budget 0 is invalid."), 1);
    refusals_note(&all, VIEW("a"), refusal_of("The thinking budget 9 is invalid."), 1);
    assert_int_equal(refusals_known(&all, VIEW("a"), 2), 0);
    assert_int_equal(all.count, 0);
}

static void the_table_is_bounded_and_forgets_the_oldest(void **state)
{
    static struct refusals all;
    char name[REFUSALS_NAME_MOST + 2];

    (void)state;
    for (int i = 0; i < REFUSALS_MOST + 1; i++) {
        snprintf(name, sizeof(name), "model-%d", i);
        refusals_note(&all, view_of(name), refusal_of("Penalty is not enabled"),
                      1000 + (uint64_t)i);
    }
    assert_int_equal(all.count, REFUSALS_MOST);
    assert_int_equal(refusals_known(&all, VIEW("model-0"), 2000), 0);
    assert_int_equal(refusals_known(&all, VIEW("model-1"), 2000), BIT(PENALTY));
    assert_int_equal(refusals_known(&all, VIEW("model-64"), 2000), BIT(PENALTY));
    assert_int_equal(refusals_known(NULL, VIEW("model-64"), 2000), 0);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    refusals_note(&all, view_of(name), refusal_of("Penalty is not enabled"), 3000);
    assert_int_equal(refusals_known(&all, view_of(name), 3000), 0);
}

/* The body of a chat that is translated while this is known of its model; `in` has no system
 * message behind an assistant's. */
static struct bytes body_of(const char *in, const struct refusals *known)
{
    struct bytes text = json_of(in), why = {0};
    struct ask ask = {.refusals = known, .now_ms = 2000};
    const char *param;

    if (openai_chat_request(bytes_view(&text), &ask, &why, &param) != ERROR_NONE)
        fail_msg("%s: %s", in, bytes_cstr(&why));
    bytes_clear(&text);
    text = ask.body;
    ask.body = (struct bytes){0};
    ask_clear(&ask);
    bytes_cstr(&text);
    return text;
}

#define CHAT(model, members)                                                                       \
    "{'model':'" model "'," members ",'messages':[{'role':'user','content':'Hi'},"                 \
    "{'role':'system','content':'S'},{'role':'user','content':[{'type':'image_url','image_url':{"  \
    "'url':'data:image/png;base64,QQ==','detail':'low'}}]}]}"

static void what_is_known_to_be_refused_is_not_written_at_all(void **state)
{
    static const char *const messages[] = {
        "Penalty is not enabled",
        "Logprobs is not enabled",
        "JSON mode is not enabled",
        "Media resolution is not enabled",
        "Thinking is not enabled",
        "Thinking level is not supported",
        "System instruction is not enabled",
        "Thinking budget is not supported",
    };
    static const char *const chats[] = {
        CHAT("gemini-3-flash-preview", "'presence_penalty':1,'frequency_penalty':1,'seed':1,"
                                       "'logprobs':true,'top_logprobs':3,'reasoning_effort':'low',"
                                       "'response_format':{'type':'json_object'}"),
        CHAT("gemini-2.5-flash",
             "'presence_penalty':1,'temperature':0,'reasoning':{'max_tokens':99,"
             "'exclude':false}"),
        CHAT("gemini-2.5-flash", "'google':{'generation_config':{'presence_penalty':1,'top_k':3,"
                                 "'media_resolution':'L','responseMimeType':'text/plain',"
                                 "'thinking_config':{'thinking_budget':0}}}"),
        CHAT("gemini-3.6-flash", "'n':1"),
    };

    (void)state;
    settings_mine()->show_thinking = true;
    for (unsigned set = 0; set < 1u << COUNT_OF(messages); set++) {
        static const char *const models[] = {"gemini-3-flash-preview", "gemini-2.5-flash",
                                             "gemini-3.6-flash"};
        struct refusals known = {0};

        for (size_t i = 0; i < COUNT_OF(messages) * COUNT_OF(models); i++)
            if (set & 1u << i / COUNT_OF(models))
                refusals_note(&known, view_of(models[i % COUNT_OF(models)]),
                              refusal_of(messages[i / COUNT_OF(models)]), 1000);
        for (size_t i = 0; i < COUNT_OF(chats); i++) {
            unsigned refused = refusals_known(&known, view_of(models[i < 2 ? i : i - 1]), 2000);
            struct bytes plain = body_of(chats[i], NULL), got = body_of(chats[i], &known);
            struct bytes want = {0};

            if (!refusal_repair(bytes_view(&plain), refused, &want))
                bytes_append(&want, bytes_view(&plain));
            expect_text(chats[i], bytes_cstr(&got), bytes_cstr(&want));
            bytes_clear(&plain);
            bytes_clear(&got);
            bytes_clear(&want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_beginning_of_the_message_says_what_is_refused),
        cmocka_unit_test_setup(a_body_loses_what_is_refused_and_no_more, plain_options),
        cmocka_unit_test_setup(a_prefill_stays_refused_unless_it_may_be_continued, plain_options),
        cmocka_unit_test(very_many_words_of_a_system_are_moved_in_their_order),
        cmocka_unit_test(what_a_model_refuses_is_remembered_for_hours),
        cmocka_unit_test(what_one_request_does_wrong_is_not_remembered),
        cmocka_unit_test(the_table_is_bounded_and_forgets_the_oldest),
        cmocka_unit_test_setup(what_is_known_to_be_refused_is_not_written_at_all, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
