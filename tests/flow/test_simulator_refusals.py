# SPDX-License-Identifier: Apache-2.0
"""What the simulator refuses, and that it takes what is legal: bodies against Google's messages, their meaning, and the
abilities of models."""

import json

import pytest

from gemini import MODEL, detail_of, error_of, prompt, running, sim  # noqa: F401 (fixtures)


# -- Refusals -------------------------------------------------------------------------------------------------------


def refused(sim, body, **where):
    answer, text = sim.post(body, **where)
    error = error_of(answer, text)
    assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT")
    return error


def test_no_key_is_refused(sim):
    answer, body = sim.say(key=None)
    error = error_of(answer, body)
    assert (answer.status, error["status"]) == (403, "PERMISSION_DENIED")
    assert "Method doesn't allow unregistered callers" in error["message"]
    assert sim.counts()["by_key"] == {"": {"requests": 1, "ok": 0, "refused": 1}}


def test_a_bearer_token_is_refused(sim):
    answer, body = sim.request("POST", f"/v1beta/models/{MODEL}:generateContent", json.dumps(prompt()),
                               {"Authorization": "Bearer key-ok", "x-goog-api-key": "key-ok"})
    error = error_of(answer, body)
    assert (answer.status, error["status"]) == (401, "UNAUTHENTICATED")
    assert detail_of(error, "ErrorInfo")["reason"] == "ACCESS_TOKEN_TYPE_UNSUPPORTED"


def test_two_keys_are_refused(sim):
    assert "Multiple authentication credentials" in refused(sim, prompt(), query="?key=other")["message"]


def test_a_key_longer_than_any_is_refused(sim):
    assert "API key not valid" in refused(sim, prompt(), key="k" * 300)["message"]


@pytest.mark.parametrize("query", ["?foo=1", "?alt=sse&stream=true", "?alt=what", "?x"])
def test_an_unknown_query_parameter_is_refused(sim, query):
    refused(sim, prompt(), query=query)


def test_known_query_parameters_are_taken(sim):
    query = "?alt=json&$.xgafv=2&fields=*&quotaUser=me&prettyPrint=true&callback=&uploadType="
    assert sim.say(query=query)[0].status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b"nul", b'{"contents":[]}x', b'{"a":"\xff"}', b"[" * 100_000,
                                  b'{"a":' * 100_000, b'{"contents":"\xc3"}'])
def test_what_is_not_json_is_refused(sim, body):
    assert "Invalid JSON payload received" in refused(sim, body)["message"]


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "null", "true"])
def test_a_root_that_is_no_object_is_refused(sim, body):
    refused(sim, body)


@pytest.mark.parametrize(
    "extra, field, name",
    [
        ({"temperature": 1}, None, "temperature"),
        ({"generationConfig": {"max_tokens": 1}}, "generation_config", "max_tokens"),
        ({"generationConfig": {"thinkingConfig": {"level": 1}}}, "generation_config.thinking_config", "level"),
        ({"contents": [{"parts": [{"text": "x", "kind": 1}]}]}, "contents[0].parts[0]", "kind"),
        ({"contents": [{"parts": [{"text": "x"}, {"inlineData": {"a": 1}}]}]}, "contents[0].parts[1].inline_data", "a"),
        ({"contents": [{"parts": [{"text": "x"}], "name": "y"}]}, "contents[0]", "name"),
        ({"systemInstruction": {"text": "x"}}, "system_instruction", "text"),
        ({"tools": [{"functions": []}]}, "tools[0]", "functions"),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"additionalProperties": False}}]}]},
            "tools[0].function_declarations[0].parameters",
            "additionalProperties",
        ),
    ],
)
def test_an_unknown_field_is_refused(sim, extra, field, name):
    error = refused(sim, {**prompt(), **extra})
    where = f" at '{field}'" if field else ""
    words = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
    assert error["message"] == words
    want = {"description": words, **({"field": field} if field else {})}
    assert detail_of(error, "BadRequest")["fieldViolations"] == [want]


