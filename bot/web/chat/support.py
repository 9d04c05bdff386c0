"""Which parts of a passage an answer leans on, found by the words they share: for eyes, not for proof."""

import re

from rag.text.tokenizer import terms

MOST_PARTS = 5
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
    claims = [part for part in _SENTENCE.findall(answer) if f"[{number}]" in part] or [question]
    parts = [part.strip() for part in _CUT.split(passage) if _WORD.search(part)]
    known = [set(terms(part)) for part in parts]
    chosen: set[int] = set()
    for claim in claims:
        wanted = set(terms(_CITATION.sub(" ", claim)))
        scores = [_likeness(wanted, each) for each in known]
        if max(scores, default=0.0) >= LEAST:
            chosen.add(scores.index(max(scores)))
    return [parts[at] for at in sorted(chosen)][:MOST_PARTS]


def _likeness(one: set[str], other: set[str]) -> float:
    """Terms in both, as a share of those in each: 0 to 1."""
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0
