/* SPDX-License-Identifier: Apache-2.0 */
/* The gate, with answers as Gemini gives them. Each is fed whole, byte by byte and in pieces of
 * other sizes; what comes out and how it is judged must be the same. */
#include "jobs/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EVENT(json) "data: " json "\r\n\r\n"
#define TEXT(text)                                                                                 \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text                                  \
    "\"}],\"role\":\"model\"},\"index\":0}]}"
#define THOUGHT(text)                                                                              \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\",\"thought\":true}]}}]}"
#define FINISH(reason) "{\"candidates\":[{\"content\":{},\"finishReason\":\"" reason "\"}]}"
#define PART(part)                                                                                 \
    "{\"candidates\":[{\"content\":{\"parts\":[" part "]},\"finishReason\":\"STOP\"}]}"
#define USAGE                                                                                      \
    "{\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":3,\"totalTokenCount\":"   \
    "10}}"
#define BLOCKED                                                                                    \
    "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":4}}"
#define ERROR_503                                                                                  \
    "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"The model is overloaded.\",\n    "  \
    "\"status\": \"UNAVAILABLE\"\n  }\n}\n"
#define ERROR_LINE "{\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}"
#define GOOD EVENT(TEXT("Hel")) EVENT(FINISH("STOP"))

struct seen {
    struct bytes out;
    size_t calls;
    size_t ends; /* of `out` at the last call whose bytes ended an event */
};

static void on_out(void *owner, struct view bytes, bool is_end)
{
    struct seen *seen = owner;

    bytes_append(&seen->out, bytes);
    seen->calls++;
    if (is_end)
        seen->ends = seen->out.len;
}

enum kind { STREAM, THOUGHTS, RAW, ARRAY, WHOLE, LIST };

struct expectation {
    const char *what;
    enum kind kind;
    const char *in;
    bool is_cut; /* the connection breaks */
    enum fault fault;
    const char *out; /* NULL: all of `in` */
};

static enum fault run(const struct expectation *c, struct view text, size_t step, struct seen *seen,
                      struct gate *gate)
{
    *seen = (struct seen){0};
    *gate = (struct gate){.provider = &provider_gemini,
                          .kind = c->kind != LIST ? GATE_GENERATED : GATE_JSON,
                          .is_stream = c->kind <= ARRAY,
                          .thoughts = c->kind == THOUGHTS,
                          .is_raw = c->kind == RAW,
                          .out = on_out,
                          .owner = seen};
    gate_head(gate, 200,
              c->kind <= RAW ? VIEW("text/event-stream") : VIEW("application/json; charset=UTF-8"));
    for (size_t at = 0; at < text.len; at += step) {
        size_t len = step < text.len - at ? step : text.len - at;
        char *copy = malloc(len);
        bool goes_on;

        memcpy(copy, text.at + at, len);
        goes_on = gate_feed(gate, (struct view){copy, len}, 256 * 1024);
        free(copy);
        if (!goes_on)
            return gate_end(gate, false, 1000);
    }
    return gate_end(gate, !c->is_cut, 1000);
}

static void check(const struct expectation *c)
{
    struct view in = view_of(c->in);
    const char *want = c->out ? c->out : c->in;

    for (size_t step = 1; step <= in.len + 1; step = step < 9 ? step + 1 : step * 2) {
        struct seen seen;
        struct gate gate;
        enum fault fault = run(c, in, step, &seen, &gate);

        if (fault != c->fault)
            print_message("step %zu: %s\n", step, fault_facts(fault)->name);
        assert_int_equal(fault, c->fault);
        assert_string_equal(bytes_cstr(&seen.out), want);
        assert_int_equal(gate.is_open, seen.calls > 0);
        gate_clear(&gate);
        bytes_clear(&seen.out);
    }
}

