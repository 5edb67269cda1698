/* SPDX-License-Identifier: Apache-2.0 */
/* What Google and others have beside OpenAI's request of chat/completions: Google's own tools and
 * settings, caches, other answers than text, and the suffixes of models' names. */
#include "frontend/dialect_test.h"

#define HI "{'role':'user','parts':[{'text':'Hi'}]}"
#define WITH(model, members)                                                                       \
    "{'model':'" model "'," members ",'messages':[{'role':'user','content':'Hi'}]}"
#define MODEL(model) WITH(model, "'n':1")
#define GETS(members) "{'contents':[" HI "]" members "}"
#define CONFIG(members) GETS(",'generationConfig':{" members "}")
#define GOOGLE(members) "'extra_body':{'google':{" members "}}"
#define TOOLS(tools) ",'tools':[" tools "]"
#define F "'tools':[{'type':'function','function':{'name':'f'}}]"
#define DECLARED "{'functionDeclarations':[{'name':'f'}]}"
#define SEARCH "{'googleSearch':{}}"
#define MIXED ",'toolConfig':{'includeServerSideToolInvocations':true}"
#define NEW "gemini-3.5-flash"
#define MID "gemini-2.5-flash"

static void googles_tools_come_by_several_ways(void **state)
{
    (void)state;
    TRANSLATES(
        {"web_search_options", WITH(MID, "'web_search_options':{}"), GETS(TOOLS(SEARCH))},
        {"with wishes",
         WITH(NEW, "'web_search_options':{'search_context_size':'low','user_location':{}}"),
         GETS(TOOLS(SEARCH))},
        {"null is none", WITH(MID, "'web_search_options':null"), GETS("")},
        {"false is none", WITH(MID, "'web_search_options':false"), GETS("")},
        {"in Google's words",
         WITH(MID, GOOGLE("'tools':[{'google_search':{}},{'codeExecution':{}}]")),
         GETS(TOOLS("{'google_search':{}},{'codeExecution':{}}"))},
        {"one alone", WITH(MID, GOOGLE("'tools':{'urlContext':{}}")),
         GETS(TOOLS("{'urlContext':{}}"))},
        {"once", WITH(MID, "'web_search_options':{}," GOOGLE("'tools':[{'googleSearch':{}}]")),
         GETS(TOOLS(SEARCH))},
        {"none", WITH(MID, GOOGLE("'tools':[]")), GETS("")},
        {"with functions of its own",
         WITH(MID, GOOGLE("'tools':[{'function_declarations':[{'name':'g'}]}]")),
         GETS(TOOLS("{'function_declarations':[{'name':'g'}]}"))},
        {"with a configuration",
         WITH(NEW, GOOGLE("'tools':[{'googleMaps':{}}],'tool_config':{'retrieval_config':{'lat_lng'"
                          ":{'latitude':1.50}}}")),
         GETS(TOOLS("{'googleMaps':{}}") ",'toolConfig':{'retrieval_config':{'lat_lng':{'latitude':"
                                         "1.50}}}")});
    REFUSES({"text", WITH(MID, GOOGLE("'tools':'googleSearch'")), ERROR_BAD_TYPE,
             "extra_body.google.tools"},
            {"a configuration that is none", WITH(MID, GOOGLE("'tool_config':1")), ERROR_BAD_TYPE,
             "extra_body.google.tool_config"});
}

