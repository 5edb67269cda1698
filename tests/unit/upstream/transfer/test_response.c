/* SPDX-License-Identifier: Apache-2.0 */
/* Answers over HTTP/1.1: each example whole, and cut at every place. */
#include "transfer/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"

/* What was told of one answer. */
struct told {
    unsigned status;
    uint64_t length;
    char type[RESPONSE_TYPE_MOST + 1];
    struct bytes body;
    size_t heads;
    size_t left; /* bytes behind the end */
    enum response_sign last;
    bool may_be_kept;
};

static void tell(struct told *told, const struct response *response, enum response_sign sign,
                 struct view slice)
{
    if (sign == RESPONSE_HEAD) {
        struct view type = response_type(response);

        told->heads++;
        told->status = response->status;
        told->length = response->length;
        memcpy(told->type, type.at, type.len);
        told->type[type.len] = '\0';
    }
    if (sign == RESPONSE_BYTES) {
        assert_int_equal(told->heads, 1);
        assert_in_range(slice.len, 1, RESPONSE_SLICE);
        bytes_append(&told->body, slice);
    }
}

/* One part in memory of its own. False: that was the last of it. */
static bool feed(struct told *told, struct response *response, struct view part)
{
    char *copy = memory_text(part);
    struct view text = {copy, part.len}, slice;

    while ((told->last = response_read(response, &text, &slice)) < RESPONSE_END) {
        if (told->last == RESPONSE_MORE)
            break;
        tell(told, response, told->last, slice);
    }
    told->left = text.len;
    free(copy);
    return told->last == RESPONSE_MORE;
}

static struct told read_cut(struct view text, size_t first, size_t step)
{
    struct response response;
    struct told told = {0};
    bool goes_on = true;

    response_init(&response);
    for (size_t len = first; goes_on && text.len; len = step) {
        struct view part = {text.at, len < text.len ? len : text.len};

        text = view_skip(text, part.len);
        if (part.len)
            goes_on = feed(&told, &response, part);
    }
    told.left += text.len;
    if (goes_on)
        told.last = response_close(&response);
    if (told.last == RESPONSE_WRONG)
        assert_non_null(response.why);
    told.may_be_kept = told.last == RESPONSE_END && response.may_be_kept && !told.left;
    return told;
}

struct example {
    const char *what, *text;
    enum response_sign last;
    unsigned status;
    const char *body;
    uint64_t length;
    bool may_be_kept;
};

static void expect(struct view text, const struct example *example, size_t first, size_t step)
{
    struct told told = read_cut(text, first, step);

    assert_int_equal(told.last, example->last);
    assert_int_equal(told.status, example->status);
    assert_string_equal(bytes_cstr(&told.body), example->body);
    assert_int_equal(told.length, example->length);
    assert_int_equal(told.may_be_kept, example->may_be_kept);
    bytes_clear(&told.body);
}

static void expect_all(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct view text = view_of(examples[i].text);

        print_message("    %s\n", examples[i].what);
        for (size_t first = 0; first <= text.len; first++)
            expect(text, &examples[i], first, text.len);
        for (size_t step = 1; step < 4; step++)
            expect(text, &examples[i], 0, step);
    }
}

