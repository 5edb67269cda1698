/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of server-sent events: every text is fed whole, byte by byte, and cut in two at every
 * place, and must give the same events each time. */
#include "base/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Appends "<event>" for each event that `part` completes. */
static void feed(struct sse *sse, struct view part, struct bytes *seen)
{
    struct view event;
    bool is_broken = false;

    while (sse_feed(sse, &part, &event, &is_broken)) {
        bytes_text(seen, "<");
        bytes_append(seen, event);
        bytes_text(seen, is_broken ? "...>" : ">");
    }
    assert_int_equal(part.len, 0);
}

static void note_rest(const struct sse *sse, struct bytes *seen)
{
    if (sse->stray.len) {
        bytes_text(seen, "!");
        bytes_append(seen, bytes_view(&sse->stray));
    }
    bytes_text(seen, sse_is_between(sse) ? "." : "~");
}

/* Fed in steps of `step` bytes after a first part of `first` bytes. */
static void parse(struct view text, size_t first, size_t step, size_t limit, struct bytes *seen)
{
    struct sse sse = {.limit = limit};

    seen->len = 0;
    for (size_t at = 0; at < text.len;) {
        size_t len = at == 0 && first ? first : step;
        char *copy; /* on the heap, so that a look beyond its end is seen */

        if (len > text.len - at)
            len = text.len - at;
        copy = malloc(len);
        memcpy(copy, text.at + at, len);
        feed(&sse, (struct view){copy, len}, seen);
        free(copy);
        at += len;
    }
    note_rest(&sse, seen);
    sse_clear(&sse);
}

static void check(struct view text, const char *want)
{
    struct bytes seen = {0};

    parse(text, 0, text.len, 0, &seen);
    assert_string_equal(bytes_cstr(&seen), want);
    for (size_t step = 1; step < 8; step++) {
        parse(text, 0, step, 0, &seen);
        assert_string_equal(bytes_cstr(&seen), want);
    }
    for (size_t first = 1; first < text.len; first++) {
        parse(text, first, text.len, 0, &seen);
        assert_string_equal(bytes_cstr(&seen), want);
    }
    bytes_clear(&seen);
}

