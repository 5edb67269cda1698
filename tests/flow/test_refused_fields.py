# SPDX-License-Identifier: Apache-2.0
"""A field that the provider refuses for the model is taken out of a translated request, which is then made once more; the
frontend remembers it. A client's own Gemini body is never changed."""
import json

import pytest

from recovery import ask, assert_exactly_once, begin, wait_forgotten, wait_pairs
from stage import MODEL, SLOW, Stage

PENALTY = "Penalty is not enabled for this model"
OTHER = "gemini-2.5-pro"
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("refused")) as stage:
        yield stage


@pytest.fixture
def stage(shared):
    """A frontend that remembers nothing yet."""
    wait_forgotten(shared)
    shared.restart("frontend")
    shared.wait_ready()
    wait_pairs(shared)
    shared.wait_rows(shared.sim.total())
    shared.sim.reset()
    shared.query("delete from attempts")
    return shared


def refuse(stage, message, times=1, **rest):
    stage.sim.script(model=MODEL, times=times, error_status=400, error_message=message, **rest)


def bodies(stage):
    return [json.loads(request["body"]) for request in stage.sim.requests()]


REFUSED = [
    (PENALTY, {"presence_penalty": 1, "frequency_penalty": 0.5}, ["presencePenalty", "frequencyPenalty"]),
    ("JSON mode is not enabled for models/x", {"response_format": {"type": "json_object"}}, ["responseMimeType"]),
    ("Thinking budget is not supported for this model.", {"reasoning_effort": "low"}, ["thinkingBudget"]),
    ("Thinking is not enabled for models/x", {"reasoning_effort": "low"}, ["thinkingConfig"]),
]


@pytest.mark.short
@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("message, fields, members", REFUSED, ids=[members[0] for _, _, members in REFUSED])
def test_a_refused_field_is_taken_out_and_the_call_made_once_more(stage, message, fields, members, is_stream):
    refuse(stage, message)
    [answer] = begin(stage, [ask("hello", is_stream, seed=7, **fields)]).join(20 * SLOW)
    assert answer.status == 200 and answer.ending == "end" and not answer.errors, answer.body
    assert stage.sim.total() == 2
    first, second = (json.dumps(body) for body in bodies(stage))
    for member in members:
        assert f'"{member}"' in first and f'"{member}"' not in second
    assert bodies(stage)[1]["generationConfig"]["seed"] == 7 and bodies(stage)[1]["contents"] == bodies(stage)[0]["contents"]
    rows = stage.wait_accounted()
    assert sorted(row["fault"] for row in rows) == ["bad_request", "none"]
    assert len({row["call_id"] for row in rows}) == 2 and {row["attempt"] for row in rows} == {1}


def test_what_the_model_refuses_is_remembered(stage):
    refuse(stage, PENALTY)
    assert stage.chat("hello", presence_penalty=1).status == 200 and stage.sim.total() == 2
    for _ in range(3):
        assert stage.chat("hello", presence_penalty=1, seed=1).status == 200
    assert stage.sim.total() == 5
    assert not any("presencePenalty" in json.dumps(body) for body in bodies(stage)[1:])
    assert stage.chat("hello", presence_penalty=1, model=OTHER).status == 200
    assert "presencePenalty" in json.dumps(bodies(stage)[5]), "another model may take it"
    native = {"contents": [{"role": "user", "parts": [{"text": "a"}]}], "generationConfig": {"presencePenalty": 1}}
    assert stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", native).status == 200
    assert bodies(stage)[-1] == native


RESOLVING = "gemini-3-flash-preview"  # takes mediaResolution of a part


@pytest.mark.parametrize("is_stream", [False, True])
def test_the_resolution_of_a_picture_is_taken_out_of_its_part(stage, is_stream):
    picture = {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "See:"}, picture]}]
    stage.sim.script(model=RESOLVING, times=1, error_status=400, error_message=f"Media resolution is not enabled for models/{RESOLVING}")
    for _ in range(2):  # at once, and then from memory
        [answer] = begin(stage, [ask("", is_stream, messages=messages, model=RESOLVING)]).join(20 * SLOW)
        assert answer.status == 200 and answer.ending == "end" and not answer.errors, answer.body
    first, *rest = bodies(stage)
    assert first["contents"][0]["parts"][1].pop("mediaResolution") == {"level": "MEDIA_RESOLUTION_LOW"}
    assert rest == [first, first], "nothing else went, and the second request was right at once"


def test_an_assistants_last_word_is_continued_if_that_is_wished(stage_of):
    stage = stage_of(env={"CONTINUE_PREFILL": "true"}, database=False, admin=False)
    messages = [{"role": "user", "content": "Say it."}, {"role": "assistant", "content": "Well,"}]
    known = "gemini-3.6-flash"  # known to refuse it
    assert stage.chat(messages=messages, model=known).json["choices"][0]["message"]["content"] == "You said: Continue."
    assert stage.sim.total() == 1
    refuse(stage, f"Requests ending with a model turn are not supported for models/{MODEL}")  # found out
    for _ in range(2):
        assert stage.chat(messages=messages).json["choices"][0]["message"]["content"] == "You said: Continue."
    assert stage.sim.total() == 4
    *_, first, second, third = bodies(stage)
    assert second == third and second["contents"][:-1] == first["contents"]


