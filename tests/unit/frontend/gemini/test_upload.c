/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads: what goes to Google, and the address that clients get for going on. */
#include "frontend/dialect_test.h"

#include <stdlib.h>

#include "parts/seal.h"

static struct seals seals;
static const char *const *headers; /* name, value, …, NULL */

static struct view header_of(const void *from, const char *name)
{
    (void)from;
    for (size_t i = 0; headers && headers[i]; i += 2)
        if (strcmp(headers[i], name) == 0)
            return view_of(headers[i + 1]);
    return VIEW("");
}

enum { CLIENT = 77, NOW_S = 1000000 };

static struct request request_of(const char *method, const char *path, const char *query,
                                 struct view body)
{
    return (struct request){.client = CLIENT,
                            .utc_ms = NOW_S * 1000ull,
                            .pool = "gemini",
                            .method = view_of(method),
                            .path = view_of(path),
                            .query = view_of(query),
                            .body = body,
                            .origin = VIEW("https://our.host"),
                            .header = header_of,
                            .seals = &seals};
}

struct asked {
    void *state;
    struct plan plan;
    enum error error;
};

static struct asked ask(struct request request)
{
    struct asked asked = {.state = calloc(1, endpoint_upload.state_size), .plan = {.limit = 1}};

    asked.error = endpoint_upload.begin(asked.state, &request, &asked.plan);
    return asked;
}

static void forget(struct asked *asked)
{
    endpoint_upload.clear(asked->state);
    plan_clear(&asked->plan);
    free(asked->state);
}

static const struct order *order_of(const struct asked *asked)
{
    assert_int_equal(asked->error, ERROR_NONE);
    assert_int_equal(asked->plan.count, 1);
    return &asked->plan.steps[0]->order;
}

static void assert_view(struct view is, const char *want)
{
    if (!view_equal(is, view_of(want)))
        fail_msg("%.*s instead of %s", (int)is.len, is.at, want);
}

static void a_start_goes_on_with_its_headers_and_no_key(void **state)
{
    static const char *const given[] = {"x-goog-upload-protocol",
                                        "resumable",
                                        "x-goog-upload-command",
                                        "start",
                                        "x-goog-upload-header-content-length",
                                        "5",
                                        "x-goog-upload-header-content-type",
                                        "text/plain",
                                        "x-goog-api-key",
                                        "secret",
                                        "authorization",
                                        "Bearer s",
                                        "content-type",
                                        "application/json",
                                        NULL};
    struct asked asked;

    (void)state;
    headers = given;
    asked = ask(request_of("POST", "/upload/v1beta/files", "key=secret&alt=json&x=1", VIEW("{}")));
    assert_view(order_of(&asked)->path, "/upload/v1beta/files?alt=json");
    assert_view(order_of(&asked)->lines, "x-goog-upload-protocol: resumable\r\n"
                                         "x-goog-upload-command: start\r\n"
                                         "x-goog-upload-header-content-length: 5\r\n"
                                         "x-goog-upload-header-content-type: text/plain\r\n");
    assert_view(body_view(order_of(&asked)->body), "{}");
    assert_string_equal(order_of(&asked)->type, "application/json");
    assert_int_equal(order_of(&asked)->owner, 0);
    assert_false(order_of(&asked)->once);
    forget(&asked);
}

static void who_says_nothing_begins_a_resumable_one(void **state)
{
    static const char *const multipart[] = {"content-type", "multipart/related; boundary=x", NULL};
    static const char *const raw[] = {"x-goog-upload-protocol", "raw", NULL};
    struct asked asked;

    (void)state;
    headers = NULL;
    asked = ask(request_of("POST", "/upload/v1beta/files", "", VIEW("{}")));
    assert_view(order_of(&asked)->lines,
                "x-goog-upload-protocol: resumable\r\nx-goog-upload-command: start\r\n");
    forget(&asked);
    asked = ask(request_of("POST", "/upload/v1beta/files", "uploadType=media", VIEW("{}")));
    assert_view(order_of(&asked)->lines, "");
    assert_view(order_of(&asked)->path, "/upload/v1beta/files?uploadType=media");
    assert_true(order_of(&asked)->once);
    forget(&asked);
    headers = multipart;
    asked = ask(request_of("POST", "/upload/v1beta/files", "", VIEW("--x")));
    assert_view(order_of(&asked)->lines, "");
    assert_string_equal(order_of(&asked)->type, "multipart/related; boundary=x");
    forget(&asked);
    headers = raw;
    asked = ask(request_of("POST", "/upload/v1beta/files", "", VIEW("abc")));
    assert_view(order_of(&asked)->lines, "x-goog-upload-protocol: raw\r\n");
    assert_string_equal(order_of(&asked)->type, "application/octet-stream");
    forget(&asked);
}

