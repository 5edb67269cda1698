/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: what is posted, what is kept, what comes again. The mailbox is a list here. */
#include "jobs/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "settings/options.h"
#include "settings_mine.h"

static struct bytes posted; /* "H", "C1.16384", "C2.5!", "E3", "F0" one after another */

void mailbox_post(struct mailbox *box, uint64_t to, enum message_kind kind, const void *letter)
{
    const struct msg_chunk *chunk = letter;
    const struct msg_end *end = letter;
    const struct msg_fail *fail = letter;

    (void)box;
    assert_int_equal(to, 77);
    if (kind == MSG_HEAD)
        bytes_text(&posted, "H ");
    else if (kind == MSG_CHUNK)
        bytes_printf(&posted, "C%d.%zu%s ", (int)chunk->seq, chunk->data.len,
                     chunk->event_end ? "!" : "");
    else if (kind == MSG_END)
        bytes_printf(&posted, "E%d ", (int)end->seq);
    else if (kind == MSG_FAIL)
        bytes_printf(&posted, "F%d.%zu ", (int)fail->seq, fail->body.len);
}

static struct outlet outlet;
static struct reader reader;

static struct answer answer_of(void)
{
    posted.len = 0;
    outlet = (struct outlet){0};
    reader = (struct reader){.incarnation = 77, .is_attached = true};
    settings_mine()->answer_window = 64 * 1024;
    settings_mine()->answer_budget = 1024 * 1024;
    return (struct answer){.outlet = &outlet, .reader = &reader, .call = 1, .offer = 1};
}

static void expect(const char *want)
{
    assert_string_equal(bytes_cstr(&posted), want);
    posted.len = 0;
}

static void write_bytes(struct answer *answer, size_t len, bool is_end)
{
    char *text = calloc(1, len);

    answer_write(answer, (struct view){text, len}, is_end);
    free(text);
}

static void an_answer_is_numbered_and_cut_into_chunks(void **state)
{
    struct answer answer = answer_of();

    (void)state;
    answer_head(&answer,
                &(struct msg_head){
                    .status = 200, .type = VIEW("text/event-stream"), .length = 0, .attempts = 1});
    write_bytes(&answer, 5, true);
    write_bytes(&answer, 16384 * 2 + 7, true);
    answer_end(&answer, &(struct msg_end){0});
    expect("H C1.5! C2.16384 C3.16384 C4.7! E5 ");
    assert_int_equal(answer.unacked, 5 + 16384 * 2 + 7);
    assert_int_equal(outlet.unacked, answer.unacked);
    answer_clear(&answer);
    assert_int_equal(outlet.unacked, 0);
}

static void the_last_acknowledgement_completes_it(void **state)
{
    struct answer answer = answer_of();

    (void)state;
    answer_head(&answer,
                &(struct msg_head){.status = 200, .type = VIEW(""), .length = 0, .attempts = 1});
    write_bytes(&answer, 10, false);
    assert_false(answer_ack(&answer, 0));
    assert_false(answer_ack(&answer, 1));
    assert_int_equal(answer.unacked, 0);
    assert_false(answer_ack(&answer, 2)); /* not sent yet: somebody else's */
    answer_end(&answer, &(struct msg_end){0});
    assert_false(answer_ack(&answer, 1));
    assert_false(answer_ack(&answer, UINT64_MAX));
    assert_true(answer_ack(&answer, 2));
    answer_clear(&answer);
}

static void a_fail_may_stand_instead_of_the_head(void **state)
{
    struct answer answer = answer_of();
    char body[20000] = "";

    (void)state;
    answer_fail(&answer, &(struct msg_fail){.error = 1, .body = {body, sizeof(body)}});
    expect("F0.16384 ");
    assert_true(answer_ack(&answer, 0));
    answer_clear(&answer);
}

static void acknowledgements_free_what_they_cover(void **state)
{
    struct answer answer = answer_of();

    (void)state;
    answer_head(&answer,
                &(struct msg_head){.status = 200, .type = VIEW(""), .length = 0, .attempts = 1});
    for (int i = 0; i < 5; i++)
        write_bytes(&answer, 100, true);
    assert_false(answer_ack(&answer, 3));
    assert_int_equal(answer.unacked, 200);
    assert_false(answer_ack(&answer, 1)); /* an old one, late */
    assert_int_equal(answer.unacked, 200);
    answer_clear(&answer);
}

