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


def translated(stage, schema):
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    answer = stage.request("POST", CHAT, {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "Hi"}],
                                          "response_format": form})
    assert answer.status == 200, (schema, answer.text)
    return json.loads(stage.sim.last()["body"])["generationConfig"]["responseJsonSchema"]


def test_what_fits_before_fits_after(stage):
    chance = random.Random(7)
    fitting = kept = 0
    for _ in range(SCHEMAS):
        schema = make_root(chance)
        written = translated(stage, schema)
        for _ in range(VALUES):
            value = {"v": value_of(chance, schema["properties"]["v"], schema)}
            was, is_ = fits(value, schema, schema), fits(value, written, written)
            assert is_ or not was, json.dumps([value, schema, written])
            fitting += was
            kept += was == is_
    assert fitting > SCHEMAS * VALUES * .4, "most values fit nothing"
    assert kept > SCHEMAS * VALUES * .85, "too much is let through"
