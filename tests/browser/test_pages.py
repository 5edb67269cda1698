# SPDX-License-Identifier: Apache-2.0
"""Every page, in every theme, language and width: no script error, nothing against its policy, no sideways scroll, nothing that axe
finds. What a client names is shown as text, wherever it comes."""
import re
from pathlib import Path

import pytest

from conftest import until

PAGES = ("overview", "keys", "models", "calls", "errors", "clients", "logs", "settings", "audit")
WIDTHS = (1440, 1024, 768, 390, 320)
SOURCES = Path(__file__).resolve().parents[2] / "admin/pages"
SETTLED = "!document.querySelector('.wait,[aria-busy=true]') && document.querySelector('h1:not(.sr)')"


def go(page, name):
    page.evaluate("name => { location.hash = '#/' + name }", name)
    until(page, f"document.querySelector('main .head')?.textContent && document.body.dataset.page === arg && {SETTLED}", name.split("?")[0])


def is_sideways(page):
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def axe(page, part=None):
    from axe_playwright_python.sync_playwright import Axe
    # What a new width or an event has begun to draw anew is drawn two frames later.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    until(page, SETTLED)
    found = Axe().run(page, context=part, options={"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).response["violations"]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]


@pytest.mark.parametrize("language", ("en", "zh"))
@pytest.mark.parametrize("theme", ("light", "dark"))
def test_every_page_at_every_width(open_page, stand_in, theme, language):
    page = open_page(stand_in().url, theme=theme, language=language)
    for name in PAGES:
        go(page, name)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            until(page, SETTLED)
            assert not is_sideways(page), (name, width)
        page.set_viewport_size({"width": 1440 if theme == "light" else 390, "height": 800})
        until(page, SETTLED)
        # Words change nothing that axe looks at, colours do.
        assert language == "zh" or not axe(page), name


@pytest.mark.parametrize("scene", ("fresh", "quiet", "storm", "database", "error"))
def test_scenes(open_page, stand_in, scene):
    page = open_page(stand_in(scene).url)
    for name in PAGES:
        page.evaluate("name => { location.hash = '#/' + name }", name)
        until(page, "!document.querySelector('.wait') && document.body.dataset.page === arg", name)
        if scene == "error" and name != "overview":
            page.get_by_text("This did not come").first.wait_for()
    assert not axe(page)
    page.set_viewport_size({"width": 320, "height": 700})
    assert not is_sideways(page)


def test_hostile_words_are_text(open_page, stand_in):
    page = open_page(stand_in("hostile").url, width=390)
    for name in PAGES:
        go(page, name)
        assert not page.locator("img").count(), name
        assert "\u202e" not in page.inner_text("body"), name
        assert not is_sideways(page), name
    go(page, "calls")
    page.locator(".list-row").first.click()
    page.locator(".hop").first.wait_for()
    assert not page.locator("img").count() and not is_sideways(page)


def test_what_opens_is_accessible(open_page, stand_in):
    page = open_page(stand_in().url)
    go(page, "keys?state=cooling")
    page.locator(".list-row").first.click()
    page.get_by_text("Quota by model").wait_for()
    assert not axe(page, ".panel")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("Actions of")).first.click()
    assert not axe(page, ".menu")
    page.keyboard.press("Escape")
    page.get_by_role("checkbox").nth(1).click()
    page.locator(".bar").wait_for()
    assert not axe(page, ".bar")
    page.get_by_role("button", name="Add keys").click()
    assert not axe(page, ".dialog")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    assert not axe(page, ".palette")


def test_words_are_complete():
    words = (SOURCES / "js/words.js").read_text()
    pairs = dict(re.findall(r'(\w+): (\["(?:[^"\\]|\\.)*", "(?:[^"\\]|\\.)*"\])', words))
    keys = re.findall(r'(?:^|[{,])\s*(\w+): \[', words, re.M)
    assert sorted(keys) == sorted(pairs), "a key without both languages, or twice"
    code = "\n".join(path.read_text() for path in SOURCES.glob("js/**/*.js") if path.name != "words.js")
    named = set(re.findall(r'"(\w+)"', code))
    families = set(re.findall(r'(?:say|sayCode|knows)\("(\w+?)_?"(?: \+|,)', code)) | {"fault"}
    unused = [key for key in pairs if key not in named and not any(key.startswith(family + "_") for family in families)]
    assert not unused
    missing = [key for key in re.findall(r'\bsay\("(\w+)"[,)]', code) if key not in pairs]
    assert not missing
    placeholders = [key for key, pair in pairs.items() if len({frozenset(re.findall(r"\{(\w+)\}", text)) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', pair)}) > 1 and "|" not in pair]
    assert not placeholders


def test_nothing_can_become_html():
    for path in SOURCES.glob("**/*"):
        if path.suffix in (".js", ".html"):
            assert not re.search(r'innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|style="', path.read_text()), path
