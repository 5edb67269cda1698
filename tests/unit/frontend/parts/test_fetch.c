/* SPDX-License-Identifier: Apache-2.0 */
/* What a request names by address: places kept in a body, steps, and what comes into the places. */
#include "parts/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PNG "\x89PNG\r\n\x1a\n"

static struct fetches fetches;
static struct plan plan;
static struct bytes body;

static int open_all(void **state)
{
    (void)state;
    fetches = (struct fetches){0};
    plan = (struct plan){.limit = 40};
    body = (struct bytes){0};
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    fetches_clear(&fetches);
    plan_clear(&plan);
    bytes_clear(&body);
    return 0;
}

static const char *add(const char *url, bool is_file)
{
    struct fetch_wish wish = {
        .url = view_of(url), .type = VIEW(""), .param = "messages[0]", .is_file = is_file};

    return fetches_add(&fetches, &wish, &body);
}

static enum error take(size_t call, const char *type, struct view bytes)
{
    struct bytes line = {0};
    struct call_answer answer = {.body = bytes};
    enum error error;

    bytes_printf(&line, "Content-Type: %s\r\n", type);
    if (*type)
        answer.headers = bytes_view(&line);
    error = fetches_take(&fetches, &plan, call, &answer);
    bytes_clear(&line);
    return error;
}

static void each_address_is_a_step_and_comes_into_its_places(void **state)
{
    const struct order *order;

    (void)state;
    assert_null(add("https://host/a?b#c", false));
    bytes_text(&body, "|");
    assert_null(add("https://host/b", false));
    bytes_text(&body, "|");
    assert_null(add(" https://host/a?b", false)); /* the first once more */
    assert_true(fetches_plan(&fetches, &plan, 7));
    assert_int_equal(plan.count, 2);
    order = &plan.steps[0]->order;
    assert_string_equal(order->pool, "fetch");
    assert_string_equal(order->method, "GET");
    assert_string_equal(order->headers, "content-type");
    assert_int_equal(order->client, 7);
    assert_int_equal(order->owner, 0);
    assert_null(order->body);
    assert_true(view_equal(order->path, VIEW("https://host/a?b")));
    assert_true(fetches_has(&plan, 1));
    assert_int_equal(take(1, "image/jpeg; x=y", VIEW("abc")), ERROR_NONE);
    assert_int_equal(fetches.done, 1);
    assert_int_equal(take(0, "image/jpeg", VIEW(PNG)), ERROR_NONE);
    assert_int_equal(fetches.done, 2);
    assert_true(plan.kept > 0);
    assert_int_equal(fetches_fill(&fetches, &plan, &body, 0, 1000), ERROR_NONE);
    assert_int_equal(plan.kept, 0);
    assert_string_equal(bytes_cstr(&body), "\"data\":\"iVBORw0KGgo=\",\"mimeType\":\"image/png\"|"
                                           "\"data\":\"YWJj\",\"mimeType\":\"image/jpeg\"|"
                                           "\"data\":\"iVBORw0KGgo=\",\"mimeType\":\"image/png\"");
}

static void a_clients_text_is_no_place(void **state)
{
    (void)state;
    assert_null(add("https://host/a", false));
    bytes_text(&body, "\"fetched\":\"0123456789abcdef0123456789abcdef00\"");
    assert_true(fetches_plan(&fetches, &plan, 7));
    assert_int_equal(take(0, "image/png", VIEW("abc")), ERROR_NONE);
    assert_int_equal(fetches_fill(&fetches, &plan, &body, 0, 1000), ERROR_NONE);
    assert_string_equal(bytes_cstr(&body), "\"data\":\"YWJj\",\"mimeType\":\"image/png\""
                                           "\"fetched\":\"0123456789abcdef0123456789abcdef00\"");
}

