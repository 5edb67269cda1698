/* SPDX-License-Identifier: Apache-2.0 */
/* Names of objects in paths, addresses, bodies, queries and answers. */
#include "objects/mentions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GOOGLE "https://generativelanguage.googleapis.com"

static void expect(struct view got, const char *want, const char *of)
{
    if (!view_equal(got, view_of(want)))
        fail_msg("%s: \"%.*s\", not \"%s\"", of, (int)got.len, got.at, want);
}

static void paths_are_about_objects(void **state)
{
    static const char *const cases[][2] = {
        {"/files/a", "files/a"},
        {"/files/a:download", "files/a"},
        {"/files/a?x", "files/a"},
        {"/fileSearchStores/s/documents/d", "fileSearchStores/s"},
        {"/fileSearchStores/s/upload/operations/o", "fileSearchStores/s"},
        {"/models/m/operations/o", "models/m/operations/o"},
        {"/interactions/v1_Ab-9~=/cancel", "interactions/v1_Ab-9~="},
        {"/widgets/w", "widgets/w"},
        {"/files", ""},
        {"/files/", ""},
        {"/files:register", ""},
        {"/models/m", ""},
        {"/models/m:countTokens", ""},
        {"/models/m/operations", ""},
        {"/models/m/other/o", ""},
        {"/files/..", ""},
        {"/files/.:download", ""},
        {"/../files/a", ""},
        {"/files/a b", ""},
        {"/files/\"", ""},
        {"", ""},
        {"files/a", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(object_of_path(view_of(cases[i][0])), cases[i][1], cases[i][0]);
}

static void values_name_objects_or_not(void **state)
{
    static const char *const cases[][2] = {
        {"files/a", "files/a"},
        {"cachedContents/a", "cachedContents/a"},
        {GOOGLE "/v1beta/files/a", "files/a"},
        {"HTTPS://GenerativeLanguage.googleapis.com/v1beta/files/a:download?alt=media", "files/a"},
        {GOOGLE ":443/v1beta/files/a", ""}, /* no client writes that */
        {GOOGLE "/download/v1beta/files/a", "files/a"},
        {GOOGLE "/v1alpha/files/a", "files/a"},
        {"https://example.com/v1beta/files/a", ""},
        {"https://www.youtube.com/watch?v=a", ""},
        {"gs://bucket/files/a", ""},
        {"my/readme", ""}, /* of no collection */
        {"models/m", ""},
        {"files/a/b", ""},
        {"files/", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(object_of_text(view_of(cases[i][0])), cases[i][1], cases[i][0]);
}

static void names_are_checked(void **state)
{
    char name[OBJECT_NAME_MOST + 2] = "files/";

    (void)state;
    assert_true(object_is_name(VIEW("files/a")));
    assert_true(object_is_name(VIEW("models/m/operations/o")));
    assert_false(object_is_name(VIEW("files/a/b")));
    assert_false(object_is_name(VIEW("files/a:x")));
    assert_false(object_is_name(VIEW("files")));
    assert_false(object_is_name(VIEW("")));
    memset(name + 6, 'a', OBJECT_NAME_MOST - 6);
    assert_true(object_is_name(view_of(name)));
    name[OBJECT_NAME_MOST] = 'a';
    assert_false(object_is_name(view_of(name)));
}

static void lists_are_told_from_objects(void **state)
{
    static const char *const lists[] = {"/files", "/cachedContents", "/batches",
                                        "/models/m/operations"};
    static const char *const others[] = {"/files/",  "/files/a", "/models", "/models/m",
                                         "/widgets", "",         "/"};

    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++)
        assert_true(object_is_list(view_of(lists[i])));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(object_is_list(view_of(others[i])));
}

static void bodies_mention_objects(void **state)
{
    static const char *const cases[][2] = {
        {"{\"cachedContent\":\"cachedContents/a\"}", "cachedContents/a"},
        {"{\"cached_content\" : \"cachedContents/a\"}", "cachedContents/a"},
        {"{\"cached\\u0043ontent\":\"cached\\u0043ontents/a\"}", "cachedContents/a"},
        {"{\"a\":[{\"fileData\":{\"fileUri\":\"" GOOGLE
         "/v1beta/files/a\"}},{\"file_data\":{\"file_uri\":\"files/b\"}}]}",
         "files/a files/b"},
        {"{\"fileUri\":\"" GOOGLE "/v1beta/%66iles/a\"}", "files/a"},
        {"{\"fileUri\":\"files/a\",\"file_uri\":\"files/a\"}", "files/a"},
        {"{\"file_search_store_names\":[\"fileSearchStores/a\",\"fileSearchStores/"
         "b\"],\"x\":\"fileSearchStores/c\"}",
         "fileSearchStores/a fileSearchStores/b"},
        {"{\"previous_interaction_id\":\"v1_x\"}", "interactions/v1_x"},
        {"{\"batch\":{\"inputConfig\":{\"fileName\":\"files/a\"}}}", "files/a"},
        {"{\"video\":{\"uri\":\"" GOOGLE "/v1beta/files/a:download?alt=media\"}}", "files/a"},
        {"{\"model\":\"tunedModels/t\"}", "tunedModels/t"},
        /* none */
        {"{\"text\":\"files/a\"}", ""},
        {"{\"text\":\"\\\"fileUri\\\":\\\"files/a\\\"\"}", ""},
        {"{\"uri\":\"files/a\"}", ""}, /* of somebody's tool */
        {"{\"source\":\"files/a\"}", ""},
        {"{\"model\":\"models/m\"}", ""},
        {"{\"fileUri\":\"https://www.youtube.com/x\"}", ""},
        {"{\"file\":{\"name\":\"files/a\"}}", ""}, /* of one that is made */
        {"{\"previous_interaction_id\":\"a/b\"}", ""},
        {"{\"previous_interaction_id\":null,\"input\":\"x\"}", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes names = {0};

        assert_true(mentions_in_body(view_of(cases[i][0]), &names));
        expect(bytes_view(&names), cases[i][1], cases[i][0]);
        bytes_clear(&names);
    }
}

/* However it is written: what some reader takes for a name is one. */
static void bodies_that_are_no_json_mention_objects_too(void **state)
{
    static const char *const cases[][2] = {
        {"{'cachedContent':'cachedContents/a'}", "cachedContents/a"},
        {"{cachedContent:\"cachedContents/a\"}", "cachedContents/a"},
        {"{/*\"*/\"fileUri\":\"files/a\"/*\"*/}", "files/a"},
        {"{\"a\":1 # \"\n,\"fileUri\":\"files/a\" # \"\n}", "files/a"},
        {"{'fileUri':'\\u0066iles\\/a'}", "files/a"},
        {"{'fileUri':'\\x66iles/a'}", "files/a"},
        {"{'fileUri':'" GOOGLE "/v1beta/%66iles%2fa'}", "files/a"},
        {"\x0a\x07"
         "files/ab\x12",
         "files/ab"},
        {"{'previousInteractionId' : 'v1_x'}", "interactions/v1_x"},
        {"previous_interaction_id: v1_x", "interactions/v1_x"},
        {"{\"fileUri\":\"files/a", "files/a"},
        {"{'x':'files/'}", ""},
        {"{'x':'profiles/a'}", ""},
        {"/a/%2", ""},
        {"\\", ""},
        {"%", ""},
    };
    static const char wide[] = "{\0'\0f\0i\0l\0e\0s\0/\0a\0'\0}";
    struct bytes names = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(mentions_in_body(view_of(cases[i][0]), &names));
        expect(bytes_view(&names), cases[i][1], cases[i][0]);
        bytes_clear(&names);
    }
    assert_true(mentions_in_body((struct view){wide, sizeof(wide)}, &names));
    expect(bytes_view(&names), "files/a", "wide characters");
    bytes_clear(&names);
}

/* Each of these would be the beginning of a name that goes on to the end. */
static void a_name_is_looked_at_no_further_than_one_can_go(void **state)
{
    struct bytes body = {0}, names = {0};
    clock_t begun = clock();

    (void)state;
    bytes_text(&body, "{'a': '");
    while (body.len < (size_t)2 * 1024 * 1024)
        bytes_text(&body, "previousInteractionId");
    for (size_t i = 0; i < OBJECT_NAME_MOST; i++)
        bytes_text(&body, "a");
    bytes_text(&body, "', 'previousInteractionId': 'v1_mine'}");
    assert_true(mentions_in_body(bytes_view(&body), &names));
    assert_true(clock() - begun < 2 * CLOCKS_PER_SEC);
    expect(bytes_view(&names), "interactions/v1_mine", "the last of them");
    bytes_clear(&body);
    bytes_clear(&names);
}

static void too_many_are_refused(void **state)
{
    struct bytes json = {0}, names = {0};

    (void)state;
    for (int i = 0; i < 3000; i++)
        bytes_printf(&json, "{\"fileUri\":\"files/abcdef-%d\"}", i);
    assert_false(mentions_in_body(bytes_view(&json), &names));
    assert_true(names.len <= OBJECT_NAMES_MOST);
    bytes_clear(&json);
    bytes_clear(&names);
}

static void queries_mention_objects(void **state)
{
    struct bytes names = {0};

    (void)state;
    assert_true(mentions_in_query(VIEW("x=files%2Fa&y=fileSearchStores/b&z=1"), &names));
    expect(bytes_view(&names), "files/a fileSearchStores/b", "query");
    bytes_clear(&names);
}

static void answers_describe_objects(void **state)
{
    static const struct {
        const char *path, *json, *want;
        uint64_t until_ms;
    } cases[] = {
        {"/cachedContents",
         "{\"name\":\"cachedContents/a\",\"expireTime\":\"1970-01-01T00:01:00.5Z\"}",
         "cachedContents/a", 60000},
        {"/files",
         "{\"file\":{\"name\":\"files/"
         "a\",\"expirationTime\":\"1970-01-02T00:00:00Z\",\"uri\":\"" GOOGLE "/v1beta/files/a\"}}",
         "files/a", 86400000},
        {"/models/m:batchGenerateContent",
         "{\"name\":\"batches/b\",\"metadata\":{\"output\":{\"responsesFile\":\"files/r\"}}}",
         "batches/b files/r", 0},
        {"/models/m/operations/o",
         "{\"name\":\"models/m/operations/o\",\"response\":{\"x\":{\"video\":{\"uri\":\"" GOOGLE
         "/v1beta/files/v:download?alt=media\"}}}}",
         "models/m/operations/o files/v", 0},
        {"/interactions", "{\"id\":\"v1_x\",\"status\":\"completed\"}", "interactions/v1_x", 0},
        {"/interactions?alt=sse",
         "event: interaction.created\ndata: "
         "{\"event_type\":\"interaction.created\",\"interaction\":{\"id\":\"v1_y\"}}\n\n",
         "interactions/v1_y", 0},
        {"/tunedModels", "{\"name\":\"tunedModels/t/operations/o\"}", "tunedModels/t", 0},
        {"/widgets", "{\"name\":\"widgets/w\"}", "widgets/w", 0},
        /* none, or another's */
        {"/files", "{\"files\":[{\"name\":\"files/a\"}]}", "", 0},
        {"/models/m", "{\"name\":\"models/m\"}", "", 0},
        {"/cachedContents", "{\"displayName\":\"cachedContents/a\"}", "", 0},
        {"/widgets", "{\"id\":\"w\"}", "", 0},
        {"/files/a", "{\"name\":\"files/a", "", 0}, /* cut off */
        {"/files/a", "{\"name\":\"files/a\",\"expirationTime\":\"soon\"}", "files/a", 0},
        {"/x", "{}", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct description description = {0};

        mentions_in_answer(view_of(cases[i].json), view_of(cases[i].path), &description);
        expect(bytes_view(&description.names), cases[i].want, cases[i].json);
        assert_int_equal(description.until_ms, cases[i].until_ms);
        bytes_clear(&description.names);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_about_objects),
        cmocka_unit_test(values_name_objects_or_not),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(lists_are_told_from_objects),
        cmocka_unit_test(bodies_mention_objects),
        cmocka_unit_test(a_name_is_looked_at_no_further_than_one_can_go),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(bodies_that_are_no_json_mention_objects_too),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(queries_mention_objects),
        cmocka_unit_test(answers_describe_objects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
