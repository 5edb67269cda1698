# SPDX-License-Identifier: Apache-2.0
"""The result as four plots, docs/bench-*.svg. matplotlib is Debian's (python3-matplotlib).

What must stay true: the gateway comes first, and always in the same colour; an invalid window is not drawn.
"""
import statistics

from report import DATABASE, RECORDING, added, kib_per_stream, recording, serving, valid
from scene import HAPROXY, NATIVE, NGINX, PORTKEY, STRAIGHT, TRANSLATED

ORDER = (TRANSLATED, NATIVE, NGINX, HAPROXY, PORTKEY, STRAIGHT)
COLOURS = {TRANSLATED: "#1a56a8", NATIVE: "#6fa3dc", NGINX: "#5a8f5a", HAPROXY: "#c08a2e", PORTKEY: "#a8483f",
           STRAIGHT: "#9a9a9a"}
PARTS = {"frontend": "#1a56a8", "balancer": "#6fa3dc", "upstream": "#0f8b8d", "recorder and store": "#c08a2e",
         "database server": "#c9c9c9"}
STYLE = {"figure.facecolor": "white", "axes.facecolor": "white", "axes.spines.top": False, "axes.spines.right": False,
         "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#e6e6e6", "axes.axisbelow": True, "font.size": 10,
         "font.family": "sans-serif", "axes.titlesize": 11, "axes.titleweight": "bold", "legend.frameon": False,
         "svg.fonttype": "none", "svg.hashsalt": "bench"}


def ordered(targets):
    return [name for name in ORDER if name in targets]


def middle(values):
    values = list(values)
    return statistics.median(values) if values else None


def bars(axes, groups, series, unit):
    """groups: labels of the x axis. series: {name: [value or None for each group]}."""
    width = 0.8 / max(len(series), 1)
    for i, (name, values) in enumerate(series.items()):
        for group, value in enumerate(values):
            if value is None:
                continue
            at = group + (i - (len(series) - 1) / 2) * width
            axes.bar(at, value, width * 0.92, color=COLOURS[name], label=name)
            axes.annotate(f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}", (at, value), ha="center", va="bottom",
                          fontsize=7, xytext=(0, 1), textcoords="offset points")
    axes.set_xticks(range(len(groups)), groups)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel(unit)


def legend(figure, axes):
    """One for the whole figure, each name once."""
    found = {}
    for each in axes:
        handles, labels = each.get_legend_handles_labels()
        found |= {label: handle for handle, label in zip(handles, labels) if label not in found}
    figure.legend(found.values(), found.keys(), loc="lower center", ncols=len(found), fontsize=9)


def names_of(groups):
    return ordered({name for targets in groups for name in targets})


def series_of(groups, value):
    """value(windows) of every target, over groups that are {name: windows}."""
    return {name: [value(targets[name]) if name in targets else None for targets in groups] for name in names_of(groups)}


# ----------------------------------------------------------------------------------------------------------------- each

def part_of(process):
    if process in RECORDING:
        return "recorder and store"
    return "database server" if process == DATABASE else process.split("-")[0]


def cpu_by_process(axes, windows):
    """What a translated call costs, split. windows: by connections."""
    highest = 0
    for at, good in enumerate(map(valid, windows.values())):
        bottom = 0
        for part, colour in PARTS.items():
            value = middle(sum(us for process, us in window["cpu"].items() if part_of(process) == part) for window in good) or 0
            axes.bar(at, value, 0.6, bottom=bottom, color=colour, label=part if at == 0 else None)
            bottom += value
            highest = max(highest, bottom)
            if value > 3:
                axes.annotate(f"{value:.0f}", (at, bottom - value / 2), ha="center", va="center", fontsize=8,
                              color="black" if part == "database server" else "white")
    axes.set_xticks(range(len(windows)), windows)
    axes.set_ylim(top=highest * 1.5 or 1)  # room for the legend
    axes.set_xlabel("connections")
    axes.set_ylabel("CPU, µs per call")
    axes.set_title("A translated call, by process")
    axes.grid(axis="x", visible=False)
    axes.legend(fontsize=8, loc="upper center", ncols=2)


def cpu(figure, result):
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    found = result["cpu"]
    without = [{name: windows for name, windows in targets.items() if name not in (PORTKEY, STRAIGHT)}
               for targets in found.values()]
    bars(left, list(found), series_of(without, lambda windows: middle(map(serving, valid(windows)))), "CPU, µs per call")
    left.set_xlabel("connections")
    portkey = [f"{middle(map(serving, valid(targets[PORTKEY]))):,.0f} µs at {connections}"
               for connections, targets in found.items() if valid(targets.get(PORTKEY, []))]
    left.set_title("CPU per call, without recording" + (f" (Portkey: {portkey[0]})" if portkey else ""))
    cpu_by_process(right, {connections: targets[TRANSLATED] for connections, targets in found.items()})
    legend(figure, [left])


