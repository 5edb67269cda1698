/* SPDX-License-Identifier: Apache-2.0 */
/* chat/completions requests, translated: one line of a table for each rule. */
#include "frontend/dialect_test.h"
#include "settings_mine.h"

#define REQUEST(messages) "{'model':'gemini-2.0-flash','messages':[" messages "]}"
#define HI "{'role':'user','parts':[{'text':'Hi'}]}"
#define CONTENTS(contents) "{'contents':[" contents "]}"
#define SYSTEM(parts) ",'systemInstruction':{'parts':[" parts "]}}"

static void messages_become_contents(void **state)
{
    static const struct translation cases[] = {
        {"a user's text", REQUEST("{'role':'user','content':'Hi'}"), CONTENTS(HI)},
        {"many turns",
         REQUEST("{'role':'user','content':'Hi'},{'role':'assistant','content':'Hello'},"
                 "{'role':'user','content':'Bye'}"),
         CONTENTS(HI ",{'role':'model','parts':[{'text':'Hello'}]},"
                     "{'role':'user','parts':[{'text':'Bye'}]}")},
        {"the provider's own word for the assistant",
         REQUEST("{'role':'user','content':'Hi'},{'role':'model','content':'Hello'},"
                 "{'role':'user','content':'Bye'}"),
         CONTENTS(HI ",{'role':'model','parts':[{'text':'Hello'}]},"
                     "{'role':'user','parts':[{'text':'Bye'}]}")},
        {"a system message",
         REQUEST("{'role':'system','content':'Be brief.'},{'role':'user','content':'Hi'}"),
         "{'contents':[" HI "]" SYSTEM("{'text':'Be brief.'}")},
        {"two systems and a late developer are hoisted in order",
         REQUEST("{'role':'system','content':'A'},{'role':'system','content':'B'},"
                 "{'role':'user','content':'Hi'},{'role':'developer','content':'C'}"),
         "{'contents':[" HI "]" SYSTEM("{'text':'A'},{'text':'B'},{'text':'C'}")},
        {"only systems become the user's content",
         REQUEST("{'role':'system','content':'A'},{'role':'developer','content':'B'}"),
         CONTENTS("{'role':'user','parts':[{'text':'A'},{'text':'B'}]}")},
        {"an empty system is none",
         REQUEST("{'role':'system','content':''},{'role':'user','content':'Hi'}"), CONTENTS(HI)},
        {"neighbours of one role are one content",
         REQUEST("{'role':'user','content':'Hi'},{'role':'user','content':'there'},"
                 "{'role':'assistant','content':'1'},{'role':'assistant','content':'2'},"
                 "{'role':'user','content':'.'}"),
         CONTENTS("{'role':'user','parts':[{'text':'Hi'},{'text':'there'}]},"
                  "{'role':'model','parts':[{'text':'1'},{'text':'2'}]},"
                  "{'role':'user','parts':[{'text':'.'}]}")},
        {"a system between two users does not part them",
         REQUEST("{'role':'user','content':'Hi'},{'role':'system','content':'S'},"
                 "{'role':'user','content':'there'}"),
         "{'contents':[{'role':'user','parts':[{'text':'Hi'},{'text':'there'}]}]" SYSTEM(
             "{'text':'S'}")},
        {"text parts",
         REQUEST("{'role':'user','content':[{'type':'text','text':'Hi'},{'type':'text','text':''},"
                 "{'type':'input_text','text':'there'},{'text':'!'}]}"),
         CONTENTS("{'role':'user','parts':[{'text':'Hi'},{'text':'there'},{'text':'!'}]}")},
        {"parts without a text",
         REQUEST("{'role':'user','content':[{'type':'text','text':null},{'type':'text','text':"
                 "'Hi'},{'type':'refusal','refusal':null},{'text':null}]}"),
         CONTENTS(HI)},
        {"a byte order mark", "\xef\xbb\xbf" REQUEST("{'role':'user','content':'Hi'}"),
         CONTENTS(HI)},
        {"white space is text", REQUEST("{'role':'user','content':' '}"),
         CONTENTS("{'role':'user','parts':[{'text':' '}]}")},
        {"empty messages go",
         REQUEST("{'role':'user','content':''},{'role':'user','content':'Hi'},"
                 "{'role':'assistant','content':null},{'role':'assistant'},"
                 "{'role':'assistant','content':[]}"),
         CONTENTS(HI)},
        {"the user begins",
         REQUEST("{'role':'assistant','content':'Yes?'},{'role':'user','content':'Hi'}"),
         CONTENTS("{'role':'user','parts':[{'text':'.'}]},"
                  "{'role':'model','parts':[{'text':'Yes?'}]}," HI)},
        {"an assistant's last word is left to older models",
         REQUEST("{'role':'user','content':'Hi'},{'role':'assistant','content':'Well,'}"),
         CONTENTS(HI ",{'role':'model','parts':[{'text':'Well,'}]}")},
        {"a refusal is text, thoughts and names go",
         REQUEST("{'role':'user','name':'Bo','content':'Hi'},{'role':'assistant','content':null,"
                 "'refusal':'No.','reasoning_content':'hm','tool_calls':[]},"
                 "{'role':'assistant','content':[{'type':'thinking','thinking':'hm'},"
                 "{'type':'refusal','refusal':'No!'}]},{'role':'user','content':'.'}"),
         CONTENTS(HI ",{'role':'model','parts':[{'text':'No.'},{'text':'No!'}]},"
                     "{'role':'user','parts':[{'text':'.'}]}")},
        {"escapes, emoji and a half of one",
         REQUEST("{'role':'user','content':'\\n\\u0001\\\\\\/\\u00e9\\ud83d\\ude00\\ud83d "
                 "\xf0\x9f\x98\x80'}"),
         CONTENTS("{'role':'user','parts':[{'text':'\\n\xef\xbf\xbd\\\\/\xc3\xa9\xf0\x9f\x98\x80"
                  "\xef\xbf\xbd \xf0\x9f\x98\x80'}]}")},
        {"a NUL goes", REQUEST("{'role':'user','content':'\\u0000H\\u0000i\\u0000'}"),
         CONTENTS(HI)},
        {"a part of NULs only is none",
         REQUEST("{'role':'user','content':[{'text':'\\u0000\\u0000'},{'text':'Hi'}]}"),
         CONTENTS(HI)},
        {"a model without a system instruction gets it as the user's first words",
         "{'model':'gemma-3-27b-it','messages':[{'role':'user','content':'Hi'},"
         "{'role':'system','content':'S'}]}",
         CONTENTS("{'role':'user','parts':[{'text':'S'},{'text':'Hi'}]}")},
    };

    (void)state;
    translates(cases, COUNT_OF(cases));
}

