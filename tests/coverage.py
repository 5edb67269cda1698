#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what gcovr has counted, and says which files tests reach too little of:

    tests/coverage.py build/coverage/summary.json

What must stay true: each file of the program and of the simulator has the floor, but those that cannot have it are named
below with the reason.
"""
import json
import sys

FLOOR = 85  # per cent of a file's lines
EXCEPTIONS = {
    "proto/trace.c": 55,  # a process that is killed there writes no counts
}
ROOMS = ("common", "proto", "frontend", "balancer", "upstream", "recorder", "admin", "simulator")


def percent(covered, total):
    return 100 * covered / total if total else 0.0


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        files = [each for each in json.load(file)["files"] if each["filename"].split("/")[0] in ROOMS]
    low = 0
    for room in ROOMS:
        chosen = [each for each in files if each["filename"].startswith(f"{room}/")]
        covered, total = (sum(each[key] for each in chosen) for key in ("line_covered", "line_total"))
        print(f"{room:10} {percent(covered, total):5.1f} %  {covered} of {total} lines")
        low += not total
        for each in sorted(chosen, key=lambda each: each["line_percent"]):
            if percent(each["line_covered"], each["line_total"]) < EXCEPTIONS.get(each["filename"], FLOOR):
                print(f"    {each['filename']:40} {each['line_percent']:5.1f} %: below {FLOOR} %")
                low += 1
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