def latency(figure, result):
    parts = (("one call", "latency", "{}_us"), ("first token", "first", "first_{}_us"), ("gap between events", "first", "gap_{}_us"))
    for axes, percent in zip(figure.subplots(1, 2), ("p50", "p99")):
        series = {name: [middle(added(result[part].get(name, []), result[part][STRAIGHT], form.format(percent)))
                         for _, part, form in parts]
                  for name in ordered(result["latency"]) if name not in (STRAIGHT, PORTKEY)}
        bars(axes, [label for label, _, _ in parts], series, "µs more than straight")
        axes.set_title(f"Added latency, {percent}")
    legend(figure, figure.axes)


def lines(axes, found, value, label):
    for name in names_of(found.values()):
        points = [(int(count), value(targets[name])) for count, targets in found.items() if name in targets]
        points = [(count, each) for count, each in points if each is not None]
        if points:
            axes.plot(*zip(*points), "o-", color=COLOURS[name], label=name)
            axes.annotate(f"{points[-1][1]:.1f}", points[-1], fontsize=8, xytext=(4, 3), textcoords="offset points")
    axes.set_xscale("log", base=2)
    axes.set_xticks([int(count) for count in found], [f"{int(count):,}" for count in found])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("streams at once")
    axes.set_ylabel(label)


def streams(figure, result):
    left, centre, right = figure.subplots(1, 3)
    short = {name: windows for name, windows in result["short_streams"].items() if name != STRAIGHT and name != PORTKEY}
    bars(left, ["256 connections"], series_of([short], lambda windows: middle(
        serving(window) * window["events"] / window["streams"] for window in valid(windows))), "CPU, µs per stream")
    left.set_title("A stream of 50 events, 20 ms")
    found = {count: {name: windows for name, windows in targets.items() if name != STRAIGHT}
             for count, targets in result["at_once"].items()}
    lines(centre, found, lambda windows: middle(map(serving, valid(windows))), "CPU, µs per event")
    centre.set_title("Streams at once: CPU")
    lines(right, found, lambda windows: middle(kib_per_stream(window) for window in valid(windows) if window["open"]),
          "KiB per open stream")
    right.set_title("Streams at once: memory")
    legend(figure, [left, centre])


def growth(figure, result):
    found = result["growth"]
    axes = figure.subplots(1, 3)
    kinds = (("keys", {count: {TRANSLATED: windows} for count, windows in found["keys"].items()}),
             ("bytes of the request", {size: {name: windows for name, windows in targets.items() if name != STRAIGHT}
                                       for size, targets in found["bodies"].items()}),
             ("rows of history", {rows: {TRANSLATED: windows} for rows, windows in found["history"]["windows"].items()}))
    for each, (label, groups) in zip(axes, kinds):
        cost = (lambda window: serving(window) + recording(window) + window["cpu"][DATABASE]) if "rows" in label else serving
        bars(each, [f"{int(value):,}" for value in groups],
             series_of(list(groups.values()), lambda windows, cost=cost: middle(map(cost, valid(windows)))), "CPU, µs per call")
        each.set_xlabel(label)
        each.set_title({"k": "Keys", "b": "Size", "r": "History (with database server)"}[label[0]])
    axes[1].set_yscale("log")
    axes[1].set_ylim(bottom=10)
    legend(figure, axes)


PLOTS = (("cpu", ("cpu",), cpu, (10, 4.4)), ("latency", ("latency", "first"), latency, (10, 4.4)),
         ("streams", ("short_streams", "at_once"), streams, (12, 4.4)), ("growth", ("growth",), growth, (12, 4.4)))


def draw(result, folder):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot

    about = result["about"]
    note = f"{about['date']}, commit {about['commit']}, {about['cores']} × {about['cpu']}" + \
        ", QUICK RUN" * (about["kind"] == "quick")
    with pyplot.rc_context(STYLE):
        for name, needs, plot, size in PLOTS:
            if not all(need in result for need in needs):
                continue
            figure = pyplot.figure(figsize=size)
            plot(figure, result)
            figure.text(0.995, 0.985, note, ha="right", va="top", fontsize=7, color="#777777")
            figure.tight_layout(rect=(0, 0.07, 1, 0.97))
            figure.savefig(folder / f"bench-{name}.svg", metadata={"Date": None})
            pyplot.close(figure)
