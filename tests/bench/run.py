#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark: CPU per call, added latency, streams, memory, growth; beside it the floors and peers, in the same run.

    make bench                  everything, up to 20 minutes
    make bench BENCH=quick      short windows and fewer of them, some 4 minutes; to see that it works, not to quote
    make bench BENCH=redraw     the table and the plots of the last run again

Prints one Markdown document on stdout and progress on stderr. build/bench/result.json holds every window. What is not a
quick run goes into docs/BENCHMARKS.md and docs/bench-*.svg as well. Authentication, accounting, recording to MySQL and logs are on.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import parts
import plots
import report
from scene import BUILD, HERE

ROOT = HERE.parents[1]
RESULT = BUILD / "bench/result.json"


@dataclass
class Plan:
    """How much of everything; the full run."""
    connections: tuple = (8, 32, 256)
    portkey_at: int = 32
    windows: int = 4
    seconds: int = 5
    first_windows: int = 3
    first_seconds: int = 3
    at_once: tuple = (128, 512, 2048, 8192)
    at_once_windows: int = 2
    once_from: int = 8192  # so many take so long that one window must do
    rest: int = 60
    keys: tuple = (10, 1000, 100000)
    bodies: tuple = (1000, 100000, 10000000)
    history: tuple = (10, 1000000)
    upload: int = 256 << 20
    attempts: int = 1000000  # of which pages ask
    growth_windows: int = 3
    growth_seconds: int = 3


QUICK = Plan(connections=(32,), windows=1, seconds=2, first_windows=1, first_seconds=2, at_once=(128, 2048),
             at_once_windows=1, rest=5, keys=(10, 1000), bodies=(1000, 100000), history=(10, 20000), attempts=20000, growth_windows=1,
             growth_seconds=2)


def about(kind, plan):
    commit = subprocess.run(["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=HERE, capture_output=True,
                            text=True).stdout.strip()
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"kind": kind, "date": time.strftime("%Y-%m-%d"), "commit": commit or "unknown", "cores": os.cpu_count(),
            "cpu": model, "kernel": platform.release(), "load_before": os.getloadavg()[0], "plan": asdict(plan)}


def save(result):
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1))


def measure(kind):
    plan = QUICK if kind == "quick" else Plan()
    result = {"about": about(kind, plan), "missing": {}, "broken": {}}
    begin = time.monotonic()
    parts.measure(plan, result, lambda: save(result))
    result["about"]["minutes"] = round((time.monotonic() - begin) / 60, 1)
    save(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", nargs="?", default="full", choices=["full", "quick", "redraw"])
    parser.add_argument("--plots", type=Path, help="folder of the plots; docs/, of a quick run the build folder")
    options = parser.parse_args()
    if options.kind != "redraw":
        measure(options.kind)
    result = json.loads(RESULT.read_text())  # as a later redraw will see it: all names are texts
    made = report.text(result)
    print(made, end="")
    is_quick = result["about"]["kind"] == "quick"
    plots.draw(result, options.plots or (RESULT.parent if is_quick else ROOT / "docs"))
    if not is_quick:
        report.put(made, ROOT / "docs/BENCHMARKS.md")
    sys.exit(1 if result["broken"] else 0)


if __name__ == "__main__":
    main()
