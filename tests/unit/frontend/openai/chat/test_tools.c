/* SPDX-License-Identifier: Apache-2.0 */
/* Tools, calls and results in requests of chat/completions, and answers in JSON. */
#include "frontend/dialect_test.h"

#define U "{'role':'user','content':'Hi'}"
#define HI "{'role':'user','parts':[{'text':'Hi'}]}"
#define REQUEST(model, members, messages)                                                          \
    "{'model':'" model "'" members ",'messages':[" messages "]}"
#define TOOLS(model, tools) REQUEST(model, ",'tools':[" tools "]", U)
#define DECLARED(functions)                                                                        \
    "{'contents':[" HI "],'tools':[{'functionDeclarations':[" functions "]}]"
#define CONFIG(config) ",'toolConfig':{'functionCallingConfig':{" config "}}"
#define NEW "gemini-3.5-flash"
#define MID "gemini-2.5-flash"
#define OLD "gemini-2.0-flash"
#define SKIP "'thoughtSignature':'skip_thought_signature_validator'"

/* ---- declarations ---- */

#define F "{'type':'function','function':{'name':'f'}}"
#define G "{'type':'function','function':{'name':'g'}}"
#define P "{'type':'object','properties':{'a':{'type':'string'}}}"

static void functions_are_declared_in_one_tool(void **state)
{
    (void)state;
    TRANSLATES(
        {"with all that it has",
         TOOLS(NEW,
               "{'type':'function','function':{'name':'f','description':'D','parameters':" P "}}"),
         DECLARED("{'name':'f','description':'D','parametersJsonSchema':" P "}") "}"},
        {"an older model",
         TOOLS(OLD, "{'type':'function','function':{'name':'f','parameters':" P "}}"),
         DECLARED("{'name':'f','parameters':{'type':'OBJECT','properties':{'a':{'type':'STRING'}}}"
                  "}") "}"},
        {"no parameters, none that count",
         TOOLS(NEW, F ",{'type':'function','function':{'name':'g','parameters':{'type':'object',"
                      "'properties':{}}}}"),
         DECLARED("{'name':'f'},{'name':'g'}") "}"},
        {"the first of a name", TOOLS(NEW, F "," G "," F),
         DECLARED("{'name':'f'},{'name':'g'}") "}"},
        {"flat, without a type", TOOLS(NEW, "{'name':'f','parameters':" P "}"),
         DECLARED("{'name':'f','parametersJsonSchema':" P "}") "}"},
        {"functions of former times", REQUEST(NEW, ",'functions':[{'name':'f'}]", U),
         DECLARED("{'name':'f'}") "}"},
        {"a tool that takes text",
         TOOLS(NEW, "{'type':'custom','custom':{'name':'f','description':'D','format':{'type':"
                    "'grammar','grammar':{'syntax':'lark','definition':'x'}}}}"),
         DECLARED("{'name':'f','description':'D\\n\\nThe input follows this grammar:\\nx',"
                  "'parametersJsonSchema':{'type':'object','properties':{'input':{'type':'string'}}"
                  ",'required':['input']}}") "}"},
        {"a function called like one of Google's tools",
         TOOLS(NEW, "{'type':'function','function':{'name':'googleSearch'}}"),
         DECLARED("{'name':'googleSearch'}") "}"});
}

static void tools_that_are_none_are_named(void **state)
{
    (void)state;
    REFUSES({"no object", TOOLS(NEW, "5"), ERROR_BAD_TYPE, "tools[0]"},
            {"no function", TOOLS(NEW, F ",{'type':'function'}"), ERROR_MISSING_PARAMETER,
             "tools[1].function"},
            {"no name", TOOLS(NEW, "{'type':'function','function':{}}"), ERROR_MISSING_PARAMETER,
             "tools[0].function.name"},
            {"an empty name", TOOLS(NEW, "{'type':'custom','custom':{'name':''}}"), ERROR_BAD_VALUE,
             "tools[0].custom.name"},
            {"an unknown kind", TOOLS(NEW, "{'type':'web_search'}"), ERROR_UNSUPPORTED_VALUE,
             "tools[0].type"},
            {"parameters of another type",
             TOOLS(NEW, "{'type':'function','function':{'name':'f','parameters':[]}}"),
             ERROR_BAD_TYPE, "tools[0].function.parameters"},
            {"a function of former times", REQUEST(NEW, ",'functions':[{}]", U),
             ERROR_MISSING_PARAMETER, "functions[0].name"},
            {"parallel what", REQUEST(NEW, ",'parallel_tool_calls':1", U), ERROR_BAD_TYPE,
             "parallel_tool_calls"});
}

