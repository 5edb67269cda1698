#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the named test suites over what make has built, and ends with `N passed, N failed, N skipped`.

    tests/run.py --build build [--sanitized build/asan] unit flow asan-unit …

Called by `make test`, `make check` and `make asan`. What must stay true: the exit status is 0 only if every suite ran
at least one test and none failed. A suite that hangs, a program that crashes and a sanitizer's report are failures.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM_SECONDS = 120
FILE_SECONDS = 400
LINT_SECONDS = 1200
NO_TESTS = 5  # what pytest says when it was to run none


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run(command, env, seconds, capture):
    """Runs a command in a process group of its own; returns its status (None: it took too long) and its output."""
    output = subprocess.PIPE if capture else None
    if os.sep in command[0] and not os.path.exists(command[0]):
        return 127, "not built"
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output,
                          stderr=subprocess.STDOUT if capture else None, start_new_session=True) as process:
        try:
            text, _ = process.communicate(timeout=seconds)
            return process.returncode, (text or b"").decode(errors="replace")
        except BaseException as reason:
            os.killpg(process.pid, signal.SIGKILL)
            text, _ = process.communicate()
            if isinstance(reason, subprocess.TimeoutExpired):
                return None, (text or b"").decode(errors="replace")
            raise


def ending(status):
    if status is None:
        return "took too long"
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def cmocka_count(status, output):
    """What a cmocka program says of itself. It says nothing of the test that crashed it: that one counts as failed."""
    count = Count(*(sum(int(n) for n in re.findall(rf"^\[ +{word} +\] (?:\w+: )?(\d+) test\(s\)", output, re.M))
                    for word in ("PASSED", "FAILED", "SKIPPED")))
    started = len(re.findall(r"^\[ RUN +\]", output, re.M))
    if status != 0 and count.failed == 0 or started == 0:
        if count == Count():
            count.passed = len(re.findall(r"^\[ +OK +\]", output, re.M))
        count.failed += 1
    return count


def replay_count(status, output):
    told = re.search(r"^(\d+) passed, 0 failed$", output, re.M)
    if status == 0 and told:
        return Count(passed=int(told[1]))
    return Count(failed=1)


def run_programs(commands, env, count_of):
    """Runs test programs, a few at a time; shows the output of those that fail."""
    total = Count()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = pool.map(lambda command: run(command, env, PROGRAM_SECONDS, True), commands)
        for command, (status, output) in zip(commands, results):
            count = count_of(status, output)
            total += count
            if count.failed:
                print(f"--- {command[0]}: {ending(status)}\n{output[-20000:]}", flush=True)
    return total


def run_unit(build, env):
    programs = [build / path.relative_to(ROOT).with_suffix("") for path in sorted(ROOT.glob("tests/unit/*/test_*.c"))]
    return run_programs([[str(program)] for program in programs], env, cmocka_count)


def run_replay(build, env):
    commands = []
    for source in sorted(ROOT.glob("tests/fuzz/fuzz_*.c")):
        corpus = sorted(path for path in (ROOT / "tests/fuzz/corpus" / source.stem[len("fuzz_"):]).rglob("*")
                        if path.is_file())
        commands.append([str(build / "replay" / source.stem), *map(str, corpus)])
    return run_programs(commands, env, replay_count)


def run_make(target, build, env, seconds):
    """A target of the Makefile that finds fault or doesn't."""
    status, output = run(["make", f"BUILD={build.relative_to(ROOT)}", target], env, seconds, True)
    if status != 0:
        print(f"--- make {target}: {ending(status)}\n{output[-20000:]}")
        return Count(failed=1)
    return Count(passed=1)


def run_docs(build, env):
    return run_make("docs-check", build, env, PROGRAM_SECONDS)


def run_lint(build, env):
    return run_make("lint", build, env, LINT_SECONDS)