static void nothing_leaves_while_the_frontend_is_cut_off(void **state)
{
    struct answer answer = answer_of();

    (void)state;
    answer_head(&answer,
                &(struct msg_head){.status = 200, .type = VIEW(""), .length = 0, .attempts = 1});
    write_bytes(&answer, 1, true);
    expect("H C1.1! ");
    reader.is_attached = false;
    write_bytes(&answer, 2, true);
    answer_end(&answer, &(struct msg_end){0});
    expect("");
    reader.is_attached = true;
    answer.awaits_resume = true;
    assert_true(answer_resend(&answer, 2));
    expect("C2.2! E3 ");
    assert_true(answer_resend(&answer, 0));
    expect("H C1.1! C2.2! E3 ");
    assert_true(answer_resend(&answer, 4)); /* it has all, and only the acknowledgement was lost */
    expect("");
    answer_clear(&answer);
}

static void what_was_never_acknowledged_comes_again_without_being_asked_for(void **state)
{
    struct answer answer = answer_of();

    (void)state;
    answer_head(&answer,
                &(struct msg_head){.status = 200, .type = VIEW(""), .length = 0, .attempts = 1});
    write_bytes(&answer, 1, true);
    write_bytes(&answer, 2, true);
    answer.awaits_resume = true;
    write_bytes(&answer, 3, true);
    expect("H C1.1! C2.2! ");
    answer_resend_all(&answer);
    expect("H C1.1! C2.2! C3.3! ");
    assert_false(answer.awaits_resume);
    answer_ack(&answer, 1);
    answer_resend_all(&answer);
    expect("C2.2! C3.3! ");
    answer_clear(&answer);
}

static void what_is_gone_cannot_be_resumed(void **state)
{
    struct answer answer = answer_of();

    (void)state;
    answer_head(&answer,
                &(struct msg_head){.status = 200, .type = VIEW(""), .length = 0, .attempts = 1});
    write_bytes(&answer, 1, true);
    answer_ack(&answer, 1);
    assert_false(answer_resend(&answer, 1));
    assert_false(answer_resend(&answer, 0));
    assert_false(answer_resend(&answer, 9)); /* never sent */
    assert_true(answer_resend(&answer, 2));
    answer_clear(&answer);
}

static void the_window_fills_and_drains(void **state)
{
    struct answer answer = answer_of();

    (void)state;
    answer_head(&answer,
                &(struct msg_head){.status = 200, .type = VIEW(""), .length = 0, .attempts = 1});
    assert_true(answer_has_room(&answer));
    write_bytes(&answer, 64 * 1024 - 1, false);
    assert_true(answer_has_room(&answer));
    assert_false(answer_is_drained(&answer));
    write_bytes(&answer, 1, false);
    assert_false(answer_has_room(&answer));
    answer_ack(&answer, 1);
    assert_false(answer_is_drained(&answer));
    answer_ack(&answer, 2);
    assert_true(answer_is_drained(&answer));
    answer_clear(&answer);
}

static void windows_shrink_as_the_budget_fills(void **state)
{
    struct answer answer = answer_of();

    (void)state;
    answer_head(&answer,
                &(struct msg_head){.status = 200, .type = VIEW(""), .length = 0, .attempts = 1});
    write_bytes(&answer, 8 * 1024 - 1, false);
    outlet.unacked = 512 * 1024;
    assert_true(answer_has_room(&answer));
    outlet.unacked = 1024 * 1024;
    assert_true(answer_has_room(&answer));
    write_bytes(&answer, 1, false);
    assert_false(answer_has_room(&answer)); /* 8 KiB are left of the window */
    outlet.unacked = 900 * 1024;
    assert_true(answer_has_room(&answer));
    outlet.unacked = answer.unacked;
    answer_clear(&answer);
}

static void nobody_is_shut_out_by_others(void **state)
{
    struct answer answer = answer_of();

    (void)state;
    answer_head(&answer,
                &(struct msg_head){.status = 200, .type = VIEW(""), .length = 0, .attempts = 1});
    outlet.unacked = 100 * 1024 * 1024;
    assert_true(answer_has_room(&answer)); /* nothing of its own is under way */
    outlet.unacked = 0;
    answer_clear(&answer);
}

static int forget_posted(void **state)
{
    (void)state;
    bytes_clear(&posted);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_numbered_and_cut_into_chunks),
        cmocka_unit_test(the_last_acknowledgement_completes_it),
        cmocka_unit_test(a_fail_may_stand_instead_of_the_head),
        cmocka_unit_test(acknowledgements_free_what_they_cover),
        cmocka_unit_test(nothing_leaves_while_the_frontend_is_cut_off),
        cmocka_unit_test(what_was_never_acknowledged_comes_again_without_being_asked_for),
        cmocka_unit_test(what_is_gone_cannot_be_resumed),
        cmocka_unit_test(the_window_fills_and_drains),
        cmocka_unit_test(windows_shrink_as_the_budget_fills),
        cmocka_unit_test(nobody_is_shut_out_by_others),
    };

    return cmocka_run_group_tests(tests, NULL, forget_posted);
}
