# SPDX-License-Identifier: Apache-2.0
"""Windows of calls: wrk asks one target for some seconds.

What must stay true: what is recorded behind the calls belongs to the window, and a window with a failed call is invalid.
"""
import json
import os
import subprocess
import time

from scene import HERE, PROMPT

WARM_SECONDS = 1
SETTLE_SECONDS = 0.3


def window(scene, target, connections, seconds, prompt=PROMPT, image_size=0):
    """What wrk measured, with CPU µs per call and, in its middle, MiB by process."""
    env = {"BENCH_PATH": target.path, "BENCH_BODY": str(scene.bodies(target, prompt, image_size)[0]),
           "BENCH_HEADERS": "\n".join(target.headers)}
    before = target.group.cpu()
    wrk = subprocess.Popen(
        ["taskset", "-c", scene.load_cpus, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s",
         str(HERE / "load.lua"), f"http://127.0.0.1:{target.port}"],
        env=os.environ | env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    time.sleep(seconds / 2)
    pss = target.group.pss()
    output, _ = wrk.communicate(timeout=seconds + 60)
    time.sleep(SETTLE_SECONDS)
    found = json.loads(output.strip().splitlines()[-1])
    spent = target.group.cpu_since(before)
    found["cpu"] = {name: us / max(found["requests"], 1) for name, us in spent.items()}
    found["pss"] = pss
    found["is_valid"] = found["failed"] == 0 and found["requests"] > 0
    return found


def rounds(scene, targets, connections, windows, seconds, prompt=PROMPT, image_size=0):
    """Windows of all targets, interleaved, after one that only warms up."""
    for target in targets:
        window(scene, target, connections, WARM_SECONDS, prompt, image_size)
    found = {target.name: [] for target in targets}
    for _ in range(windows):
        for target in targets:
            found[target.name].append(window(scene, target, connections, seconds, prompt, image_size))
    return found
