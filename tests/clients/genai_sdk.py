# SPDX-License-Identifier: Apache-2.0
"""What programs do with Google's Python SDK on Gemini's own routes; tests/flow/test_clients_google.py names the task."""
import json
import os
import sys

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


def fails():
    return name_of(client)


TASKS = {task.__name__: task for task in (generate, stream, turns, errors, fails)}
print(json.dumps([TASKS[name]() for name in sys.argv[1].split(",")]))
