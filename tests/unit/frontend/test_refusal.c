/* SPDX-License-Identifier: Apache-2.0 */
/* What a provider refuses for a model: read, taken out, remembered. */
#include "dialect_test.h"

#include "refusal.h"

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
        {ERROR_OF("Multiple candidates is not enabled for this model"), "candidates"},
        {ERROR_OF("Media resolution is not enabled for models/x"), "media_resolution"},
        {ERROR_OF("JSON mode is not enabled for models/x"), "json"},
        {ERROR_OF("Developer instruction is not enabled for models/x"), "system"},
        {ERROR_OF("Thinking level is not supported for this model."), "thinking_level"},
        {ERROR_OF("Thinking budget is not supported for this model."), "thinking_budget"},
        {ERROR_OF("Thinking is not enabled for models/x"), "thinking"},
        {ERROR_OF("Unable to submit request because thinking is not supported by this model."),
         "thinking"},
        {ERROR_OF("The thinking budget 9 is invalid. Please choose a value between 128 and 32768."),
         "thinking_budget"},
        {ERROR_OF("Function calling with a response mime type: 'application/json' is unsupported"),
         "json"},
        {ERROR_OF("Function call is missing a thought_signature in functionCall parts."),
         "signature"},
        {"[" ERROR_OF("Penalty is not enabled for this model") "]", "penalty"},
        {"{'candidates':[{'finishReason':'MISSING_THOUGHT_SIGNATURE'}]}", "signature"},
        {"data: {'candidates':[{'finishReason':'MISSING_THOUGHT_SIGNATURE'}]}\r\n\r\n",
         "signature"},
        {ERROR_OF("Invalid value: \\u0022Penalty is not enabled for this model\\u0022"), NULL},
        {ERROR_OF("Penalty must be below 2"), NULL},
        {ERROR_OF("The input token count exceeds the maximum"), NULL},
        {"{'candidates':[{'finishReason':'STOP'}]}", NULL},
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
        if (strstr(cases[i].body, "mime type: 'app")) /* apostrophes of the message's own */
            memcpy(strstr(bytes_cstr(&body), "\"application/json\""), "'application/json'", 18);
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
        {"JSON", BIT(JSON),
         "{" HI
         ",'generationConfig':{'responseMimeType':'application/json','responseJsonSchema':{}}}",
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
        {"no system instruction", BIT(SYSTEM), "{" HI "}", NULL},
        {"signatures", BIT(SIGNATURE),
         "{'contents':[{'role':'model','parts':[{'text':'a','thoughtSignature':'T'},{"
         "'functionCall':{'name':'f'},'thoughtSignature':'S'},{'functionCall':{'name':'g'},"
         "'thoughtSignature':'U'}]},{'role':'model','parts':[{'functionCall':{'name':'h'}}]}]}",
         "{'contents':[{'role':'model','parts':[{'text':'a'},{'functionCall':{'name':'f'},"
         "'thoughtSignature':'skip_thought_signature_validator'},{'functionCall':{'name':'g'}}]},"
         "{'role':'model','parts':[{'functionCall':{'name':'h'},'thoughtSignature':"
         "'skip_thought_signature_validator'}]}]}"},
        {"numbers keep their spelling", BIT(PENALTY),
         "{'generationConfig':{'presencePenalty':1,'x':12345678901234567890.50}}",
         "{'generationConfig':{'x':12345678901234567890.50}}"},
        {"no JSON", BIT(PENALTY), "presencePenalty", NULL},
        {"no object", BIT(PENALTY) | BIT(SYSTEM) | BIT(SIGNATURE),
         "['presencePenalty','systemInstruction','functionCall']", NULL},
        {"nothing as it should be", BIT(PENALTY) | BIT(SYSTEM) | BIT(SIGNATURE),
         "{'generationConfig':['presencePenalty'],'contents':{'functionCall':1}}", NULL},
        {"nothing refused", 0, "{" HI ",'generationConfig':{'presencePenalty':1}}", NULL},
    };

    (void)state;
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
    refusals_note(&all, VIEW("a"), refusal_of("MISSING_THOUGHT_SIGNATURE"), 1);
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
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    refusals_note(&all, view_of(name), refusal_of("Penalty is not enabled"), 3000);
    assert_int_equal(refusals_known(&all, view_of(name), 3000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_beginning_of_the_message_says_what_is_refused),
        cmocka_unit_test(a_body_loses_what_is_refused_and_no_more),
        cmocka_unit_test(very_many_words_of_a_system_are_moved_in_their_order),
        cmocka_unit_test(what_a_model_refuses_is_remembered_for_hours),
        cmocka_unit_test(what_one_request_does_wrong_is_not_remembered),
        cmocka_unit_test(the_table_is_bounded_and_forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
