/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema in the provider's two forms. */
#include "cases.h"

#include "base/json.h"
#include "openai/chat/schema.h"

static const struct schema_budget budget = {.steps = 1000000, .bytes = 4 << 20};

struct schema_case {
    const char *what, *in;
    const char *json;    /* JSON Schema's form; NULL: as it came */
    const char *openapi; /* NULL: not looked at */
};

static void expect_form(const struct schema_case *one, enum schema_form form, const char *wanted)
{
    struct bytes in = json_of(one->in), want = json_of(wanted), out = {0};
    const char *why = NULL;
    yyjson_doc *doc = json_read_request(bytes_view(&in), &why);
    struct schema_budget left = budget;

    assert_non_null(doc);
    assert_true(schema_write(yyjson_doc_get_root(doc), form, &left, &out));
    expect_text(one->what, bytes_cstr(&out), want.at);
    yyjson_doc_free(doc);
    bytes_clear(&in);
    bytes_clear(&want);
    bytes_clear(&out);
}

static void become(const struct schema_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        expect_form(&cases[i], SCHEMA_JSON, cases[i].json ? cases[i].json : cases[i].in);
        if (cases[i].openapi)
            expect_form(&cases[i], SCHEMA_OPENAPI, cases[i].openapi);
    }
}

#define BECOME(...)                                                                                \
    do {                                                                                           \
        static const struct schema_case cases[] = {__VA_ARGS__};                                   \
        become(cases, COUNT_OF(cases));                                                            \
    } while (0)

static void what_both_know_stays(void **state)
{
    (void)state;
    BECOME(
        {"an object",
         "{'type':'object','title':'T','description':'D','properties':{'a':{'type':'string',"
         "'format':'date-time','minLength':1,'maxLength':9,'pattern':'^a'},'b':{'type':'integer',"
         "'minimum':1,'maximum':10},'c':{'type':'array','minItems':1,'maxItems':2,'items':{'type':"
         "'boolean'}}},'required':['a','b'],'additionalProperties':false}",
         NULL,
         "{'type':'OBJECT','description':'D','properties':{'a':{'type':'STRING',"
         "'format':'date-time','minLength':1,'maxLength':9,'pattern':'^a'},'b':{'type':'INTEGER',"
         "'minimum':1,'maximum':10},'c':{'type':'ARRAY','minItems':1,'maxItems':2,'items':{'type':"
         "'BOOLEAN'}}},'required':['a','b'],'propertyOrdering':['a','b','c']}"},
        {"numbers as they were spelled", "{'type':'number','minimum':0.10,'maximum':1e3}", NULL,
         "{'type':'NUMBER','minimum':0.10,'maximum':1e3}"},
        {"an enum of texts", "{'type':'string','enum':['a','b']}", NULL,
         "{'type':'STRING','enum':['a','b']}"},
        {"types in capitals", "{'type':'OBJECT','properties':{'a':{'type':'STRING'}}}",
         "{'type':'object','properties':{'a':{'type':'string'}}}",
         "{'type':'OBJECT','properties':{'a':{'type':'STRING'}},'propertyOrdering':['a']}"});
}

static void words_that_the_provider_refuses_go_and_what_matters_is_told(void **state)
{
    (void)state;
    BECOME(
        {"annotations",
         "{'$schema':'s','$id':'i','$comment':'c','type':'string','default':'d','examples':['e'],"
         "'deprecated':true,'readOnly':true,'writeOnly':true,'strict':true,'x-mine':1}",
         "{'type':'string'}", "{'type':'STRING'}"},
        {"conditions",
         "{'type':'object','properties':{'a':{'type':'string'}},'if':{},'then':{},'else':{},'not':"
         "{},'patternProperties':{},'propertyNames':{},'dependentRequired':{},"
         "'unevaluatedProperties':false}",
         "{'type':'object','properties':{'a':{'type':'string'}}}", NULL},
        {"excluded bounds", "{'type':'integer','exclusiveMinimum':0,'exclusiveMaximum':9}",
         "{'type':'integer','description':'Greater than 0. Less than 9.','minimum':0,'maximum':9}",
         NULL},
        {"a format", "{'type':'string','format':'email','description':'Whose.'}",
         "{'type':'string','description':'Whose. Format: email.'}",
         "{'type':'STRING','description':'Whose. Format: email.'}"},
        {"further members", "{'type':'object','additionalProperties':{'type':'integer'}}",
         "{'type':'object','description':'Each value: {\\'type\\':\\'integer\\'}.'}", NULL},
        {"a multiple", "{'type':'integer','multipleOf':5}",
         "{'type':'integer','description':'A multiple of 5.'}", NULL});
}

