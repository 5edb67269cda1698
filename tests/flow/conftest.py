# SPDX-License-Identifier: Apache-2.0
"""What pytest must know: the markers, and that a failing test shows the last log lines of all processes.

    python3 -m pytest tests/flow [-m short]        BUILD_DIR=build/asan for the sanitized tree
"""
import pytest

from stage import BUILD, Stage


def pytest_configure(config):
    config.addinivalue_line("markers", "short: quick and basic, part of make check")
    config.addinivalue_line("markers", "slow: takes many seconds")
    config.addinivalue_line("markers", "alone: measures time or load: while no other test runs")
    config.addinivalue_line("markers", "release_only: not with sanitizers: too heavy, measures memory, "
                            "or asks our code what others ask it, by a client that itself takes long")


def pytest_sessionstart(session):
    missing = [name for name in ("frontend", "balancer", "upstream", "recorder", "gemini-simulator")
               if not (BUILD / "bin" / name).exists()]
    if missing and not session.config.option.collectonly:
        pytest.exit(f"not built in {BUILD}: {', '.join(missing)}", returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for stage in Stage.live:
            stage.has_failed = True
            report.sections.append(("processes", stage.tails()))


@pytest.fixture
def stage_of(tmp_path):
    """Stages made on demand: stage_of(keys=["key-minute-1"]). They end with the test."""
    made = []

    def make(**rest):
        stage = Stage(tmp_path / str(len(made)), **rest)
        made.append(stage)
        return stage.__enter__()
    yield make
    for stage in reversed(made):
        stage.close(failed=stage.has_failed)
