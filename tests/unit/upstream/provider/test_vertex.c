/* SPDX-License-Identifier: Apache-2.0 */
/* Vertex: where it is asked, and that its answers are judged as Gemini's. */
#include "cases.h"

#include "provider/provider.h"
#include "settings_mine.h"

static void it_is_asked_at_its_own_address(void **state)
{
    struct bytes url = {0}, line = {0};

    (void)state;
    settings_mine()->base_url = "https://gemini/v1beta";
    settings_mine()->vertex_url = "https://vertex/v1beta1/publishers/google";
    provider_url(provider_find(VIEW("vertex")), settings_now(), VIEW("/models/m:generateContent"),
                 &url);
    assert_string_equal(bytes_cstr(&url),
                        "https://vertex/v1beta1/publishers/google/models/m:generateContent");
    provider_find(VIEW("vertex"))->authorize((struct secret){VIEW("AQ.x")}, &line);
    assert_true(view_equal(bytes_view(&line), VIEW("x-goog-api-key: AQ.x")));
    bytes_clear(&url);
    bytes_clear(&line);
}

static void its_answers_are_judged_as_geminis(void **state)
{
    const struct provider *vertex = provider_find(VIEW("vertex"));
    struct view json =
        VIEW("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
             "\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3}}");
    struct verdict verdict = {0};
    struct sight sight;

    (void)state;
    vertex->look(json, &sight);
    assert_true(sight.has_content && sight.has_finish);
    assert_int_equal(sight.usage.tokens_in, 3);
    vertex->look_at_end(json, &sight);
    assert_true(sight.has_finish);
    assert_int_equal(vertex->gate(VIEW("streamGenerateContent")), GATE_GENERATED);
    vertex->read_error(429, VIEW("{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"}}"), 0,
                       &verdict);
    assert_int_equal(verdict.fault, FAULT_QUOTA_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_asked_at_its_own_address),
        cmocka_unit_test(its_answers_are_judged_as_geminis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
