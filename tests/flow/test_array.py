# SPDX-License-Identifier: Apache-2.0
"""streamGenerateContent without alt=sse: a JSON array that grows. The client has a complete one, or one whose last element is
the error, as Google has it; where an element itself broke off, it sees the connection break. It never has a clean end with
something missing and no word about it."""
import json

import pytest

from client import Streams
from recovery import answering, assert_exactly_once, incarnation, renewed, wait_pairs
from stage import MODEL, SLOW, TOKEN, Reader, Stage, scripted

PATH = f"/v1beta/models/{MODEL}:streamGenerateContent"
KEYS = ["key-ok-1", "key-ok-2", "key-ok-3"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("array"), keys=KEYS) as stage:
        yield stage


@pytest.fixture
def stage(shared):
    return renewed(shared)


def order(**script):
    body = {"contents": [{"role": "user", "parts": [{"text": scripted("array", **script)}]}]}
    return "POST", PATH, json.dumps(body).encode(), Stage.stream_headers(TOKEN)


def arrays(stage, count=1, reader=None, **script):
    """The running streams."""
    return Streams(stage.port, count, lambda i: order(**script), lambda i: reader or Reader())


def run(stage, **script):
    [stream] = arrays(stage, **script).join(30 * SLOW)
    return stream


def texts(elements):
    return ["".join(part.get("text", "") for part in candidate.get("content", {}).get("parts", []))
            for element in elements for candidate in element.get("candidates", [])]


def assert_array(stream, chunks):
    """All of it: an array whose elements are the numbered events, in order, up to the finish."""
    assert (stream.status, stream.ending) == (200, "end"), (stream.status, stream.ending, stream.body[:300])
    assert stream.headers["content-type"].startswith("application/json")
    elements = json.loads(stream.body)
    found = [text for text in texts(elements) if text]
    assert [int(text[1:].split("]")[0]) for text in found] == list(range(chunks)), found[:5]
    assert elements[-1]["candidates"][0]["finishReason"] == "STOP" or any(
        candidate.get("finishReason") == "STOP" for element in elements for candidate in element.get("candidates", []))


def assert_broken(stream):
    """A beginning of it, and then the error as its last element, or the connection ended before the reply did; or an error in
    place of all. Returns the error's code, None if there is none."""
    if stream.status != 200:
        assert stream.status >= 500 and json.loads(stream.body)["error"]["message"]
        return stream.status
    if stream.ending == "cut":
        assert stream.body.startswith(b"[") or not stream.body
        assert b'"error"' not in stream.body
        return None
    assert stream.ending == "end", (stream.ending, stream.body[-300:])
    *elements, last = json.loads(stream.body)
    assert elements and not any("error" in element for element in elements)
    assert list(last) == ["error"] and last["error"]["message"] and last["error"]["status"], last
    return last["error"]["code"]


# -------------------------------------------------------------------------------------------------------------- whole

@pytest.mark.short
def test_it_passes_as_the_provider_wrote_it(stage):
    stream = run(stage, chunks=5, numbered=True)
    assert_array(stream, 5)
    direct = stage.sim.direct("POST", PATH, order(chunks=5, numbered=True)[2].decode())

    def without_id(body):
        return [{name: value for name, value in element.items() if name != "responseId"} for element in json.loads(body)]
    assert without_id(stream.body) == without_id(direct.body)
    [row] = stage.wait_accounted()
    assert row["fault"] == "none" and row["tokens_out"] > 0


def test_elements_come_as_they_are_made(stage):
    with arrays(stage, chunks=2000, pace_ms=50, numbered=True) as running:
        stage.wait("some are there while the provider goes on", lambda: running.all[0].body.count(b"candidates") >= 3 and
                   stage.sim.counts()["open"] == 1)
        assert running.all[0].body.startswith(b"[") and not running.all[0].ending


@pytest.mark.parametrize("split", [1, 7, 1000])
def test_it_passes_however_it_is_split(stage, split):
    assert_array(run(stage, chunks=6, numbered=True, split=split), 6)


@pytest.mark.parametrize("chunks, size", [(50, 20_000), (8, 200_000), (3, 2_000_000)])
def test_elements_above_a_chunk_arrive_whole(stage, chunks, size):
    stream = run(stage, chunks=chunks, chunk_bytes=size, numbered=True)
    assert_array(stream, chunks)
    assert len(stream.body) > chunks * size


def test_an_empty_answer_is_an_error_as_without_streaming(stage):
    stream = run(stage, empty=True)
    assert stream.status == 502 and json.loads(stream.body)["error"]["status"] == "UNAVAILABLE"
    assert stage.sim.total() == 3


# ------------------------------------------------------------------------------------------------------------- broken off

@pytest.mark.parametrize("broken", [{"cut_at_byte": 0}, {"cut_at_byte": 20}, {"cut_after_events": 0}, {"close_after_events": 0},
                                    {"error_after_events": 0}, {"error_status": 503}, {"empty": True}],
                         ids=lambda broken: "-".join(f"{name}{value}" for name, value in broken.items()))
def test_what_breaks_before_the_first_element_is_tried_with_another_key(stage, broken):
    stage.sim.script(chunks=4, numbered=True)
    stage.sim.script(model=MODEL, times=2, **broken)
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    [stream] = Streams(stage.port, 1, lambda i: ("POST", PATH, json.dumps(body).encode(), Stage.stream_headers(TOKEN))).join(30 * SLOW)
    assert_array(stream, 4)
    assert stage.sim.total() == 3 and len(stage.wait_accounted()) == 3


