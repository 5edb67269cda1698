# SPDX-License-Identifier: Apache-2.0
"""The books of all sides say the same: what clients were told, what the simulator has counted, the rows, and what pages ask; by key, model
and client, to the token. Between calls and under them processes are killed."""
import hashlib
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from stage import CHAT, Stage, scripted
from test_ledger import Asker

KEYS = "key-ok-1", "key-ok-2", "key-ok-3", "key-ok-4"
TOKENS = "token-of-ada", "token-of-bob"
MODELS = "gemini-2.5-flash", "gemini-2.5-pro"
CALLS = 90
TOKEN_NAMES = {"prompt_tokens": "tokens_in", "completion_tokens": "out"}


def key_id(key):
    return hashlib.sha256(b"gemini-key-id:" + key.encode()).hexdigest()[:16]


def one_call(stage, number, told):
    """A call of one of the kinds, told apart by its number; keeps what its client was told."""
    rng = random.Random(number)
    token, model = rng.choice(TOKENS), rng.choice(MODELS)
    if number % 9 == 0:
        text = scripted(f"call {number}", error_status=400)
    elif number % 5 == 0:
        text = scripted(f"call {number}", error_status=503, error_times=1)
    else:
        text = f"call {number} " + "word " * rng.randrange(40)
    answer = stage.chat(text, token=token, model=model)
    told.append((token, model, answer.status, answer.json.get("usage") if answer.status == 200 else None))


def test_all_books_say_the_same(tmp_path):
    with Stage(tmp_path, keys=KEYS, tokens=TOKENS, env={"MAX_RETRIES": "4"}) as stage:
        told, lock = [], threading.Lock()
        stage.sim.key(KEYS[0], "day", 3)
        stage.sim.key(KEYS[1], "minute7", 2)
        with ThreadPoolExecutor(6) as pool:
            running = [pool.submit(one_call, stage, number, told) for number in range(CALLS)]
            for name in "recorder", "store", "balancer":
                stage.wait("some calls have ended", lambda: len(told) > 10)
                stage.kill(name)
                stage.start(name)
            for each in running:
                each.result(60)
        stage.kill("upstream-0")  # with its journal, whatever is in it
        stage.start("upstream-0")
        rows = stage.wait_accounted(30)
        check_keys(stage, rows)
        check_clients(stage, rows, told)
        check_pages(Asker(stage.state), rows)


def check_keys(stage, rows):
    assert Counter(f"{row['key_id']:016x}" for row in rows) == {key_id(key): count for key, count in stage.sim.by_key().items() if count}
    paths = Counter(each["path"].split("/models/")[1].split(":")[0] for each in stage.sim.requests() if "/models/" in each["path"])
    assert Counter(row["model"] for row in rows) == paths


def check_clients(stage, rows, told):
    """What clients were told that they have used is what is in the rows."""
    good = [row for row in rows if row["fault"] == "none"]
    answered = [usage for *_, usage in told if usage]
    assert len(good) == len(answered) and len(told) == CALLS
    assert sum(row["tokens_in"] for row in good) == sum(usage["prompt_tokens"] for usage in answered)
    assert sum(row["tokens_out"] + row["tokens_thoughts"] for row in good) == sum(usage["completion_tokens"] for usage in answered)
    for model in MODELS:
        assert sum(row["tokens_in"] for row in good if row["model"] == model) == sum(usage["prompt_tokens"] for _, name, _, usage in told if usage and name == model)
    of_clients = sorted(sum(row["tokens_in"] for row in good if row["client"] == client) for client in {row["client"] for row in rows})
    assert of_clients == sorted(sum(usage["prompt_tokens"] for token, *_, usage in told if usage and token == one) for one in TOKENS)


def check_pages(asker, rows):
    now = int(time.time() * 1000)
    span = {"from_ms": now - 3_600_000, "to_ms": now}
    totals = asker.ask("overview", **span)["totals"]
    assert totals["attempts"] == len(rows) and totals["calls"] == sum(row["is_last"] for row in rows) == CALLS
    assert totals["tokens"] == sum(row["tokens_in"] + row["tokens_out"] + row["tokens_thoughts"] for row in rows)
    assert totals["answered"] + totals["client_fault"] + totals["lost"] == CALLS
    assert totals["unseen"] == sum(len(row["earlier"].split()) for row in rows if row["fault"] == "none") > 0
    for question, column in ("models", "model"), ("clients", "client"):
        found = {row["id"]: (row["attempts"], row["tokens"]) for row in asker.ask(question, **span)["rows"]}
        wanted = {}
        for row in rows:
            name = row[column] if column == "model" else f"{row[column]:016x}"
            attempts, tokens = wanted.get(name, (0, 0))
            wanted[name] = attempts + 1, tokens + row["tokens_in"] + row["tokens_out"] + row["tokens_thoughts"]
        assert found == wanted
    assert {row["id"]: row["calls_24h"] for row in asker.ask("keys")["rows"]} == Counter(f"{row['key_id']:016x}" for row in rows)
    call = max(asker.ask("calls", limit=100, **span)["rows"], key=lambda one: one["total_ms"])  # one that has waited behind a fault
    one = asker.ask("call", id=call["id"])
    assert one["unexplained_ms"] <= one["total_ms"]
    assert one["row"]["route"] == CHAT and sum(hop["took_ms"] for hop in one["hops"]) + one["unexplained_ms"] >= one["total_ms"] - 1
