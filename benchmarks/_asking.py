"""Questions of benchmarks/answers.py: read, asked in three ways (search, scripted model, no model), and judged."""

import contextlib
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from rag.documents import Document, Passage
from rag.evaluation.dataset import Case, read_cases
from rag.events import Finished, Grounding, NoEvidence, Question, Retrieved
from rag.generation.refusal import MARK
from rag.knowledge_base import KnowledgeBase
from rag.retrieval.retriever import SearchResult
from rag.scope import EVERYTHING
from rag.text.tokenizer import normalise
from tests.support.model_server import ModelServer, Reply

# What the product calls things stands here alone.
REFUSAL = MARK
"""What the scripted model says when the answer is not among its passages."""
OUTCOMES: tuple[Grounding, ...] = get_args(Grounding)


def is_refused(finding: SearchResult) -> bool:
    """Whether retrieval alone refuses."""
    return finding.evidence == "none"


def outcome_of(finished: Finished) -> Grounding:
    """One of OUTCOMES."""
    return finished.outcome


def shown_of(finished: Finished, passages: Sequence[Passage]) -> list[Passage]:
    """The passages that an answer puts before its reader: those it cites."""
    return [passages[number - 1] for number in finished.citations if number <= len(passages)]


def signals_of(finding: SearchResult) -> dict[str, float]:
    """What the search read, by name; for `--json`."""
    read = {} if finding.signals is None else asdict(finding.signals)
    return {name: float(value) for name, value in read.items() if isinstance(value, int | float)}


_FENCED = re.compile(r'<passage number="(\d+)" title="([^"]*)">\n(.*?)\n</passage>', re.DOTALL)
_MARKUP = re.compile(r"[`~*_|\[\]#<>]")
"""Taken out of quotations: a citation behind an open code span is code."""
_CELL = " | "
QUOTE_CHARS = 80


@dataclass(frozen=True, slots=True)
class Item:
    """A question and how its answers are judged. `answers` are words of a right answer, of which any will do; `gold`
    the normalised texts of the documents that answer, where passages are told by document."""

    case: Case
    kind: str = ""
    half: str = ""
    answers: tuple[str, ...] = ()
    gold: tuple[str, ...] = ()

    def is_right_passage(self, title: str, text: str) -> bool:
        """Whether a passage in the model's prompt is one that answers."""
        if not self.case.answerable:
            return False
        if self.case.must_contain:
            return self.case.is_said_in(f"{title}\n{text}")
        return any(_folded(text) in whole for whole in self.gold)

    def is_right_answer(self, text: str, shown: Sequence[Passage]) -> bool:
        """Whether an answer without a model holds what was asked for: the words of it, or (where the set names none) a
        passage that answers among those it shows. A table's row may be quoted with its headers between the cells."""
        if not self.case.answerable:
            return False
        if not self.answers:
            return any(self.case.is_right(passage) for passage in shown)
        lines = [normalise(line) for line in text.split("\n")]
        return any(_has_cells(line, normalise(each)) for each in self.answers for line in lines)


def _has_cells(line: str, wanted: str) -> bool:
    at = 0
    for cell in wanted.split(_CELL):
        at = line.find(cell, at)
        if at < 0:
            return False
        at += len(cell)
    return True


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions and the documents they are asked of; None of those means the sample handbook."""

    name: str
    items: tuple[Item, ...]
    documents: tuple[Document, ...] | None = None


def read_everyday(file: Path) -> QuestionSet:
    """The questions on the sample handbook."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    cases = read_cases(file).cases
    items = [
        Item(case, row["kind"], row["half"], _several(case.must_contain)) for row, case in zip(rows, cases, strict=True)
    ]
    return QuestionSet("everyday", tuple(items))


def read_shared(folder: Path, limit: int, most_documents: int | None = None) -> QuestionSet:
    """A folder of corpus, queries and judgements; of more questions than `limit` a random sample, always the same. Of
    more documents than `most_documents` those that answer, and others at random."""
    cases = read_cases(folder)
    rows = [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines() if line.strip()]
    answers = {row["text"]: tuple(row.get("answers") or ()) for row in rows}
    texts = {document.source: _folded(document.text) for document in cases.documents or ()}
    items = [
        Item(case, answers=answers[case.question], gold=tuple(texts[source] for source in sorted(case.sources)))
        for case in cases.cases
    ]
    chosen = sampled(items, limit)
    documents = cases.documents or ()
    if most_documents is not None:
        needed = frozenset[str]().union(*(item.case.sources for item in chosen))
        documents = tuple(cut(documents, needed, most_documents))
    return QuestionSet(folder.name, tuple(chosen), documents)


