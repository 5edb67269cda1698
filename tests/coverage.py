#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up what gcovr has counted, by the groups of files for which a floor holds:

    tests/coverage.py build/coverage/summary.json

What must stay true: a group below the floor, or one that has no lines any more (its files were moved), fails.
"""
import fnmatch
import json
import sys

FLOOR = 85  # per cent of lines
GROUPS = {
    "proto": ["proto/*.[ch]", "common/base/*.[ch]", "common/settings/*.[ch]", "common/web/*.[ch]"],
    "balancer's pool": ["balancer/pool/pool.c"],
    "SSE": ["common/base/sse.c"],
    "translators": ["frontend/openai/*.c", "frontend/openai/chat/*.c", "frontend/gemini/*.c", "frontend/exchange/dialect.c", "common/models/*.c",
                    "common/base/json.c"],
    "spool": ["recorder/intake/spool.c", "recorder/intake/segment.c", "recorder/writer/batch.c"],
    "HTTP/1.1": ["upstream/transfer/request.c", "upstream/transfer/response.c"],
    "gate and errors": ["upstream/jobs/gate.c", "upstream/provider/gemini_error.c"],
}


def lines_of(files, patterns):
    chosen = [file for file in files if any(fnmatch.fnmatch(file["filename"], pattern) for pattern in patterns)]
    return sum(file["line_covered"] for file in chosen), sum(file["line_total"] for file in chosen), chosen


def percent(covered, total):
    return 100 * covered / total if total else 0.0


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        files = json.load(file)["files"]
    low = []
    for name, patterns in GROUPS.items():
        covered, total, chosen = lines_of(files, patterns)
        print(f"{name:18} {percent(covered, total):5.1f} %  {covered} of {total} lines")
        if percent(covered, total) < FLOOR:
            low.append(name)
            for each in sorted(chosen, key=lambda each: percent(each["line_covered"], each["line_total"])):
                print(f"    {each['filename']:36} {percent(each['line_covered'], each['line_total']):5.1f} %")
    covered, total, _ = lines_of(files, ["*"])
    print(f"{'all':18} {percent(covered, total):5.1f} %  {covered} of {total} lines")
    if low:
        print(f"below {FLOOR} %: {', '.join(low)}", file=sys.stderr)
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
