/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures on their way to an image host: what is sent, what of its answer is taken, and what stands
 * in the reply. */
#include "parts/upload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings_mine.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct uploads uploads;
static struct plan plan;
static struct bytes reply;

static int open_all(void **state)
{
    (void)state;
    *settings_mine() = (struct settings){.upload_provider = "smms",
                                         .imgbed_url = "https://bed.example/upload",
                                         .oss_endpoint = "oss.example",
                                         .oss_bucket = "b"};
    uploads = (struct uploads){.client = 7, .utc_ms = 784111777000};
    plan = (struct plan){.limit = 40};
    reply = (struct bytes){0};
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    uploads_clear(&uploads);
    plan_clear(&plan);
    bytes_clear(&reply);
    return 0;
}

static void add(const char *base64)
{
    struct view place = uploads_add(&uploads, VIEW("image/png"), view_of(base64));

    bytes_text(&reply, "\"");
    bytes_append(&reply, place);
    bytes_text(&reply, "\"");
}

static const char *filled(void)
{
    static struct bytes out;

    out.len = 0;
    uploads_fill(&uploads, bytes_view(&reply), &out);
    return bytes_cstr(&out);
}

static void take(size_t call, const char *answer)
{
    struct call_answer whole = {.body = view_of(answer)};

    uploads_take(&uploads, &plan, call, &whole);
}

static void a_picture_becomes_a_form(void **state)
{
    static const struct {
        const char *host, *field;
    } hosts[] = {{"smms", "smfile"}, {"picgo", "source"}, {"cloudflare_imgbed", "file"}};

    (void)state;
    for (size_t i = 0; i < COUNT(hosts); i++) {
        const struct order *order;
        struct bytes body = {0}, want = {0};
        const char *boundary;

        open_all(NULL);
        settings_mine()->upload_provider = hosts[i].host;
        add("YWI=");
        uploads_plan(&uploads, &plan);
        uploads_plan(&uploads, &plan);
        assert_int_equal(plan.count, 1);
        order = &plan.steps[0]->order;
        assert_string_equal(order->pool, "image_host");
        assert_string_equal(order->method, "POST");
        assert_int_equal(order->client, 7);
        assert_true(view_starts(order->path, VIEW("/1994/11/06/")));
        assert_int_equal(order->path.len, strlen("/1994/11/06/01234567.png"));
        assert_ptr_equal(strstr(order->type, "multipart/form-data; boundary="), order->type);
        boundary = strchr(order->type, '=') + 1;
        bytes_append(&body, body_view(order->body));
        bytes_printf(&want,
                     "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%.*s\"\r\n"
                     "Content-Type: image/png\r\n\r\nab\r\n--%s--\r\n",
                     boundary, hosts[i].field, (int)order->path.len - 1, order->path.at + 1,
                     boundary);
        assert_string_equal(bytes_cstr(&body), bytes_cstr(&want));
        bytes_clear(&body);
        bytes_clear(&want);
        close_all(NULL);
    }
    open_all(NULL);
}

static void aliyun_takes_it_as_it_is(void **state)
{
    (void)state;
    settings_mine()->upload_provider = "aliyun_oss";
    add("YWJj");
    uploads_plan(&uploads, &plan);
    assert_string_equal(plan.steps[0]->order.method, "PUT");
    assert_string_equal(plan.steps[0]->order.type, "image/png");
    assert_true(view_equal(body_view(plan.steps[0]->order.body), VIEW("abc")));
    take(0, "");
    assert_ptr_equal(strstr(filled(), "\"https://b.oss.example/1994/11/06/"), filled());
}