def test_or_else_it_is_refused(stage):
    messages = [{"role": "user", "content": "Say it."}, {"role": "assistant", "content": "Well,"}]
    message = f"Requests ending with a model turn are not supported for models/{MODEL}"
    refuse(stage, message)
    answer = stage.chat(messages=messages)
    assert answer.status == 400 and answer.json["error"]["message"] == message and stage.sim.total() == 1
    assert stage.chat(messages=messages, model="gemini-3.6-flash").json["error"]["param"] == "messages" and stage.sim.total() == 1


def test_a_system_instruction_becomes_the_first_words(stage):
    refuse(stage, "Developer instruction is not enabled for models/x")
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    assert stage.chat(messages=messages).status == 200
    first, second = bodies(stage)
    assert first["systemInstruction"] and "systemInstruction" not in second
    assert [part["text"] for part in second["contents"][0]["parts"]] == ["Be brief.", "hello"]


SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}
STATES = "The specified schema produces a constraint that has too many states for serving."


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_schema_that_is_refused_is_left_out_for_that_request(stage, is_stream):
    refuse(stage, STATES)
    for _ in range(2):
        [answer] = begin(stage, [ask("hello", is_stream, response_format=SCHEMA)]).join(20 * SLOW)
        assert answer.status == 200 and not answer.errors, answer.body
    first, second, third = (body["generationConfig"] for body in bodies(stage))
    assert "responseJsonSchema" in first and "responseJsonSchema" not in second
    assert second["responseMimeType"] == "application/json" and third == first


def test_a_strict_schema_is_kept_or_refused(stage):
    refuse(stage, STATES)
    strict = {**SCHEMA, "json_schema": {**SCHEMA["json_schema"], "strict": True}}
    answer = stage.chat("hello", response_format=strict)
    assert answer.status == 400 and answer.json["error"]["message"] == STATES and stage.sim.total() == 1


def test_it_is_tried_once_only(stage):
    refuse(stage, PENALTY, times=5)
    answer = stage.chat("hello", presence_penalty=1)
    assert answer.status == 400 and answer.json["error"]["message"] == PENALTY and stage.sim.total() == 2
    assert answer.json["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("message", [f'Invalid value "{PENALTY}"', "Penalty must be below 2", "Request contains an invalid argument."])
def test_another_mistake_is_the_clients(stage, message):
    refuse(stage, message)
    assert stage.chat("hello", presence_penalty=1).status == 400 and stage.sim.total() == 1


def test_what_was_not_asked_for_cannot_be_taken_out(stage):
    refuse(stage, PENALTY)
    answer = stage.chat("presencePenalty")
    assert answer.status == 400 and stage.sim.total() == 1
    assert stage.chat("presencePenalty").status == 200


@pytest.mark.parametrize("operation", ["generateContent", "streamGenerateContent?alt=sse", "streamGenerateContent"])
def test_a_native_body_is_never_changed(stage, operation):
    refuse(stage, PENALTY)
    body = {"contents": [{"role": "user", "parts": [{"text": "a"}]}], "generationConfig": {"presencePenalty": 1}}
    answer = stage.request("POST", f"/v1beta/models/{MODEL}:{operation}", body)
    assert answer.status == 400 and PENALTY in answer.text and stage.sim.total() == 1


def test_the_key_has_no_part_in_it(stage_of):
    stage = stage_of(keys=["key-ok-1"], env={"MAX_RETRIES": 1})
    refuse(stage, PENALTY)
    assert stage.chat("hello", presence_penalty=1).status == 200
    assert stage.sim.by_key() == {"key-ok-1": 2}


def test_each_choice_is_mended_by_itself(stage):
    refuse(stage, PENALTY, times=3, first_ms=300)
    answer = stage.chat("hello", presence_penalty=1, n=3)
    assert answer.status == 200 and len(answer.json["choices"]) == 3 and stage.sim.total() == 6
    assert sorted(row["fault"] for row in stage.wait_accounted()) == ["bad_request"] * 3 + ["none"] * 3


def test_a_large_body_is_mended_as_well(stage):
    refuse(stage, PENALTY)
    assert stage.chat("x" * 500_000, presence_penalty=1).status == 200
    first, second = stage.sim.requests()
    assert 0 < first["body_bytes"] - second["body_bytes"] < 100


def test_without_room_for_a_second_body_the_refusal_stands(stage_of):
    stage = stage_of(env={"BODY_BUDGET": "1MiB"}, database=False, admin=False)
    refuse(stage, PENALTY)
    assert stage.chat("x" * 700_000, presence_penalty=1).status == 400 and stage.sim.total() == 1
    assert stage.chat("x" * 700_000).status == 200, "its room came back"


# --------------------------------------------------------------------------------------------------------------- kills

@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("who, most", [("balancer", 2), ("upstream-0", 3)])
def test_whoever_is_killed_during_the_second_try_it_goes_on(stage_of, who, most, is_stream):
    stage = stage_of(upstreams=1)
    stage.sim.script(first_ms=1500, chunks=3, numbered=True)
    refuse(stage, PENALTY)
    with begin(stage, [ask("hello", is_stream, presence_penalty=1)]) as running:
        stage.wait("the second try has begun", lambda: stage.sim.total() == 2)
        stage.kill(who)
        stage.start(who)
        [answer] = running.join(30 * SLOW)
    assert answer.status == 200 and answer.ending == "end" and not answer.errors, (answer.status, answer.body)
    assert stage.sim.total() == most
    assert_exactly_once(stage, may_lose=who != "balancer")