def test_every_unknown_field_is_named(sim):
    error = refused(sim, {**prompt(), "a": 1, "b": 2})
    assert error["message"].count("Cannot find field.") == 2
    assert len(detail_of(error, "BadRequest")["fieldViolations"]) == 2
    error = refused(sim, {**prompt(), **{f"x{i}": 1 for i in range(1000)}})
    assert len(detail_of(error, "BadRequest")["fieldViolations"]) == 12


WRONG_TYPES = [
    ({"generationConfig": {"temperature": "warm"}}, "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"warm\""),
    ({"generationConfig": {"temperature": True}}, "(TYPE_FLOAT), true"),
    ({"generationConfig": {"maxOutputTokens": 1.5}}, "'generation_config.max_output_tokens' (TYPE_INT32), 1.5"),
    ({"generationConfig": {"maxOutputTokens": 3000000000}}, "(TYPE_INT32), 3000000000"),
    ({"generationConfig": {"stopSequences": [1]}}, "'generation_config.stop_sequences[0]' (TYPE_STRING), 1"),
    ({"generationConfig": {"responseMimeType": {}}}, "(TYPE_STRING), {}"),
    ({"generationConfig": "x"}, "v1beta.GenerationConfig), \"x\""),
    ({"generationConfig": [{}]}, "Unknown name \"generationConfig\": Proto field is not repeating, cannot start list."),
    ({"generationConfig": {"thinkingConfig": {"includeThoughts": "yes"}}}, "(TYPE_BOOL), \"yes\""),
    ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOTS"}}}, "v1beta.ThinkingLevel), \"LOTS\""),
    ({"safetySettings": [{"category": "X", "threshold": "OFF"}]}, "'safety_settings[0].category'"),
    ({"contents": "Hello"}, "'contents[0]' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content), \"Hello\""),
    ({"contents": [None]}, "'contents[0]'"),
    ({"contents": [{"parts": "Hello"}]}, "'contents[0].parts[0]'"),
    ({"contents": [{"parts": [{"text": 5}]}]}, "'contents[0].parts[0].text' (TYPE_STRING), 5"),
    ({"contents": [{"parts": [{"text": ["x"]}]}]}, "cannot start list"),
    ({"contents": [{"role": 1, "parts": [{"text": "x"}]}]}, "'contents[0].role' (TYPE_STRING), 1"),
    ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "no base64!"}}]}]},
     "(TYPE_BYTES), Base64 decoding failed for \"no base64!\""),
    ({"contents": [{"parts": [{"fileData": {"fileUri": "https://x"}, "videoMetadata": {"startOffset": "1"}}]}]},
     "google.protobuf.Duration), \"1\""),
    ({"tools": [{"googleSearch": {"timeRangeFilter": {"startTime": "yesterday"}}}]}, "google.protobuf.Timestamp"),
    ({"contents": [{"parts": [{"functionCall": {"name": "f", "args": "x"}}]}]}, "google.protobuf.Struct"),
    ({"store": 1}, "'store' (TYPE_BOOL), 1"),
    ({"serviceTier": "STANDARD"}, "ServiceTier"),
]


@pytest.mark.parametrize("extra, words", WRONG_TYPES)
def test_a_wrong_type_is_refused(sim, extra, words):
    assert words in refused(sim, {**prompt(), **extra})["message"]


def test_a_schema_deeper_than_a_hundred_is_refused(sim):
    schema = {"type": "STRING"}
    for _ in range(400):
        schema = {"type": "ARRAY", "items": schema}
    extra = {"generationConfig": {"responseMimeType": "application/json", "responseSchema": schema}}
    assert "Invalid value at" in refused(sim, {**prompt(), **extra})["message"]


USER = {"role": "user", "parts": [{"text": "Hello"}]}
ANSWERED = {"role": "model", "parts": [{"text": "Hi"}]}