static void events_are_the_same_however_the_bytes_are_split(void **state)
{
    static const struct {
        const char *what, *in, *want;
    } cases[] = {
        {"nothing", "", "."},
        {"the usual", "data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n", "<{\"a\":1}><{\"b\":2}>."},
        {"newlines alone", "data: a\n\ndata: b\n\n", "<a><b>."},
        {"returns alone", "data: a\r\rdata: b\r\r", "<a><b>."},
        {"all three mixed", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", "<a><b><c>."},
        {"no space", "data:a\n\n", "<a>."},
        {"two spaces", "data:  a\n\n", "< a>."},
        {"a mark at the start",
         "\xef\xbb\xbf"
         "data: a\n\n",
         "<a>."},
        {"half a mark",
         "\xef\xbb"
         "data: a\n\n",
         "!\xef\xbb"
         "data: a~"},
        {"a comment", ": ping\n\ndata: a\n\n:\n\n", "<a>."},
        {"an empty line after a lone return", "data:\rx\rdata:\r\n\ndata\r\r", "<\n>."},
        {"several data lines", "data: a\ndata:b\ndata:\ndata: c\n\n", "<a\nb\n\nc>."},
        {"other fields", "event: x\nid: 7\nretry: 10\nid\ndata: a\n\n", "<a>."},
        {"no data", "event: x\n\ndata\n\ndata:\n\n", "."},
        {"data without a colon", "data\ndata: a\n\n", "<\na>."},
        {"many empty lines", "\n\n\r\n\r\n\rdata: a\n\n\n\n", "<a>."},
        {"a cut event", "data: a\n\ndata: b\n", "<a>~"},
        {"a cut line", "data: a\n\ndata: b", "<a>~"},
        {"a cut name", "data: a\n\nda", "<a>~"},
        {"a raw error", "data: a\n\n{\n  \"error\": {}\n}\n", "<a>!{\n  \"error\": {}\n}~"},
        {"stray before an event", "what: ever\ndata: a\n\n", "<a>."},
        {"a name that begins like data", "database: a\n\n", "!database: a~"},
        {"a page", "<html>\n<body>", "!<html>~"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("    %s\n", cases[i].what);
        check(view_of(cases[i].in), cases[i].want);
    }
}

static void a_whole_event_is_given_without_a_copy(void **state)
{
    struct sse sse = {0};
    const struct view text = VIEW("data: abc\r\n\r\ndata: d\r\n\r\n");
    struct view more = text, event;
    bool is_broken = false;

    (void)state;
    assert_true(sse_feed(&sse, &more, &event, &is_broken));
    assert_ptr_equal(event.at, text.at + 6);
    assert_ptr_equal(more.at, text.at + 13);
    assert_false(is_broken);
    sse_clear(&sse);
}

static void an_event_over_the_limit_is_told_at_once_and_its_end_is_kept(void **state)
{
    struct sse sse = {.limit = 100};
    struct bytes text = {0};
    struct view more, event;
    bool is_broken = false;

    (void)state;
    bytes_text(&text, "data: ");
    for (int i = 0; i < 500; i++)
        bytes_text(&text, "0123456789");
    bytes_text(&text, "end");
    for (size_t i = 0; i < text.len; i++) {
        more = (struct view){text.at + i, 1};
        assert_false(sse_feed(&sse, &more, &event, &is_broken));
        assert_int_equal(is_broken, i >= 6 + 100);
        assert_true(sse.data.len <= 100);
    }
    more = VIEW("\n\ndata: next\n\n");
    assert_true(sse_feed(&sse, &more, &event, &is_broken));
    assert_true(is_broken);
    assert_true(event.len >= 50 && event.len <= 100);
    assert_memory_equal(event.at + event.len - 3, "end", 3);
    assert_true(sse_feed(&sse, &more, &event, &is_broken));
    assert_false(is_broken);
    assert_memory_equal(event.at, "next", 4);
    sse_clear(&sse);
    bytes_clear(&text);
}

static void an_event_over_the_limit_in_one_piece_keeps_its_end(void **state)
{
    struct sse sse = {.limit = 10};
    struct view more = VIEW("data: 0123456789abcdef\n\ndata: x\n\n"), event;
    bool is_broken = false;

    (void)state;
    assert_true(sse_feed(&sse, &more, &event, &is_broken));
    assert_true(is_broken);
    assert_int_equal(event.len, 5);
    assert_memory_equal(event.at, "bcdef", 5);
    assert_true(sse_feed(&sse, &more, &event, &is_broken));
    assert_false(is_broken);
    sse_clear(&sse);
}

static void a_page_without_an_end_of_line_does_not_grow_for_ever(void **state)
{
    struct sse sse = {0};
    struct view more, event;
    bool is_broken = false;
    char page[4096];

    (void)state;
    memset(page, 'x', sizeof(page));
    for (int i = 0; i < 1000; i++) {
        more = (struct view){page, sizeof(page)};
        assert_false(sse_feed(&sse, &more, &event, &is_broken));
        more = VIEW("\n");
        if (i > 500)
            assert_false(sse_feed(&sse, &more, &event, &is_broken));
    }
    assert_true(sse.line.len + sse.stray.len <= 128 * 1024);
    sse_clear(&sse);
}

static void a_long_data_line_is_whole_when_it_comes_in_large_pieces(void **state)
{
    struct sse sse = {0};
    struct view more, event;
    bool is_broken = false;
    size_t size = 300 * 1024;
    char *text = malloc(size);

    (void)state;
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 23);
    more = VIEW("dat");
    assert_false(sse_feed(&sse, &more, &event, &is_broken));
    memcpy(text, "a: ", 3);
    more = (struct view){text, size};
    assert_false(sse_feed(&sse, &more, &event, &is_broken));
    more = VIEW("\r\n\r\n");
    assert_true(sse_feed(&sse, &more, &event, &is_broken));
    assert_int_equal(event.len, size - 3);
    assert_memory_equal(event.at, text + 3, size - 3);
    free(text);
    sse_clear(&sse);
}

static void a_type_is_known_by_its_name_in_any_case(void **state)
{
    (void)state;
    assert_true(sse_is_type(VIEW("text/event-stream")));
    assert_true(sse_is_type(VIEW("text/event-stream; charset=utf-8")));
    assert_true(sse_is_type(VIEW("Text/Event-Stream ;charset=UTF-8")));
    assert_false(sse_is_type(VIEW("text/event-streams")));
    assert_false(sse_is_type(VIEW("text/event-strea")));
    assert_false(sse_is_type(VIEW("application/json")));
    assert_false(sse_is_type(VIEW("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_the_same_however_the_bytes_are_split),
        cmocka_unit_test(a_whole_event_is_given_without_a_copy),
        cmocka_unit_test(an_event_over_the_limit_is_told_at_once_and_its_end_is_kept),
        cmocka_unit_test(an_event_over_the_limit_in_one_piece_keeps_its_end),
        cmocka_unit_test(a_page_without_an_end_of_line_does_not_grow_for_ever),
        cmocka_unit_test(a_long_data_line_is_whole_when_it_comes_in_large_pieces),
        cmocka_unit_test(a_type_is_known_by_its_name_in_any_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