#define LONG "mcp__a_server_of_a_long_name__and_a_function_of_an_even_longer_one"
#define SHORT "mcp__a_server_of_a_long_name__and_a_function_of_an_even_80b1f4e6"

static void names_that_gemini_refuses_get_stable_ones(void **state)
{
    struct bytes name = {0};

    (void)state;
    TRANSLATES(
        {"good ones stay", TOOLS(NEW, "{'name':'_a-b.c1'}"), DECLARED("{'name':'_a-b.c1'}") "}"});
    tool_name_write(&name, VIEW(LONG));
    assert_int_equal(name.len, 64);
    assert_memory_equal(name.at, SHORT, 55);
    name.len = 0;
    tool_name_write(&name, VIEW("a/b c"));
    assert_memory_equal(name.at, "a_b_c_", 6);
    assert_int_equal(name.len, 14);
    name.len = 0;
    tool_name_write(&name, VIEW("1st"));
    assert_memory_equal(name.at, "_1st_", 5);
    name.len = 0;
    tool_name_write(&name, VIEW("\xe5\x87\xbd"));
    assert_memory_equal(name.at, "____", 4);
    bytes_clear(&name);
}

static void a_short_name_comes_back_as_the_client_wrote_it(void **state)
{
    struct tool_names names = {0};
    struct bytes called = {0};

    (void)state;
    tool_names_note(&names, VIEW("plain"), false);
    assert_int_equal(names.list.len, 0);
    tool_names_note(&names, VIEW("a/b"), false);
    tool_names_note(&names, VIEW("text"), true);
    tool_name_write(&called, VIEW("a/b"));
    assert_true(view_equal(tool_names_find(&names, bytes_view(&called)).name, VIEW("a/b")));
    assert_false(tool_names_find(&names, bytes_view(&called)).is_custom);
    assert_true(tool_names_find(&names, VIEW("text")).is_custom);
    assert_true(view_equal(tool_names_find(&names, VIEW("plain")).name, VIEW("plain")));
    bytes_clear(&names.list);
    bytes_clear(&called);
}

/* ---- choices ---- */

#define CHOOSE(model, choice) REQUEST(model, ",'tools':[" F "," G "],'tool_choice':" choice, U)
#define BOTH DECLARED("{'name':'f'},{'name':'g'}")