static void functions_and_googles_tools(void **state)
{
    (void)state;
    TRANSLATES(
        {"a newer model takes both", WITH(NEW, F ",'web_search_options':{}"),
         GETS(TOOLS(DECLARED "," SEARCH) MIXED)},
        {"an older one functions only", WITH(MID, F ",'web_search_options':{}"),
         GETS(TOOLS(DECLARED))},
        {"in Google's words", WITH(MID, F "," GOOGLE("'tools':[{'googleSearch':{}}]")),
         GETS(TOOLS(DECLARED))},
        {"and with a choice", WITH(NEW, F ",'tool_choice':'required','web_search_options':{}"),
         GETS(TOOLS(DECLARED "," SEARCH) ",'toolConfig':{'functionCallingConfig':{'mode':'ANY'},"
                                         "'includeServerSideToolInvocations':true}")},
        {"the choice in OpenAI's words counts",
         WITH(NEW, F ",'tool_choice':'none'," GOOGLE("'tool_config':{'function_calling_config':{"
                                                     "'mode':'ANY'}}")),
         GETS(TOOLS(DECLARED) ",'toolConfig':{'functionCallingConfig':{'mode':'NONE'}}")},
        {"the choice in Google's",
         WITH(NEW, F "," GOOGLE("'tool_config':{'functionCallingConfig':{'mode':'ANY'}}")),
         GETS(TOOLS(DECLARED) ",'toolConfig':{'functionCallingConfig':{'mode':'ANY'}}")},
        {"JSON beside a search, with an older model",
         WITH(MID, "'web_search_options':{},'response_format':{'type':'json_object'}"),
         GETS(",'systemInstruction':{'parts':[{'text':'Answer with JSON only, without a code fence "
              "around it.'}]}" TOOLS(SEARCH))},
        {"with a newer one",
         WITH(NEW, "'web_search_options':{},'response_format':{'type':'json_object'}"),
         GETS(TOOLS(SEARCH) ",'generationConfig':{'responseMimeType':'application/json'}")});
}

static void the_operator_adds_tools_where_they_are_taken(void **state)
{
    static const char *models[] = {"gemini-2.5-flash", "gemini-3*"};

    (void)state;
    settings_mine()->tools_code_execution = true;
    settings_mine()->url_context = true;
    settings_mine()->url_context_models = (struct option_list){models, 2};
    settings_mine()->search_models = (struct option_list){models, 2};
#define CODE "{'codeExecution':{}}"
#define PAGES "{'urlContext':{}}"
    TRANSLATES(
        {"both", MODEL(MID), GETS(TOOLS(CODE "," PAGES))},
        {"a model that is not listed", MODEL("gemini-2.5-pro"), GETS(TOOLS(CODE))},
        {"not beside functions", WITH(NEW, F), GETS(TOOLS(DECLARED))},
        {"not beside an answer in JSON", WITH(NEW, "'response_format':{'type':'json_object'}"),
         CONFIG("'responseMimeType':'application/json'")},
        {"pages beside a search", MODEL(MID "-search"), GETS(TOOLS(SEARCH "," PAGES))},
        {"no code for a picture",
         "{'model':'" MID "','messages':[{'role':'user','content':[{'type':'image_url','image_url':"
         "'data:image/png;base64,QQ=='}]}]}",
         "{'contents':[{'role':'user','parts':[{'inlineData':{'data':'QQ==','mimeType':'image/png'}"
         "}]}]" TOOLS(PAGES) "}"},
        {"once", WITH(MID, GOOGLE("'tools':[{'code_execution':{}}]")),
         GETS(TOOLS("{'code_execution':{}}," PAGES))},
        {"none for pictures", MODEL("gemini-2.5-flash-image"), GETS("")},
        {"none for gemma", MODEL("gemma-3-27b-it"), GETS("")});
}

static void a_kept_prompt_has_its_own_instruction_and_tools(void **state)
{
    (void)state;
    TRANSLATES(
        {"by its name", WITH(MID, "'cached_content':'cachedContents/a-1'"),
         GETS(",'cachedContent':'cachedContents/a-1'")},
        {"by its ID", WITH(MID, "'cached_content':'a-1'"),
         GETS(",'cachedContent':'cachedContents/a-1'")},
        {"in Google's words", WITH(MID, GOOGLE("'cached_content':'cachedContents/a'")),
         GETS(",'cachedContent':'cachedContents/a'")},
        {"wrapped twice", WITH(MID, "'extra_body':{'extra_body':{'google':{'cachedContent':'a'}}}"),
         GETS(",'cachedContent':'cachedContents/a'")},
        {"with a system's words and tools",
         "{'model':'" MID "','cached_content':'a'," F ",'tool_choice':'required',"
         "'web_search_options':{},'messages':[{'role':'system','content':'S'},{'role':'user',"
         "'content':'Hi'}]}",
         "{'contents':[{'role':'user','parts':[{'text':'S'},{'text':'Hi'}]}],'cachedContent':"
         "'cachedContents/a'}"});
    REFUSES({"a path", WITH(MID, "'cached_content':'a\\'}'"), ERROR_BAD_VALUE, "cached_content"},
            {"a number", WITH(MID, "'cached_content':5"), ERROR_BAD_TYPE, "cached_content"},
            {"a number in Google's words", WITH(MID, GOOGLE("'cached_content':5")), ERROR_BAD_TYPE,
             "extra_body.google.cached_content"});
}

