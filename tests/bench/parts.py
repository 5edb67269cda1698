# SPDX-License-Identifier: Apache-2.0
"""The parts of the benchmark, each a function that measures and returns what belongs into result.json. Nothing is
printed here but progress; report.py and plots.py read the result.

What must stay true: what is compared is measured in turns, within the same minutes.
"""
import subprocess
import sys
import time
from contextlib import ExitStack

import calls
import ledger
import streams
import uploads
from scene import HAPROXY, KINDS, NATIVE, NGINX, PORTKEY, STRAIGHT, TRANSLATED, Scene

EVENTS = 50
PACE_MS = 20
STREAM_CONNECTIONS = 256
FIRST_EVENTS = 64
FIRST_STREAMS = 8  # at a time, begun evenly over the length of one
GROWTH_CONNECTIONS = 16
BODY_CONNECTIONS = 4
TEXT_MOST = 100_000  # characters of a prompt, far below what the model takes; the rest of a body is an image
HISTORY_CHUNK = 20000
HISTORY_ROW = """insert into attempts (day, sender, seq, time, frontend, call_id, attempt, client, key_id, model, operation, stream, status, fault,
    first_ms, total_ms, tokens_in, tokens_out, tokens_thoughts, tokens_cached, bytes_in, bytes_out) select date(t), 1, n, t, 7, n, 1, n % 5, n % 10,
    concat('gemini-', n % 8), 'generateContent', n % 2, 200, 'none', 200 + n % 900, 900 + n % 9000, n % 4000, n % 900, 0, 0,
    n % 9000, n % 5000 from (select seq as n, utc_timestamp(3) - interval (seq * 2) second as t
    from seq_{first}_to_{last}) as numbers"""


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


# ---------------------------------------------------------------------------------------------------------------- calls

def cpu(scene, plan):
    found = {}
    for connections in plan.connections:
        say(f"CPU per call, {connections} connections")
        names = [TRANSLATED, NATIVE, NGINX, HAPROXY, STRAIGHT] + [PORTKEY] * (connections == plan.portkey_at)
        found[connections] = calls.rounds(scene, scene.choose(*names), connections, plan.windows, plan.seconds)
    return found


def latency(scene, plan):
    say("latency at one connection")
    scene.pin(apart=False)
    try:
        targets = scene.choose(TRANSLATED, NATIVE, NGINX, HAPROXY, PORTKEY, STRAIGHT)
        return calls.rounds(scene, targets, 1, plan.windows, plan.seconds)
    finally:
        scene.pin()


# -------------------------------------------------------------------------------------------------------------- streams

def first(scene, plan):
    say("time to the first token, gaps")
    scene.pin(apart=False)
    try:
        targets = scene.choose(TRANSLATED, NATIVE, NGINX, HAPROXY, PORTKEY, STRAIGHT)
        return streams.rounds(scene, targets, plan.first_windows, FIRST_STREAMS, FIRST_EVENTS, PACE_MS,
                              ramp_ms=FIRST_EVENTS * PACE_MS, seconds=plan.first_seconds)
    finally:
        scene.pin()


def short_streams(scene, plan):
    say(f"streams of {EVENTS} events, {STREAM_CONNECTIONS} connections")
    targets = scene.choose(TRANSLATED, NATIVE, NGINX, HAPROXY, PORTKEY)
    return streams.rounds(scene, targets, plan.windows, STREAM_CONNECTIONS, EVENTS, PACE_MS,
                          ramp_ms=EVENTS * PACE_MS, seconds=plan.seconds)


