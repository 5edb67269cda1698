/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict, the pool's map, and what the ledger's answers are given besides. */
#include "cases.h"

#include "api/dress.h"
#include "api/overview.h"
#include "base/json.h"

static struct admin admin;

static int fresh(void **state)
{
    plain_options(state);
    keys_clear(&admin.keys);
    admin.processes = (struct processes){0};
    return 0;
}

static void take_keys(const char *json)
{
    struct bytes text = json_of(json);

    keys_take_look(&admin.keys, bytes_view(&text));
    bytes_clear(&text);
}

static void see(const char *role, enum process_state process_state, const char *code)
{
    struct process one = {.state = process_state, .id = "a"};

    snprintf(one.role, sizeof(one.role), "%s", role);
    snprintf(one.code, sizeof(one.code), "%s", code);
    processes_see(&admin.processes, &one, 1000, 5000);
}

static void add(struct admin *of, yyjson_mut_doc *doc, yyjson_mut_val *root, void *data)
{
    (void)data;
    overview_add(of, doc, root);
}

/* level code, and the map. */
static void expect_overview(const char *totals, const char *want)
{
    struct bytes json = json_of(totals), out = {0}, got = {0};
    yyjson_doc *doc;
    yyjson_val *verdict;

    assert_true(dress_answer(&admin, bytes_view(&json), add, NULL, &out));
    doc = yyjson_read(out.at, out.len, 0);
    verdict = yyjson_obj_get(yyjson_doc_get_root(doc), "verdict");
    bytes_append(&got, json_member_text(verdict, "level"));
    bytes_text(&got, " ");
    bytes_append(&got, json_member_text(verdict, "code"));
    bytes_text(&got, " ");
    bytes_append(&got, json_view(yyjson_ptr_get(yyjson_doc_get_root(doc), "/pool/map")));
    expect_text(totals, bytes_cstr(&got), want);
    yyjson_doc_free(doc);
    bytes_clear(&json);
    bytes_clear(&out);
    bytes_clear(&got);
}

static void the_worst_is_said_first(void **state)
{
    (void)state;
    take_keys("{'version':1,'total':2,'rows':[{'id':'000000000000000a','state':'dead'},"
              "{'id':'000000000000000b','state':'ready'}],'next':null}");
    expect_overview("{'totals':{'answered':0,'client_fault':0,'lost':0}}", "ok no_calls rx");
    expect_overview("{'totals':{'answered':1,'client_fault':0,'lost':0}}", "ok well rx");
    expect_overview("{'totals':null}", "ok well rx");
    see("store", PROCESS_TROUBLE, "database_away");
    expect_overview("{'totals':null}", "warn database_away rx");
    see("upstream", PROCESS_AWAY, "process_down");
    expect_overview("{'totals':null}", "bad process_down rx");
    admin.processes = (struct processes){0};
    take_keys("{'version':2,'total':2,'rows':[{'id':'000000000000000b','state':'cooling',"
              "'code':'quota_minute','until':7}],'next':null}");
    expect_overview("{'totals':null}", "bad no_key_fits cx");
}

static void a_cause_that_many_share_is_no_keys_fault(void **state)
{
    (void)state;
    take_keys("{'version':1,'total':4,'rows':["
              "{'id':'000000000000000a','state':'cooling','code':'overloaded'},"
              "{'id':'000000000000000b','state':'cooling','code':'overloaded'},"
              "{'id':'000000000000000c','state':'cooling','code':'overloaded'},"
              "{'id':'000000000000000d','state':'ready'}],'next':null}");
    expect_overview("{'totals':null}", "warn shared_cause rccc");
}

static void rows_get_tails_and_names(void **state)
{
    struct bytes json = json_of("{'rows':[{'key':'000000000000000a','client':'0123456789abcdef'},"
                                "{'key':'000000000000000b','top_clients':[{'id':'abcdef0123456789'"
                                "}]}]}");
    struct bytes want = json_of("{'rows':[{'key':'000000000000000a','client':{'id':"
                                "'0123456789abcdef','name':'012345'},'tail':'aaaa'},{'key':"
                                "'000000000000000b','top_clients':[{'id':'abcdef0123456789','name':"
                                "'abcdef'}],'tail':null}]}");
    struct bytes out = {0};

    (void)state;
    take_keys("{'version':1,'total':1,'rows':[{'id':'000000000000000a','tail':'aaaa'}],"
              "'next':null}");
    assert_true(dress_answer(&admin, bytes_view(&json), NULL, NULL, &out));
    expect_text("dressed", bytes_cstr(&out), want.at);
    assert_false(dress_answer(&admin, VIEW("{\"error\":{}}"), NULL, NULL, &out));
    assert_false(dress_answer(&admin, VIEW("[]"), NULL, NULL, &out));
    assert_false(dress_answer(&admin, VIEW(""), NULL, NULL, &out));
    bytes_clear(&json);
    bytes_clear(&want);
    bytes_clear(&out);
}

static void add_model(struct admin *of, yyjson_mut_doc *doc, yyjson_mut_val *root, void *data)
{
    (void)data;
    overview_add_model(of, doc, root);
}

static void expect_model(const char *id, const char *want)
{
    struct bytes json = {0}, out = {0}, text = json_of(want);

    bytes_printf(&json, "{\"id\":\"%s\"}", id);
    assert_true(dress_answer(&admin, bytes_view(&json), add_model, NULL, &out));
    if (!strstr(bytes_cstr(&out), text.at))
        fail_msg("no %s in %s", text.at, out.at);
    bytes_clear(&json);
    bytes_clear(&out);
    bytes_clear(&text);
}

static void keys_that_fit_a_model_are_counted(void **state)
{
    (void)state;
    take_keys("{'version':1,'total':4,'rows':["
              "{'id':'000000000000000a','state':'ready'},{'id':'000000000000000b','state':'dead'},"
              "{'id':'000000000000000c','state':'partial','resting':[{'model':'m','code':"
              "'quota_none'}]},{'id':'000000000000000d','state':'off'}],'next':null}");
    expect_model("m", "'kind':'chat','state':'ok','keys_fit':1,'keys_of':4");
    expect_model("gemini-embedding-001", "'kind':'embedding','state':'ok','keys_fit':2");
    expect_model("gemini-old", "'filtered':true");
    take_keys("{'version':2,'total':4,'rows':[{'id':'000000000000000a','state':'off'}],"
              "'next':null}");
    expect_model("m", "'state':'not_in_tier','keys_fit':0");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_worst_is_said_first, fresh, fresh),
        cmocka_unit_test_setup_teardown(a_cause_that_many_share_is_no_keys_fault, fresh, fresh),
        cmocka_unit_test_setup_teardown(rows_get_tails_and_names, fresh, fresh),
        cmocka_unit_test_setup_teardown(keys_that_fit_a_model_are_counted, fresh, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
