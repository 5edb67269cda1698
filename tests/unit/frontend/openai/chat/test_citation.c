/* SPDX-License-Identifier: Apache-2.0 */
/* The sources of an answer, as annotations of a chat: the provider counts bytes of parts, a chat
 * characters of the whole. */
#include "frontend/reply_test.h"

#define CHUNKS                                                                                     \
    "'groundingChunks':[{'web':{'uri':'https://a.example/','title':'a.example'}},{'web':{'uri':"   \
    "'https://b.example/?q=\\u0022'}},{'maps':{'uri':'https://m.example/'}}]"
#define SUPPORT(segment, chunks) "{'segment':{" segment "},'groundingChunkIndices':[" chunks "]}"
#define GROUNDED(supports)                                                                         \
    "'groundingMetadata':{'webSearchQueries':['q']," CHUNKS ",'groundingSupports':[" supports "]}"
#define SOURCED(parts, supports)                                                                   \
    "{'candidates':[{'content':{'parts':[" parts                                                   \
    "]},'finishReason':'STOP'," GROUNDED(supports) "}]" ID "}"
#define CITED(start, end, url, title)                                                              \
    "{'type':'url_citation','url_citation':{'start_index':" start ",'end_index':" end ",'url':"    \
    "'" url "','title':'" title "'}}"
#define A(start, end) CITED(start, end, "https://a.example/", "a.example")
#define B_URL "https://b.example/?q=\\'"
#define B(start, end) CITED(start, end, B_URL, B_URL)
#define ANSWER(members, annotations)                                                               \
    WHOLE("{'index':0,'message':{'role':'assistant'," members                                      \
          ",'refusal':null,'annotations':[" annotations                                            \
          "]},'logprobs':null,'finish_reason':'stop'}",                                            \
          NO_USAGE)
#define E "\xc3\xa9"
#define SMILE "\xf0\x9f\x98\x80"

static void sources_of_a_whole_answer_are_annotations(void **state)
{
    static const struct whole cases[] = {
        {"a run from the beginning", SOURCED("{'text':'Hello you'}", SUPPORT("'endIndex':5", "0")),
         ANSWER("'content':'Hello you'", A("0", "5"))},
        {"bytes become characters",
         SOURCED("{'text':'" E E SMILE "abc'}", SUPPORT("'startIndex':4,'endIndex':9", "0")),
         ANSWER("'content':'" E E SMILE "abc'", A("2", "4"))},
        {"numbers in strings",
         SOURCED("{'text':'abcdef'}", SUPPORT("'startIndex':'2','endIndex':'4'", "'0'")),
         ANSWER("'content':'abcdef'", A("2", "4"))},
        {"two sources of one run, one of them without a title",
         SOURCED("{'text':'abcdef'}", SUPPORT("'endIndex':3", "0,1")),
         ANSWER("'content':'abcdef'", A("0", "3") "," B("0", "3"))},
        {"a part's bytes count from its own beginning",
         SOURCED("{'text':'" E "b'},{'text':'c" E "d'}",
                 SUPPORT("'partIndex':1,'startIndex':1,'endIndex':3", "0")),
         ANSWER("'content':'" E "bc" E "d'", A("3", "4"))},
        {"thoughts are parts too, and no content",
         SOURCED("{'text':'hmmmm','thought':true},{'text':'abc'}",
                 SUPPORT("'partIndex':1,'endIndex':3", "0")),
         ANSWER("'content':'abc','reasoning_content':'hmmmm'", A("0", "3"))},
        {"without a number it is the first part of text",
         SOURCED("{'text':'hmmmm','thought':true},{'text':'abc'}", SUPPORT("'endIndex':2", "0")),
         ANSWER("'content':'abc','reasoning_content':'hmmmm'", A("0", "2"))},
        {"what is written around a program counts",
         SOURCED("{'executableCode':{'code':'1'}},{'text':'One'}",
                 SUPPORT("'partIndex':1,'endIndex':3", "0")),
         ANSWER("'content':'\\n```python\\n1\\n```\\nOne'", A("17", "20"))},
        {"a run that ends behind the text", SOURCED("{'text':'abc'}", SUPPORT("'endIndex':9", "0")),
         ANSWER("'content':'abc'", A("0", "3"))},
        {"the same twice",
         SOURCED("{'text':'abc'}", SUPPORT("'endIndex':2", "0,0") "," SUPPORT("'endIndex':2", "0")),
         ANSWER("'content':'abc'", A("0", "2"))},
        {"no run, no such source, and one that is not of the web",
         SOURCED("{'text':'abc'}",
                 SUPPORT("", "0") "," SUPPORT("'startIndex':3,'endIndex':2", "0") "," SUPPORT(
                     "'startIndex':7,'endIndex':8",
                     "0") "," SUPPORT("'endIndex':2", "7,2,-1,'x',null") ",1,{'segment':1},{}"),
         ANSWER("'content':'abc'", A("0", "2"))},
        {"shapes that are none",
         "{'candidates':[{'content':{'parts':[{'text':'a'}]},'finishReason':'STOP',"
         "'groundingMetadata':[1]}]" ID "}",
         ANSWER("'content':'a'", "")},
    };

    (void)state;
    wholes_are(cases, COUNT_OF(cases), false);
}