static void late_systems_stay_if_the_operator_wants(void **state)
{
    static const struct translation cases[] = {
        {"behind a user's",
         REQUEST(
             "{'role':'system','content':'A'},{'role':'developer','content':'B'},{'role':'user',"
             "'content':'Hi'},{'role':'system','content':'C'},{'role':'assistant','content':"
             "'D'},{'role':'system','content':'E'}"),
         "{'contents':[{'role':'user','parts':[{'text':'Hi'},{'text':'C'}]},{'role':'model','parts'"
         ":"
         "[{'text':'D'}]},{'role':'user','parts':[{'text':'E'}]}]" SYSTEM(
             "{'text':'A'},{'text':'B'}")},
        {"only systems", REQUEST("{'role':'system','content':'A'},{'role':'system','content':'B'}"),
         CONTENTS("{'role':'user','parts':[{'text':'A'},{'text':'B'}]}")},
        {"a model without a system instruction",
         "{'model':'gemma-3-27b-it','messages':[{'role':'system','content':'A'},{'role':'user',"
         "'content':'Hi'},{'role':'system','content':'B'}]}",
         CONTENTS("{'role':'user','parts':[{'text':'A'},{'text':'Hi'},{'text':'B'}]}")},
    };

    (void)state;
    settings_mine()->keep_late_system = true;
    translates(cases, COUNT_OF(cases));
}

#define WITH(members) WITH_MODEL("gemini-2.0-flash", members)
#define WITH_MODEL(model, members)                                                                 \
    "{'model':'" model "'," members ",'messages':[{'role':'user','content':'Hi'}]}"
#define CONFIG(members) "{'contents':[" HI "],'generationConfig':{" members "}}"
#define NOTHING CONTENTS(HI)

