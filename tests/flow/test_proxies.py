# SPDX-License-Identifier: Apache-2.0
"""PROXIES, with real ones: the way is the key's own over restarts, what a proxy does wrong costs no key, and neither the
provider's key nor a proxy's password is seen where it does not belong."""
import subprocess

import pytest

from authority import Authority
from proxies import PASSWORDS, USER, Proxy, Tunnels, free_port
from stage import BUILD, MODEL, SLOW

KEYS = [f"key-ok-{i}" for i in range(12)]
LEAKS = (USER, *PASSWORDS.values(), "word%405EC")


@pytest.fixture
def proxy_of(tmp_path):
    made = []

    def make(*args, **rest):
        made.append(Proxy(tmp_path, *args, **rest))
        return made[-1]
    yield make
    for proxy in made:
        proxy.stop()


@pytest.fixture
def behind(stage_of, tmp_path):
    """A stage whose provider is reached through these proxies; over TLS, if so said."""
    def make(*urls, keys=KEYS, tls=False, **env):
        settings = {"PROXIES": "[" + ",".join(f'"{url}"' for url in urls) + "]", "LOG_LEVEL": "TRACE"} | env
        if not tls:
            return stage_of(keys=keys, admin=False, env=settings)
        authority = Authority(tmp_path / "authority")
        settings["CA_BUNDLE"] = str(authority.bundle)
        return stage_of(keys=keys, admin=False, env=settings, simulator=authority.server_args(), tls=authority.context)
    return make


def content(answer):
    assert answer.status == 200, answer.text
    return answer.json["choices"][0]["message"]["content"]


def expect_no_leak(stage, *answers):
    for name, log in stage.logs.items():
        text = "\n".join(line["line"] for line in log.read())
        for secret in LEAKS:
            assert secret not in text, (name, secret)
    for answer in answers:
        for secret in LEAKS:
            assert secret.encode() not in answer.body


@pytest.mark.parametrize("password", (False, True), ids=("open", "password"))
@pytest.mark.parametrize("kind, scheme", (("http", None), ("socks5", None), ("socks5", "socks5h")))
@pytest.mark.parametrize("tls", (False, True), ids=("http", "https"))
def test_calls_go_out_by_a_real_proxy(behind, proxy_of, kind, scheme, password, tls):
    proxy = proxy_of(kind, password=password)
    stage = behind(proxy.url(scheme=scheme), tls=tls)
    assert content(stage.chat("hello")) == "You said: hello"
    stream = stage.chat_stream("hello")
    assert stream.is_whole and stream.text == "You said: hello"
    assert content(stage.chat("x" * 200_000)).startswith("You said: x")
    stage.wait_accounted()
    for request in stage.sim.requests():
        headers = str(request["headers"]).lower()
        assert "proxy-authorization" not in headers
        assert (kind == "http" and not tls) == ("tinyproxy" in headers), headers
    proxy.stop()  # there is no other way
    answer = stage.chat("hello")
    assert answer.status == 502 and answer.json["error"]["code"] == "proxy_failed", answer.text
    assert "Connection refused" in answer.json["error"]["message"]
    expect_no_leak(stage, answer)


def ways(stage, calls):
    """Which key went by which proxy, as the provider saw it in Via."""
    found = {}
    for i in range(calls):
        assert content(stage.chat(f"call {i}")) == f"You said: call {i}"
    for request in stage.sim.requests():
        headers = {name.lower(): value for name, value in dict(request["headers"]).items()}
        found.setdefault(request["key"], set()).add(headers["via"].split()[1])
    stage.sim.reset()
    return found


def test_a_key_always_goes_by_the_same_proxy(behind, proxy_of):
    proxies = [proxy_of("http", name) for name in ("one", "two", "three")]
    stage = behind(*(proxy.url() for proxy in proxies))
    before = ways(stage, 4 * len(KEYS))
    assert set(before) == set(KEYS) and all(len(way) == 1 for way in before.values()), before
    assert len(set.union(*before.values())) > 1, "all keys by one proxy"
    for name in ("balancer", "upstream"):
        stage.restart(name)
    stage.wait_ready()
    assert ways(stage, 2 * len(KEYS)) == before
    gone = sorted(set.union(*before.values()))[0]
    stage.settings["PROXIES"] = ",".join(proxy.url() for proxy in reversed(proxies) if proxy.name != gone)
    stage.restart("balancer")
    stage.wait_ready()
    after = ways(stage, 2 * len(KEYS))
    for key, way in before.items():
        assert after[key] == way or way == {gone}, (key, way, after[key])


def test_without_consistent_hashing_any_proxy_is_used(behind, proxy_of):
    proxies = [proxy_of("http", name) for name in ("one", "two")]
    stage = behind(*(proxy.url() for proxy in proxies), keys=["key-ok-1"], PROXIES_USE_CONSISTENCY_HASH_BY_API_KEY="false")
    assert ways(stage, 6) == {"key-ok-1": {"one", "two"}}


