/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as the balancer tells them, views of them, and jobs. */
#include "cases.h"

#include <stdlib.h>

#include "keys/jobs.h"
#include "keys/views.h"

static struct keys keys;
static struct key_views views;

static int fresh(void **state)
{
    (void)state;
    keys_clear(&keys);
    views_clear(&views);
    return 0;
}

static bool take(const char *json)
{
    struct bytes text = json_of(json);
    bool goes_on = keys_take_look(&keys, bytes_view(&text));

    bytes_clear(&text);
    return goes_on;
}

static void expect_look(const char *want)
{
    struct bytes look = {0}, json = json_of(want);

    keys_write_look(&keys, &look);
    expect_text("look", bytes_cstr(&look), json.at);
    bytes_clear(&look);
    bytes_clear(&json);
}

static void looks_go_on_until_all_has_come(void **state)
{
    (void)state;
    expect_look("{'since':0,'from':0}");
    assert_true(take("{'version':5,'total':2,'rows':[{'id':'000000000000000a','state':'ready',"
                     "'tail':'aaaa'}],'next':1}"));
    assert_false(keys.is_known);
    expect_look("{'since':0,'from':1}");
    assert_false(take("{'version':6,'total':2,'rows':[{'id':'000000000000000b','state':'dead',"
                      "'tail':'bbbb','code':'key_invalid','until':7}],'next':null}"));
    assert_true(keys.is_known);
    expect_look("{'since':5,'from':0}"); /* what changed behind the first piece is not missed */
    assert_int_equal(keys.states[KEY_READY], 1);
    assert_int_equal(keys.states[KEY_DEAD], 1);
    assert_false(take("{'version':7,'total':2,'rows':[{'id':'000000000000000b','state':'ready'}],"
                      "'next':null}"));
    assert_int_equal(keys.states[KEY_READY], 2);
    assert_int_equal(keys_find(&keys, 11)->until_at, 0);
}

static void keys_that_are_gone_go_with_the_next_whole_look(void **state)
{
    (void)state;
    take("{'version':1,'total':2,'rows':[{'id':'000000000000000a','state':'ready'},"
         "{'id':'000000000000000b','state':'off'}],'next':null}");
    take("{'version':2,'total':1,'rows':[],'next':null}");
    expect_look("{'since':0,'from':0}");
    assert_int_equal(HASH_COUNT(keys.by_id), 2);
    take("{'version':2,'total':1,'rows':[{'id':'000000000000000a','state':'ready'}],'next':null}");
    assert_int_equal(HASH_COUNT(keys.by_id), 1);
    assert_null(keys_find(&keys, 11));
    assert_int_equal(keys.states[KEY_OFF], 0);
    take("{'version':1,'total':1,'rows':[],'next':null}"); /* another balancer */
    expect_look("{'since':0,'from':0}");
}