WRONG_MEANING = [
    ({"contents": []}, "contents is not specified"),
    ({"contents": None}, "contents is not specified"),
    ({"contents": [{"role": "user", "parts": []}]}, "contents.parts must not be empty"),
    ({"contents": [{"role": "user"}]}, "contents.parts must not be empty"),
    ({"contents": [{"role": "user", "parts": [{}]}]}, "required oneof field 'data' must have one initialized field"),
    ({"contents": [{"role": "user", "parts": [{"text": ""}]}]}, "must have a text parameter"),
    ({"contents": [{"role": "user", "parts": [{"text": "x", "inlineData": {"mimeType": "image/png", "data": ""}}]}]},
     "oneof field 'data' is already set"),
    ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "Please use a valid role: user, model."),
    ({"contents": [{"role": "system", "parts": [{"text": "x"}]}, USER]}, "Please use a valid role: user, model."),
    ({"contents": [{"parts": [{"text": "x"}]}, ANSWERED, USER]}, "Please use a valid role: user, model."),
    ({"contents": [ANSWERED, USER]}, "begin with a user turn"),
    ({"systemInstruction": {"parts": []}}, "system_instruction.parts"),
    ({"systemInstruction": {"parts": [{"text": ""}]}}, "must have a text parameter"),
    ({"generationConfig": {"temperature": 2.1}}, "temperature must be in the range [0.0, 2.0]"),
    ({"generationConfig": {"temperature": -0.1}}, "temperature must be in the range [0.0, 2.0]"),
    ({"generationConfig": {"topP": 0}}, "top_p must be in the range"),
    ({"generationConfig": {"topP": 1.01}}, "top_p must be in the range"),
    ({"generationConfig": {"topK": 0}}, "top_k must be positive"),
    ({"generationConfig": {"presencePenalty": 2}}, "presence_penalty must be in the range"),
    ({"generationConfig": {"frequencyPenalty": -2.5}}, "frequency_penalty must be in the range"),
    ({"generationConfig": {"responseLogprobs": True, "logprobs": 21}}, "logprobs must be in the range"),
    ({"generationConfig": {"logprobs": 2}}, "response_logprobs is not enabled"),
    ({"generationConfig": {"maxOutputTokens": 0}}, "maxOutputTokens value of 0"),
    ({"generationConfig": {"maxOutputTokens": 65537}}, "to 65537 (exclusive)"),
    ({"generationConfig": {"stopSequences": list("abcdef")}}, "number of stop sequences (6) exceeds the limit of 5"),
    ({"generationConfig": {"stopSequences": [""]}}, "must not be empty"),
    ({"generationConfig": {"candidateCount": 9}}, "candidate_count must be in the range [1, 8]"),
    ({"generationConfig": {"candidateCount": 0}}, "candidate_count must be in the range [1, 8]"),
    ({"generationConfig": {"topK": 65}}, "topK value of 65"),
    ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}, "Thinking level is not supported for this model"),
    ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 24577}}}, "Please choose a value between 0 and 24576"),
    ({"generationConfig": {"thinkingConfig": {"thinkingBudget": -2}}}, "The thinking budget -2 is invalid"),
    ({"generationConfig": {"responseModalities": ["IMAGE"]}}, "combination of response modalities (IMAGE) is not supported"),
    ({"generationConfig": {"responseModalities": ["TEXT", "AUDIO"]}}, "modalities (TEXT, AUDIO)"),
    ({"generationConfig": {"speechConfig": {"languageCode": "en-US"}}}, "Speech config is not enabled"),
    ({"generationConfig": {"imageConfig": {"aspectRatio": "1:1"}}}, "Image config is not enabled"),
    ({"contents": [{"parts": [{"text": "x", "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}]}]},
     "Media resolution is not enabled for models/"),
    ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/tiff", "data": "aGk="}}]}]}, "Unsupported MIME type: image/tiff"),
    ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/gif", "data": "aGk="}}]}]}, "Unsupported MIME type: image/gif"),
    ({"contents": [{"parts": [{"inlineData": {"data": "aGk="}}]}]}, "Unsupported MIME type:"),
    ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}]}]}, "has no data"),
    ({"contents": [{"parts": [{"fileData": {"fileUri": "gs://bucket/x", "mimeType": "image/png"}}]}]}, "Unsupported file uri: gs://"),
    ({"contents": [{"parts": [{"fileData": {"fileUri": "https://x/y", "mimeType": "video/mp4"}, "videoMetadata": {"fps": 25}}]}]},
     "fps must be in the range"),
    ({"contents": [{"parts": [{"text": "x", "videoMetadata": {"fps": 1}}]}]}, "no video data"),
    ({"systemInstruction": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}}, "only supports text parts"),
    ({"safetySettings": [{"category": "HARM_CATEGORY_TOXICITY", "threshold": "OFF"}]}, "safety_settings[0]: element predicate failed"),
    ({"safetySettings": [{"threshold": "OFF"}]}, "element predicate failed"),
    ({"cachedContent": "x"}, "invalid cached content name"),
    ({"cachedContent": "cachedContents/x", "systemInstruction": {"parts": [{"text": "x"}]}}, "CachedContent can not be used with"),
    ({"generationConfig": {"responseMimeType": "application/json", "responseSchema": {"type": "ARRAY"}}}, "items: missing field."),
    ({"generationConfig": {"responseMimeType": "application/json", "responseSchema": {"properties": {}}}}, "type: must be specified"),
    ({"generationConfig": {"responseMimeType": "application/json", "responseSchema": {
        "type": "OBJECT", "properties": {"a": {"type": "INTEGER", "enum": ["1"]}}, "required": ["a", "b"]}}},
     "response_schema.required[1]: property is not defined"),
    ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}}, "only set one of"),
    ({"generationConfig": {"responseMimeType": "text/html"}}, "allowed mimetypes"),
    ({"generationConfig": {"responseSchema": {"type": "STRING"}}}, "needs the response mime type"),
    ({"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}] * 2}, "duplicate category"),
    ({"model": "models/gemini-2.5-pro"}, "does not match"),
]


@pytest.mark.parametrize("extra, words", WRONG_MEANING)
@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse"])
def test_a_wrong_meaning_is_refused(sim, extra, words, method):
    assert words in refused(sim, {**prompt(), **extra}, method=method)["message"]


LEGAL = [
    {"contents": {"parts": {"text": "one"}}},
    {"contents": [{"parts": [{"text": "no role"}]}]},
    {"contents": [USER, USER]},
    {"contents": [USER, ANSWERED]},
    {"contents": [USER, ANSWERED, USER]},
    {"contents": [USER], "system_instruction": {"parts": {"text": "Be brief."}}},
    {"contents": [USER], "systemInstruction": {"role": "system", "parts": [{"text": "Be brief."}]}},
    {"contents": [USER], "generation_config": {"top_p": 1, "top_k": "40", "max_output_tokens": 5.0, "temperature": "0"}},
    {"contents": [USER], "generationConfig": {"stopSequences": "one", "candidateCount": 1, "seed": -1}},
    {"contents": [USER], "generationConfig": {"thinkingConfig": {"thinkingBudget": 0}, "temperature": None, "topK": 64}},
    {"contents": [USER], "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": {"a": []}}},
    {"contents": [USER], "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
    {"contents": [USER], "model": "models/" + MODEL, "store": False, "serviceTier": "flex", "cachedContent": None},
    {"contents": [{"role": "user", "parts": [{"text": "x"}, {"inline_data": {"mime_type": "image/png", "data": "aGk="}}]}]},
    {"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": "https://x", "mimeType": "video/mp4"},
                                              "videoMetadata": {"startOffset": "1s", "fps": 2}}]}]},
    {"contents": [USER, {"role": "model", "parts": [{"text": "", "thoughtSignature": "YWJj"}]}, USER]},
    {"contents": [USER,
                  {"role": "model", "parts": [{"functionCall": {"id": "1", "name": "f", "args": {"a": [1]}}}]},
                  {"role": "user", "parts": [{"functionResponse": {"id": "1", "name": "f", "response": {"b": None}}}]}],
     "tools": [{"functionDeclarations": [{"name": "f", "description": "F", "parameters": {
         "type": "object", "properties": {"a": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "1"}}}}]},
               {"functionDeclarations": [{"name": "g", "parametersJsonSchema": {"type": "object", "$ref": "#"}}]}],
     "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}},
]


