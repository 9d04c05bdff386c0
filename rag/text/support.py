"""Which parts of a passage an answer leans on, found by the words they share: for eyes, not for proof."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.text.markdown import sentences
from rag.text.tokenizer import terms

MOST_PARTS = 5
MOST_QUOTED_CHARS = 200
MOST_BESIDE_CHARS = 80
LEAST = 0.25
"""Of 1, where both say the same in the same words. What is below shares little more than the subject."""

_SENTENCE = re.compile(r"[^\n]*?(?:[。！？!?]|\.(?=\s)|\n|$)(?:\s*\[\d{1,3}\])*")
_CUT = re.compile(r"\n|(?<=[。！？；])|(?<=[.!?;])\s+")
_WORD = re.compile(r"\w")
_CITATION = re.compile(r"\[\d{1,3}\]")


def supporting(passage: str, answer: str, number: int, question: str) -> list[str]:
    """For each sentence of the answer with `[number]` in it, the passage's nearest one, as it stands there.

    For an answer that does not cite the passage, the one nearest to the question.
    """
    claims = _claims(answer, number, question)
    parts = [part.strip() for part in _CUT.split(passage) if _WORD.search(part)]
    known = [set(terms(part)) for part in parts]
    chosen: set[int] = set()
    for claim in claims:
        scores = [_likeness(claim, each) for each in known]
        if max(scores, default=0.0) >= LEAST:
            chosen.add(scores.index(max(scores)))
    return [parts[at] for at in sorted(chosen)][:MOST_PARTS]


@dataclass(frozen=True, slots=True)
class Quoted:
    """The sentence of a passage that an answer leans on most, with its neighbours: plain text, cut where it is long."""

    before: str
    sentence: str
    after: str
    at: int = 0
    """Where about in the passage the sentence begins."""


def quoted(passage: str, answer: str, number: int, question: str) -> Quoted | None:
    """The sentence nearest to one that cites `[number]`, else nearest to the question; None for an empty passage.

    A row of a table is a sentence with the names of its columns.
    """
    found = [sentence.text for sentence in sentences(passage)]
    if not found:
        return None
    claims = _claims(answer, number, question)
    scores = [max(_likeness(claim, set(terms(text))) for claim in claims) for text in found]
    at = scores.index(max(scores))
    beside = MOST_BESIDE_CHARS
    return Quoted(
        _cut_before(found[at - 1], beside) if at else "",
        _cut_after(found[at], MOST_QUOTED_CHARS),
        _cut_after(found[at + 1], beside) if at + 1 < len(found) else "",
        _offset(passage, found[at]),
    )


def _offset(passage: str, sentence: str) -> int:
    """Where a sentence stands in the Markdown that it was read from: by its words alone, a row by its first cell."""
    places = [at for at, sign in enumerate(passage) if sign.isalnum()]
    flat = "".join(passage[at] for at in places)
    for part in (sentence, re.split("[：:·]", sentence)[0]):
        wanted = "".join(filter(str.isalnum, part))
        if wanted and (found := flat.find(wanted)) >= 0:
            return places[found]
    return 0


def _claims(answer: str, number: int, question: str) -> Sequence[set[str]]:
    """The terms of each sentence of the answer that cites the passage; of the question where none does."""
    cited = [part for part in _SENTENCE.findall(answer) if f"[{number}]" in part] or [question]
    return [set(terms(_CITATION.sub(" ", claim))) for claim in cited]


def _cut_after(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _cut_before(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else "…" + line[1 - most :].lstrip()


def _likeness(one: set[str], other: set[str]) -> float:
    """Terms in both, as a share of those in each: 0 to 1."""
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0
