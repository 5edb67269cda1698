#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark: CPU per call, added latency, memory; the floor (nginx, and straight to the simulator) in the same run.

    tests/bench/run.py [--windows 4] [--seconds 5]

Prints one Markdown table. The load tool, the simulator and the database server run on one core, the gateway or nginx on
the other. Authentication, accounting, recording to MySQL and logs are on. A window with a failed call is invalid and shown
as such. CPU is utime + stime of all processes of the gateway, divided by the calls that were answered.
"""
import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "flow"))

from stage import Stage  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
LOAD_CPU, GATEWAY_CPU = ("1", "0") if (os.cpu_count() or 1) > 1 else ("0", "0")
PROMPT = "Tell me, in a few words, what a gateway is. " * 12
TOKEN = "bench-token"
KEYS = [f"bench-ok-{number}" for number in range(10)]
OPENAI_BODY = json.dumps({
    "model": "gemini-2.0-flash",
    "messages": [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": PROMPT}],
    "temperature": 0.7, "max_tokens": 256})
GEMINI_BODY = json.dumps({
    "systemInstruction": {"parts": [{"text": "Answer briefly."}]},
    "contents": [{"role": "user", "parts": [{"text": PROMPT}]}],
    "generationConfig": {"temperature": 0.7, "maxOutputTokens": 256}})
GEMINI_PATH = "/v1beta/models/gemini-2.0-flash:generateContent"


class Target:
    """Something that answers calls: its port, the request it gets, and the processes that cost CPU."""

    def __init__(self, name, port, path, body, token=None, key=None, processes=None):
        self.name, self.port, self.processes = name, port, processes or {}
        self.env = {"BENCH_PATH": path, "BENCH_BODY": body}
        self.env |= {"BENCH_TOKEN": token} if token else {}
        self.env |= {"BENCH_KEY": key} if key else {}


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss_kib(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def pin(pid, cpu):
    subprocess.run(["taskset", "-acp", cpu, str(pid)], check=True, stdout=subprocess.DEVNULL)


def load(target, connections, seconds):
    """One window. Returns what wrk measured, with CPU µs per call by process."""
    before = {name: sum(map(cpu_seconds, pids)) for name, pids in target.processes.items()}
    output = subprocess.run(
        ["taskset", "-c", LOAD_CPU, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "load.lua"),
         f"http://127.0.0.1:{target.port}"],
        env=os.environ | target.env, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    result = json.loads(output.strip().splitlines()[-1])
    time.sleep(0.3)  # what is recorded behind the calls belongs to the window
    after = {name: sum(map(cpu_seconds, pids)) for name, pids in target.processes.items()}
    calls = max(result["requests"], 1)
    result["cpu"] = {name: (after[name] - before[name]) * 1e6 / calls for name in before}
    return result


def rounds(targets, connections, windows, seconds):
    """Windows of all targets, interleaved; the first round only warms up."""
    for target in targets:
        load(target, connections, 2)
    found = {target.name: [] for target in targets}
    for _ in range(windows):
        for target in targets:
            found[target.name].append(load(target, connections, seconds))
    return found


def spread(values, form="{:.1f}"):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}–{form.format(max(values))})"


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def header(*cells):
    row(*cells)
    row(*["---"] * len(cells))


def is_valid(windows):
    return all(window["failed"] == 0 and window["requests"] > 0 for window in windows)


RECORDING = ("recorder", "store")


def cost(window, names):
    return sum(us for name, us in window["cpu"].items() if name in names)


def print_cpu(connections, found):
    for name, windows in found.items():
        if not is_valid(windows):
            row(connections, name, "INVALID: " + str([window["failed"] for window in windows]), "", "", "", "")
            continue
        serving = [cost(window, set(window["cpu"]) - {*RECORDING, "mariadbd"}) for window in windows]
        recording = [cost(window, RECORDING) for window in windows]
        each = {process: statistics.median(window["cpu"][process] for window in windows) for process in windows[0]["cpu"]}
        detail = ", ".join(f"{process} {us:.1f}" for process, us in each.items() if process != "mariadbd")
        row(connections, name, spread(serving) if each else "–", spread(recording) if "recorder" in each else "–",
            f"{each['mariadbd']:.1f}" if "mariadbd" in each else "–", detail or "–",
            spread([window["requests"] / window["us"] * 1e6 for window in windows], "{:.0f}"))


def print_latency(found):
    for name, windows in found.items():
        if not is_valid(windows):
            row(name, "INVALID", "", "", "")
            continue
        added = {percent: [window[percent] - straight[percent] for window, straight in zip(windows, found["straight"])]
                 for percent in ("p50_us", "p99_us")}
        row(name, spread([window["p50_us"] for window in windows], "{:.0f}"),
            spread([window["p99_us"] for window in windows], "{:.0f}"),
            *(("–", "–") if name == "straight" else (spread(added["p50_us"], "{:.0f}"), spread(added["p99_us"], "{:.0f}"))))


def memory_mib(processes):
    each = {name: sum(map(pss_kib, pids)) / 1024 for name, pids in processes.items() if name != "mariadbd"}
    return sum(each.values()), ", ".join(f"{name} {mib:.1f}" for name, mib in each.items())


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Nginx:
    """The floor: one worker, kept-alive connections, the same simulator behind."""

    def __init__(self, folder, simulator_port):
        self.port = free_port()
        config = (HERE / "nginx.conf").read_text()
        for name, value in {"FOLDER": folder, "PORT": self.port, "SIMULATOR": simulator_port}.items():
            config = config.replace(f"@{name}@", str(value))
        path = Path(folder) / "nginx.conf"
        path.write_text(config)
        self.process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-e", f"{folder}/nginx.log", "-c", str(path)])
        time.sleep(0.5)

    def pids(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def describe():
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True).stdout.strip()
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    print(f"\n{time.strftime('%Y-%m-%d')}, commit {commit or 'unknown'}, {os.cpu_count()} × {model}, "
          f"Linux {platform.release()}\n")


def measure(stage, folder, options):
    processes = {name: [proc.popen.pid] for name, proc in stage.procs.items() if name != "simulator"}
    processes["mariadbd"] = [stage.database.process.pid]
    openai, gemini = Path(folder) / "openai.json", Path(folder) / "gemini.json"
    openai.write_text(OPENAI_BODY)
    gemini.write_text(GEMINI_BODY)
    nginx = Nginx(folder, stage.sim.port)
    targets = [
        Target("gateway, translated", stage.port, "/v1/chat/completions", str(openai), token=TOKEN, processes=processes),
        Target("gateway, native", stage.port, GEMINI_PATH, str(gemini), key=TOKEN, processes=processes),
        Target("nginx", nginx.port, GEMINI_PATH, str(gemini), key=KEYS[0], processes={"nginx": nginx.pids()}),
        Target("straight", stage.sim.port, GEMINI_PATH, str(gemini), key=KEYS[0]),
    ]
    for name, pids in processes.items():
        for pid in pids:
            pin(pid, LOAD_CPU if name == "mariadbd" else GATEWAY_CPU)
    for pid in nginx.pids():
        pin(pid, GATEWAY_CPU)
    pin(stage.procs["simulator"].popen.pid, LOAD_CPU)
    try:
        describe()
        print("### Memory (PSS, MiB; without the database server)\n")
        header("when", "total", "by process")
        time.sleep(3)
        row("idle", *("{:.1f}".format(v) if isinstance(v, float) else v for v in memory_mib(processes)))
        print("\n### CPU, µs per call: median (lowest–highest)\n")
        header("connections", "target", "serving", "recording", "database server", "by process", "calls/s")
        for connections in options.connections:
            found = rounds(targets, connections, options.windows, options.seconds)
            print_cpu(connections, found)
        print("\n### Latency at one connection, µs: median (lowest–highest)\n")
        header("target", "p50", "p99", "added p50", "added p99")
        for pid in [pid for pids in processes.values() for pid in pids] + nginx.pids() + [stage.procs["simulator"].popen.pid]:
            pin(pid, "0-%d" % ((os.cpu_count() or 1) - 1))
        print_latency(rounds(targets, 1, options.windows, options.seconds))
        print("\n### Memory after load (PSS, MiB)\n")
        header("when", "total", "by process")
        row("just after", *("{:.1f}".format(v) if isinstance(v, float) else v for v in memory_mib(processes)))
        time.sleep(options.rest)
        row(f"{options.rest} s after", *("{:.1f}".format(v) if isinstance(v, float) else v for v in memory_mib(processes)))
    finally:
        nginx.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[8, 32, 256])
    parser.add_argument("--rest", type=int, default=60, help="seconds before memory is read for the last time")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="bench-", dir="/tmp")
    try:
        with Stage(keys=KEYS, tokens=(TOKEN,)) as stage:
            measure(stage, folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
