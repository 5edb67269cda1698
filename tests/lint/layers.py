#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may call whom, checked against the object files: lower rooms never name higher ones, and inside a process no files
form a circle.

    tests/lint/layers.py build

The order is in layers.txt, lowest first. `make lint` runs this. What must stay true: edges come from nm (what the linker will
really bind), never from includes.
"""
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROCESSES = ("frontend", "balancer", "upstream", "recorder", "admin", "simulator")


def read_order(path):
    """{room: rank}, and the circles that are known and not yet broken."""
    ranks, known = {}, []
    for rank, line in enumerate(path.read_text().splitlines()):
        line = line.partition("#")[0].strip()
        if line.startswith("circle:"):
            known.append(frozenset(line.removeprefix("circle:").split()))
        else:
            ranks |= dict.fromkeys(line.split(), rank)
    return ranks, known


def symbols(objects):
    """{symbol: object that defines it}, {object: symbols that it wants}."""
    defined, wanted = {}, {}
    for name, path in objects.items():
        text = subprocess.run(["nm", "-P", "-g", path], capture_output=True, text=True, check=True).stdout
        for line in text.splitlines():
            symbol, kind = line.split()[:2]
            if kind == "U":
                wanted.setdefault(name, set()).add(symbol)
            elif kind not in "wv":
                defined[symbol] = name
    return defined, wanted


def edges_of(objects):
    defined, wanted = symbols(objects)
    edges = {}
    for name, wants in wanted.items():
        for symbol in wants:
            if defined.get(symbol, name) != name:
                edges.setdefault((name, defined[symbol]), []).append(symbol)
    return edges


def room_of(name, ranks):
    """The longest room of the order that the file is in; a file of no room is an error of the order."""
    parts = name.split("/")
    for count in range(len(parts), 0, -1):
        if (room := "/".join(parts[:count])) in ranks:
            return room
    sys.exit(f"layers.txt has no room for {name}")


def circles(edges):
    """Groups of files that reach each other (Tarjan, without recursion being deep: a process has fewer than 200 files)."""
    after = {}
    for source, target in edges:
        after.setdefault(source, set()).add(target)
    index, low, on, stack, found = {}, {}, set(), [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on.add(node)
        for follower in after.get(node, ()):
            if follower not in index:
                visit(follower)
                low[node] = min(low[node], low[follower])
            elif follower in on:
                low[node] = min(low[node], index[follower])
        if low[node] == index[node]:
            group = set()
            while node not in group:
                group.add(stack.pop())
            on.difference_update(group)
            if len(group) > 1:
                found.append(group)

    for node in list(after):
        if node not in index:
            visit(node)
    return found


def faults_of(objects, ranks, known):
    edges = edges_of(objects)
    for (source, target), names in sorted(edges.items()):
        low, high = room_of(source, ranks), room_of(target, ranks)
        if ranks[high] > ranks[low]:
            yield f"{source} ({low}) names {target} ({high}), which is above it: {', '.join(sorted(names)[:4])}"
    for group in circles(edges):
        if not any(group <= allowed for allowed in known):
            yield "a circle: " + " ".join(sorted(group))
    for allowed in known:
        mine = next(iter(allowed)).split("/")[0] in {name.split("/")[0] for name in objects}
        if mine and not any(group <= allowed for group in circles(edges)):
            yield "layers.txt still allows a circle that is gone: " + " ".join(sorted(allowed))


def objects_of(build, folders):
    """{file without its ending: object file}, of those whose source is still there."""
    found = {str(path.relative_to(build).with_suffix("")): path
             for folder in folders for path in sorted((build / folder).rglob("*.o"))}
    return {name: path for name, path in found.items() if (HERE.parents[1] / name).with_suffix(".c").exists()}


def main():
    build = Path(sys.argv[1])
    ranks, known = read_order(HERE / "layers.txt")
    faults = []
    for process in PROCESSES:
        objects = objects_of(build, ["common", "proto", process])
        if not any(name.startswith(process + "/") for name in objects):
            sys.exit(f"{build}/{process} has no object files: build first")
        faults += faults_of(objects, ranks, known)
    print("\n".join(dict.fromkeys(faults)) or "layers: every file keeps the order")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
