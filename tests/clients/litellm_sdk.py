# SPDX-License-Identifier: Apache-2.0
"""What programs do with LiteLLM, which asks us in OpenAI's language and in Google's; tests/flow/test_clients_others.py runs it once
and reads the JSON."""
import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # its price list comes with it, and is not fetched
import litellm  # noqa: E402

TOKEN, GATEWAY = os.environ["TOKEN"], os.environ["GATEWAY"]
TOOL = {"type": "function", "function": {"name": "weather", "description": "of a place", "parameters": {
    "type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}}}
SHAPE = {"type": "json_schema", "json_schema": {"name": "shape", "strict": True, "schema": {
    "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False}}}
OPENAI = {"model": "openai/gemini-3.5-flash", "api_base": f"{GATEWAY}/v1", "api_key": TOKEN, "num_retries": 0}
GOOGLE = {"model": "gemini/gemini-3.5-flash", "api_base": f"{GATEWAY}/v1beta", "api_key": TOKEN, "num_retries": 0}


def user(text):
    return [{"role": "user", "content": text}]


def said(how):
    reply = litellm.completion(messages=user("hello"), **how)
    return [reply.choices[0].message.content, reply.choices[0].finish_reason, reply.usage.total_tokens > 0]


def streamed(how):
    text, finish, usage = "", None, False
    for chunk in litellm.completion(messages=user(os.environ["NUMBERED"]), stream=True, stream_options={"include_usage": True}, **how):
        usage = usage or bool(getattr(chunk, "usage", None))
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return [text, finish, usage]


def called(how):
    """Two calls, their results, and what is said of them."""
    messages = user(os.environ["CALLS"])
    message = litellm.completion(messages=messages, tools=[TOOL], **how).choices[0].message
    names = [call.function.name for call in message.tool_calls]
    messages += [message, *({"role": "tool", "tool_call_id": call.id, "name": call.function.name, "content": "rain"}
                            for call in message.tool_calls)]
    last = litellm.completion(messages=messages, tools=[TOOL], **how).choices[0].message
    return [names, "rain" in last.content]


def shaped(how):
    return sorted(json.loads(litellm.completion(messages=user("x"), response_format=SHAPE, **how).choices[0].message.content))


def raised(how):
    try:
        litellm.completion(messages=user("x"), **how | {"model": "openai/gemini-none"})
    except Exception as error:  # which class it is, is what is asked
        return [type(error).__name__, error.status_code]
    return None


def media():
    common = {"api_base": f"{GATEWAY}/v1", "api_key": TOKEN}
    vectors = litellm.embedding(model="openai/gemini-embedding-001", input=["a", "b"], **common).data
    images = litellm.image_generation(model="openai/gpt-image-1", prompt="a fox", **common).data
    sound = litellm.speech(model="openai/tts-1", voice="alloy", input="hi", **common).content
    heard = litellm.transcription(model="openai/whisper-1", file=("a.mp3", sound), **common).text
    return [len(vectors), len(vectors[0]["embedding"]), len(images), len(sound) > 1000, len(heard) > 0]


print(json.dumps({"media": media(), "raised": raised(OPENAI), "bare": said(GOOGLE | {"api_base": GATEWAY})} | {name: {task.__name__: task(how) for task in (said, streamed, called, shaped)}
                                                                  for name, how in (("openai", OPENAI), ("google", GOOGLE))}))