#define LATE(supports) "{'candidates':[{'finishReason':'STOP'," GROUNDED(supports) "}]" ID "}"
#define ANNOTATED(annotations) CHUNK("'annotations':[" annotations "]")

static void sources_of_a_stream_come_before_its_finish(void **state)
{
    static const struct stream cases[] = {
        {.what = "events of one kind are one part",
         .events = {MORE("{'text':'hm','thought':true}"), MORE("{'text':'m','thought':true}"),
                    MORE("{'text':'" E "b'}"), MORE("{'text':''},{'text':'cd'}"),
                    LATE(SUPPORT("'partIndex':1,'startIndex':2,'endIndex':4", "0"))},
         .want = ROLE CHUNK("'reasoning_content':'hm'") CHUNK("'reasoning_content':'m'") TEXT(E "b")
             TEXT("cd") ANNOTATED(A("1", "3")) FINISH("stop") DONE},
        {.what = "hidden thoughts are a part as well",
         .hides_thoughts = true,
         .events = {MORE("{'text':'hm','thought':true}"), MORE("{'text':'ab'}"),
                    LATE(SUPPORT("'partIndex':1,'endIndex':2", "0"))},
         .want = ROLE TEXT("ab") ANNOTATED(A("0", "2")) FINISH("stop") DONE},
        {.what = "in the event of the last text",
         .events = {MORE("{'text':'ab'}"),
                    SOURCED("{'text':'cd'}", SUPPORT("'startIndex':1,'endIndex':4", "1"))},
         .want = ROLE TEXT("ab") TEXT("cd") ANNOTATED(B("1", "4")) FINISH("stop") DONE},
        {.what = "repeated and more",
         .events = {SOURCED("{'text':'abcd'}", SUPPORT("'endIndex':2", "0")),
                    LATE(SUPPORT("'endIndex':2", "0") "," SUPPORT("'endIndex':3", "0"))},
         .want = ROLE TEXT("abcd") ANNOTATED(A("0", "2") "," A("0", "3")) FINISH("stop") DONE},
        {.what = "a signature does not part texts",
         .events = {MORE("{'text':'ab'},{'text':'','thoughtSignature':'x'},{'text':'cd'}"),
                    LATE(SUPPORT("'startIndex':2,'endIndex':4", "0"))},
         .want = ROLE TEXT("abcd") ANNOTATED(A("2", "4")) FINISH("stop") DONE},
        {.what = "a picture does",
         .events = {MORE("{'text':'ab'},{'inlineData':{'mimeType':'image/png','data':'QQ=='}},{"
                         "'text':'cd'}"),
                    LATE(SUPPORT("'partIndex':2,'endIndex':2", "0"))},
         .want = ROLE TEXT("ab") CHUNK("'images':[" IMAGE_AT("0", "image/png", "QQ==") "]")
             TEXT("cd") ANNOTATED(A("2", "4")) FINISH("stop") DONE},
        {.what = "no text, no sources",
         .events = {LATE(SUPPORT("'endIndex':2", "0"))},
         .want = ROLE FINISH("stop") DONE},
    };

    (void)state;
    streams_are(cases, COUNT_OF(cases));
}

#define READ(url, status)                                                                          \
    "{'retrievedUrl':'" url "','urlRetrievalStatus':'URL_RETRIEVAL_STATUS_" status "'}"
#define WITH(parts, more)                                                                          \
    "{'candidates':[{'content':{'parts':[" parts "]},'finishReason':'STOP'," more "}]" ID "}"
#define PLAIN(start, end, url) CITED(start, end, url, url)

