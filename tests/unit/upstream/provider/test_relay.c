/* SPDX-License-Identifier: Apache-2.0 */
/* What answers in OpenAI's language say. */
#include "cases.h"

#include "provider/provider.h"

static void an_object_is_seen(void **state)
{
    static const struct {
        const char *in;
        struct sight want;
    } cases[] = {
        {"", {0}},
        {"[]", {0}},
        {"{}", {.is_json = true}},
        {"{'error':{'message':'x'}}", {.is_json = true, .is_error = true}},
        {"[{'error':{'code':429}}]", {.is_json = true, .is_error = true}},
        {"{'choices':[{'delta':{'role':'assistant','content':''}}]}", {.is_json = true}},
        {"{'choices':[{'delta':{'role':'assistant','content':null}}]}", {.is_json = true}},
        {"{'choices':[{'delta':{'content':'a'}}]}", {.is_json = true, .has_content = true}},
        {"{'choices':[{'delta':{'tool_calls':[{'id':'a'}]}}]}",
         {.is_json = true, .has_content = true}},
        {"{'choices':[{'delta':{'tool_calls':[]}}]}", {.is_json = true}},
        {"{'choices':[{'delta':{'reasoning_content':'a'}}]}",
         {.is_json = true, .has_thought = true}},
        {"{'choices':[{'message':{'content':'a'},'finish_reason':'stop'}]}",
         {.is_json = true, .has_content = true, .has_finish = true, .finish = FAULT_EMPTY}},
        {"{'choices':[{'message':{'content':''},'finish_reason':'length'}]}",
         {.is_json = true, .has_finish = true}},
        {"{'choices':[{'delta':{},'finish_reason':null}]}", {.is_json = true}},
        {"{'object':'list','data':[]}", {.is_json = true}},
        {"{'usage':{'prompt_tokens':3,'completion_tokens':4,'total_tokens':12}}",
         {.is_json = true, .usage = {.tokens_in = 3, .tokens_out = 4, .tokens_thoughts = 5}}},
        {"{'usage':{'prompt_tokens':3,'completion_tokens':4,'total_tokens':7,"
         "'prompt_tokens_details':{'cached_tokens':2}}}",
         {.is_json = true, .usage = {.tokens_in = 3, .tokens_out = 4, .tokens_cached = 2}}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes json = json_of(cases[i].in);
        struct sight sight;

        provider_relay.look(bytes_view(&json), &sight);
        if (sight.is_json != cases[i].want.is_json || sight.is_error != cases[i].want.is_error ||
            sight.has_content != cases[i].want.has_content ||
            sight.has_thought != cases[i].want.has_thought ||
            sight.has_finish != cases[i].want.has_finish || sight.finish != cases[i].want.finish ||
            sight.usage.tokens_in != cases[i].want.usage.tokens_in ||
            sight.usage.tokens_out != cases[i].want.usage.tokens_out ||
            sight.usage.tokens_thoughts != cases[i].want.usage.tokens_thoughts ||
            sight.usage.tokens_cached != cases[i].want.usage.tokens_cached)
            fail_msg("%s", cases[i].in);
        bytes_clear(&json);
    }
}

static void errors_are_googles(void **state)
{
    struct bytes body =
        json_of("[{'error':{'code':400,'status':'INVALID_ARGUMENT','message':'API key not "
                "valid. Please pass a valid API key.','details':[{'@type':'type."
                "googleapis.com/google.rpc.ErrorInfo','reason':'API_KEY_INVALID'}]}}]");
    struct verdict verdict = {0};

    (void)state;
    provider_relay.read_error(400, bytes_view(&body), 0, &verdict);
    assert_int_equal(verdict.fault, FAULT_KEY_INVALID);
    bytes_clear(&body);
}

static void keys_are_shown_as_tokens(void **state)
{
    struct bytes line = {0};

    (void)state;
    provider_relay.authorize((struct secret){VIEW("k1")}, &line);
    assert_string_equal(bytes_cstr(&line), "authorization: Bearer k1");
    assert_ptr_equal(provider_find(VIEW("relay")), &provider_relay);
    assert_int_equal(provider_relay.gate(VIEW("chat/completions")), GATE_GENERATED);
    assert_int_equal(provider_relay.gate(VIEW("embeddings")), GATE_OBJECT);
    bytes_clear(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_seen),
        cmocka_unit_test(errors_are_googles),
        cmocka_unit_test(keys_are_shown_as_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