static void a_choice_becomes_a_mode(void **state)
{
    (void)state;
    TRANSLATES(
        {"auto", CHOOSE(NEW, "'auto'"), BOTH "}"}, {"null", CHOOSE(NEW, "null"), BOTH "}"},
        {"none", CHOOSE(NEW, "'none'"), BOTH CONFIG("'mode':'NONE'") "}"},
        {"required", CHOOSE(OLD, "'required'"), BOTH CONFIG("'mode':'ANY'") "}"},
        {"one function", CHOOSE(NEW, G),
         BOTH CONFIG("'mode':'ANY','allowedFunctionNames':['g']") "}"},
        {"one by its name", CHOOSE(NEW, "{'name':'g'}"),
         BOTH CONFIG("'mode':'ANY','allowedFunctionNames':['g']") "}"},
        {"some must",
         CHOOSE(NEW,
                "{'type':'allowed_tools','allowed_tools':{'mode':'required','tools':[" G "]}}"),
         BOTH CONFIG("'mode':'ANY','allowedFunctionNames':['g']") "}"},
        {"some may",
         CHOOSE(MID, "{'type':'allowed_tools','allowed_tools':{'mode':'auto','tools':[" G "]}}"),
         BOTH CONFIG("'mode':'VALIDATED','allowedFunctionNames':['g']") "}"},
        {"some may, with an older model",
         CHOOSE(OLD, "{'type':'allowed_tools','mode':'auto','tools':[" G "]}"),
         DECLARED("{'name':'g'}") "}"},
        {"no tool may", CHOOSE(NEW, "{'type':'allowed_tools','mode':'auto','tools':[]}"),
         BOTH CONFIG("'mode':'NONE'") "}"},
        {"a word in an object", CHOOSE(NEW, "{'type':'required'}"),
         BOTH CONFIG("'mode':'ANY'") "}"},
        {"another", CHOOSE(NEW, "{'type':'auto'}"), BOTH "}"},
        {"without tools", REQUEST(NEW, ",'tool_choice':'required'", U), "{'contents':[" HI "]}"},
        {"a function of former times",
         REQUEST(NEW, ",'functions':[{'name':'f'}],'function_call':{'name':'f'}", U),
         DECLARED("{'name':'f'}") CONFIG("'mode':'ANY','allowedFunctionNames':['f']") "}"},
        {"strict", TOOLS(NEW, "{'type':'function','function':{'name':'f','strict':true}}"),
         DECLARED("{'name':'f'}") CONFIG("'mode':'VALIDATED'") "}"},
        {"strict, with an older model",
         TOOLS(OLD, "{'type':'function','function':{'name':'f','strict':true}}"),
         DECLARED("{'name':'f'}") "}"});
    REFUSES({"another word", CHOOSE(NEW, "'maybe'"), ERROR_BAD_VALUE, "tool_choice"},
            {"a number", CHOOSE(NEW, "1"), ERROR_BAD_TYPE, "tool_choice"},
            {"an undeclared one", CHOOSE(NEW, "{'type':'function','function':{'name':'h'}}"),
             ERROR_BAD_VALUE, "tool_choice"},
            {"an undeclared one of some",
             CHOOSE(NEW, "{'type':'allowed_tools','mode':'auto','tools':[{'name':'h'}]}"),
             ERROR_BAD_VALUE, "tool_choice"});
}

/* ---- calls and results ---- */

#define CALL_(id, name, args, more)                                                                \
    "{'id':'" id "','type':'function','function':{'name':'" name "','arguments':'" args "'}" more  \
    "}"
#define CALL(id, name, args) CALL_(id, name, args, "")
#define CALLS(calls) "{'role':'assistant','content':null,'tool_calls':[" calls "]}"
#define RESULT(id, content) "{'role':'tool','tool_call_id':'" id "','content':'" content "'}"
#define TURNS(turns) "{'contents':[" HI "," turns "]}"
#define MODEL(parts) "{'role':'model','parts':[" parts "]}"
#define USER(parts) "{'role':'user','parts':[" parts "]}"
#define FC(id, name, args) "{'functionCall':{'id':'" id "','name':'" name "','args':" args "}}"
#define FC1(id, name, args)                                                                        \
    "{'functionCall':{'id':'" id "','name':'" name "','args':" args "}," SKIP "}"
#define FR(id, name, response)                                                                     \
    "{'functionResponse':{'id':'" id "','name':'" name "','response':" response "}}"
#define SAY(messages) REQUEST(NEW, "", U "," messages)

static void v06_results_stand_in_the_order_of_the_calls(void **state)
{
    (void)state;
    TRANSLATES(
        {"in reverse",
         SAY(CALLS(CALL("A", "f", "{\\'x\\':1}") "," CALL("B", "g", "")) "," RESULT(
             "B", "ok") "," RESULT("A", "{\\'r\\':2}")),
         TURNS(MODEL(FC1("A", "f", "{'x':1}") "," FC("B", "g", "{}")) "," USER(
             FR("A", "f", "{'r':2}") "," FR("B", "g", "{'result':'ok'}")))},
        {"with words of both, between them too",
         SAY("{'role':'assistant','content':'Look.','tool_calls':[" CALL("A", "f", "{}") "," CALL(
             "B", "g", "{}") "]}," RESULT("A", "1") ",{'role':'user','content':'and'}"
                                                    "," RESULT("B", "2") ",{'role':'user','"
                                                                         "content':'Well?'}"),
         TURNS(MODEL("{'text':'Look.'}," FC1("A", "f", "{}") "," FC("B", "g", "{}")) "," USER(
             FR("A", "f", "{'result':'1'}") "," FR(
                 "B", "g", "{'result':'2'}")) "," USER("{'text':'and'},{'text':'Well?'}"))},
        {"with an older model the user's words are parts",
         REQUEST(MID, "", U "," CALLS(CALL("A", "f", "{}")) "," RESULT("A", "1") "," U),
         TURNS(
             MODEL(FC("A", "f", "{}")) "," USER(FR("A", "f", "{'result':'1'}") ",{'text':'Hi'}"))},
        {"two steps",
         SAY(CALLS(CALL("A", "f", "{}")) "," RESULT("A", "1") "," CALLS(
             CALL("A", "f", "{}")) "," RESULT("A", "2")),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(FR("A", "f", "{'result':'1'}")) "," MODEL(
             FC1("A", "f", "{}")) "," USER(FR("A", "f", "{'result':'2'}")))},
        {"calls in neighbouring messages are one step",
         SAY(CALLS(CALL("A", "f", "{}")) "," CALLS(CALL("B", "g", "{}")) "," RESULT(
             "A", "1") "," RESULT("B", "2")),
         TURNS(MODEL(FC1("A", "f", "{}") "," FC("B", "g", "{}")) "," USER(
             FR("A", "f", "{'result':'1'}") "," FR("B", "g", "{'result':'2'}")))});
}

