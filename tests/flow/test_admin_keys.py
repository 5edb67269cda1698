# SPDX-License-Identifier: Apache-2.0
"""Keys as the dashboard sees them and acts on them, and the events that tell of it."""
import json
import socket
import time

import pytest

from stage import MODEL, SLOW, Stage

ADMIN = "admin-token-1"
KEYS = ["key-ok-that-ends-in-aaaa", "key-minute50-that-ends-in-bbbb", "key-invalid-that-ends-in-cccc"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("keys"), keys=KEYS, env={"AUTH_TOKEN": ADMIN}) as stage:
        stage.wait("admin is there", lambda: "balancers" in stage.status())
        stage.wait("keys are known", lambda: get(stage, "keys").json["known"])
        for _ in range(6):
            stage.chat("hello")
        yield stage


def get(stage, path):
    return stage.request("GET", f"/api/admin/{path}", token=ADMIN)


def act(stage, **body):
    return stage.request("POST", "/api/admin/keys/actions", body, token=ADMIN)


def by_tail(stage):
    return {row["tail"]: row for row in get(stage, "keys").json["rows"]}


class Listener:
    """A reader of events."""

    def __init__(self, stage, query="", last_id=None, token=ADMIN):
        self.socket = socket.create_connection(("127.0.0.1", stage.port), timeout=20 * SLOW)
        self.socket.sendall(f"GET /api/admin/events{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n".encode() +
                            (f"Last-Event-ID: {last_id}\r\n".encode() if last_id else b"") + b"\r\n")
        self.left = b""

    def read_until(self, mark):
        while mark not in self.left:
            more = self.socket.recv(65536)
            assert more, self.left
            self.left += more
        taken, _, self.left = self.left.partition(mark)
        return taken.decode()

    def next(self, name):
        """The next event of that name: (id, data)."""
        while True:
            lines = dict(line.split(": ", 1) for line in self.read_until(b"\n\n").replace("\r", "").split("\n") if ": " in line)
            if lines.get("event") == name:
                return lines.get("id"), json.loads(lines["data"])

    def __enter__(self):
        self.head = self.read_until(b"\r\n\r\n").lower()
        return self

    def __exit__(self, *_):
        self.socket.close()


@pytest.mark.short
def test_each_key_says_what_keeps_it_and_until_when(stage):
    stage.wait("all three are told", lambda: {tail: row["state"] for tail, row in by_tail(stage).items()} ==
               {"aaaa": "ready", "bbbb": "cooling", "cccc": "dead"} or print(by_tail(stage)), 10)
    rows = by_tail(stage)
    now = time.time() * 1000
    assert rows["bbbb"]["code"] == "quota_minute" and now < rows["bbbb"]["until"] < now + 60_000 and rows["bbbb"]["resting_models"] == 1
    assert rows["bbbb"]["rests"][0]["model"] == MODEL and rows["bbbb"]["since"] <= now
    assert rows["cccc"]["code"] == "key_invalid" and "API key not valid" in rows["cccc"]["says"]
    assert rows["aaaa"]["code"] is None and rows["aaaa"]["until"] is None
    told = get(stage, "keys").json
    assert told["total"] == 3 and told["states"] == {"ready": 1, "partial": 0, "cooling": 1, "spent": 0, "new": 0, "off": 0, "dead": 1}
    assert not any(key in get(stage, "keys").text for key in KEYS)


@pytest.mark.short
def test_a_view_is_filtered_and_stays_in_its_order(stage):
    told = get(stage, "keys?state=dead,cooling&sort=tail&dir=desc").json
    assert [row["tail"] for row in told["rows"]] == ["cccc", "bbbb"] and told["matching"] == 2 and told["total"] == 3
    window = get(stage, f"keys?state=dead,cooling&sort=tail&dir=desc&view={told['view']}&offset=1&limit=1").json
    assert [row["tail"] for row in window["rows"]] == ["bbbb"] and window["view"] == told["view"]
    assert [row["tail"] for row in get(stage, "keys?q=NOT%20valid").json["rows"]] == ["cccc"]
    assert get(stage, "keys?q=%27%3B--").json["matching"] == 0
    for query in ("state=nothing", "sort=id", "dir=up", "limit=0", "limit=x", "offset=-1", "q=" + "x" * 100):
        answer = get(stage, "keys?" + query)
        assert answer.status == 400 and answer.json["error"]["field"] == query.split("=")[0], query
    one = get(stage, "keys/" + told["rows"][0]["id"])
    assert one.json["tail"] == "cccc" and get(stage, "keys/0000000000000000").status == 404 and get(stage, "keys/..%2f").status == 404


@pytest.mark.short
def test_a_key_that_is_turned_off_serves_nobody_and_comes_back(stage):
    id = by_tail(stage)["aaaa"]["id"]
    assert act(stage, do="disable", ids=[id, "0000000000000001"]).json == {"done": 1, "refused": [{"id": "0000000000000001", "code": "unknown_key"}]}
    stage.wait("it is off", lambda: by_tail(stage)["aaaa"]["state"] == "off", 5)
    assert stage.chat("hello").status in (429, 503)
    assert act(stage, do="enable", where={"state": "off"}).json["done"] == 1
    stage.wait("it is back", lambda: by_tail(stage)["aaaa"]["state"] == "ready", 5)
    assert stage.chat("hello").status == 200


