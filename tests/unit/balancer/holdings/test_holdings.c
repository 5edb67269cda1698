/* SPDX-License-Identifier: Apache-2.0 */
/* Who has what, and who may name it; on disk too. */
#include "holdings/keeping.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { ANNA = 1, BERT = 2, NOBODY = 0, NOW = 1000000, HOUR = 3600 * 1000 };

static struct holdings holdings;

static int open_empty(void **state)
{
    (void)state;
    holdings = (struct holdings){0};
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    holdings_clear(&holdings);
    return 0;
}

static void note(const char *name, uint64_t key, uint64_t client)
{
    holdings_note(&holdings, view_of(name), key, client, 0, NOW);
}

static enum finding resolve(const char *names, uint64_t client, bool any_client, uint64_t *key)
{
    struct claim claim = {view_of(names), client, any_client};
    struct view name;

    *key = 0;
    return holdings_resolve(&holdings, &claim, NOW, key, &name);
}

static void what_has_expired_is_swept(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 5; i++) {
        char name[] = {'f', 'i', 'l', 'e', 's', '/', (char)('a' + i), '\0'};

        holdings_note(&holdings, view_of(name), 7, ANNA, NOW + HOUR * (i + 1), NOW);
    }
    assert_int_equal(holdings_sweep(&holdings, NOW, 9), 0);
    assert_int_equal(holdings_sweep(&holdings, NOW + 3 * (uint64_t)HOUR, 2), 2);
    assert_int_equal(holdings_sweep(&holdings, NOW + 3 * (uint64_t)HOUR, 2), 1);
    assert_int_equal(holdings_count(&holdings), 2);
    assert_non_null(holdings_find(&holdings, VIEW("files/d"), NOW));
}

static void who_made_it_may_name_it(void **state)
{
    uint64_t key;

    (void)state;
    note("files/a", 7, ANNA);
    assert_int_equal(resolve("files/a", ANNA, false, &key), FINDING_KEY);
    assert_int_equal(key, 7);
    assert_int_equal(resolve("files/a", BERT, false, &key), FINDING_FOREIGN);
    assert_int_equal(resolve("files/a", BERT, true, &key), FINDING_KEY);
    assert_int_equal(resolve("", BERT, false, &key), FINDING_NONE);
    assert_int_equal(resolve("files/b", ANNA, false, &key), FINDING_UNKNOWN);
    assert_int_equal(resolve("widgets/w", ANNA, false, &key),
                     FINDING_NONE); /* no key could be asked */
}

static void what_one_key_has_goes_together(void **state)
{
    uint64_t key;

    (void)state;
    note("files/a", 7, ANNA);
    note("files/b", 7, ANNA);
    note("files/c", 8, ANNA);
    assert_int_equal(resolve("files/a files/b", ANNA, false, &key), FINDING_KEY);
    assert_int_equal(resolve("files/a files/c", ANNA, false, &key), FINDING_APART);
    assert_int_equal(resolve("files/a files/x", ANNA, false, &key), FINDING_UNKNOWN);
}

static void what_is_nobodys_becomes_his_who_names_it(void **state)
{
    uint64_t key;

    (void)state;
    note("files/a", 7, NOBODY);
    assert_int_equal(resolve("files/a", 9, true, &key),
                     FINDING_KEY); /* who may name all takes nothing */
    assert_int_equal(resolve("files/a", ANNA, false, &key), FINDING_KEY);
    assert_int_equal(resolve("files/a", BERT, false, &key), FINDING_FOREIGN);
    note("files/a", 7, BERT); /* it is seen again, by whoever may */
    assert_int_equal(resolve("files/a", BERT, false, &key), FINDING_FOREIGN);
}

static void a_name_that_two_have_chosen_stays_the_firsts(void **state)
{
    uint64_t key;

    (void)state;
    note("files/report", 7, ANNA);
    note("files/report", 8, BERT); /* another project's file of that name */
    assert_int_equal(resolve("files/report", ANNA, false, &key), FINDING_KEY);
    assert_int_equal(key, 7);
    assert_int_equal(resolve("files/report", BERT, false, &key), FINDING_FOREIGN);
}

static void it_expires(void **state)
{
    struct claim claim = {VIEW("cachedContents/a"), ANNA, false};
    struct view name;
    uint64_t key;

    (void)state;
    holdings_note(&holdings, VIEW("cachedContents/a"), 7, ANNA, NOW + 5000, NOW);
    assert_int_equal(holdings_resolve(&holdings, &claim, NOW + 4999, &key, &name), FINDING_KEY);
    assert_int_equal(holdings_resolve(&holdings, &claim, NOW + 5000, &key, &name), FINDING_UNKNOWN);
    assert_int_equal(holdings_count(&holdings), 0);
    holdings_note(&holdings, VIEW("files/a"), 7, ANNA, 0, NOW);
    assert_non_null(holdings_find(&holdings, VIEW("files/a"), NOW + 47 * (uint64_t)HOUR));
    assert_null(holdings_find(&holdings, VIEW("files/a"), NOW + 48 * (uint64_t)HOUR));
}

static void what_is_no_name_is_not_noted(void **state)
{
    (void)state;
    note("files/a/b", 7, ANNA);
    note("files/a b", 7, ANNA);
    note("files", 7, ANNA);
    note("files/a", 0, ANNA);
    assert_int_equal(holdings_count(&holdings), 0);
}

static void list(uint64_t client, bool any_client, uint64_t before, size_t most, const char *want,
                 uint64_t rest)
{
    struct claim claim = {.client = client, .any_client = any_client};
    struct bytes json = {0};

    assert_int_equal(holdings_list(&holdings, VIEW("files"), &claim, before, most, NOW, &json),
                     rest);
    assert_string_equal(bytes_cstr(&json), want);
    bytes_clear(&json);
}

