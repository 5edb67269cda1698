/* SPDX-License-Identifier: Apache-2.0 */
/* Which records are taken. A script is what a sender sends, step by step, with the verdict wanted
 * for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "intake/senders.h"

#define STEPS_MOST 16

static const char *const verdicts[] = {
    [SENDERS_NEXT] = "next",   [SENDERS_REPEAT] = "repeat", [SENDERS_QUEUED] = "queued",
    [SENDERS_EARLY] = "early", [SENDERS_LATER] = "later",   [SENDERS_JUMP] = "jump",
};

static const struct {
    const char *what;
    uint64_t written; /* at the start */
    struct {
        uint64_t seq; /* 0: the write of all that is queued */
        enum senders_verdict want;
    } steps[STEPS_MOST]; /* the end is {0, SENDERS_LATER} */
} scripts[] = {
    {"one after the other",
     0,
     {{1, SENDERS_NEXT}, {2, SENDERS_NEXT}, {0, 0}, {3, SENDERS_NEXT}, {0, SENDERS_LATER}}},
    {"again before and after the write",
     0,
     {{1, SENDERS_NEXT},
      {1, SENDERS_QUEUED},
      {0, 0},
      {1, SENDERS_REPEAT},
      {2, SENDERS_NEXT},
      {0, SENDERS_LATER}}},
    {"again after a start",
     7,
     {{5, SENDERS_REPEAT}, {7, SENDERS_REPEAT}, {8, SENDERS_NEXT}, {0, SENDERS_LATER}}},
    {"a gap is refused until it is filled",
     4,
     {{6, SENDERS_EARLY},
      {7, SENDERS_LATER},
      {5, SENDERS_NEXT},
      {6, SENDERS_NEXT},
      {7, SENDERS_NEXT},
      {0, SENDERS_LATER}}},
    {"a sender that begins again below the gap is not believed to have nothing older",
     4,
     {{8, SENDERS_EARLY},
      {6, SENDERS_LATER},
      {7, SENDERS_LATER},
      {8, SENDERS_LATER},
      {5, SENDERS_NEXT},
      {0, SENDERS_LATER}}},
    {"the lowest comes a second time: there is nothing older",
     4,
     {{8, SENDERS_EARLY},
      {9, SENDERS_LATER},
      {6, SENDERS_LATER},
      {7, SENDERS_LATER},
      {8, SENDERS_LATER},
      {6, SENDERS_JUMP},
      {7, SENDERS_NEXT},
      {0, SENDERS_LATER}}},
    {"an unknown sender in the middle of its life",
     0,
     {{501, SENDERS_EARLY},
      {502, SENDERS_LATER},
      {501, SENDERS_JUMP},
      {502, SENDERS_NEXT},
      {0, SENDERS_LATER}}},
    {"a second gap asks again",
     0,
     {{3, SENDERS_EARLY},
      {1, SENDERS_NEXT},
      {3, SENDERS_EARLY},
      {3, SENDERS_JUMP},
      {0, SENDERS_LATER}}},
};

static void records_are_taken_in_order_and_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct senders senders = {0};
        struct sender *sender = senders_get(&senders, 9, 0);

        sender_wrote(sender, scripts[i].written);
        for (size_t k = 0;; k++) {
            uint64_t seq = scripts[i].steps[k].seq;
            enum senders_verdict want = scripts[i].steps[k].want, got;

            if (seq == 0 && want == SENDERS_LATER)
                break;
            if (seq == 0) {
                sender_wrote(sender, sender->queued);
                continue;
            }
            got = sender_offer(sender, seq);
            if (got != want)
                fail_msg("%s, step %zu: %s, wanted %s", scripts[i].what, k, verdicts[got],
                         verdicts[want]);
        }
        senders_clear(&senders);
    }
}

static void silent_senders_are_forgotten_but_not_with_records_under_way(void **state)
{
    struct senders senders = {0};
    struct sender *busy;

    (void)state;
    sender_wrote(senders_get(&senders, 1, 100), 5);
    sender_wrote(senders_get(&senders, 2, 200), 5);
    busy = senders_get(&senders, 3, 100);
    assert_int_equal(sender_offer(busy, 1), SENDERS_NEXT);
    senders_forget(&senders, 150);
    assert_int_equal(HASH_COUNT(senders.table), 2);
    assert_int_equal(senders_get(&senders, 1, 300)->written, 0);
    assert_int_equal(senders_get(&senders, 2, 300)->written, 5);
    assert_int_equal(senders_get(&senders, 3, 300)->queued, 1);
    senders_clear(&senders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_taken_in_order_and_once),
        cmocka_unit_test(silent_senders_are_forgotten_but_not_with_records_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
