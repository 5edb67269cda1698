# SPDX-License-Identifier: Apache-2.0
"""What programs do with LangChain's ChatOpenAI; tests/flow/test_clients_langchain.py names the tasks (one process for all, since
its imports take long) and reads the JSON."""
import json
import os
import sys

from langchain_openai import ChatOpenAI

PROMPT = os.environ.get("PROMPT", "Hello, world!")
llm = ChatOpenAI(model=os.environ["MODEL"], api_key=os.environ["TOKEN"], base_url=os.environ["GATEWAY"] + "/v1", max_retries=0,
                 timeout=float(os.environ["PATIENCE"]), stream_usage=True)


def invoke():
    reply = llm.invoke([("system", "Be brief."), ("human", "one"), ("ai", "1"), ("human", PROMPT)])
    return [reply.content, reply.usage_metadata["total_tokens"], reply.response_metadata["finish_reason"]]


def stream():
    pieces = list(llm.stream(PROMPT))
    tokens = [piece.usage_metadata["total_tokens"] for piece in pieces if piece.usage_metadata]
    return ["".join(piece.content for piece in pieces), tokens]


def batch():
    return [reply.content for reply in llm.batch([f"question {i}" for i in range(10)])]


def fails():
    try:
        llm.model_copy(update={"model_name": "no/such model"}).invoke(PROMPT)
    except Exception as error:  # which class it is, is what is asked
        return [[kind.__name__ for kind in type(error).__mro__], getattr(error, "status_code", None)]
    return None


TASKS = {task.__name__: task for task in (invoke, stream, batch, fails)}
print(json.dumps([TASKS[name]() for name in sys.argv[1].split(",")]))
