#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the libFuzzer targets that make has built, several at a time, and says of each how much it did:

    tests/fuzz/run.py --build build --seconds 60 --jobs 2 sse frame …        looks for more
    tests/fuzz/run.py --build build --merge sse frame …                     takes what was new into the corpus

What must stay true: a find (a crash, a leak, a hang) is an exit status of 1 and a file that is named; the corpus, which
every `make check` replays, stays small: at most CORPUS_MOST files a target, new ones of at most FILE_MOST bytes, and only
those that reach what no other of them does.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/fuzz/corpus"
CORPUS_MOST = 300
FILE_MOST = 4096
INPUT_SECONDS = 25  # one input may take so long on a busy machine
MEMORY_MB = 1024
GRACE_SECONDS = 120
LINE = re.compile(r"^#(\d+)\s+(\w+)\s+cov: (\d+) ft: (\d+)", re.M)


def folders(build, noun):
    new, corpus = build / "libfuzzer/new" / noun, CORPUS / noun
    new.mkdir(parents=True, exist_ok=True)
    corpus.mkdir(parents=True, exist_ok=True)
    return new, corpus


def fuzz(build, noun, seconds):
    """Looks for so many seconds; returns whether nothing was found, and a line that says what was done."""
    new, corpus = folders(build, noun)
    before = len(list(new.iterdir()))
    log = build / f"libfuzzer/{noun}.log"
    with log.open("wb") as file:
        status = subprocess.run(
            [build / f"libfuzzer/fuzz_{noun}", f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}",
             f"-rss_limit_mb={MEMORY_MB}", "-print_final_stats=1", f"-artifact_prefix={build}/libfuzzer/found-{noun}-",
             new, corpus], stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=ROOT,
            timeout=seconds + GRACE_SECONDS).returncode
    text = log.read_text(errors="replace")
    runs, _, cov, ft = (LINE.findall(text) or [("0", "", "0", "0")])[-1]
    told = f"{noun:16} {int(runs):>10} runs  cov {cov:>5}  ft {ft:>5}  {len(list(new.iterdir())) - before:>5} new inputs"
    if status == 0:
        return True, told
    found = re.findall(r"Test unit written to (\S+)", text)
    return False, f"{told}\n--- {noun}: found {' '.join(found) or 'something'}, see {log}\n{text[-6000:]}"


def merge(build, noun):
    """Copies into the corpus those of the new inputs that reach more, the smallest first."""
    new, corpus = folders(build, noun)
    with tempfile.TemporaryDirectory() as name:
        merged, small = Path(name) / "merged", Path(name) / "small"
        shutil.copytree(corpus, merged)
        small.mkdir()
        for path in new.iterdir():
            if path.stat().st_size <= FILE_MOST:
                shutil.copy(path, small)
        done = subprocess.run([build / f"libfuzzer/fuzz_{noun}", "-set_cover_merge=1", f"-timeout={INPUT_SECONDS}", merged, small],
                              stdin=subprocess.DEVNULL, capture_output=True, cwd=ROOT, check=False)
        if done.returncode != 0:
            return False, f"--- {noun}: {done.stderr.decode(errors='replace')[-3000:]}"
        have = {path.name for path in corpus.iterdir()}
        more = sorted((path for path in merged.iterdir() if path.name not in have), key=lambda path: path.stat().st_size)
        taken = more[:max(0, CORPUS_MOST - len(have))]
        for path in taken:
            shutil.copy(path, corpus / path.name)
    return True, f"{noun:16} {len(taken)} of {len(more)} taken, {len(have) + len(taken)} in the corpus"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("nouns", nargs="+")
    args = parser.parse_args()

    build = (ROOT / args.build).resolve()
    nouns = [noun.removeprefix("fuzz_") for noun in args.nouns]
    is_good = True
    with ThreadPoolExecutor(args.jobs) as pool:
        work = (lambda noun: merge(build, noun)) if args.merge else (lambda noun: fuzz(build, noun, args.seconds))
        for good, told in pool.map(work, nouns):
            is_good &= good
            print(told, flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
