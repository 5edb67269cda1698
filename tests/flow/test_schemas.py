# SPDX-License-Identifier: Apache-2.0
"""A schema is never tightened on its way: each value that fits the client's fits what the provider is given."""
import json
import random

import pytest

from schemas import fits, make_root, value_of
from stage import CHAT, Stage

SCHEMAS, VALUES = 150, 40


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("schemas"), database=False, admin=False) as stage:
        yield stage


def as_answer(schema):
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}


def as_tool(schema):
    return {"tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]}


# How a schema is sent, the model, and where the provider finds it: in JSON Schema's words, or for older models in OpenAPI's.
WAYS = {
    "answer": (as_answer, "gemini-2.5-flash", lambda body: body["generationConfig"]["responseJsonSchema"]),
    "tool": (as_tool, "gemini-3.5-flash", lambda body: body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]),
    "old answer": (as_answer, "gemini-2.0-flash", lambda body: body["generationConfig"]["responseSchema"]),
    "old tool": (as_tool, "gemini-2.0-flash", lambda body: body["tools"][0]["functionDeclarations"][0]["parameters"]),
}


def translated(stage, schema, way):
    sent, model, found = WAYS[way]
    answer = stage.request("POST", CHAT, {"model": model, "messages": [{"role": "user", "content": "Hi"}]} | sent(schema))
    assert answer.status == 200, (schema, answer.text)
    seen = stage.sim.last()
    if len(seen["body"]) < seen["body_bytes"]:
        return True  # it shows so much of a body only; an unrolled recursion may be longer
    return found(json.loads(seen["body"]))


@pytest.mark.parametrize("way", WAYS)
def test_what_fits_before_fits_after(stage, way):
    chance = random.Random(f"7{way}")
    fitting = kept = 0
    for _ in range(SCHEMAS):
        schema = make_root(chance)
        written = translated(stage, schema, way)
        for _ in range(VALUES):
            value = {"v": value_of(chance, schema["properties"]["v"], schema)}
            was, is_ = fits(value, schema, schema), fits(value, written, written)
            assert is_ or not was, json.dumps([value, schema, written])
            fitting += was
            kept += was == is_
    assert fitting > SCHEMAS * VALUES * .4, "most values fit nothing"
    assert kept > SCHEMAS * VALUES * .85, "too much is let through"
