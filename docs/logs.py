#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/LOGS.md: every log event, with its level, who writes it, its fields and what it means.

    docs/logs.py >docs/LOGS.md

Names, levels and fields come out of the sources, the sentences out of docs/events.txt. What must stay true: an event without a
sentence, and a sentence without an event, are errors. TRACE and dump.* are for those who look for a fault, and may change.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("frontend", "balancer", "upstream", "recorder", "admin", "proto", "common")
CALL = re.compile(r"\b(?:log_(info|warn|error)|(LOG_AT))\((.*?)\);", re.S)
COMPUTED = re.compile(r'\blog_write\(level, "([a-z_.]+)"')  # level and fields stand in the function around it
EVENT = re.compile(r'"([a-z_]+\.[a-z_.]+)"')
FIELD = re.compile(r'F_[A-Z]+\("([a-z_0-9]+)"')
INTRO = """# Log events

Each process writes one line per event on stderr; `make run` keeps the lines in `STATE_DIR/log/<process>`. A line is a list of
`name=value`, a value with spaces in quotes:

```
ts=2026-03-01T09:30:00.123Z level=info proc=frontend pid=41 event=call.done call=7f3a… status=200 …
```

Names of events and fields are an interface: alerts may rely on them. New ones may come; one that goes or changes its meaning is
named in the release notes. `LOG_LEVEL` says from which level on lines are written: `ERROR` (somebody must look), `WARNING` (odd, and
handled), `INFO` (milestones of calls and processes), `TRACE` (every message between processes; not an interface). Ids are 16
hexadecimal digits; `call` is the number that a reply carries as `x-request-id`. Keys are shown by their last four characters,
tokens never; bodies are never logged.

This page is written by `make docs` from the sources and `docs/events.txt`; edit that.
"""


def read_events():
    """{event: (levels, processes, fields)}, in the sources' own words."""
    events = {}
    for folder in FOLDERS:
        process = folder if folder not in ("proto", "common") else "all"
        for path in sorted((ROOT / folder).rglob("*.c")):
            source = path.read_text()
            for match in COMPUTED.finditer(source):
                text = source[source.rindex("\n{\n", 0, match.start()):match.start()]
                events[match.group(1)] = ({"info", "warning"}, {process}, dict.fromkeys(FIELD.findall(text)))
            for level, at, text in CALL.findall(source):
                head = text.split("F_", 1)[0]
                found = {word.lower() for word in re.findall(r"LOG_(INFO|WARN|ERROR)", head)} if at else {level}
                for name in EVENT.findall(head):
                    levels, processes, fields = events.setdefault(name, (set(), set(), {}))
                    levels.update({"warn": "warning"}.get(one, one) for one in found)
                    processes.add(process)
                    fields.update(dict.fromkeys(FIELD.findall(text)))
    return {name: event for name, event in events.items() if not name.startswith("dump.")}


def read_sentences():
    sentences = {}
    for line in (ROOT / "docs/events.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, sentence = line.partition(": ")
            sentences[name] = sentence.strip()
    return sentences


def main():
    events, sentences = read_events(), read_sentences()
    wrong = [f"docs/events.txt has no sentence for {name}" for name in sorted(events.keys() - sentences.keys())]
    wrong += [f"docs/events.txt explains {name}, which nobody logs" for name in sorted(sentences.keys() - events.keys())]
    if wrong:
        sys.exit("\n".join(wrong))
    print(INTRO)
    print("| event | level | written by | fields | what it says |\n|---|---|---|---|---|")
    for name in sorted(events):
        levels, processes, fields = events[name]
        print(f"| `{name}` | {', '.join(sorted(levels))} | {', '.join(sorted(processes))} | {', '.join(fields)} | "
              f"{sentences[name]} |")


if __name__ == "__main__":
    main()