def users(stage, tunnels, calls):
    """Which users' ways each key went, call by call: that of the tunnel in which bytes moved, or of the request passed on."""
    found = {}
    for i in range(calls):
        before, heads = [list(tunnel) for tunnel in tunnels.opened], len(tunnels.heads)
        assert content(stage.chat(f"call {i}")) == f"You said: call {i}"
        moved = [tunnel[0] for k, tunnel in enumerate(tunnels.opened) if k >= len(before) or tunnel != before[k]]
        moved += [user for user, _ in tunnels.heads[heads:]]
        assert len(moved) == 1, (moved, before, tunnels.opened)
        found.setdefault(stage.sim.last()["key"], set()).update(moved)
    return found


@pytest.mark.parametrize("kind, tls, http2", (("http", True, "false"), ("http", True, "true"), ("http", False, "false"),
                                             ("socks5", False, "false"), ("socks5", True, "false")),
                         ids=("connect", "connect-http2", "passed-on", "socks5", "socks5-tls"))
def test_a_tunnel_is_used_by_keys_of_its_own_user_only(behind, kind, tls, http2):
    """Two ways by one proxy, which differ by the user's name alone: a connection that stays open for the one is none for the
    other."""
    names = ("anna", "bert")
    tunnels = Tunnels(kind)
    try:
        stage = behind(*(tunnels.url(name) for name in names), tls=tls, UPSTREAM_HTTP2=http2)
        found = users(stage, tunnels, 4 * len(KEYS))
        assert set(found) == set(KEYS) and all(len(way) == 1 for way in found.values()), found
        assert set.union(*found.values()) == set(names), "both ways are used"
        if tunnels.heads:
            assert len(tunnels.heads) == 4 * len(KEYS)
        else:
            assert sorted(user for user, _ in tunnels.opened) == list(names), "one tunnel each, which stayed open"
    finally:
        tunnels.stop()


@pytest.mark.parametrize("by_key", ("true", "false"))
def test_a_proxy_that_is_down_costs_calls_nothing_while_there_is_another(behind, proxy_of, by_key):
    good = proxy_of("http", "good")
    stage = behind(f"http://{USER}:{PASSWORDS['http']}@127.0.0.1:{free_port()}", good.url(), PROXIES_USE_CONSISTENCY_HASH_BY_API_KEY=by_key)
    answers = [stage.chat(f"call {i}") for i in range(24)]
    assert [content(answer) for answer in answers] == [f"You said: call {i}" for i in range(24)]
    rests = stage.log("balancer", "proxy.cooling_down")
    assert rests and {line["number"] for line in rests} == {"1"}
    assert not stage.log("balancer", "key.cooling_down")
    rows = stage.wait_rows(24 + sum(1 for line in stage.log("upstream", "attempt.failed")))
    # The good proxy closes kept connections as it likes: an attempt on one that is about to go is a reset, and the call goes on.
    assert {row["fault"] for row in rows} - {"reset"} == {"none", "proxy"}
    expect_no_leak(stage, *answers)


def test_a_password_that_is_wrong_is_the_proxys_affair_and_said_so(behind, proxy_of):
    for kind, tls in (("http", False), ("http", True), ("socks5", False)):
        proxy = proxy_of(kind, password=True)
        stage = behind(proxy.url(password="wrong-5EC12E7"), tls=tls)
        answer = stage.chat("hello")
        assert answer.status == 502 and answer.json["error"]["code"] == "proxy_failed", answer.text
        assert "user name and password" in answer.json["error"]["message"], answer.text
        assert str(proxy.port) not in answer.text, "where the proxy is, is no client's business"
        assert stage.wait_log("upstream", "attempt.failed", proxy=f"127.0.0.1:{proxy.port}")
        assert not stage.log("balancer", "key.cooling_down") and stage.sim.total() == 0
        native = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"parts": [{"text": "x"}]}]})
        assert native.status == 502 and "user name and password" in native.json["error"]["message"]
        expect_no_leak(stage, answer, native)
        stage.close()


def test_a_provider_that_the_proxy_cannot_reach(behind, proxy_of):
    for kind, base in (("http", "https"), ("socks5", "http")):
        proxy = proxy_of(kind)
        stage = behind(proxy.url(), BASE_URL=f"{base}://127.0.0.1:{free_port()}/v1beta")
        answer = stage.chat("hello")
        assert answer.status == 502 and "cannot reach the provider" in answer.json["error"]["message"], answer.text
        stage.close()


@pytest.mark.parametrize("url, words", (
    ("ftp://127.0.0.1:1", "should begin with"), ("127.0.0.1:8080", "should begin with"), ("http://127.0.0.1", "should have a port"),
    (f"http://{USER}:pass/word@127.0.0.1:1", "%2F"), ("socks5://[::1:80", "bracket"), ("http://127.0.0.1:99999", "65535")))
def test_a_wrong_proxy_stops_the_start_without_its_password(tmp_path, url, words):
    env = {"PROXIES": f"http://127.0.0.1:1,{url}", "STATE_DIR": str(tmp_path)}
    for name in ("balancer", "upstream", "frontend", "recorder"):
        done = subprocess.run([BUILD / "bin" / name], env=env, cwd=tmp_path, capture_output=True, timeout=20 * SLOW, text=True)
        assert done.returncode == 2 and words in done.stderr and "number 2" in done.stderr, done.stderr
        assert USER not in done.stderr and "pass" not in done.stderr.replace("password", "")
