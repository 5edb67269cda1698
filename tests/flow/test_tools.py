# SPDX-License-Identifier: Apache-2.0
"""Tools and answers by schema in chat/completions through the real processes. The simulator checks declarations, schemas,
signatures and the order of results as Google would, so what arrives here is also allowed there."""
import json

import pytest

from stage import CHAT, Stage, scripted

NEW, MID, OLD = "gemini-3.5-flash", "gemini-2.5-flash", "gemini-2.0-flash"
MODELS = [NEW, MID, OLD]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("tools"), database=False, admin=False) as stage:
        yield stage


def function(name, parameters=None, **more):
    return {"type": "function", "function": {"name": name, "description": f"Does {name}."} | more
            | ({"parameters": parameters} if parameters else {})}


CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": ["integer", "null"], "minimum": 1}},
        "required": ["city"], "additionalProperties": False, "$schema": "http://json-schema.org/draft-07/schema#"}
WEATHER, CLOCK = function("weather", CITY), function("clock")


def user(text):
    return {"role": "user", "content": text}


def calls(count, text=""):
    return [user(scripted(text, calls=count))]


def ask(stage, model, messages, **more):
    answer = stage.request("POST", CHAT, {"model": model, "messages": messages} | more)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["choices"][0]


def streamed(stage, model, messages, **more):
    """A stream put together as OpenAI's SDK does it, and its finish."""
    answer = stage.request("POST", CHAT, {"model": model, "messages": messages, "stream": True} | more)
    assert answer.status == 200, answer.body
    built, finish, content = {}, None, ""
    for line in answer.body.decode().split("\n\n"):
        if not line.startswith("data: {"):
            continue
        [choice] = json.loads(line[6:])["choices"]
        content += choice["delta"].get("content") or ""
        finish = choice["finish_reason"] or finish
        for delta in choice["delta"].get("tool_calls", []):
            call = built.setdefault(delta["index"], {"id": "", "type": "", "function": {"name": "", "arguments": ""}})
            call["id"] += delta.get("id", "")
            call["type"] += delta.get("type", "")
            for member in ("name", "arguments"):
                call["function"][member] += delta["function"].get(member, "")
            if "extra_content" in delta:
                call["extra_content"] = delta["extra_content"]
    return [built[i] for i in range(len(built))], finish, content


def result(call, content):
    return {"role": "tool", "tool_call_id": call["id"], "content": content}


def bare(call):
    """What is left of a call in a client that knows OpenAI's members only."""
    return {name: call[name] for name in ("id", "type", "function")}


def sent(stage):
    return json.loads(stage.sim.last()["body"])


@pytest.mark.parametrize("model", MODELS)
def test_a_dialogue_with_a_tool(stage, model):
    messages = calls(1)
    choice = ask(stage, model, messages, tools=[WEATHER, CLOCK])
    [call] = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] is None
    assert call["type"] == "function" and call["function"]["name"] == "weather"
    assert set(json.loads(call["function"]["arguments"])) >= {"city"}
    messages += [choice["message"], result(call, '{"sky": "blue"}')]
    assert ask(stage, model, messages, tools=[WEATHER, CLOCK])["finish_reason"] == "stop"
    [response] = [part["functionResponse"] for part in sent(stage)["contents"][-1]["parts"]]
    assert response["name"] == "weather" and response["response"] == {"sky": "blue"}


@pytest.mark.parametrize("model", MODELS)
def test_parallel_calls_are_streamed_and_their_results_come_in_any_order(stage, model):
    messages = calls(3)
    got, finish, content = streamed(stage, model, messages, tools=[WEATHER, CLOCK])
    assert [call["function"]["name"] for call in got] == ["weather", "clock", "weather"]
    assert finish == "tool_calls" and content == "" and len({call["id"] for call in got}) == 3
    assert all(json.loads(call["function"]["arguments"]) is not None for call in got)
    messages += [{"role": "assistant", "content": None, "tool_calls": got}, *[result(call, call["id"]) for call in reversed(got)]]
    assert streamed(stage, model, messages, tools=[WEATHER, CLOCK])[1] == "stop"
    answers = [part["functionResponse"]["response"]["result"] for part in sent(stage)["contents"][-1]["parts"]]
    assert answers == [call["id"] for call in got]