static void v24_properties_may_be_called_like_words(void **state)
{
    (void)state;
    BECOME({"type and its kin",
            "{'type':'object','properties':{'type':{'type':'string'},'properties':{'type':"
            "'object','properties':{'enum':{'type':'integer'}}},'examples':{'type':'string'},"
            "'default':{'type':'string'},'strict':{'type':'boolean'},'$ref':{'type':'string'},"
            "'required':{'type':'boolean'}},'required':['type','examples','$ref']}",
            NULL, NULL});
}

static void required_names_properties_only(void **state)
{
    (void)state;
    BECOME({"absent, twice, no text",
            "{'type':'object','properties':{'a':{'type':'string'}},'required':['a','b','a',1]}",
            "{'type':'object','properties':{'a':{'type':'string'}},'required':['a']}", NULL},
           {"true at a property",
            "{'type':'object','properties':{'a':{'type':'string','required':true}}}",
            "{'type':'object','properties':{'a':{'type':'string'}}}", NULL},
           {"a property twice",
            "{'type':'object','properties':{'a':{'type':'string'},'a':{'type':'integer'}}}",
            "{'type':'object','properties':{'a':{'type':'string'}}}", NULL});
}

static void null_is_a_type_or_a_branch_or_nullable(void **state)
{
    (void)state;
    BECOME({"a list of types", "{'type':['string','null']}", NULL,
            "{'type':'STRING','nullable':true}"},
           {"null first, and twice", "{'type':['null','string','null']}",
            "{'type':['string','null']}", "{'type':'STRING','nullable':true}"},
           {"several types", "{'type':['string','integer','null'],'minLength':1}", NULL,
            "{'nullable':true,'anyOf':[{'type':'STRING','minLength':1},{'type':'INTEGER'}]}"},
           {"null only", "{'type':'null'}", NULL, "{'type':'STRING','nullable':true}"},
           {"v23 anyOf null",
            "{'anyOf':[{'type':'integer','minimum':1},{'type':'null'}],'description':'D'}",
            "{'description':'D','anyOf':[{'type':'integer','minimum':1},{'type':'null'}]}",
            "{'type':'INTEGER','nullable':true,'description':'D','minimum':1}"},
           {"oneOf", "{'oneOf':[{'type':'integer'},{'type':'string'},{'type':'null'}]}",
            "{'anyOf':[{'type':'integer'},{'type':'string'},{'type':'null'}]}",
            "{'nullable':true,'anyOf':[{'type':'INTEGER'},{'type':'STRING'}]}"},
           {"OpenAPI's nullable", "{'type':'string','nullable':true}", "{'type':['string','null']}",
            "{'type':'STRING','nullable':true}"},
           {"null in an enum", "{'type':['string','null'],'enum':['a',null]}",
            "{'anyOf':[{'type':'string','enum':['a']},{'type':'null'}]}",
            "{'type':'STRING','nullable':true,'enum':['a']}"});
}

static void values_become_an_enum_or_words(void **state)
{
    (void)state;
    BECOME({"v23 const", "{'const':'a'}", "{'type':'string','enum':['a']}",
            "{'type':'STRING','enum':['a']}"},
           {"v23 a number", "{'const':5}", "{'type':'integer','enum':[5]}",
            "{'type':'INTEGER','description':'One of: 5.'}"},
           {"numbers", "{'type':'integer','enum':[1,2]}", NULL,
            "{'type':'INTEGER','description':'One of: 1, 2.'}"},
           {"numbers that are to be texts", "{'type':'string','enum':[1,2]}",
            "{'type':'string','enum':['1','2']}", "{'type':'STRING','enum':['1','2']}"},
           {"true", "{'const':true}", "{'type':'boolean','description':'One of: true.'}",
            "{'type':'BOOLEAN','description':'One of: true.'}"},
           {"an empty text", "{'type':'string','enum':['','a']}",
            "{'type':'string','description':'One of: \\'\\', \\'a\\'.'}",
            "{'type':'STRING','description':'One of: \\'\\', \\'a\\'.'}"},
           {"of all kinds", "{'enum':['a',1]}",
            "{'type':['string','integer'],'description':'One of: \\'a\\', 1.'}",
            "{'description':'One of: \\'a\\', 1.','anyOf':[{'type':'STRING'},{'type':'INTEGER'}]}"},
           {"null", "{'const':null}", "{'type':'null'}", "{'type':'STRING','nullable':true}"},
           {"none", "{'type':'string','enum':[]}", "{'type':'string'}", "{'type':'STRING'}"},
           {"choices with titles", "{'oneOf':[{'const':'a','title':'A'},{'const':'b'}]}",
            "{'anyOf':[{'type':'string','title':'A','enum':['a']},{'type':'string','enum':['b']}]}",
            "{'anyOf':[{'type':'STRING','enum':['a']},{'type':'STRING','enum':['b']}]}"});
}

