# SPDX-License-Identifier: Apache-2.0
"""Windows of streams: the program made of streams.c opens them and looks at every event.

What must stay true: a window is valid only if every stream is whole. Late ones are counted apart.
"""
import json
import subprocess
import time

from scene import BUILD

SETTLE_SECONDS = 0.3
PROGRAM = BUILD / "bin/bench-streams"


def script(scene, events, pace_ms):
    """How the simulator answers from now on."""
    scene.stage.sim.script(numbered=True, chunks=events, pace_ms=pace_ms)


def command(scene, target, connections, events, pace_ms, ramp_ms, seconds):
    options = {"port": target.port, "path": target.stream_path, "mark": target.mark, "events": events,
               "body": scene.bodies(target)[1], "pace-ms": pace_ms, "connections": connections, "ramp-ms": ramp_ms,
               "seconds": seconds}
    return ["taskset", "-c", scene.load_cpus, str(PROGRAM), *(f"--{name}={value}" for name, value in options.items()),
            *(f"--header={header}" for header in target.headers)]


def window(scene, target, connections, events, pace_ms, ramp_ms=0, seconds=0):
    """What the client saw, with CPU µs per event by process, the simulator's, and memory while all were open."""
    idle = target.group.pss()
    before, simulator_before = target.group.cpu(), scene.simulator.cpu()
    client = subprocess.Popen(command(scene, target, connections, events, pace_ms, ramp_ms, seconds),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    line, opened, pss = client.stdout.readline(), None, None
    if '"open"' in line:
        opened, pss = json.loads(line)["open"], target.group.pss()
        line = client.stdout.readline()
    assert client.wait() == 0, f"the client of {connections} streams ended with status {client.returncode}"
    time.sleep(SETTLE_SECONDS)
    found = json.loads(line)
    counted = max(found["events"], 1)
    found["cpu"] = {name: us / counted for name, us in target.group.cpu_since(before).items()}
    found["simulator_us"] = sum(scene.simulator.cpu_since(simulator_before).values()) / counted
    found["client_us"] = found.pop("client_cpu_us") / counted
    found |= {"open": opened, "idle_pss": idle, "pss": pss, "pace_ms": pace_ms, "connections": connections}
    found["is_valid"] = found["whole"] == found["streams"] > 0
    return found


def rounds(scene, targets, windows, connections, events, pace_ms, **how):
    script(scene, events, pace_ms)
    found = {target.name: [] for target in targets}
    for _ in range(windows):
        for target in targets:
            found[target.name].append(window(scene, target, connections, events, pace_ms, **how))
    scene.stage.sim.reset()
    return found
