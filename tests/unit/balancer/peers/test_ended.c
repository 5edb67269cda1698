/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of calls that ended last: what is kept, in which order, and what goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "peers/ended.h"

enum { MOST = 8192 };

static void note(struct ended *ended, uint64_t frontend, uint64_t from, uint64_t to)
{
    for (uint64_t call = from; call <= to; call++)
        ended_note(ended, &(struct ended_call){.frontend = frontend, .call = call, .offer = 1});
}

static void calls_are_kept_in_the_order_of_their_end(void **state)
{
    struct ended ended = {0};

    (void)state;
    note(&ended, 1, 1, 200);
    assert_int_equal(ended.count, 200);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(ended_at(&ended, i)->call, i + 1);
    ended_clear(&ended);
}

static void the_oldest_go_when_there_are_too_many(void **state)
{
    struct ended ended = {0};

    (void)state;
    note(&ended, 1, 1, 3 * MOST + 5);
    assert_int_equal(ended.count, MOST);
    for (size_t i = 0; i < MOST; i++)
        assert_int_equal(ended_at(&ended, i)->call, 2 * MOST + 6 + i);
    ended_clear(&ended);
}

static void those_of_one_frontend_are_forgotten_and_the_others_stay_in_order(void **state)
{
    struct ended ended = {0};

    (void)state;
    note(&ended, 1, 1, MOST);
    for (uint64_t call = 1; call <= 100; call++) { /* the ring has wrapped around */
        note(&ended, 2, call, call);
        note(&ended, 3, call, call);
    }
    ended_forget(&ended, 1);
    ended_forget(&ended, 2);
    assert_int_equal(ended.count, 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(ended_at(&ended, i)->frontend, 3);
        assert_int_equal(ended_at(&ended, i)->call, i + 1);
    }
    ended_forget(&ended, 0);
    assert_int_equal(ended.count, 0);
    note(&ended, 4, 7, 7);
    assert_int_equal(ended_at(&ended, 0)->call, 7);
    ended_clear(&ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_kept_in_the_order_of_their_end),
        cmocka_unit_test(the_oldest_go_when_there_are_too_many),
        cmocka_unit_test(those_of_one_frontend_are_forgotten_and_the_others_stay_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
