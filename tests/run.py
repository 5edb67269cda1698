#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the named test suites over what make has built, and ends with `N passed, N failed, N skipped`.

    tests/run.py --build build [--sanitized build/asan] unit flow asan-unit …

Called by `make test`, `make check` and `make asan`. Flow tests wait more than they compute, and so more files of them run
at once than there are cores. What only computes, clang-tidy and the sanitized tree's build, runs beside them at the lowest
priority. The tests that measure come last, when the machine is theirs.

What must stay true: the exit status is 0 only if every suite ran at least one test and none failed. A suite that hangs, a
program that crashes and a sanitizer's report are failures.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests/flow"))
import database  # noqa: E402

CORES = os.cpu_count() or 1
AT_ONCE = 2 * CORES    # files of flow tests
PATIENCE = 2           # deadlines are so much longer while other tests want the machine as well
PROGRAM_SECONDS = 120
FILE_SECONDS = 600
IMAGE_SECONDS = 1500   # a system is installed and everything compiled
MAKE_SECONDS = 1800
SLOWEST = 10           # tests of each suite that are named in the end
LEAST_SECONDS = 1      # of a test that is worth naming
LOWEST = ("nice", "-n", "10")
NO_TESTS = 5           # what pytest says when it was to run none
FLOW = {"flow": "", "short": "short", "asan-flow": "not slow and not release_only", "asan-short": "short"}
# The files that take longest, so that none of them is what all wait for in the end. The others go by their size.
LONGEST = ("test_recorder", "test_mysql", "test_launch", "test_keys", "test_tcp_road", "test_kill_balancer")


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass
class Suite:
    name: str
    build: Path
    env: dict
    count: Count = field(default_factory=Count)
    begun: float = 0
    ended: float = 0
    cpu_seconds: float = 0
    times: list = field(default_factory=list)  # (seconds, test)
    files: set = field(default_factory=set)  # of pytest's, that had a test to run

    @property
    def kind(self):
        return self.name.removeprefix("asan-")

    @property
    def is_sanitized(self):
        return self.kind != self.name

    @property
    def reports(self):
        return self.build / "sanitizer" / self.name

    def run(self, command, seconds, env=None, is_lowest=False):
        ended = Commands.run(command, self.env | (env or {}), seconds, is_lowest)
        self.cpu_seconds += ended.cpu_seconds
        return ended

    def __str__(self):
        return (f"{self.name:12} {self.count}, from {self.begun:.0f} s to {self.ended:.0f} s, "
                f"{self.cpu_seconds:.0f} s of processor")


# ------------------------------------------------------------------------------------------------------------- commands

@dataclass
class Ended:
    status: int | None  # None: it took too long
    output: str
    cpu_seconds: float = 0

    def __str__(self):
        if self.status is None:
            return "took too long"
        return f"ended by {signal.Signals(-self.status).name}" if self.status < 0 else f"exit status {self.status}"