static void googles_settings_pass(void **state)
{
    (void)state;
    TRANSLATES(
        {"of all kinds",
         WITH(MID, GOOGLE("'generation_config':{'speech_config':{'languageCode':'de'},"
                          "'enable_affective_dialog':true,'response_logprobs':true,'logprobs':2}")),
         CONFIG("'responseLogprobs':true,'logprobs':2,'speechConfig':{'languageCode':'de'},"
                "'enableAffectiveDialog':true")},
        {"beside generation_config", WITH(MID, GOOGLE("'media_resolution':'MEDIA_RESOLUTION_LOW'")),
         CONFIG("'mediaResolution':'MEDIA_RESOLUTION_LOW'")},
        {"a schema of Google's own",
         WITH(MID, "'response_format':{'type':'json_object'}," GOOGLE(
                       "'generation_config':{'response_mime_type':'application/json','response_"
                       "schema':{'type':'STRING'}}")),
         CONFIG("'responseMimeType':'application/json','responseSchema':{'type':'STRING'}")},
        {"with an underscore in front",
         WITH(MID, GOOGLE("'generation_config':{'_responseJsonSchema':{},'responseMimeType':"
                          "'application/json'}")),
         CONFIG("'responseMimeType':'application/json','responseJsonSchema':{}")},
        {"how a picture is to be",
         WITH("gemini-2.5-flash-image", GOOGLE("'image_config':{'aspect_ratio':'1:1'}")),
         CONFIG("'imageConfig':{'aspectRatio':'1:1'}")},
        {"the same beside it",
         WITH("gemini-3.1-flash-image", GOOGLE("'aspect_ratio':'16:9','image_size':'2K'")),
         CONFIG("'imageConfig':{'aspectRatio':'16:9','imageSize':'2K'}")},
        {"both",
         WITH("gemini-3.1-flash-image",
              GOOGLE("'image_config':{'aspectRatio':'1:1','image_size':'1K'},"
                     "'aspect_ratio':'16:9'")),
         CONFIG("'imageConfig':{'imageSize':'1K','aspectRatio':'16:9'}")},
        {"choices", WITH(MID, GOOGLE("'generation_config':{'candidate_count':2}")), GETS("")},
        {"one of a category",
         WITH(MID, "'safety_settings':[{'category':'A','threshold':'OFF'},{'category':'B'},"
                   "{'category':'A','threshold':'BLOCK_NONE'}]"),
         GETS(",'safetySettings':[{'category':'B'},{'category':'A','threshold':'BLOCK_NONE'}]")});
#define FOUR(one) one "," one "," one "," one
#define MANY(one) FOUR(FOUR(FOUR(one)))
    REFUSES({"too many safety settings", WITH(MID, "'safety_settings':[" MANY("{}") ",{}]"),
             ERROR_BAD_VALUE, "safety_settings"},
            {"too many tools", WITH(MID, GOOGLE("'tools':[" FOUR(MANY("{}")) ",{}]")),
             ERROR_BAD_VALUE, "extra_body.google.tools"},
            {"too many choices", WITH(MID, GOOGLE("'generation_config':{'candidate_count':9}")),
             ERROR_BAD_VALUE, "n"},
            {"a ratio that is a number", WITH(MID, GOOGLE("'aspect_ratio':1")), ERROR_BAD_TYPE,
             "extra_body.google.aspect_ratio"});
}