static void parameters_become_generation_config(void **state)
{
    static const struct translation cases[] = {
        {"temperature as spelled", WITH("'temperature':0.70"), CONFIG("'temperature':0.70")},
        {"temperature 0", WITH("'temperature':0"), CONFIG("'temperature':0")},
        {"temperature above", WITH("'temperature':2.5"), CONFIG("'temperature':2")},
        {"temperature below", WITH("'temperature':-1"), CONFIG("'temperature':0")},
        {"temperature beyond all", WITH("'temperature':1e999"), CONFIG("'temperature':2")},
        {"temperature null", WITH("'temperature':null"), NOTHING},
        {"a later one counts", WITH("'temperature':1,'temperature':0.5"),
         CONFIG("'temperature':0.5")},
        {"a later null counts", WITH("'temperature':1,'temperature':null"), NOTHING},
        {"top_p", WITH("'top_p':0.9"), CONFIG("'topP':0.9")},
        {"top_p 0 is refused by some", WITH("'top_p':0"), NOTHING},
        {"top_p at its end", WITH("'top_p':1.0"), CONFIG("'topP':1.0")},
        {"top_k", WITH("'top_k':40"), CONFIG("'topK':40")},
        {"top_k off", WITH("'top_k':-1"), NOTHING},
        {"top_k 0", WITH("'top_k':0"), NOTHING},
        {"top_k beyond all", WITH("'top_k':4294967296"), CONFIG("'topK':2147483647")},
        {"max_tokens", WITH("'max_tokens':100"), CONFIG("'maxOutputTokens':100")},
        {"max_completion_tokens", WITH("'max_completion_tokens':7"), CONFIG("'maxOutputTokens':7")},
        {"max_completion_tokens wins", WITH("'max_completion_tokens':7,'max_tokens':9"),
         CONFIG("'maxOutputTokens':7")},
        {"whole numbers in other spellings", WITH("'max_tokens':1e2"),
         CONFIG("'maxOutputTokens':100")},
        {"more than the model can", WITH("'max_tokens':128000"), CONFIG("'maxOutputTokens':8192")},
        {"more than the newer model can", WITH_MODEL("gemini-2.5-flash", "'max_tokens':128000"),
         CONFIG("'maxOutputTokens':65536")},
        {"more than anyone can", WITH_MODEL("some-model", "'max_tokens':99999999999"),
         CONFIG("'maxOutputTokens':2147483647")},
        {"stop as text", WITH("'stop':'END'"), CONFIG("'stopSequences':['END']")},
        {"stop as a list", WITH("'stop':['a','','b']"), CONFIG("'stopSequences':['a','b']")},
        {"a stop that is null", WITH("'stop':[null,'a']"), CONFIG("'stopSequences':['a']")},
        {"stops that come again", WITH("'stop':['1','2','1','3','4','5','5','','2']"),
         CONFIG("'stopSequences':['1','2','3','4','5']")},
        {"no stop in a list", WITH("'stop':[]"), NOTHING},
        {"no stop in a text", WITH("'stop':''"), NOTHING},
        {"stop null", WITH("'stop':null"), NOTHING},
        {"seed", WITH("'seed':42"), CONFIG("'seed':42")},
        {"seed 0", WITH("'seed':0"), CONFIG("'seed':0")},
        {"a seed of 64 bits is folded", WITH("'seed':4294967298"), CONFIG("'seed':2")},
        {"a seed below 0", WITH("'seed':-2"), CONFIG("'seed':2147483646")},
        {"a random seed", WITH("'seed':-1"), NOTHING},
        {"numbers in strings",
         WITH("'temperature':'0.70','top_p':'5e-1','top_k':'40','max_tokens':'1e2','seed':'-3',"
              "'n':'1','presence_penalty':'-0.5'"),
         CONFIG("'temperature':0.70,'topP':5e-1,'topK':40,'maxOutputTokens':100,"
                "'seed':2147483645,'presencePenalty':-0.5")},
        {"a random seed in a string", WITH("'seed':'-1'"), NOTHING},
        {"a format that says nothing", WITH("'response_format':{}"), NOTHING},
        {"an extra_body that was not unwrapped",
         WITH("'temperature':1,'extra_body':{'temperature':0.5,'top_k':7,'stop':'x','other':1,"
              "'google':{'generation_config':{'topP':0.5}}}"),
         CONFIG("'temperature':0.5,'topK':7,'stopSequences':['x'],'topP':0.5")},
        {"one inside another", WITH("'extra_body':{'top_k':7,'extra_body':{'top_k':8}}"),
         CONFIG("'topK':8")},
        {"penalties", WITH("'presence_penalty':0.5,'frequency_penalty':-0.5"),
         CONFIG("'presencePenalty':0.5,'frequencyPenalty':-0.5")},
        {"penalties of 0 mean nothing", WITH("'presence_penalty':0,'frequency_penalty':0.0"),
         NOTHING},
        {"the highest penalty", WITH("'presence_penalty':2"), CONFIG("'presencePenalty':1.99")},
        {"the lowest penalty", WITH("'frequency_penalty':-3"), CONFIG("'frequencyPenalty':-2")},
        {"n 1", WITH("'n':1"), NOTHING},
        {"n 8", WITH("'n':8"), NOTHING},
        {"logprobs off", WITH("'logprobs':false,'top_logprobs':0"), NOTHING},
        {"logprobs", WITH("'logprobs':true"), CONFIG("'responseLogprobs':true")},
        {"logprobs of the chosen only", WITH("'logprobs':true,'top_logprobs':0"),
         CONFIG("'responseLogprobs':true")},
        {"logprobs with others", WITH("'logprobs':true,'top_logprobs':5"),
         CONFIG("'responseLogprobs':true,'logprobs':5")},
        {"just below the highest penalty", WITH("'presence_penalty':1.995"),
         CONFIG("'presencePenalty':1.99")},
        {"pictures of a model that makes them",
         WITH_MODEL("gemini-2.5-flash-image", "'modalities':['text','image']"),
         CONFIG("'responseModalities':['TEXT','IMAGE']")},
        {"Google's own words win",
         WITH("'temperature':1,'max_tokens':7,'stop':'x','extra_body':{'google':{"
              "'generation_config':{'temperature':0.50,'max_output_tokens':9,'stopSequences':['y']"
              ",'media_resolution':'MEDIA_RESOLUTION_LOW','seed':null}}}"),
         CONFIG("'temperature':0.50,'maxOutputTokens':9,'stopSequences':['y'],'mediaResolution':'"
                "MEDIA_RESOLUTION_LOW'")},
        {"a later one of Google's counts",
         WITH("'google':{'generation_config':{'top_p':0.1,'topP':0.2}}"), CONFIG("'topP':0.2")},
        {"thinking in Google's settings",
         WITH_MODEL("gemini-2.5-flash",
                    "'google':{'generationConfig':{'thinking_config':{'thinking_budget':300}}}"),
         CONFIG("'thinkingConfig':{'thinkingBudget':300}")},
        {"JSON", WITH("'response_format':{'type':'json_object'}"),
         CONFIG("'responseMimeType':'application/json'")},
        {"text", WITH("'response_format':{'type':'text'}"), NOTHING},
        {"text only", WITH("'modalities':['text']"), NOTHING},
        {"no tools", WITH("'tools':[],'functions':[],'tool_choice':'none'"), NOTHING},
        {"several, in order", WITH("'max_tokens':5,'temperature':1,'stop':'x','top_p':0.5"),
         CONFIG("'temperature':1,'topP':0.5,'maxOutputTokens':5,'stopSequences':['x']")},
        {"what means nothing to the provider",
         WITH("'user':'u','store':true,'metadata':{},'logit_bias':{'1':2},'parallel_tool_calls':"
              "true,"
              "'verbosity':'low','prediction':{},'what':[[[1]]]"),
         NOTHING},
        {"sampling is fixed on newer models",
         WITH_MODEL("gemini-3.6-flash", "'temperature':1,'top_p':0.5,'top_k':3,'max_tokens':5"),
         CONFIG("'maxOutputTokens':5")},
    };

    (void)state;
    translates(cases, COUNT_OF(cases));
}

