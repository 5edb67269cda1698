# SPDX-License-Identifier: Apache-2.0
"""Cases of tools, thought signatures and schemas that have broken other gateways, by their numbers."""
import json

import pytest

from pitfalls import (NEW, OLD, OLDER, PNG, SKIP, ask, called, deltas, finishes, parts_of, refused, result, said, schema, sent,  # noqa: F401
                      stage, streamed, tool, user)
from stage import scripted

WEATHER = tool("weather", parameters=schema(place={"type": "string"}))
CALLS = scripted(calls=2)


def first_call(stage, model=NEW, **script):
    """What the model has called, as the reply tells it."""
    return said(stage, scripted(calls=1, **script), model, tools=[WEATHER])["message"]["tool_calls"][0]


def bare(call):
    return {name: call[name] for name in ("id", "type", "function")}


def history(call):
    return [user("q"), {"role": "assistant", "content": None, "tool_calls": [call]}, result(call["id"].split("__thought__")[0], "rain")]


def signature_of(body):
    return parts_of(body, "model")[0][0].get("thoughtSignature")


def schema_of(stage, parameters, model=OLD):
    declared = sent(stage, model=model, tools=[tool("f", parameters=parameters)])["tools"][0]["functionDeclarations"][0]
    return declared.get("parametersJsonSchema", declared.get("parameters"))


# --------------------------------------------------------------------------------------------------- tools and signatures

def test_p01_a_signature_that_the_client_drops_is_restored(stage):
    call = first_call(stage)
    assert signature_of(sent(stage, history(bare(call)), NEW)) == call["extra_content"]["google"]["thought_signature"]


@pytest.mark.parametrize("carry", [
    lambda call, mark: bare(call) | {"extra_content": {"google": {"thought_signature": mark}}},
    lambda call, mark: bare(call) | {"provider_specific_fields": {"thought_signature": mark}},
    lambda call, mark: bare(call) | {"function": call["function"] | {"provider_specific_fields": {"thought_signature": mark}}},
    lambda call, mark: bare(call) | {"id": f"{call['id']}__thought__{mark}"},
])
def test_p02_every_carrier_is_read(stage, carry):
    call = first_call(stage)
    mark = call["extra_content"]["google"]["thought_signature"]
    assert signature_of(sent(stage, history(carry(call | {"id": "call_of_another"}, mark)), NEW)) == mark


@pytest.mark.parametrize("model, mark", [(NEW, SKIP), (OLD, None)])
def test_p03_none_is_known(stage, model, mark):
    assert signature_of(sent(stage, [user("q"), called(("x", "weather", "{}")), result("x", "rain")], model)) == mark


def test_p04_siblings_get_none(stage):
    body = sent(stage, [user("q"), called(("x", "weather", "{}"), ("y", "weather", "{}")), result("x", "1"), result("y", "2")], NEW)
    assert ["thoughtSignature" in part for part in parts_of(body, "model")[0]] == [True, False]


def test_p05_one_on_an_empty_last_part_is_no_content(stage):
    chunks, done = streamed(stage, scripted(chunks=2, numbered=True, signature_apart=True), NEW)
    assert "".join(delta.get("content") or "" for delta in deltas(chunks)) == "[0][1]" and done