static void models_that_speak_are_asked_for_sound(void **state)
{
#define SPEECH "gemini-2.5-flash-preview-tts"
#define VOICE(name)                                                                                \
    "'responseModalities':['AUDIO'],'speechConfig':{'voiceConfig':{'prebuiltVoiceConfig':{"        \
    "'voiceName':'" name "'}}}"
    (void)state;
    settings_mine()->safety_settings = "[{\"category\":\"C\"}]";
    settings_mine()->tts_voice_name = "Puck";
    TRANSLATES(
        {"whatever is said", MODEL(SPEECH), CONFIG("'responseModalities':['AUDIO']")},
        {"with a voice of OpenAI's",
         WITH(SPEECH, "'modalities':['text','audio'],'audio':{'voice':'alloy','format':'wav'}"),
         CONFIG(VOICE("Kore"))},
        {"with one that nobody knows", WITH(SPEECH, "'audio':{'voice':'nobody'}"),
         CONFIG(VOICE("Puck"))},
        {"with one of Google's", WITH(SPEECH, "'audio':{'voice':{'id':'Zephyr'}}"),
         CONFIG(VOICE("Zephyr"))},
        {"in Google's words",
         WITH(SPEECH, "'audio':{'voice':'alloy'}," GOOGLE("'speech_config':{'languageCode':'de'}")),
         CONFIG("'responseModalities':['AUDIO'],'speechConfig':{'languageCode':'de'}")});
    REFUSES(
        {"text only", WITH(SPEECH, "'modalities':['text']"), ERROR_UNSUPPORTED_VALUE, "modalities"},
        {"sound of a model of text", WITH(MID, "'modalities':['text','audio']"),
         ERROR_UNSUPPORTED_VALUE, "modalities"},
        {"a voice that is none", WITH(SPEECH, "'audio':{'voice':5}"), ERROR_BAD_TYPE,
         "audio.voice"});
}

static void suffixes_say_what_is_wanted(void **state)
{
    static const char *search[] = {"gemini-2.5-flash", "gemini-3*"};
    static const char *image[] = {"gemini-2.0-flash-exp"};

    (void)state;
    settings_mine()->search_models = (struct option_list){search, 2};
    settings_mine()->image_models = (struct option_list){image, 1};
    TRANSLATES(
        {"search", MODEL(MID "-search"), GETS(TOOLS(SEARCH))},
        {"search and functions", WITH(MID "-search", F), GETS(TOOLS(DECLARED))},
        {"no thoughts", MODEL(MID "-non-thinking"),
         CONFIG("'thinkingConfig':{'thinkingBudget':0}")},
        {"as few as can be", MODEL("gemini-2.5-pro-non-thinking"),
         CONFIG("'thinkingConfig':{'thinkingBudget':128}")},
        {"of a newer model", MODEL(NEW "-non-thinking"),
         CONFIG("'thinkingConfig':{'thinkingLevel':'MINIMAL'}")},
        {"both", MODEL(MID "-search-non-thinking"),
         GETS(TOOLS(SEARCH) ",'generationConfig':{'thinkingConfig':{'thinkingBudget':0}}")},
        {"in the other order", MODEL(MID "-non-thinking-search"),
         GETS(TOOLS(SEARCH) ",'generationConfig':{'thinkingConfig':{'thinkingBudget':0}}")},
        {"the client's own word counts", WITH(MID "-non-thinking", "'reasoning_effort':'low'"),
         CONFIG("'thinkingConfig':{'thinkingBudget':1024}")},
        {"pictures",
         "{'model':'gemini-2.0-flash-exp-image','response_format':{'type':'json_object'},'messages'"
         ":"
         "[{'role':'system','content':'S'},{'role':'user','content':'Hi'}]}",
         "{'contents':[{'role':'user','parts':[{'text':'S'},{'text':'Hi'}]}],'generationConfig':{"
         "'responseModalities':['TEXT','IMAGE']}}"},
        {"pictures alone", WITH("gemini-2.0-flash-exp-image", "'modalities':['image']"),
         CONFIG("'responseModalities':['IMAGE']")},
        {"a name that ends so", MODEL("gemini-2.5-flash-image"), GETS("")});
    REFUSES({"a search that the operator doesn't allow", MODEL("gemini-2.5-pro-search"),
             ERROR_NO_MODEL, "model"},
            {"below a filtered model", MODEL("gemini-old-non-thinking"), ERROR_NO_MODEL, "model"},
            {"a model that only draws", MODEL("imagen-4.0-generate-001"), ERROR_NO_MODEL, "model"});
}

