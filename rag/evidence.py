"""Whether what was found answers the question: signals that mean something, and a confidence made of them.

A fused score says nothing about relevance. These do: how much of the question's weight a passage covers, how much of
its rarest words, how far the best stands out from the rest, and, with embeddings, how near the nearest is and how far
it stands out (a model that finds everything alike proves nothing).

Without a calibration the rule is plain. The best passage's coverage reaches `evidence_threshold`; or a cosine reaches
`dense_evidence`, stands out by a margin, and the passage still covers half of what the threshold asks. (0.65 and 0.08
are taken from what is published of bge v1.5, not measured.) With one (`rag.calibration`, made by
`feishu-rag eval --calibrate` from the team's own questions) the confidence is a logistic function of the signals.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from rag.calibration import Calibration
from rag.coverage import Coverage
from rag.documents import Passage
from rag.events import Level
from rag.fusion import Hits, spread
from rag.passages import present_in
from rag.settings import RetrievalSettings

DENSE_MARGIN = 0.08
STEEPNESS = 8.0
"""How fast the uncalibrated confidence falls off below the threshold: a quarter of coverage less is 0.12."""
RANK_FOR_MARGIN = 5


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for an answer; each from 0 to 1, and 0 where there is no dense leg."""

    coverage: float
    """Of the question, by the best passage."""
    first_coverage: float
    """Of the question, by the first passage."""
    key_coverage: float
    """Of the question's rarest words, by the best passage."""
    lexical_strength: float
    """The best BM25 score for each unit of the question's weight, saturating."""
    lexical_margin: float
    """How far the best BM25 score is above the fifth, as a share of itself."""
    cosine: float
    cosine_margin: float


Evidence = Literal["none", "weak", "strong"]
"""Of a search: below the floor (no model is asked), enough for a model to decide, enough to quote without one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """On a search: what it is worth, and the confidence, 0 to 1, that its passages answer."""

    evidence: Evidence
    confidence: float
    level: Level
    is_calibrated: bool = False


def signals(passages: Sequence[Passage], lexical: Hits, dense: Hits, coverage: Coverage) -> Signals:
    """Read off a search; all zero when it found nothing."""
    if not passages:
        return Signals(0, 0, 0, 0, 0, 0, 0)
    scores = [score for _, score in lexical]
    best = max(passages, key=lambda passage: passage.coverage)
    strength = scores[0] / coverage.weight if scores and coverage.weight else 0.0
    beyond = scores[min(RANK_FOR_MARGIN, len(scores)) - 1] if scores else 0.0
    cosines = [score for _, score in dense]
    return Signals(
        coverage=best.coverage,
        first_coverage=passages[0].coverage,
        key_coverage=coverage.of_key(*present_in(best.chunk)),
        lexical_strength=strength / (1 + strength),
        lexical_margin=1 - beyond / scores[0] if scores and scores[0] > 0 else 0.0,
        cosine=max(cosines, default=0.0),
        cosine_margin=spread(cosines),
    )


def judge(
    found: Signals, passages: Sequence[Passage], settings: RetrievalSettings, calibration: Calibration | None
) -> Verdict:
    """The verdict on a search. A calibration made with embeddings does not judge a search without, nor vice versa."""
    if not passages:
        return Verdict("none", 0.0, "low")
    if calibration is not None and calibration.with_dense == (found.cosine > 0):
        confidence = calibration.confidence(astuple(found))
        return Verdict(
            "strong" if confidence >= calibration.threshold else "none", confidence, level_of(confidence), True
        )
    by_words = _logistic(STEEPNESS * (found.coverage - settings.evidence_threshold))
    if found.coverage >= settings.evidence_threshold:
        return Verdict("strong", by_words, level_of(by_words))
    if found.cosine_margin >= DENSE_MARGIN and any(_is_near(passage, settings) for passage in passages):
        return Verdict("strong", max(by_words, 0.5), level_of(by_words))
    return Verdict("none", by_words, level_of(by_words))


def level_of(confidence: float) -> Level:
    """A confidence in words."""
    return "high" if confidence >= 0.75 else "medium" if confidence >= 0.5 else "low"


def _is_near(passage: Passage, settings: RetrievalSettings) -> bool:
    is_near = (passage.dense_score or 0.0) >= settings.dense_evidence
    return is_near and passage.coverage >= settings.evidence_threshold / 2


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