#define PICTURE "{'type':'image_url','image_url':{'url':'data:image/png;base64,QQ=='}}"

static void v07_missing_orphaned_and_repeated_results(void **state)
{
    (void)state;
    TRANSLATES(
        {"none", SAY(CALLS(CALL("A", "f", "{}"))),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(
             FR("A", "f", "{'error':'no result was provided'}")))},
        {"of no call", SAY(RESULT("Z", "5")),
         "{'contents':[{'role':'user','parts':[{'text':'Hi'},"
         "{'text':'Tool result: 5'}]}]}"},
        {"a picture of no call",
         SAY("{'role':'tool','tool_call_id':'Z','content':[" PICTURE "," PICTURE "]}"),
         "{'contents':[{'role':'user','parts':[{'text':'Hi'},{'text':'Tool result: '},{'inlineData'"
         ":{'data':'QQ==','mimeType':'image/png'}},{'inlineData':{'data':'QQ==','mimeType':"
         "'image/png'}}]}]}"},
        {"another id, but only one is left", SAY(CALLS(CALL("A", "f", "{}")) "," RESULT("Z", "5")),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(FR("A", "f", "{'result':'5'}")))},
        {"another id, and two are left",
         SAY(CALLS(CALL("A", "f", "{}") "," CALL("B", "g", "{}")) "," RESULT("Z", "5")),
         TURNS(MODEL(FC1("A", "f", "{}") "," FC("B", "g", "{}")) "," USER(
             FR("A", "f", "{'error':'no result was provided'}") "," FR(
                 "B", "g",
                 "{'error':'no result was provided'}")) "," USER("{'text':'Tool result: 5'}"))},
        {"twice", SAY(CALLS(CALL("A", "f", "{}")) "," RESULT("A", "one") "," RESULT("A", "[2]")),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(FR("A", "f", "{'result':['one',[2]]}")))},
        {"behind another step",
         SAY(CALLS(CALL("A", "f", "{}")) ",{'role':'user','content':'?'}," CALLS(
             CALL("B", "g", "{}")) "," RESULT("B", "2") "," RESULT("A", "1")),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(FR("A", "f", "{'result':'1'}")) "," USER(
             "{'text':'?'}") "," MODEL(FC1("B", "g", "{}")) "," USER(FR("B", "g",
                                                                        "{'result':'2'}")))},
        {"without ids",
         SAY(CALLS(CALL("A", "f", "{}") "," CALL(
             "B", "g", "{}")) ","
                              "{'role':'tool','name':'g','content':'2'},{'role':'tool','content':"
                              "'1'}"),
         TURNS(MODEL(FC1("A", "f", "{}") "," FC("B", "g", "{}")) "," USER(
             FR("A", "f", "{'result':'1'}") "," FR("B", "g", "{'result':'2'}")))},
        {"calls without ids",
         SAY("{'role':'assistant','tool_calls':[{'function':{'name':'f'}},{'id':'','function':{'"
             "name':'g'}}]},"
             "{'role':'tool','content':'1'},{'role':'tool','content':'2'}"),
         TURNS(MODEL(FC1("call_1_0", "f", "{}") "," FC("call_1_1", "g", "{}")) "," USER(
             FR("call_1_0", "f", "{'result':'1'}") "," FR("call_1_1", "g", "{'result':'2'}")))},
        {"before there was a user",
         REQUEST(NEW, "", CALLS(CALL("A", "f", "{}")) "," RESULT("A", "1")),
         "{'contents':[{'role':'user','parts':[{'text':'.'}]}," MODEL(FC1("A", "f", "{}")) "," USER(
             FR("A", "f", "{'result':'1'}")) "]}"});
}

