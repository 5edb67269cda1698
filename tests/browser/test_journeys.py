# SPDX-License-Identifier: Apache-2.0
"""What an administrator does, by keyboard alone and otherwise."""
import re

import pytest

from conftest import until
from stand_in import TOKEN, StandIn
from test_pages import go, is_sideways

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


def test_by_keyboard(open_page, stand_in):
    page = open_page(stand_in().url, is_in=False)
    page.get_by_label("Administrator's token").wait_for()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("This is not the token.").wait_for()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    page.get_by_text("All is well.").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("k")
    page.locator(".list-row").first.wait_for()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.locator(".panel")
    first = panel.get_attribute("aria-label")
    page.keyboard.press("j")
    until(page, "document.querySelector('.panel').getAttribute('aria-label') !== arg", first)
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    page.keyboard.press("x")
    page.locator(".bar").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("log out")
    page.keyboard.press("Enter")
    page.get_by_label("Administrator's token").wait_for()


def test_a_key_is_disabled_and_comes_back(open_page):
    server = StandIn()
    page = open_page(server.url)
    key = next(one for one in server.scene.keys if one["state"] == "ready" and not one["tail"].startswith("Q"))
    go(page, "keys?q=" + key["id"])
    page.locator(".list-row").first.click()
    page.locator(".panel").get_by_role("button", name="Disable").click()
    page.get_by_text("1 disabled").wait_for()
    assert key["state"] == "off"
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("1 enabled").wait_for()
    assert key["state"] == "ready"
    refused = next(one for one in server.scene.keys if one["state"] == "ready" and one["tail"].startswith("Q"))
    page.keyboard.press("Escape")
    go(page, "keys?q=" + refused["id"])
    page.locator(".list-row", has_text=refused["tail"]).click()
    page.locator(".panel").get_by_role("button", name="Disable").click()
    page.get_by_text("1 refused").wait_for()
    expect(page.locator(".list-row").first).to_contain_text("Ready")
    server.close()


def test_a_countdown_ends_without_a_reload(open_page):
    server = StandIn()
    page = open_page(server.url)
    key = next(one for one in server.scene.keys if one["state"] == "cooling")
    go(page, "keys?q=" + key["id"])
    expect(page.locator(".list-row").first).to_contain_text("Cooling")
    key |= {"state": "ready", "code": None, "until": None}
    server.scene.tell("keys", {"rows": [key]})
    expect(page.locator(".list-row").first).to_contain_text("Ready")
    server.close()


def test_ten_thousand_keys(open_page, stand_in):
    page = open_page(stand_in("large").url)
    go(page, "keys")
    body = page.locator(".list-body")
    for share in (0.1, 0.5, 0.9, 1):
        body.evaluate("(box, share) => { box.scrollTop = share * box.scrollHeight }", share)
        until(page, "document.querySelectorAll('.list-row [type=checkbox]').length > 5")
        assert page.locator(".list-row").count() < 60
    expect(page.locator(".list-row[aria-rowindex='10001']")).to_have_count(1)
    page.get_by_role("searchbox").fill("ab")
    until(page, "Number(document.querySelector('.list-body')?.getAttribute('aria-rowcount') ?? 10001) < 9000")
    page.get_by_label("Choose all that match").click()
    page.locator(".bar").get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    page.get_by_text(re.compile(r"\d+ disabled")).wait_for()


def test_settings_are_checked_as_a_whole(open_page):
    server = StandIn()
    page, other = open_page(server.url), open_page(server.url)
    for one in (page, other):
        go(one, "settings")
    page.get_by_label("TIME_OUT").fill("9999")
    page.get_by_label("TIME_OUT").press("Tab")
    page.get_by_label("MAX_RETRIES").fill("5")
    page.get_by_label("MAX_RETRIES").press("Tab")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("too large").wait_for()
    page.get_by_label("TIME_OUT").fill("60")
    page.get_by_label("TIME_OUT").press("Tab")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved; in every process").wait_for()
    other.get_by_label("MAX_RETRIES").fill("8")
    other.get_by_label("MAX_RETRIES").press("Tab")
    other.get_by_role("button", name="Save").click()
    other.get_by_text("Somebody else has saved").wait_for()
    other.get_by_role("button", name="Save mine").click()
    other.get_by_text("Saved; in every process").wait_for()
    values = {row["name"]: row.get("value") for row in server.scene.settings}
    assert (values["TIME_OUT"], values["MAX_RETRIES"]) == (60, 8)
    server.close()


def test_a_client_is_revoked_and_restored(open_page):
    server = StandIn()
    page = open_page(server.url)
    go(page, "clients")
    page.get_by_role("button", name="open-webui").click()
    page.get_by_role("button", name="Revoke").click()
    page.locator(".tag", has_text="revoked").wait_for()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("main .tag")).to_have_count(0)
    server.close()


def test_a_client_is_made_changed_and_rotated(open_page):
    server = StandIn()
    page = open_page(server.url)
    go(page, "clients")
    page.get_by_role("button", name="New client").click()
    page.get_by_label("Name").fill("lab")
    page.get_by_label("RPM").fill("5")
    page.get_by_role("button", name="Create").click()
    page.get_by_text("sk-gw-made-up").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    row = page.locator("main tr", has_text="lab")
    expect(row).to_contain_text("5 RPM")
    row.get_by_role("button").click()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("RPM").fill("")
    page.get_by_label("Cost a day").fill("2.5")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("$2.50 a day")
    row.get_by_role("button").click()
    page.locator(".panel").get_by_role("button", name="New token").click()
    page.get_by_role("dialog").get_by_role("button", name="New token").click()
    page.get_by_text("sk-gw-made-up").wait_for()
    assert server.scene.said[-1] == ("POST", "clients/m0/rotate", {"old_good_ms": 3600000})
    server.close()


def test_a_chart_is_walked_and_zoomed(open_page, stand_in):
    page = open_page(stand_in().url)
    chart = page.get_by_role("slider", name="Calls by result")
    chart.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("Answered [0-9,]+"))
    page.keyboard.press("Enter")
    until(page, "/from=\\d+&to=\\d+/.test(location.hash)")
    page.keyboard.press("2")
    until(page, "/range=24h/.test(location.hash)")


def test_without_the_chart_library(open_page, stand_in):
    """The own drawing stands in where the build had none."""
    url = stand_in().url
    page = open_page(url)
    page.route("**/vendor/uplot.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(url)
    page.locator(".plot svg text").first.wait_for()
    assert not is_sideways(page)


def test_a_session_that_ends_loses_nothing(open_page):
    server = StandIn()
    page = open_page(server.url)
    go(page, "settings")
    page.get_by_label("MAX_RETRIES").fill("9")
    page.get_by_label("MAX_RETRIES").press("Tab")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Your session has ended").wait_for()
    page.get_by_label("Administrator's token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("MAX_RETRIES")).to_have_value("9")
    server.close()
