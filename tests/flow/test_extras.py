# SPDX-License-Identifier: Apache-2.0
"""What Google has beside OpenAI's chat: its own tools, suffixes of models' names, sound, settings of the operator. The
simulator refuses what Google refuses, so what arrives here is allowed together."""
import json
import os
import subprocess

import pytest

from stage import BUILD, MODEL, SLOW, TOKEN, Stage

NEWER = "gemini-3-flash-preview"
SPEECH = "gemini-2.5-flash-preview-tts"
F = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}]
JSON = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}
SETTINGS = dict(TOOLS_CODE_EXECUTION_ENABLED="true", URL_CONTEXT_ENABLED="true", THINKING_BUDGET_MAP=json.dumps({MODEL: 300}))


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("extras"), database=False, admin=False, env=SETTINGS) as stage:
        yield stage


def sent_of(stage, **fields):
    answer = stage.chat("p", **fields)
    assert answer.status == 200, answer.text
    return json.loads(stage.sim.last()["body"])


def names(body):
    return [name for tool in body.get("tools", []) for name in tool]


MODELS = ["gemini-2.0-flash", MODEL, "gemini-2.5-pro", NEWER, "gemini-3.6-flash"]
WISHES = {
    "nothing": {}, "search": {"web_search_options": {}}, "functions": {"tools": F}, "both": {"tools": F, "web_search_options": {}},
    "JSON": {"response_format": JSON}, "JSON and search": {"response_format": JSON, "web_search_options": {}},
    "all": {"response_format": JSON, "web_search_options": {}, "tools": F, "tool_choice": "required"},
    "in Google's words": {"tools": F, "extra_body": {"google": {"tools": [{"code_execution": {}}]}}},
}


@pytest.mark.short
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES.keys())
def test_no_combination_is_one_that_the_provider_refuses(stage, model, wish):
    sent_of(stage, model=model, **wish)


def test_the_operators_tools_stand_alone(stage):
    assert names(sent_of(stage)) == ["codeExecution", "urlContext"]
    assert names(sent_of(stage, tools=F)) == ["functionDeclarations"]
    assert names(sent_of(stage, response_format=JSON)) == []


def test_a_newer_model_searches_beside_functions(stage):
    body = sent_of(stage, model=NEWER, tools=F, web_search_options={})
    assert names(body) == ["functionDeclarations", "googleSearch"]
    assert body["toolConfig"]["includeServerSideToolInvocations"] is True


@pytest.mark.parametrize("model, path", [(MODEL + "-search", MODEL), (MODEL + "-search-non-thinking", MODEL),
                                         (MODEL + "-non-thinking-search", MODEL), (NEWER + "-search", NEWER)])
def test_a_suffix_is_not_the_providers_business(stage, model, path):
    answer = stage.chat("p", model=model)
    request = stage.sim.last()
    assert answer.status == 200 and answer.json["model"] == model
    assert request["path"].split("?")[0].endswith(f"/models/{path}:generateContent")
    body = json.loads(request["body"])
    assert "googleSearch" in names(body)
    if "non-thinking" in model:
        assert body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 0}


def test_a_search_that_is_not_allowed_is_refused(stage):
    error = stage.chat("p", model="gemini-2.0-flash-search").json["error"]
    assert error["code"] == "model_not_found" and "SEARCH_MODELS" in error["message"]


def test_budgets_of_the_operator_give_way_to_the_client(stage):
    assert sent_of(stage)["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 300
    assert sent_of(stage, reasoning_effort="high")["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 24576


def test_speech_is_asked_for(stage):
    config = sent_of(stage, model=SPEECH, modalities=["text", "audio"], audio={"voice": "nova", "format": "wav"})["generationConfig"]
    assert config["responseModalities"] == ["AUDIO"]
    assert config["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] == "Aoede"
    assert stage.chat("p", modalities=["text", "audio"]).json["error"]["param"] == "modalities"


def test_every_voice_is_one_of_the_providers(stage):
    for voice in ("alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar"):
        sent_of(stage, model=SPEECH, audio={"voice": voice})


def test_a_picture_may_be_told_its_ratio(stage):
    body = sent_of(stage, model="gemini-2.5-flash-image", modalities=["text", "image"],
                   extra_body={"google": {"image_config": {"aspect_ratio": "16:9"}}})
    assert body["generationConfig"] == {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "16:9"}}


@pytest.mark.short
def test_a_kept_prompt_is_asked_of_the_key_that_keeps_it(stage):
    body = {"model": f"models/{MODEL}", "contents": [{"role": "user", "parts": [{"text": "Long."}]}]}
    name = stage.request("POST", "/v1beta/cachedContents", body, headers={"x-goog-api-key": TOKEN}, token=None).json["name"]
    key = stage.sim.last()["key"]
    for _ in range(4):
        answer = stage.chat("p", cached_content=name, tools=F, web_search_options={})
        assert answer.status == 200, answer.text
        request = stage.sim.last()
        body = json.loads(request["body"])
        assert request["key"] == key and body["cachedContent"] == name
        assert not {"tools", "toolConfig", "systemInstruction"} & set(body)
    assert stage.chat("p", extra_body={"google": {"cached_content": "cachedContents/nobodys"}}).status == 404


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent"])
def test_googles_own_calls_know_suffixes_too(stage, method):
    body = {"contents": [{"role": "user", "parts": [{"text": "p"}]}], "generationConfig": {"topK": 3}}
    answer = stage.request("POST", f"/v1beta/models/{MODEL}-search-non-thinking:{method}", body)
    assert answer.status == 200, answer.text
    request = stage.sim.last()
    assert request["path"].endswith(f"/models/{MODEL}:{method}")
    assert json.loads(request["body"]) == body | {"tools": [{"googleSearch": {}}],
                                                  "generationConfig": {"topK": 3, "thinkingConfig": {"thinkingBudget": 0}}}
    assert stage.request("POST", f"/v1beta/models/gemini-2.0-flash-search:{method}", body).status == 404


@pytest.mark.short
def test_what_is_told_of_models_counts(tmp_path):
    facts = {MODEL: {"output_limit": 50}, "gemini-3.6-*": {"refuses_prefill": False, "is_sampling_fixed": False}}
    with Stage(tmp_path, database=False, admin=False, env=dict(MODEL_FACTS=json.dumps(facts))) as stage:
        assert sent_of(stage, max_tokens=99)["generationConfig"]["maxOutputTokens"] == 50
        assert sent_of(stage, model="gemini-3.6-flash", temperature=0.5)["generationConfig"]["temperature"] == 0.5


@pytest.mark.parametrize("told, why", [('{"a":{"b":1}}', "b, which is said of a, is no fact"), ("[", "should be a JSON object")])
def test_what_nobody_can_mean_ends_the_start(tmp_path, told, why):
    env = dict(os.environ, MODEL_FACTS=told, STATE_DIR=str(tmp_path), PORT="0")
    frontend = subprocess.run([BUILD / "bin" / "frontend"], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=20 * SLOW)
    assert frontend.returncode == 2 and "MODEL_FACTS" in frontend.stderr and why in frontend.stderr
