# SPDX-License-Identifier: Apache-2.0
"""Function calls of the simulator: who is called and with what, how turns must be paired, and the signatures that come back."""

import base64
import copy
import json

import pytest

from gemini import Simulator, error_of, events_of, finish_of, prompt, running, sim, text_of  # noqa: F401 (fixtures)

NEW = "gemini-3.5-flash"
OLD = "gemini-2.5-flash"
OLDEST = "gemini-2.0-flash"

WEATHER = {"name": "get_weather", "description": "The weather.", "parameters": {
    "type": "OBJECT", "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER"}}, "required": ["city"]}}
CLOCK = {"name": "get_time", "description": "The time.",
         "parametersJsonSchema": {"type": "object", "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}}}}
TOOLS = [{"functionDeclarations": [WEATHER, CLOCK]}]


def asking(script=None, text="How is it?", **more):
    return {**prompt(text, script), "tools": TOOLS, **more}


def parts_of(answer):
    return [p for c in answer["candidates"] for p in c["content"].get("parts", [])]


def calls_of(*answers):
    return [p["functionCall"] for a in answers for p in parts_of(a) if "functionCall" in p]


def results(*calls, names=None):
    """The content that answers these calls."""
    parts = [{"functionResponse": {**{k: c[k] for k in ("id", "name") if k in c}, "response": {"result": i}}}
             for i, c in enumerate(calls)]
    return {"role": "user", "parts": parts}


def said(sim, body, model=NEW):
    return sim.json(body, model=model)


def turn(sim, script, model=NEW):
    """A body whose last content is the model's call, and that call's answer."""
    body = asking(script)
    answer = said(sim, body, model)
    body["contents"].append(answer["candidates"][0]["content"])
    return body, answer


def refusal(sim, body, model=NEW):
    answer, text = sim.post(body, model=model)
    error = error_of(answer, text)
    assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT")
    return error["message"]


# -- Who is called ---------------------------------------------------------------------------------------------------


def test_declared_functions_are_called_with_what_they_take(sim):
    answer = said(sim, asking({"calls": 3}))
    calls = calls_of(answer)
    assert [(c["name"], c["args"]) for c in calls] == [
        ("get_weather", {"city": "text", "days": 1}), ("get_time", {"zone": "UTC"}), ("get_weather", {"city": "text", "days": 1})]
    assert len({c["id"] for c in calls}) == 3
    assert finish_of(answer) == "STOP"
    assert answer["usageMetadata"]["candidatesTokenCount"] > 0
    assert ["thoughtSignature" in p for p in parts_of(answer)] == [True, False, False]


def test_older_models_give_no_ids(sim):
    assert all("id" not in c for c in calls_of(said(sim, asking({"calls": 1}), OLD)))


def test_scripted_calls_are_made_as_scripted(sim):
    calls = [{"name": "anything", "args": {"a": [1, {"b": None}], "big": 1e300}}, {"name": "bare", "id": "mine"}]
    for body in (asking({"calls": calls}), prompt("x", {"calls": calls})):
        made = calls_of(said(sim, body))
        assert (made[0]["name"], made[0]["args"]) == ("anything", calls[0]["args"])
        assert made[1] == {"name": "bare", "id": "mine"}


def test_calls_follow_text_and_thoughts(sim):
    script = {"calls": 2, "text": "Let me look.", "thoughts": 1, "chunks": 2}
    kinds = [("thought" if p.get("thought") else "text") if "text" in p else "call" for p in parts_of(said(sim, asking(script)))]
    assert kinds == ["thought", "text", "call", "call"]
    events = events_of(sim.post(asking(script), model=NEW, method="streamGenerateContent", query="?alt=sse")[1])
    assert [len(parts_of(e)) for e in events] == [1] * 5
    assert [finish_of(e) for e in events] == [None] * 4 + ["STOP"]
    assert [c["name"] for c in calls_of(*events)] == ["get_weather", "get_time"]
    array = json.loads(sim.post(asking(script), model=NEW, method="streamGenerateContent")[1])
    assert calls_of(*array)[0]["args"] == calls_of(*events)[0]["args"]


def test_a_forced_call_and_one_that_is_forbidden(sim):
    def config(mode, *names):
        return {"functionCallingConfig": {"mode": mode, **({"allowedFunctionNames": list(names)} if names else {})}}

    assert [c["name"] for c in calls_of(said(sim, asking(toolConfig=config("ANY", "get_time"))))] == ["get_time"]
    assert calls_of(said(sim, asking({"calls": 1}, toolConfig=config("NONE")))) == []
    assert calls_of(said(sim, asking())) == []


def test_a_call_without_functions_is_unexpected(sim):
    answer = said(sim, prompt("x", {"calls": 1}))
    assert finish_of(answer) == "UNEXPECTED_TOOL_CALL" and parts_of(answer) == []


@pytest.mark.parametrize("calls", ["x", [{}], [{"name": 1}], [{"name": "f", "args": []}], [{"name": "f", "what": 1}], [3], -1])
def test_wrong_calls_in_a_script_are_refused(sim, calls):
    assert 'wrong value for "calls"' in refusal(sim, asking({"calls": calls}))


# -- Turns ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [NEW, OLD, OLDEST])
def test_a_result_is_taken(sim, model):
    body, answer = turn(sim, {"calls": 2}, model)
    body["contents"].append(results(*calls_of(answer)))
    assert text_of(said(sim, body, model)) == 'The function said: {"result":0}'


def test_results_in_another_order_are_matched_by_id(sim):
    body, answer = turn(sim, {"calls": 2})
    body["contents"].append(results(*reversed(calls_of(answer))))
    assert said(sim, body)
    body, answer = turn(sim, {"calls": 2}, OLD)
    body["contents"].append(results(*reversed(calls_of(answer))))
    assert "does not match the name of any function call" in refusal(sim, body, OLD)


NUMBER = "the number of function response parts is equal to the number of function call parts"


@pytest.mark.parametrize("change, words", [
    (lambda c: c.append(results({"name": "get_weather"})), NUMBER),
    (lambda c: c.append({"role": "user", "parts": [{"text": "never mind"}]}), NUMBER),
    (lambda c: None, NUMBER),
    (lambda c: c.append(results({"name": "x"}, {"name": "y"})), "does not match the name"),
    (lambda c: c.append({"role": "model", "parts": [{"functionCall": {"name": "f"}}]}), "function call turn comes immediately after"),
    (lambda c: c.insert(1, results({"name": "f"})), "function response turn comes immediately after a function call turn"),
    (lambda c: c.insert(1, {"role": "model", "parts": [{"text": "Hm."}]}), "function call turn comes immediately after a user turn"),
    (lambda c: c[0]["parts"].append({"functionCall": {"name": "f"}}), "function call turn comes immediately after a user turn"),
    (lambda c: c.append({"role": "function", "parts": [{"functionResponse": {"name": "f"}}]}), "valid role: user, model."),
    (lambda c: c[1]["parts"][0]["functionCall"].pop("name"), "function_call.name: Name cannot be empty."),
])
def test_turns_out_of_order_are_refused(sim, change, words):
    body, _ = turn(sim, {"calls": 2}, OLD)
    change(body["contents"])
    assert words in refusal(sim, body, OLD)


def test_a_response_of_another_id_is_refused_by_newer_models(sim):
    """One without an id is not: Google's own SDK for Python sends it so."""
    body, answer = turn(sim, {"calls": 1})
    body["contents"].append(results({"name": "get_weather", "id": "another"}))
    assert "does not match the name and the id" in refusal(sim, body)
    body["contents"][-1] = results({"name": "get_time"})
    assert "does not match the name and the id" in refusal(sim, body)
    body["contents"][-1] = results({"name": "get_weather"})
    assert said(sim, body)


def test_text_among_results(sim):
    body, answer = turn(sim, {"calls": 2})
    content = results(*calls_of(answer))
    body["contents"].append(content)
    content["parts"].append({"text": "And now?"})
    assert said(sim, body)
    content["parts"].insert(1, content["parts"].pop())
    assert "function response parts come before all other parts" in refusal(sim, body)


def test_older_models_take_older_roles(sim):
    for role in ("function", "tool"):
        body, answer = turn(sim, {"calls": 1}, OLDEST)
        body["contents"].append({**results(*calls_of(answer)), "role": role})
        assert said(sim, body, OLDEST)


def test_newer_models_refuse_to_end_with_a_call(sim):
    body, _ = turn(sim, {"calls": 1}, "gemini-3.6-flash")
    assert "Requests ending with a model turn are not supported" in refusal(sim, body, "gemini-3.6-flash")


# -- Signatures -----------------------------------------------------------------------------------------------------


def answered(sim, model=NEW, script=None):
    """A body with a call and its result, ready to be sent, and the part with the signature in it."""
    body, answer = turn(sim, script or {"calls": 2}, model)
    body["contents"].append(results(*calls_of(answer)))
    return body, body["contents"][1]["parts"][0]


def test_a_missing_signature_is_refused(sim):
    body, part = answered(sim)
    del part["thoughtSignature"]
    assert refusal(sim, body) == "Function call `get_weather` in the `2.` content block is missing a `thought_signature`.\n"


def test_a_signature_is_checked_by_another_process_and_after_a_restart(sim):
    other = Simulator()
    body, _ = answered(sim)
    try:
        assert other.post(body, model=NEW)[0].status == 200
    finally:
        other.stop()


def flipped(text):
    data = bytearray(base64.b64decode(text))
    data[-1] ^= 1
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("change, words", [
    (flipped, "Corrupted thought signature."),
    (lambda s: s[:-4], "Corrupted thought signature."),
    (lambda s: "", "Corrupted thought signature."),
    (lambda s: "YWJj", "Corrupted thought signature."),
    (lambda s: base64.b64encode(b"x" * 500).decode(), "Corrupted thought signature."),
    (lambda s: "not base64", "TYPE_BYTES"),
])
def test_a_signature_that_is_none_is_refused(sim, change, words):
    body, part = answered(sim)
    part["thoughtSignature"] = change(part["thoughtSignature"])
    assert words in refusal(sim, body)


def test_a_signature_of_another_call_is_refused(sim):
    for change in (lambda c: c.update(name="get_time"), lambda c: c["args"].update(days=2), lambda c: c.pop("args")):
        body, part = answered(sim)
        change(part["functionCall"])
        for response in body["contents"][2]["parts"]:
            if response["functionResponse"]["id"] == part["functionCall"]["id"]:
                response["functionResponse"]["name"] = part["functionCall"]["name"]
        assert refusal(sim, body) == "Thought signature is not valid\n"


def test_the_spelling_of_a_call_does_not_matter(sim):
    body, part = answered(sim)
    args = part["functionCall"]["args"]
    part["functionCall"]["args"] = {"days": 1.0, "city": args["city"]}
    part["thought_signature"] = part.pop("thoughtSignature").replace("+", "-").replace("/", "_")
    assert said(sim, body)


SKIP = "skip_thought_signature_validator"


@pytest.mark.parametrize("skip", [SKIP, "context_engineering_is_the_way_to_go", base64.b64encode(SKIP.encode()).decode()])
def test_the_check_can_be_skipped(sim, skip):
    body, part = answered(sim)
    part["thoughtSignature"] = skip
    assert said(sim, body)


def test_each_step_of_a_turn_needs_its_signature_but_not_older_turns(sim):
    body, first = answered(sim, script={"calls": 1})
    body["contents"][0]["parts"][0]["text"] = "How is it?"
    again = copy.deepcopy(body["contents"])
    body["contents"] += again[1:]
    second = body["contents"][3]["parts"][0]
    assert said(sim, body)
    del second["thoughtSignature"]
    assert "in the `4.` content block" in refusal(sim, body)
    body["contents"].append({"role": "model", "parts": [{"text": "Fine."}]})
    body["contents"].append({"role": "user", "parts": [{"text": "Thanks."}]})
    assert said(sim, body)


def test_parallel_calls_in_one_content_need_one_signature(sim):
    body, part = answered(sim)
    second = body["contents"][1]["parts"][1]
    assert "thoughtSignature" not in second
    calls, responses = body["contents"][1], body["contents"][2]
    body["contents"][1:] = [{"role": "model", "parts": [calls["parts"][0]]}, {"role": "user", "parts": [responses["parts"][0]]},
                            {"role": "model", "parts": [second]}, {"role": "user", "parts": [responses["parts"][1]]}]
    assert "Function call `get_time` in the `4.` content block is missing" in refusal(sim, body)


def test_models_before_three_ask_for_none(sim):
    for model in (OLD, OLDEST):
        body, part = answered(sim, model)
        part["thoughtSignature"] = "YWJj"
        assert said(sim, body, model)


def test_a_text_is_signed_at_its_end(sim):
    parts = parts_of(said(sim, prompt()))
    assert [sorted(p) for p in parts] == [["text", "thoughtSignature"]]
    events = events_of(sim.stream(model=NEW)[1])
    assert ["thoughtSignature" in parts_of(e)[0] for e in events] == [False, False, True]
    events = events_of(sim.stream(script={"signature_apart": True}, model=NEW)[1])
    assert parts_of(events[-1])[0]["text"] == "" and "thoughtSignature" in parts_of(events[-1])[0]
    assert [finish_of(e) for e in events] == [None, None, None, "STOP"]
    assert text_of(*events) == "You said: Hello"
    body = prompt()
    body["contents"] += [events[-1]["candidates"][0]["content"], prompt()["contents"][0]]
    assert said(sim, body)
    body["contents"][1]["parts"][0]["thoughtSignature"] = "YWJj"
    assert "Corrupted" in refusal(sim, body)


def test_models_of_two_five_sign_the_first_part_when_there_are_functions(sim):
    assert all("thoughtSignature" not in p for p in parts_of(said(sim, prompt(), OLD)))
    events = events_of(sim.post(asking(), method="streamGenerateContent", query="?alt=sse", model=OLD)[1])
    assert ["thoughtSignature" in parts_of(e)[0] for e in events] == [True, False, False]


def test_signatures_can_be_long(sim):
    body, part = answered(sim, script={"calls": 1, "signature_bytes": 20_000})
    assert len(part["thoughtSignature"]) >= 20_000
    assert said(sim, body)
