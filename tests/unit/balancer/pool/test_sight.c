/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator sees of keys, and orders. */
#include "cases.h"

#include "base/json.h"
#include "pool/sight.h"

static struct pool pool;
static struct secret names[3] = {{{"key-one-of-three-aaaa", 21}},
                                 {{"key-two-of-three-bbbb", 21}},
                                 {{"key-six-of-three-cccc", 21}}};

static int fresh(void **state)
{
    (void)state;
    pool_open(&pool, names, 3);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    pool_close(&pool);
    return 0;
}

static void settle(size_t key, enum fault fault, const char *model, uint64_t stated_ms,
                   uint64_t now_ms)
{
    struct verdict verdict = {.key_id = pool.keys[key].id,
                              .model = view_of(model),
                              .fault = fault,
                              .stated_ms = stated_ms,
                              .words = VIEW("the provider's own words")};

    pool_settle(&pool, 0, &verdict, now_ms);
}

/* "aaaa=state:code:seconds until it ends" of each row. */
static void expect_rows(uint64_t since, uint64_t now_ms, const char *want)
{
    struct bytes json = {0}, got = {0};
    yyjson_doc *doc;
    yyjson_val *row;
    size_t i, count;

    sight_write(&pool, &(struct sight_look){.since = since}, now_ms, 1000000, &json);
    doc = yyjson_read(json.at, json.len, 0);
    assert_non_null(doc);
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "rows"), i, count, row)
    {
        struct view code = json_member_text(row, "code");
        uint64_t until = json_member_count(row, "until");

        bytes_printf(&got, "%s%s=%s", i ? " " : "", yyjson_get_str(yyjson_obj_get(row, "tail")),
                     yyjson_get_str(yyjson_obj_get(row, "state")));
        if (code.len)
            bytes_printf(&got, ":%.*s:%llu", (int)code.len, code.at,
                         (unsigned long long)(until - 1000000) / 1000);
    }
    expect_text("rows", bytes_cstr(&got), want);
    yyjson_doc_free(doc);
    bytes_clear(&json);
    bytes_clear(&got);
}

static void a_key_is_told_when_it_looks_different(void **state)
{
    (void)state;
    expect_rows(0, 1000, "aaaa=new bbbb=new cccc=new");
    assert_int_equal(pool.version, 1);
    expect_rows(1, 1001, "");
    settle(0, FAULT_NONE, "m", 0, 1002);
    expect_rows(1, 1003, "aaaa=ready");
    settle(1, FAULT_KEY_INVALID, "m", 0, 2000);
    expect_rows(2, 2000, "bbbb=dead:key_invalid:3600");
    expect_rows(3, 3000, "");                         /* time alone is no change… */
    expect_rows(3, 2000 + 3600 * 1000, "bbbb=ready"); /* …until it is up */
}

static void a_key_that_rests_for_some_models_serves_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        settle(i, FAULT_NONE, "one", 0, 1000);
    settle(0, FAULT_NONE, "two", 0, 1000);
    settle(0, FAULT_QUOTA_MINUTE, "one", 30000, 1001);
    expect_rows(0, 1001, "aaaa=partial:quota_minute:30 bbbb=ready cccc=ready");
    settle(0, FAULT_QUOTA_DAY, "two", 20000, 1001);
    expect_rows(1, 1001, "aaaa=cooling:quota_day:20");
    expect_rows(2, 1001 + 20000, "aaaa=partial:quota_minute:10");
    settle(1, FAULT_QUOTA_DAY, "one", 30000, 1002);
    settle(1, FAULT_QUOTA_DAY, "two", 30000, 1002);
    expect_rows(3, 1002, "aaaa=cooling:quota_day:19 bbbb=spent:quota_day:30");
}

static void orders_are_obeyed_at_once(void **state)
{
    struct need need = {.model = VIEW("one")};
    struct grant grant;
    struct wait wait;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        settle(i, FAULT_QUOTA_MINUTE, "one", 30000, 1000);
    settle(0, FAULT_NONE, "one", 0, 900);
    assert_false(pool_take(&pool, &need, 1001, &grant, &wait));
    assert_true(pool_end_rest(&pool, pool.keys[1].id, 1002));
    assert_true(pool_take(&pool, &need, 1002, &grant, &wait));
    assert_int_equal(grant.key_id, pool.keys[1].id);
    pool_release(&pool, grant.reservation, 1003);
    assert_true(pool_turn_off(&pool, pool.keys[1].id, true, 1003));
    assert_false(pool_take(&pool, &need, 1003, &grant, &wait));
    assert_int_equal(wait.error, ERROR_NO_QUOTA); /* of those that come back */
    expect_rows(0, 1003, "aaaa=cooling:quota_minute:29 bbbb=off cccc=cooling:quota_minute:29");
    assert_true(pool_turn_off(&pool, pool.keys[0].id, true, 1004));
    assert_true(pool_turn_off(&pool, pool.keys[2].id, true, 1004));
    assert_false(pool_take(&pool, &need, 90000, &grant, &wait));
    assert_int_equal(wait.error, ERROR_NO_KEY);
    assert_true(pool_turn_off(&pool, pool.keys[2].id, false, 90000));
    assert_true(pool_take(&pool, &need, 90001, &grant, &wait));
    assert_int_equal(grant.key_id, pool.keys[2].id);
    assert_false(pool_end_rest(&pool, 7, 1000));
    assert_false(pool_turn_off(&pool, 7, true, 1000));
}

static void long_pools_are_told_in_pieces(void **state)
{
    static char texts[SIGHT_ROWS + 2][24];
    static struct secret many[SIGHT_ROWS + 2];
    struct bytes json = {0};

    (void)state;
    pool_close(&pool);
    for (size_t i = 0; i < SIGHT_ROWS + 2; i++) {
        snprintf(texts[i], sizeof(texts[i]), "key-number-%06zu", i);
        many[i].hidden = view_of(texts[i]);
    }
    pool_open(&pool, many, SIGHT_ROWS + 2);
    sight_write(&pool, &(struct sight_look){0}, 1000, 1000000, &json);
    assert_non_null(strstr(bytes_cstr(&json), "\"next\":500}"));
    bytes_copy(&json, VIEW(""));
    sight_write(&pool, &(struct sight_look){.from = SIGHT_ROWS}, 1000, 1000000, &json);
    assert_non_null(strstr(bytes_cstr(&json), "\"tail\":\"0501\""));
    assert_non_null(strstr(json.at, "\"next\":null}"));
    bytes_clear(&json);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_told_when_it_looks_different, fresh, clear),
        cmocka_unit_test_setup_teardown(a_key_that_rests_for_some_models_serves_others, fresh,
                                        clear),
        cmocka_unit_test_setup_teardown(orders_are_obeyed_at_once, fresh, clear),
        cmocka_unit_test_setup_teardown(long_pools_are_told_in_pieces, fresh, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
