# SPDX-License-Identifier: Apache-2.0
"""Pages that the ledger answers, gemini-balance's routes for scripts, and what Prometheus gets."""
import csv
import re
import time

import pytest

from stage import MODEL, Stage, scripted

ADMIN = "admin-token-1"
KEYS = ["key-ok-that-ends-in-aaaa", "key-invalid-that-ends-in-cccc"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("ledger"), keys=KEYS, env={"AUTH_TOKEN": ADMIN}) as stage:
        stage.wait("admin is there", lambda: "balancers" in stage.status())
        for _ in range(3):
            assert stage.chat("hello").status == 200
        assert stage.chat(scripted("bad", error_status=400)).status == 400
        stage.wait("the invalid key is known", lambda: "cccc" in str(get(stage, "keys?state=dead").json.get("rows")), 10)
        stage.wait("the ledger has them", lambda: (told := get(stage, f"overview?{_range()}")).status == 200 and told.json["totals"] and
                   told.json["totals"]["answered"] == 3 and told.json["totals"]["client_fault"] == 1, 20)
        stage.wait("all processes are known", lambda: len(get(stage, "processes").json["rows"]) == 7, 10)
        stage.wait("the balancer has told its counts", lambda: 'fault="none"} 3' in stage.request("GET", "/metrics", token=ADMIN).text, 10)
        yield stage


def _range():
    """A range that no earlier answer was kept for."""
    now = int(time.time() * 1000)
    return f"from={now - 3_600_000}&to={now + 60_000}"


def get(stage, path, token=ADMIN):
    return stage.request("GET", f"/api/admin/{path}", token=token)


@pytest.mark.short
def test_the_overview_says_first_whether_it_is_well(stage):
    assert get(stage, "overview?from=1&to=2").json["totals"]["calls"] == 0  # before which there is no time to compare with
    told = get(stage, "overview?range=1h").json
    assert told["verdict"]["level"] == "ok" and told["verdict"]["code"] == "well" and told["verdict"]["args"] == {"fit": 1, "of": 2}
    assert told["pool"]["states"]["ready"] == 1 and told["pool"]["map"] == "rx" and told["pool"]["keys_per_cell"] == 1
    assert told["totals"]["tokens_out"] > 0 and told["to"] - told["from"] >= 3_600_000 and told["step_ms"] > 0
    assert len(told["series"]["answered"]) == len(told["series"]["first_p50"]) and sum(one or 0 for one in told["series"]["answered"]) == 3
    assert [row["id"] for row in told["models"]] == [MODEL] and told["clients"][0]["name"]
    assert {row["role"] for row in told["processes"]} == {"frontend", "balancer", "upstream", "recorder", "store", "query", "admin"}
    for query, field in (("range=1y", "range"), ("from=x", "from"), ("from=5&to=4", "from"), ("to=0", "to")):
        answer = get(stage, "overview?" + query)
        assert (answer.status, answer.json["error"]["field"]) == (400, field), query


@pytest.mark.short
def test_models_clients_and_errors_have_their_figures(stage):
    [row] = get(stage, "models").json["rows"]
    assert (row["id"], row["kind"], row["state"], row["keys_fit"], row["keys_of"]) == (MODEL, "chat", "ok", 1, 2)
    assert row["calls"] >= 4 and len(row["strip"]) == 48 and row["filtered"] is False
    one = get(stage, "models/" + MODEL).json
    assert one["id"] == MODEL and one["totals"]["answered"] == 3
    assert get(stage, "models/nothing").json["totals"]["calls"] == 0
    [client] = get(stage, "clients").json["rows"]
    assert client["calls"] >= 4 and client["id"].startswith(client["name"])
    assert get(stage, "clients/" + client["id"]).json["totals"]["answered"] == 3
    faults = {row["fault"]: row for row in get(stage, "errors").json["groups"]}
    assert faults["bad_request"]["side"] == "client" and faults["bad_request"]["top_clients"][0]["name"]
    [example] = get(stage, "errors/bad_request").json["rows"]
    assert example["tail"] == "aaaa" and example["client"]["id"] == client["id"]