#define DONE_F USER(FR("A", "f", "{'result':'1'}"))

static void v08_arguments_that_are_broken_are_mended_or_told_raw(void **state)
{
    (void)state;
    TRANSLATES(
        {"none, empty, blank, an object, a scalar",
         SAY("{'role':'assistant','tool_calls':[{'id':'A','function':{'name':'f'}}," CALL(
             "B", "f",
             "") "," CALL("C", "f",
                          " \\n") ",{'id':'D','function':{'name':'f',"
                                  "'arguments':{'a':1.50}}}," CALL("E", "f", "5") "]}," RESULT(
                                      "A",
                                      "") "," RESULT("B",
                                                     "") "," RESULT("C",
                                                                    "") "," RESULT("D",
                                                                                   "") "," RESULT("E",
                                                                                                  "")),
         TURNS(
             MODEL(FC1("A", "f", "{}") "," FC("B", "f", "{}") "," FC("C", "f", "{}") "," FC("D", "f", "{'a':1.50}") "," FC("E", "f", "{'value':5}")) "," USER(
                 FR("A", "f", "{'result':''}") "," FR("B", "f", "{'result':''}") "," FR(
                     "C", "f", "{'result':''}") "," FR("D", "f",
                                                       "{'result':''}") "," FR("E", "f",
                                                                               "{'result':''}")))});
    TRANSLATES(
        {"broken", SAY(CALLS(CALL("A", "f", "{\\'a\\':")) "," RESULT("A", "1")),
         TURNS(MODEL(FC1("A", "f", "{'_raw':'{\\'a\\':'}")) "," DONE_F)},
        {"cut off", SAY(CALLS(CALL("A", "f", "{\\'a\\':[1.50,{\\'b\\':\\'c")) "," RESULT("A", "1")),
         TURNS(MODEL(FC1("A", "f", "{'a':[1.50,{'b':'c'}]}")) "," DONE_F)},
        {"a comma too many", SAY(CALLS(CALL("A", "f", "{\\'a\\':1,}")) "," RESULT("A", "1")),
         TURNS(MODEL(FC1("A", "f", "{'a':1}")) "," DONE_F)},
        {"lines in a text",
         SAY(CALLS(CALL("A", "f", "{\\'a\\':\\'b\\nc\\'}")) "," RESULT("A", "1")),
         TURNS(MODEL(FC1("A", "f", "{'a':'b\\nc'}")) "," DONE_F)},
        {"words", SAY(CALLS(CALL("A", "f", "Paris")) "," RESULT("A", "1")),
         TURNS(MODEL(FC1("A", "f", "{'_raw':'Paris'}")) "," DONE_F)},
        {"of former times",
         SAY("{'role':'assistant','function_call':{'name':'f','arguments':'{'}},"
             "{'role':'function','name':'f','content':'1'}"),
         TURNS(MODEL("{'functionCall':{'id':'call_1_0','name':'f','args':{}}," SKIP "}") "," USER(
             "{'functionResponse':{'id':'call_1_0','name':'f','response':{'result':'1'}}}"))});
    REFUSES({"no text", SAY(CALLS("{'id':'A','function':{'name':'f','arguments':5}}")),
             ERROR_BAD_TYPE, "messages[1].tool_calls[0].function.arguments"},
            {"no name", SAY(CALLS("{'id':'A','function':{}}")), ERROR_MISSING_PARAMETER,
             "messages[1].tool_calls[0].function.name"},
            {"no function", SAY(CALLS("{'id':'A'}")), ERROR_BAD_TYPE,
             "messages[1].tool_calls[0].function"},
            {"no list", SAY("{'role':'assistant','tool_calls':{}}"), ERROR_BAD_TYPE,
             "messages[1].tool_calls"});
}

#define SIGNED(id, args)                                                                           \
    "{'functionCall':{'id':'" id "','name':'f','args':" args "},'thoughtSignature':'c2lnbmVkIQ=='" \
    "}"