@pytest.mark.parametrize("model", MODELS)
def test_a_client_that_drops_signatures_goes_on(stage, model):
    messages = calls(2)
    for _ in range(2):
        choice = ask(stage, model, messages, tools=[WEATHER, CLOCK])
        got = choice["message"]["tool_calls"]
        assert ("extra_content" in got[0]) == (model != OLD) and "extra_content" not in got[1]
        messages += [{"role": "assistant", "tool_calls": [bare(call) for call in got]}, *[result(call, "ok") for call in got],
                     *calls(2)]
    ask(stage, model, messages, tools=[WEATHER, CLOCK])


def test_a_signature_comes_back_as_it_was(stage):
    messages = calls(1)
    choice = ask(stage, NEW, messages, tools=[CLOCK])
    [call] = choice["message"]["tool_calls"]
    ask(stage, NEW, messages + [choice["message"], result(call, "1")], tools=[CLOCK])
    [part] = sent(stage)["contents"][-2]["parts"]
    assert part["thoughtSignature"] == call["extra_content"]["google"]["thought_signature"]


@pytest.mark.parametrize("model", [NEW, MID])
def test_a_signature_of_others_is_replaced_once(stage, model):
    """Corrupted, as one of another gateway would be: the provider refuses it, and the call goes again without."""
    call = {"id": "A", "type": "function", "function": {"name": "clock", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "c2lnbmVkIGJ5IHNvbWVib2R5IGVsc2UuLi4u"}}}
    before = stage.sim.total()
    choice = ask(stage, model, [user("Hi"), {"role": "assistant", "tool_calls": [call]}, result(call, "1")], tools=[CLOCK])
    assert choice["finish_reason"] == "stop" and stage.sim.total() == before + (2 if model == NEW else 1)


@pytest.mark.parametrize("model", MODELS)
def test_histories_with_gaps_are_taken(stage, model):
    """Results missing, of no call, without ids, twice; calls of former times; calls at the very end."""
    call = {"id": "A", "type": "function", "function": {"name": "clock", "arguments": ""}}
    other = {"id": "B", "type": "function", "function": {"name": "weather", "arguments": '{"city":"X"}'}}
    for history in (
        [{"role": "assistant", "content": "Hm.", "tool_calls": [call, other]}, result(call, "1"), user("and?")],
        [{"role": "tool", "tool_call_id": "Z", "content": "5"}, user("?")],
        [{"role": "assistant", "tool_calls": [call, other]}, {"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}],
        [{"role": "assistant", "tool_calls": [call]}, result(call, "1"), result(call, "2")],
        [{"role": "assistant", "tool_calls": [call]}, user("wait"), result(call, "1"), user("go on")],
        [{"role": "assistant", "function_call": {"name": "clock", "arguments": "{}"}},
         {"role": "function", "name": "clock", "content": "1"}],
        [{"role": "assistant", "tool_calls": [call]}, {"role": "assistant", "tool_calls": [other]}, result(other, "2"),
         result(call, "1")],
        [{"role": "assistant", "tool_calls": [call]}],
    ):
        ask(stage, model, [user("Hi"), *history], tools=[WEATHER, CLOCK])


@pytest.mark.parametrize("said, sent", [('{"a":', {"_raw": '{"a":'}), ('{"a":[1,', {"a": [1]}), ("", {})])
def test_a_conversation_goes_on_whatever_a_model_once_wrote(stage, said, sent):
    call = {"id": "A", "type": "function", "function": {"name": "clock", "arguments": said}}
    answer = stage.request("POST", CHAT, {"model": NEW, "messages": [user("Hi"), {"role": "assistant", "tool_calls": [call]}]})
    assert answer.status == 200, answer.body
    assert json.loads(stage.sim.last()["body"])["contents"][1]["parts"][0]["functionCall"]["args"] == sent


@pytest.mark.parametrize("model", MODELS)
def test_every_choice_is_one_that_the_provider_takes(stage, model):
    named = {"type": "function", "function": {"name": "clock"}}
    for choice, wanted in (("auto", 2), ("none", 0), ("required", 2), (named, 1),
                           ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named]}}, 1),
                           ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}, 1)):
        message = ask(stage, model, calls(2), tools=[WEATHER, function("clock", strict=True)], tool_choice=choice)["message"]
        names = {call["function"]["name"] for call in message.get("tool_calls", [])}
        assert len(names) == wanted and (wanted != 1 or names == {"clock"}), choice


