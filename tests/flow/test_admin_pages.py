# SPDX-License-Identifier: Apache-2.0
"""The dashboard's files as a browser gets them: packed, lasting under one version, and nothing beside them."""
import gzip
import re

import pytest

from stage import Raw, Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("pages"), keys=["key-ok-1"], database=False, env={"AUTH_TOKEN": "a"}) as stage:
        stage.wait("admin is there", lambda: "balancers" in stage.status())
        yield stage


def get(stage, path, **headers):
    return stage.request("GET", path, None, {name.replace("_", "-"): value for name, value in headers.items()}, token=None)


@pytest.mark.short
def test_the_page_is_asked_for_each_time_and_its_files_never_again(stage):
    page = get(stage, "/")
    tag = page.headers["etag"]
    assert page.headers["cache-control"] == "no-cache" and page.headers["content-type"] == "text/html; charset=utf-8"
    again = get(stage, "/", If_None_Match=tag)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert get(stage, "/", If_None_Match='"another"').status == 200
    files = set(re.findall(r'(?:src|href)="(/a/[^"]+)"', page.text))
    assert files and {path.split("/")[2] for path in files} == {tag.strip('"')}
    for path in files | {f"/a/{tag.strip(chr(34))}/vendor/uplot.js"}:
        plain, packed = get(stage, path), get(stage, path, Accept_Encoding="br, gzip")
        assert plain.status == packed.status == 200, path
        assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
        assert gzip.decompress(packed.body) == plain.body and packed.headers["vary"] == "accept-encoding"
        assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert packed.headers["x-content-type-options"] == "nosniff" and "require-trusted-types-for 'script'" in packed.headers["content-security-policy"]


@pytest.mark.short
def test_no_path_leads_out_of_the_folder(stage):
    version = get(stage, "/").headers["etag"].strip('"')
    for path in (f"/a/{version}/../../etc/passwd", f"/a/{version}/..%2f..%2fetc/passwd", f"/a/{version}/%2e%2e/{version}/index.html",
                 f"/a/{version}/vendor/uplot.js%00.css", f"/a/{version}/", "/a/0/vendor/uplot.js", "/a/", f"/a/{version}/index.html"):
        with Raw(stage.port) as raw:
            raw.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
            assert raw.answer().status == 404, path


@pytest.mark.short
@pytest.mark.parametrize("path, to", [("/auth", "/#/login"), ("/keys", "/#/keys"), ("/config", "/#/settings"), ("/logs", "/#/errors")])
def test_old_bookmarks_lead_on(stage, path, to):
    answer = get(stage, path)
    assert (answer.status, answer.headers["location"]) == (302, to)
    assert stage.request("POST", path, token=None).status == 405
