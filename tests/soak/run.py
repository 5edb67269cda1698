#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The soak: two frontends, two upstreams and all others under half of the load that the machine takes, while one of them
is killed every twenty seconds; memory and descriptors must stay flat, the books right, and no call may fail that no kill
explains.

    tests/soak/run.py --minutes 30 --out build/soak

Prints a line every ten seconds, keeps them as JSON (build/soak/figures.jsonl), and ends with what was wrong; the exit status
is 0 only if nothing was. What must stay true: everything is on loopback and in a folder of its own, and nothing is killed
but what was started here.
"""
import argparse
import random
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "flow"), str(HERE)]

from figures import MIB, Figures, idle_complaints, sample, spool_bytes  # noqa: E402
from load import Kills, Others, Short, Tally  # noqa: E402
from recovery import FAULTY_MODEL  # noqa: E402
from stage import IS_SANITIZED, Stage  # noqa: E402

KEYS = [f"soak-ok-{number}" for number in range(8)]
LINE_SECONDS = 10
KILL_SECONDS = 20
BURST_SECONDS = 5
SHARE = 0.4         # of what the machine does in short calls; the others take about as much as is missing to half
RATE_MOST = 5000
SETTLE_SECONDS = 120
AWAY_SECONDS = 3    # of the database
VICTIMS = ["frontend-0", "frontend-1", "upstream-0", "upstream-1", "balancer", "recorder", "store", "query", "admin", "database"]
# The last third: those that are not named live on, so that there are long lives to be measured.
LATE_VICTIMS = ["frontend-0", "upstream-0", "database"]


class Killer:
    """Kills one after the other, in an order drawn by chance in which each has its turn, and starts it again as the
    supervisor would, at once. Now and then a key gets into trouble instead of a process."""

    def __init__(self, stage, kills, seconds, gap_seconds):
        self.stage, self.kills, self.gap_seconds = stage, kills, gap_seconds
        self.until = time.monotonic() + seconds
        self.late = time.monotonic() + seconds * 2 / 3
        self.log, self.fault = [], None
        self.is_stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        turns = []
        try:
            while not self.is_stopped.wait(self.gap_seconds * random.uniform(0.7, 1.3)):
                victims = VICTIMS if time.monotonic() < self.late else LATE_VICTIMS
                turns = [name for name in turns if name in victims] or random.sample(victims, len(victims))
                self._kill(turns.pop())
                self.stage.sim.key(random.choice(KEYS[1:]), "minute7", times=1)
        except (AssertionError, OSError) as reason:
            self.fault = f"the killer failed: {reason}"

    def _kill(self, name):
        self.kills.add(name.split("-")[0])
        self.log.append(name)
        if name == "database":
            self.stage.database.stop()
            self.is_stopped.wait(AWAY_SECONDS)
            self.stage.database.start()
            return
        self.stage.kill(name)
        self.stage.start(name)

    def stop(self):
        self.is_stopped.set()
        self.thread.join()


class Soak:
    def __init__(self, stage, minutes, out, gap_seconds=KILL_SECONDS, line_seconds=LINE_SECONDS):
        self.stage, self.seconds, self.gap_seconds, self.line_seconds = stage, minutes * 60, gap_seconds, line_seconds
        out.mkdir(parents=True, exist_ok=True)
        self.kills, self.tally = Kills(), Tally()
        self.short = Short(stage, self.kills, self.tally, out)
        self.figures = Figures(out / "figures.jsonl")
        self.killed_lines = 0
        self.killer = None

    def run(self):
        """Returns what was wrong."""
        self.stage.sim.script(model=FAULTY_MODEL, key=KEYS[0], error_status=500)
        capacity = self.short.window(BURST_SECONDS)["rate"]
        rate = max(1, min(int(capacity * SHARE), RATE_MOST))
        print(f"soak: {capacity} short calls/s are possible; {rate}/s and the others for {self.seconds:.0f} s", flush=True)
        self._wait_idle()
        before = sample(self.stage)
        self._load(rate)
        wrong = self._settle()
        self._wait_idle()
        return wrong + idle_complaints(before, sample(self.stage)) + self._complaints()

    def _load(self, rate):
        self.killer = Killer(self.stage, self.kills, self.seconds, self.gap_seconds)
        others = Others(self.stage, self.kills, self.tally)
        until = time.monotonic() + self.seconds
        try:
            while time.monotonic() < until:
                self._line(self.short.window(self.line_seconds, rate))
        finally:
            self.killer.stop()
            others.stop()

    def _rows(self):
        try:
            found = self.stage.query("select coalesce(sum(last_seq), 0) as n from senders")
            return int(found[0]["n"]) if found else 0
        except AssertionError:
            return None  # the database is away

    def _line(self, short):
        calls, explained, unexplained = self.tally.snapshot()
        processes = sample(self.stage)
        killed, self.killed_lines = self.killer.log[self.killed_lines:], len(self.killer.log)
        line = {"calls": calls, "rate": short["rate"], "p50_us": short["p50_us"], "p99_us": short["p99_us"],
                "explained": explained, "unexplained": unexplained, "killed": killed, "rows": self._rows(),
                "counted": self.stage.sim.total(), "spool": spool_bytes(self.stage), "processes": processes}
        self.figures.add(line)
        told = " ".join(f"{name}={one['pss'] / MIB:.1f}/{one['fds']}/{one['threads']}" for name, one in processes.items())
        print(f"{self.figures.lines[-1]['s']:6.0f} s  calls {calls} ({short['rate']}/s, p99 {short['p99_us'] / 1000:.0f} ms)  "
              f"failed {sum(explained.values())} explained, {unexplained} not  rows {line['rows']} of {line['counted']}  "
              f"spool {line['spool'] // 1024} KiB  killed {','.join(killed) or '-'}\n          MiB/fds/threads {told}",
              flush=True)

    # ------------------------------------------------------------------------------------------------------ the end

    def _until(self, seconds, condition):
        until = time.monotonic() + seconds
        while not (result := condition()) and time.monotonic() < until:
            time.sleep(0.2)
        return result

    def _wait_idle(self):
        """Until no provider's request is open and nobody's descriptors change any more."""
        def is_idle():
            one = {name: each["fds"] for name, each in sample(self.stage).items()}
            time.sleep(1)
            return self.stage.sim.counts()["open"] == 0 and one == {
                name: each["fds"] for name, each in sample(self.stage).items()}
        self._until(30, is_idle)

    def _settle(self):
        """The books: a row for each request that the provider has counted. Besides there may be rows of attempts that
        never got so far: `lost` with their upstream, or given up because the client was gone before any answer."""
        self._until(30, lambda: self.stage.sim.counts()["open"] == 0)
        counted = self.stage.sim.total()
        self._until(SETTLE_SECONDS, lambda: self.stage.count_rows() >= counted)
        time.sleep(2)  # one row too many would still come
        [books] = self.stage.query("select count(*) as n, coalesce(sum(fault = 'lost'), 0) as lost, coalesce(sum("
                                   "fault = 'client_gone' and status = 0), 0) as gone from attempts")
        senders = self.stage.query("select sender, count(*) as n, max(seq) - min(seq) + 1 as span, min(seq) as first "
                                   "from attempts group by sender")
        odd = self.stage.query("select * from senders where refused > 0 or gap > 0")
        told = f"{books['n']} rows, of them {books['lost']} lost and {books['gone']} given up before an answer, of " \
            f"{len(senders)} senders; {counted} requests at the provider"
        print(f"books: {told}", flush=True)
        rows, unsure = int(books["n"]), int(books["lost"]) + int(books["gone"])
        wrong = [] if rows - unsure <= counted <= rows else [f"books: {told}"]
        wrong += [f"books: sender {one['sender']} has {one['n']} rows, of {one['span']} from {one['first']} on"
                  for one in senders if one["n"] != one["span"] or one["first"] != 1]
        return wrong + [f"books: {one}" for one in odd]

    def _complaints(self):
        # A sanitizer keeps what was freed for a while, which looks like growth.
        wrong = ([] if IS_SANITIZED else self.figures.complaints()) + self.stage.complaints()
        if self.killer.fault:
            wrong.append(self.killer.fault)
        if len(self.killer.log) == 0:
            wrong.append("nobody was killed")
        unexplained = self.tally.unexplained
        return wrong + [f"unexplained: {what}" for what in unexplained[:20]] + (
            [f"unexplained: {len(unexplained) - 20} more"] if len(unexplained) > 20 else [])

    def summary(self):
        calls, explained, _ = self.tally.snapshot()
        print(f"\n{calls} calls: " + ", ".join(f"{count} {kind}" for kind, count in self.tally.calls.items()))
        print(f"explained failures: {explained or 'none'}")
        print(f"{len(self.killer.log)} kills: " + ", ".join(
            f"{self.killer.log.count(name)} {name}" for name in VICTIMS if name in self.killer.log))
        for name, (first, last) in self.figures.growth().items():
            print(f"{name:12} {first / MIB:6.1f} MiB in the first third, {last / MIB:6.1f} MiB in the last")


def soak(out, minutes, folder=None, **rest):
    """Runs it on a stage of its own and returns what was wrong."""
    with Stage(folder, frontends=2, upstreams=2, keys=KEYS, database="own",
               env={"LOG_LEVEL": "WARNING", "MAX_RETRIES": 6}) as stage:
        whole = Soak(stage, minutes, out, **rest)
        wrong = whole.run()
        whole.summary()
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--out", type=Path, default=Path("build/soak"))
    options = parser.parse_args()
    wrong = soak(options.out.resolve(), options.minutes)
    print("\n".join(wrong))
    print(f"soak: {len(wrong)} complaints" if wrong else
          "soak: memory and descriptors flat, books right, no unexplained failure")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