def test_names_are_shortened_and_come_back(stage):
    name = "mcp__filesystem/" + "read-many-files-" * 6
    messages = calls(1)
    choice = ask(stage, OLD, messages, tools=[function(name)], tool_choice={"type": "function", "function": {"name": name}})
    [call] = choice["message"]["tool_calls"]
    assert call["function"]["name"] == name
    ask(stage, OLD, messages + [choice["message"], result(call, "1")], tools=[function(name)])
    assert len(sent(stage)["tools"][0]["functionDeclarations"][0]["name"]) == 64


@pytest.mark.parametrize("stream", [False, True])
def test_functions_of_former_times(stage, stream):
    body = {"model": NEW, "messages": calls(2), "functions": [{"name": "clock"}], "function_call": "auto", "stream": stream}
    answer = stage.request("POST", CHAT, body)
    assert answer.status == 200 and b"tool_calls" not in answer.body
    assert answer.body.count(b'"function_call":{"name":"clock","arguments":"{}"}') == 1
    assert answer.body.count(b'"finish_reason":"function_call"') == 1


def test_a_tool_that_takes_text(stage):
    tools = [{"type": "custom", "custom": {"name": "shell", "description": "Runs it."}}]
    messages = calls(1)
    choice = ask(stage, NEW, messages, tools=tools)
    [call] = choice["message"]["tool_calls"]
    assert call["type"] == "custom" and isinstance(call["custom"]["input"], str)
    ask(stage, NEW, messages + [choice["message"], result(call, "ok")], tools=tools)


# As OpenAI's SDK makes them of pydantic's classes: strict, with definitions, unions, recursion.
STRICT = {"type": "object", "additionalProperties": False, "required": ["name", "kind", "size", "type", "children"],
          "$defs": {"Kind": {"enum": ["leaf", "node"], "title": "Kind", "type": "string"},
                    "Node": {"type": "object", "additionalProperties": False, "required": ["children"], "properties": {
                        "children": {"items": {"$ref": "#/$defs/Node"}, "type": "array", "title": "Children"}}}},
          "properties": {"name": {"title": "Name", "type": "string", "format": "email"}, "kind": {"$ref": "#/$defs/Kind"},
                         "size": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}], "title": "Size"},
                         "type": {"const": "tree", "title": "Type", "type": "string"},
                         "default": {"oneOf": [{"const": 1}, {"const": 2}]},
                         "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
                         "any": {}, "map": {"type": "object", "additionalProperties": {"type": "string"}},
                         "children": {"items": {"$ref": "#/$defs/Node"}, "type": "array", "title": "Children"}}}


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_by_schema(stage, model):
    form = {"type": "json_schema", "json_schema": {"name": "tree", "strict": True, "schema": STRICT}}
    choice = ask(stage, model, [user("A tree, please.")], response_format=form)
    assert isinstance(json.loads(choice["message"]["content"]), dict)
    config = sent(stage)["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert ("responseSchema" if model == OLD else "responseJsonSchema") in config


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_by_the_same_schema_beside_an_answer_in_json(stage, model):
    tools = [function("plant", STRICT, strict=True), CLOCK]
    choice = ask(stage, model, calls(1), tools=tools, response_format={"type": "json_object"})
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "plant"
    ask(stage, model, [user("Hi")], tools=tools, response_format={"type": "json_object"}, tool_choice="none")


def test_a_schema_that_grows_without_measure_is_refused(stage):
    definitions = {str(i): {"type": "object", "properties": {name: {"$ref": f"#/$defs/{i + 1}"} for name in "ab"}}
                   for i in range(40)}
    schema = {"$ref": "#/$defs/0", "$defs": definitions | {"40": {"type": "string"}}}
    answer = stage.request("POST", CHAT, {"model": NEW, "messages": [user("Hi")], "tools": [CLOCK, function("big", schema)]})
    assert answer.status == 400 and json.loads(answer.body)["error"]["param"] == "tools[1].function.parameters"


def test_three_choices_with_calls_of_their_own(stage):
    answer = stage.request("POST", CHAT, {"model": NEW, "messages": calls(2), "tools": [WEATHER, CLOCK], "n": 3})
    got = json.loads(answer.body)["choices"]
    assert [choice["finish_reason"] for choice in got] == ["tool_calls"] * 3
    assert len({call["id"] for choice in got for call in choice["message"]["tool_calls"]}) == 6
