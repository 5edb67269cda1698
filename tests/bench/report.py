# SPDX-License-Identifier: Apache-2.0
"""The result as one Markdown document. A figure is the median of its valid windows, with the lowest and the highest.

What must stay true: a window that is not valid gives no figure, and its row says so.
"""
import statistics

from scene import STRAIGHT, TRANSLATED, NGINX

RECORDING = ("recorder", "store", "query")
DATABASE = "mariadbd"
FAILURES = ("not_connected", "refused", "cut", "out_of_order", "too_short", "unfinished")


lines = []


def say(*more):
    lines.extend(more)


def row(*cells):
    say("| " + " | ".join(map(str, cells)) + " |")


def header(title, *cells):
    say("", f"### {title}", "")
    row(*cells)
    row(*["---"] * len(cells))


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.1f}"


def spread(values):
    """Median (lowest–highest), or a dash."""
    values = list(values)
    if not values:
        return "–"
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))}–{number(max(values))})"


def valid(windows):
    return [window for window in windows if window["is_valid"]]


def serving(window):
    return sum(us for name, us in window["cpu"].items() if name not in (*RECORDING, DATABASE))


def recording(window):
    return sum(us for name, us in window["cpu"].items() if name in RECORDING)


def complaint(windows, what):
    """Of what was not as it should be: "1 of 4 windows INVALID: …"."""
    bad = [window for window in windows if not window["is_valid"]]
    return f"{len(bad)} of {len(windows)} windows INVALID: " + "; ".join(map(what, bad)) if bad else ""


def failed_calls(window):
    return f"{window['failed']} of {window['requests']} calls failed"


def failed_streams(window):
    return ", ".join(f"{window[name]} {name.replace('_', ' ')}" for name in FAILURES if window[name]) or "no stream at all"


def split(windows):
    names = windows[0]["cpu"] if windows else {}
    return ", ".join(f"{name} {statistics.median(window['cpu'][name] for window in windows):.1f}"
                     for name in names if name != DATABASE) or "–"


# ---------------------------------------------------------------------------------------------------------------- calls

def cpu(result):
    header("CPU, µs per call", "connections", "target", "serving", "recording", "database server", "by process", "calls/s",
           "not valid")
    for connections, targets in result["cpu"].items():
        for name, windows in targets.items():
            good = valid(windows)
            ours = [window for window in good if "recorder" in window["cpu"]]
            row(connections, name, spread(serving(window) for window in good if window["cpu"]),
                spread(map(recording, ours)), spread(window["cpu"][DATABASE] for window in ours), split(good),
                spread(window["requests"] / window["us"] * 1e6 for window in good), complaint(windows, failed_calls))
    missing(result, 1, 5)


def missing(result, before, after):
    """The peers that are not there, with so many empty cells around."""
    for name, why in result["missing"].items():
        row(*[""] * before, name, f"not installable here: {why}", *[""] * after)


def added(windows, straight, name):
    """To what the same turn's window straight to the simulator shows."""
    return [window[name] - floor[name] for window, floor in zip(windows, straight)
            if window["is_valid"] and floor["is_valid"]]


def latency(result):
    header("Latency at one connection, µs", "target", "p50", "p99", "added p50", "added p99", "not valid")
    straight = result["latency"][STRAIGHT]
    for name, windows in result["latency"].items():
        own = [spread(window[each] for window in valid(windows)) for each in ("p50_us", "p99_us")]
        more = ["–", "–"] if name == STRAIGHT else [spread(added(windows, straight, each)) for each in ("p50_us", "p99_us")]
        row(name, *own, *more, complaint(windows, failed_calls))
    missing(result, 0, 4)


# -------------------------------------------------------------------------------------------------------------- streams

FIRST = ("first_p50_us", "first_p99_us", "gap_p50_us", "gap_p99_us")


def first(result):
    header("Time to the first token, and gaps of a stream of 64 events 20 ms apart, µs", "target", "first p50", "first p99",
           "gap p50", "gap p99", "added first p50", "added first p99", "added gap p50", "added gap p99", "not valid")
    straight = result["first"][STRAIGHT]
    for name, windows in result["first"].items():
        own = [spread(window[each] for window in valid(windows)) for each in FIRST]
        more = ["–"] * 4 if name == STRAIGHT else [spread(added(windows, straight, each)) for each in FIRST]
        row(name, *own, *more, complaint(windows, failed_streams))
    missing(result, 0, 8)


def events_each(window):
    return window["events"] / window["streams"]


def short_streams(result):
    header("Streams of 50 events 20 ms apart, 256 connections: CPU, µs", "target", "per stream", "per event",
           "recording, per stream", "ratio to nginx", "by process, per event", "streams/s", "late", "not valid")
    found = result["short_streams"]
    floor = [serving(window) for window in valid(found.get(NGINX, []))]
    for name, windows in found.items():
        good = [window for window in valid(windows) if window["cpu"]]
        each = [serving(window) for window in good]
        ratio = f"{statistics.median(each) / statistics.median(floor):.2f}" if each and floor else "–"
        row(name, spread(serving(window) * events_each(window) for window in good), spread(each),
            spread(recording(window) * events_each(window) for window in good if "recorder" in window["cpu"]), ratio,
            split(good), spread(window["streams"] / window["us"] * 1e6 for window in valid(windows)),
            sum(window["late"] for window in windows), complaint(windows, failed_streams))
    missing(result, 0, 7)