#define EXPECT_ALL(examples) expect_all(examples, sizeof(examples) / sizeof((examples)[0]))

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static void answers_are_read_however_they_are_cut(void **state)
{
    static const struct example examples[] = {
        {"a length", OK "Content-Length: 5\r\n\r\nhello", RESPONSE_END, 200, "hello", 6, true},
        {"none", OK "Content-Length: 0\r\n\r\n", RESPONSE_END, 200, "", 1, true},
        {"chunks", CHUNKED "3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\n\r\n", RESPONSE_END, 200,
         "abc0123456789abcdef", 0, true},
        {"chunks with trailers", CHUNKED "1\r\na\r\n0\r\nContent-Type: x/y\r\nX: y\r\n\r\n",
         RESPONSE_END, 200, "a", 0, true},
        {"chunks, written otherwise", OK "transfer-encoding:\t Chunked \r\n\r\n1\r\na\r\n0\r\n\r\n",
         RESPONSE_END, 200, "a", 0, true},
        {"until the end", OK "\r\nabc", RESPONSE_END, 200, "abc", 0, false},
        {"it is closed", OK "Connection: close\r\nContent-Length: 1\r\n\r\na", RESPONSE_END, 200,
         "a", 2, false},
        {"an old one", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", RESPONSE_END, 200, "a", 2,
         false},
        {"an old one that is kept",
         "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na", RESPONSE_END,
         200, "a", 2, true},
        {"no content", "HTTP/1.1 204 No Content\r\n\r\n", RESPONSE_END, 204, "", 0, true},
        {"not modified, with the length of what was not sent",
         "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", RESPONSE_END, 304, "", 0, true},
        {"interim heads",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Type: no/no\r\n\r\n" OK
         "Content-Length: 1\r\n\r\na",
         RESPONSE_END, 200, "a", 2, true},
        {"an error", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}",
         RESPONSE_END, 503, "{}", 3, true},
        {"no reason", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", RESPONSE_END, 200, "a", 2,
         true},
        {"extra bytes", OK "Content-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n", RESPONSE_END, 200,
         "a", 2, false},
        {"extra bytes behind chunks", CHUNKED "1\r\na\r\n0\r\n\r\nx", RESPONSE_END, 200, "a", 0,
         false},
        {"a body where there is none", "HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nab",
         RESPONSE_END, 204, "", 0, false},
    };

    (void)state;
    EXPECT_ALL(examples);
}

static void what_is_no_answer_is_refused(void **state)
{
    static const struct example examples[] = {
        {"nothing", "", RESPONSE_WRONG, 0, "", 0, false},
        {"no HTTP", "hello\r\n\r\n", RESPONSE_WRONG, 0, "", 0, false},
        {"half a head", OK "Content-Len", RESPONSE_WRONG, 0, "", 0, false},
        {"a length not kept", OK "Content-Length: 5\r\n\r\nabc", RESPONSE_WRONG, 200, "abc", 6,
         false},
        {"chunks cut", CHUNKED "3\r\nabc\r\n", RESPONSE_WRONG, 200, "abc", 0, false},
        {"no chunks", CHUNKED "xyz\r\n", RESPONSE_WRONG, 200, "", 0, false},
        {"a chunk of 2^64", CHUNKED "10000000000000000\r\na", RESPONSE_WRONG, 200, "", 0, false},
        {"a chunk that is longer than it says", CHUNKED "1\r\nab\r\n0\r\n\r\n", RESPONSE_WRONG, 200,
         "a", 0, false},
        {"two lengths", OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", RESPONSE_WRONG, 0,
         "", 0, false},
        {"a list of lengths", OK "Content-Length: 1, 1\r\n\r\na", RESPONSE_WRONG, 0, "", 0, false},
        {"a length below zero", OK "Content-Length: -1\r\n\r\na", RESPONSE_WRONG, 0, "", 0, false},
        {"a length of 2^64", OK "Content-Length: 18446744073709551616\r\n\r\na", RESPONSE_WRONG, 0,
         "", 0, false},
        {"a length and chunks",
         OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
         RESPONSE_WRONG, 0, "", 0, false},
        {"a coding that was not asked for", OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         RESPONSE_WRONG, 0, "", 0, false},
        {"a coding without chunks", OK "Transfer-Encoding: gzip\r\n\r\nabc", RESPONSE_WRONG, 0, "",
         0, false},
        {"chunks in chunks",
         OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         RESPONSE_WRONG, 0, "", 0, false},
        {"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nabc",
         RESPONSE_WRONG, 0, "", 0, false},
        {"HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 1\r\n\r\na", RESPONSE_WRONG, 0, "", 0,
         false},
        {"a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 1\r\n\r\na", RESPONSE_WRONG,
         0, "", 0, false},
        {"a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", RESPONSE_WRONG, 0, "", 0, false},
        {"a header with a space", OK "X y: z\r\n\r\n", RESPONSE_WRONG, 0, "", 0, false},
        {"control characters",
         OK "X: a\x01"
            "b\r\n\r\n",
         RESPONSE_WRONG, 0, "", 0, false},
    };

    (void)state;
    EXPECT_ALL(examples);
}

