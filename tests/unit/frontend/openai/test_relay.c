/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on to Google's own endpoint in OpenAI's language. */
#include "cases.h"
#include "openai/endpoints.h"

#include <stdlib.h>

static const char *type;

static struct view header_of(const void *headers, const char *name)
{
    (void)headers;
    return strcmp(name, "content-type") == 0 ? view_of(type) : VIEW("");
}

static enum error begin(void *state, struct plan *plan, const char *method, const char *path,
                        const char *query, struct view body)
{
    struct request request = {.pool = "relay",
                              .client = 7,
                              .method = view_of(method),
                              .path = view_of(path),
                              .query = view_of(query),
                              .header = header_of,
                              .body = body};

    return endpoint_relay.begin(state, &request, plan);
}

static void requests_pass(void **of)
{
    static const struct {
        const char *method, *path, *query, *type, *in;
        const char *want_path, *operation, *model, *want; /* want NULL: as it came */
        bool is_stream, once;
    } cases[] = {
        {"POST", "/openai/v1/chat/completions", "key=x&a=1", "application/json",
         "{ 'model' : 'gemini-x', 'n': 1.0 }", "/openai/chat/completions?a=1", "chat/completions",
         "gemini-x", NULL, false, false},
        {"POST", "/openai/v1/chat/completions", "", "", "{'stream':true,'model':'models/gemini-x'}",
         "/openai/chat/completions", "chat/completions", "gemini-x", NULL, true, false},
        {"POST", "/openai/v1/chat/completions", "", "application/json",
         "{'model':'mine','x':'mine'}", "/openai/chat/completions", "chat/completions", "gemini-y",
         "{'model':'gemini-y','x':'mine'}", false, false},
        {"POST", "/openai/v1/embeddings", "", "application/json", "{", "/openai/embeddings",
         "embeddings", "", NULL, false, false},
        {"POST", "/openai/v1/files", "", "multipart/form-data; boundary=b", "{'model':'mine'}",
         "/openai/files", "files", "", NULL, false, true},
        {"GET", "/openai/v1/models/models/gemini x?", "", NULL, "",
         "/openai/models/models/gemini%20x%3F", "models", "", NULL, false, false},
        {"DELETE", "/openai/v1/batches/a", "", NULL, "", "/openai/batches/a", "batches", "", NULL,
         false, true},
        {"POST", "/openai/v1/else", "", "", "{}", "/openai/else", "openai", "", NULL, false, true},
    };

    (void)of;
    settings_mine()->model_aliases = "mine=gemini-y";
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = json_of(cases[i].in),
                     want = json_of(cases[i].want ? cases[i].want : cases[i].in);
        void *state = calloc(1, endpoint_relay.state_size);
        struct plan plan = {.limit = 2};
        const struct order *order;

        type = cases[i].type;
        assert_int_equal(
            begin(state, &plan, cases[i].method, cases[i].path, cases[i].query, bytes_view(&in)),
            ERROR_NONE);
        assert_int_equal(plan.count, 1);
        order = &plan.steps[0]->order;
        assert_int_equal(plan.steps[0]->pass, STEP_BYTES);
        if (!view_equal(order->path, view_of(cases[i].want_path)) ||
            !view_equal(order->model, view_of(cases[i].model)) ||
            !view_equal(body_view(order->body), bytes_view(&want)))
            fail_msg("%s: %.*s, %.*s", cases[i].path, (int)order->path.len, order->path.at,
                     (int)body_view(order->body).len, body_view(order->body).at);
        assert_string_equal(order->operation, cases[i].operation);
        assert_string_equal(order->method, cases[i].method);
        assert_int_equal(order->stream, cases[i].is_stream);
        assert_int_equal(plan.is_sse, cases[i].is_stream);
        assert_int_equal(order->once, cases[i].once);
        if (type && *type)
            assert_string_equal(order->type, type);
        endpoint_relay.clear(state);
        plan_clear(&plan);
        free(state);
        bytes_clear(&in);
        bytes_clear(&want);
    }
}

static void a_filtered_model_is_refused(void **of)
{
    struct bytes in = json_of("{'model':'gemini-old'}");
    void *state = calloc(1, endpoint_relay.state_size);
    struct plan plan = {.limit = 2};

    (void)of;
    type = "application/json";
    assert_int_equal(
        begin(state, &plan, "POST", "/openai/v1/chat/completions", "", bytes_view(&in)),
        ERROR_NO_MODEL);
    assert_string_equal(plan.param, "model");
    endpoint_relay.clear(state);
    plan_clear(&plan);
    free(state);
    bytes_clear(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(requests_pass, plain_options),
        cmocka_unit_test_setup(a_filtered_model_is_refused, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
