# SPDX-License-Identifier: Apache-2.0
"""docs/openapi.yaml, which says what OpenAI's routes take and answer: the program does so, asked by schemathesis with thousands of
requests that fit the file and that just don't, always the same; and the file names what our own tables name."""
import re
import subprocess

import pytest
import yaml

from clients import PROGRAMS, environment, installed
from stage import ROOT, SLOW, TOKEN, Stage

FILE = ROOT / "docs/openapi.yaml"
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
          "response_headers_conformance", "ignored_auth", "events_fit", "errors_speak_openai")
# What Google answers itself, and what differs from another route by its path alone.
OTHERS = r"^/openai/(v1/|deployments/.*(completions|/images/|/audio/))"
# Of what comes through, so that not all requests are refused for one and the same reason.
LEAST = {"generateContent": 300, "streamGenerateContent": 100, "embedContent": 50, "batchEmbedContents": 20, "predict": 5}


@pytest.mark.release_only
def test_the_program_does_what_the_file_says(tmp_path):
    venv = installed("venv-openapi")
    (tmp_path / "schemathesis.toml").write_text("max-stream-events = 100000\n")
    with Stage(tmp_path, database=False) as stage:
        command = [venv / "bin/schemathesis", "--config-file", tmp_path / "schemathesis.toml", "--no-color", "run", FILE, "--url",
                   f"http://127.0.0.1:{stage.port}", "-H", f"Authorization: Bearer {TOKEN}", "--seed", "1", "-n", "12", "--phases",
                   "examples,coverage,fuzzing", "--generation-database", "none", "-c", ",".join(CHECKS), "--exclude-path-regex", OTHERS,
                   "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=240 * SLOW, cwd=tmp_path,
                              env=environment(stage, SCHEMATHESIS_HOOKS="openapi_checks", PYTHONPATH=str(PROGRAMS)))
        assert done.returncode == 0, (done.stdout + done.stderr)[-20000:]
        came = stage.sim.counts()["by_operation"]
        assert all(came[name] >= least for name, least in LEAST.items()), str(came)


def paths_of(lines):
    """The routes of OpenAI's language among those of routes.def, spelled as the file spells them, which names another pool's
    prefix once, as a server."""
    routes = re.findall(r'^ROUTE\("([A-Z, ]+)", "([^"]+)", OPENAI,', lines, re.M)
    return {(method.lower(), path.replace("*", "{path}").removeprefix("/vertex-express")) for methods, path in routes for method in methods.split(", ")}


def test_the_file_names_every_route_parameter_and_code():
    file = yaml.safe_load(FILE.read_text())
    named = {(method, path) for path, item in file["paths"].items() for method in item if method != "parameters"}
    assert named == paths_of((ROOT / "frontend/http/routes.def").read_text())
    assert len(named) == 23
    schemas = file["components"]["schemas"]
    fields = re.findall(r"FIELD\((\w+), [A-Z]+\)", (ROOT / "frontend/openai/chat/request_private.h").read_text())
    assert set(fields) == set(schemas["ChatRequest"]["properties"]) and len(fields) > 30
    errors = re.findall(r'^ERROR\(\w+, *(\d+), *\w+, *"(\w*)", *(?:"(\w+)"|NULL)', (ROOT / "proto/errors.def").read_text(), re.M)
    told = schemas["Error"]["properties"]["error"]["properties"]
    assert {code for _, _, code in errors if code} == set(told["code"]["enum"]) - {None} and len(errors) > 40
    assert {kind for _, kind, _ in errors if kind} <= set(told["type"]["enum"])