static void the_type_is_told(void **state)
{
    static const struct {
        const char *head, *type;
    } cases[] = {
        {OK "Content-Type: text/event-stream\r\n\r\n", "text/event-stream"},
        {OK "content-type:application/json; charset=UTF-8 \r\n\r\n",
         "application/json; charset=UTF-8"},
        {OK "Content-Type: a/b\r\nX: y\r\nContent-Type: c/d\r\n\r\n", "c/d"},
        {OK "Content-Type-X: a/b\r\n\r\n", ""},
        {OK "Content-Type:\r\n\r\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t first = 0; first <= strlen(cases[i].head); first++) {
            struct told told = read_cut(view_of(cases[i].head), first, SIZE_MAX);

            assert_string_equal(told.type, cases[i].type);
            bytes_clear(&told.body);
        }
}

static void a_long_type_is_cut(void **state)
{
    struct bytes text = {0};
    struct told told;

    (void)state;
    bytes_text(&text, OK "Content-Type: ");
    memset(bytes_room(&text, 1000), 't', 1000);
    text.len += 1000;
    bytes_text(&text, "\r\n\r\n");
    told = read_cut(bytes_view(&text), 500, 7);
    assert_int_equal(told.last, RESPONSE_END);
    assert_int_equal(strlen(told.type), RESPONSE_TYPE_MOST);
    bytes_clear(&text);
    bytes_clear(&told.body);
}

/* Fed without end: at some time it must be enough. */
static void expect_enough(struct view begin, struct view more, size_t most)
{
    struct response response;
    struct told told = {0};
    size_t fed = 0;

    response_init(&response);
    assert_true(feed(&told, &response, begin));
    while (feed(&told, &response, more)) {
        fed += more.len;
        assert_true(fed < most);
    }
    assert_int_equal(told.last, RESPONSE_WRONG);
    bytes_clear(&told.body);
}

static void what_never_ends_is_refused(void **state)
{
    (void)state;
    expect_enough(VIEW(OK), VIEW("X: y\r\n"), 200 * 1024);
    expect_enough(VIEW(OK "X: "), VIEW("yyyyyyyyyyyyyyyyyyyyyyyyyyyyy"), 200 * 1024);
    expect_enough(VIEW("HTTP/1.1 200 "), VIEW("OOOOOOOOOOOOOOOOOOOOOOOOOOOOOOO"), 200 * 1024);
    expect_enough(VIEW(CHUNKED "0\r\n"), VIEW("X: y\r\n"), 200 * 1024);
    expect_enough(VIEW(CHUNKED "1;"), VIEW("xxxxxxxxxxxxxxxxxxxxxx"), 200 * 1024);
    expect_enough(VIEW("HTTP/1.1 100 Continue\r\n\r\n"), VIEW("HTTP/1.1 100 Continue\r\n\r\n"),
                  1024);
}

static void a_large_body_comes_in_slices(void **state)
{
    enum { LEN = 100000 };
    struct bytes text = {0};

    (void)state;
    bytes_printf(&text, OK "Content-Length: %d\r\n\r\n", LEN);
    for (int i = 0; i < LEN; i++)
        bytes_append(&text, (struct view){&"0123456789"[i % 10], 1});
    for (size_t first = 60000; first < 60010; first++) {
        struct told told = read_cut(bytes_view(&text), first, SIZE_MAX);

        assert_int_equal(told.last, RESPONSE_END);
        assert_int_equal(told.body.len, LEN);
        assert_memory_equal(told.body.at, text.at + text.len - LEN, LEN);
        bytes_clear(&told.body);
    }
    bytes_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read_however_they_are_cut),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(the_type_is_told),
        cmocka_unit_test(a_long_type_is_cut),
        cmocka_unit_test(what_never_ends_is_refused),
        cmocka_unit_test(a_large_body_comes_in_slices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