static const struct expectation cases[] = {
    {"a good stream", STREAM, GOOD, false, FAULT_NONE, NULL},
    {"half an emoji at first", STREAM, EVENT(TEXT("\\ud83d end")) EVENT(FINISH("STOP")), false,
     FAULT_NONE, NULL},
    {"half an emoji in the middle", STREAM, EVENT(TEXT("ok")) EVENT(PART("{\"text\":\"\\ude00\"}")),
     false, FAULT_NONE, NULL},
    {"half an emoji in a whole answer", WHOLE, PART("{\"text\":\"ok \\ud83d end\"}"), false,
     FAULT_NONE, NULL},
    {"usage behind the finish", STREAM, GOOD EVENT(USAGE), false, FAULT_NONE, NULL},
    {"thoughts first, not shown", STREAM, EVENT(THOUGHT("hm")) GOOD, false, FAULT_NONE, NULL},
    {"no empty line at the end", STREAM, EVENT(TEXT("a")) "data: " FINISH("STOP") "\n", false,
     FAULT_NONE, EVENT(TEXT("a")) "data: " FINISH("STOP") "\n\n\n"},
    {"no newline at the end", STREAM, "data: " PART("{\"text\":\"a\"}"), false, FAULT_NONE,
     "data: " PART("{\"text\":\"a\"}") "\n\n"},
    {"a sentinel behind the finish", STREAM, GOOD EVENT("[DONE]"), false, FAULT_NONE, NULL},
    {"another one, and usage before it", STREAM, GOOD EVENT(USAGE) EVENT("DONE"), false, FAULT_NONE,
     NULL},
    {"a sentinel without its empty line", STREAM, GOOD "data: [DONE]\n", false, FAULT_NONE,
     GOOD "data: [DONE]\n\n\n"},
    {"a sentinel instead of the finish", STREAM, EVENT(TEXT("a")) EVENT("[DONE]"), false, FAULT_CUT,
     NULL},
    {"a sentinel and nothing else", STREAM, EVENT("[DONE]"), false, FAULT_EMPTY, ""},
    {"a relay's signs of life, and nothing else", STREAM,
     ": OPENROUTER PROCESSING\n\nevent: keepalive\ndata: {}\n\n", false, FAULT_EMPTY, ""},
    {"a relay's signs of life, and an error", STREAM,
     ": x\n\nevent: keepalive\ndata: {}\n\n" EVENT(ERROR_LINE), false, FAULT_OVERLOADED, ""},
    {"a relay's signs of life before content", STREAM,
     ": x\n\nevent: keepalive\ndata: {}\n\n" GOOD ": x\n\n", false, FAULT_NONE, NULL},
    {"only thoughts that are not shown, and no finish", STREAM, EVENT(THOUGHT("hm")), false,
     FAULT_CUT, ""},
    {"a response that is malformed", STREAM, EVENT(FINISH("MALFORMED_RESPONSE")), false,
     FAULT_MALFORMED, ""},
    {"a malformed response, whole", WHOLE, FINISH("MALFORMED_RESPONSE"), false, FAULT_MALFORMED,
     ""},
    {"an empty stop", STREAM, EVENT(FINISH("STOP")), false, FAULT_EMPTY, ""},
    {"an empty stop and usage", STREAM, EVENT(FINISH("STOP")) EVENT(USAGE), false, FAULT_EMPTY, ""},
    {"only usage", STREAM, EVENT(USAGE), false, FAULT_EMPTY, ""},
    {"nothing at all", STREAM, "", false, FAULT_EMPTY, ""},
    {"nothing, and cut", STREAM, "", true, FAULT_RESET, ""},
    {"only thoughts that are not shown", STREAM, EVENT(THOUGHT("hm")) EVENT(FINISH("STOP")), false,
     FAULT_EMPTY, ""},
    {"thoughts, shown, and a malformed end with them", THOUGHTS,
     EVENT("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true}]},"
           "\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}]}"),
     false, FAULT_MALFORMED, ""},
    {"only thoughts, shown", THOUGHTS, EVENT(THOUGHT("hm")) EVENT(FINISH("STOP")), false,
     FAULT_NONE, NULL},
    {"an empty text with a signature", STREAM,
     EVENT(PART("{\"text\":\"\",\"thoughtSignature\":\"abc\"}")), false, FAULT_EMPTY, ""},
    {"a function call", STREAM, EVENT(PART("{\"functionCall\":{\"name\":\"f\"}}")), false,
     FAULT_NONE, NULL},
    {"an image", STREAM, EVENT(PART("{\"inlineData\":{\"data\":\"AA\"}}")), false, FAULT_NONE,
     NULL},
    {"a kind of part that we don't know", STREAM, EVENT(PART("{\"hologram\":{}}")), false,
     FAULT_NONE, NULL},
    {"too many tokens, nothing else", STREAM, EVENT(FINISH("MAX_TOKENS")), false, FAULT_NONE, NULL},
    {"filtered", STREAM, EVENT(FINISH("SAFETY")), false, FAULT_NONE, NULL},
    {"a finish that we don't know", STREAM, EVENT(FINISH("WEDNESDAY")), false, FAULT_EMPTY, ""},
    {"a finish that says nothing", STREAM, EVENT(FINISH("OTHER")), false, FAULT_EMPTY, ""},
    {"no picture, whole", WHOLE, FINISH("NO_IMAGE"), false, FAULT_EMPTY, ""},
    {"the same for a client that reads the provider's own answers", RAW, EVENT(FINISH("OTHER")),
     false, FAULT_NONE, NULL},
    {"a finish that we don't know behind content", STREAM,
     EVENT(TEXT("a")) EVENT(FINISH("WEDNESDAY")), false, FAULT_NONE, NULL},
    {"a malformed call", STREAM, EVENT(FINISH("MALFORMED_FUNCTION_CALL")), false, FAULT_MALFORMED,
     ""},
    {"a malformed call behind content", STREAM,
     EVENT(TEXT("a")) EVENT(FINISH("MALFORMED_FUNCTION_CALL")), false, FAULT_NONE, NULL},
    {"a missing signature", STREAM, EVENT(FINISH("MISSING_THOUGHT_SIGNATURE")), false,
     FAULT_BAD_REQUEST, ""},
    {"a blocked prompt", STREAM, EVENT(BLOCKED), false, FAULT_BLOCKED, NULL},
    {"a raw error at once", STREAM, ERROR_503, false, FAULT_OVERLOADED, ""},
    {"a raw error at once, and cut", STREAM, ERROR_503, true, FAULT_CUT, ""},
    {"a relay's error, a text", STREAM, EVENT(TEXT("a")) EVENT("{\"error\":\"no credit\"}"), false,
     FAULT_SERVER, EVENT(TEXT("a"))},
    {"an error event at once", STREAM, EVENT(ERROR_503), false, FAULT_MALFORMED, ""},
    {"an error in one line", STREAM, EVENT("{\"error\":{\"code\":429}}"), false,
     FAULT_QUOTA_UNKNOWN, ""},
    {"an error in one line, raw", STREAM, "{\"error\":{\"code\":429}}", false, FAULT_QUOTA_UNKNOWN,
     ""},
    {"an error without a code", STREAM, EVENT("{\"error\":{\"status\":\"UNAVAILABLE\"}}"), false,
     FAULT_OVERLOADED, ""},
    {"a raw error behind content", STREAM, EVENT(TEXT("a")) ERROR_503, false, FAULT_OVERLOADED,
     EVENT(TEXT("a"))},
    {"an error event behind content", STREAM,
     EVENT(TEXT("a")) EVENT("{\"error\":{\"code\":503}}") EVENT(TEXT("b")), false, FAULT_OVERLOADED,
     EVENT(TEXT("a"))},
    {"a page", STREAM, "<html>\n<body>hello</body>\n</html>\n", false, FAULT_MALFORMED, ""},
    {"a page, one line", STREAM, "<html>", false, FAULT_MALFORMED, ""},
    {"an event that is no JSON", STREAM, EVENT("hello"), false, FAULT_MALFORMED, ""},
    {"cut before the content", STREAM, EVENT(USAGE) "data: {\"cand", true, FAULT_CUT, ""},
    {"cut behind content", STREAM, EVENT(TEXT("a")) "data: {\"cand", true, FAULT_CUT,
     EVENT(TEXT("a"))},
    {"no finish", STREAM, EVENT(TEXT("a")), false, FAULT_CUT, NULL},
    {"half an event at the end", STREAM, GOOD "data: {\"cand", false, FAULT_CUT, GOOD},
    {"[DONE] as others send it", STREAM, GOOD "data: [DONE]\n\n", false, FAULT_NONE, NULL},
    {"comments", STREAM, ": hello\n\n" GOOD, false, FAULT_NONE, NULL},
    {"an array", ARRAY, "[" TEXT("a") "\n,\r\n" FINISH("STOP") "\n]\n", false, FAULT_NONE, NULL},
    {"an array that is not closed", ARRAY, "[" TEXT("a") ",\n" FINISH("STOP"), false, FAULT_CUT,
     "[" TEXT("a") ",\n" FINISH("STOP")},
    {"an array cut", ARRAY,
     "[" TEXT("a") ",\n"
                   "{\"candi",
     true, FAULT_CUT, "[" TEXT("a")},
    {"an array without a finish", ARRAY, "[" TEXT("a") "\n]\n", false, FAULT_CUT, "[" TEXT("a")},
    {"an array with a blocked prompt", ARRAY, "[" BLOCKED "]", false, FAULT_BLOCKED, NULL},
    {"an array with an error", ARRAY, "[" ERROR_503 "]", false, FAULT_OVERLOADED, ""},
    {"an array with an error behind content", ARRAY, "[" TEXT("a") "\n,\r\n" ERROR_503 "]", false,
     FAULT_OVERLOADED, "[" TEXT("a")},
    {"an empty array", ARRAY, "[]", false, FAULT_EMPTY, ""},
    {"spaces before an array", ARRAY, "  \n[" TEXT("]}[{\\\"") "," FINISH("STOP") "]", false,
     FAULT_NONE, NULL},
    {"an object where a stream was asked for", ARRAY, PART("{\"text\":\"a\"}"), false, FAULT_NONE,
     NULL},
    {"a page where a stream was asked for", ARRAY, "<html>", false, FAULT_MALFORMED, ""},
    {"nothing where an array was asked for", ARRAY, "", false, FAULT_EMPTY, ""},
    {"a whole answer", WHOLE, PART("{\"text\":\"a\"}"), false, FAULT_NONE, NULL},
    {"a whole answer without a reason", WHOLE, TEXT("a"), false, FAULT_NONE, NULL},
    {"a whole answer, cut", WHOLE, "{\"candidates\":[", true, FAULT_CUT, ""},
    {"a whole answer that ends too early", WHOLE, "{\"candidates\":[", false, FAULT_MALFORMED, ""},
    {"an empty whole answer", WHOLE, FINISH("STOP"), false, FAULT_EMPTY, ""},
    {"an object without anything", WHOLE, "{}", false, FAULT_EMPTY, ""},
    {"an empty body", WHOLE, "", false, FAULT_EMPTY, ""},
    {"a reset", WHOLE, "", true, FAULT_RESET, ""},
    {"a blocked prompt, whole", WHOLE, BLOCKED, false, FAULT_BLOCKED, NULL},
    {"an error in a 200", WHOLE, ERROR_503, false, FAULT_OVERLOADED, ""},
    {"an error in an array in a 200", WHOLE, "[" ERROR_503 "]", false, FAULT_OVERLOADED, ""},
    {"a list", LIST, "{\"models\":[]}", false, FAULT_NONE, NULL},
    {"a list that is a page", LIST, "<html>", false, FAULT_MALFORMED, ""},
};

