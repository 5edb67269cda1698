/* SPDX-License-Identifier: Apache-2.0 */
/* Google's methods: what each is asked as, and lists that are put together. */
#include "frontend/dialect_test.h"
#include "gemini/method.h"

#include <stdlib.h>

/* What a request begins; `state` is the endpoint's. */
static enum error begin(void *state, const char *method, const char *path, const char *query,
                        const char *body, struct plan *plan)
{
    const struct request request = {.pool = "gemini",
                                    .client = 7,
                                    .method = view_of(method),
                                    .path = view_of(path),
                                    .query = view_of(query),
                                    .body = view_of(body)};

    *plan = (struct plan){.limit = 64};
    return endpoint_native.begin(state, &request, plan);
}

static void end(void *state, struct plan *plan)
{
    endpoint_native.clear(state);
    memset(state, 0, endpoint_native.state_size);
    plan_clear(plan);
}

static void each_method_is_asked_as_it_is(void **state)
{
    static const struct {
        const char *method, *path, *body;
        const char *operation, *model, *want, *names;
        bool once, is_stream;
    } cases[] = {
        {"POST", "/v1beta/models/m:countTokens", "{}", "countTokens", "m", "/models/m:countTokens",
         "", false, false},
        {"POST", "/v1/models/models/m:embedContent", "{}", "embedContent", "m",
         "/models/models/m:embedContent", "", false, false},
        {"POST", "/v1beta/models/m:batchGenerateContent",
         "{\"batch\":{\"inputConfig\":{\"fileName\":\"files/a\"}}}", "batchGenerateContent", "m",
         "/models/m:batchGenerateContent", "files/a", true, false},
        {"POST", "/v1beta/models/m:predictLongRunning", "{}", "predictLongRunning", "m",
         "/models/m:predictLongRunning", "", true, false},
        {"POST", "/v1beta/tunedModels/t:streamGenerateContent", "{}", "streamGenerateContent", "",
         "/tunedModels/t:streamGenerateContent", "tunedModels/t", false, true},
        {"POST", "/v1beta/models/m:newVerb", "", "objects.operations", "m", "/models/m:newVerb", "",
         true, false},
        {"GET", "/v1beta/files/a", "", "objects.files", "", "/files/a", "files/a", false, false},
        {"HEAD", "/v1beta/files/a", "", "objects.files", "", "/files/a", "files/a", false, false},
        {"DELETE", "/v1beta/files/a", "", "objects.files", "", "/files/a", "files/a", true, false},
        {"POST", "/v1beta/interactions", "{\"previous_interaction_id\":\"i\"}",
         "objects.interactions", "", "/interactions", "interactions/i", true, false},
        {"PATCH", "/v1beta/widgets/w x/\xc3\xa4?y", "no JSON", "objects", "",
         "/widgets/w%20x/%C3%A4%3Fy", "", true, false},
        {"GET", "/v1beta/models/m/operations/o", "", "objects.operations", "",
         "/models/m/operations/o", "models/m/operations/o", false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *mine = memory_new(endpoint_native.state_size);
        struct plan plan;
        const struct step *step;

        assert_int_equal(begin(mine, cases[i].method, cases[i].path, "", cases[i].body, &plan),
                         ERROR_NONE);
        step = plan.steps[0];
        expect_text(cases[i].path, step->order.operation, cases[i].operation);
        expect_text(cases[i].path, bytes_cstr(&plan.steps[0]->model), cases[i].model);
        expect_text(cases[i].path, bytes_cstr(&plan.steps[0]->path), cases[i].want);
        expect_text(cases[i].path, bytes_cstr(&plan.steps[0]->names), cases[i].names);
        expect_text(cases[i].path, step->order.method,
                    strcmp(cases[i].method, "HEAD") == 0 ? "GET" : cases[i].method);
        assert_int_equal(step->order.once, cases[i].once);
        assert_int_equal(step->order.stream, cases[i].is_stream);
        assert_true(step->order.raw && step->pass == STEP_BYTES && step->order.client == 7);
        assert_true(view_equal(body_view(step->order.body), view_of(cases[i].body)));
        end(mine, &plan);
        free(mine);
    }
}

static void what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *method, *path, *query, *body;
        enum error error;
    } cases[] = {
        {"POST", "/v1beta/models/m:countTokens", "", "[]", ERROR_BAD_JSON},
        {"POST", "/v1beta/models/a/b:countTokens", "", "{}", ERROR_NO_MODEL},
        {"POST", "/v1beta/models/..:countTokens", "", "{}", ERROR_NO_MODEL},
        {"POST", "/v1beta/models/:x", "", "{}", ERROR_NO_MODEL},
        {"POST", "/v1beta/models/gemini-old:countTokens", "", "{}", ERROR_NO_MODEL},
        {"GET", "/v1beta/files", "pageSize=-1", "", ERROR_BAD_VALUE},
        {"GET", "/v1beta/files", "pageSize=1x", "", ERROR_BAD_VALUE},
        {"GET", "/v1beta/files", "pageToken=1", "", ERROR_BAD_VALUE},
        {"GET", "/v1beta/files", "pageToken=000000000000000500000000", "", ERROR_BAD_VALUE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *mine = memory_new(endpoint_native.state_size);
        struct plan plan;

        assert_int_equal(
            begin(mine, cases[i].method, cases[i].path, cases[i].query, cases[i].body, &plan),
            cases[i].error);
        assert_true(plan.why.len && plan.count == 0);
        end(mine, &plan);
        free(mine);
    }
}

