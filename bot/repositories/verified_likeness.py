"""What speaks against a verified answer before it is saved: others like it, documents with another figure. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.repositories.gap_report import bigrams, is_alike, likeness
from bot.repositories.verified_answers import Approved, VerifiedDraft
from rag.documents import Chunk
from rag.text.figures import figure_terms
from rag.text.support import quoted
from rag.text.tokenizer import cut_word, normalise
from rag.verified.wording import asks_same

ALIKE = 0.8
MOST = 5
_CITATION = re.compile(r"\[\d{1,3}\]")
_ENGLISH = re.compile(r"(?<![\w.,])([0-9][0-9,]*(?:\.[0-9]+)?)[ -](?:working |business |calendar )?([a-z]{2,})")
_PARTS = re.compile(r"(\D?)([0-9][0-9.:/]*)(.*)", re.DOTALL)

How = Literal["conflict", "duplicate", "near", "same_answer"]
"""The same question with another answer; with the same; one that reads alike; another question with the same answer."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Another verified answer, and how it is like the one that is to be saved."""

    how: How
    other: Approved


@dataclass(frozen=True, slots=True)
class OtherFigure:
    """A document that gives another figure: both as they are written, and the sentence."""

    own: str
    theirs: str
    title: str
    sentence: str
    source: str
    collection: str


def alike(draft: VerifiedDraft, others: Iterable[Approved], *, without: str = "") -> list[Alike]:
    """The verified answers that are like a draft, those that matter most first; `without` is its own id."""
    found = [
        Alike(how, other)
        for other in others
        if other.id != without and not other.is_withdrawn and (how := _how(draft, other.draft))
    ]
    order: tuple[How, ...] = ("conflict", "duplicate", "near", "same_answer")
    return sorted(found, key=lambda each: order.index(each.how))[:MOST]


def _how(draft: VerifiedDraft, other: VerifiedDraft) -> How | None:
    has_same_answer = _is_same_answer(draft.answer, other.answer)
    asked, theirs = (draft.wording, *draft.variants), (other.wording, *other.variants)
    if any(asks_same(one, two) for one in asked for two in theirs):
        return "duplicate" if has_same_answer else "conflict"
    if is_alike(bigrams(draft.wording), bigrams(other.wording)):
        return "near"
    return "same_answer" if has_same_answer else None


def _is_same_answer(one: str, other: str) -> bool:
    if figures_of(one) != figures_of(other):
        return False
    return "".join(one.split()) == "".join(other.split()) or likeness(bigrams(one), bigrams(other)) >= ALIKE


def other_figures(draft: VerifiedDraft, chunks: Sequence[Chunk]) -> list[OtherFigure]:
    """Where documents give another figure of the same unit than the answer, and not the answer's as well: in the
    sentence of each that is nearest to the question."""
    own = figures_of(draft.answer)
    found: dict[tuple[str, str], OtherFigure] = {}
    for chunk in chunks:
        near = quoted(chunk.text, "", 0, f"{draft.wording} {draft.answer}")
        if near is None:
            continue
        known, said = figures_of(chunk.text), figures_of(near.sentence)
        for unit, values in said.items():
            if unit in own and not own[unit] & known.get(unit, set()):
                first, theirs = min(own[unit]), min(values)
                names = (f"{first}{unit}", f"{theirs}{unit}", chunk.title, near.sentence, chunk.source)
                found.setdefault((chunk.source, unit), OtherFigure(*names, chunk.collection))
    return list(found.values())[:MOST]


def figures_of(text: str) -> dict[str, set[str]]:
    """The figures of a text by what they count: 15 个工作日 is {"工作日": {"15"}}."""
    found: dict[str, set[str]] = defaultdict(set)
    plain = normalise(_CITATION.sub(" ", text))
    for number, word in _ENGLISH.findall(plain):
        found[cut_word(word).exact[0]].add(number.replace(",", ""))
    for term in figure_terms(plain):
        parts = _PARTS.fullmatch(term)
        if parts and parts[3]:
            found[f"{parts[1]}{parts[3]}"].add(parts[2])
    return dict(found)
