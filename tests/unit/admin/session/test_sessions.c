/* SPDX-License-Identifier: Apache-2.0 */
/* Who is logged in, until when; how often a token may be guessed. */
#include "cases.h"

#include "session/guesses.h"
#include "session/sessions.h"
#include "session/tokens.h"

enum { IDLE_MS = 60 * 1000, HOUR_MS = 60 * 60 * 1000 };

static struct sessions sessions;
static const struct secret token = {{"secret", 6}}, other = {{"changed", 7}};

static int fresh(void **state)
{
    (void)state;
    sessions = (struct sessions){0};
    return 0;
}

static struct session *find(const char *id, struct secret now, uint64_t now_ms)
{
    return sessions_find(&sessions, view_of(id), now, IDLE_MS, now_ms);
}

static void a_session_is_found_by_its_id_only(void **state)
{
    struct session *one = sessions_begin(&sessions, token, 1000);
    struct session *two = sessions_begin(&sessions, token, 1000);
    char id[SESSION_TEXT];

    (void)state;
    assert_int_equal(strlen(one->id), 32);
    assert_string_not_equal(one->id, two->id);
    assert_string_not_equal(one->id, one->csrf);
    assert_ptr_equal(find(one->id, token, 1001), one);
    snprintf(id, sizeof(id), "%s", one->id);
    id[31] = id[31] == '0' ? '1' : '0';
    assert_null(find(id, token, 1001));
    assert_null(find("", token, 1001));
    assert_null(find("00000000000000000000000000000000", token, 1001));
    assert_true(session_knows_csrf(one, view_of(one->csrf)));
    assert_false(session_knows_csrf(one, view_of(two->csrf)));
    assert_false(session_knows_csrf(one, VIEW("")));
}

static void it_ends_when_nobody_uses_it(void **state)
{
    struct session *one = sessions_begin(&sessions, token, 1000);
    char id[SESSION_TEXT];

    (void)state;
    snprintf(id, sizeof(id), "%s", one->id);
    assert_non_null(find(id, token, 1000 + IDLE_MS - 1));
    assert_true(sessions_has(&sessions, 1, token, IDLE_MS, 1000 + 2 * IDLE_MS - 2));
    assert_false(sessions_has(&sessions, 1, token, IDLE_MS, 1000 + 2 * IDLE_MS - 1));
    assert_null(find(id, token, 1000 + 2 * IDLE_MS));
    assert_null(find(id, token, 1001)); /* and stays so */
}

static void it_ends_after_a_day_however_busy(void **state)
{
    struct session *one = sessions_begin(&sessions, token, 0);
    uint64_t now_ms = 0;

    (void)state;
    while (find(one->id, token, now_ms))
        now_ms += IDLE_MS / 2;
    assert_int_equal(now_ms, SESSION_LONGEST_MS);
    one = sessions_begin(&sessions, token, 0);
    assert_int_equal(session_until_ms(one, 2ull * SESSION_LONGEST_MS), 2ull * SESSION_LONGEST_MS);
}

static void it_ends_with_the_token_and_with_a_logout(void **state)
{
    struct session *one = sessions_begin(&sessions, token, 1000);
    char id[SESSION_TEXT];

    (void)state;
    snprintf(id, sizeof(id), "%s", one->id);
    assert_null(find(id, other, 1001));
    assert_null(find(id, token, 1001));
    one = sessions_begin(&sessions, token, 1000);
    snprintf(id, sizeof(id), "%s", one->id);
    assert_false(sessions_has(&sessions, one->number, (struct secret){VIEW("")}, IDLE_MS, 1001));
    session_end(one);
    assert_null(find(id, token, 1001));
    assert_false(sessions_has(&sessions, 0, token, IDLE_MS, 1001));
}

static void one_too_many_ends_the_oldest(void **state)
{
    struct session *first = sessions_begin(&sessions, token, 1000);
    char id[SESSION_TEXT], second[SESSION_TEXT];

    (void)state;
    snprintf(id, sizeof(id), "%s", first->id);
    snprintf(second, sizeof(second), "%s", sessions_begin(&sessions, token, 1001)->id);
    assert_non_null(find(id, token, 1002)); /* used later than the second */
    for (size_t i = 2; i < SESSIONS_MOST; i++)
        sessions_begin(&sessions, token, 1003);
    sessions_begin(&sessions, token, 1004);
    assert_non_null(find(id, token, 1005));
    assert_null(find(second, token, 1005));
}

/* Guessing */

static struct guesses guesses;

static int no_guesses(void **state)
{
    (void)state;
    guesses_clear(&guesses);
    guesses = (struct guesses){0};
    return 0;
}

static uint64_t wait_of(const char *address, uint64_t now_ms)
{
    return guesses_wait_ms(&guesses, GUESS_LOGIN, view_of(address), now_ms);
}

static void guess(const char *address, unsigned count, uint64_t now_ms)
{
    while (count-- > 0)
        guesses_wrong(&guesses, GUESS_LOGIN, view_of(address), now_ms);
}