/* The address that the reply of a start gives, behind the question mark. */
static char *start(const char *googles, uint64_t key_id)
{
    struct bytes lines = {0}, out = {0};
    struct asked asked;
    char *query, *end;

    headers = NULL;
    asked = ask(request_of("POST", "/upload/v1beta/files", "", VIEW("{}")));
    bytes_printf(&lines, "x-goog-upload-status: active\r\nX-Goog-Upload-URL: %s\r\n", googles);
    assert_int_equal(endpoint_upload.answer(asked.state, &asked.plan, 0,
                                            &(struct call_answer){.body = VIEW("body"),
                                                                  .headers = bytes_view(&lines),
                                                                  .key_id = key_id},
                                            &out),
                     ERROR_NONE);
    assert_view(bytes_view(&out), "body");
    query = strstr(bytes_cstr(&asked.plan.lines), "https://our.host/upload/v1beta/files?");
    assert_true(strncmp(asked.plan.lines.at, "x-goog-upload-status: active\r\n", 30) == 0);
    query = query ? strdup(strchr(query, '?') + 1) : NULL;
    if (query && (end = strstr(query, "\r\n")))
        *end = '\0';
    bytes_clear(&lines);
    bytes_clear(&out);
    forget(&asked);
    return query;
}

#define GOOGLES                                                                                    \
    "https://generativelanguage.googleapis.com/upload/v1beta/"                                     \
    "files?upload_id=AbC&upload_protocol=resumable"

static void the_address_is_ours_and_leads_to_the_upload_and_its_key(void **state)
{
    static const char *const given[] = {"x-goog-upload-command", "upload, finalize",
                                        "x-goog-upload-offset", "0", NULL};
    char *query = start(GOOGLES, 4711);
    struct asked asked;
    struct request request;
    uint64_t client = 0;

    (void)state;
    assert_null(strstr(query, "AbC"));
    assert_null(strstr(query, "google"));
    headers = given;
    request = request_of("PUT", "/upload/v1beta/files", query, VIEW("abc"));
    assert_true(endpoint_upload.admits(&request, &client));
    assert_int_equal(client, CLIENT);
    asked = ask(request);
    assert_view(order_of(&asked)->path,
                "/upload/v1beta/files?upload_id=AbC&upload_protocol=resumable");
    assert_int_equal(order_of(&asked)->owner, 4711);
    assert_string_equal(order_of(&asked)->method, "PUT");
    assert_view(order_of(&asked)->lines,
                "x-goog-upload-command: upload, finalize\r\nx-goog-upload-offset: 0\r\n");
    forget(&asked);
    free(query);
}

static void nobody_else_goes_on_with_it(void **state)
{
    char *query = start(GOOGLES, 4711);
    struct request request = request_of("POST", "/upload/v1beta/files", query, VIEW(""));
    struct asked asked;
    uint64_t client;

    (void)state;
    request.client = CLIENT + 1;
    asked = ask(request);
    assert_int_equal(asked.error, ERROR_FORBIDDEN);
    forget(&asked);
    request.client = CLIENT;
    request.utc_ms += 48ull * 3600 * 1000;
    assert_false(endpoint_upload.admits(&request, &client));
    asked = ask(request);
    assert_int_equal(asked.error, ERROR_NO_ROUTE);
    forget(&asked);
    request = request_of("POST", "/upload/v1beta/files", "upload_id=AbC", VIEW(""));
    assert_false(endpoint_upload.admits(&request, &client));
    asked = ask(request);
    assert_int_equal(asked.error, ERROR_NO_ROUTE);
    forget(&asked);
    free(query);
}

/* Whatever host the answer names, and however it is written: only a path below /upload/ counts. */
static void an_address_elsewhere_is_not_handed_on(void **state)
{
    char *query = start("https://evil.example/other?x=/up", 1);

    (void)state;
    assert_null(query);
}

static void paths_that_could_mean_something_else_are_none(void **state)
{
    static const char *const paths[] = {"/upload/v1beta/files?x", "/upload/a b", "/upload/a%2f",
                                        "/upload/a#b", "/upload/\xc3\xa4"};

    (void)state;
    headers = NULL;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct asked asked = ask(request_of("POST", paths[i], "", VIEW("{}")));

        assert_int_equal(asked.error, ERROR_NO_ROUTE);
        forget(&asked);
    }
}

static int open_seals(void **state)
{
    (void)state;
    seals_open(&seals, (struct secret){VIEW("secret")}, "");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_goes_on_with_its_headers_and_no_key),
        cmocka_unit_test(who_says_nothing_begins_a_resumable_one),
        cmocka_unit_test(the_address_is_ours_and_leads_to_the_upload_and_its_key),
        cmocka_unit_test(nobody_else_goes_on_with_it),
        cmocka_unit_test(an_address_elsewhere_is_not_handed_on),
        cmocka_unit_test(paths_that_could_mean_something_else_are_none),
    };

    return cmocka_run_group_tests(tests, open_seals, NULL);
}