static void recited_passages_and_pages_that_were_read_are_sources_too(void **state)
{
    static const struct whole cases[] = {
        {"a recited passage, counted through all parts",
         WITH("{'text':'" E "b'},{'text':'cd'}",
              "'citationMetadata':{'citationSources':[{'startIndex':2,'endIndex':4,'uri':'https://"
              "c.example/','license':'mit'},{'endIndex':2,'license':'mit'}]}"),
         ANSWER("'content':'" E "bcd'", PLAIN("1", "3", "https://c.example/"))},
        {"by its other name, with a title",
         WITH("{'text':'abcd'}", "'citationMetadata':{'citations':[{'endIndex':2,'uri':'https://"
                                 "c.example/','title':'C'}]}"),
         ANSWER("'content':'abcd'", CITED("0", "2", "https://c.example/", "C"))},
        {"pages that were read are the whole answer's, but for those that were not to be had",
         WITH("{'text':'" E "b'}",
              "'urlContextMetadata':{'urlMetadata':[" READ(
                  "https://d.example/", "SUCCESS") "," READ("https://e.example/", "ERROR") "]}"),
         ANSWER("'content':'" E "b'", PLAIN("0", "2", "https://d.example/"))},
        {"a page that a passage refers to is told once",
         WITH("{'text':'abcd'}",
              GROUNDED(SUPPORT("'endIndex':2", "0")) ",'urlContextMetadata':{'urlMetadata':[" READ(
                  "https://a.example/", "SUCCESS") "]}"),
         ANSWER("'content':'abcd'", A("0", "2"))},
        {"shapes that are none",
         WITH("{'text':'a'}", "'citationMetadata':{'citationSources':[1,{}]},'urlContextMetadata':{"
                              "'urlMetadata':{}}"),
         ANSWER("'content':'a'", "")},
    };
    static const struct stream streams[] = {
        {.what = "a page that was read before the text",
         .events = {"{'candidates':[{'urlContextMetadata':{'urlMetadata':[" READ(
                        "https://d.example/", "SUCCESS") "]}}]" ID "}",
                    MORE("{'text':'ab'}"), PARTS("{'text':'cd'}", "STOP")},
         .want = ROLE TEXT("ab") TEXT("cd") ANNOTATED(PLAIN("0", "4", "https://d.example/"))
             FINISH("stop") DONE},
        {.what = "a recited passage",
         .events = {MORE("{'text':'ab'}"),
                    WITH("{'text':'cd'}", "'citationMetadata':{'citationSources':[{'startIndex':1,"
                                          "'endIndex':3,'uri':'https://c.example/'}]}")},
         .want = ROLE TEXT("ab") TEXT("cd") ANNOTATED(PLAIN("1", "3", "https://c.example/"))
             FINISH("stop") DONE},
    };

    (void)state;
    wholes_are(cases, COUNT_OF(cases), false);
    streams_are(streams, COUNT_OF(streams));
}

#define LINKS                                                                                      \
    "\\n\\n---\\n**Sources**\\n\\n- [a.example](https://a.example/)\\n- [" B_URL                   \
    "](https://b.example/?q=\\')"

static void found_pages_are_listed_where_the_model_was_asked_for_with_search(void **state)
{
    static const struct whole cases[] = {
        {"behind the text", SOURCED("{'text':'abc'}", SUPPORT("'endIndex':2", "0")),
         ANSWER("'content':'abc" LINKS "'", A("0", "2"))},
        {"what would end a link",
         WITH("{'text':'a'}",
              "'groundingMetadata':{'groundingChunks':[{'web':{'uri':'https://x.example/(a) b','"
              "title':'[x]'}},{'web':{'uri':'https://x.example/(a) "
              "b','title':'[x]'}},{'web':{}},1]}"),
         ANSWER("'content':'a\\n\\n---\\n**Sources**\\n\\n- "
                "[\\\\[x\\\\]](https://x.example/%28a%29%20b)'",
                "")},
    };
    static const struct stream streams[] = {
        {.what = "at the end, once",
         .events = {SOURCED("{'text':'ab'}", ""), LATE(SUPPORT("'endIndex':2", "0"))},
         .want = ROLE TEXT("ab") TEXT(LINKS) ANNOTATED(A("0", "2")) FINISH("stop") DONE},
    };
    static const struct whole plain[] = {
        {"not listed", SOURCED("{'text':'abc'}", SUPPORT("'endIndex':2", "0")),
         ANSWER("'content':'abc'", A("0", "2"))},
    };

    (void)state;
    given = (struct given){.style = {.search_links = true}, .is_search = true};
    wholes_are(cases, COUNT_OF(cases), false);
    streams_are(streams, COUNT_OF(streams));
    given.is_search = false;
    wholes_are(plain, COUNT_OF(plain), false);
    given = (struct given){.is_search = true};
    wholes_are(plain, COUNT_OF(plain), false);
    given = (struct given){0};
}

/* Where its fence goes, nobody could say where a passage stands. */
static void json_that_was_told_of_in_words_has_no_sources(void **state)
{
    static const struct whole cases[] = {
        {"without a fence even", SOURCED("{'text':'abc'}", SUPPORT("'endIndex':2", "0")),
         ANSWER("'content':'abc'", "")},
    };

    (void)state;
    given.is_json_told = true;
    wholes_are(cases, COUNT_OF(cases), false);
    given = (struct given){0};
}

