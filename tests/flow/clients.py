# SPDX-License-Identifier: Apache-2.0
"""Runs programs of other people's clients against a stage: the guide's, taken out of tests/clients/guide.md, and ours beside
it, which take a task's name and print JSON.

What must stay true: what could not be installed is skipped with the reason, never passed over; nothing is installed here
(make does that once); a program has a deadline and reaches nothing but this host.
"""
import functools
import json
import os
import re
import shutil
import subprocess

import pytest

from stage import BUILD, ROOT, SLOW, Stage

TOKEN = "q1q2q3q4"  # the guide's
MODEL = "gemini-1.5-flash"
PROGRAMS = ROOT / "tests/clients"
TOOLS = (ROOT / os.environ["VENV"]).parent if "VENV" in os.environ else ROOT / "build"  # where make has installed them
SECONDS = 180  # a heavy SDK's import alone has taken 40 on a loaded machine


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("clients"), tokens=[TOKEN], env={"AUTH_TOKEN": TOKEN}) as stage:
        yield stage


# ----------------------------------------------------------------------------------------------------- what is installed

def installed(folder):
    """A folder that make has filled, or skips with what the installation said last."""
    path = TOOLS / folder
    if not (path / ".ready").exists():
        log = path / "install.log"
        said = (log.read_text(errors="replace").strip() or "nothing").splitlines()[-1] if log.exists() else \
            f"not tried: make {(path / '.ready').relative_to(ROOT)}"
        pytest.skip(f"{folder} could not be installed: {said}")
    return path


def command_of(name):
    path = shutil.which(name)
    if not path:
        pytest.skip(f"there is no {name} here")
    return path


@pytest.fixture(scope="module")
def python():
    """A Python with the newest SDKs."""
    return [installed("venv") / "bin/python"]


@pytest.fixture(scope="module")
def old_python():
    """A Python with the last LangChain that has the guide's import paths."""
    return [installed("venv-langchain") / "bin/python"]


@pytest.fixture(scope="module")
def node():
    installed("node")
    return [command_of("node")]


@pytest.fixture(scope="module")
def php():
    return [command_of("php")]


# ------------------------------------------------------------------------------------------------------------- the guide

@functools.cache
def guide_parts():
    text = (PROGRAMS / "guide.md").read_text()
    return dict(re.findall(r"^## ([^\n]+)\n\n```\w+\n(.*?)^```$", text, re.M | re.S))


def guide(stage, title, token=TOKEN):
    """The guide's program of this title, with this stage's port and a token."""
    return guide_parts()[title].replace("localhost:8000", f"127.0.0.1:{stage.port}").replace(TOKEN, token)


# --------------------------------------------------------------------------------------------------------- running them

def environment(stage, **more):
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return env | {"GATEWAY": f"http://127.0.0.1:{stage.port}", "SIMULATOR": f"http://127.0.0.1:{stage.sim.port}",
                  "TOKEN": TOKEN, "MODEL": MODEL, "PATIENCE": str(30 * SLOW), "NODE_PATH": str(TOOLS / "node/node_modules"),
                  "LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false", "PYTHONDONTWRITEBYTECODE": "1",
                  "PYTHONUNBUFFERED": "1"} | more


def run(stage, command, text=None, **more):
    """Runs a command; `text` is its standard input, `more` goes into its environment. Returns what it printed."""
    done = subprocess.run([str(word) for word in command], input=text or "", capture_output=True, text=True,
                          timeout=SECONDS * SLOW, env=environment(stage, **more), cwd=stage.state)
    assert done.returncode == 0, f"{done.stderr[-6000:]}\n{done.stdout[-2000:]}"
    return done.stdout


def ask(stage, command, program, task, **more):
    """Runs a task of a program in tests/clients and returns the JSON that it printed last. PROMPT=… and the like reach it
    by the environment."""
    out = run(stage, [*command, PROGRAMS / program, task], **{key: str(value) for key, value in more.items()})
    return json.loads(out.splitlines()[-1])


def wait_cancelled(stage, before):
    """Until the simulator has seen one more call broken off, and has none open."""
    def is_cancelled():
        counts = stage.sim.counts()
        return counts["cancelled"] > before and counts["open"] == 0
    stage.wait("the upstream request is cancelled", is_cancelled, 30)
