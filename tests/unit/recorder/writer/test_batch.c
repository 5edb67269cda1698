/* SPDX-License-Identifier: Apache-2.0 */
/* When a batch is stored, and that it holds what was put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "writer/batch.h"

static struct batch batch;

static void add(uint64_t seq, uint64_t now_ms)
{
    struct bytes payload = {0};
    struct msg_record record = {.sender = 7, .seq = seq, .model = VIEW("m")};

    message_pack(&payload, MSG_RECORD, &record);
    batch_add(&batch, 7, seq, bytes_view(&payload), now_ms);
    bytes_clear(&payload);
}

static void few_rows_wait_for_company_but_not_for_long(void **state)
{
    (void)state;
    assert_false(batch_is_due(&batch, 1000000));
    add(1, 1000);
    assert_false(batch_is_due(&batch, 1000));
    assert_false(batch_is_due(&batch, 999)); /* a clock that was read before the record came */
    add(2, 1150);
    assert_false(batch_is_due(&batch, 1199));
    assert_true(batch_is_due(&batch, 1200));
    batch_empty(&batch);
    assert_false(batch_is_due(&batch, 5000));
    add(3, 5000);
    assert_false(batch_is_due(&batch, 5001));
    batch_clear(&batch);
}

static void enough_rows_go_at_once(void **state)
{
    (void)state;
    for (uint64_t seq = 1; seq < BATCH_ENOUGH; seq++)
        add(seq, 1000);
    assert_false(batch_is_due(&batch, 1000));
    add(BATCH_ENOUGH, 1000);
    assert_true(batch_is_due(&batch, 1000));
    assert_false(batch_is_full(&batch));
    batch_clear(&batch);
}

static void a_full_batch_gives_back_what_it_got(void **state)
{
    (void)state;
    for (uint64_t seq = 1; seq <= BATCH_MOST; seq++)
        add(seq, 1000);
    assert_true(batch_is_full(&batch));
    for (size_t i = 0; i < BATCH_MOST; i++) {
        struct msg_record record;

        batch_record(&batch, i, &record);
        assert_int_equal(record.seq, i + 1);
        assert_int_equal(batch.entries[i].seq, i + 1);
        assert_true(view_equal(record.model, VIEW("m")));
    }
    batch_clear(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_rows_wait_for_company_but_not_for_long),
        cmocka_unit_test(enough_rows_go_at_once),
        cmocka_unit_test(a_full_batch_gives_back_what_it_got),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
