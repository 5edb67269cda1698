# SPDX-License-Identifier: Apache-2.0
"""A provider that answers with a JSON array although events were asked for, as behind a proxy that passes no query on: a
chat's stream is made of its elements just as well."""
import json

import pytest

from stage import MODEL, Stage, scripted

KEYS = [f"key-ok-{i}" for i in range(3)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("as-array"), keys=KEYS, database=False, admin=False) as stage:
        yield stage


@pytest.fixture(autouse=True)
def fresh(stage):
    stage.sim.reset()


def run(stage, **script):
    stream = stage.chat_stream(scripted("hello", as_array=True, **script))
    assert stage.sim.last()["query"].endswith("alt=sse")
    return stream


@pytest.mark.short
@pytest.mark.parametrize("more", [{}, {"split": 1}, {"split": 7}, {"pace_ms": 30}, {"chunk_bytes": 40_000}],
                         ids=lambda more: "-".join(f"{name}{value}" for name, value in more.items()) or "plain")
def test_elements_become_events(stage, more):
    stream = run(stage, chunks=6, numbered=True, thoughts=2, **more)
    stream.assert_numbered(6)
    assert stream.reasoning and stream.finish == "stop"


def test_each_choice_is_put_together(stage):
    stream = stage.chat_stream(scripted("hello", as_array=True, chunks=3, numbered=True), n=2)
    assert stream.is_whole and stream.done
    for index in range(2):
        said = "".join(choice["delta"].get("content") or "" for chunk in stream.chunks for choice in chunk["choices"]
                       if choice["index"] == index)
        assert [mark for mark in ("[0]", "[1]", "[2]") if mark in said] == ["[0]", "[1]", "[2]"]


@pytest.mark.parametrize("broken, code", [({"cut_after_events": 3}, "stream_cut"), ({"close_after_events": 3}, "stream_cut"),
                                          ({"error_after_events": 3}, "model_overloaded")], ids=lambda broken: str(broken))
def test_what_breaks_later_ends_in_an_error(stage, broken, code):
    stream = run(stage, chunks=8, numbered=True, pace_ms=50, **broken)
    assert stream.numbers == [0, 1, 2] and not stream.done
    [error] = stream.errors
    assert error["code"] == code


def test_what_breaks_before_content_is_tried_with_another_key(stage):
    stage.sim.script(chunks=4, numbered=True, as_array=True)
    stage.sim.script(model=MODEL, times=2, as_array=True, error_after_events=0)
    stage.chat_stream("hello").assert_numbered(4)
    assert stage.sim.total() == 3


def test_empty_answers_of_all_keys_are_one(stage):
    stage.sim.script(as_array=True, empty=True)
    stream = stage.chat_stream("hello")
    assert stream.is_whole and stream.done and stream.text == "" and stream.finish == "stop" and stage.sim.total() == 3


def test_a_blocked_prompt_is_told(stage):
    stream = run(stage, blocked=True)
    assert stream.done and stream.finish == "content_filter"
    assert "PROHIBITED_CONTENT" in json.dumps(stream.chunks)