static void thoughts_may_have_an_allowance(void **state)
{
    static const struct translation cases[] = {
        {"max_tokens", WITH_MODEL("gemini-2.5-flash", "'max_tokens':100"),
         CONFIG("'maxOutputTokens':1100")},
        {"up to what the model can", WITH_MODEL("gemini-2.5-flash", "'max_tokens':65000"),
         CONFIG("'maxOutputTokens':65536")},
        {"max_completion_tokens counts them itself",
         WITH_MODEL("gemini-2.5-flash", "'max_completion_tokens':100"),
         CONFIG("'maxOutputTokens':100")},
        {"both", WITH_MODEL("gemini-2.5-flash", "'max_completion_tokens':100,'max_tokens':50"),
         CONFIG("'maxOutputTokens':100")},
        {"a model that doesn't think", WITH("'max_tokens':100"), CONFIG("'maxOutputTokens':100")},
        {"no limit", WITH_MODEL("gemini-2.5-flash", "'n':1"), NOTHING},
    };

    (void)state;
    settings_mine()->thinking_allowance = 1000;
    translates(cases, COUNT_OF(cases));
}

#define THINKS(members) CONFIG("'thinkingConfig':{" members "}")

static void the_wish_to_think_becomes_thinking_config(void **state)
{
    static const struct translation cases[] = {
        {"nothing said", WITH_MODEL("gemini-2.5-flash", "'n':1"), NOTHING},
        {"an effort", WITH_MODEL("gemini-2.5-flash", "'reasoning_effort':'high'"),
         THINKS("'thinkingBudget':24576")},
        {"an effort of the newer", WITH_MODEL("gemini-3.6-flash", "'reasoning_effort':'high'"),
         THINKS("'thinkingLevel':'HIGH'")},
        {"a model that doesn't think", WITH("'reasoning_effort':'high'"), NOTHING},
        {"effort in reasoning", WITH_MODEL("gemini-2.5-flash", "'reasoning':{'effort':'low'}"),
         THINKS("'thinkingBudget':1024")},
        {"budget in reasoning", WITH_MODEL("gemini-2.5-flash", "'reasoning':{'max_tokens':2000}"),
         THINKS("'thinkingBudget':2000")},
        {"reasoning_effort wins over reasoning",
         WITH_MODEL("gemini-2.5-flash", "'reasoning_effort':'high','reasoning':{'effort':'low'}"),
         THINKS("'thinkingBudget':24576")},
        {"thinking enabled",
         WITH_MODEL("gemini-2.5-flash", "'thinking':{'type':'enabled','budget_tokens':99999}"),
         THINKS("'thinkingBudget':24576")},
        {"thinking disabled", WITH_MODEL("gemini-2.5-flash", "'thinking':{'type':'disabled'}"),
         THINKS("'thinkingBudget':0")},
        {"thinking adaptive", WITH_MODEL("gemini-2.5-flash", "'thinking':{'type':'adaptive'}"),
         NOTHING},
        {"reasoning not enabled",
         WITH_MODEL("gemini-2.5-flash", "'reasoning':{'enabled':false,'effort':'high'}"),
         THINKS("'thinkingBudget':0")},
        {"reasoning not enabled, of a model that always thinks",
         WITH_MODEL("gemini-2.5-pro", "'reasoning':{'enabled':false}"),
         THINKS("'thinkingBudget':128")},
        {"reasoning enabled",
         WITH_MODEL("gemini-2.5-flash", "'reasoning':{'enabled':true,'effort':'low'}"),
         THINKS("'thinkingBudget':1024")},
        {"a budget in a string",
         WITH_MODEL("gemini-2.5-flash", "'reasoning':{'max_tokens':'2000'}"),
         THINKS("'thinkingBudget':2000")},
        {"an effort that says nothing",
         WITH_MODEL("gemini-2.5-flash", "'reasoning_effort':'','reasoning':{'effort':'auto'}"),
         NOTHING},
        {"an effort of auto", WITH_MODEL("gemini-2.5-flash", "'reasoning_effort':'auto'"), NOTHING},
        {"enable_thinking false", WITH_MODEL("gemini-2.5-flash", "'enable_thinking':false"),
         THINKS("'thinkingBudget':0")},
        {"Google's own budget wins",
         WITH_MODEL("gemini-2.5-flash", "'reasoning_effort':'high','extra_body':{'google':"
                                        "{'thinking_config':{'thinking_budget':300}}}"),
         THINKS("'thinkingBudget':300")},
        {"Google's own level, wrapped twice, and thoughts",
         WITH_MODEL("gemini-3-flash-preview",
                    "'extra_body':{'extra_body':{'google':{'thinking_config':"
                    "{'thinkingLevel':'LOW','include_thoughts':true}}}}"),
         THINKS("'thinkingLevel':'LOW','includeThoughts':true")},
        {"thoughts asked for", WITH_MODEL("gemini-2.5-flash", "'reasoning':{'exclude':false}"),
         THINKS("'includeThoughts':true")},
        {"a summary of them asked for",
         WITH_MODEL("gemini-2.5-flash", "'reasoning':{'summary':'auto'}"),
         THINKS("'includeThoughts':true")},
        {"Google's own at the top",
         WITH_MODEL("gemini-2.5-pro", "'google':{'thinking_config':{'include_thoughts':true}}"),
         THINKS("'includeThoughts':true")},
    };

    (void)state;
    translates(cases, COUNT_OF(cases));
}

