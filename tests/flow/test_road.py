# SPDX-License-Identifier: Apache-2.0
"""The straight road: what a client asks arrives at the provider, what the provider says arrives at the client, and each
attempt becomes one row. One stage serves all tests of this file but those that take processes away."""
import json
import re
import time
import zlib

import pytest

from stage import CHAT, MODEL, TOKEN, Stage, scripted

OPENAI = ["/v1", "/hf/v1"]
NATIVE = ["/v1beta", "/gemini/v1beta"]
OTHER_TOKEN = "test-token-2"
ADMIN_TOKEN = "test-admin-token"
HIDDEN_MODEL = "gemini-2.0-flash-lite"
KEYS = [f"key-ok-{i}" for i in range(3)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    env = {"AUTH_TOKEN": ADMIN_TOKEN, "FILTERED_MODELS": json.dumps([HIDDEN_MODEL])}
    with Stage(tmp_path_factory.mktemp("road"), keys=KEYS, tokens=[TOKEN, OTHER_TOKEN], env=env) as stage:
        yield stage


def sent(stage):
    """The provider's request body of the last call."""
    return json.loads(stage.sim.last()["body"])


def header(request, name):
    return [value for key, value in request["headers"] if key.lower() == name]


def nameless(body):
    """Without what differs from one answer to the next."""
    return re.sub(rb"sim[0-9a-f]{16}", b"ID", body)


# ----------------------------------------------------------------------------------------------------------------- chat

@pytest.mark.short
@pytest.mark.parametrize("prefix", OPENAI)
def test_a_chat_call_is_answered_whole(stage, prefix):
    answer = stage.chat("hello there", path=prefix + "/chat/completions")
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert int(answer.headers["content-length"]) == len(answer.body)
    reply = answer.json
    assert reply["id"].startswith("chatcmpl-") and reply["object"] == "chat.completion" and reply["model"] == MODEL
    assert reply["created"] > 1_600_000_000
    [choice] = reply["choices"]
    assert choice["index"] == 0 and choice["finish_reason"] == "stop"
    assert choice["message"]["role"] == "assistant" and choice["message"]["content"] == "You said: hello there"
    usage = reply["usage"]
    assert usage["prompt_tokens"] > 0 and usage["completion_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]

    request = stage.sim.last()
    assert (request["method"], request["path"]) == ("POST", f"/v1beta/models/{MODEL}:generateContent")
    assert request["key"] in KEYS and header(request, "x-goog-api-key") == [request["key"]]
    assert "key" not in request["query"] and not header(request, "authorization")
    assert json.loads(request["body"])["contents"] == [{"role": "user", "parts": [{"text": "hello there"}]}]


@pytest.mark.short
@pytest.mark.parametrize("prefix", OPENAI)
def test_a_chat_call_is_streamed(stage, prefix):
    stream = stage.chat_stream(scripted(chunks=5, chunk_bytes=10, numbered=True), path=prefix + "/chat/completions")
    stream.assert_numbered(5)
    assert stream.headers["content-type"].startswith("text/event-stream")
    chunks = stream.chunks
    assert {(chunk["id"], chunk["object"], chunk["model"], chunk["created"]) for chunk in chunks} == {
        (chunks[0]["id"], "chat.completion.chunk", MODEL, chunks[0]["created"])}
    assert chunks[0]["id"].startswith("chatcmpl-")
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert all("role" not in chunk["choices"][0]["delta"] for chunk in chunks[1:])
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert not any("usage" in chunk for chunk in chunks)
    request = stage.sim.last()
    assert (request["path"], request["query"]) == (f"/v1beta/models/{MODEL}:streamGenerateContent", "alt=sse")


def test_each_chunk_is_passed_on_as_it_comes(stage):
    with stage.streams(1, chunks=8, chunk_bytes=10, numbered=True, pace_ms=150) as running:
        running.wait_events(3, 10)
        stream = running.all[0]
        assert not stream.ending and len(stream.numbers) < 8
        running.wait("ended", lambda s: s.ending, 20)
        assert stream.ended - stream.first > 0.5
        stream.assert_numbered(8)


def test_usage_is_streamed_when_it_is_asked_for(stage):
    prompt = scripted("count me", chunks=3, chunk_bytes=40)
    stream = stage.chat_stream(prompt, stream_options={"include_usage": True})
    *chunks, last = stream.chunks
    assert stream.done and last["choices"] == [] and all(chunk["usage"] is None for chunk in chunks)
    assert last["usage"]["completion_tokens"] == 30 and last["usage"]["prompt_tokens"] > 0
    whole = stage.chat(prompt).json["usage"]
    assert whole == last["usage"]


def test_usage_counts_thoughts_tools_and_cached_tokens(stage):
    figures = {"promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 7, "totalTokenCount": 130,
               "cachedContentTokenCount": 60, "toolUsePromptTokenCount": 3}
    usage = stage.chat(scripted(usage=figures, text="x")).json["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (103, 27, 130)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 60
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 7


def test_all_parameters_arrive_translated(stage):
    stage.chat("p", temperature=0.25, top_p=0.5, top_k=7, max_tokens=77, stop=["END", "FIN"], seed=42,
               presence_penalty=0.5, frequency_penalty=-0.25, response_format={"type": "json_object"},
               user="someone", metadata={"a": "b"})
    config = sent(stage)["generationConfig"]
    assert config["temperature"] == 0.25 and config["topP"] == 0.5 and config["topK"] == 7
    assert config["maxOutputTokens"] == 77 and config["stopSequences"] == ["END", "FIN"] and config["seed"] == 42
    assert config["presencePenalty"] == 0.5 and config["frequencyPenalty"] == -0.25
    assert config["responseMimeType"] == "application/json"

    stage.chat("p", max_tokens=77, max_completion_tokens=55, stop="ONE")
    config = sent(stage)["generationConfig"]
    assert config["maxOutputTokens"] == 55 and config["stopSequences"] == ["ONE"]

    stage.chat("p", temperature=None, max_tokens=None, stop=None)
    assert not {"temperature", "maxOutputTokens", "stopSequences"} & set(sent(stage).get("generationConfig", {}))


def test_the_effort_of_reasoning_becomes_a_budget_or_a_level(stage):
    stage.chat("p", reasoning_effort="high", model="gemini-2.5-flash")
    assert sent(stage)["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 24576
    stage.chat("p", reasoning_effort="low", model="gemini-3-flash-preview")
    assert sent(stage)["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "LOW"


def test_safety_settings_of_the_operator_go_along(stage):
    stage.chat("p")
    settings = {setting["category"]: setting["threshold"] for setting in sent(stage)["safetySettings"]}
    assert settings["HARM_CATEGORY_HARASSMENT"] == "OFF" and len(settings) == 5


def test_roles_and_turns_arrive_in_their_places(stage):
    stage.chat(messages=[
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is machine learning?"},
        {"role": "assistant", "content": "A branch of AI."},
        {"role": "user", "content": [{"type": "text", "text": "An example"}, {"type": "text", "text": "please"}]},
        {"role": "developer", "content": "And kind."},
        {"role": "user", "content": "in Chinese: 机器学习 🙂"},
    ])
    body = sent(stage)
    assert [part["text"] for part in body["systemInstruction"]["parts"]] == ["Be brief.", "And kind."]
    assert [(content["role"], [part["text"] for part in content["parts"]]) for content in body["contents"]] == [
        ("user", ["What is machine learning?"]),
        ("model", ["A branch of AI."]),
        ("user", ["An example", "please", "in Chinese: 机器学习 🙂"]),
    ]


@pytest.mark.parametrize("text", ['quotes " and \\ slashes / \t tab', "line\nbreak\r\nand \u2028", "机器学习 🙂 é \x7f"])
def test_any_text_survives_both_ways(stage, text):
    said = stage.chat(text).json["choices"][0]["message"]["content"]
    assert said == "You said: " + text
    assert sent(stage)["contents"][0]["parts"][0]["text"] == text
    assert stage.chat_stream(text).text == "You said: " + text


def test_control_characters_become_the_sign_of_what_cannot_be_read(stage):
    assert stage.chat("a \u0001 b").json["choices"][0]["message"]["content"] == "You said: a \ufffd b"
    assert sent(stage)["contents"][0]["parts"][0]["text"] == "a \ufffd b"


@pytest.mark.parametrize("gemini, openai", [("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"),
                                            ("RECITATION", "content_filter"), ("SOMETHING_NEW", "stop")])
def test_the_reason_of_the_end_is_translated(stage, gemini, openai):
    prompt = scripted(text="some words", finish=gemini)
    assert stage.chat(prompt).json["choices"][0]["finish_reason"] == openai
    stream = stage.chat_stream(prompt)
    assert stream.finish == openai and stream.text == "some words" and stream.done


def test_a_limit_and_a_stop_word_end_the_answer(stage):
    reply = stage.chat("a long enough prompt to be cut", max_tokens=3).json
    assert reply["choices"][0]["finish_reason"] == "length"
    assert len(reply["choices"][0]["message"]["content"]) <= 12
    reply = stage.chat("before STOP after", stop="STOP").json
    assert reply["choices"][0]["message"]["content"] == "You said: before "


def test_thoughts_are_reasoning_and_not_content(stage):
    prompt = scripted(text="the answer", thoughts=2)
    message = stage.chat(prompt).json["choices"][0]["message"]
    assert message["content"] == "the answer"
    assert message["reasoning_content"].count("Thinking about it") == 2
    stream = stage.chat_stream(prompt)
    assert stream.text == "the answer" and stream.reasoning == message["reasoning_content"]
    assert sent(stage)["generationConfig"]["thinkingConfig"]["includeThoughts"] is True


def test_thoughts_may_be_kept_from_clients(stage_of):
    stage = stage_of(database=False, admin=False, env={"SHOW_THINKING_PROCESS": "false"})
    prompt = scripted(text="the answer", thoughts=2)
    message = stage.chat(prompt).json["choices"][0]["message"]
    assert message["content"] == "the answer" and not message.get("reasoning_content")
    stream = stage.chat_stream(prompt)
    assert stream.text == "the answer" and stream.reasoning == "" and stream.done
    assert "includeThoughts" not in stage.sim.last()["body"]


def test_a_blocked_prompt_is_an_answer(stage):
    before = stage.sim.total()
    prompt = scripted("bad", blocked="PROHIBITED_CONTENT")
    [choice] = stage.chat(prompt).json["choices"]
    assert choice["finish_reason"] == "content_filter" and not choice["message"]["content"]
    assert "PROHIBITED_CONTENT" in choice["message"]["refusal"]
    stream = stage.chat_stream(prompt)
    assert stream.finish == "content_filter" and stream.done and stream.text == ""
    assert stage.sim.total() == before + 2, "another key was tried in vain"


def test_a_model_may_be_named_in_several_ways_and_keeps_its_name(stage):
    for name in ("models/gemini-2.5-flash", "google/gemini-2.5-flash", "gemini-2.5-flash"):
        assert stage.chat(model=name).json["model"] == name
        assert stage.sim.last()["path"] == "/v1beta/models/gemini-2.5-flash:generateContent"


def test_many_calls_at_once_get_each_its_own_answer(stage):
    streams = stage.run_streams(100, text=lambda i: f"I am number {i}.")
    for stream in streams:
        assert stream.is_whole and stream.text == f"You said: I am number {stream.number}.", (stream.status, stream.body)
    answers = stage.run_streams(100, text=lambda i: f"I am number {i}.", stream=False)
    for answer in answers:
        reply = json.loads(answer.body)
        assert reply["choices"][0]["message"]["content"] == f"You said: I am number {answer.number}."


def test_keys_take_turns(stage):
    before = stage.sim.by_key()
    for i in range(9):
        assert stage.chat(f"turn {i}").status == 200
    after = stage.sim.by_key()
    assert [after.get(key, 0) - before.get(key, 0) for key in KEYS] == [3, 3, 3]


def test_several_frontends_and_upstreams_share_the_work(stage_of):
    stage = stage_of(frontends=2, upstreams=3)
    stage.wait("all see each other", lambda: sum(
        line["event"] == "dump.pair" and line["frontend_sees"] == line["upstream_sees"] == "1"
        for line in stage.dump("balancer")["balancer"]) == 6)
    for stream in stage.run_streams(90, chunks=10, chunk_bytes=20, numbered=True, pace_ms=10):
        stream.assert_numbered(10)
    rows = stage.wait_accounted()
    assert len({row["frontend"] for row in rows}) == 2 and len({row["sender"] for row in rows}) == 3
    shares = sorted(sum(row["sender"] == sender for row in rows) for sender in {row["sender"] for row in rows})
    assert len(rows) == 90 and shares[0] >= 20, shares


# --------------------------------------------------------------------------------------------------------------- native

ODD_BODY = ('{ "contents" : [ {"parts":[{"text":"h\\u00e9llo  \\n 世界"}] , "role":"user"} ],\n\t"generationConfig":'
            '{"temperature": 0.70, "maxOutputTokens": 50}, "cachedContent": null }  \n').encode()


@pytest.mark.short
@pytest.mark.parametrize("prefix", NATIVE)
@pytest.mark.parametrize("operation, query", [("generateContent", ""), ("streamGenerateContent", "?alt=sse"),
                                              ("streamGenerateContent", "")])
def test_native_bytes_go_untouched_both_ways(stage, prefix, operation, query):
    answer = stage.request("POST", f"{prefix}/models/{MODEL}:{operation}{query}", ODD_BODY)
    request = stage.sim.last()
    assert answer.status == 200, answer.text
    assert request["body"].encode() == ODD_BODY and request["query"] == query.lstrip("?")
    assert request["path"] == f"/v1beta/models/{MODEL}:{operation}"
    direct = stage.sim.direct("POST", f"/v1beta/models/{MODEL}:{operation}{query}", ODD_BODY)
    assert nameless(answer.body) == nameless(direct.body) and b"ID" in nameless(answer.body)
    assert answer.headers["content-type"] == direct.headers["content-type"]


def test_native_streams_keep_their_bytes_whatever_their_lines_end_in(stage):
    for line_end in ("\r\n", "\n"):
        prompt = scripted(chunks=20, chunk_bytes=100, numbered=True, thoughts=2, line_end=line_end)
        body = json.dumps({"contents": [{"role": "user", "parts": [{"text": prompt}]}]}).encode()
        path = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
        stream = stage.request("POST", path, body)
        direct = stage.sim.direct("POST", path, body)
        assert nameless(stream.body) == nameless(direct.body)


def test_native_large_bodies_arrive_whole(stage):
    text = "0123456789abcdef" * 20000  # more than rides inside a letter
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": text}]}]}).encode()
    answer = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", body)
    request = stage.sim.last()
    assert answer.status == 200 and request["body_bytes"] == len(body)
    assert request["body_crc32"] == zlib.crc32(body)


# --------------------------------------------------------------------------------------------------------------- models

@pytest.mark.short
@pytest.mark.parametrize("prefix", OPENAI)
def test_models_are_listed_in_openais_form(stage, prefix):
    reply = stage.request("GET", prefix + "/models").json
    models = {model["id"]: model for model in reply["data"]}
    assert reply["object"] == "list" and MODEL in models and "gemini-1.5-flash" in models
    assert models[MODEL]["object"] == "model" and models[MODEL]["owned_by"] == "google"
    assert isinstance(models[MODEL]["created"], int)
    assert HIDDEN_MODEL not in models and not any(name.startswith("models/") for name in models)


@pytest.mark.parametrize("prefix", NATIVE)
def test_models_are_listed_in_googles_form(stage, prefix):
    answer = stage.request("GET", prefix + "/models?pageSize=5")
    assert stage.sim.last()["query"] == "pageSize=5"
    direct = stage.sim.direct("GET", "/v1beta/models?pageSize=5")
    assert answer.body == direct.body and len(answer.json["models"]) == 5


@pytest.mark.parametrize("prefix", NATIVE)
def test_one_model_is_described_in_googles_form(stage, prefix):
    answer = stage.request("GET", f"{prefix}/models/{MODEL}")
    assert answer.body == stage.sim.direct("GET", f"/v1beta/models/{MODEL}").body
    assert answer.json["name"] == f"models/{MODEL}"


def test_a_hidden_model_is_refused(stage):
    before = stage.sim.total()
    answer = stage.chat(model=HIDDEN_MODEL)
    assert answer.status == 404 and answer.json["error"]["code"] == "model_not_found"
    assert stage.request("POST", f"/v1beta/models/{HIDDEN_MODEL}:generateContent", ODD_BODY).status == 404
    assert stage.sim.total() == before


# ----------------------------------------------------------------------------------------------------------------- auth

WAYS = {
    "bearer": lambda token: ({"Authorization": f"Bearer {token}"}, ""),
    "x-goog-api-key": lambda token: ({"x-goog-api-key": token}, ""),
    "query": lambda token: ({}, f"?key={token}"),
}


def ask_with(stage, way, token, path):
    headers, query = WAYS[way](token)
    body = ODD_BODY if "v1beta" in path else stage.chat_body("hello")
    return stage.request("POST", path + query, body, headers, token=None)


@pytest.mark.short
@pytest.mark.parametrize("path", [CHAT, f"/v1beta/models/{MODEL}:generateContent"])
@pytest.mark.parametrize("way", WAYS)
def test_a_token_may_come_in_three_ways(stage, way, path):
    for token in (TOKEN, OTHER_TOKEN, ADMIN_TOKEN):
        assert ask_with(stage, way, token, path).status == 200
        request = stage.sim.last()
        assert token not in request["query"] and not any(token in value for _, value in request["headers"])


@pytest.mark.short
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("token", ["not-ours", TOKEN + "x", TOKEN[:-1], "", TOKEN.upper(), KEYS[0]])
def test_a_wrong_token_is_refused_in_the_form_of_the_route(stage, way, token):
    before = stage.sim.total()
    answer = ask_with(stage, way, token, CHAT)
    assert answer.status == 401, answer.text
    error = answer.json["error"]
    assert error["code"] == "invalid_api_key" and error["type"] == "invalid_request_error" and error["message"]
    answer = ask_with(stage, way, token, f"/gemini/v1beta/models/{MODEL}:generateContent")
    assert answer.status == 401, answer.text
    error = answer.json["error"]
    assert error["code"] == 401 and error["status"] == "UNAUTHENTICATED" and error["message"]
    assert not token or token not in answer.text
    assert stage.sim.total() == before


def test_without_a_token_nothing_but_health_is_answered(stage):
    for method, path in (("POST", CHAT), ("GET", "/v1/models"), ("GET", "/v1beta/models"), ("GET", "/hf/v1/models")):
        answer = stage.request(method, path, "{}" if method == "POST" else None, token=None)
        assert answer.status == 401, path
    assert stage.request("GET", "/health", token=None).status == 200


# ----------------------------------------------------------------------------------------------------------------- rows

def test_an_attempt_becomes_one_row_with_its_figures(stage):
    before = len(stage.wait_accounted())
    figures = {"promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 7, "totalTokenCount": 127,
               "cachedContentTokenCount": 60}
    stage.chat(scripted(usage=figures, text="x" * 50))
    body_bytes = stage.sim.last()["body_bytes"]
    stage.chat_stream(scripted(usage=figures, chunks=4, chunk_bytes=1000, first_ms=60, pace_ms=30))
    stage.chat("other client", token=OTHER_TOKEN, model="gemini-2.5-pro")
    whole, stream, other = stage.wait_rows(before + 3)[-3:]
    for row in (whole, stream):
        assert (row["tokens_in"], row["tokens_out"], row["tokens_thoughts"], row["tokens_cached"]) == (100, 20, 7, 60)
    for row in (whole, stream, other):
        assert (row["status"], row["fault"], row["attempt"]) == (200, "none", 1)
        assert row["first_ms"] <= row["total_ms"] < 20000 and row["day"] == row["time"][:10]
    assert (whole["model"], whole["operation"], whole["stream"]) == (MODEL, "generateContent", 0)
    assert whole["bytes_in"] == body_bytes and 50 < whole["bytes_out"] < 1000
    assert (stream["operation"], stream["stream"]) == ("streamGenerateContent", 1)
    assert stream["first_ms"] >= 60 and stream["total_ms"] >= 60 + 3 * 30 - 20 and stream["bytes_out"] > 4000
    assert other["model"] == "gemini-2.5-pro" and other["client"] != whole["client"] == stream["client"]


def test_the_database_has_as_many_rows_as_the_provider_has_counted(stage):
    rows = stage.wait_accounted()
    by_key, by_id = sorted(stage.sim.by_key().values()), {}
    for row in rows:
        by_id[row["key_id"]] = by_id.get(row["key_id"], 0) + 1
    assert sorted(by_id.values()) == by_key


# ---------------------------------------------------------------------------------------------------------------- admin

@pytest.mark.short
def test_the_page_is_there_and_status_says_who_is_alive(stage):
    page = stage.request("GET", "/", token=None)
    assert page.status == 200 and page.headers["content-type"].startswith("text/html") and "<title>" in page.text
    for path in set(re.findall(r'(?:src|href)="(/[^"]+)"', page.text)):
        assert stage.request("GET", path, token=None).status == 200, path

    status = stage.status
    stage.wait("admin is there", lambda: "balancers" in status(), 10)
    stage.wait("the balancer is alive in it", lambda: status()["balancers"][0]["alive"], 5)
    roles = sorted(peer["role"] for peer in status()["balancers"][0]["status"]["peers"])
    assert roles == ["admin", "frontend", "upstream"] and status()["recorder"]["alive"] is True
    assert status()["balancers"][0]["status"]["keys"] == {"total": 3, "fit": 3}


def test_the_page_knows_when_a_process_dies_and_calls_need_no_page(stage_of):
    stage = stage_of(upstreams=2, database=False)

    status = stage.status

    def alive(role):
        report = status()
        return len([peer for peer in (report["balancers"][0]["status"] or {"peers": []})["peers"] if peer["role"] == role])
    stage.wait("admin is there", lambda: "balancers" in status(), 10)
    stage.wait("both upstreams are in it", lambda: alive("upstream") == 2, 5)
    stage.kill("upstream-1")
    stage.wait("one is left", lambda: alive("upstream") == 1, 8)
    stage.kill("recorder")
    stage.wait("the recorder is away", lambda: not status()["recorder"]["alive"], 8)
    stage.kill("balancer")
    stage.wait("the balancer is away", lambda: not status()["balancers"][0]["alive"], 10)
    stage.start("balancer")
    stage.kill("admin")
    answer = stage.request("GET", "/", token=None)
    assert answer.status in (502, 503) and answer.json["error"]["message"]
    stage.wait_ready()
    assert stage.chat("hello").status == 200
    stage.start("admin")
    stage.wait("the page is back", lambda: stage.request("GET", "/", token=None).status == 200, 5)


# --------------------------------------------------------------------------------------------------------------- health

def health(stage):
    answer = stage.request("GET", "/health", token=None)
    return answer.status, set(answer.json.get("missing", [])) if answer.status == 503 else set()


def test_health_says_what_is_missing(stage_of):
    stage = stage_of(start=False, database=False, admin=False)
    for name in ("simulator", "frontend-0"):
        stage.start(name)
    stage.wait("the frontend listens", stage.raw_opens, 5)
    assert health(stage) == (503, {"balancer", "upstream", "key"})
    stage.start("balancer")
    stage.wait("the balancer is seen", lambda: health(stage) == (503, {"upstream"}), 5)
    stage.start("upstream-0")
    stage.wait_ready()


@pytest.mark.parametrize("name", ["balancer", "upstream"])
def test_health_turns_two_seconds_after_a_process_has_gone(stage_of, name):
    stage = stage_of(database=False, admin=False)
    stage.kill(name)
    begun = time.monotonic()
    while time.monotonic() < begun + 1.5:
        assert health(stage) == (200, set())
        time.sleep(0.05)
    stage.wait("/health names it", lambda: name in health(stage)[1], 2.5)
    stage.start(name)
    stage.wait_ready()
    assert stage.chat("and on").status == 200


def test_health_needs_a_key(stage_of):
    stage = stage_of(keys=[], database=False, admin=False, ready=False)
    stage.wait("the frontend listens", stage.raw_opens, 5)
    stage.wait("/health names the key", lambda: health(stage) == (503, {"key"}), 5)
    answer = stage.chat("hello")
    assert (answer.status, answer.json["error"]["code"]) == (503, "no_available_key"), answer.text


def test_health_turns_when_every_key_has_turned_out_to_be_dead(stage_of):
    stage = stage_of(keys=["key-invalid-1", "key-invalid-2"], database=False, admin=False)
    assert health(stage) == (200, set())
    assert stage.chat("hello").status == 503
    stage.wait("/health names the key", lambda: health(stage) == (503, {"key"}), 8)