static void what_hosts_answer(void **state)
{
    static const struct {
        const char *host, *answer, *want; /* NULL: the picture itself */
    } cases[] = {
        {"smms", "{\"success\":true,\"data\":{\"url\":\"https://i.example/a.png\"}}",
         "https://i.example/a.png"},
        {"smms",
         "{\"success\":false,\"code\":\"image_repeated\",\"images\":\"https://i.example/b\"}",
         "https://i.example/b"},
        {"smms", "{\"success\":false,\"code\":\"unauthorized\"}", NULL},
        {"smms", "{\"data\":{\"url\":\"javascript:alert(1)\"}}", NULL},
        {"smms", "{\"data\":{\"url\":\"https://i.example/a\\\"b<c>.png\"}}",
         "https://i.example/a%22b%3Cc%3E.png"},
        {"smms", "<html>", NULL},
        {"smms", "", NULL},
        {"picgo", "{\"status_code\":200,\"image\":{\"url\":\"https://i.example/a\"}}",
         "https://i.example/a"},
        {"picgo", "{\"success\":true,\"result\":[\"https://i.example/a\"]}", "https://i.example/a"},
        {"picgo", "{\"success\":false,\"result\":[]}", NULL},
        {"cloudflare_imgbed", "[{\"src\":\"/file/a.png\"}]", "https://bed.example/file/a.png"},
        {"cloudflare_imgbed", "[{\"src\":\"file/a.png\"}]", "https://bed.example/file/a.png"},
        {"cloudflare_imgbed", "{\"data\":[{\"src\":\"/file/a\"}]}", "https://bed.example/file/a"},
        {"cloudflare_imgbed", "[{\"src\":\"https://i.example/a\"}]", "https://i.example/a"},
        {"cloudflare_imgbed", "[]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *want = cases[i].want ? cases[i].want : "data:image/png;base64,YWI=";
        const char *got;

        open_all(NULL);
        settings_mine()->upload_provider = cases[i].host;
        add("YWI=");
        uploads_plan(&uploads, &plan);
        take(0, cases[i].answer);
        got = filled();
        if (strncmp(got + 1, want, strlen(want)) != 0 || got[strlen(want) + 1] != '"')
            fail_msg("%s: %s", cases[i].answer, got);
        close_all(NULL);
    }
    open_all(NULL);
}

static void what_fails_is_given_as_it_is(void **state)
{
    struct call_failure failure = {.error = ERROR_FETCH, .status = 403};

    (void)state;
    add("YWI=");
    add("YWJj");
    add("YWI="); /* the first again */
    add("!@#$"); /* no base64: for the client to see */
    uploads_plan(&uploads, &plan);
    assert_int_equal(plan.count, 2);
    assert_true(uploads_has(&plan, 1));
    uploads_failed(&uploads, &plan, 0, &failure);
    take(1, "{\"data\":{\"url\":\"https://i.example/a\"}}");
    assert_string_equal(filled(), "\"data:image/png;base64,YWI=\"\"https://i.example/a\""
                                  "\"data:image/png;base64,YWI=\"\"data:image/png;base64,!@#$\"");
}

static void a_full_plan_loses_nothing(void **state)
{
    (void)state;
    plan.limit = 1;
    add("YWI=");
    add("YWJj");
    uploads_plan(&uploads, &plan);
    assert_int_equal(plan.count, 1);
    take(0, "{\"data\":{\"url\":\"https://i.example/a\"}}");
    assert_string_equal(filled(), "\"https://i.example/a\"\"data:image/png;base64,YWJj\"");
}

static void there_is_a_limit_to_their_number(void **state)
{
    char base64[8];

    (void)state;
    for (int i = 0; i < UPLOADS_MOST; i++) {
        snprintf(base64, sizeof(base64), "YW%c%c", 'A' + i / 16, 'A' + i % 16);
        assert_true(uploads_add(&uploads, VIEW("image/png"), view_of(base64)).len);
    }
    assert_false(uploads_add(&uploads, VIEW("image/png"), VIEW("YWJj")).len);
}

static void there_may_be_no_host(void **state)
{
    (void)state;
    assert_true(uploads_wanted());
    settings_mine()->upload_provider = "";
    assert_false(uploads_wanted());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
        TEST(a_picture_becomes_a_form),  TEST(aliyun_takes_it_as_it_is),
        TEST(what_hosts_answer),         TEST(what_fails_is_given_as_it_is),
        TEST(a_full_plan_loses_nothing), TEST(there_is_a_limit_to_their_number),
        TEST(there_may_be_no_host),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
