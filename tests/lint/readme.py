#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether README.zh.md keeps step with README.md: the same parts in the same order, the same commands, tables and links."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def shape_of(path):
    """What does not depend on the language, line by line: headings, whole code blocks, rows of tables, names of settings."""
    shape, in_code = [], False
    for line in path.read_text().splitlines():
        if line.startswith("```"):
            in_code = not in_code
        if in_code or line.startswith("```"):
            shape.append(line)
        elif line.startswith("#"):
            shape.append(line.split()[0])
        elif line.startswith("|"):
            shape.append(f"a row of {line.count('|') - 1}")
    return shape


def links_of(path):
    """Where links lead, apart from each page's link to the other."""
    found = re.findall(r"\]\(([^)]+)\)", path.read_text())
    return [link for link in found if not link.startswith("README")]


def literals_of(path):
    """Words that stand in backquotes outside code blocks: names that are the same in every language."""
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
    text = re.sub(r"<!-- settings -->.*?<!-- end of settings -->", "", text, flags=re.S)
    return sorted(set(re.findall(r"`([^`]+)`", text)))


def main():
    english, chinese = ROOT / "README.md", ROOT / "README.zh.md"
    faults = []
    for what, read in (("the shape", shape_of), ("the links", links_of), ("the names in backquotes", literals_of)):
        ours, theirs = read(english), read(chinese)
        if ours != theirs:
            missing = [item for item in ours if item not in theirs] or ["their order or number"]
            more = [item for item in theirs if item not in ours]
            faults.append(f"README.zh.md: {what} is not README.md's; missing: {missing[:5]}; more: {more[:5]}")
    print("\n".join(faults) or "README.zh.md keeps step with README.md")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