static void thoughts_are_shown_if_the_operator_wants(void **state)
{
    static const struct translation cases[] = {
        {"by default", WITH_MODEL("gemini-2.5-flash", "'n':1"), THINKS("'includeThoughts':true")},
        {"with an effort", WITH_MODEL("gemini-3.6-flash", "'reasoning_effort':'low'"),
         THINKS("'thinkingLevel':'LOW','includeThoughts':true")},
        {"not where there are none", WITH("'n':1"), NOTHING},
        {"not where thinking is off", WITH_MODEL("gemini-2.5-flash", "'reasoning_effort':'none'"),
         THINKS("'thinkingBudget':0")},
        {"unless the client doesn't",
         WITH_MODEL("gemini-2.5-flash", "'reasoning':{'exclude':true,'summary':'auto'}"), NOTHING},
        {"unless the client says so in Google's words",
         WITH_MODEL("gemini-2.5-flash",
                    "'extra_body':{'google':{'thinking_config':{'include_thoughts':false}}}"),
         NOTHING},
    };

    (void)state;
    settings_mine()->show_thinking = true;
    translates(cases, COUNT_OF(cases));
}

static void safety_settings_come_from_the_client_or_the_operator(void **state)
{
    static const struct translation cases[] = {
        {"the operator's", WITH("'n':1"),
         "{'contents':[" HI "],'safetySettings':[{'category':'C'}]}"},
        {"the client's", WITH("'safety_settings':[{'category':'X','n':1.50}]"),
         "{'contents':[" HI "],'safetySettings':[{'category':'X','n':1.50}]}"},
        {"the client's in Google's words",
         WITH("'extra_body':{'google':{'safety_settings':[{'category':'X'}]}}"),
         "{'contents':[" HI "],'safetySettings':[{'category':'X'}]}"},
        {"a tier", WITH("'service_tier':'flex'"),
         "{'contents':[" HI "],'safetySettings':[{'category':'C'}],'serviceTier':'flex'}"},
        {"the dearer tier", WITH("'service_tier':'fast'"),
         "{'contents':[" HI "],'safetySettings':[{'category':'C'}],'serviceTier':'priority'}"},
        {"the usual tier", WITH("'service_tier':'default'"),
         "{'contents':[" HI "],'safetySettings':[{'category':'C'}],'serviceTier':'standard'}"},
        {"no tier", WITH("'service_tier':'auto'"),
         "{'contents':[" HI "],'safetySettings':[{'category':'C'}]}"},
    };

    (void)state;
    settings_mine()->safety_settings = "[{\"category\":\"C\"}]";
    translates(cases, COUNT_OF(cases));
}

/* ---- what is refused ---- */