static void answers_are_judged_the_same_however_they_are_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("    %s\n", cases[i].what);
        check(&cases[i]);
    }
}

static void usage_is_overwritten_and_never_added(void **state)
{
    const struct expectation c = {.kind = STREAM};
    struct seen seen;
    struct gate gate;

    (void)state;
    run(&c,
        VIEW(EVENT("{\"usageMetadata\":{\"promptTokenCount\":5}}") GOOD EVENT(
            "{\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":9,"
            "\"thoughtsTokenCount\":20,\"cachedContentTokenCount\":2,\"toolUsePromptTokenCount\":1}"
            "}") EVENT("{\"usageMetadata\":{\"promptTokenCount\":0}}")),
        64, &seen, &gate);
    assert_int_equal(gate.usage.tokens_in, 6);
    assert_int_equal(gate.usage.tokens_out, 9);
    assert_int_equal(gate.usage.tokens_thoughts, 20);
    assert_int_equal(gate.usage.tokens_cached, 2);
    gate_clear(&gate);
    bytes_clear(&seen.out);
}

static void http_errors_are_kept_and_read(void **state)
{
    struct seen seen = {0};
    struct gate gate = {.provider = &provider_gemini,
                        .kind = GATE_GENERATED,
                        .is_stream = true,
                        .out = on_out,
                        .owner = &seen};

    (void)state;
    gate_head(&gate, 503, VIEW("application/json"));
    assert_true(gate_feed(&gate, VIEW(ERROR_503), 1000));
    assert_int_equal(gate_end(&gate, true, 0), FAULT_OVERLOADED);
    assert_int_equal(gate.verdict.status, 503);
    assert_int_equal(gate_error(&gate).len, sizeof(ERROR_503) - 1);
    assert_false(gate.is_open);
    gate_clear(&gate);
}

