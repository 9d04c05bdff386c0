"""The everyday questions on the sample handbook say what they claim to say."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rag.documents import Chunk, Document, Passage
from rag.evaluation.dataset import read_cases
from rag.text.chunking import split

ROOT = Path(__file__).parents[3]
FILE = ROOT / "benchmarks" / "data" / "everyday.jsonl"
ANSWERABLE = {"spoken", "english", "mixed", "typo", "word", "number", "synonym", "story"}
UNANSWERABLE = {"missing", "other"}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def handbook() -> dict[str, str]:
    texts = {file.name: file.read_text("utf-8") for file in (ROOT / "knowledge").glob("*.md")}
    if not texts:
        pytest.skip("knowledge/ holds no documents")
    return texts


def listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def test_the_right_passage_is_literally_in_the_file_that_is_named(
    rows: list[dict[str, Any]], handbook: dict[str, str]
) -> None:
    wrong = [row for row in rows if row.get("answerable", True) and not _is_quoted(row, handbook)]
    assert not wrong


def _is_quoted(row: dict[str, Any], handbook: dict[str, str]) -> bool:
    texts, wanted = [handbook[source] for source in listed(row["source"])], listed(row["must_contain"])
    found = all(any(each in text for text in texts) for each in wanted)
    return found and all(any(each in text for each in wanted) for text in texts)


def test_what_is_asked_for_singles_out_few_passages(handbook: dict[str, str]) -> None:
    chunks = [chunk for name, text in handbook.items() for chunk in split(Document(name, name, text))]
    found = {
        case.question: [chunk for chunk in chunks if case.is_right(_passage(chunk))]
        for case in read_cases(FILE).cases
        if case.answerable
    }
    assert [question for question, right in found.items() if not 1 <= len(right) <= 6] == []


def _passage(chunk: Chunk) -> Passage:
    return Passage(chunk, 1.0)


def test_what_is_not_there_names_no_passage(rows: list[dict[str, Any]]) -> None:
    unanswerable = [row for row in rows if not row.get("answerable", True)]
    assert all(row.keys() == {"question", "answerable", "kind", "half"} for row in unanswerable)
    assert {row["kind"] for row in unanswerable} == UNANSWERABLE
    assert {row["kind"] for row in rows if row.get("answerable", True)} == ANSWERABLE


def test_both_halves_hold_as_many_of_every_kind(rows: list[dict[str, Any]]) -> None:
    halves = {half: Counter(row["kind"] for row in rows if row["half"] == half) for half in ("tune", "test")}
    assert halves["tune"].total() + halves["test"].total() == len(rows)
    assert all(abs(halves["tune"][kind] - halves["test"][kind]) <= 1 for kind in ANSWERABLE | UNANSWERABLE)


def test_there_are_enough_and_every_file_is_asked_about(rows: list[dict[str, Any]], handbook: dict[str, str]) -> None:
    answerable = [row for row in rows if row.get("answerable", True)]
    assert len(answerable) >= 75 and len(rows) - len(answerable) >= 38
    assert len({row["question"] for row in rows}) == len(rows)
    asked = Counter(source for row in answerable for source in listed(row["source"]))
    assert all(asked[name] >= 4 for name in handbook)
