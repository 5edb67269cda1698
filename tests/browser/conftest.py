# SPDX-License-Identifier: Apache-2.0
"""One browser for all tests; a page that fails by itself, or that breaks its own policy, fails the test that it happened in."""
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("BUILD_DIR", "build")).resolve()
sys.path.append(str(ROOT / "tests/flow"))
for _site in BUILD.glob("venv-browser/lib/python3*/site-packages"):
    sys.path.append(str(_site))

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
# What the browser says of an answer that a test has asked for.
HARMLESS = ("Failed to load resource",)


def until(page, expression, arg=None, seconds=15):
    """Asks again and again from outside: inside the page its policy forbids to make code of a text."""
    end = time.monotonic() + seconds
    while not page.evaluate(f"arg => Boolean({expression})", arg):
        assert time.monotonic() < end, f"never: {expression} at {page.url}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("there is no chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def stand_in():
    """scene → its server; started once."""
    from stand_in import StandIn
    started = {}
    yield lambda scene="normal": started.setdefault(scene, None) or started.update({scene: StandIn(scene)}) or started[scene]
    for one in started.values():
        one.close()


@pytest.fixture
def open_page(browser):
    """(url, width, theme, language, logged in) → a page that is watched."""
    contexts, complaints = [], []

    def open_one(url, width=1440, height=900, theme="light", language="en", is_in=True):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, locale={"en": "en-US", "zh": "zh-CN"}[language],
                                      timezone_id="UTC")
        contexts.append(context)
        if is_in:
            context.add_cookies([{"name": "session", "value": "yes", "url": url}])
        page = context.new_page()
        page.set_default_timeout(15000)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda line: complaints.append(f"{page.url}: {line.text}") if line.type == "error" and not line.text.startswith(HARMLESS) else None)
        page.on("request", lambda request: None if request.url.startswith((url, "data:")) else complaints.append(f"asks {request.url}"))
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)
