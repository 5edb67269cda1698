# SPDX-License-Identifier: Apache-2.0
"""One request of a client that takes several of the provider: `n` choices. Each is a call of its own, and so keeps every
promise of a call; together they are one reply."""
import json

import pytest

from recovery import answering, ask, assert_exactly_once, assert_one_place, begin, incarnation, renewed, wait_pairs
from stage import CHAT, MODEL, SLOW, Reader, Stage, scripted

N = 3


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("legs")) as stage:
        yield stage


@pytest.fixture
def stage(shared):
    return renewed(shared)


def several(count=1, n=N, **script):
    """`count` streamed calls for n choices each."""
    return [ask(scripted(f"stream {i}", numbered=True, **script), n=n, stream_options={"include_usage": True})
            for i in range(count)]


def choices_of(stream):
    """{index: its deltas, in order}, and {index: its finish reasons}."""
    deltas, finishes = {}, {}
    for chunk in stream.chunks:
        for choice in chunk.get("choices", []):
            deltas.setdefault(choice["index"], []).append(choice["delta"])
            if choice["finish_reason"]:
                finishes.setdefault(choice["index"], []).append(choice["finish_reason"])
    return deltas, finishes


def numbers_of(deltas):
    return [int(text.strip("[]").split("]")[0]) for text in (delta.get("content") for delta in deltas) if text]


def assert_all_choices(stream, chunks, n=N):
    """Each choice has one role, all its chunks in order and one finish; usage comes once, and last."""
    assert stream.is_whole and stream.done, (stream.status, stream.ending, stream.errors, stream.body[:300])
    deltas, finishes = choices_of(stream)
    assert sorted(deltas) == list(range(n)) and finishes == {i: ["stop"] for i in range(n)}, (sorted(deltas), finishes)
    for found in deltas.values():
        assert numbers_of(found) == list(range(chunks))
        assert [i for i, delta in enumerate(found) if "role" in delta] == [0]
    assert len({(chunk["id"], chunk["created"]) for chunk in stream.chunks}) == 1
    assert [bool(chunk["usage"]) for chunk in stream.chunks] == [False] * (len(stream.chunks) - 1) + [True]


def assert_honest_choices(stream, chunks):
    """Of each choice there is a beginning without a gap, and an error says that this is not all."""
    for found in choices_of(stream)[0].values():
        assert numbers_of(found) == list(range(len(numbers_of(found))))
        assert len(numbers_of(found)) <= chunks
    assert not stream.done and stream.errors, (stream.status, stream.ending, stream.body[:300])


# ------------------------------------------------------------------------------------------------------------ answered