static void what_is_wrong_is_named(void **state)
{
    static const struct refusal_case cases[] = {
        {"no body", "", ERROR_BAD_JSON, NULL},
        {"no JSON", "{'model':", ERROR_BAD_JSON, NULL},
        {"no object", "[]", ERROR_BAD_JSON, NULL},
        {"null", "null", ERROR_BAD_JSON, NULL},
        {"more behind it", "{} {}", ERROR_BAD_JSON, NULL},
        {"bytes that are no UTF-8", REQUEST("{'role':'user','content':'\xff\xc0'}"), ERROR_BAD_JSON,
         NULL},
        {"half an emoji and bytes that are no UTF-8",
         REQUEST("{'role':'user','content':'\\ud83d \xc0'}"), ERROR_BAD_JSON, NULL},
        {"a byte order mark alone", "\xef\xbb\xbf", ERROR_BAD_JSON, NULL},
        {"two byte order marks", "\xef\xbb\xbf\xef\xbb\xbf{}", ERROR_BAD_JSON, NULL},
        {"a part without its text", REQUEST("{'role':'user','content':[{'type':'text'}]}"),
         ERROR_BAD_TYPE, "messages[0].content[0].text"},
        {"no model", "{'messages':[]}", ERROR_MISSING_PARAMETER, "model"},
        {"model of a wrong type", "{'model':1}", ERROR_BAD_TYPE, "model"},
        {"no messages", "{'model':'m'}", ERROR_MISSING_PARAMETER, "messages"},
        {"messages of a wrong type", "{'model':'m','messages':{}}", ERROR_BAD_TYPE, "messages"},
        {"no message", REQUEST(""), ERROR_BAD_VALUE, "messages"},
        {"nothing said", REQUEST("{'role':'user','content':''}"), ERROR_BAD_VALUE, "messages"},
        {"nothing said by the system", REQUEST("{'role':'system','content':''}"), ERROR_BAD_VALUE,
         "messages"},
        {"a message of a wrong type", REQUEST("'Hi'"), ERROR_BAD_TYPE, "messages[0]"},
        {"no role", REQUEST("{'content':'Hi'}"), ERROR_MISSING_PARAMETER, "messages[0].role"},
        {"role of a wrong type", REQUEST("{'role':1}"), ERROR_BAD_TYPE, "messages[0].role"},
        {"unknown role", REQUEST("{'role':'user'},{'role':'boss'}"), ERROR_BAD_VALUE,
         "messages[1].role"},
        {"content of a wrong type", REQUEST("{'role':'user','content':1}"), ERROR_BAD_TYPE,
         "messages[0].content"},
        {"a system's content of a wrong type",
         REQUEST("{'role':'user','content':'Hi'},{'role':'system','content':true}"), ERROR_BAD_TYPE,
         "messages[1].content"},
        {"part of a wrong type", REQUEST("{'role':'user','content':['Hi']}"), ERROR_BAD_TYPE,
         "messages[0].content[0]"},
        {"text of a wrong type",
         REQUEST("{'role':'user','content':[{'type':'text','text':'a'},{'type':'text','text':1}]}"),
         ERROR_BAD_TYPE, "messages[0].content[1].text"},
        {"a part without text", REQUEST("{'role':'user','content':[{'type':'text'}]}"),
         ERROR_BAD_TYPE, "messages[0].content[0].text"},
        {"temperature of a wrong type", WITH("'temperature':'hot'"), ERROR_BAD_TYPE, "temperature"},
        {"a text for a number", WITH("'temperature':'hot'"), ERROR_BAD_TYPE, "temperature"},
        {"a number that JSON doesn't know", WITH("'temperature':'0x1'"), ERROR_BAD_TYPE,
         "temperature"},
        {"half a number", WITH("'temperature':'1.'"), ERROR_BAD_TYPE, "temperature"},
        {"a number with a NUL", WITH("'temperature':'1\\u0000'"), ERROR_BAD_TYPE, "temperature"},
        {"a number and more", WITH("'max_tokens':'5 apples'"), ERROR_BAD_TYPE, "max_tokens"},
        {"no number", WITH("'max_tokens':''"), ERROR_BAD_TYPE, "max_tokens"},
        {"max_tokens 0 in a string", WITH("'max_tokens':'0'"), ERROR_BAD_VALUE, "max_tokens"},
        {"top_p above", WITH("'top_p':1.5"), ERROR_BAD_VALUE, "top_p"},
        {"top_p below", WITH("'top_p':-0.1"), ERROR_BAD_VALUE, "top_p"},
        {"six stops", WITH("'stop':['1','2','3','4','5','6']"), ERROR_BAD_VALUE, "stop"},
        {"what is wrong inside an extra_body", WITH("'extra_body':{'max_tokens':0}"),
         ERROR_BAD_VALUE, "max_tokens"},
        {"tools inside an extra_body", WITH("'extra_body':{'tools':[{}]}"), ERROR_MISSING_PARAMETER,
         "tools[0].function"},
        {"max_tokens broken", WITH("'max_tokens':1.5"), ERROR_BAD_TYPE, "max_tokens"},
        {"max_tokens 0", WITH("'max_tokens':0"), ERROR_BAD_VALUE, "max_tokens"},
        {"max_completion_tokens below 0", WITH("'max_completion_tokens':-3"), ERROR_BAD_VALUE,
         "max_completion_tokens"},
        {"stream of a wrong type", WITH("'stream':'yes'"), ERROR_BAD_TYPE, "stream"},
        {"stream_options of a wrong type", WITH("'stream_options':true"), ERROR_BAD_TYPE,
         "stream_options"},
        {"stop of a wrong type", WITH("'stop':{}"), ERROR_BAD_TYPE, "stop"},
        {"a stop of a wrong type", WITH("'stop':['a',1]"), ERROR_BAD_TYPE, "stop[1]"},
        {"seed of a wrong type", WITH("'seed':0.5"), ERROR_BAD_TYPE, "seed"},
        {"n 0", WITH("'n':0"), ERROR_BAD_VALUE, "n"},
        {"n 9", WITH("'n':9"), ERROR_BAD_VALUE, "n"},
        {"a great n", WITH("'n':18446744073709551617"), ERROR_BAD_VALUE, "n"},
        {"effort of a wrong type", WITH("'reasoning_effort':3"), ERROR_BAD_TYPE,
         "reasoning_effort"},
        {"an unknown effort", WITH("'reasoning_effort':'hard'"), ERROR_UNSUPPORTED_VALUE,
         "reasoning_effort"},
        {"an unknown effort in reasoning", WITH("'reasoning':{'effort':'hard'}"),
         ERROR_UNSUPPORTED_VALUE, "reasoning.effort"},
        {"a budget of a wrong type", WITH("'thinking':{'type':'enabled','budget_tokens':'x'}"),
         ERROR_BAD_TYPE, "thinking.budget_tokens"},
        {"an unknown level", WITH("'google':{'thinking_config':{'thinking_level':'DEEP'}}"),
         ERROR_UNSUPPORTED_VALUE, "extra_body.google.thinking_config"},
        {"format without a type", WITH("'response_format':{'x':1}"), ERROR_MISSING_PARAMETER,
         "response_format.type"},
        {"safety settings of a wrong type", WITH("'safety_settings':'off'"), ERROR_BAD_TYPE,
         "safety_settings"},
        {"top_logprobs alone", WITH("'top_logprobs':2"), ERROR_BAD_VALUE, "top_logprobs"},
        {"too many top_logprobs", WITH("'logprobs':true,'top_logprobs':21"), ERROR_BAD_VALUE,
         "top_logprobs"},
        {"top_logprobs below 0", WITH("'logprobs':true,'top_logprobs':-1"), ERROR_BAD_VALUE,
         "top_logprobs"},
        {"Google's settings of a wrong type", WITH("'google':{'generation_config':[]}"),
         ERROR_BAD_TYPE, "extra_body.google.generation_config"},
        {"Google's safety settings of a wrong type", WITH("'google':{'safetySettings':{}}"),
         ERROR_BAD_TYPE, "extra_body.google.safety_settings"},
        {"nothing but a NUL", REQUEST("{'role':'user','content':'\\u0000'}"), ERROR_BAD_VALUE,
         "messages"},
    };

    (void)state;
    refuses(cases, COUNT_OF(cases));
}