static void each_choice_has_its_own_sources(void **state)
{
    struct ask ask = {.legs = 2};
    struct reply reply = {.ask = &ask, .created_s = 77};
    static const char *const texts[] = {E "b", "cde"};
    struct bytes out = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bytes event = {0},
                     sources = json_of(LATE(SUPPORT("'startIndex':2,'endIndex':3", "0")));

        reply.leg = i;
        reply.ended = i + 1;
        bytes_printf(&event, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}]}}]}",
                     texts[i]);
        assert_true(chat_event(&reply, bytes_view(&event), &out));
        assert_true(chat_event(&reply, bytes_view(&sources), &out));
        assert_true(ends(&reply, &out));
        bytes_clear(&event);
        bytes_clear(&sources);
    }
    assert_non_null(strstr(bytes_cstr(&out), "\"start_index\":1,\"end_index\":2"));
    assert_non_null(strstr(bytes_cstr(&out), "\"start_index\":2,\"end_index\":3"));
    assert_in_range(reply.kept, 6 + 2 * 60, 6 + 2 * 120); /* text, and a source of each */
    reply_clear(&reply);
    bytes_clear(&out);
}

/* What a provider could make us keep or do. */
static void there_are_bounds(void **state)
{
    struct ask ask = {0};
    struct reply reply = {.ask = &ask};
    struct bytes event = {0}, out = {0};
    size_t count = 0;

    (void)state;
    bytes_text(&event, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"");
    memset(bytes_room(&event, 10000), 'a', 10000);
    event.len += 10000;
    bytes_text(&event, "\"}]}}]}");
    for (int i = 0; i < 5; i++)
        assert_true(chat_event(&reply, bytes_view(&event), &out));
    assert_int_equal(reply.kept, 30000);
    event.len = 0;
    bytes_text(&event, "{\"candidates\":[{\"finishReason\":\"STOP\",\"groundingMetadata\":{"
                       "\"groundingChunks\":[{\"web\":{\"uri\":\"u\"}}],\"groundingSupports\":["
                       "{\"segment\":{\"startIndex\":1,\"endIndex\":30001},"
                       "\"groundingChunkIndices\":[0]}");
    for (int i = 1; i <= 2000; i++)
        bytes_printf(&event, ",{\"segment\":{\"endIndex\":%d},\"groundingChunkIndices\":[0]}", i);
    bytes_text(&event, "]}}]}");
    out.len = 0;
    assert_true(chat_event(&reply, bytes_view(&event), &out));
    reply.ended = 1;
    assert_true(ends(&reply, &out));
    for (const char *at = bytes_cstr(&out); (at = strstr(at, "\"url_citation\":")) != NULL; at++)
        count++;
    assert_true(count > 0 && count <= 256);
    assert_null(strstr(bytes_cstr(&out), "30001"));
    assert_true(reply.kept <= 30000 + 64 * 1024);
    reply_clear(&reply);
    bytes_clear(&event);
    bytes_clear(&out);
}

/* A source with an address of that many bytes. */
static bool is_told(size_t len)
{
    struct ask ask = {0};
    struct reply reply = {.ask = &ask};
    struct bytes event = {0}, out = {0};
    bool has_it;

    bytes_text(&event, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"abc\"}]},"
                       "\"finishReason\":\"STOP\",\"groundingMetadata\":{\"groundingSupports\":[{"
                       "\"segment\":{\"endIndex\":1},"
                       "\"groundingChunkIndices\":[0]}],\"groundingChunks\":[{\"web\":{\"uri\":\"");
    memset(bytes_room(&event, len), 'u', len);
    event.len += len;
    bytes_text(&event, "\"}}]}}]}");
    assert_true(chat_event(&reply, bytes_view(&event), &out));
    reply.ended = 1;
    assert_true(ends(&reply, &out));
    has_it = strstr(bytes_cstr(&out), "url_citation") != NULL;
    reply_clear(&reply);
    bytes_clear(&event);
    bytes_clear(&out);
    return has_it;
}

static void a_source_with_a_huge_address_is_left_out(void **state)
{
    (void)state;
    assert_true(is_told(2048));
    assert_false(is_told(2049));
    assert_false(is_told(4 * 1024 * 1024));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_of_a_whole_answer_are_annotations),
        cmocka_unit_test(sources_of_a_stream_come_before_its_finish),
        cmocka_unit_test(recited_passages_and_pages_that_were_read_are_sources_too),
        cmocka_unit_test(found_pages_are_listed_where_the_model_was_asked_for_with_search),
        cmocka_unit_test(json_that_was_told_of_in_words_has_no_sources),
        cmocka_unit_test(each_choice_has_its_own_sources),
        cmocka_unit_test(there_are_bounds),
        cmocka_unit_test(a_source_with_a_huge_address_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