@pytest.mark.parametrize("broken, code", [
    ({"cut_after_events": 3}, 502), ({"cut_after_events": 3, "cut_fin": True}, 502), ({"close_after_events": 3}, 502),
    ({"error_after_events": 3}, 503), ({"error_after_events": 3, "error_status": 429}, 429)],
                         ids=lambda broken: "-".join(f"{name}{value}" for name, value in broken.items())
                         if isinstance(broken, dict) else str(broken))
def test_what_breaks_later_ends_in_an_error(stage, broken, code):
    stream = run(stage, chunks=8, numbered=True, pace_ms=100, **broken)
    assert stream.status == 200 and b"[0]" in stream.body and b"[7]" not in stream.body
    assert stream.ending == "end" and assert_broken(stream) == code, stream.body[-300:]
    assert [text for text in texts(json.loads(stream.body)) if text][-1].startswith("[2]"), "all that came before is there"
    assert stage.sim.total() == 1
    [row] = stage.wait_accounted()
    assert row["fault"] != "none"


def test_an_element_that_breaks_off_is_seen_to_be_broken(stage):
    size = len(run(stage, chunks=1, chunk_bytes=300_000, numbered=True).body)
    stream = run(stage, chunks=2, chunk_bytes=300_000, numbered=True, cut_at_byte=size + 100_000)
    assert stream.status == 200 and size < len(stream.body) <= size + 100_000, (size, len(stream.body))
    assert stream.ending == "cut" and assert_broken(stream) is None


def test_a_cut_at_any_byte_is_a_whole_array_or_a_visible_break(stage_of):
    stage = stage_of(keys=["key-ok-1"], env={"MAX_RETRIES": 1}, database=False, admin=False)
    whole = run(stage, chunks=4, numbered=True)
    size = len(whole.body)
    scripts = [{"cut_at_byte": at, "cut_fin": at % 2 == 1} for at in range(1, size + 40, 11)]
    for begin in range(0, len(scripts), 40):
        some = scripts[begin:begin + 40]
        with Streams(stage.port, len(some), lambda i: order(chunks=4, numbered=True, **some[i])) as running:
            for stream, script in zip(running.join(60 * SLOW), some):
                if script["cut_at_byte"] < size - 2:
                    assert_broken(stream)
                elif stream.status == 200 and stream.ending == "end":
                    assert_array(stream, 4)


# ----------------------------------------------------------------------------------------------------------------- kills

def test_a_killed_upstream_breaks_what_it_had_begun_and_the_rest_moves(stage_of):
    stage = stage_of(upstreams=2)
    wait_pairs(stage)
    with arrays(stage, 10, chunks=40, pace_ms=50, numbered=True) as begun, \
            arrays(stage, 10, chunks=3, first_ms=1500, numbered=True) as quiet:
        begun.wait("begun", lambda stream: b"[1]" in stream.body, 20 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 20)
        doomed = answering(stage, incarnation(stage, "upstream-0"))
        assert 0 < doomed < 10
        stage.kill("upstream-0")
        stage.start("upstream-0")
        for stream in quiet.join(30 * SLOW):
            assert_array(stream, 3)
        ended = begun.join(30 * SLOW)
    broken = [stream for stream in ended if stream.ending != "end" or b'"error"' in stream.body]
    assert len(broken) == doomed
    for stream in ended:
        assert_broken(stream) if stream in broken else assert_array(stream, 40)
    assert_exactly_once(stage, may_lose=True)


def test_a_killed_balancer_is_not_noticed(stage_of):
    stage = stage_of()
    with arrays(stage, 5, chunks=30, pace_ms=50, numbered=True) as begun:
        begun.wait("begun", lambda stream: b"[1]" in stream.body, 20 * SLOW)
        stage.restart("balancer")
        for stream in begun.join(30 * SLOW):
            assert_array(stream, 30)
    assert stage.sim.total() == 5
    assert_exactly_once(stage)


# ------------------------------------------------------------------------------------------------------- the client's pace

def test_a_client_that_reads_slowly_has_all_of_it_and_holds_the_provider_back(stage):
    reader = Reader(stall_after=50_000)
    with arrays(stage, 1, reader, chunks=2000, chunk_bytes=10_000, numbered=True) as stalled:
        stage.wait("it stalls", lambda: stalled.all[0].size >= 50_000, 20)
        for stream in arrays(stage, 10, chunks=10, numbered=True).join(30 * SLOW):
            assert_array(stream, 10)
        assert stage.sim.counts()["open"] == 1, "the whole reply was taken in although nobody reads it"
        stalled.release()
        [stream] = stalled.join(60 * SLOW)
    assert_array(stream, 2000)


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_client_that_is_gone_cancels_it(stage, is_begun):
    with arrays(stage, chunks=2000, pace_ms=50, numbered=True, first_ms=0 if is_begun else 10_000) as running:
        if is_begun:
            running.wait("begun", lambda stream: b"[1]" in stream.body, 20 * SLOW)
        stage.wait("the provider is asked", lambda: stage.sim.total() == 1)
        running.hang_up(0)
        stage.wait("it is cancelled", lambda: stage.sim.counts()["cancelled"] == 1 and not stage.sim.counts()["open"])
    [row] = stage.wait_accounted()
    assert row["fault"] == "client_gone"
