# SPDX-License-Identifier: Apache-2.0
"""What tests/flow/test_openapi.py adds to schemathesis, which loads this as its hooks: bodies that the gateway serves rather than
refuses, and checks of event streams and of errors.

What must stay true: only what the file says is asked for and expected; nothing here knows what the program does."""
import base64
import hashlib
import json
import re

import jsonschema_rs
import schemathesis

EVENT = re.compile(r"(?:event: [a-z._]+\n)?data: ([^\n]*)")
ERROR = "#/components/schemas/Error"
PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
SOUND = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\xc0\x5d\x00\x00\x80\xbb\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00"
MODELS = {
    "ChatCompletion": ["gemini-2.5-flash", "gemini-2.0-flash", "gemini-3.5-flash", "models/gemini-2.5-pro", "gemini-2.5-flash-search"],
    "Completion": ["gemini-2.5-flash", "gemini-2.0-flash"],
    "Embedding": ["gemini-embedding-001", "text-embedding-3-small"],
    "ImageEdit": ["gemini-2.5-flash-image", "gpt-image-1"],
    "Image": ["imagen-4.0-generate-001", "gemini-2.5-flash-image", "dall-e-3"],
    "Speech": ["tts-1", "gemini-2.5-flash-preview-tts"],
    "Trans": ["whisper-1", "gemini-2.5-flash"],
}
ADDRESSES = {"image_url": PICTURE, "file_data": PICTURE, "data": base64.b64encode(SOUND).decode()}
FILES = {"file": SOUND, "image": base64.b64decode(PICTURE.partition(",")[2])}


def chance(value, of):
    """A number below `of` that the value alone decides: a seed's run is the same every time."""
    return hashlib.sha256(repr(value).encode()).digest()[0] % of


def tidy(value):
    """Three of four addresses become good ones."""
    if isinstance(value, list):
        return [tidy(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: ADDRESSES[name] if name in ADDRESSES and isinstance(one, str) and chance(one, 4) else
            PICTURE if name == "url" and isinstance(one, str) and chance(one, 4) else tidy(one) for name, one in value.items()}


def make_likely(body, models):
    """What nearly every made-up request has wrong becomes right in most: its model, its files, names of things, and no text."""
    extra = body.get("extra_body")
    body = tidy(body)
    if isinstance(body.get("model"), str) and chance(body, 8):
        body["model"] = models[chance(body, len(models))]
    if body.get("messages") and chance(body["messages"], 4):
        body["messages"] = [{"role": "user", "content": "hello"}, *body["messages"], {"role": "user", "content": "and?"}]
    for holder in (body, body.get("google"), body["extra_body"].get("google") if isinstance(extra, dict) else None):
        for name in ("cached_content", "image_size", "aspect_ratio") if isinstance(holder, dict) and chance(holder, 16) else ():
            holder.pop(name, None)
    body |= {name: data for name, data in FILES.items() if name in body and chance(body, 4)}
    return body | ({"stream": True} if isinstance(body.get("stream"), bool) and chance(body, 2) else {})


@schemathesis.hook
def before_call(context, case, kwargs):
    name = case.operation.definition.raw.get("operationId", "")
    models = next((models for word, models in MODELS.items() if word in name), None)
    if not models:
        return
    if isinstance(case.body, dict):
        case.body = make_likely(case.body, models)
    if case.path_parameters and "model" in case.path_parameters and chance(case.path_parameters, 8):
        case.path_parameters["model"] = models[chance(case.body, len(models))]


def validator(case, schema):
    raw = case.operation.schema.raw_schema
    return jsonschema_rs.Draft202012Validator({"$ref": schema, "components": raw["components"]})


def events_of(text):
    """The data of a stream's events: each a line, with the event's name before it or alone."""
    assert text.endswith("\n\n"), f"a stream ends in {text[-40:]!r}"
    events = [EVENT.fullmatch(event) for event in text[:-2].split("\n\n")]
    assert all(events), text[:400]
    return [event[1] for event in events]


@schemathesis.check
def events_fit(ctx, response, case):
    """Each event of a stream has its form; chats and completions end in [DONE], or in an error."""
    if response.headers.get("content-type", [""])[0].partition(";")[0] != "text/event-stream":
        return
    answer = case.operation.definition.raw["responses"]["200"]
    answer = case.operation.schema.raw_schema["components"]["responses"][answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
    fits = validator(case, answer["content"]["text/event-stream"]["x-event"]["$ref"])
    events = events_of(response.content.decode())
    if "completions" in case.path and "error" not in events[-1]:
        assert events.pop() == "[DONE]", f"the last event is no [DONE]: {response.content[-200:]!r}"
    for event in events:
        error = next(iter(fits.iter_errors(json.loads(event))), None)
        assert error is None, f"{error}: {event}"


@schemathesis.check
def errors_speak_openai(ctx, response, case):
    """Whatever is wrong is said in OpenAI's form, and whether asking again may help."""
    if response.status_code < 400:
        return
    error = next(iter(validator(case, ERROR).iter_errors(json.loads(response.content))), None)
    assert error is None, f"{error}: {response.content[:400]!r}"
    assert response.headers.get("x-should-retry", [""])[0] in ("true", "false"), dict(response.headers)
    assert response.headers.get("x-request-id"), dict(response.headers)