static void v09_signatures_come_back_wherever_clients_keep_them(void **state)
{
    (void)state;
    TRANSLATES(
        {"extra_content",
         SAY(CALLS(CALL_("A", "f", "{}",
                         ",'extra_content':{'google':{'thought_signature':"
                         "'c2lnbmVkIQ=='}}")) "," RESULT("A", "1")),
         TURNS(MODEL(SIGNED("A", "{}")) "," DONE_F)},
        {"provider_specific_fields",
         SAY(CALLS(CALL_("A", "f", "{}",
                         ",'provider_specific_fields':{'thought_signature':"
                         "'c2lnbmVkIQ=='}")) "," RESULT("A", "1")),
         TURNS(MODEL(SIGNED("A", "{}")) "," DONE_F)},
        {"an id with it",
         SAY(CALLS(CALL("A__thought__c2lnbmVkIQ==", "f", "{}")) "," RESULT(
             "A__thought__c2lnbmVkIQ==", "1")),
         TURNS(MODEL(SIGNED("A", "{}")) "," DONE_F)},
        {"the message's, for the first call",
         SAY("{'role':'assistant','extra_content':{'google':{'thought_signature':'c2lnbmVkIQ=='}},"
             "'tool_calls':[" CALL("A", "f", "{}") "," CALL("B", "g", "{}") "]}," RESULT(
                 "A", "1") "," RESULT("B", "2")),
         TURNS(MODEL(SIGNED("A", "{}") "," FC("B", "g", "{}")) "," USER(
             FR("A", "f", "{'result':'1'}") "," FR("B", "g", "{'result':'2'}")))},
        {"none: what Google documents for that",
         SAY(CALLS(CALL("A", "f", "{}")) "," RESULT("A", "1")),
         TURNS(MODEL(FC1("A", "f", "{}")) "," DONE_F)},
        {"none that could be one",
         SAY(CALLS(CALL_("A", "f", "{}",
                         ",'extra_content':{'google':{'thought_signature':'no "
                         "base64!'}}")) "," RESULT("A", "1")),
         TURNS(MODEL(FC1("A", "f", "{}")) "," DONE_F)},
        {"2.5 gets it back",
         REQUEST(MID, "",
                 U "," CALLS(CALL_("A", "f", "{}",
                                   ",'extra_content':{'google':{"
                                   "'thought_signature':'c2lnbmVkIQ=='}}")) "," RESULT("A", "1")),
         TURNS(MODEL(SIGNED("A", "{}")) "," DONE_F)},
        {"2.5 needs none", REQUEST(MID, "", U "," CALLS(CALL("A", "f", "{}")) "," RESULT("A", "1")),
         TURNS(MODEL(FC("A", "f", "{}")) "," DONE_F)},
        {"2.0 knows none",
         REQUEST(OLD, "",
                 U "," CALLS(CALL_("A", "f", "{}",
                                   ",'extra_content':{'google':{"
                                   "'thought_signature':'c2lnbmVkIQ=='}}")) "," RESULT("A", "1")),
         TURNS(MODEL(FC("A", "f", "{}")) "," DONE_F)});
}