class Commands:
    """Each in a process group of its own, so that it ends with all that it has started."""
    live, is_over = set(), False

    @classmethod
    def run(cls, command, env, seconds, is_lowest):
        if os.sep in command[0] and not os.path.exists(command[0]):
            return Ended(127, "not built")
        assert not cls.is_over
        begun = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen([*(LOWEST if is_lowest else ()), *command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            cls.live.add(process.pid)
            if cls.is_over:
                cls._kill(process.pid)
            if is_lowest:
                cls._lower(process.pid)
            timer = threading.Timer(seconds, cls._kill, (process.pid,))
            timer.start()
            _, status, usage = os.wait4(process.pid, 0)
            timer.cancel()
            cls.live.discard(process.pid)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            text = output.read().decode(errors="replace")
        is_late = time.monotonic() - begun >= seconds
        return Ended(None if is_late else process.returncode, text, usage.ru_utime + usage.ru_stime)

    @staticmethod
    def _lower(pid):
        """Where the kernel makes a group of each session, a process is nice to those of its own group only."""
        try:
            Path(f"/proc/{pid}/autogroup").write_text("10")
        except OSError:
            pass

    @staticmethod
    def _kill(pid):
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    @classmethod
    def end(cls):
        cls.is_over = True
        for pid in list(cls.live):
            cls._kill(pid)


def cmocka_count(status, output):
    """What a cmocka program says of itself. It says nothing of the test that crashed it: that one counts as failed."""
    count = Count(*(sum(int(n) for n in re.findall(rf"^\[ +{word} +\] (?:\w+: )?(\d+) test\(s\)", output, re.M))
                    for word in ("PASSED", "FAILED", "SKIPPED")))
    started = len(re.findall(r"^\[ RUN +\]", output, re.M))
    is_whole = sum((count.passed, count.failed, count.skipped)) >= started > 0
    if status != 0 and count.failed == 0 or not is_whole:
        if count == Count():
            count.passed = len(re.findall(r"^\[ +OK +\]", output, re.M))
        count.failed += 1
    return count


def replay_count(status, output):
    told = re.search(r"^(\d+) passed, 0 failed$", output, re.M)
    if status == 0 and told:
        return Count(passed=int(told[1]))
    return Count(failed=1)


def run_programs(suite, commands, count_of):
    """Runs test programs, a few at a time; shows the output of those that fail."""
    total = Count()
    with ThreadPoolExecutor(CORES) as pool:
        results = pool.map(lambda command: suite.run(command, PROGRAM_SECONDS), commands)
        for command, ended in zip(commands, results):
            count = count_of(ended.status, ended.output)
            total += count
            if count.failed:
                print(f"--- {command[0]}: {ended}\n{ended.output[-20000:]}", flush=True)
    return total


def run_unit(suite):
    programs = [suite.build / path.relative_to(ROOT).with_suffix("")
                for path in sorted(ROOT.glob("tests/unit/**/test_*.c"))]
    return run_programs(suite, [[str(program)] for program in programs], cmocka_count)


def run_replay(suite):
    commands = []
    for source in sorted(ROOT.glob("tests/fuzz/fuzz_*.c")):
        corpus = sorted(path for path in (ROOT / "tests/fuzz/corpus" / source.stem[len("fuzz_"):]).rglob("*")
                        if path.is_file())
        commands.append([str(suite.build / "replay" / source.stem), *map(str, corpus)])
    return run_programs(suite, commands, replay_count)


def run_make(suite, target, is_lowest=False):
    """A target of the Makefile that finds fault or doesn't, with what the outer make was told (WERROR=1)."""
    told = os.environ.get("MAKEFLAGS", "").partition("-- ")[2]
    ended = suite.run(["make", f"BUILD={suite.build.relative_to(ROOT)}", target], MAKE_SECONDS,
                      {"MAKEFLAGS": f"-- {told}"} if told else {}, is_lowest)
    if ended.status != 0:
        print(f"--- make {target}: {ended}\n{ended.output[-20000:]}", flush=True)
        return Count(failed=1)
    return Count(passed=1)


def run_docs(suite):
    return run_make(suite, "docs-check")


def pytest_count(report):
    """What pytest wrote down of its tests: how many ended how, and how long each took."""
    count, times = Count(), []
    if report.exists():
        root = xml.etree.ElementTree.parse(report).getroot()
        for suite in root.iter("testsuite"):
            tests, failed, broken, skipped = (int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped"))
            count += Count(max(0, tests - failed - broken - skipped), failed + broken, skipped)
        times = [(float(case.get("time")), f"{report.stem}: {case.get('name')}") for case in root.iter("testcase")]
    return count, times


def run_pytest(suite, path, marks="", env=None, seconds=FILE_SECONDS):
    """One file of tests, in a pytest of its own."""
    folder = suite.build / suite.name
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / f"{path.stem}.xml"
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    ended = suite.run([sys.executable, "-m", "pytest", "-q", "-rfEs", "-p", "no:cacheprovider", f"--junitxml={report}",
                       "-m", marks, str(path)], seconds, env)
    count, times = pytest_count(report)
    suite.times += times
    if ended.status not in (0, NO_TESTS) and count.failed == 0:
        count.failed = 1
    if count != Count():
        suite.files.add(path)
        print(f"{suite.name:10} {path.stem:24} {count}, {time.monotonic() - begun:.1f} s, "
              f"{ended.cpu_seconds:.1f} s of processor", flush=True)
    if count.failed:
        print(f"--- {path.stem}: {ended}\n{ended.output[-60000:]}", flush=True)
    elif "SKIPPED" in ended.output:
        print("\n".join(line for line in ended.output.splitlines() if line.startswith("SKIPPED")), flush=True)
    return count


def run_model(suite):
    return run_pytest(suite, ROOT / "tests/model/test_dispatch.py")


def run_container(suite):
    return run_pytest(suite, ROOT / "tests/container/test_container.py", env={"BUILD_DIR": str(suite.build)}, seconds=IMAGE_SECONDS)


def run_browser(suite):
    return run_pytest(suite, ROOT / "tests/browser", env={"BUILD_DIR": str(suite.build)})


def flow_files():
    def order(path):
        return LONGEST.index(path.stem) if path.stem in LONGEST else len(LONGEST), -path.stat().st_size
    return sorted((ROOT / "tests/flow").glob("test_*.py"), key=order)


def run_flow(suite, path, is_alone):
    """The tests of a file that measure and so want the machine for themselves, or the others."""
    marks = " and ".join(f"({mark})" for mark in (FLOW[suite.name], "alone" if is_alone else "not alone") if mark)
    slow = {} if is_alone or "FLOW_SLOW" in suite.env else {"FLOW_SLOW": str(PATIENCE * (2 if suite.is_sanitized else 1))}
    return run_pytest(suite, path, marks, slow)


# ------------------------------------------------------------------------------------------------------------ sanitizers

def sanitizer_env(reports):
    """Every process inherits where to write what its sanitizer finds; processes that a test kills say nothing."""
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    common = f"halt_on_error=1:log_path={reports}/report:log_exe_name=1"
    return {
        "ASAN_OPTIONS": f"{common}:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": f"{common}:print_stacktrace=1",
        "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.supp:print_suppressions=0",
    }


def sanitizer_count(reports):
    found = [path for path in sorted(reports.iterdir()) if path.stat().st_size]
    for path in found:
        print(f"--- {path.name}\n{path.read_text(errors='replace')[:8000]}")
    return Count(failed=len(found))


# ------------------------------------------------------------------------------------------------------------- the whole

class Run:
    """All suites. What each consists of is handed to the pools in the order in which it is to begin."""

    def __init__(self, suites):
        self.suites = suites
        self.begun = time.monotonic()
        self.together = ThreadPoolExecutor(AT_ONCE)
        self.beside = ThreadPoolExecutor(1)
        self.futures = []
        self.sanitized = None  # whether the sanitized tree is built

    def _piece(self, suite, function, *args):
        """A piece of a suite, from a pool's thread; its count."""
        if suite.is_sanitized and not self.sanitized.result():
            return suite, Count(failed=1)
        suite.begun = suite.begun or time.monotonic() - self.begun
        count = function(suite, *args)
        suite.ended = time.monotonic() - self.begun
        return suite, count

    def _submit(self, pool, suite, function, *args):
        self.futures.append(pool.submit(self._piece, suite, function, *args))

    def _submit_all(self):
        if any(suite.is_sanitized for suite in self.suites):
            build = Suite("build", self.suites[0].build, self.suites[0].env)
            self.sanitized = self.beside.submit(lambda: run_make(build, "sanitized", True).failed == 0)
        for suite in sorted(self.suites, key=lambda suite: suite.is_sanitized):
            if suite.kind == "lint":
                self._submit(self.beside, suite, run_make, "lint", True)
            elif suite.name in FLOW:
                for path in flow_files():
                    self._submit(self.together, suite, run_flow, path, False)
            else:
                self._submit(self.together, suite, KINDS[suite.kind])

    def _gather(self):
        for future in as_completed(self.futures):
            suite, count = future.result()
            suite.count += count
            if suite.name not in FLOW:
                print(suite, flush=True)

    def _alone(self):
        for suite in self.suites:
            for path in flow_files() if suite.name in FLOW else ():
                if "mark.alone" in path.read_text():
                    suite.count += self._piece(suite, run_flow, path, True)[1]

    def all(self):
        try:
            self._submit_all()
            self._gather()
            self._alone()
        except BaseException:
            for future in self.futures:
                future.cancel()
            Commands.end()
            raise

    def verdict(self):
        """Says how each suite ended, and returns the sum."""
        total = Count()
        for suite in self.suites:
            if suite.is_sanitized:
                suite.count += sanitizer_count(suite.reports)
            for path in flow_files() if FLOW.get(suite.name) == "" else ():
                if path not in suite.files:
                    print(f"--- {path.stem}: no test ran")
                    suite.count.failed += 1
            may_be_skipped = suite.name in ("container", "browser") and suite.count.skipped
            if suite.count.passed + suite.count.failed == 0 and not may_be_skipped:
                print(f"--- {suite.name}: no test ran")
                suite.count.failed = 1
            total += suite.count
            slowest = sorted(suite.times, reverse=True)[:SLOWEST]
            print("".join(f"{suite.name:10} {seconds:6.1f} s  {test}\n" for seconds, test in slowest
                          if seconds >= LEAST_SECONDS), end="")
        print("\n" + "\n".join(map(str, self.suites)))
        print(f"{total}, {time.monotonic() - self.begun:.0f} s")
        return total


KINDS = {"unit": run_unit, "replay": run_replay, "docs": run_docs, "model": run_model, "container": run_container,
         "browser": run_browser}


def suites_of(args, env):
    suites = []
    for name in args.suites:
        suite = Suite(name, ROOT / args.build, env)
        if suite.is_sanitized:
            suite.build = ROOT / args.sanitized
            suite.env = env | sanitizer_env(suite.reports)
        if name in FLOW:
            suite.env = suite.env | {"BUILD_DIR": str(suite.build)}
        suites.append(suite)
    return suites


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--sanitized", default="build/asan")
    parser.add_argument("suites", nargs="+", choices=[*KINDS, *(f"asan-{kind}" for kind in KINDS), *FLOW, "lint"])
    args = parser.parse_args()

    os.umask(0o077)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    env = dict(os.environ, VENV=str(ROOT / args.build / "venv"), PYTHONDONTWRITEBYTECODE="1")
    for variable in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        env.pop(variable, None)
    with tempfile.TemporaryDirectory(prefix="gwdb-", dir="/tmp") as folder:
        if any(name in FLOW for name in args.suites):
            database.install(Path(folder) / "template")
            env["MARIADB_TEMPLATE"] = f"{folder}/template"
        run = Run(suites_of(args, env))
        run.all()
        return 1 if run.verdict().failed else 0


if __name__ == "__main__":
    sys.exit(main())