def test_p06_one_that_the_provider_does_not_take_is_replaced(stage):
    """v10 as well: repaired once, and no key is blamed for it."""
    stranger = called(("x", "weather", "{}"))
    stranger["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "c2lnbmF0dXJl"}}
    before = stage.sim.total()
    assert signature_of(sent(stage, [user("q"), stranger, result("x", "rain")], NEW)) == SKIP
    assert stage.sim.total() == before + 2


def test_p07_parallel_calls_of_a_stream_count_on(stage):
    chunks, _ = streamed(stage, CALLS, NEW, tools=[WEATHER])
    calls = [call for delta in deltas(chunks) for call in delta.get("tool_calls", [])]
    assert [call["index"] for call in calls] == [0, 1] and len({call["id"] for call in calls}) == 2
    assert all(json.loads(call["function"]["arguments"]) for call in calls)


@pytest.mark.parametrize("model", [NEW, OLD])
def test_p08_ids_are_of_one_conversation_alone(stage, model):
    ids = [call["id"] for _ in range(3) for call in said(stage, CALLS, model, tools=[WEATHER])["message"]["tool_calls"]]
    assert len(set(ids)) == 6 and all(number.startswith("call_") and len(number) <= 40 for number in ids)


def test_p09_results_get_the_names_of_their_calls(stage):
    body = sent(stage, [user("q"), called(("x", "a", "{}"), ("y", "b", "{}")), result("x", "1"), {"role": "tool", "content": "2"}])
    assert [part["functionResponse"]["name"] for part in parts_of(body, "user")[1]] == ["a", "b"]


def test_p10_p11_results_stand_together_in_the_order_of_the_calls(stage):
    """v06 as well."""
    body = sent(stage, [user("q"), called(("x", "a", "{}"), ("y", "b", "{}")), result("y", "2"), result("x", "1"), user("and?")])
    assert [part.get("functionResponse", part.get("text")) for part in parts_of(body, "user")[1]] == [
        {"id": "x", "name": "a", "response": {"result": "1"}}, {"id": "y", "name": "b", "response": {"result": "2"}}, "and?"]


def test_p12_orphans_become_text_and_neighbours_one_step(stage):
    """v07 as well."""
    body = sent(stage, [user("q"), called(("x", "a", "{}")), called(("y", "b", "{}")), result("x", "1"), result("y", "2"), result("z", "3")])
    assert [len(parts) for parts in parts_of(body, "model")] == [2]
    assert parts_of(body, "user")[1][-1] == {"text": "Tool result: 3"}


@pytest.mark.parametrize("content, response", [
    ("rain", {"result": "rain"}), ('{"a": 1.0}', {"a": 1.0}), ("[1, 2]", {"result": [1, 2]}), ("", {"result": ""}),
    ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], {"result": "ab"}), ("{broken", {"result": "{broken"})])
def test_p13_a_result_is_an_object(stage, content, response):
    body = sent(stage, [user("q"), called(("x", "a", "{}")), result("x", content)])
    assert parts_of(body, "user")[1][0]["functionResponse"]["response"] == response


def test_p14_pictures_of_results(stage):
    messages = [user("q"), called(("x", "a", "{}")), result("x", [{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": PNG}}])]
    [new], old = parts_of(sent(stage, messages, NEW), "user")[1], parts_of(sent(stage, messages), "user")[1]
    assert new["functionResponse"]["parts"][0]["inlineData"]["mimeType"] == "image/png"
    assert "parts" not in old[0]["functionResponse"] and old[1]["inlineData"]["mimeType"] == "image/png"


@pytest.mark.parametrize("arguments, args", [
    ("", {}), ("{}", {}), ('{"a": {"b": [1]}}', {"a": {"b": [1]}}), ("[1]", {"value": [1]}), ('{"a": "x', {"a": "x"}), ("oops", {"_raw": "oops"})])
def test_p15_arguments_are_spelled_once(stage, arguments, args):
    """v08 as well."""
    body = sent(stage, [user("q"), called(("x", "a", arguments)), result("x", "1")])
    assert parts_of(body, "model")[0][0]["functionCall"]["args"] == args
    assert json.loads(first_call(stage)["function"]["arguments"]) == {"place": "text"}


@pytest.mark.parametrize("name", ["mcp/server.tool name", "x" * 65, "1st", "ü", "a:b"])
def test_p16_names_that_gemini_refuses_come_back_as_they_were(stage, name):
    reply, body = ask(stage, scripted(calls=1), NEW, tools=[tool(name), tool(name + "2")], tool_choice="required")
    declared = [one["name"] for one in body["tools"][0]["functionDeclarations"]]
    assert len(set(declared)) == 2 and all(len(one) <= 64 and one.isascii() for one in declared)
    assert reply["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == name


def test_p17_one_tool_with_all_functions_and_no_search_beside_them(stage):
    fields = {"tools": [WEATHER, tool("b")], "web_search_options": {}}
    assert [list(one) for one in sent(stage, **fields)["tools"]] == [["functionDeclarations"]]
    assert [list(one) for one in sent(stage, model=NEW, **fields)["tools"]] == [["functionDeclarations"], ["googleSearch"]]


def test_p18_json_beside_tools(stage):
    fields = {"tools": [WEATHER], "response_format": {"type": "json_object"}}
    assert "generationConfig" not in sent(stage, **fields)
    assert sent(stage, model=NEW, **fields)["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize("choice, config", [
    ("none", {"mode": "NONE"}), ("required", {"mode": "ANY"}),
    ({"type": "function", "function": {"name": "b"}}, {"mode": "ANY", "allowedFunctionNames": ["b"]}),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "b"}}]}},
     {"mode": "ANY", "allowedFunctionNames": ["b"]}),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "b"}}]}},
     {"mode": "VALIDATED", "allowedFunctionNames": ["b"]})])
