# SPDX-License-Identifier: Apache-2.0
"""What programs do with Google's Python SDK on Gemini's own routes; tests/flow/test_clients_google.py names the task."""
import base64
import hashlib
import io
import json
import os
import sys
import tempfile

import pydantic
from google import genai
from google.genai import errors as genai_errors
from google.genai import types

MODEL, PROMPT = "gemini-2.5-flash", os.environ.get("PROMPT", "Hello, world!")


def client_of(token):
    # Of itself its newest release asks below /v1, where we speak OpenAI's language.
    options = types.HttpOptions(base_url=os.environ["GATEWAY"], api_version="v1beta",
                                timeout=int(float(os.environ["PATIENCE"]) * 1000))
    return genai.Client(api_key=token, http_options=options)


client = client_of(os.environ["TOKEN"])


def generate():
    reply = client.models.generate_content(model=MODEL, contents=PROMPT)
    return [reply.text, reply.candidates[0].finish_reason.value, reply.usage_metadata.total_token_count,
            [model.name for model in client.models.list()]]


def stream():
    text, finish = "", None
    for chunk in client.models.generate_content_stream(model=MODEL, contents=PROMPT):
        text += chunk.text or ""
        reason = chunk.candidates[0].finish_reason if chunk.candidates else None
        finish = reason.value if reason else finish
    return [text, finish]


def turns():
    chat = client.chats.create(model=MODEL, config=types.GenerateContentConfig(system_instruction="Be brief."))
    return [chat.send_message("first").text, chat.send_message("second").text]


class Place(pydantic.BaseModel):
    name: str
    kinds: list[str]


def tools():
    """A function that the SDK calls by itself, in a chat, and an answer of a class."""
    places = []

    def weather(place: str) -> str:
        """The weather of a place."""
        places.append(place)
        return "rain"
    chat = client.chats.create(model="gemini-3.5-flash", config=types.GenerateContentConfig(tools=[weather]))
    said = chat.send_message(os.environ["CALLS"]).text
    shape = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Place)
    return [len(places), "rain" in said, type(client.models.generate_content(model=MODEL, contents="x", config=shape).parsed).__name__]


def images():
    shown = client.models.generate_content(model="gemini-2.5-flash-image", contents="a fox")
    data = shown.parts[-1].inline_data
    return [data.mime_type, len(data.data) > 100]


def name_of(by, **more):
    try:
        by.models.generate_content(**({"model": MODEL, "contents": PROMPT} | more))
    except genai_errors.APIError as error:
        return [type(error).__name__, error.code, error.status]
    return None


def errors():
    stranger = client_of("stranger")
    return [name_of(stranger), name_of(client, model="gemini-9-unheard-of"),
            name_of(client, config=types.GenerateContentConfig(temperature=9))]


def objects():
    """Caches, files, batches, counts, vectors: each made, used, found in its list, and deleted. FILE is there already."""
    cache = client.caches.create(model=MODEL, config=types.CreateCachedContentConfig(contents=["Long."], display_name="d", ttl="600s"))
    used = client.models.generate_content(model=MODEL, contents=PROMPT, config=types.GenerateContentConfig(cached_content=cache.name))
    updated = client.caches.update(name=cache.name, config=types.UpdateCachedContentConfig(ttl="900s"))
    caches = [one.name for one in client.caches.list()]
    client.caches.delete(name=cache.name)
    file = client.files.get(name=os.environ["FILE"])
    seen = client.models.generate_content(model=MODEL, contents=[PROMPT, file])
    files = [one.name for one in client.files.list(config={"page_size": 1})]
    client.files.delete(name=file.name)
    batch = client.batches.create(model=MODEL, src=[{"contents": [{"parts": [{"text": "x"}], "role": "user"}]}])
    batches = [one.name for one in client.batches.list()]
    state = client.batches.get(name=batch.name).state.value
    client.batches.delete(name=batch.name)
    return [bool(used.text), updated.name == cache.name, caches == [cache.name], bool(seen.text), files == [file.name],
            batches == [batch.name], state, client.models.count_tokens(model=MODEL, contents=PROMPT).total_tokens > 0,
            len(client.models.embed_content(model="gemini-embedding-001", contents="x").embeddings[0].values)]


def interactions():
    first = client.interactions.create(model=MODEL, input="hi")
    second = client.interactions.create(model=MODEL, input="more", previous_interaction_id=first.id)
    kinds = [event.event_type for event in client.interactions.create(model=MODEL, input="x", stream=True)]
    found = client.interactions.get(id=second.id)
    client.interactions.delete(id=second.id)
    try:
        client.interactions.get(id=second.id)
        said = None
    except Exception as error:
        said = [type(error).__name__, getattr(error, "status_code", None)]
    return [first.status, found.id == second.id, kinds, said]


def fails():
    return name_of(client)


def upload():
    """From memory and from a file, of several of the SDK's chunks."""
    found = []
    for size in (0, 1000, 20_000_000):
        data = bytes(range(250)) * (size // 250)
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(data)
            file.flush()
            for source in (io.BytesIO(data), file.name):
                made = client.files.upload(file=source, config={"mime_type": "text/plain", "display_name": "d"})
                found.append([made.size_bytes == size, made.display_name, made.mime_type, made.state.value,
                              base64.b64decode(made.sha256_hash).decode() == hashlib.sha256(data).hexdigest()])
    return found


TASKS = {task.__name__: task for task in (generate, stream, turns, tools, images, errors, fails, objects, interactions, upload)}
print(json.dumps([TASKS[name]() for name in sys.argv[1].split(",")]))
