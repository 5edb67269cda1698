# SPDX-License-Identifier: Apache-2.0
"""What is measured of the processes while the soak runs, and whether it stayed flat.

What must stay true: growth is judged over processes of one name, so that a kill, after which a process is small, hides
nothing: the last third against the first, and each long life of its own by its slope.
"""
import collections
import json
import os
import statistics
import time
from pathlib import Path

MIB = 1024 * 1024
GROWTH_MOST = 8 * MIB      # of the last third's median PSS above the first third's
SLOPE_MOST = 0.5 * MIB     # a minute, within one life, once it is warm
WARM_S = 60                # of a life that is not looked at
LIFE_LEAST_S = 300         # shorter ones tell no slope
IDLE_FDS_MOST = 8          # more than before the load, when all is over
IDLE_THREADS_MOST = 1
NOT_OURS = ("simulator", "mariadbd")


def pss(pid):
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def count(pid, what):
    try:
        return len(os.listdir(f"/proc/{pid}/{what}"))
    except OSError:
        return None


def sample(stage):
    """{name: {"pid", "pss", "fds", "threads"}} of all that live."""
    pids = {name: proc.pid for name, proc in stage.procs.items() if proc.is_alive}
    if stage.database.process.poll() is None:
        pids["mariadbd"] = stage.database.process.pid
    found = {name: {"pid": pid, "pss": pss(pid), "fds": count(pid, "fd"), "threads": count(pid, "task")}
             for name, pid in pids.items()}
    return {name: one for name, one in found.items() if None not in one.values()}


def spool_bytes(stage):
    total = 0
    for path in (stage.state / "spool").rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            pass  # moved into the database meanwhile
    return total


def slope(points):
    """Bytes a minute of the straight line through (seconds, bytes)."""
    line = statistics.linear_regression([at / 60 for at, _ in points], [value for _, value in points])
    return line.slope


class Figures:
    def __init__(self, path):
        self.file = path.open("w", encoding="utf-8")
        self.began = time.monotonic()
        self.lines = []

    def add(self, line):
        line = {"s": round(time.monotonic() - self.began, 1)} | line
        self.lines.append(line)
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()

    def _lives(self):
        lives = collections.defaultdict(list)
        for line in self.lines:
            for name, one in line["processes"].items():
                lives[name, one["pid"]].append((line["s"], one["pss"]))
        return lives

    def growth(self):
        """{name: (median of the first third, of the last)} in bytes."""
        third = max(1, len(self.lines) // 3)
        found = {}
        for name in {name for line in self.lines for name in line["processes"]}:
            first, last = ([line["processes"][name]["pss"] for line in lines if name in line["processes"]]
                           for lines in (self.lines[:third], self.lines[-third:]))
            if first and last:
                found[name] = statistics.median(first), statistics.median(last)
        return dict(sorted(found.items()))

    def complaints(self):
        found = [f"{name}: memory grew from {first / MIB:.1f} to {last / MIB:.1f} MiB"
                 for name, (first, last) in self.growth().items()
                 if name not in NOT_OURS and last - first > GROWTH_MOST]
        for (name, pid), points in self._lives().items():
            points = [point for point in points if point[0] >= points[0][0] + WARM_S]
            if name in NOT_OURS or not points or points[-1][0] - points[0][0] < LIFE_LEAST_S - WARM_S:
                continue
            if slope(points) > SLOPE_MOST:
                found.append(f"{name} (pid {pid}): memory grows by {slope(points) / MIB:.2f} MiB a minute")
        return found


def idle_complaints(before, after):
    """Nothing may be left of the load in those that serve, killed meanwhile or not."""
    found = []
    for name in sorted(set(before) & set(after) - set(NOT_OURS)):
        for what, most in (("fds", IDLE_FDS_MOST), ("threads", IDLE_THREADS_MOST)):
            if after[name][what] - before[name][what] > most:
                found.append(f"{name}: {what} were {before[name][what]} before the load and are {after[name][what]} after it")
    return found
