# SPDX-License-Identifier: Apache-2.0
"""Each queue and table has its bound, and what is above it gets a clear answer; and a process that is told to end lets open
calls end first."""
import signal

from recovery import begin_scripted, wait_pairs
from stage import SLOW, Reader, scripted

FEW = 3
LATE_MS = 1500


def statuses(streams):
    return sorted(stream.status for stream in streams)


def test_open_calls_above_call_limit_are_refused_and_those_below_are_answered(stage_of):
    stage = stage_of(env={"CALL_LIMIT": "5"}, database=False, admin=False)
    with begin_scripted(stage, 5, chunks=FEW, first_ms=LATE_MS) as open_calls:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 5)
        refused = stage.chat("one too many")
        assert refused.status == 503 and refused.headers["retry-after"] and refused.json["error"]["message"]
        for stream in open_calls.join(10 * SLOW):
            stream.assert_numbered(FEW)
    assert stage.chat("there is room again").status == 200


def test_bodies_above_body_budget_are_refused_and_their_room_comes_back(stage_of):
    stage = stage_of(env={"BODY_BUDGET": "1MiB"}, database=False, admin=False)
    large = "x" * 700_000
    with stage.streams(1, text=lambda i: large + "\n" + scripted("", chunks=FEW, first_ms=LATE_MS)) as held:
        stage.wait("the provider has the first", lambda: stage.sim.total() == 1)
        assert stage.chat(large).status == 503
        assert stage.chat("a small one").status == 200
        assert held.join(10 * SLOW)[0].is_whole
    assert stage.chat(large).status == 200


def test_the_queues_bytes_are_bounded(stage_of):
    """Calls that wait for a key with bodies of 20 KB: two fit, the others are told to come again."""
    stage = stage_of(keys=["key-minute3-1"], env={"QUEUE_BYTES": "50KiB", "TIME_OUT": "5"}, database=False, admin=False)
    stage.chat("this one makes the key rest")
    with stage.streams(6, text=lambda i: "x" * 20_000) as streams:
        done = streams.join(20 * SLOW)
    assert statuses(done).count(429) >= 4, statuses(done)


def test_an_upstream_takes_no_more_calls_than_it_has_slots(stage_of):
    stage = stage_of(env={"UPSTREAM_SLOTS": "3"}, database=False, admin=False)
    with begin_scripted(stage, 9, chunks=FEW, first_ms=300) as streams:
        most = 0
        while streams.open():
            most = max(most, stage.sim.counts()["open"])
        for stream in streams.join(10 * SLOW):
            stream.assert_numbered(FEW)
    assert most == 3
    assert stage.sim.total() == 9


def test_a_client_that_takes_nothing_for_client_stall_is_cut_off(stage_of):
    stage = stage_of(env={"CLIENT_STALL": "1"}, admin=False)
    with stage.streams(1, reader=Reader(stall_after=20_000, receive_buffer=4096), chunks=3000, chunk_bytes=10_000) as stalled:
        stage.wait("it stalls", lambda: stalled.all[0].size >= 20_000, 10)
        stage.wait_log("frontend", "client.stalled", 5)
        stage.wait("the provider's stream is cancelled", lambda: stage.sim.counts()["open"] == 0, 5)
        stage.wait("nothing is left of it", lambda: not any(
            line["event"] == "dump.call" for lines in stage.dump("frontend", "balancer", "upstream").values() for line in lines), 5)
    [row] = stage.wait_accounted()
    assert row["fault"] == "client_gone"


def test_a_full_flight_file_stops_no_call_and_says_how_many_are_missing(stage_of):
    stage = stage_of(env={"FLIGHT_SLOTS": "16"})
    stage.kill("recorder")
    for _ in range(40):
        assert stage.chat("hello").status == 200
    stage.wait_log("upstream", "journal.full")
    stage.start("recorder")
    stage.wait("what was kept is stored", lambda: stage.count_rows() >= 16)
    assert stage.chat("the next one tells of the gap").status == 200
    stage.wait("rows and gap are all attempts", lambda: stage.count_rows() + int(
        stage.query("select coalesce(sum(gap), 0) as n from senders")[0]["n"]) == 41)
    assert stage.count_rows() == 17


def test_a_frontend_that_is_told_to_end_lets_its_open_calls_end(stage_of):
    stage = stage_of(frontends=1, database=False, admin=False, env={"DRAIN": "10"})
    with begin_scripted(stage, 5, chunks=20, pace_ms=50) as running, begin_scripted(stage, 5, chunks=FEW, first_ms=800) as quiet:
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 10)
        running.wait_events(2, 5 * SLOW)
        stage.kill("frontend", signal.SIGTERM, wait=False)
        for stream in running.join(10 * SLOW):
            stream.assert_numbered(20)
        for stream in quiet.join(10 * SLOW):
            stream.assert_numbered(FEW)
    assert stage.wait_dead("frontend", 5) == 0
    stage.start("frontend-0")
    stage.wait_ready()
    assert stage.chat("hello").status == 200


def test_an_upstream_that_is_told_to_end_lets_its_open_calls_end_and_gets_no_new_ones(stage_of):
    stage = stage_of(upstreams=2, env={"DRAIN": "10"}, admin=False)
    wait_pairs(stage)
    with begin_scripted(stage, 10, chunks=20, pace_ms=50) as running:
        running.wait_events(2, 5 * SLOW)
        stage.kill("upstream-0", signal.SIGTERM, wait=False)
        stage.wait_log("upstream-0", "process.draining")
        with begin_scripted(stage, 10, chunks=FEW) as later:
            for stream in later.join(10 * SLOW):
                stream.assert_numbered(FEW)
        for stream in running.join(10 * SLOW):
            stream.assert_numbered(20)
    assert stage.wait_dead("upstream-0", 5) == 0
    assert stage.sim.total() == 20
    stage.wait_accounted()


def test_an_upstream_that_has_to_end_before_its_streams_tells_their_clients_so(stage_of):
    """The end of DRAIN comes first: streams that have begun end in an error event, the other calls move. No key suffers."""
    stage = stage_of(upstreams=2, env={"DRAIN": "2"}, admin=False)
    wait_pairs(stage)
    with begin_scripted(stage, 10, chunks=200, pace_ms=50) as running, begin_scripted(stage, 10, chunks=FEW, first_ms=4000) as quiet:
        running.wait_events(2, 10 * SLOW)
        stage.wait("the provider is asked for all", lambda: stage.sim.total() == 20)
        stage.kill("upstream-0", signal.SIGTERM, wait=False)
        assert stage.wait_dead("upstream-0", 5) == 0
        ended = running.join(30 * SLOW)
        for stream in quiet.join(20 * SLOW):
            stream.assert_numbered(FEW)
    told = [stream for stream in ended if stream.error]
    assert 0 < len(told) < 10
    for stream in ended:
        stream.assert_honest(200)
        assert stream not in told or stream.error["code"] == "gateway_stopping", stream.error
    rows = stage.wait_accounted()
    assert sum(row["fault"] == "stopped" for row in rows) == len(told)
    assert {row["fault"] for row in rows} == {"none", "stopped", "lost"} and not stage.log("balancer", "key.cooling_down")