def test_p19_choices(stage, choice, config):
    assert sent(stage, tools=[WEATHER, tool("b")], tool_choice=choice)["toolConfig"] == {"functionCallingConfig": config}


@pytest.mark.parametrize("parameters", [None, {}, schema(), {"type": "object"}])
def test_p20_no_parameters(stage, parameters):
    assert sent(stage, tools=[tool("f", parameters=parameters)])["tools"][0]["functionDeclarations"] == [{"name": "f"}]


@pytest.mark.parametrize("script, finish", [({}, "tool_calls"), ({"finish": "MAX_TOKENS"}, "length"), ({"finish": "SAFETY"}, "content_filter")])
def test_p21_calls_finish_as_calls_unless_something_is_wrong(stage, script, finish):
    prompt = scripted(calls=1, **script)
    assert said(stage, prompt, NEW, tools=[WEATHER])["finish_reason"] == finish
    assert finishes(streamed(stage, prompt, NEW, tools=[WEATHER])[0]) == [finish]


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"])
def test_p22_a_malformed_call_is_tried_again_and_no_clean_stop(stage, reason):
    error, count = refused(stage, scripted(empty=True, finish=reason), status=502)
    assert error["code"] == "upstream_malformed_response" and count == 3


# ---------------------------------------------------------------------------------------------------------------- schemas

def test_p23_references(stage):
    """v23 as well."""
    node = {"$ref": "#/$defs/N"}
    found = schema_of(stage, schema(n=node) | {"$defs": {"N": schema(again=node, v={"$ref": "#/definitions/V"})},
                                               "definitions": {"V": {"type": "integer"}}})
    assert found["$defs"]["N"]["properties"] == {"again": node, "v": {"type": "integer"}}
    assert "$ref" not in json.dumps(schema_of(stage, schema(n=node) | {"$defs": {"N": schema(again=node)}}, OLDER))


def test_p24_words_that_gemini_does_not_know_go(stage):
    found = schema_of(stage, {"$schema": "x", "$id": "y", "$comment": "z", "examples": [1], "deprecated": True, "x-vendor": 1} | schema(
        a={"const": "one"}, b={"type": "string", "not": {"const": "x"}, "readOnly": True}, c={"allOf": [schema(d={"type": "integer"})]}))
    assert set(found) == {"type", "properties"} and found["properties"]["a"] == {"type": "string", "enum": ["one"]}
    assert found["properties"]["c"]["properties"] == {"d": {"type": "integer"}} and "not" not in found["properties"]["b"]


@pytest.mark.parametrize("model", [OLD, OLDER])
def test_p25_properties_called_like_words_stay(stage, model):
    """v24 as well."""
    names = ["examples", "const", "definitions", "default", "strict", "type", "properties", "$ref", "title"]
    found = schema_of(stage, schema(**{name: {"type": "string"} for name in names}) | {"required": [*names, "missing"]}, model)
    assert list(found["properties"]) == names and found["required"] == names


