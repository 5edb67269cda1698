/* SPDX-License-Identifier: Apache-2.0 */
/* GET /stats out of the recorder's rows. */
#include "cases.h"

#include "api/stats.h"

static const char rows[] =
    "{'rows':["
    "{'period':'1m','by':'','name':'','attempts':5,'calls':4,'answered':3,'rescued':1,"
    "'client_fault':0,'tokens_in':10,'tokens_out':20,'tokens_thoughts':5,'tokens_cached':4,"
    "'success':0.75,'cost_usd':'0.5','first_ms':{'p50':1.5,'p95':null}},"
    "{'period':'24h','by':'model','name':'a\\u0022b','attempts':9,'calls':7,'answered':7,"
    "'rescued':2,'client_fault':1,'tokens_in':1,'tokens_out':2,'tokens_thoughts':3,'tokens_cached'"
    ":0},"
    "{'period':'24h','by':'key','name':'00000000000000aa','attempts':9,'calls':7,'answered':4,"
    "'rescued':2,'client_fault':1,'tokens_in':1,'tokens_out':2,'tokens_thoughts':3,'tokens_cached'"
    ":0},"
    "{'period':'24h','by':'key','name':'00000000000000bb','attempts':1,'calls':1,'answered':1,"
    "'rescued':0,'client_fault':0,'tokens_in':0,'tokens_out':0,'tokens_thoughts':0,'tokens_cached'"
    ":0}]}";

static struct bytes write(const char *json, const char *tails, const char *status, bool want)
{
    struct bytes answer = json_of(json), names = json_of(tails), told = json_of(status), out = {0};

    assert_int_equal(stats_write(bytes_view(&answer), bytes_view(&names), bytes_view(&told), &out),
                     want);
    bytes_cstr(&out);
    bytes_clear(&answer);
    bytes_clear(&names);
    bytes_clear(&told);
    return out;
}

static void expect_part(const struct bytes *out, const char *part)
{
    struct bytes wanted = json_of(part);

    if (!strstr(out->at, wanted.at))
        fail_msg("no %s in %s", wanted.at, out->at);
    bytes_clear(&wanted);
}

static void rows_become_periods_models_and_keys(void **state)
{
    struct bytes out =
        write(rows, "{'00000000000000aa':'…abcd'}", "{'keys':{'total':3,'fit':2}}", true);

    (void)state;
    expect_part(&out, "'1m':{'calls':4,'successes':3,'failures':1,'rescued':1,'client_faults':0,"
                      "'tokens':{'total':35,'in':10,'out':20,'thoughts':5,'cached':4},'success':0."
                      "75,'cost_usd':'0.5',"
                      "'first_ms':{'p50':1.5,'p95':null},'total_ms':null}");
    expect_part(&out, "'month':{'calls':0,'successes':0,'failures':0,");
    expect_part(&out, "'models':[{'model':'a\\'b','calls':7,'successes':7,'failures':0,");
    expect_part(&out, "'keys':[{'key':'…abcd','id':'00000000000000aa','attempts':9,'successes':4,"
                      "'failures':4,");
    expect_part(&out,
                ",{'key':'…','id':'00000000000000bb','attempts':1,'successes':1,'failures':0,");
    expect_part(&out, "'pool':{'total':3,'available':2}}");
    bytes_clear(&out);
}

static void a_balancer_that_is_away_leaves_the_rest(void **state)
{
    struct bytes out = write("{'rows':[]}", "", "", true);

    (void)state;
    expect_part(&out, "'models':[],'keys':[],'pool':null}");
    bytes_clear(&out);
}

static void an_error_is_no_statistic(void **state)
{
    struct bytes out = write("{'error':{'code':'timeout'}}", "", "", false);

    (void)state;
    assert_int_equal(out.len, 0);
    bytes_clear(&out);
    out = write("", "", "", false);
    bytes_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_periods_models_and_keys),
        cmocka_unit_test(a_balancer_that_is_away_leaves_the_rest),
        cmocka_unit_test(an_error_is_no_statistic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
