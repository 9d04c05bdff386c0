"""Questions with known answers: a folder of corpus, queries and judgements, or lines of JSON.

A folder holds corpus.jsonl {id, title, text}, queries.jsonl {id, text} and qrels.tsv (query-id, corpus-id, score). A
file holds a line for each question: `question`, and `source` (of the document that answers), `must_contain` (words that
the right passage holds; of a list, any), or neither with `"answerable": false`. Lines of `feishu-rag feedback export`
are taken too: an answer voted up becomes a case with the sources it cited; one voted down, or liked without a source,
is listed, to be judged by people.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.documents import Document, Passage
from rag.errors import IngestError
from rag.text.tokenizer import normalise

WITHOUT_TARGET = ("hedged", "completed")
"""Outcomes of an export (the second as earlier versions wrote it) that do not mean a refusal: an answer that is liked
though it cites nothing tells neither that the documents answer nor that they do not."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question. `answerable` is None for a question that nobody has judged yet. A right passage holds
    `must_contain`, or any of several."""

    question: str
    sources: frozenset[str] = frozenset()
    must_contain: str | tuple[str, ...] = ""
    answerable: bool | None = True
    collections: frozenset[str] | None = None

    def is_right(self, passage: Passage) -> bool:
        """Whether a passage is one that answers."""
        if self.sources and passage.chunk.source not in self.sources:
            return False
        return self.is_said_in(f"{passage.chunk.heading_path}\n{passage.chunk.text}")

    def is_said_in(self, text: str) -> bool:
        """Whether a text holds what the right passage holds; any text does where nothing is asked for."""
        wanted = (self.must_contain,) if isinstance(self.must_contain, str) else self.must_contain
        read = normalise(text)
        return any(normalise(each) in read for each in wanted)

    @property
    def has_target(self) -> bool:
        """Whether right passages can be told from wrong ones."""
        return bool(self.answerable and (self.sources or self.must_contain))


@dataclass(frozen=True, slots=True)
class Cases:
    """What is asked, and of which documents; None of them means the index as it is."""

    name: str
    cases: tuple[Case, ...]
    documents: tuple[Document, ...] | None = None


def read_cases(place: Path) -> Cases:
    """Raises IngestError, naming the file and line."""
    if not place.is_dir():
        cases = [_case(row, place, number) for number, row in _lines(place) if "remark" not in row]
        if not cases:
            raise IngestError(f"{place} holds no question")
        return Cases(place.name, tuple(cases))
    documents = [
        Document(str(row["id"]), str(row.get("title", "")), str(row["text"]))
        for _, row in _rows(place / "corpus.jsonl", "id", "text")
    ]
    right: dict[str, set[str]] = {}
    for line in _text(place / "qrels.tsv").split("\n")[1:]:
        if len(cells := line.split("\t")) >= 3 and cells[2].strip() not in ("0", "-1"):
            right.setdefault(cells[0], set()).add(cells[1])
    cases = [
        Case(str(row["text"]), frozenset(right[str(row["id"])]))
        for _, row in _rows(place / "queries.jsonl", "id", "text")
        if str(row["id"]) in right
    ]
    return Cases(place.resolve().name, tuple(cases), tuple(documents))


def _case(row: dict[str, Any], file: Path, number: int) -> Case:
    question = row.get("question") or row.get("text")
    if not isinstance(question, str) or not question.strip():
        raise IngestError(f"{file} line {number}: needs a question")
    collections = frozenset(map(str, row["collections"])) if isinstance(row.get("collections"), list) else None
    if row.get("vote") in ("down", -1):
        return Case(question, answerable=None, collections=collections)
    named = row.get("source") or [
        source.get("source") for source in row.get("sources") or [] if isinstance(source, dict) and source.get("cited")
    ]
    sources = frozenset(map(str, named if isinstance(named, list) else [named]))
    contained = _contained(row.get("must_contain"))
    if not (sources or contained or "answerable" in row) and row.get("outcome") in WITHOUT_TARGET:
        return Case(question, answerable=None, collections=collections)
    answerable = bool(row.get("answerable", bool(sources or contained)))
    return Case(question, sources if answerable else frozenset(), contained, answerable, collections)


def _contained(given: object) -> str | tuple[str, ...]:
    if isinstance(given, list) and given:
        return tuple(map(str, given))
    return str(given or "")


def _rows(file: Path, *keys: str) -> list[tuple[int, dict[str, Any]]]:
    rows = _lines(file)
    for number, row in rows:
        if missing := [key for key in keys if key not in row]:
            raise IngestError(f"{file} line {number}: needs {missing[0]}")
    return rows


def _lines(file: Path) -> list[tuple[int, dict[str, Any]]]:
    rows = []
    for number, line in enumerate(_text(file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise IngestError(f"{file} line {number}: is not JSON") from error
        if not isinstance(row, dict):
            raise IngestError(f"{file} line {number}: is not an object")
        rows.append((number, row))
    return rows


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        raise IngestError(f"{file} cannot be read ({reason})") from error