@pytest.mark.parametrize("body", LEGAL)
def test_what_is_legal_is_answered(sim, body):
    answer, text = sim.post(body)
    assert answer.status == 200, text


def test_newer_models_refuse_a_last_model_turn(sim):
    body = {"contents": [USER, ANSWERED]}
    assert sim.post(body, model="gemini-3.5-flash")[0].status == 200
    assert "Requests ending with a model turn are not supported" in refused(sim, body, model="gemini-3.6-flash")["message"]


@pytest.mark.parametrize("model, words", [("none", "models/none is not found for API version v1beta"),
                                          ("gemini-1.0-pro", "is no longer available"),
                                          ("gemini-embedding-001", "is not supported for generateContent")])
def test_a_model_that_cannot_answer_is_not_found(sim, model, words):
    answer, body = sim.say(model=model)
    error = error_of(answer, body)
    assert (answer.status, error["status"]) == (404, "NOT_FOUND")
    assert words in error["message"]


@pytest.mark.parametrize("method, path", [("GET", "/"), ("POST", "/v1beta/models/x:countNothing"), ("GET", "/v2/models"),
                                          ("POST", f"/v1beta/models/{MODEL}:generateContent/x"),
                                          ("PUT", f"/v1beta/models/{MODEL}:generateContent"), ("GET", "/admin/what")])