static void five_tries_then_the_wait_doubles(void **state)
{
    static const unsigned waits[] = {30, 60, 120, 240, 480, 900, 900};
    uint64_t now_ms = 1000;

    (void)state;
    guess("192.0.2.1", 4, now_ms);
    assert_int_equal(wait_of("192.0.2.1", now_ms), 0);
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        guess("192.0.2.1", 1, now_ms);
        assert_int_equal(wait_of("192.0.2.1", now_ms), waits[i] * 1000);
        now_ms += waits[i] * 1000;
        assert_int_equal(wait_of("192.0.2.1", now_ms - 1), 1);
        assert_int_equal(wait_of("192.0.2.1", now_ms), 0);
    }
    assert_int_equal(wait_of("192.0.2.2", now_ms), 0);
    assert_int_equal(guesses_wait_ms(&guesses, GUESS_BEARER, VIEW("192.0.2.1"), now_ms), 0);
}

static void being_right_or_an_hour_of_calm_forgets(void **state)
{
    (void)state;
    guess("192.0.2.1", 4, 1000);
    guesses_right(&guesses, GUESS_LOGIN, VIEW("192.0.2.1"), 1000);
    guess("192.0.2.1", 4, 1000);
    assert_int_equal(wait_of("192.0.2.1", 1000), 0);
    guess("192.0.2.1", 1, 1000);
    assert_int_not_equal(wait_of("192.0.2.1", 1000), 0);
    guess("192.0.2.1", 4, 1000 + GUESS_MEMORY_MS);
    assert_int_equal(wait_of("192.0.2.1", 1000 + GUESS_MEMORY_MS), 0);
}

static void an_ipv6_host_is_its_network(void **state)
{
    (void)state;
    guess("2001:db8::1", 3, 1000);
    guess("2001:db8::ffff:2", 2, 1000);
    assert_int_equal(wait_of("2001:0db8:0::3", 1000), 30000);
    assert_int_equal(wait_of("2001:db8:0:1::3", 1000), 0);
}

static void all_addresses_together_are_bounded(void **state)
{
    char address[24];

    (void)state;
    guesses_right(&guesses, GUESS_LOGIN, VIEW("198.51.100.7"), 1000);
    for (int i = 0; i < GUESSES_A_MINUTE; i++) {
        snprintf(address, sizeof(address), "10.0.%d.%d", i / 200, i % 200);
        assert_int_equal(wait_of(address, 1000), 0);
        guess(address, 1, 1000);
    }
    assert_int_equal(wait_of("203.0.113.9", 1000), 0);
    guess("203.0.113.9", 1, 1000);
    assert_int_equal(wait_of("203.0.113.10", 1000), 1000);
    assert_int_equal(wait_of("198.51.100.7", 1000), 0); /* it has been right */
    assert_int_equal(wait_of("203.0.113.10", 2000), 0);
}

static void wrong_tokens_of_scripts_keep_nobody_from_the_login(void **state)
{
    (void)state;
    guesses_right(&guesses, GUESS_BEARER, VIEW("198.51.100.7"), 1000);
    for (int i = 0; i < GUESSES_A_MINUTE + 1; i++)
        guesses_wrong(&guesses, GUESS_BEARER, VIEW("203.0.113.9"), 1000);
    assert_int_not_equal(guesses_wait_ms(&guesses, GUESS_BEARER, VIEW("192.0.2.1"), 1000), 0);
    assert_int_equal(guesses_wait_ms(&guesses, GUESS_BEARER, VIEW("198.51.100.7"), 1000), 0);
    assert_int_equal(wait_of("192.0.2.1", 1000), 0);
}

static void no_more_addresses_are_remembered_than_there_is_room(void **state)
{
    char address[24];

    (void)state;
    guesses_right(&guesses, GUESS_LOGIN, VIEW("192.0.2.1"), 1000);
    for (int i = 0; i < GUESSES_MOST; i++) {
        assert_int_equal(wait_of("192.0.2.1", 1000), 0); /* whatever others do */
        snprintf(address, sizeof(address), "10.%d.%d.1", i / 200, i % 200);
        guess(address, 1, 1000);
    }
    assert_int_not_equal(wait_of("192.0.2.1", 1000), 0); /* nobody knows it any more */
}

static void tokens_are_read_and_samples_known(void **state)
{
    (void)state;
    assert_true(view_equal(token_of_bearer(VIEW("bearer  abc ")), VIEW("abc")));
    assert_int_equal(token_of_bearer(VIEW("Basic abc")).len, 0);
    assert_int_equal(token_of_bearer(VIEW("Bearer")).len, 0);
    assert_true(token_is_sample((struct secret){VIEW("q1q2q3q4")}));
    assert_false(token_is_sample((struct secret){VIEW("q1q2q3q4x")}));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_session_is_found_by_its_id_only, fresh),
        cmocka_unit_test_setup(it_ends_when_nobody_uses_it, fresh),
        cmocka_unit_test_setup(it_ends_after_a_day_however_busy, fresh),
        cmocka_unit_test_setup(it_ends_with_the_token_and_with_a_logout, fresh),
        cmocka_unit_test_setup(one_too_many_ends_the_oldest, fresh),
        cmocka_unit_test_setup(five_tries_then_the_wait_doubles, no_guesses),
        cmocka_unit_test_setup(being_right_or_an_hour_of_calm_forgets, no_guesses),
        cmocka_unit_test_setup(an_ipv6_host_is_its_network, no_guesses),
        cmocka_unit_test_setup(all_addresses_together_are_bounded, no_guesses),
        cmocka_unit_test_setup_teardown(wrong_tokens_of_scripts_keep_nobody_from_the_login,
                                        no_guesses, no_guesses),
        cmocka_unit_test_setup_teardown(no_more_addresses_are_remembered_than_there_is_room,
                                        no_guesses, no_guesses),
        cmocka_unit_test(tokens_are_read_and_samples_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