static void results_are_objects_whatever_they_were(void **state)
{
    (void)state;
    TRANSLATES(
        {"an array", SAY(CALLS(CALL("A", "f", "{}")) "," RESULT("A", "[1,2.0]")),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(FR("A", "f", "{'result':[1,2.0]}")))},
        {"a number is a text", SAY(CALLS(CALL("A", "f", "{}")) "," RESULT("A", "42")),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(FR("A", "f", "{'result':'42'}")))},
        {"nearly JSON", SAY(CALLS(CALL("A", "f", "{}")) "," RESULT("A", "{oops")),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(FR("A", "f", "{'result':'{oops'}")))},
        {"parts",
         SAY(CALLS(CALL("A", "f", "{}")) ",{'role':'tool','tool_call_id':'A','content':["
                                         "{'type':'text','text':'a'},{'type':'text','text':'b'}]}"),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(FR("A", "f", "{'result':'ab'}")))},
        {"a picture",
         SAY(CALLS(CALL("A", "f", "{}")) ",{'role':'tool','tool_call_id':'A','content':[{'type':"
                                         "'text','text':'a'}," PICTURE "]}"),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(
             "{'functionResponse':{'id':'A','name':'f','response':{'result':'a'},'parts':[{"
             "'inlineData':{'data':'QQ==','mimeType':'image/png'}}]}}"))},
        {"a picture, with an older model",
         REQUEST(MID, "",
                 U "," CALLS(CALL("A", "f", "{}") "," CALL(
                     "B", "g", "{}")) ",{'role':'tool','tool_call_id':'A','content':[" PICTURE
                                      "]}," RESULT("B", "2")),
         TURNS(MODEL(FC("A", "f", "{}") "," FC("B", "g", "{}")) "," USER(
             FR("A", "f", "{'result':''}") "," FR(
                 "B", "g",
                 "{'result':'2'}") ",{'inlineData':{'data':'QQ==','mimeType':'image/png'}}"))},
        {"what is at an address stands behind the results",
         SAY(CALLS(CALL("A", "f", "{}") "," CALL(
             "B", "g", "{}")) ",{'role':'tool','tool_call_id':'A','content':[{'type':"
                              "'image_url','image_url':{'url':'https://x/y.png'}}," PICTURE
                              "]}," RESULT("B", "2")),
         TURNS(MODEL(FC1("A", "f", "{}") "," FC("B", "g", "{}")) "," USER(
             "{'functionResponse':{'id':'A','name':'f','response':{'result':''},'parts':[{"
             "'inlineData':{'data':'QQ==','mimeType':'image/png'}}]}}," FR(
                 "B", "g", "{'result':'2'}") ",{'fileData':{'fileUri':'https://x/"
                                             "y.png','mimeType':'image/png'}}"))},
        {"a PDF",
         SAY(CALLS(CALL("A", "f",
                        "{}")) ",{'role':'tool','tool_call_id':'A','content':[{'type':"
                               "'file','file':{'file_data':'data:application/pdf;base64,QQ=='}}]}"),
         TURNS(MODEL(FC1("A", "f", "{}")) "," USER(
             "{'functionResponse':{'id':'A','name':'f','response':{'result':''},'parts':[{"
             "'inlineData':{'data':'QQ==','mimeType':'application/pdf'}}]}}"))},
        {"of functions of former times",
         SAY("{'role':'assistant','function_call':{'name':'f','arguments':'{}'}},{'role':"
             "'function','name':'f','content':'1'}"),
         TURNS(MODEL("{'functionCall':{'id':'call_1_0','name':'f','args':{}}," SKIP "}") "," USER(
             "{'functionResponse':{'id':'call_1_0','name':'f','response':{'result':'1'}}}"))},
        {"of a tool that takes text",
         SAY("{'role':'assistant','tool_calls':[{'id':'A','type':'custom','custom':{'name':'f',"
             "'input':'x'}}]}," RESULT("A", "1")),
         TURNS(MODEL(FC1("A", "f", "{'input':'x'}")) "," DONE_F)});
    REFUSES(
        {"a picture by URL",
         SAY(CALLS(CALL("A", "f", "{}")) ",{'role':'tool','tool_call_id':'A','content':[{"
                                         "'type':'image_url','image_url':{'url':'gs://x/y'}}]}"),
         ERROR_UNSUPPORTED_VALUE, "messages[2].content[0].image_url.url"},
        {"sound without any",
         SAY(CALLS(CALL("A", "f", "{}")) ",{'role':'tool','tool_call_id':'A',"
                                         "'content':[{'type':'input_audio'}]}"),
         ERROR_MISSING_PARAMETER, "messages[2].content[0].input_audio"},
        {"what is no content",
         SAY(CALLS(CALL("A", "f", "{}")) ",{'role':'tool','tool_call_id':'A',"
                                         "'content':[{'type':'smell'}]}"),
         ERROR_UNSUPPORTED_VALUE, "messages[2].content[0].type"},
        {"a number", SAY("{'role':'tool','content':5}"), ERROR_BAD_TYPE, "messages[1].content"});
}

/* ---- answers in JSON ---- */

#define FORMAT(format) ",'response_format':" format
#define SCHEMA                                                                                     \
    FORMAT("{'type':'json_schema','json_schema':{'name':'n','strict':true,'schema':" P "}}")