static void all_of_is_one_object(void **state)
{
    (void)state;
    BECOME({"properties and required of all",
            "{'description':'D','allOf':[{'type':'object','properties':{'a':{'type':'string'}},"
            "'required':['a']},{'properties':{'b':{'type':'integer'},'a':{'type':'null'}},"
            "'required':['b','a']}]}",
            "{'type':'object','description':'D','properties':{'a':{'type':'string'},'b':{'type':"
            "'integer'}},'required':['a','b']}",
            NULL},
           {"one with words beside",
            "{'allOf':[{'$ref':'#/$defs/A'}],'description':'D',"
            "'$defs':{'A':{'type':'string','description':'A'}}}",
            "{'type':'string','description':'D'}", "{'type':'STRING','description':'D'}"});
}

static void a_union_beside_words_of_its_own_is_left_out(void **state)
{
    (void)state;
    BECOME({"one or the other is required",
            "{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'string'}},'anyOf':["
            "{'required':['a']},{'required':['b']}]}",
            "{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'string'}}}", NULL},
           {"the type is that of its branches",
            "{'type':'string','anyOf':[{'minLength':1},{'enum':['a']}]}",
            "{'anyOf':[{'type':'string','minLength':1},{'type':'string','enum':['a']}]}", NULL});
}

static void arrays_have_items(void **state)
{
    (void)state;
    BECOME({"of anything", "{'type':'array'}", "{'type':'array','items':{}}",
            "{'type':'ARRAY','items':{'type':'STRING','description':'any value'}}"},
           {"a tuple",
            "{'type':'array','prefixItems':[{'type':'string'},{'type':'integer'}],"
            "'items':false,'minItems':2}",
            "{'type':'array','minItems':2,'prefixItems':[{'type':'string'},{'type':'integer'}]}",
            "{'type':'ARRAY','minItems':2,'items':{'anyOf':[{'type':'STRING'},{'type':'INTEGER'}"
            "]}}"},
           {"a tuple and more",
            "{'type':'array','prefixItems':[{'type':'string'}],'items':{'type':'integer'}}", NULL,
            "{'type':'ARRAY','items':{'anyOf':[{'type':'STRING'},{'type':'INTEGER'}]}}"},
           {"a tuple with null",
            "{'type':'array','prefixItems':[{'type':'null'},{'type':'integer'}]}", NULL,
            "{'type':'ARRAY','items':{'nullable':true,'anyOf':[{'type':'INTEGER'}]}}"},
           {"a tuple of nulls, which make no union",
            "{'type':'array','prefixItems':[{'type':'null'}]}", NULL,
            "{'type':'ARRAY','items':{'nullable':true,'type':'STRING'}}"},
           {"a tuple of former times", "{'type':'array','items':[{'type':'string'}]}",
            "{'type':'array','prefixItems':[{'type':'string'}]}",
            "{'type':'ARRAY','items':{'anyOf':[{'type':'STRING'}]}}"});
}

static void what_says_no_type_gets_one_where_it_must(void **state)
{
    (void)state;
    BECOME({"anything", "{}", NULL, "{'type':'STRING','description':'any value'}"},
           {"true and false", "{'type':'object','properties':{'a':true,'b':false}}",
            "{'type':'object','properties':{'a':{},'b':{}}}", NULL},
           {"properties", "{'properties':{'a':{'type':'string'}}}",
            "{'type':'object','properties':{'a':{'type':'string'}}}", NULL},
           {"an object of anything", "{'type':'object','properties':{'a':{'type':'object'}}}", NULL,
            "{'type':'OBJECT','properties':{'a':{'type':'OBJECT','properties':{'any':{'type':"
            "'STRING','nullable':true}}}},'propertyOrdering':['a']}"},
           {"an unknown type", "{'type':'any','description':'D'}", "{'description':'D'}",
            "{'type':'STRING','description':'D'}"});
}