static void what_comes_must_be_what_was_meant(void **state)
{
    static const struct {
        const char *type, *bytes;
        bool is_file;
        const char *what; /* the type, or words of the complaint */
    } cases[] = {
        {"image/png", "abc", false, "image/png"},
        {"IMAGE/JPG", "abc", false, "image/jpeg"},
        {"application/octet-stream", "\xff\xd8\xff", false, "image/jpeg"},
        {"", "GIF89a", false, "image/gif"},
        {"text/plain", PNG, false, "no picture, sound, video or PDF"},
        {"application/pdf", "%PDF-1", false, "application/pdf"},
        {"video/mp4", "abc", false, "video/mp4"},
        {"audio/mpeg", "abc", false, "audio/mpeg"},
        {"text/html; charset=utf-8", "no such picture", false, "a page (HTML) came"},
        {"image/png", "\n<!DOCTYPE html><p>no", false, "a page (HTML) came"},
        {"image/png", "<html>", false, "a page (HTML) came"},
        {"application/json", "{}", false, "no picture, sound, video or PDF"},
        {"", "abc", false, "it has no media type"},
        {"not a type", "abc", false, "it has no media type"},
        {"image/png", "", false, "it is empty"},
        {"text/html", "<html>", true, "text/html"},
        {"text/csv", "a,b", true, "text/csv"},
        {"", "abc", true, "it has no media type"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *what = cases[i].what;
        bool is_good = strchr(what, '/') != NULL;
        const char *got;

        open_all(NULL);
        assert_null(add("https://u/x?secret", cases[i].is_file));
        assert_true(fetches_plan(&fetches, &plan, 7));
        assert_int_equal(take(0, cases[i].type, view_of(cases[i].bytes)),
                         is_good ? ERROR_NONE : ERROR_FETCH);
        got = is_good ? bytes_cstr(&fetches.at[0].members) : bytes_cstr(&plan.why);
        if (!strstr(got, what))
            fail_msg("%s: %s", cases[i].type, got);
        assert_null(strstr(got, "secret"));
        if (!is_good)
            assert_string_equal(plan.param, "messages[0]");
        close_all(NULL);
    }
    open_all(NULL);
}

static void the_reason_of_a_failure_is_told(void **state)
{
    struct call_failure failure = {.error = ERROR_FETCH,
                                   .body = VIEW("{\"error\":{\"message\":\"private address.\"}}")};

    (void)state;
    add("https://host/a?secret", false);
    fetches_plan(&fetches, &plan, 7);
    assert_false(fetches_failed(&fetches, &plan, 0, &failure));
    assert_string_equal(
        bytes_cstr(&plan.why),
        "Invalid value: 'messages[0]': could not fetch https://host/a: private address.");
    assert_string_equal(plan.param, "messages[0]");
    failure = (struct call_failure){.error = ERROR_NOT_READY};
    plan.why.len = 0;
    assert_false(fetches_failed(&fetches, &plan, 0, &failure));
    assert_int_equal(plan.why.len, 0); /* the address is not at fault */
}

static void what_was_lost_under_way_is_fetched_once_more(void **state)
{
    struct call_failure failure = {.error = ERROR_UPSTREAM_LOST, .has_begun = true};

    (void)state;
    add("https://host/a", false);
    add("https://host/b", false);
    fetches_plan(&fetches, &plan, 7);
    assert_true(fetches_failed(&fetches, &plan, 1, &failure));
    assert_int_equal(plan.count, 3);
    assert_true(view_equal(plan.steps[2]->order.path, VIEW("https://host/b")));
    assert_int_equal(plan.steps[2]->place, 1);
    assert_false(fetches_failed(&fetches, &plan, 2, &failure));
    assert_int_equal(plan.count, 3);
}

static void there_is_a_limit_to_their_number_and_to_their_size(void **state)
{
    char url[40];

    (void)state;
    for (int i = 0; i < FETCHES_MOST; i++) {
        snprintf(url, sizeof(url), "https://host/%d", i);
        assert_null(add(url, false));
    }
    assert_non_null(strstr(add("https://host/more", false), "too many"));
    assert_null(add("https://host/0", false));
    plan.limit = FETCHES_MOST - 1;
    assert_false(fetches_plan(&fetches, &plan, 7));
    plan.limit = FETCHES_MOST;
    assert_true(fetches_plan(&fetches, &plan, 7));
    for (size_t i = 0; i < FETCHES_MOST; i++)
        assert_int_equal(take(i, "image/png", VIEW("abc")), ERROR_NONE);
    assert_int_equal(fetches_fill(&fetches, &plan, &body, 300, 400), ERROR_TOO_LARGE);
    assert_non_null(strstr(bytes_cstr(&plan.why), "too large"));
    assert_int_equal(fetches_fill(&fetches, &plan, &body, 300, 1 << 20), ERROR_NONE);
}

static void what_is_no_address_is_said(void **state)
{
    (void)state;
    assert_non_null(add("https://user:secret@host/", false));
    assert_non_null(add("ftp://host/", false));
    assert_int_equal(body.len, 0);
    assert_int_equal(fetches.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
        TEST(each_address_is_a_step_and_comes_into_its_places),
        TEST(a_clients_text_is_no_place),
        TEST(what_comes_must_be_what_was_meant),
        TEST(the_reason_of_a_failure_is_told),
        TEST(what_was_lost_under_way_is_fetched_once_more),
        TEST(there_is_a_limit_to_their_number_and_to_their_size),
        TEST(what_is_no_address_is_said),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