def cut(documents: Sequence[Document], needed: frozenset[str], most: int) -> list[Document]:
    """Those that are needed, and others at random (seeded) until there are `most`; in the order they had."""
    others = [document.source for document in documents if document.source not in needed]
    kept = needed.union(random.Random(0).sample(others, max(0, min(len(others), most - len(needed)))))
    return [document for document in documents if document.source in kept]


def sampled(items: Sequence[Item], limit: int) -> list[Item]:
    """All of them, or `limit` of them at random (seeded)."""
    return list(items) if len(items) <= limit else random.Random(0).sample(list(items), limit)


def _several(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) and given else tuple(given)


def _folded(text: str) -> str:
    return "".join(normalise(text).split())


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a question. `ranks` are those of right passages, from 1."""

    item: Item
    is_refused: bool
    ranks: tuple[int, ...] = ()
    passages: int = 0
    signals: dict[str, float] = field(default_factory=dict)
    with_model: str = ""
    with_model_right: bool = False
    without_model: str = ""
    without_model_right: bool = False
    confidence: float | None = None

    @property
    def answerable(self) -> bool:
        return bool(self.item.case.answerable)

    @property
    def is_given(self) -> bool:
        """Whether a right passage comes before the model."""
        return not self.is_refused and bool(self.ranks)


async def searched(library: KnowledgeBase, item: Item) -> Asked:
    """By retrieval alone."""
    finding = await library.search(item.case.question, EVERYTHING)
    ranks = [at for at, passage in enumerate(finding.passages, start=1) if _is_right(item, passage)]
    return Asked(item, is_refused(finding), tuple(ranks), len(finding.passages), signals_of(finding))


async def asked(modelled: KnowledgeBase, quoting: KnowledgeBase, server: ModelServer, item: Item) -> Asked:
    """By retrieval alone, of a library with the scripted model, and of one without a model."""
    found = await searched(modelled, item)
    server.script(answer=obedient(item))
    finished, passages = await _answered(modelled, item)
    outcome = outcome_of(finished)
    cited = shown_of(finished, passages)
    right = any(_is_right(item, passage) for passage in cited) if item.case.answerable else outcome == "no_evidence"
    quoted, passages = await _answered(quoting, item)
    return replace(
        found,
        with_model=outcome,
        with_model_right=right,
        without_model=outcome_of(quoted),
        without_model_right=item.is_right_answer(quoted.text, shown_of(quoted, passages)),
        confidence=quoted.confidence,
    )


def obedient(item: Item) -> Callable[[dict[str, Any]], Reply]:
    """A model that quotes the first passage that answers, and refuses when none of those it was given does."""

    def answer(body: dict[str, Any]) -> Reply:
        prompt = "\n".join(str(message["content"]) for message in body["messages"])
        for number, title, text in _FENCED.findall(prompt):
            if item.is_right_passage(title, text):
                quote = " ".join(_MARKUP.sub(" ", text)[:QUOTE_CHARS].split())
                return Reply(f"{quote} [{number}]", piece_chars=QUOTE_CHARS)
        return Reply(REFUSAL, piece_chars=QUOTE_CHARS)

    return answer


async def _answered(library: KnowledgeBase, item: Item) -> tuple[Finished, tuple[Passage, ...]]:
    passages: tuple[Passage, ...] = ()
    async with contextlib.aclosing(library.answer(Question(item.case.question, EVERYTHING))) as events:
        async for event in events:
            match event:
                case Retrieved():
                    passages = event.passages
                case NoEvidence():
                    passages = event.nearest
                case Finished():
                    return event, passages
    raise RuntimeError("an answer did not finish")


def _is_right(item: Item, passage: Passage) -> bool:
    return bool(item.case.answerable) and item.case.is_right(passage)
