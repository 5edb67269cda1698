# SPDX-License-Identifier: Apache-2.0
"""Pictures and sound with OpenAI's Python SDK; tests/flow/test_media*.py names the task and reads the JSON."""
import base64
import json
import os
import sys

import openai

MODEL, PROMPT = os.environ["MODEL"], os.environ.get("PROMPT", "a fox")
client = openai.OpenAI(api_key=os.environ["TOKEN"], base_url=os.environ["GATEWAY"] + os.environ.get("PREFIX", "/v1"),
                       max_retries=0, timeout=float(os.environ["PATIENCE"]))


def name_of(call):
    try:
        call()
    except openai.APIError as error:
        return [type(error).__name__, error.status_code, error.code, error.param, error.body["message"]]
    return None


def images():
    """More of the request comes as JSON in MORE."""
    reply = client.images.generate(prompt=PROMPT, model=MODEL, **json.loads(os.environ.get("MORE", "{}")))
    return [[image.b64_json or image.url for image in reply.data], reply.output_format,
            reply.usage and reply.usage.model_dump(), reply.created]


def image_stream():
    events = client.images.generate(prompt=PROMPT, model=MODEL, stream=True, partial_images=2)
    return [[event.type, base64.b64decode(event.b64_json)[:8].hex(), event.output_format, event.usage.total_tokens]
            for event in events]


def drawn():
    """Pictures out of a chat."""
    reply = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": PROMPT}])
    choice, = reply.choices
    return [reply.model, choice.message.content, [image["image_url"]["url"] for image in choice.message.images],
            choice.finish_reason, reply.usage.total_tokens]


def drawn_stream():
    """The same; of usage only that it came."""
    said, urls, finishes, counted = "", [], [], False
    for chunk in client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": PROMPT}], stream=True,
                                                stream_options={"include_usage": True}):
        counted = counted or chunk.usage is not None
        for choice in chunk.choices:
            said += choice.delta.content or ""
            urls += [image["image_url"]["url"] for image in getattr(choice.delta, "images", None) or []]
            finishes += [choice.finish_reason] if choice.finish_reason else []
    return [said, urls, finishes, counted]


def drawn_error():
    return name_of(lambda: client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": PROMPT}]))


def image_error():
    return name_of(lambda: client.images.generate(prompt=PROMPT, model=MODEL, **json.loads(os.environ.get("MORE", "{}"))))


def speech():
    """The sound itself stays in a file, FILE."""
    request = {"model": MODEL, "voice": "alloy", "input": PROMPT} | json.loads(os.environ.get("MORE", "{}"))
    with client.audio.speech.with_streaming_response.create(**request) as reply:
        reply.stream_to_file(os.environ["FILE"])
        return [reply.headers["content-type"], reply.headers.get("content-length")]


def speech_events():
    request = {"model": MODEL, "voice": "alloy", "input": PROMPT} | json.loads(os.environ.get("MORE", "{}"))
    with client.audio.speech.with_streaming_response.create(**request, stream_format="sse") as reply:
        events = [json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: ")]
    with open(os.environ["FILE"], "wb") as file:
        file.write(b"".join(base64.b64decode(event["audio"]) for event in events[:-1]))
    return [reply.headers["content-type"], {event["type"] for event in events[:-1]} == {"speech.audio.delta"},
            len(events), events[-1]]


def speech_error():
    return name_of(lambda: client.audio.speech.create(model=MODEL, voice="alloy", input=PROMPT,
                                                      **json.loads(os.environ.get("MORE", "{}"))))


def edit():
    """The files named in FILES, with spaces between."""
    files = [open(name, "rb") for name in os.environ["FILES"].split()]
    reply = client.images.edit(image=files if len(files) > 1 else files[0], prompt=PROMPT, model=MODEL,
                               **json.loads(os.environ.get("MORE", "{}")))
    return [image.b64_json or image.url for image in reply.data]


def edit_error():
    picture = ("a.png", b"\x89PNG\r\n\x1a\n", "image/png")
    return [name_of(lambda: client.images.edit(image=picture, mask=picture, prompt=PROMPT, model=MODEL)),
            name_of(lambda: client.images.create_variation(image=picture))]


def hear(by):
    with open(os.environ["FILE"], "rb") as file:
        return by(file=file, model=MODEL, **json.loads(os.environ.get("MORE", "{}")))


def transcription():
    reply = hear(client.audio.transcriptions.create)
    return reply if isinstance(reply, str) else reply.model_dump()


def translation():
    reply = hear(client.audio.translations.create)
    return reply if isinstance(reply, str) else reply.model_dump()


def transcription_stream():
    with open(os.environ["FILE"], "rb") as file:
        events = client.audio.transcriptions.create(file=file, model=MODEL, stream=True,
                                                    **json.loads(os.environ.get("MORE", "{}")))
        return [event.model_dump() for event in events]


TASKS = {task.__name__: task for task in (images, image_stream, image_error, drawn, drawn_stream, drawn_error, speech,
                                          speech_events, speech_error, edit, edit_error, transcription, translation,
                                          transcription_stream)}
print(json.dumps(TASKS[sys.argv[1]]()))
