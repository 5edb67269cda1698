# SPDX-License-Identifier: Apache-2.0
"""The sources that the provider names for an answer (groundingMetadata) reach a chat as annotations."""
import pytest

from stage import MODEL, Stage, scripted

TEXT = "Größe: 42 😀. Und mehr."
CITED = "42 😀"


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("sources"), keys=["key-ok-1"], database=False, admin=False) as stage:
        yield stage


def script(**more):
    start = len(TEXT[:TEXT.index(CITED)].encode())
    grounding = {
        "webSearchQueries": ["size"],
        "groundingChunks": [{"web": {"uri": "https://a.example/", "title": "a.example"}}, {"web": {"uri": "https://b.example/"}}],
        "groundingSupports": [{"segment": {"startIndex": start, "endIndex": start + len(CITED.encode()), "text": CITED},
                               "groundingChunkIndices": [1, 0]}]}
    return scripted("size?", text=TEXT, candidate={"groundingMetadata": grounding}, **more)


def assert_cited(content, annotations):
    assert content == TEXT
    cited = [annotation["url_citation"] for annotation in annotations]
    assert [annotation["type"] for annotation in annotations] == ["url_citation"] * 2
    assert [(one["url"], one["title"]) for one in cited] == [("https://b.example/", "https://b.example/"),
                                                             ("https://a.example/", "a.example")]
    assert {content[one["start_index"]:one["end_index"]] for one in cited} == {CITED}


@pytest.mark.short
def test_a_whole_answer_has_its_sources(stage):
    [choice] = stage.chat(script()).json["choices"]
    assert_cited(choice["message"]["content"], choice["message"]["annotations"])


@pytest.mark.parametrize("chunks", [1, 3, 12])
def test_a_stream_names_its_sources_before_it_finishes(stage, chunks):
    stream = stage.chat_stream(script(chunks=chunks))
    assert stream.is_whole and stream.done
    deltas = [choice["delta"] for chunk in stream.chunks for choice in chunk["choices"]]
    [annotations] = [delta["annotations"] for delta in deltas if "annotations" in delta]
    assert_cited(stream.text, annotations)
    assert "annotations" in deltas[-2] and deltas[-1] == {}


def test_each_choice_has_its_sources(stage):
    for choice in stage.chat(script(), n=2).json["choices"]:
        assert_cited(choice["message"]["content"], choice["message"]["annotations"])


def test_googles_own_dialect_has_them_as_they_are(stage):
    body = {"contents": [{"role": "user", "parts": [{"text": script()}]}]}
    answer = stage.request("POST", f"/v1beta/models/{MODEL}:generateContent", body)
    assert answer.json["candidates"][0]["groundingMetadata"]["webSearchQueries"] == ["size"]