def pace_ms(count):
    """So slow that all of them together stay below 26,000 events a second."""
    return max(PACE_MS, PACE_MS * count // 512)


def at_once(plan, found):
    """A stage of its own: memory that calls before have taken would hide what a stream takes."""
    with Scene() as scene:
        targets = scene.choose(STRAIGHT, TRANSLATED, NGINX, HAPROXY)
        streams.rounds(scene, targets, 1, 1, EVENTS, 1)
        bare = {target.name: target.group.pss() for target in targets}
        for count in plan.at_once:
            say(f"{count} streams at once, an event each {pace_ms(count)} ms")
            ramp_ms = max(pace_ms(count), count // 4)
            windows = plan.at_once_windows if count < plan.once_from else 1
            found[count] = streams.rounds(scene, targets, windows, count, EVENTS, pace_ms(count),
                                          ramp_ms=ramp_ms)
            for name, windows in found[count].items():
                for window in windows:
                    window["bare_pss"] = bare[name]


# --------------------------------------------------------------------------------------------------------------- memory

def memory_after(scene, plan, found):
    """Adds what is held just after load, and once it has been quiet."""
    found["just after"] = scene.gateway.pss()
    say(f"resting {plan.rest} s")
    time.sleep(plan.rest)
    found[f"{plan.rest} s after"] = scene.gateway.pss()


def memory_idle(scene):
    time.sleep(2)
    return {"idle": scene.gateway.pss()}


def memory_loaded(cpu_found):
    """In the middle of the last window with the most connections, of translated calls."""
    return cpu_found[max(cpu_found)][TRANSLATED][-1]["pss"]


# --------------------------------------------------------------------------------------------------------------- growth

def history_fill(scene, rows):
    scene.stage.query("truncate table attempts")
    for first_row in range(1, rows + 1, HISTORY_CHUNK):
        scene.stage.query(HISTORY_ROW.format(first=first_row, last=min(rows, first_row + HISTORY_CHUNK - 1)))
    return scene.stage.count_rows()


def growth_keys(plan, small):
    """Stages that differ in their number of keys, in turns."""
    with ExitStack() as stack:
        scenes = {10: small}
        for count in plan.keys:
            if count not in scenes:
                say(f"starting with {count} keys")
                scenes[count] = stack.enter_context(Scene(keys=count, with_peers=False))
        say("growth with keys")
        return in_turns(plan, {count: (scene, scene.targets[TRANSLATED]) for count, scene in scenes.items()})


def in_turns(plan, targets, prepare=lambda value: None):
    found = {value: [] for value in targets}
    for number in range(plan.growth_windows + 1):
        for value, (scene, target) in targets.items():
            prepare(value)
            window = calls.window(scene, target, GROWTH_CONNECTIONS, plan.growth_seconds if number else calls.WARM_SECONDS)
            if number:  # the first one only warms up
                found[value].append(window)
    return found


def growth_bodies(plan, scene):
    found = {}
    for size in plan.bodies:
        say(f"growth with bodies: {size} bytes")
        text_size = min(size, TEXT_MOST)
        prompt = ("What is a gateway? " * (text_size // 19 + 1))[:text_size]
        found[size] = calls.rounds(scene, scene.choose(TRANSLATED, NGINX, STRAIGHT), BODY_CONNECTIONS,
                                   plan.growth_windows, plan.growth_seconds, prompt, size - text_size)
    return found


def kinds(plan, scene):
    say("other calls: tools, embeddings")
    return calls.rounds(scene, scene.choose(TRANSLATED, *KINDS), GROWTH_CONNECTIONS, plan.growth_windows, plan.growth_seconds)


def growth_history(plan, small):
    """Two stages, two databases of one server; the short history is made short again before each window."""
    few, many = plan.history
    with Scene(with_peers=False) as big:
        say(f"writing {many} rows of history")
        made = history_fill(big, many)
        say("growth with history")
        targets = {few: (small, small.targets[TRANSLATED]), many: (big, big.targets[TRANSLATED])}
        found = in_turns(plan, targets, lambda value: history_fill(small, few) if value == few else None)
        return {"windows": found, "rows_made": made}


def growth(plan):
    with Scene() as small:
        say(f"an upload of {plan.upload >> 20} MiB")
        return {"upload": uploads.measure(small, plan.upload), "kinds": kinds(plan, small), "keys": growth_keys(plan, small), "bodies": growth_bodies(plan, small),
                "history": growth_history(plan, small)}


# ---------------------------------------------------------------------------------------------------------------- whole

def main_scene(plan, result):
    with Scene() as scene:
        result["missing"] = scene.missing
        memory = memory_idle(scene)
        result["cpu"] = cpu(scene, plan)
        memory["under load"] = memory_loaded(result["cpu"])
        result["latency"] = latency(scene, plan)
        memory_after(scene, plan, memory)
        result["memory"] = memory
        result["first"] = first(scene, plan)
        result["short_streams"] = short_streams(scene, plan)


def measure(plan, result, save):
    """Fills the result part by part; a part that breaks leaves a word why, and the others go on."""
    for name, part in (("main", lambda: main_scene(plan, result)),
                       ("at_once", lambda: at_once(plan, result.setdefault("at_once", {}))),
                       ("growth", lambda: result.update(growth=growth(plan))),
                       ("questions", lambda: result.update(questions=ledger.measure(plan.attempts)))):
        try:
            part()
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
            say(f"{name} broke: {error}")
            result["broken"][name] = str(error)[:500]
        save()