static void answer(void *mine, struct plan *plan, size_t call, const char *body, struct bytes *out)
{
    assert_int_equal(
        endpoint_native.answer(mine, plan, call, &(struct call_answer){.body = view_of(body)}, out),
        ERROR_NONE);
}

/* The first page of `path`, in which files/b is gone. */
static void read_page(void *mine, const char *path, const char *query, const char *names,
                      struct plan *plan, struct bytes *out)
{
    assert_int_equal(begin(mine, "GET", path, query, "", plan), ERROR_NONE);
    expect_text("pool", plan->steps[0]->order.pool, "objects");
    answer(mine, plan, 0, names, out);
    for (size_t call = 1; call < plan->count; call++) {
        if (view_equal(plan->steps[call]->order.names, VIEW("files/b")))
            assert_true(endpoint_native.failed(mine, plan, call,
                                               &(struct call_failure){.error = ERROR_FORBIDDEN}));
        else
            answer(mine, plan, call, " {\"name\":\"x\"}\n", out);
    }
    endpoint_native.end(mine, out);
}

static void a_list_is_put_together(void **state)
{
    static const struct {
        const char *path, *names, *want;
    } cases[] = {
        {"/v1beta/files", "{\"names\":[],\"before\":0}", "{}\n"},
        {"/v1beta/files", "{\"names\":[\"files/b\"],\"before\":0}", "{}\n"},
        {"/v1beta/files", "{\"names\":[\"files/a\",\"files/b\",\"files/c\"],\"before\":0}",
         "{\n  \"files\": [\n{\"name\":\"x\"},\n{\"name\":\"x\"}\n  ]\n}\n"},
        {"/v1beta/batches", "{\"names\":[\"batches/a\"],\"before\":0}",
         "{\n  \"operations\": [\n{\"name\":\"x\"}\n  ]\n}\n"},
        {"/v1beta/models/m/operations", "{\"names\":[\"models/m/operations/a\"],\"before\":0}",
         "{\n  \"operations\": [\n{\"name\":\"x\"}\n  ]\n}\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        void *mine = memory_new(endpoint_native.state_size);
        struct bytes out = {0};
        struct plan plan;

        read_page(mine, cases[i].path, "", cases[i].names, &plan, &out);
        expect_text(cases[i].names, bytes_cstr(&out), cases[i].want);
        bytes_clear(&out);
        end(mine, &plan);
        free(mine);
    }
}

static void a_page_leads_to_the_next_of_the_same_list(void **state)
{
    void *mine = memory_new(endpoint_native.state_size);
    struct bytes out = {0}, query = {0};
    struct plan plan;
    const char *token;

    (void)state;
    read_page(mine, "/v1beta/files", "pageSize=2", "{\"names\":[\"files/a\"],\"before\":17}", &plan,
              &out);
    expect_text("first", bytes_cstr(&plan.steps[0]->path), "/files?before=0&most=2");
    token = strstr(bytes_cstr(&out), "nextPageToken\": \"");
    assert_non_null(token);
    bytes_printf(&query, "pageSize=900&pageToken=%.24s", token + strlen("nextPageToken\": \""));
    end(mine, &plan);
    assert_int_equal(begin(mine, "GET", "/v1beta/files", bytes_cstr(&query), "", &plan),
                     ERROR_NONE);
    expect_text("second", bytes_cstr(&plan.steps[0]->path), "/files?before=17&most=50");
    end(mine, &plan);
    assert_int_equal(begin(mine, "GET", "/v1beta/batches", bytes_cstr(&query), "", &plan),
                     ERROR_BAD_VALUE);
    end(mine, &plan);
    bytes_clear(&query);
    bytes_clear(&out);
    free(mine);
}

static void what_fails_otherwise_fails_the_list(void **state)
{
    static const enum error errors[] = {ERROR_NO_QUOTA, ERROR_UPSTREAM, ERROR_TIMEOUT};
    void *mine = memory_new(endpoint_native.state_size);
    struct plan plan;

    (void)state;
    assert_int_equal(begin(mine, "GET", "/v1beta/files", "", "", &plan), ERROR_NONE);
    for (size_t i = 0; i < COUNT_OF(errors); i++)
        assert_false(
            endpoint_native.failed(mine, &plan, 1, &(struct call_failure){.error = errors[i]}));
    assert_false(
        endpoint_native.failed(mine, &plan, 0, &(struct call_failure){.error = ERROR_FORBIDDEN}));
    end(mine, &plan);
    free(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_method_is_asked_as_it_is, plain_options),
        cmocka_unit_test_setup(what_is_no_request_is_refused, plain_options),
        cmocka_unit_test_setup(a_list_is_put_together, plain_options),
        cmocka_unit_test_setup(a_page_leads_to_the_next_of_the_same_list, plain_options),
        cmocka_unit_test_setup(what_fails_otherwise_fails_the_list, plain_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
