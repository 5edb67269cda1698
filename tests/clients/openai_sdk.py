# SPDX-License-Identifier: Apache-2.0
"""What programs do with OpenAI's Python SDK; tests/flow/test_clients_openai.py names the task and reads the JSON."""
import asyncio
import json
import os
import sys
import time
from typing import Literal, Optional

import openai
import pydantic

MODEL, PROMPT = os.environ["MODEL"], os.environ.get("PROMPT", "Hello, world!")
SETTINGS = {"api_key": os.environ["TOKEN"], "base_url": os.environ["GATEWAY"] + os.environ.get("PREFIX", "/v1"),
            "max_retries": 0, "timeout": float(os.environ["PATIENCE"])}
client = openai.OpenAI(**SETTINGS)


def ask(text=PROMPT):
    return {"model": MODEL, "messages": [{"role": "user", "content": text}]}


def chat():
    reply = client.chat.completions.create(**ask())
    return [reply.choices[0].message.content, reply.choices[0].finish_reason, reply.usage.total_tokens,
            [model.id for model in client.models.list()]]


def stream():
    text = reasoning = ""
    usage = finish = None
    for chunk in client.chat.completions.create(**ask(), stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage.model_dump() if chunk.usage else usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            finish = choice.finish_reason or finish
    return [text, reasoning, usage, finish]


def name_of(call):
    try:
        call()
    except openai.OpenAIError as error:
        return [type(error).__name__, getattr(error, "status_code", None), getattr(error, "code", None)]
    return None


def errors():
    create = client.chat.completions.create
    stranger = client.with_options(api_key="stranger")
    return [name_of(lambda: stranger.chat.completions.create(**ask())), name_of(stranger.models.list),
            name_of(lambda: create(**ask() | {"model": "no/such model"})), name_of(lambda: create(**ask() | {"messages": []})),
            name_of(lambda: create(**ask() | {"n": 0})),
            name_of(lambda: client.moderations.create(input="x"))]


def fails():
    return name_of(lambda: client.chat.completions.create(**ask()))


def broken_stream():
    count = 0

    def read():
        nonlocal count
        for chunk in client.chat.completions.create(**ask(), stream=True):
            count += bool(chunk.choices and chunk.choices[0].delta.content)
    name = name_of(read)
    return [count, name]


def times_out():
    return name_of(lambda: client.with_options(timeout=0.5).chat.completions.create(**ask()))


def retries():
    begun = time.monotonic()
    reply = client.with_options(max_retries=1).chat.completions.create(**ask())
    return [reply.choices[0].message.content, time.monotonic() - begun]


def picture():
    url = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    reply = client.chat.completions.create(model="gemini-2.5-flash", messages=[{"role": "user", "content": parts}])
    return [reply.choices[0].message.content, url.split(",")[1]]


def models():
    retrieve = client.models.retrieve
    return [[model.id for model in client.models.list()], retrieve("gemini-2.5-flash").id, name_of(lambda: retrieve("gemini-none"))]


def azure():
    other = openai.AzureOpenAI(azure_endpoint=os.environ["GATEWAY"], api_key=os.environ["TOKEN"], api_version="2024-10-21",
                               max_retries=0)
    create = other.chat.completions.create
    pieces = [chunk.choices[0].delta.content or "" for chunk in create(**ask(), stream=True) if chunk.choices]
    vectors = other.embeddings.create(model="gemini-embedding-001", input="x").data
    return [create(**ask()).choices[0].message.content, "".join(pieces), len(vectors[0].embedding),
            name_of(lambda: create(**ask() | {"model": "gemini-none"}))]


def completions():
    """Whole, with all that a reply can have; of several prompts, as a stream; and what is not there."""
    create = client.completions.create
    asked = {"model": MODEL, "prompt": PROMPT}
    whole = create(**asked, n=2, best_of=2, max_tokens=1000, temperature=0.5, top_p=0.9, stop=["xyz"], seed=1, logprobs=2, echo=True,
                   presence_penalty=0.5, frequency_penalty=0.5, user="someone")
    texts, finishes, usage, ids = ["", ""], {}, [], set()
    for chunk in create(model=MODEL, prompt=[PROMPT, "Second"], stream=True, stream_options={"include_usage": True}):
        ids.add((chunk.id, chunk.object))
        usage += [chunk.usage.model_dump()] if chunk.usage else []
        for choice in chunk.choices:
            texts[choice.index] += choice.text
            finishes[choice.index] = choice.finish_reason
    return [whole.model_dump(), texts, finishes, usage, [list(seen) for seen in ids],
            name_of(lambda: create(**asked | {"prompt": [1, 2]})), name_of(lambda: create(**asked, suffix="x"))]


def embeddings():
    """One text by the SDK's own default, which is base64; many as floats; and what it makes of a mistake."""
    create = client.embeddings.create
    one = create(model="gemini-embedding-001", input="x")
    many = create(model="gemini-embedding-2", input=[str(i) for i in range(250)], dimensions=256, encoding_format="float")
    return [len(one.data), len(one.data[0].embedding), one.data[0].embedding, one.usage.model_dump(),
            [item.index for item in many.data], [item.embedding for item in many.data[:: 50]],
            name_of(lambda: create(model="gemini-embedding-001", input=[[1, 2]]))]


class Place(pydantic.BaseModel):
    type: Literal["city", "lake"]
    name: str


class Weather(pydantic.BaseModel):
    """The weather of a place."""
    place: Place
    days: Optional[int]
    near: list[Place]


def tools():
    """A dialogue with the SDK's own classes: a call of a parsed tool, its result, an answer parsed by the same class."""
    messages = [{"role": "user", "content": PROMPT}]
    made = {"model": MODEL, "tools": [openai.pydantic_function_tool(Weather)]}
    message = client.chat.completions.parse(messages=messages, **made).choices[0].message
    calls = message.tool_calls
    messages += [message, *({"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in calls)]
    said = client.chat.completions.create(messages=messages, **made).choices[0]
    answer = client.chat.completions.parse(model=MODEL, messages=ask("How is it?")["messages"], response_format=Weather)
    with client.chat.completions.stream(messages=[messages[0]], **made) as events:
        streamed = events.get_final_completion().choices[0].message.tool_calls
    return [[type(call.function.parsed_arguments).__name__ for call in calls], said.finish_reason,
            type(answer.choices[0].message.parsed).__name__, [call.function.name for call in streamed],
            [type(call.function.parsed_arguments).__name__ for call in streamed]]


async def one_of_many(many, number):
    text = ""
    answer = await many.chat.completions.create(**ask(f"stream {number}\n{PROMPT}"), stream=True)
    async for chunk in answer:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
    return text


async def many():
    async with openai.AsyncOpenAI(**SETTINGS) as client_of_many:
        return await asyncio.gather(*(one_of_many(client_of_many, i) for i in range(int(os.environ["COUNT"]))))


def parallel():
    return asyncio.run(many())


TASKS = {task.__name__: task for task in (chat, stream, errors, fails, broken_stream, times_out, retries, picture, tools, models, azure, embeddings, completions,
                                            parallel)}
print(json.dumps(TASKS[sys.argv[1]]()))