static void what_is_not_supported_is_refused_by_name(void **state)
{
    static const struct refusal_case cases[] = {
        {"pictures of a model that makes none", WITH("'modalities':['text','image']"),
         ERROR_UNSUPPORTED_VALUE, "modalities"},
        {"sound of a model that makes pictures",
         WITH_MODEL("gemini-2.5-flash-image", "'modalities':['audio']"), ERROR_UNSUPPORTED_VALUE,
         "modalities"},
        {"an unknown tier", WITH("'service_tier':'best'"), ERROR_UNSUPPORTED_VALUE, "service_tier"},
        {"another of Google's settings",
         WITH("'extra_body':{'google':{'generation_config':{'what_config':{}}}}"),
         ERROR_UNSUPPORTED, "extra_body.google.generation_config"},
        {"a setting with a very long name",
         WITH("'google':{'generation_config':{'a123456789012345678901234567890123456789':1}}"),
         ERROR_UNSUPPORTED, "extra_body.google.generation_config"},
        {"speech", WITH("'modalities':['text','audio']"), ERROR_UNSUPPORTED_VALUE, "modalities"},
        {"Google's other extras", WITH("'extra_body':{'google':{'labels':{}}}"), ERROR_UNSUPPORTED,
         "extra_body.google"},
        {"an assistant's last word on newer models",
         "{'model':'gemini-3.6-flash','messages':[{'role':'user','content':'Hi'},"
         "{'role':'assistant','content':'Well,'}]}",
         ERROR_UNSUPPORTED_VALUE, "messages"},
    };

    (void)state;
    refuses(cases, COUNT_OF(cases));
}

#define MODEL(name) "{'model':'" name "','messages':[{'role':'user','content':'Hi'}]}"

static void a_model_that_is_none_is_not_found(void **state)
{
    static const struct refusal_case cases[] = {
        {"a way out of the path", MODEL("../files"), ERROR_NO_MODEL, "model"},
        {"a path", MODEL("a/b"), ERROR_NO_MODEL, "model"},
        {"dots", MODEL("a..b"), ERROR_NO_MODEL, "model"},
        {"a query", MODEL("m?key=1"), ERROR_NO_MODEL, "model"},
        {"an escape", MODEL("m%2e"), ERROR_NO_MODEL, "model"},
        {"a fragment", MODEL("m#"), ERROR_NO_MODEL, "model"},
        {"a method", MODEL("m:countTokens"), ERROR_NO_MODEL, "model"},
        {"a line break", MODEL("m\\r\\nHost: x"), ERROR_NO_MODEL, "model"},
        {"only a prefix", MODEL("models/"), ERROR_NO_MODEL, "model"},
        {"a filtered one", MODEL("gemini-old"), ERROR_NO_MODEL, "model"},
        {"a filtered one with a prefix", MODEL("models/gemini-old"), ERROR_NO_MODEL, "model"},
        {"one that doesn't chat", MODEL("gemini-embedding-001"), ERROR_NO_MODEL, "model"},
    };

    (void)state;
    refuses(cases, COUNT_OF(cases));
}

static void json_that_is_too_deep_is_refused(void **state)
{
    static const char *const bodies[][2] = {{"", ""}, {"{\"model\":\"m\",\"x\":", "}"}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct bytes in = {0}, why = {0};
        struct ask ask = {0};
        const char *param;

        bytes_text(&in, bodies[i][0]);
        memset(bytes_room(&in, 100000), '[', 100000);
        in.len += 100000;
        memset(bytes_room(&in, 100000), ']', 100000);
        in.len += 100000;
        bytes_text(&in, bodies[i][1]);
        assert_int_equal(openai_chat_request(bytes_view(&in), &ask, &why, &param), ERROR_BAD_JSON);
        assert_non_null(strstr(bytes_cstr(&why), "deep"));
        ask_clear(&ask);
        bytes_clear(&in);
        bytes_clear(&why);
    }
}

/* ---- the rest of an ask ---- */

static struct ask asked(const char *text)
{
    struct bytes in = json_of(text), why = {0};
    struct ask ask = {0};
    const char *param;

    assert_int_equal(openai_chat_request(bytes_view(&in), &ask, &why, &param), ERROR_NONE);
    assert_null(param);
    bytes_clear(&in);
    bytes_clear(&why);
    return ask;
}