static void v23_references_are_followed(void **state)
{
    (void)state;
    BECOME({"$defs, definitions, paths",
            "{'type':'object','properties':{'a':{'$ref':'#/$defs/A'},'b':{'$ref':'#/definitions/"
            "B~1C'},'c':{'$ref':'#/properties/a'},'d':{'$ref':'#/$defs/L/anyOf/1'},'e':{'$ref':"
            "'#/$defs/D%20E'}},'$defs':{'A':{'type':'string'},'L':{'anyOf':[true,{'type':"
            "'boolean'}]},'D E':{'type':'number'}},'definitions':{'B/C':{'type':'integer'}}}",
            "{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'integer'},'c':{"
            "'type':'string'},'d':{'type':'boolean'},'e':{'type':'number'}}}",
            NULL},
           {"words beside one",
            "{'$ref':'#/$defs/A','description':'mine','$defs':{'A':{'type':"
            "'string','description':'A','minLength':2}}}",
            "{'type':'string','description':'mine','minLength':2}", NULL},
           {"to nothing here",
            "{'type':'object','properties':{'a':{'$ref':'#/$defs/Z'},'b':{'$ref':'http://x/y#/z'},"
            "'c':{'$ref':'Z'},'d':{'$ref':'#name'}}}",
            "{'type':'object','properties':{'a':{},'b':{},'c':{},'d':{}}}", NULL},
           {"by the schema's own name",
            "{'$id':'http://x','$ref':'http://x#/$defs/A','$defs':{'A':{'type':'string'}}}",
            "{'type':'string'}", NULL},
           {"to itself", "{'$ref':'#/$defs/A','$defs':{'A':{'$ref':'#/$defs/A'}}}", "{}", NULL});
}

#define TREE(inner) "{'type':'object','properties':{'kids':{'type':'array','items':" inner "}}}"
#define TREE_(inner)                                                                               \
    "{'type':'OBJECT','properties':{'kids':{'type':'ARRAY','items':" inner                         \
    "}},'propertyOrdering':['kids']}"
#define PLAIN "{'type':'OBJECT','properties':{'any':{'type':'STRING','nullable':true}}}"

static void v23_recursion_stays_or_is_unrolled(void **state)
{
    (void)state;
    BECOME({"a definition",
            "{'$ref':'#/$defs/Node','$defs':{'Node':" TREE("{'$ref':'#/$defs/Node'}") "}}",
            "{'type':'object','properties':{'kids':{'type':'array','items':{'$ref':"
            "'#/$defs/Node'}}},'$defs':{'Node':" TREE("{'$ref':'#/$defs/Node'}") "}}",
            TREE_(TREE_(TREE_(TREE_(PLAIN))))},
           {"the root", TREE("{'$ref':'#'}"),
            "{'type':'object','properties':{'kids':{'type':'array','items':{'$ref':"
            "'#/$defs/root'}}},'$defs':{'root':" TREE("{'$ref':'#/$defs/root'}") "}}",
            TREE_(TREE_(TREE_(TREE_(PLAIN))))},
           {"two by turns",
            "{'type':'object','properties':{'a':{'$ref':'#/$defs/A'}},'$defs':{'A':{'type':"
            "'object','properties':{'b':{'$ref':'#/$defs/B'}}},'B':{'type':'object','properties':{"
            "'a':{'$ref':'#/$defs/A'}}}}}",
            "{'type':'object','properties':{'a':{'type':'object','properties':{'b':{'type':'object'"
            ",'properties':{'a':{'$ref':'#/$defs/A'}}}}}},'$defs':{'A':{'type':'object',"
            "'properties':{'b':{'type':'object','properties':{'a':{'$ref':'#/$defs/A'}}}}}}}",
            NULL});
}

static void what_is_deep_may_be_anything(void **state)
{
    struct bytes in = {0}, out = {0};
    const char *why;
    yyjson_doc *doc;
    struct schema_budget left = budget;

    (void)state;
    for (int i = 0; i < 100; i++)
        bytes_text(&in, "{\"type\":\"array\",\"items\":");
    bytes_text(&in, "{}");
    for (int i = 0; i < 100; i++)
        bytes_text(&in, "}");
    doc = json_read_request(bytes_view(&in), &why);
    assert_true(schema_write(yyjson_doc_get_root(doc), SCHEMA_JSON, &left, &out));
    assert_true(out.len < 1000);
    assert_non_null(strstr(bytes_cstr(&out), "\"items\":{}}"));
    yyjson_doc_free(doc);
    bytes_clear(&in);
    bytes_clear(&out);
}