static void what_is_no_answer_changes_nothing(void **state)
{
    static const char *const answers[] = {"", "[]", "{}", "{'error':'there is no such question'}",
                                          "{'version':1,'rows':7}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++)
        assert_false(take(answers[i]));
    assert_false(take("{'version':1,'total':0,'rows':[{'id':'x'},{},7],'next':null}"));
    assert_int_equal(HASH_COUNT(keys.by_id), 0);
}

static void ids_are_sixteen_digits(void **state)
{
    (void)state;
    assert_int_equal(key_id_read(VIEW("00000000000000ff")), 255);
    assert_int_equal(key_id_read(VIEW("00000000000000FF")), 0);
    assert_int_equal(key_id_read(VIEW("0x000000000000ff")), 0);
    assert_int_equal(key_id_read(VIEW("ff")), 0);
    assert_int_equal(key_id_read(VIEW("")), 0);
}

static void a_view_keeps_its_order(void **state)
{
    struct view_filter filter = {.sort = SORT_STATE};
    const struct key_view *view;
    uint64_t number;

    (void)state;
    take("{'version':1,'total':3,'rows':[{'id':'000000000000000a','state':'ready','tail':'aaaa'},"
         "{'id':'000000000000000b','state':'dead','tail':'bbbb','says':'API key NOT valid'},"
         "{'id':'000000000000000c','state':'ready','tail':'0000'}],'next':null}");
    view = views_get(&views, &keys, 0, &filter, 1);
    number = view->number;
    assert_int_equal(view->count, 3);
    assert_int_equal(view->ids[0], 11);
    assert_int_equal(view->ids[1], 12);
    take("{'version':2,'total':3,'rows':[{'id':'000000000000000a','state':'dead','tail':'aaaa'}],"
         "'next':null}");
    assert_int_equal(views_get(&views, &keys, number, &filter, 2)->ids[2], 10);
    assert_int_equal(views_get(&views, &keys, 0, &filter, 2)->ids[0], 10);
    filter.states = 1u << KEY_DEAD;
    assert_int_equal(views_get(&views, &keys, number, &filter, 2)->count, 2); /* another filter */
    snprintf(filter.text, sizeof(filter.text), "not VALID");
    assert_int_equal(views_get(&views, &keys, 0, &filter, 2)->count, 1);
}

/* Jobs */

static void expect_job(const struct job *job, const char *want)
{
    struct bytes got = {0}, json = json_of(want);

    job_write(job, &got);
    expect_text("job", bytes_cstr(&got), json.at);
    bytes_clear(&got);
    bytes_clear(&json);
}

static bool next_ids(struct job *job, const char *want)
{
    struct bytes got = {0}, json = json_of(want);
    bool has_some = job_write_next(job, &keys, 1000, &got);

    expect_text("ids", bytes_cstr(&got), json.at);
    bytes_clear(&got);
    bytes_clear(&json);
    return has_some;
}

static struct job *begin(struct jobs *jobs)
{
    uint64_t *ids = memory_new(4 * sizeof(*ids));

    ids[0] = 10, ids[1] = 11, ids[2] = 12, ids[3] = 99;
    return jobs_begin(jobs, &ids, 4);
}

static void a_job_counts_each_key_once(void **state)
{
    static struct jobs jobs;
    struct job *job = begin(&jobs);

    (void)state;
    take("{'version':1,'total':3,'rows':[{'id':'000000000000000a','trial':1},"
         "{'id':'000000000000000b','trial':7},{'id':'000000000000000c'}],'next':null}");
    assert_true(next_ids(job, "{'do':'verify','ids':['000000000000000a','000000000000000b',"
                              "'000000000000000c']}"));
    expect_job(job, "{'id':'1','done':1,'total':4,'groups':{'unknown_key':1},'state':'running'}");
    assert_false(next_ids(job, "{'do':'verify','ids':[]}"));
    job_look(job, &keys, 1001);
    take("{'version':2,'total':3,'rows':[{'id':'000000000000000a','trial':2,'verified':'none'},"
         "{'id':'000000000000000b','trial':8,'verified':'key_invalid'}],'next':null}");
    job_look(job, &keys, 1002);
    job_look(job, &keys, 1003);
    expect_job(job, "{'id':'1','done':3,'total':4,'groups':{'unknown_key':1,'key_invalid':1,"
                    "'ok':1},'state':'running'}");
    job_look(job, &keys, 1000 + JOB_WAIT_MS);
    expect_job(job, "{'id':'1','done':4,'total':4,'groups':{'unknown_key':1,'key_invalid':1,"
                    "'ok':1,'no_answer':1},'state':'done'}");
    jobs_clear(&jobs);
}

static void a_job_that_is_stopped_sends_no_more(void **state)
{
    static struct jobs jobs;
    struct job *job = begin(&jobs);

    (void)state;
    job_stop(job);
    assert_false(next_ids(job, "{'do':'verify','ids':[]}"));
    job_refused(job, 10, VIEW("busy")); /* not under way */
    expect_job(job, "{'id':'1','done':0,'total':4,'groups':{},'state':'stopped'}");
    for (int i = 1; i < JOBS_MOST; i++)
        assert_non_null(begin(&jobs));
    assert_non_null(begin(&jobs)); /* in place of the one that has ended */
    assert_null(jobs_find(&jobs, 1));
    assert_null(begin(&jobs));
    jobs_clear(&jobs);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(looks_go_on_until_all_has_come, fresh, fresh),
        cmocka_unit_test_setup_teardown(keys_that_are_gone_go_with_the_next_whole_look, fresh,
                                        fresh),
        cmocka_unit_test_setup_teardown(what_is_no_answer_changes_nothing, fresh, fresh),
        cmocka_unit_test(ids_are_sixteen_digits),
        cmocka_unit_test_setup_teardown(a_view_keeps_its_order, fresh, fresh),
        cmocka_unit_test_setup_teardown(a_job_counts_each_key_once, fresh, fresh),
        cmocka_unit_test_setup_teardown(a_job_that_is_stopped_sends_no_more, fresh, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
