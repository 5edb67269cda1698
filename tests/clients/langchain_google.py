# SPDX-License-Identifier: Apache-2.0
"""What programs do with LangChain's ChatGoogleGenerativeAI, and with both classes' tools, shapes and vectors; tests/flow/
test_clients_langchain.py runs it once and reads the JSON."""
import json
import os

import pydantic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

TOKEN, GATEWAY, MODEL = os.environ["TOKEN"], os.environ["GATEWAY"], "gemini-3.5-flash"
google = ChatGoogleGenerativeAI(model=MODEL, google_api_key=TOKEN, base_url=GATEWAY, max_retries=1)
openai = ChatOpenAI(model=MODEL, api_key=TOKEN, base_url=f"{GATEWAY}/v1", max_retries=0, stream_usage=True)
embedders = {"google": GoogleGenerativeAIEmbeddings(model="models/gemini-embedding-001", google_api_key=TOKEN, base_url=GATEWAY),
             "openai": OpenAIEmbeddings(model="gemini-embedding-001", api_key=TOKEN, base_url=f"{GATEWAY}/v1",
                                        check_embedding_ctx_length=False)}


class Weather(pydantic.BaseModel):
    """The weather of a place."""
    place: str
    days: int | None = None


def said(llm):
    reply = llm.invoke([("system", "Be brief."), ("human", "one"), ("ai", "1"), ("human", "hello")])
    return [reply.text, reply.usage_metadata["total_tokens"] > 0]


def streamed(llm):
    pieces = list(llm.stream(os.environ["NUMBERED"]))
    return ["".join(piece.text for piece in pieces), sum(bool(piece.usage_metadata) for piece in pieces) > 0]


def called(llm):
    """Two calls, their results, and what is said of them."""
    llm = llm.bind_tools([Weather])
    messages = [HumanMessage(os.environ["CALLS"])]
    reply = llm.invoke(messages)
    messages += [reply, *(ToolMessage("rain", tool_call_id=call["id"], name=call["name"]) for call in reply.tool_calls)]
    return [[call["name"] for call in reply.tool_calls], "rain" in llm.invoke(messages).text]


def shaped(llm):
    return type(llm.with_structured_output(Weather, method="json_schema").invoke("x")).__name__


print(json.dumps({name: {task.__name__: task(llm) for task in (said, streamed, called, shaped)} |
                  {"embedded": [len(vector) for vector in embedders[name].embed_documents(["a", "b"])]}
                  for name, llm in (("google", google), ("openai", openai))}))