@pytest.mark.short
def test_whole_choices_are_one_reply(stage):
    one = stage.chat(scripted("one", text="an answer")).json
    answer = stage.chat(scripted("one", text="an answer"), n=N)
    assert answer.status == 200, answer.text
    assert [choice["index"] for choice in answer.json["choices"]] == list(range(N))
    assert {choice["message"]["content"] for choice in answer.json["choices"]} == {"an answer"}
    assert answer.json["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    assert answer.json["usage"]["completion_tokens"] == N * one["usage"]["completion_tokens"]
    assert answer.json["usage"]["total_tokens"] == one["usage"]["prompt_tokens"] + N * one["usage"]["completion_tokens"]
    rows = stage.wait_accounted()
    assert len(rows) == N + 1 and len({row["call_id"] for row in rows}) == N + 1
    assert all(row["fault"] == "none" for row in rows)


@pytest.mark.short
def test_streamed_choices_come_interleaved(stage):
    [stream] = begin(stage, several(chunks=8, pace_ms=100)).join(20 * SLOW)
    assert_all_choices(stream, 8)
    order = [choice["index"] for chunk in stream.chunks for choice in chunk["choices"] if choice["delta"].get("content")]
    assert order != sorted(order) and stage.sim.total() == N
    assert stream.usage["completion_tokens"] > stream.usage["prompt_tokens"] / 10
    assert len(stage.wait_accounted()) == N


def test_many_at_once_with_all_numbers_of_choices(stage):
    asks = [call for n in range(1, 9) for call in several(4, n, chunks=6, chunk_bytes=3000, pace_ms=5)]
    for i, stream in enumerate(begin(stage, asks).join(60 * SLOW)):
        assert_all_choices(stream, 6, i // 4 + 1)
    assert stage.sim.total() == 4 * sum(range(1, 9))
    stage.wait_accounted()


@pytest.mark.parametrize("n, says", [(0, "at least 1"), (9, "at most 8"), (10**30, "at most 8"), (-1, "at least 1")])
def test_too_many_choices_are_refused(stage, n, says):
    answer = stage.chat("hello", n=n)
    assert answer.status == 400 and answer.json["error"]["param"] == "n" and says in answer.json["error"]["message"]
    assert stage.sim.total() == 0


def test_a_request_has_room_for_one_call_at_least(tmp_path):
    with Stage(tmp_path, env={"REQUEST_CALLS": "0"}) as stage:
        assert stage.chat("hello").status == 200
        answer = stage.chat("hello", n=2)
        assert answer.status == 400 and "at most 1" in answer.json["error"]["message"]


def test_a_large_body_goes_with_each_call(stage):
    text = "x" * 300_000
    answer = stage.chat(text, n=N)
    assert answer.status == 200 and len(answer.json["choices"]) == N
    assert len({(request["body_bytes"], request["body_crc32"]) for request in stage.sim.requests()}) == 1
    assert stage.sim.total() == N and stage.sim.last()["body_bytes"] > 300_000


# ------------------------------------------------------------------------------------------------------------- limits

def test_each_choice_counts_as_an_open_call_and_its_large_body_as_well(stage_of):
    stage = stage_of(env={"CALL_LIMIT": "5", "BODY_BUDGET": "3MiB"}, database=False, admin=False)
    long = "x" * 700_000 + "\n" + scripted("", chunks=2, first_ms=3000)
    with begin(stage, [ask(long, n=N)]) as held:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == N)
        refused = stage.chat("hello", n=N)
        assert refused.status == 503 and refused.headers["retry-after"]
        assert stage.chat("hello", n=2).status == 200
        assert stage.chat("x" * 700_000, n=2).status == 503, "its upstreams would have 3.5 MB of bodies"
        assert stage.chat("x" * 700_000).status == 200
        assert held.join(20 * SLOW)[0].is_whole
    assert stage.chat("hello", n=5).status == 200
    assert stage.chat("x" * 700_000, n=4).status == 200, "what was counted is counted back"
    assert stage.chat("x" * 700_000, n=5).status == 503


# --------------------------------------------------------------------------------------------------------- one of them fails

@pytest.mark.parametrize("is_stream", [False, True])
def test_one_that_fails_before_anything_was_sent_fails_all(stage, is_stream):
    stage.sim.script(first_ms=10_000)
    stage.sim.script(model=MODEL, times=1, first_ms=800, error_status=400, error_message="This cannot be.")
    with begin(stage, [ask("hello", is_stream, n=N)]) as running:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == N)
        [answer] = running.join(9 * SLOW)
    assert answer.status == 400 and b"This cannot be." in answer.body, (answer.status, answer.body)
    stage.wait("the others are cancelled", lambda: stage.sim.counts()["cancelled"] == N - 1 and not stage.sim.counts()["open"])
    rows = assert_exactly_once(stage)
    assert sorted(row["fault"] for row in rows) == ["bad_request", "client_gone", "client_gone"]


def test_one_that_breaks_off_ends_the_stream_in_an_error_and_cancels_the_others(stage):
    stage.sim.script(chunks=2000, pace_ms=50, numbered=True)
    stage.sim.script(model=MODEL, times=1, chunks=2000, pace_ms=50, numbered=True, cut_after_events=10)
    [stream] = begin(stage, [ask("hello", n=N)]).join(20 * SLOW)
    assert_honest_choices(stream, 2000)
    assert stream.error["code"] == "stream_cut" and stream.status == 200
    stage.wait("the others are cancelled", lambda: stage.sim.counts()["cancelled"] == N - 1 and not stage.sim.counts()["open"])
    rows = assert_exactly_once(stage)
    assert sorted(row["fault"] for row in rows) == ["client_gone", "client_gone", "cut"]


