/* SPDX-License-Identifier: Apache-2.0 */
/* The words in keys that tell how a key behaves. */
#include "mode.h"

#include "reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_key_behaves_by_its_first_word(void **state)
{
    static const struct {
        const char *key;
        const char *word;
        int number;
    } cases[] = {
        {"key", "ok", -1},
        {"", "ok", -1},
        {"key-minute-3", "minute", -1},
        {"key-minute3", "minute", 3},
        {"minute", "ok", -1},
        {"a-b-c-slow250-day", "slow", 250},
        {"key-slow", "slow", 1000},
        {"key-blocked", "blocked", -1},
        {"key-blockOTHER", "block", 1},
        {"key-block-day", "day", -1},
        {"key-finishSTOP", "finish", 0},
        {"key-finishSAFETY-x", "finish", 2},
        {"key-finishIMAGE_PROHIBITED_CONTENT", "finish", 15},
        {"key-finishnothing", "ok", -1},
        {"key-finish", "ok", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mode_use use = mode_of_key(span_of(cases[i].key));
        assert_string_equal(mode_facts(use)->word, cases[i].word);
        assert_int_equal(use.number, cases[i].number);
    }
}

static void a_mode_is_read_whole_or_not_at_all(void **state)
{
    static const char *const good[] = {"ok", "slow20", "minute", "finishRECITATION",
                                       "blockJAILBREAK"};
    static const char *const bad[] = {"",          "okay", "slow-", "finish", "finishSTOPPED",
                                      "blockSTOP", "x"};
    struct mode_use use;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(mode_read(span_of(good[i]), &use));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(mode_read(span_of(bad[i]), &use));
}

static void every_reason_is_found_by_its_name(void **state)
{
    const struct reason *reason;

    (void)state;
    for (int list = REASON_FINISH; list <= REASON_BLOCK; list++)
        for (int i = 0; (reason = reason_at((enum reason_list)list, i)) != NULL; i++)
            assert_int_equal(reason_find((enum reason_list)list, span_of(reason->name)), i);
    assert_int_equal(reason_find(REASON_FINISH, span_of("NONE")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_behaves_by_its_first_word),
        cmocka_unit_test(a_mode_is_read_whole_or_not_at_all),
        cmocka_unit_test(every_reason_is_found_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
