# SPDX-License-Identifier: Apache-2.0
"""Clients of several languages and makers, one program and one run each: Google's SDK for Go, Vercel's AI SDK, LiteLLM as a client,
and Gemini's command line, which calls a tool of its own."""
import json
import subprocess

import pytest

from clients import TOKEN, ask, command_of, environment, installed, python, run  # noqa: F401
from stage import SLOW, Stage, scripted

pytestmark = pytest.mark.release_only
NUMBERED = scripted(chunks=5, numbered=True)
CALLS = scripted(calls=2)
SAID = ["You said: hello", "stop", True]
STREAMED = ["[0][1][2][3][4]", "stop", True]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("others"), tokens=[TOKEN], database=False) as stage:
        yield stage


def test_googles_sdk_for_go(stage):
    program = installed("go") / "genai_sdk"
    out = run(stage, [program], PROMPT="hello", CALLS=CALLS, BROKEN=scripted(chunks=20, cut_after_events=5))
    found = json.loads(out.splitlines()[-1])
    text, finish, tokens, names = found.pop("generate")
    assert (text, finish) == ("You said: hello", "STOP") and tokens > 0 and "models/gemini-2.5-flash" in names
    assert found == {
        "stream": ["You said: hello", "STOP"], "broken": [True, True], "chat": ["You said: first", "You said: second", found["chat"][2]],
        "tools": [2, "weather", True, True], "files": [10_000_000, True, True, True, True],
        "objects": [True, True, True, True, "JOB_STATE_SUCCEEDED"], "counts": [2, 3072, True], "images": ["image/png", True],
        "interact": ["completed", True, 3, True],
        "raised": [[401, "UNAUTHENTICATED"], [404, "NOT_FOUND"], [400, "INVALID_ARGUMENT"]]}


def test_vercels_ai_sdk(stage):
    installed("node")
    found = ask(stage, [command_of("node")], "vercel_ai.js", "all", NUMBERED=NUMBERED, CALLS=CALLS)
    assert found.pop("media") == [["image/png", "image/png"], "audio/mpeg", True]
    assert found.pop("raised") == [["AI_APICallError", 404, False]] * 2
    assert sorted(found) == ["compatible", "google", "openai"]
    for by, said in found.items():
        assert said.pop("shaped").keys() == {"name", "sizes", "kind"}
        assert said == {"said": SAID, "streamed": STREAMED, "called": [2, 2, True], "embedded": [2, 3072]}, by


def test_litellm_as_a_client(stage, python):
    found = ask(stage, python, "litellm_sdk.py", "all", NUMBERED=NUMBERED, CALLS=CALLS)
    assert found.pop("media") == [2, 3072, 1, True, True] and found.pop("raised") == ["NotFoundError", 404]
    assert found.pop("bare") == SAID
    for by in ("openai", "google"):
        assert found[by] == {"said": SAID, "streamed": STREAMED, "called": [["weather", "weather"], True], "shaped": ["name"]}, by


def test_geminis_command_line_lists_a_folder(stage, tmp_path):
    """It asks, calls its tool, sends the result with the signature of the call, and tells the answer."""
    program = installed("node") / "node_modules/.bin/gemini"
    home, folder = tmp_path / "home", tmp_path / "folder"
    (home / ".gemini").mkdir(parents=True)
    folder.mkdir()
    (folder / "a-file.txt").write_text("x")
    (home / ".gemini/settings.json").write_text(json.dumps({
        "privacy": {"usageStatisticsEnabled": False}, "telemetry": {"enabled": False}, "general": {"disableAutoUpdate": True},
        "security": {"auth": {"selectedType": "gemini-api-key"}}}))
    prompt = scripted(calls=[{"name": "list_directory", "args": {"dir_path": "."}}])
    env = environment(stage, HOME=str(home), GEMINI_API_KEY=TOKEN, GOOGLE_GEMINI_BASE_URL=f"http://127.0.0.1:{stage.port}",
                      GEMINI_CLI_TRUST_WORKSPACE="true", GEMINI_CLI_NO_RELAUNCH="true")
    before = stage.sim.total()
    done = subprocess.run([command_of("node"), str(program), "-m", "gemini-3.5-flash", "-p", prompt, "--output-format", "json"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * SLOW, env=env, cwd=folder)
    assert done.returncode == 0, done.stderr[-4000:]
    said = json.loads(done.stdout)
    assert "a-file.txt" in said["response"] and said["stats"]["tools"]["totalSuccess"] == 1
    requests = stage.sim.requests(stage.sim.total() - before)
    assert len(requests) == 2 and all(request["path"].endswith(":streamGenerateContent") for request in requests)