#define JSON ",'generationConfig':{'responseMimeType':'application/json'"
#define SYSTEM(text) ",'systemInstruction':{'parts':[{'text':'" text "'}]}"
#define ONLY "Answer with JSON only, without a code fence around it."
#define FITS ONLY " It must fit this JSON Schema:\\n"
#define P_TEXT "{\\'type\\':\\'object\\',\\'properties\\':{\\'a\\':{\\'type\\':\\'string\\'}}}"

static void a_schema_is_given_in_the_models_form(void **state)
{
    (void)state;
    TRANSLATES(
        {"JSON", REQUEST(NEW, FORMAT("{'type':'json_object'}"), U),
         "{'contents':[" HI "]" JSON "}}"},
        {"a schema", REQUEST(MID, SCHEMA, U),
         "{'contents':[" HI "]" JSON ",'responseJsonSchema':" P "}}"},
        {"an older model", REQUEST(OLD, SCHEMA, U),
         "{'contents':[" HI "]" JSON ",'responseSchema':{'type':'OBJECT','properties':{'a':{'type':"
         "'STRING'}},'propertyOrdering':['a']}}}"},
        {"no schema after all", REQUEST(NEW, FORMAT("{'type':'json_schema','json_schema':{}}"), U),
         "{'contents':[" HI "]" JSON "}}"},
        {"a schema beside the type",
         REQUEST(NEW, FORMAT("{'type':'json_object','schema':" P "}"), U),
         "{'contents':[" HI "]" JSON ",'responseJsonSchema':" P "}}"},
        {"a model without JSON", REQUEST("gemma-3-27b-it", SCHEMA, U),
         "{'contents':[{'role':'user','parts':[{'text':'" FITS P_TEXT "'},{'text':'Hi'}]}]}"},
        {"a model that draws", REQUEST("gemini-2.5-flash-image", SCHEMA, U),
         "{'contents':[" HI "]}"});
    REFUSES({"no schema", REQUEST(NEW, FORMAT("{'type':'json_schema'}"), U),
             ERROR_MISSING_PARAMETER, "response_format.json_schema"},
            {"a list",
             REQUEST(NEW, FORMAT("{'type':'json_schema','json_schema':{'schema':[]}}"), U),
             ERROR_BAD_TYPE, "response_format.json_schema.schema"},
            {"another form", REQUEST(NEW, FORMAT("{'type':'yaml'}"), U), ERROR_UNSUPPORTED_VALUE,
             "response_format.type"});
}

#define BESIDE(model, format) REQUEST(model, ",'tools':[" F "]" format, U)

static void json_beside_tools_is_asked_for_in_words_where_it_must(void **state)
{
    (void)state;
    TRANSLATES(
        {"a newer model takes both", BESIDE(NEW, SCHEMA),
         DECLARED("{'name':'f'}") JSON ",'responseJsonSchema':" P "}}"},
        {"an older one is told", BESIDE(MID, SCHEMA),
         "{'contents':[" HI "]" SYSTEM(FITS P_TEXT) ",'tools':[{'functionDeclarations':[{'name':"
                                                    "'f'}]}]}"},
        {"without a schema too", BESIDE(MID, FORMAT("{'type':'json_object'}")),
         "{'contents':[" HI "]" SYSTEM(ONLY) ",'tools':[{'functionDeclarations':[{'name':'f'}]}]}"},
        {"unless it may call none",
         BESIDE(MID, FORMAT("{'type':'json_object'},'tool_choice':'none'")),
         "{'contents':[" HI "]" JSON "}}"});
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, plain_options)
    const struct CMUnitTest tests[] = {
        TEST(functions_are_declared_in_one_tool),
        TEST(tools_that_are_none_are_named),
        TEST(names_that_gemini_refuses_get_stable_ones),
        TEST(a_short_name_comes_back_as_the_client_wrote_it),
        TEST(a_choice_becomes_a_mode),
        TEST(v06_results_stand_in_the_order_of_the_calls),
        TEST(v07_missing_orphaned_and_repeated_results),
        TEST(v08_arguments_that_are_broken_are_mended_or_told_raw),
        TEST(v09_signatures_come_back_wherever_clients_keep_them),
        TEST(results_are_objects_whatever_they_were),
        TEST(a_schema_is_given_in_the_models_form),
        TEST(json_beside_tools_is_asked_for_in_words_where_it_must),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