@pytest.mark.short
def test_calls_lead_to_their_attempts_and_hops(stage):
    told = get(stage, "calls?range=1h&limit=2").json
    assert len(told["rows"]) == 2 and told["next"]
    first = told["rows"][0]
    assert first["result"] == "client" and first["attempts"][-1]["tail"] == "aaaa" and first["client"]["name"]
    rest = get(stage, f"calls?range=1h&before={told['next']}").json
    assert not {row["id"] for row in rest["rows"]} & {row["id"] for row in told["rows"]}
    assert {row["status"] for row in get(stage, f"calls?result=ok&model={MODEL}").json["rows"]} == {200}
    assert get(stage, "calls?result=x%27").json["error"]["field"] == "result" and get(stage, "calls?limit=x").status == 400
    assert get(stage, f"calls?q=%27%20OR%201%3D1&model={MODEL}").json["rows"] == []
    one = get(stage, "calls/" + first["id"]).json
    assert one["row"]["id"] == first["id"] and one["attempts"][0]["tail"] == "aaaa" and one["hops"] and "decision" in one
    assert get(stage, "calls/0000000000000000").status == 404


@pytest.mark.short
def test_calls_are_had_as_a_table(stage):
    answer = get(stage, "calls.csv?range=1h&result=ok")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/csv") and "calls.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert {row["status"] for row in rows} == {"200"} and {row["model"] for row in rows} == {MODEL} and rows[0]["at"].endswith("Z")
    assert get(stage, "calls.csv?range=x").json["error"]["field"] == "range"
    assert stage.request("GET", "/api/admin/calls.csv", token=None).status == 401 and stage.log("admin", "admin.exported")


@pytest.mark.short
def test_a_key_has_its_day(stage):
    row = stage.wait("sums are known", lambda: [row for row in get(stage, "keys?q=aaaa").json["rows"] if row["calls_24h"]], 40)[0]
    assert row["calls_24h"] >= 4 and len(row["line"]) == 24 and row["last_used_at"]
    one = get(stage, "keys/" + row["id"]).json
    assert one["tail"] == "aaaa" and one["state"] == "ready" and sum(one["series"]["attempts"]) >= 4


@pytest.mark.short
def test_scripts_of_gemini_balance_get_its_shapes(stage):
    def ask(path):
        return stage.request("GET", path, token=ADMIN)
    page = ask("/api/keys?limit=1&page=2").json
    assert (page["total_items"], page["total_pages"], page["current_page"], len(page["keys"])) == (2, 2, 2, 1)
    both = ask("/api/keys/all").json
    assert [name[:5] for name in both["valid_keys"]] == ["…aaaa"] and [name[:5] for name in both["invalid_keys"]] == ["…cccc"]
    listed = ask("/v1/keys/list").json
    assert ask("/hf/v1/keys/list").json == listed
    assert listed["status"] == "success" and listed["total"] == 2 and list(listed["data"]["valid_keys"]) == both["valid_keys"]
    details = ask("/api/stats/details?period=1h").json
    assert [row["status_code"] for row in details if row["model"] == MODEL][-1] == 200 or details[0]["status_code"] == 400
    assert {row["status"] for row in details} == {"success", "failure"} and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", details[0]["timestamp"])
    logs = ask("/api/logs/errors?error_code_search=400").json
    assert logs["total"] >= 1 and logs["logs"][0]["error_code"] == 400 and logs["logs"][0]["gemini_key"].startswith("…")
    for path in ("/api/keys", "/api/keys/all", "/v1/keys/list", "/hf/v1/keys/list", "/api/stats/details", "/api/logs/errors"):
        assert stage.request("GET", path, token=None).status == 401
        assert not any(key in ask(path).text for key in KEYS)
    assert ask("/api/keys?page=0").status == ask("/api/stats/details?period=1y").status == 400


@pytest.mark.short
def test_prometheus_reads_all_processes(stage):
    answer = stage.request("GET", "/metrics", token=ADMIN)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert all(re.fullmatch(r'gateway_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})?', name) for name in values)
    assert int(values['gateway_calls_total{result="answered"}']) == 3 and int(values['gateway_calls_total{result="failed"}']) == 1
    assert int(values['gateway_attempts_total{balancer="0",fault="none"}']) == 3 and values['gateway_keys{state="dead"}'] == "1"
    assert int(values['gateway_tokens_total{kind="out"}']) > 0 and values["gateway_database_up"] == "1"
    assert int(values['gateway_first_content_seconds_bucket{le="+Inf"}']) == int(values["gateway_first_content_seconds_count"]) <= 5
    assert values['gateway_processes{role="upstream"}'] == "1" and any(name.startswith("gateway_process_resident_bytes") for name in values)
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {re.sub(r"_(bucket|sum|count)$", "", name.split("{")[0]) for name in values} <= named
    assert stage.request("GET", "/metrics", token=None).status == 401 and MODEL not in answer.text