/* Each definition names the next one twice. */
static void what_grows_without_measure_is_refused(void **state)
{
    struct bytes in = {0}, out = {0};
    const char *why;
    yyjson_doc *doc;

    (void)state;
    bytes_text(&in, "{\"$ref\":\"#/$defs/0\",\"$defs\":{\"30\":{\"type\":\"string\"}");
    for (int i = 0; i < 30; i++)
        bytes_printf(&in,
                     ",\"%d\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/%d\"},"
                     "\"b\":{\"$ref\":\"#/$defs/%d\"}}}",
                     i, i + 1, i + 1);
    bytes_text(&in, "}}");
    doc = json_read_request(bytes_view(&in), &why);
    assert_non_null(doc);
    for (int form = SCHEMA_JSON; form <= SCHEMA_OPENAPI; form++) {
        struct schema_budget left = budget;
        out.len = 0;
        assert_false(schema_write(yyjson_doc_get_root(doc), (enum schema_form)form, &left, &out));
        assert_true(out.len < 64u << 20u);
    }
    yyjson_doc_free(doc);
    bytes_clear(&in);
    bytes_clear(&out);
}

/* ---- parameters ---- */

static void expect_parameters(const char *what, enum schema_form form, const char *said,
                              const char *wanted)
{
    struct bytes in = json_of(said), want = json_of(wanted), out = {0};
    const char *why = NULL;
    yyjson_doc *doc = json_read_request(bytes_view(&in), &why);
    struct schema_budget left = budget;

    if (schema_is_empty(yyjson_doc_get_root(doc)))
        bytes_text(&out, "empty");
    else
        assert_true(schema_write_parameters(yyjson_doc_get_root(doc), form, &left, &out));
    expect_text(what, bytes_cstr(&out), want.at);
    yyjson_doc_free(doc);
    bytes_clear(&in);
    bytes_clear(&want);
    bytes_clear(&out);
}

static void parameters_are_an_object(void **state)
{
    static const struct schema_case cases[] = {
        {"nothing", "{}", "empty", "empty"},
        {"no properties", "{'type':'object','properties':{},'required':[]}", "empty", "empty"},
        {"no type", "{'properties':{'a':{'type':'string'}}}",
         "{'type':'object','properties':{'a':{'type':'string'}}}",
         "{'type':'OBJECT','properties':{'a':{'type':'STRING'}}}"},
        {"null is none", "{'type':['object','null'],'properties':{'a':{'type':'string'}}}",
         "{'type':'object','properties':{'a':{'type':'string'}}}",
         "{'type':'OBJECT','properties':{'a':{'type':'STRING'}}}"},
        {"the properties alone", "{'city':{'type':'string'},'type':{'type':'string'}}",
         "{'type':'object','properties':{'city':{'type':'string'},'type':{'type':'string'}}}",
         "{'type':'OBJECT','properties':{'city':{'type':'STRING'},'type':{'type':'STRING'}}}"},
        {"a union",
         "{'oneOf':[{'type':'object','properties':{'a':{'type':'string'}},'required':['a']},{"
         "'type':'object','properties':{'b':{'type':'string'}},'required':['b']}]}",
         "{'type':'object','anyOf':[{'type':'object','properties':{'a':{'type':'string'}},"
         "'required':['a']},{'type':'object','properties':{'b':{'type':'string'}},'required':['b']}"
         "]}",
         "{'type':'OBJECT','properties':{'a':{'type':'STRING'},'b':{'type':'STRING'}}}"},
        {"a reference",
         "{'$ref':'#/$defs/P','$defs':{'P':{'type':'object','properties':{'a':{"
         "'type':'string'}}}}}",
         "{'type':'object','properties':{'a':{'type':'string'}}}",
         "{'type':'OBJECT','properties':{'a':{'type':'STRING'}}}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        expect_parameters(cases[i].what, SCHEMA_JSON, cases[i].in, cases[i].json);
        expect_parameters(cases[i].what, SCHEMA_OPENAPI, cases[i].in, cases[i].openapi);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_both_know_stays),
        cmocka_unit_test(words_that_the_provider_refuses_go_and_what_matters_is_told),
        cmocka_unit_test(v24_properties_may_be_called_like_words),
        cmocka_unit_test(required_names_properties_only),
        cmocka_unit_test(null_is_a_type_or_a_branch_or_nullable),
        cmocka_unit_test(values_become_an_enum_or_words),
        cmocka_unit_test(all_of_is_one_object),
        cmocka_unit_test(a_union_beside_words_of_its_own_is_left_out),
        cmocka_unit_test(arrays_have_items),
        cmocka_unit_test(what_says_no_type_gets_one_where_it_must),
        cmocka_unit_test(v23_references_are_followed),
        cmocka_unit_test(v23_recursion_stays_or_is_unrolled),
        cmocka_unit_test(what_is_deep_may_be_anything),
        cmocka_unit_test(what_grows_without_measure_is_refused),
        cmocka_unit_test(parameters_are_an_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