static void of_a_long_http_error_the_beginning_is_kept_without_a_gap(void **state)
{
    static char page[70 * 1024];
    struct gate gate = {.provider = &provider_gemini, .kind = GATE_GENERATED};

    (void)state;
    memset(page, 'a', sizeof(page));
    gate_head(&gate, 500, VIEW("text/html"));
    for (int i = 0; i < 2; i++)
        assert_true(gate_feed(&gate, (struct view){page, 40 * 1024}, 1000));
    assert_true(gate_feed(&gate, VIEW("b"), 1000));
    assert_int_equal(gate.held.len, 64 * 1024);
    assert_null(memchr(gate.held.at, 'b', gate.held.len));
    assert_int_equal(gate_end(&gate, true, 0), FAULT_SERVER);
    gate_clear(&gate);
}

static void the_error_inside_an_answer_is_told(void **state)
{
    const struct expectation c = {.kind = STREAM};
    struct seen seen;
    struct gate gate;

    (void)state;
    assert_int_equal(run(&c, VIEW(EVENT(TEXT("a")) ERROR_503), 50, &seen, &gate), FAULT_OVERLOADED);
    assert_int_equal(gate.verdict.status, 503);
    assert_int_equal(gate_error(&gate).len, sizeof(ERROR_503) - 2);
    assert_int_equal(seen.ends, seen.out.len);
    gate_clear(&gate);
    bytes_clear(&seen.out);
}