@pytest.mark.short
def test_a_rest_is_ended_on_order_and_events_tell(stage):
    with Listener(stage, "?topics=keys,pool,session") as listener:
        assert "text/event-stream" in listener.head and "no-store" in listener.head
        assert listener.next("session")[1]["version"]
        id = by_tail(stage)["cccc"]["id"]
        assert act(stage, do="end_rest", ids=[id]).json["done"] == 1
        event, data = listener.next("keys")
        assert [(row["tail"], row["state"], row["code"]) for row in data["rows"]] == [("cccc", "ready", None)] and data["more"] == 0
    act(stage, do="verify", ids=[id])
    stage.wait("it is dead again", lambda: by_tail(stage)["cccc"]["state"] == "dead", 10)
    with Listener(stage, "?topics=keys,pool", last_id=event) as listener:  # what came meanwhile
        assert listener.next("keys")[1]["rows"][0]["state"] == "dead"
    with Listener(stage, f"?topics=keys,pool&last_event_id={event}") as listener:
        assert listener.next("keys")[1]["rows"][0]["state"] == "dead"
    with Listener(stage, "?topics=keys", last_id="17") as listener:
        assert listener.next("reset") == (None, {})


@pytest.mark.short
def test_keys_are_tried_on_order_as_a_job(stage):
    with Listener(stage, "?topics=job") as listener:
        answer = act(stage, do="verify", where={})
        job = answer.json["job"]
        while True:
            data = listener.next("job")[1]
            if data["id"] == job and data["state"] == "done":
                break
    assert data == get(stage, "jobs/" + job).json
    assert data["done"] == data["total"] == 3 and data["groups"]["key_invalid"] == 1 and sum(data["groups"].values()) == 3
    assert by_tail(stage)["cccc"]["verified"] == "key_invalid" and by_tail(stage)["aaaa"]["verified"] == "none"
    assert abs(by_tail(stage)["aaaa"]["verified_at"] / 1000 - time.time()) < 60 * SLOW
    assert get(stage, "jobs/99").status == 404 and get(stage, "jobs/x").status == 404


@pytest.mark.short
@pytest.mark.parametrize("body, field", [({"do": "explode", "ids": []}, "do"), ({"do": "verify"}, "where"), ({"do": "verify", "ids": ["x"]}, "ids"),
                                         ({"do": "verify", "ids": 7}, "ids"), ({"do": "enable", "where": {"state": "x"}}, "where.state"),
                                         ({"do": "enable", "where": {}, "except": ["x"]}, "except")])
def test_an_order_that_is_none_is_refused(stage, body, field):
    answer = act(stage, **body)
    assert (answer.status, answer.json["error"]["field"]) == (400, field)


@pytest.mark.short
def test_processes_and_the_pace_are_told(stage):
    roles = [row["role"] for row in get(stage, "processes").json["rows"]]
    assert roles == ["frontend", "balancer", "upstream", "recorder", "store", "query", "admin"]
    assert {row["state"] for row in get(stage, "processes").json["rows"]} == {"up"}
    with Listener(stage, "?topics=tick,processes") as listener:
        assert set(listener.next("tick")[1]) == {"calls_per_s", "open", "waiting"}
        stage.kill("query")
        told = [row for row in listener.next("processes")[1]["rows"] if row["role"] == "query"]
        assert [(row["state"], row["code"]) for row in told] == [("away", "process_down")]
        stage.start("query")
        while not [row for row in listener.next("processes")[1]["rows"] if row["role"] == "query" and row["state"] == "up"]:
            pass


@pytest.mark.short
def test_events_need_a_login_and_known_topics(stage):
    assert stage.request("GET", "/api/admin/events", token=None).status == 401
    assert get(stage, "events?topics=tick,nothing").json["error"]["field"] == "topics"


@pytest.mark.short
def test_the_last_lines_of_all_processes_are_told(stage):
    assert get(stage, "logs").json["error"]["code"] == "no_logs"  # nobody writes them to STATE_DIR here
    for name, lines in (("frontend-0", ["ts=2026-03-01T09:30:00.123Z level=info proc=frontend pid=1 event=call.done call=7f", "no line of ours"]),
                        ("balancer", ["ts=2026-03-01T09:30:00.200Z level=warn proc=balancer pid=2 event=key.cooling_down words=\"<b>\"",
                                      "ts=2026-03-01T09:29:00.000Z level=error proc=balancer pid=2 event=keys.missing"])):
        (stage.state / "log" / name).mkdir(parents=True)
        (stage.state / "log" / name / "current").write_text("\n".join(lines) + "\n")
    (stage.state / "log/secret").mkdir()
    (stage.state / "log/secret/current").symlink_to("/etc/passwd")
    rows = get(stage, "logs").json["rows"]
    assert [(row["process"], row["level"], row["event"]) for row in rows] == \
        [("balancer", "warn", "key.cooling_down"), ("frontend-0", "info", "call.done"), ("balancer", "error", "keys.missing")]
    assert rows[1]["at"] == 1772357400123 and rows[0]["text"].endswith('words="<b>"')
    assert [row["event"] for row in get(stage, "logs?level=error").json["rows"]] == ["keys.missing"]
    assert [row["event"] for row in get(stage, "logs?process=frontend").json["rows"]] == ["call.done"]
    assert get(stage, "logs?process=front").json["rows"] == []
    assert [row["role"] for row in get(stage, "logs?role=balancer&level=debug").json["rows"]] == ["balancer"] * 2
    assert get(stage, "logs?process=..%2F..%2Fetc").json["rows"] == [] and len(get(stage, "logs?limit=1").json["rows"]) == 1
    assert [row["process"] for row in get(stage, "logs?q=call%3D7f").json["rows"]] == ["frontend-0"]
    assert get(stage, "logs?level=x").json["error"]["field"] == "level" and get(stage, "logs?limit=0").status == 400