static void the_path_is_that_of_the_model_and_the_method(void **state)
{
    static const struct {
        const char *what, *in, *path, *client_model;
        bool stream, include_usage;
    } cases[] = {
        {"whole", MODEL("gemini-2.0-flash"), "/models/gemini-2.0-flash:generateContent",
         "gemini-2.0-flash", false, false},
        {"streamed", WITH("'stream':true"),
         "/models/gemini-2.0-flash:streamGenerateContent?alt=sse", "gemini-2.0-flash", true, false},
        {"not streamed", WITH("'stream':null"), "/models/gemini-2.0-flash:generateContent",
         "gemini-2.0-flash", false, false},
        {"with usage", WITH("'stream':true,'stream_options':{'include_usage':true}"),
         "/models/gemini-2.0-flash:streamGenerateContent?alt=sse", "gemini-2.0-flash", true, true},
        {"without usage", WITH("'stream':true,'stream_options':{'include_usage':false}"),
         "/models/gemini-2.0-flash:streamGenerateContent?alt=sse", "gemini-2.0-flash", true, false},
        {"models/", MODEL("models/m"), "/models/m:generateContent", "models/m", false, false},
        {"google/", MODEL("google/m"), "/models/m:generateContent", "google/m", false, false},
        {"gemini/models/", MODEL("gemini/models/m"), "/models/m:generateContent", "gemini/models/m",
         false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ask ask = asked(cases[i].in);

        expect_text(cases[i].what, bytes_cstr(&ask.path), cases[i].path);
        expect_text(cases[i].what, bytes_cstr(&ask.client_model), cases[i].client_model);
        assert_int_equal(ask.stream, cases[i].stream);
        assert_int_equal(ask.include_usage, cases[i].include_usage);
        expect_text(cases[i].what, ask.operation,
                    cases[i].stream ? "streamGenerateContent" : "generateContent");
        ask_clear(&ask);
    }
}

static void the_estimate_is_a_quarter_of_the_text(void **state)
{
    struct ask ask = asked("{'model':'m','max_tokens':50,'messages':["
                           "{'role':'system','content':'1234'},"
                           "{'role':'user','content':[{'type':'text','text':'12345678'}]}]}");

    (void)state;
    assert_int_equal(ask.estimate, 3);
    ask_clear(&ask);
    ask = asked("{'model':'m','max_tokens':50,'google':{'generation_config':{'max_output_tokens':7}"
                "},'messages':[{'role':'user','content':'1234'}]}");
    assert_int_equal(ask.estimate, 1);
    ask_clear(&ask);
}

static void what_belongs_together_has_one_affinity(void **state)
{
    struct ask none = asked(WITH("'user':''")), number = asked(WITH("'user':5"));
    struct ask bo = asked(WITH("'user':'bo'")), again = asked(WITH("'user':'bo','seed':1"));
    struct ask other = asked(WITH("'user':'al'"));
    struct ask narrow = asked(WITH("'user':'al','prompt_cache_key':'bo','safety_identifier':'x'"));
    struct ask safe = asked(WITH("'user':'al','safety_identifier':'bo'"));

    (void)state;
    assert_true(none.affinity == 0 && number.affinity == 0 && bo.affinity != 0);
    assert_true(bo.affinity == again.affinity && bo.affinity != other.affinity);
    assert_true(bo.affinity == narrow.affinity && bo.affinity == safe.affinity);
    ask_clear(&none);
    ask_clear(&number);
    ask_clear(&bo);
    ask_clear(&again);
    ask_clear(&other);
    ask_clear(&narrow);
    ask_clear(&safe);
}

static void a_long_text_arrives_whole(void **state)
{
    struct bytes in = {0}, want = {0}, why = {0};
    struct ask ask = {0};
    const char *param;

    (void)state;
    bytes_text(&in, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"");
    bytes_text(&want, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"");
    for (int i = 0; i < 20000; i++) { /* an escape at every place of a vector */
        bytes_printf(&in, "%.*s\\n\\\"", i % 33, "abcdefghijklmnopqrstuvwxyz0123456");
        bytes_printf(&want, "%.*s\\n\\\"", i % 33, "abcdefghijklmnopqrstuvwxyz0123456");
    }
    bytes_text(&in, "\"}]}");
    bytes_text(&want, "\"}]}]}");
    assert_int_equal(openai_chat_request(bytes_view(&in), &ask, &why, &param), ERROR_NONE);
    assert_true(view_equal(bytes_view(&ask.body), bytes_view(&want)));
    ask_clear(&ask);
    bytes_clear(&in);
    bytes_clear(&want);
    bytes_clear(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(messages_become_contents, plain_options),
        cmocka_unit_test_setup(parameters_become_generation_config, plain_options),
        cmocka_unit_test_setup(late_systems_stay_if_the_operator_wants, plain_options),
        cmocka_unit_test_setup(thoughts_may_have_an_allowance, plain_options),
        cmocka_unit_test_setup(the_wish_to_think_becomes_thinking_config, plain_options),
        cmocka_unit_test_setup(thoughts_are_shown_if_the_operator_wants, plain_options),
        cmocka_unit_test_setup(safety_settings_come_from_the_client_or_the_operator, plain_options),
        cmocka_unit_test_setup(what_is_wrong_is_named, plain_options),
        cmocka_unit_test_setup(what_is_not_supported_is_refused_by_name, plain_options),
        cmocka_unit_test_setup(a_model_that_is_none_is_not_found, plain_options),
        cmocka_unit_test_setup(json_that_is_too_deep_is_refused, plain_options),
        cmocka_unit_test_setup(the_path_is_that_of_the_model_and_the_method, plain_options),
        cmocka_unit_test_setup(the_estimate_is_a_quarter_of_the_text, plain_options),
        cmocka_unit_test_setup(what_belongs_together_has_one_affinity, plain_options),
        cmocka_unit_test_setup(a_long_text_arrives_whole, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