def kib_per_stream(window):
    return (sum(window["pss"].values()) - sum(window["bare_pss"].values())) * 1024 / window["open"]


def load_core(window):
    """How full the core of client and simulator was, at least, in percent."""
    return (window["client_us"] + window["simulator_us"]) * window["events"] / window["us"] * 100


def whole(windows):
    streams, intact = sum(window["streams"] for window in windows), sum(window["whole"] for window in windows)
    return f"{intact:,} of {streams:,}"


def at_once(result):
    header("Streams at once: 50 events each", "streams", "pace ms", "target", "most at once", "whole and in order",
           "with a gap over ten paces", "longest gap ms", "first p50 ms", "CPU µs per event", "recording, database",
           "KiB per stream", "client + simulator, % of their core", "not valid")
    for count, targets in result["at_once"].items():
        for name, windows in targets.items():
            good = valid(windows)
            ours = [window for window in good if "recorder" in window["cpu"]]
            row(count, windows[0]["pace_ms"], name,
                spread(window["open"] or 0 for window in windows), whole(windows), sum(window["late"] for window in windows),
                spread(window["gap_max_us"] / 1000 for window in windows),
                spread(window["first_p50_us"] / 1000 for window in good),
                spread(serving(window) for window in good if window["cpu"]),
                spread(recording(window) + window["cpu"][DATABASE] for window in ours),
                spread(kib_per_stream(window) for window in good if window["pss"] and window["open"]),
                spread(map(load_core, windows)), complaint(windows, failed_streams))


# ---------------------------------------------------------------------------------------------------- memory and growth

def memory(result):
    header("Memory (PSS, MiB; without the database server)", "when", "total", "by process")
    for when, each in result["memory"].items():
        row(when, f"{sum(each.values()):.1f}", ", ".join(f"{name} {mib:.1f}" for name, mib in each.items()))


def growth_row(what, value, name, windows):
    good = valid(windows)
    ours = [window for window in good if "recorder" in window["cpu"]]
    row(what, value, name, spread(serving(window) for window in good if window["cpu"]), spread(map(recording, ours)),
        spread(window["cpu"][DATABASE] for window in ours), split(good), spread(window["p50_us"] for window in good),
        spread(sum(window["pss"].values()) for window in good if window["pss"]), complaint(windows, failed_calls))


def upload_row(found):
    mib = {name: f"{name} {peak - before:.1f}" for name, (before, peak) in found["mib"].items()}
    say("", f"An upload of {found['bytes'] >> 20} MiB, {found['seconds']:.1f} s: MiB that each process held more at most: "
        f"{', '.join(mib.values())}.")


def growth(result):
    header("Growth: CPU, µs per call", "of", "", "target", "serving", "recording", "database server", "by process", "p50 µs",
           "memory MiB", "not valid")
    found = result["growth"]
    for count, windows in found["keys"].items():
        growth_row("keys", f"{int(count):,}", TRANSLATED, windows)
    for size, targets in found["bodies"].items():
        for name, windows in targets.items():
            growth_row("bytes of the request", f"{int(size):,}", name, windows)
    for kind, windows in found["kinds"].items():
        growth_row("call", kind, TRANSLATED, windows)
    for rows, windows in found["history"]["windows"].items():
        growth_row("rows of history", f"{int(rows):,}", TRANSLATED, windows)
    upload_row(found["upload"])
    say("", "Keys, kinds of calls and history: 16 connections; bodies: 4.")


def questions(result):
    found = result["questions"]
    header(f"What pages ask: ms until the answer is there, {found['rows']:,} attempts in a month", "question", "median (lowest–highest)",
           "the first time, nothing in the server's memory")
    for name, times in found["questions"].items():
        row(name, spread(times["ms"]), number(times["first_ms"]))


def text(result):
    lines.clear()
    about = result["about"]
    warning = "**A quick run: it shows that the tool works, its figures are not to be quoted.** " * (about["kind"] == "quick")
    say(f"{warning}{about['date']}, commit {about['commit']}, {about['cores']} × {about['cpu']}, Linux {about['kernel']}, load "
        f"{about['load_before']:.1f} before it began, {about.get('minutes', '?')} minutes")
    for name, part in (("memory", memory), ("cpu", cpu), ("latency", latency), ("first", first),
                       ("short_streams", short_streams), ("at_once", at_once), ("growth", growth),
                       ("questions", questions)):
        if name in result:
            part(result)
    for name, why in result["broken"].items():
        say("", f"**The part `{name}` broke:** {why}")
    return "\n".join(lines) + "\n"


BEGIN, END = "<!-- the newest run -->\n", "<!-- end of the newest run -->\n"


def put(made, path):
    """Between two comments of a document."""
    before, rest = path.read_text().split(BEGIN)
    path.write_text(before + BEGIN + "\n" + made + "\n" + END + rest.split(END)[1])