def test_no_such_route_is_a_page(sim, method, path):
    answer, body = sim.request(method, path, headers={"x-goog-api-key": "key-ok"})
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html") and body.startswith(b"<!DOCTYPE html>")
    assert sim.counts()["total"] == 0


def test_bytes_that_are_no_text_are_repaired_in_errors(sim):
    answer, body = sim.request("POST", "/v1beta/models/%ff%fe:generateContent?key=%e2%82", json.dumps(prompt()))
    assert "models/\ufffd\ufffd is not found" in error_of(answer, body)["message"]
    assert list(sim.counts()["by_key"]) == ["\ufffd\ufffd"]
    assert sim.last()[0]["key"] == "\ufffd\ufffd"


def test_a_body_too_large_is_refused(sim):
    answer, body = sim.post(b" " * (104857600 + 1))
    assert answer.status == 413 and "exceeds the limit: 104857600 bytes" in error_of(answer, body)["message"]


# -- Abilities ------------------------------------------------------------------------------------------------------

TOOL = {"functionDeclarations": [{"name": "f", "description": "F"}]}

ABILITIES = [
    # model, what is asked of it, words of the refusal (None: it can)
    ("gemini-2.5-flash", {"generationConfig": {"presencePenalty": 1}}, None),
    ("gemini-2.5-pro", {"generationConfig": {"presencePenalty": 1}}, "Penalty is not enabled for models/gemini-2.5-pro"),
    ("gemini-3.6-flash", {"generationConfig": {"frequencyPenalty": 1}}, "Penalty is not enabled for models/gemini-3.6-flash"),
    ("gemini-2.0-flash", {"generationConfig": {"responseLogprobs": True, "logprobs": 20}}, None),
    ("gemini-2.5-pro", {"generationConfig": {"responseLogprobs": True}}, "Logprobs is not enabled for models/gemini-2.5-pro"),
    ("gemini-2.5-pro", {"generationConfig": {"candidateCount": 8}}, None),
    ("gemini-3.5-flash", {"generationConfig": {"candidateCount": 2}}, "Multiple candidates is not enabled for this model"),
    ("gemini-2.5-flash-image", {"generationConfig": {"candidateCount": 2}}, "Multiple candidates is not enabled"),
    ("gemini-3.5-flash", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "minimal"}}}, None),
    ("gemini-3.5-flash", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 512}}}, None),
    ("gemini-3.8-flash", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}}, "Thinking level MINIMAL is not supported"),
    ("gemini-3.1-pro-preview", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "minimal"}}}, "is not supported"),
    ("gemini-2.5-pro", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, "Budget 0 is invalid. This model only works in thinking"),
    ("gemini-2.5-pro", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 128}}}, None),
    ("gemini-2.5-flash-lite", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, None),
    ("gemini-2.5-flash-lite", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 511}}}, "between 512 and 24576"),
    ("gemini-2.0-flash", {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}, "Thinking is not enabled for models/gemini-2.0-flash"),
    ("gemma-4-31b-it", {"systemInstruction": {"parts": [{"text": "x"}]}}, "Developer instruction is not enabled for models/gemma-4-31b-it"),
    ("gemma-4-31b-it", {"generationConfig": {"responseMimeType": "application/json"}}, "JSON mode is not enabled for models/gemma-4-31b-it"),
    ("gemma-4-31b-it", {"tools": [TOOL]}, "Function calling is not enabled for models/gemma-4-31b-it"),
    ("gemini-2.5-flash-preview-tts", {}, "models/gemini-2.5-flash-preview-tts accepts the following combination"),
    ("gemini-2.5-flash-preview-tts", {"generationConfig": {"responseModalities": ["AUDIO"]}}, None),
    ("gemini-2.5-flash-preview-tts", {"generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": {
        "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Nobody"}}}}}, "Voice name Nobody is not supported"),
    ("gemini-2.5-flash-image", {"generationConfig": {"imageConfig": {"aspectRatio": "7:5"}}}, "aspect_ratio must be one of"),
    ("gemini-2.5-flash-image", {"generationConfig": {"imageConfig": {"imageSize": "1K"}}}, "Image size is not enabled"),
    ("gemini-3.1-flash-image", {"generationConfig": {"imageConfig": {"imageSize": "1k"}}}, "image_size must be one of"),
    ("gemini-3.1-flash-image", {"generationConfig": {"imageConfig": {"imageSize": "2K", "aspectRatio": "1:8"}}}, None),
    ("gemini-2.0-flash", {"contents": [{"parts": [{"fileData": {"fileUri": "https://x/y.png"}}]}]}, "Unsupported file uri: https://x/y.png"),
    ("gemini-3.5-flash", {"contents": [{"parts": [{"inlineData": {"mimeType": "image/gif", "data": "aGk="},
                                                   "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}]}]}, None),
    ("gemini-2.5-flash", {"tools": [TOOL], "generationConfig": {"responseMimeType": "application/json"}},
     "Function calling with a response mime type: 'application/json' is unsupported"),
    ("gemini-3.5-flash", {"tools": [TOOL], "generationConfig": {"responseMimeType": "application/json"}}, None),
    ("gemini-2.5-flash", {"tools": [TOOL, {"googleSearch": {}}]},
     "Built-in tools ({google_search}) and Function Calling cannot be combined in the same request."),
    ("gemini-3.5-flash", {"tools": [TOOL, {"googleSearch": {}}]}, "cannot be combined"),
    ("gemini-3.5-flash", {"tools": [TOOL, {"googleSearch": {}}], "toolConfig": {"includeServerSideToolInvocations": True}}, None),
    ("gemini-2.5-flash", {"tools": [{"googleSearchRetrieval": {}}]}, "Please use google_search tool instead"),
    ("gemini-1.5-flash", {"generationConfig": {"maxOutputTokens": 8193}}, "to 8193 (exclusive)"),
    ("gemini-3.6-flash", {"generationConfig": {"temperature": 0.3, "topP": 0.5, "topK": 100}}, None),
]


@pytest.mark.parametrize("model, extra, words", ABILITIES)
def test_a_model_can_do_what_it_can(sim, model, extra, words):
    answer, body = sim.post({**prompt(), **extra}, model=model)
    if words is None:
        assert answer.status == 200, body
    else:
        assert words in error_of(answer, body)["message"]
        assert (answer.status, error_of(answer, body)["status"]) == (400, "INVALID_ARGUMENT")


def test_too_many_input_tokens_are_refused(sim):
    error = refused(sim, prompt("x" * 4 * 262145), model="gemma-4-31b-it")
    assert error["message"] == "The input token count (262145) exceeds the maximum number of tokens allowed (262144)."


def test_the_limit_of_input_can_be_another(sim):
    for limit, status in ((2, 400), (1_000_000, 200)):
        sim.admin("script", {"input_limit": limit})
        assert sim.post(prompt("x" * 20), model="gemma-4-31b-it")[0].status == status
    sim.admin("reset", {})
    assert sim.post(prompt("x" * 4 * 262145 + '\n#sim {"input_limit": 300000}'), model="gemma-4-31b-it")[0].status == 200


def test_a_cache_that_is_not_there_is_refused(sim):
    answer, body = sim.post({**prompt(), "cachedContent": "cachedContents/x"})
    error = error_of(answer, body)
    assert (answer.status, error["status"]) == (403, "PERMISSION_DENIED")
    assert error["message"] == "CachedContent not found (or permission denied)"


# -- Tools ----------------------------------------------------------------------------------------------------------


def declared(**more):
    return {"tools": [{"functionDeclarations": [{"name": "f", **more}]}]}


WRONG_TOOLS = [
    (declared(name=""), "function_declarations[0].name: Invalid function name."),
    (declared(name="1f"), "Must start with a letter or an underscore"),
    (declared(name="a b"), "Invalid function name"),
    (declared(name="a:b"), "Invalid function name"),
    (declared(name="f" * 65), "maximum length of 64"),
    ({"tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]}, "Duplicate function declaration found: f"),
    (declared(parameters={"type": "OBJECT"}, parametersJsonSchema={}), "only one of parameters and parameters_json_schema"),
    (declared(parameters={"type": "STRING"}), "should be of type OBJECT"),
    (declared(parameters={"type": "OBJECT", "properties": {"a": {"type": "ARRAY"}}}),
     "tools[0].function_declarations[0].parameters.properties[a].items: missing field."),
    (declared(parameters={"type": "OBJECT", "properties": {"a": {}}}), "properties[a].type: must be specified"),
    (declared(parameters={"type": "OBJECT", "required": ["a"]}), "required[0]: property is not defined"),
    (declared(parameters={"type": "OBJECT", "properties": {"a": {"anyOf": [{"type": "ARRAY"}]}}}), "any_of[0].items: missing"),
    ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "Function calling config is set without function_declarations"),
    ({**declared(), "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["f"]}}}, "should only be set when"),
    ({**declared(), "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}},
     "`g` does not match any declared function"),
]


@pytest.mark.parametrize("extra, words", WRONG_TOOLS)
def test_wrong_tools_are_refused(sim, extra, words):
    assert words in refused(sim, {**prompt(), **extra})["message"]


def test_older_models_want_more_of_a_schema(sim):
    empty = {**prompt(), **declared(parameters={"type": "OBJECT", "properties": {}})}
    assert "parameters.properties: should be non-empty for OBJECT type" in refused(sim, empty, model="gemini-2.0-flash")["message"]
    uri = {**prompt(), **declared(parameters={"type": "OBJECT", "properties": {"a": {"type": "STRING", "format": "uri"}}})}
    assert "only 'enum' and 'date-time' are supported for STRING type" in refused(sim, uri, model="gemini-2.0-flash")["message"]
    assert sim.post(empty)[0].status == sim.post(uri)[0].status == 200


def test_newer_models_take_longer_names(sim):
    assert sim.post({**prompt(), **declared(name="a:" + "b" * 126)}, model="gemini-3.5-flash")[0].status == 200
    assert "maximum length of 128" in refused(sim, {**prompt(), **declared(name="b" * 129)}, model="gemini-3.5-flash")["message"]