static void the_operator_allows_so_many_thoughts(void **state)
{
    (void)state;
    settings_mine()->thinking_budget_map =
        "{\"gemini-2.5-flash\": 4000.0, \"gemini-3.5-flash\": 0}";
    TRANSLATES(
        {"tokens", MODEL(MID), CONFIG("'thinkingConfig':{'thinkingBudget':4000}")},
        {"the nearest level", MODEL(NEW), CONFIG("'thinkingConfig':{'thinkingLevel':'MINIMAL'}")},
        {"another model", MODEL("gemini-2.5-pro"), GETS("")},
        {"the client's word counts", WITH(MID, "'reasoning_effort':'high'"),
         CONFIG("'thinkingConfig':{'thinkingBudget':24576}")},
        {"the suffix counts", MODEL(MID "-non-thinking"),
         CONFIG("'thinkingConfig':{'thinkingBudget':0}")});
}

static void switches_of_other_makers(void **state)
{
#define BUDGET(tokens) CONFIG("'thinkingConfig':{'thinkingBudget':" tokens "}")
    (void)state;
    TRANSLATES(
        {"a budget", WITH(MID, "'thinking_budget':'2048'"), BUDGET("2048")},
        {"thinking on", WITH(MID, "'enable_thinking':true"), GETS("")},
        {"thinking on with a budget", WITH(MID, "'enable_thinking':true,'thinking_budget':512"),
         BUDGET("512")},
        {"thinking off", WITH(MID, "'enable_thinking':false,'thinking_budget':512"), BUDGET("0")},
        {"in an extra_body", WITH(MID, "'extra_body':{'enable_thinking':false}"), BUDGET("0")},
        {"no thinking", WITH(MID, "'thinking':false"), BUDGET("0")},
        {"a budget without a type", WITH(MID, "'thinking':{'budget_tokens':100}"), BUDGET("100")},
        {"as the model likes", WITH(MID, "'thinking':{'type':'adaptive','budget_tokens':5}"),
         GETS("")},
        {"disabled", WITH(MID, "'thinking':{'type':'disabled'}"), BUDGET("0")},
        {"of a level", WITH(NEW, "'thinking_budget':9000"),
         CONFIG("'thinkingConfig':{'thinkingLevel':'HIGH'}")});
    REFUSES(
        {"of another kind", WITH(MID, "'thinking':{'type':'deep'}"), ERROR_UNSUPPORTED_VALUE,
         "thinking.type"},
        {"text", WITH(MID, "'thinking':'on'"), ERROR_BAD_TYPE, "thinking"},
        {"no number", WITH(MID, "'thinking_budget':'much'"), ERROR_BAD_TYPE, "thinking_budget"});
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, plain_options)
    const struct CMUnitTest tests[] = {
        TEST(googles_tools_come_by_several_ways),
        TEST(functions_and_googles_tools),
        TEST(the_operator_adds_tools_where_they_are_taken),
        TEST(a_kept_prompt_has_its_own_instruction_and_tools),
        TEST(googles_settings_pass),
        TEST(models_that_speak_are_asked_for_sound),
        TEST(suffixes_say_what_is_wanted),
        TEST(the_operator_allows_so_many_thoughts),
        TEST(switches_of_other_makers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