def test_one_whose_key_fails_takes_another_unseen(stage):
    stage.sim.script(chunks=4, numbered=True, first_ms=300)
    stage.sim.script(model=MODEL, times=1, error_status=500)
    [stream] = begin(stage, [ask("hello", n=N, stream_options={"include_usage": True})]).join(20 * SLOW)
    assert_all_choices(stream, 4)
    assert stage.sim.total() == N + 1
    rows = assert_exactly_once(stage)
    assert sorted(row["fault"] for row in rows) == ["none"] * N + ["server"]


def test_an_empty_answer_is_an_empty_choice(stage_of):
    stage = stage_of(keys=["key-empty-1"], env={"MAX_RETRIES": 1}, database=False)
    answer = stage.chat("hello", n=N)
    assert answer.status == 200
    assert [(c["index"], c["message"]["content"], c["finish_reason"]) for c in answer.json["choices"]] == \
        [(i, "", "stop") for i in range(N)]
    [stream] = begin(stage, [ask("hello", n=N, stream_options={"include_usage": True})]).join(20 * SLOW)
    assert_all_choices(stream, 0)


# -------------------------------------------------------------------------------------------------------- the client's pace

def test_a_client_that_is_gone_cancels_all(stage):
    with begin(stage, several(chunks=2000, pace_ms=50)) as running:
        running.wait_events(12, 20 * SLOW)
        running.hang_up(0)
        stage.wait("all are cancelled", lambda: stage.sim.counts()["cancelled"] == N and not stage.sim.counts()["open"])
    rows = assert_exactly_once(stage)
    assert [row["fault"] for row in rows] == ["client_gone"] * N


def test_a_client_that_is_gone_before_the_first_content_cancels_all(stage):
    with begin(stage, several(first_ms=10_000)) as running:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == N)
        running.hang_up(0)
        stage.wait("all are cancelled", lambda: stage.sim.counts()["cancelled"] == N and not stage.sim.counts()["open"])
    assert [row["fault"] for row in assert_exactly_once(stage)] == ["client_gone"] * N


def test_a_slow_client_slows_its_own_calls_only(stage):
    memory = stage.memory("frontend")
    with stage.streams(1, text=scripted(chunks=1000, chunk_bytes=10_000, numbered=True), reader=Reader(stall_after=50_000),
                       path=CHAT) as plain, \
            FanStreams(stage, Reader(stall_after=50_000), chunks=1000, chunk_bytes=10_000) as stalled:
        stage.wait("both stall", lambda: plain.all[0].size >= 50_000 and stalled.all[0].size >= 50_000, 20)
        for stream in begin(stage, several(20, chunks=10, pace_ms=10)).join(30 * SLOW):
            assert_all_choices(stream, 10)
        assert stage.sim.counts()["open"] == N + 1, "an answer was taken in although nobody reads it"
        from stage import IS_SANITIZED
        assert IS_SANITIZED or stage.memory("frontend") - memory < 12 << 20
        stalled.release()
        plain.release()
        [stream] = stalled.join(60 * SLOW)
        plain.join(60 * SLOW)
    assert_all_choices_end(stream, 1000)


class FanStreams:
    """One stream for N choices, with a reader of its own."""

    def __new__(cls, stage, reader, **script):
        from client import Streams
        [order] = several(**script)
        return Streams(stage.port, 1, lambda i: order, lambda i: reader)


def assert_all_choices_end(stream, chunks):
    deltas, finishes = choices_of(stream)
    assert stream.is_whole and stream.done and finishes == {i: ["stop"] for i in range(N)}
    for found in deltas.values():
        assert [int(delta["content"][1:].split("]")[0]) for delta in found if delta.get("content")] == list(range(chunks))


# ---------------------------------------------------------------------------------------------------------- kills

def test_a_killed_upstream_moves_what_had_not_begun(stage_of):
    stage = stage_of(upstreams=2)
    wait_pairs(stage)
    with begin(stage, several(10, chunks=3, first_ms=1500)) as quiet:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 10 * N)
        stage.kill("upstream-0")
        stage.start("upstream-0")
        for stream in quiet.join(30 * SLOW):
            assert_all_choices(stream, 3)
    assert 10 * N < stage.sim.total() < 20 * N
    rows = assert_exactly_once(stage, may_lose=True)
    assert sum(row["fault"] == "none" for row in rows) == 10 * N