static void pages_show_the_newest_first(void **state)
{
    (void)state;
    note("files/a", 7, ANNA);
    note("files/b", 8, BERT);
    note("cachedContents/c", 7, ANNA);
    note("files/d", 8, ANNA);
    note("files/e", 8, ANNA);
    list(ANNA, false, 0, 10, "\"files/e\",\"files/d\",\"files/a\"", 0);
    list(ANNA, false, 0, 2, "\"files/e\",\"files/d\"", 4);
    list(ANNA, false, 4, 2, "\"files/a\"", 0);
    list(BERT, false, 0, 2, "\"files/b\"", 0);
    list(9, false, 0, 2, "", 0);
    list(9, true, 0, 10, "\"files/e\",\"files/d\",\"files/b\",\"files/a\"", 0);
}

static void a_full_table_loses_the_oldest_of_whoever_has_most(void **state)
{
    char name[40];

    (void)state;
    holdings.most = 10;
    note("files/berts", 7, BERT);
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "interactions/%d", i);
        note(name, 7, ANNA);
    }
    assert_int_equal(holdings_count(&holdings), 10);
    assert_non_null(holdings_find(&holdings, VIEW("files/berts"), NOW));
    assert_non_null(holdings_find(&holdings, VIEW("interactions/49"), NOW));
    assert_null(holdings_find(&holdings, VIEW("interactions/40"), NOW));
    note("files/berts2", 7, BERT); /* room is made by Anna */
    assert_non_null(holdings_find(&holdings, VIEW("files/berts"), NOW));
    assert_null(holdings_find(&holdings, VIEW("interactions/41"), NOW));
}

/* ---- on disk ---- */

static char path[] = "/tmp/holdings-XXXXXX";

static int open_file(void **state)
{
    open_empty(state);
    snprintf(path, sizeof(path), "/tmp/holdings-XXXXXX");
    close(mkstemp(path));
    return 0;
}

static int close_file(void **state)
{
    unlink(path);
    return close_all(state);
}

static void read_again(struct keeping *keeping, uint64_t utc_ms)
{
    keeping_close(keeping);
    holdings_clear(&holdings);
    holdings = (struct holdings){0};
    keeping_open(keeping, &holdings, path, utc_ms);
}

static void a_new_process_knows_it_all(void **state)
{
    struct keeping keeping;
    uint64_t key;

    (void)state;
    keeping_open(&keeping, &holdings, path, NOW);
    note("files/a", 7, ANNA);
    note("files/b", 8, NOBODY);
    note("files/c", 8, ANNA);
    assert_int_equal(resolve("files/b", BERT, false, &key), FINDING_KEY); /* his from now on */
    holdings_forget(&holdings, VIEW("files/a"));
    read_again(&keeping, NOW);
    assert_int_equal(holdings_count(&holdings), 2);
    assert_int_equal(resolve("files/b", BERT, false, &key), FINDING_KEY);
    assert_int_equal(key, 8);
    assert_int_equal(resolve("files/b", ANNA, false, &key), FINDING_FOREIGN);
    list(9, true, 0, 10, "\"files/b\",\"files/c\"", 0);
    note("files/d", 7, ANNA);
    read_again(&keeping, NOW);
    list(9, true, 0, 10, "\"files/d\",\"files/b\",\"files/c\"", 0);
    read_again(&keeping, NOW + 49 * (uint64_t)HOUR);
    assert_int_equal(holdings_count(&holdings), 0);
    keeping_close(&keeping);
}

static void append(const char *text)
{
    int fd = open(path, O_WRONLY | O_APPEND);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void a_torn_line_costs_itself_alone(void **state)
{
    struct keeping keeping;

    (void)state;
    keeping_open(&keeping, &holdings, path, NOW);
    note("files/a", 7, ANNA);
    append("00000000 0000000000000007 0000000000000001 99999999999999 9 + files/forged\n");
    append("garbage\n\n+ + +\n");
    append("12345678 00000000000000");
    read_again(&keeping, NOW);
    assert_int_equal(holdings_count(&holdings), 1);
    note("files/b", 7, ANNA);
    read_again(&keeping, NOW);
    assert_int_equal(holdings_count(&holdings), 2);
    keeping_close(&keeping);
}

static void the_file_does_not_grow_without_end(void **state)
{
    struct keeping keeping;
    struct stat facts;

    (void)state;
    keeping_open(&keeping, &holdings, path, NOW);
    for (int i = 0; i < 3000; i++) {
        note("files/a", 7, ANNA);
        holdings_forget(&holdings, VIEW("files/a"));
        keeping_turn(&keeping);
    }
    assert_int_equal(stat(path, &facts), 0);
    assert_in_range(facts.st_size, 0, 200000);
    keeping_close(&keeping);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_empty, close_all)
#define ON_DISK(name) cmocka_unit_test_setup_teardown(name, open_file, close_file)
    static const struct CMUnitTest tests[] = {
        TEST(who_made_it_may_name_it),
        TEST(what_has_expired_is_swept),
        TEST(what_one_key_has_goes_together),
        TEST(what_is_nobodys_becomes_his_who_names_it),
        TEST(a_name_that_two_have_chosen_stays_the_firsts),
        TEST(it_expires),
        TEST(what_is_no_name_is_not_noted),
        TEST(pages_show_the_newest_first),
        TEST(a_full_table_loses_the_oldest_of_whoever_has_most),
        ON_DISK(a_new_process_knows_it_all),
        ON_DISK(a_torn_line_costs_itself_alone),
        ON_DISK(the_file_does_not_grow_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