def pytest_count(report):
    """What pytest wrote down of its tests."""
    count = Count()
    if report.exists():
        for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
            tests, failed, broken, skipped = (int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped"))
            count += Count(max(0, tests - failed - broken - skipped), failed + broken, skipped)
    return count


def run_pytest(path, marks, folder, env):
    """One file of tests, in a pytest of its own."""
    report = folder / f"{path.stem}.xml"
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    status, output = run([sys.executable, "-m", "pytest", "-q", "-rfEs", "--durations=3", "--durations-min=5",
                          "-p", "no:cacheprovider", f"--junitxml={report}", "-m", marks, str(path)],
                         env, FILE_SECONDS, True)
    count = pytest_count(report)
    if status not in (0, NO_TESTS) and count.failed == 0:
        count.failed = 1
    if count != Count():
        print(f"{path.stem:24} {count}, {time.monotonic() - begun:.1f} s", flush=True)
    if count.failed:
        print(f"--- {path.stem}: {ending(status)}\n{output[-60000:]}", flush=True)
    elif "SKIPPED" in output:
        print("\n".join(line for line in output.splitlines() if line.startswith("SKIPPED")), flush=True)
    return count


def run_flow(name, build, env):
    """The files of tests/flow side by side, as many as there are cores, the long ones first; then, one after the other,
    the tests that measure and so want the machine for themselves."""
    marks = {"flow": "", "short": "short", "asan-flow": "not slow and not release_only"}[name]
    folder = build / name
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted((ROOT / "tests/flow").glob("test_*.py"), key=lambda path: -path.stat().st_size)
    total = Count()
    for choice, workers in ((f"({marks or 'not alone'}) and not alone", os.cpu_count() or 1),
                            (f"({marks or 'alone'}) and alone", 1)):
        with ThreadPoolExecutor(workers) as pool:
            for count in pool.map(lambda path: run_pytest(path, choice, folder, env), files):
                total += count
    return total


def run_model(build, env):
    return run_pytest(ROOT / "tests/model/test_dispatch.py", "", build, env)


def sanitizer_env(env, reports):
    """Every process inherits where to write what its sanitizer finds; processes that a test kills say nothing."""
    reports.mkdir(parents=True, exist_ok=True)
    for old in reports.iterdir():
        old.unlink()
    common = f"halt_on_error=1:log_path={reports}/report:log_exe_name=1"
    return env | {
        "ASAN_OPTIONS": f"{common}:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": f"{common}:print_stacktrace=1",
        "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.supp:print_suppressions=0",
    }


def sanitizer_count(reports):
    found = [path for path in sorted(reports.iterdir()) if path.stat().st_size]
    for path in found:
        print(f"--- {path.name}\n{path.read_text(errors='replace')[:8000]}")
    return Count(failed=len(found))


def run_suite(name, build, env):
    kind = name.removeprefix("asan-")
    reports = build / "sanitizer"
    if kind != name:
        env = sanitizer_env(env, reports)
    if kind in ("flow", "short"):
        count = run_flow(name, build, env | {"BUILD_DIR": str(build)})
    else:
        count = {"unit": run_unit, "replay": run_replay, "docs": run_docs, "lint": run_lint, "model": run_model}[kind](build, env)
    if kind != name:
        count += sanitizer_count(reports)
    if count.passed + count.failed == 0:
        print(f"--- {name}: no test ran")
        count.failed = 1
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--sanitized", default="build/asan")
    parser.add_argument("suites", nargs="+")
    args = parser.parse_args()

    os.umask(0o077)
    total = Count()
    env = dict(os.environ, VENV=str(ROOT / args.build / "venv"), PYTHONDONTWRITEBYTECODE="1")
    for variable in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        env.pop(variable, None)
    told = []
    for name in args.suites:
        print(f"== {name}", flush=True)
        begun = time.monotonic()
        count = run_suite(name, ROOT / (args.sanitized if name.startswith("asan-") else args.build), env)
        told.append(f"{name:12} {count}, {time.monotonic() - begun:.1f} s")
        print(told[-1], flush=True)
        total += count
    print("\n" + "\n".join(told))
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