static void expect_event(const char *in, const char *event)
{
    const struct expectation c = {.kind = STREAM};

    for (size_t step = 1; step <= strlen(in); step++) {
        struct seen seen;
        struct gate gate;
        struct view got;

        run(&c, view_of(in), step, &seen, &gate);
        got = gate_error_event(&gate);
        assert_int_equal(got.len, strlen(event));
        assert_memory_equal(got.at, event, got.len);
        gate_clear(&gate);
        bytes_clear(&seen.out);
    }
}

static void the_event_of_an_error_behind_content_is_kept_byte_for_byte(void **state)
{
    (void)state;
    expect_event(EVENT(TEXT("a")) EVENT(ERROR_LINE), EVENT(ERROR_LINE));
    expect_event(EVENT(TEXT("a")) ": x\n\n" EVENT(ERROR_LINE) EVENT(TEXT("b")),
                 ": x\n\n" EVENT(ERROR_LINE));
    expect_event(EVENT(TEXT("a")) "data:" ERROR_LINE "\n\n" EVENT(TEXT("b")),
                 "data:" ERROR_LINE "\n\n");
    expect_event(EVENT(TEXT("a")) "data: " ERROR_LINE, "data: " ERROR_LINE "\n\n");
}

static void what_is_no_event_or_comes_first_is_none(void **state)
{
    (void)state;
    expect_event(EVENT(TEXT("a")) ERROR_503, "");
    expect_event(EVENT(ERROR_LINE), "");
    expect_event(EVENT(THOUGHT("a")) EVENT(ERROR_LINE), "");
    expect_event(EVENT(TEXT("a")) EVENT(FINISH("STOP")), "");
}

/* Feeds `head`, then `middle` many times, then `tail`. */
static enum fault run_large(struct gate *gate, struct view head, size_t middle, struct view tail,
                            size_t *kept_most)
{
    char run[16 * 1024];

    memset(run, 'A', sizeof(run));
    assert_true(gate_feed(gate, head, 256 * 1024));
    for (size_t done = 0; done < middle; done += sizeof(run)) {
        size_t kept;

        assert_true(gate_feed(gate, (struct view){run, sizeof(run)}, 256 * 1024));
        kept = gate->held.len + gate->sse.data.len + gate->sse.line.len + gate->elements.data.len +
               gate->tail.len;
        if (kept > *kept_most)
            *kept_most = kept;
    }
    assert_true(gate_feed(gate, tail, 256 * 1024));
    return gate_end(gate, true, 0);
}

static const struct view large_head =
    VIEW("{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/"
         "png\",\"data\":\"");
static const struct view large_tail =
    VIEW("\"}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\": {\"promptTokenCount\": 3,"
         "\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":3}],"
         "\"candidatesTokenCount\": 1290}}");

static void large_answers_pass_in_little_memory(void **state)
{
    static const char *const types[] = {"text/event-stream", "application/json",
                                        "application/json"};
    static const char *const before[] = {"data: ", "[", ""};
    static const char *const behind[] = {"\r\n\r\n", "]", "\n"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct seen seen = {0};
        struct gate gate = {.provider = &provider_gemini,
                            .kind = GATE_GENERATED,
                            .is_stream = i < 2,
                            .out = on_out,
                            .owner = &seen};
        struct bytes head = {0}, tail = {0};
        size_t kept_most = 0;

        bytes_text(&head, before[i]);
        bytes_append(&head, large_head);
        bytes_append(&tail, large_tail);
        bytes_text(&tail, behind[i]);
        gate_head(&gate, 200, view_of(types[i]));
        assert_int_equal(
            run_large(&gate, bytes_view(&head), 6 * 1024 * 1024, bytes_view(&tail), &kept_most),
            FAULT_NONE);
        assert_int_equal(seen.out.len, head.len + 6 * 1024 * 1024 + tail.len);
        assert_true(kept_most < 450 * 1024);
        assert_int_equal(gate.usage.tokens_in, 3);
        assert_int_equal(gate.usage.tokens_out, 1290);
        assert_true(gate.has_finish);
        gate_clear(&gate);
        bytes_clear(&seen.out);
        bytes_clear(&head);
        bytes_clear(&tail);
    }
}