def test_a_killed_upstream_ends_streams_of_which_it_had_a_part(stage_of):
    stage = stage_of(upstreams=2)
    wait_pairs(stage)
    with begin(stage, several(10, chunks=40, pace_ms=50)) as begun:
        begun.wait_events(12, 20 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 10 * N)
        stage.wait("all are being answered", lambda: sum(
            line["event"] == "dump.call" and line["state"] == "answering"
            for line in stage.dump("frontend")["frontend-0"]) == 10 * N)
        assert 0 < answering(stage, incarnation(stage, "upstream-0")) < 10 * N
        stage.kill("upstream-0")
        stage.start("upstream-0")
        ended = begun.join(30 * SLOW)
    broken = [stream for stream in ended if stream.errors]
    assert broken and {stream.error["code"] for stream in broken} == {"answer_lost"}
    for stream in ended:
        assert_honest_choices(stream, 40) if stream in broken else assert_all_choices(stream, 40)
    assert stage.sim.total() == 10 * N  # none that had begun ran again
    rows = assert_exactly_once(stage, may_lose=True)
    assert sum(row["fault"] == "none" for row in rows) >= N * (10 - len(broken))
    assert len(rows) == 10 * N


def test_a_killed_balancer_is_not_noticed_and_no_call_runs_twice(stage_of):
    stage = stage_of(upstreams=2)
    wait_pairs(stage)
    with begin(stage, several(5, chunks=30, pace_ms=50)) as begun, begin(stage, several(5, chunks=3, first_ms=1500)) as quiet:
        begun.wait_events(6, 20 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 10 * N)
        stage.kill("balancer")
        with begin(stage, several(5, chunks=3)) as waiting:
            stage.wait("they wait for a balancer", lambda: sum(
                line["event"] == "dump.call" and line["state"] == "held_back"
                for line in stage.dump("frontend")["frontend-0"]) == 5 * N)
            stage.start("balancer")
            assert_one_place(stage)
            for stream in quiet.join(30 * SLOW) + waiting.join(30 * SLOW):
                assert_all_choices(stream, 3)
        for stream in begun.join(30 * SLOW):
            assert_all_choices(stream, 30)
    assert stage.sim.total() == 15 * N
    assert all(row["fault"] == "none" for row in assert_exactly_once(stage))


def test_a_killed_frontend_cancels_all_its_calls(stage_of):
    stage = stage_of(frontends=2)
    with begin(stage, several(6, chunks=2000, pace_ms=50)) as begun:
        begun.wait_events(9, 20 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 6 * N)
        stage.kill("frontend-0")
        stage.kill("frontend-1")
        stage.wait("all are cancelled", lambda: stage.sim.counts()["cancelled"] == 6 * N and not stage.sim.counts()["open"])
        assert all(stream.ending == "cut" for stream in begun.join(10 * SLOW))
    stage.start("frontend-0")
    stage.start("frontend-1")
    assert [row["fault"] for row in assert_exactly_once(stage)] == ["client_gone"] * 6 * N


def test_a_balancer_killed_while_keys_fail_runs_none_twice(stage_of):
    """Some legs wait for their next key when it dies."""
    stage = stage_of(keys=["key-ok-1", "key-ok-2", "key-ok-3"], upstreams=2)
    stage.sim.script(chunks=3, numbered=True, first_ms=500)
    stage.sim.script(model=MODEL, times=2, error_status=500)
    with begin(stage, [ask("hello", n=N, stream_options={"include_usage": True})]) as running:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() >= N)
        stage.kill("balancer")
        stage.start("balancer")
        [stream] = running.join(30 * SLOW)
    assert_all_choices(stream, 3)
    assert stage.sim.total() == N + 2
    assert json.dumps(sorted(row["fault"] for row in assert_exactly_once(stage))) == \
        json.dumps(["none"] * N + ["server"] * 2)
