/* SPDX-License-Identifier: Apache-2.0 */
/* Every letter of messages.def is made, packed, unpacked and compared; bad frames are refused.
 * Needs no editing when a letter is added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fields.h"

/* Fills each field with something of its own. */
static void fill(enum message_kind kind, union message *letter, char texts[][32])
{
    const struct field *field = messages[kind].fields;

    for (size_t i = 0; field[i].name; i++) {
        char *at = (char *)letter + field[i].offset;

        snprintf(texts[i], 32, "text %zu of %d", i, kind);
        switch (field[i].type) {
        case FIELD_u64:
            *(uint64_t *)at = UINT64_MAX - i * 1000003u;
            break;
        case FIELD_boolean:
            *(bool *)at = i % 2 == 0;
            break;
        case FIELD_str:
        case FIELD_bin:
        case FIELD_secret:
            *(struct view *)at = view_of(texts[i]);
            break;
        }
    }
}

static void every_letter_comes_back_as_it_went(void **state)
{
    (void)state;
    for (int kind = 1; kind < MSG_KINDS; kind++) {
        union message sent = {0}, got;
        char texts[64][32];
        struct bytes frame = {0};
        enum message_kind got_kind;

        fill((enum message_kind)kind, &sent, texts);
        message_pack(&frame, (enum message_kind)kind, &sent);
        struct view rest = bytes_view(&frame);
        assert_null(message_unpack(&rest, &got_kind, &got));
        assert_int_equal(got_kind, kind);
        assert_int_equal(rest.len, 0);
        for (const struct field *field = messages[kind].fields; field->name; field++)
            assert_true(
                field_is_same(field, (char *)&sent + field->offset, (char *)&got + field->offset));
        bytes_clear(&frame);
    }
}

static void a_letter_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (int kind = 1; kind < MSG_KINDS; kind++) {
        union message sent = {0}, got;
        char texts[64][32];
        struct bytes frame = {0};
        enum message_kind got_kind;

        fill((enum message_kind)kind, &sent, texts);
        message_pack(&frame, (enum message_kind)kind, &sent);
        for (size_t len = 0; len < frame.len; len++) {
            char *part = memory_text(
                (struct view){frame.at, len}); /* so that a sanitizer sees reads behind it */
            struct view rest = {part, len};

            assert_non_null(message_unpack(&rest, &got_kind, &got));
            assert_int_equal(got_kind, MSG_NONE);
            free(part);
        }
        bytes_clear(&frame);
    }
}

static void letters_stand_back_to_back_in_a_frame(void **state)
{
    struct bytes frame = {0};
    union message got;
    enum message_kind kind;
    struct view rest;

    (void)state;
    message_pack(&frame, MSG_SEES, &(struct msg_sees){.peer = 7});
    message_pack(&frame, MSG_READY, &(struct msg_ready){0});
    message_pack(&frame, MSG_LOST, &(struct msg_lost){.upstream = 9});
    rest = bytes_view(&frame);
    assert_null(message_unpack(&rest, &kind, &got));
    assert_int_equal(kind, MSG_SEES);
    assert_int_equal(got.sees.peer, 7);
    assert_null(message_unpack(&rest, &kind, &got));
    assert_int_equal(kind, MSG_READY);
    assert_null(message_unpack(&rest, &kind, &got));
    assert_int_equal(kind, MSG_LOST);
    assert_int_equal(got.lost.upstream, 9);
    assert_int_equal(rest.len, 0);
    bytes_clear(&frame);
}

static const struct {
    const char *what;
    const char *frame;
    size_t len;
    const char *wrong; /* NULL: read, as `kind` */
    int kind;
} frames[] = {
#define FRAME(text) text, sizeof(text) - 1
    {"no array", FRAME("\x07"), "array", 0},
    {"an empty array", FRAME("\x90"), "count", 0},
    {"an array that promises four thousand million", FRAME("\xdd\xff\xff\xff\xff"), "count", 0},
    {"more fields than any letter may have", FRAME("\xdc\xff\xff\x05"), "count", 0},
    {"a kind that is text", FRAME("\x91\xa1x"), "kind", 0},
    {"a list inside", FRAME("\x92\x04\x91\x01"), "peer", 0},
    {"a map inside", FRAME("\x92\x04\x80"), "peer", 0},
    {"a huge list inside", FRAME("\x92\x04\xdd\xff\xff\xff\xff"), "peer", 0},
    {"text where a number belongs", FRAME("\x92\x04\xa1x"), "peer", 0},
    {"a negative number", FRAME("\x92\x04\xff"), "peer", 0},
    {"text longer than the frame", FRAME("\x94\x01\xdb\x7f\xff\xff\xff"), "role", 0},
    {"a field too few", FRAME("\x91\x04"), "peer", 0},
    {"a field more than we know", FRAME("\x93\x04\x01\x02"), NULL, 4},
    {"a kind that we don't know", FRAME("\x92\x7f\x02"), NULL, 0},
#undef FRAME
};

static void bad_frames_are_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(MSG_SEES, 4);  /* the frames below say 4 */
    assert_int_equal(MSG_HELLO, 1); /* and 1 */
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        char *copy = memory_text((struct view){frames[i].frame, frames[i].len});
        struct view rest = {copy, frames[i].len};
        union message got;
        enum message_kind kind;
        const char *wrong = message_unpack(&rest, &kind, &got);

        if (frames[i].wrong)
            assert_string_equal(wrong ? wrong : frames[i].what, frames[i].wrong);
        else
            assert_null(wrong);
        assert_int_equal(kind, frames[i].kind);
        free(copy);
    }
}

static void a_missing_optional_tail_is_absent(void **state)
{
    struct bytes hand = {0};
    union message got;
    enum message_kind kind;
    struct view rest;

    (void)state;
    bytes_append(&hand, VIEW("\x95")); /* HEAD with its required fields only */
    bytes_printf(&hand, "%c", MSG_HEAD);
    bytes_append(&hand, VIEW("\x03\x01\xcc\xc8\xa4text"));
    rest = bytes_view(&hand);
    assert_null(message_unpack(&rest, &kind, &got));
    assert_int_equal(kind, MSG_HEAD);
    assert_int_equal(got.head.call, 3);
    assert_int_equal(got.head.status, 200);
    assert_int_equal(got.head.length, 0);
    bytes_clear(&hand);
}

static void printing_hides_secrets_and_bodies(void **state)
{
    struct bytes text = {0};

    (void)state;
    message_print(&text, MSG_JOB,
                  &(struct msg_job){.model = VIEW("gemini-x"),
                                    .key = {VIEW("AIza-marked")},
                                    .body = VIEW("private words")});
    assert_non_null(strstr(bytes_cstr(&text), "model=gemini-x"));
    assert_non_null(strstr(bytes_cstr(&text), "key=<secret>"));
    assert_non_null(strstr(bytes_cstr(&text), "body=<13 bytes>"));
    assert_null(strstr(bytes_cstr(&text), "marked"));
    assert_null(strstr(bytes_cstr(&text), "private"));
    bytes_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_letter_comes_back_as_it_went),
        cmocka_unit_test(a_letter_cut_anywhere_is_refused),
        cmocka_unit_test(letters_stand_back_to_back_in_a_frame),
        cmocka_unit_test(bad_frames_are_refused_by_name),
        cmocka_unit_test(a_missing_optional_tail_is_absent),
        cmocka_unit_test(printing_hides_secrets_and_bodies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