/* Details of usage stand behind the finish: some KiB of them are seen through. */
static void usage_is_found_far_from_the_end(void **state)
{
    struct seen seen = {0};
    struct gate gate = {
        .provider = &provider_gemini, .kind = GATE_GENERATED, .out = on_out, .owner = &seen};
    struct bytes tail = {0};
    size_t kept_most = 0;

    (void)state;
    bytes_text(&tail,
               "\"}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,"
               "\"promptTokensDetails\":[");
    for (int i = 0; i < 200; i++)
        bytes_text(&tail, "{\"modality\":\"TEXT\",\"tokenCount\":3},");
    bytes_text(&tail, "{}],\"candidatesTokenCount\":1290}}");
    assert_in_range(tail.len, 4 * 1024, 15 * 1024);
    gate_head(&gate, 200, VIEW("application/json"));
    assert_int_equal(run_large(&gate, large_head, 1024 * 1024, bytes_view(&tail), &kept_most),
                     FAULT_NONE);
    assert_int_equal(gate.usage.tokens_in, 3);
    assert_int_equal(gate.usage.tokens_out, 1290);
    gate_clear(&gate);
    bytes_clear(&seen.out);
    bytes_clear(&tail);
}

static void a_large_whole_answer_that_ends_too_early_is_cut(void **state)
{
    struct seen seen = {0};
    struct gate gate = {
        .provider = &provider_gemini, .kind = GATE_GENERATED, .out = on_out, .owner = &seen};
    size_t kept_most = 0;

    (void)state;
    gate_head(&gate, 200, VIEW("application/json"));
    assert_int_equal(run_large(&gate, large_head, 1024 * 1024, VIEW("AAA"), &kept_most), FAULT_CUT);
    assert_true(gate.is_open);
    gate_clear(&gate);
    bytes_clear(&seen.out);
}

static void a_long_page_is_no_content(void **state)
{
    struct seen seen = {0};
    struct gate gate = {.provider = &provider_gemini,
                        .kind = GATE_GENERATED,
                        .is_stream = true,
                        .out = on_out,
                        .owner = &seen};
    bool goes_on = true;

    (void)state;
    gate_head(&gate, 200, VIEW("text/event-stream"));
    for (int i = 0; i < 100000 && goes_on; i++)
        goes_on = gate_feed(&gate, VIEW("<p>hello</p>\n"), 256 * 1024);
    assert_false(goes_on);
    assert_int_equal(gate_end(&gate, false, 0), FAULT_MALFORMED);
    assert_false(gate.is_open);
    gate_clear(&gate);
}

static void runs_end_at_events(void **state)
{
    const struct expectation c = {.kind = STREAM};
    struct seen seen;
    struct gate gate;

    (void)state;
    run(&c, VIEW(GOOD), 100, &seen, &gate);
    assert_int_equal(seen.ends, seen.out.len);
    gate_clear(&gate);
    bytes_clear(&seen.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_judged_the_same_however_they_are_split),
        cmocka_unit_test(usage_is_overwritten_and_never_added),
        cmocka_unit_test(http_errors_are_kept_and_read),
        cmocka_unit_test(of_a_long_http_error_the_beginning_is_kept_without_a_gap),
        cmocka_unit_test(the_error_inside_an_answer_is_told),
        cmocka_unit_test(the_event_of_an_error_behind_content_is_kept_byte_for_byte),
        cmocka_unit_test(what_is_no_event_or_comes_first_is_none),
        cmocka_unit_test(large_answers_pass_in_little_memory),
        cmocka_unit_test(usage_is_found_far_from_the_end),
        cmocka_unit_test(a_large_whole_answer_that_ends_too_early_is_cut),
        cmocka_unit_test(a_long_page_is_no_content),
        cmocka_unit_test(runs_end_at_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
