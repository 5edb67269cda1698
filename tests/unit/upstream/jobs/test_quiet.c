/* SPDX-License-Identifier: Apache-2.0 */
/* Streams without what only relays put into them. */
#include "cases.h"

#include "jobs/quiet.h"

static const struct {
    const char *in, *want; /* NULL: untouched */
} cases[] = {
    {"data: {\"a\":1}\n\n", NULL},
    {"data: {\"a\":1}\r\n\r\ndata: {}\r\n\r\n", NULL},
    {"data: [DONE]\n\n", NULL},
    {": OPENROUTER PROCESSING\n\ndata: a\n\n", "data: a\n\n"},
    {":\r\n\r\ndata: a\r\n\r\n", "data: a\r\n\r\n"},
    {"data: a\n\n: x\n\n: y\n\ndata: b\n\n", "data: a\n\ndata: b\n\n"},
    {"data: a\n: x\ndata: b\n\n", "data: a\ndata: b\n\n"},
    {"event: keepalive\ndata: {}\n\ndata: a\n\n", "data: a\n\n"},
    {"event: message\nid: 7\nretry: 5\ndata: a\n\n", "data: a\n\n"},
    {"data: {}\n\n", NULL},
    {"data: a: b\n\n", NULL},
    {"\n\ndata: a\n\n\n", "data: a\n\n"},
    {"", NULL},
};

static void feed(struct quiet *quiet, struct view bytes, struct bytes *got)
{
    struct bytes room = {0};

    bytes_append(got, quiet_feed(quiet, bytes, &room));
    bytes_clear(&room);
}

static void what_is_no_data_goes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct quiet quiet = {0};
        struct bytes got = {0};

        feed(&quiet, view_of(cases[i].in), &got);
        expect_text(cases[i].in, bytes_cstr(&got), cases[i].want ? cases[i].want : cases[i].in);
        bytes_clear(&got);
    }
}

static void data_leave_without_a_copy(void **state)
{
    struct view text = VIEW("data: a\n\ndata: b\n\n");
    struct quiet quiet = {0};
    struct bytes room = {0};

    (void)state;
    assert_ptr_equal(quiet_feed(&quiet, text, &room).at, text.at);
    assert_null(room.at);
}

/* At the border of a line nothing depends on how the bytes come; within one, data are never lost. */
static void splits_lose_nothing(void **state)
{
    struct view text = VIEW(": x\r\n\r\ndata: {\"a\":\"\"}\r\n\r\n");

    (void)state;
    for (size_t at = 0; at <= text.len; at++) {
        struct quiet quiet = {0};
        struct bytes got = {0};

        feed(&quiet, (struct view){text.at, at}, &got);
        feed(&quiet, view_skip(text, at), &got);
        expect_text("split", bytes_cstr(&got), "data: {\"a\":\"\"}\r\n\r\n");
        bytes_clear(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_data_goes),
        cmocka_unit_test(data_leave_without_a_copy),
        cmocka_unit_test(splits_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