def test_p26_additional_properties(stage):
    assert schema_of(stage, schema(a={}) | {"additionalProperties": False})["additionalProperties"] is False
    assert "additionalProperties" not in schema_of(stage, schema(a={}) | {"additionalProperties": {"type": "string"}})
    assert "additionalProperties" not in schema_of(stage, schema(a={}) | {"additionalProperties": False}, OLDER)


def test_p27_lists_of_types(stage):
    kinds = schema(a={"type": ["null", "integer"]}, b={"type": ["string", "integer"]}, c={"type": ["null"]})
    assert schema_of(stage, kinds)["properties"]["a"]["type"] == ["integer", "null"]
    found = schema_of(stage, kinds, OLDER)["properties"]
    assert found["a"] == {"type": "INTEGER", "nullable": True} and found["c"]["nullable"] is True
    assert found["b"] == {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}


def test_p28_a_union_stands_alone(stage):
    branches = [{"type": "string"}, {"type": "null"}]
    found = schema_of(stage, schema(a={"type": "string", "anyOf": branches}, b={"oneOf": [{"type": "integer"}]}), OLDER)["properties"]
    assert found["a"] == {"type": "STRING", "nullable": True} and found["b"].get("anyOf", [found["b"]]) == [{"type": "INTEGER"}]


def test_p29_formats_and_numeric_enums(stage):
    found = schema_of(stage, schema(a={"type": "string", "format": "uri"}, b={"type": "string", "format": "date-time"},
                                    c={"type": "integer", "enum": [1, 2]}), OLDER)["properties"]
    assert "format" not in found["a"] and found["b"]["format"] == "date-time"
    assert found["c"]["type"] == "INTEGER" and "enum" not in found["c"] and "1, 2" in found["c"]["description"]


def test_p30_malformed_ones_are_mended(stage):
    assert schema_of(stage, {"a": {"type": "string"}}) == schema(a={"type": "string"})
    found = schema_of(stage, schema(a={"type": "string", "required": True}))
    assert found["properties"]["a"] == {"type": "string"}


def test_p31_the_order_of_properties_stays(stage):
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema(z={"type": "string"}, a={"type": "string"}, m={"type": "string"})}}
    new, old = (sent(stage, model=model, response_format=form)["generationConfig"] for model in (OLD, OLDER))
    assert list(new["responseJsonSchema"]["properties"]) == list(old["responseSchema"]["properties"]) == ["z", "a", "m"]
    assert old["responseSchema"]["propertyOrdering"] == ["z", "a", "m"]


@pytest.mark.parametrize("model, field", [(OLD, "parametersJsonSchema"), (NEW, "parametersJsonSchema"), (OLDER, "parameters")])
def test_p32_one_field_by_model(stage, model, field):
    declared = sent(stage, model=model, tools=[WEATHER])["tools"][0]["functionDeclarations"][0]
    assert set(declared) == {"name", field}


def test_p33_numbers_and_letters_stay_as_they_are(stage):
    """v33 as well: depth is bounded."""
    body = ('{"model":"%s","messages":[{"role":"user","content":"<&>"}],"tools":[{"type":"function","function":{"name":"f","parameters":'
            '{"type":"object","properties":{"a":{"type":"integer","minimum":9007199254740993}}}}}]}' % OLD)
    assert stage.request("POST", "/v1/chat/completions", body).status == 200
    assert '"minimum":9007199254740993' in stage.sim.last()["body"] and '"<&>"' in stage.sim.last()["body"]
    deep = '{"type":"object","properties":{"a":' * 300 + "{}" + "}}" * 300
    answer = stage.request("POST", "/v1/chat/completions", body.replace('{"type":"integer","minimum":9007199254740993}', deep))
    assert answer.status in (200, 400) and len(stage.sim.last()["body"]) < 100_000
