"""What a search is worth: whether it is refused outright, and how likely its passages answer.

A fused score says nothing about relevance. These signals do: how much of the question's weight a passage covers, how
much of its rarest words, how far the best stands out from the rest, and, with embeddings, how far the nearest is above
questions that the documents are not about (`rag.index.base.background`), in standard deviations, which means the same
for every embedding model and every index.

**The floor.** Retrieval alone refuses only what is hopeless by every signal there is: a model that reads the passages
knows better than any threshold. With embeddings that is a standing below `floor_standing` together with a match below
`floor_match`; by words alone a match below a part of `floor_words`, or below several times as much where the question's
words are strange to the documents (`rag.retrieval.strangeness`), so that everyday words shared with some passage are no
evidence. Where half of the match that background questions reach is more, that counts instead of these. Above the floor
the model decides. A calibration replaces it by a confidence.

**The confidence** is a logistic function of the signals, fitted by benchmarks/confidence.py on questions of several
corpora; `feishu-rag eval --calibrate` fits it, the floor and the levels to the team's own. It is shown in three levels;
a percentage has a meaning only after a calibration. Without a model what is *strong* is quoted as the answer, and
everything else above the floor as the nearest passages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.documents import Passage
from rag.events import Level
from rag.index.calibration import Calibration, built_in
from rag.retrieval.coverage import Coverage
from rag.retrieval.keyword_search import KeywordHits
from rag.retrieval.passages import present_in
from rag.retrieval.vector_search import VectorHits
from rag.settings import RetrievalSettings

RANK_FOR_MARGIN = 5
CHANCE_SHARE = 0.5
"""A match below this share of what background questions reach is no sign of an answer."""
STANDING_FROM, STANDING_TO = -3.0, 6.0
"""Beyond these a standing tells nothing more."""
AT_HOME, STRANGE_RISE = 5 / 9, 4.75
"""The share of `floor_words` that counts where a question's words are at home in the documents, and by how much of
itself that rises for each unit of strangeness. How they were chosen: docs/retrieval.md."""
Evidence = Literal["none", "weak", "strong"]
"""Of a search: below the floor (no model is asked), enough for a model to decide, enough to quote without one."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for an answer; from 0 to 1 where nothing else is said. Without a dense leg the standings are 0."""

    coverage: float
    """Of the question, by the best passage."""
    first_coverage: float
    """Of the question, by the first passage."""
    key_coverage: float
    """Of the question's rarest words, by the best passage."""
    match: float
    """Of the best chunk by words (`rag.retrieval.keyword_search`); from 0 to about 3."""
    match_margin: float
    """How far the best match is above the fifth, as a share of itself."""
    standing: float = 0.0
    """Of the nearest chunk: standard deviations above the background's questions."""
    standing_margin: float = 0.0
    """How far the nearest is above the fifth, in the same standard deviations."""
    has_dense: bool = False
    chance: float = 0.0
    """The match that background questions reach (`rag.retrieval.keyword_search`)."""
    strangeness: float = 0.0
    """Of the question's words to the documents (`rag.retrieval.strangeness`)."""

    @property
    def values(self) -> tuple[float, ...]:
        """What a calibration reads, in its order."""
        words = (
            self.coverage,
            self.first_coverage,
            self.key_coverage,
            self.match / (1 + self.match),
            self.match_margin,
        )
        return (*words, self.standing, self.standing_margin) if self.has_dense else words


@dataclass(frozen=True, slots=True)
class Verdict:
    """On a search: what it is worth, and the confidence, 0 to 1, that its passages answer."""

    evidence: Evidence
    confidence: float
    level: Level
    is_calibrated: bool = False
    floor: float | None = None
    """The confidence below which a calibration refuses; None where the floor is one of signals (`floors`)."""


def signals(
    passages: Sequence[Passage], words: KeywordHits, dense: VectorHits, coverage: Coverage, chance: float = 0.0
) -> Signals:
    """Read off a search; all zero when it found nothing."""
    if not passages:
        return Signals(0, 0, 0, 0, 0)
    best = max(passages, key=lambda passage: passage.coverage)
    match = words.matches[0] if words.matches else 0.0
    beyond = words.matches[min(RANK_FOR_MARGIN, len(words.matches)) - 1] if match else 0.0
    standings = dense.standings
    return Signals(
        coverage=best.coverage,
        first_coverage=passages[0].coverage,
        key_coverage=coverage.of_key(*present_in(best.chunk)),
        match=match,
        match_margin=1 - beyond / match if match else 0.0,
        standing=min(max(standings[0], STANDING_FROM), STANDING_TO) if standings else 0.0,
        standing_margin=standings[0] - standings[min(RANK_FOR_MARGIN, len(standings)) - 1] if standings else 0.0,
        has_dense=bool(standings),
        chance=chance,
        strangeness=words.strangeness,
    )


def judge(
    found: Signals, passages: Sequence[Passage], settings: RetrievalSettings, calibration: Calibration | None
) -> Verdict:
    """The verdict on a search. A calibration made with embeddings does not judge a search without, nor vice versa."""
    if not passages:
        return Verdict("none", 0.0, "low")
    own = calibration if calibration is not None and calibration.with_dense == found.has_dense else None
    measure = own or built_in(found.has_dense)
    confidence = measure.confidence(found.values)
    is_refused = confidence < own.floor if own else is_below_floor(found, settings)
    evidence: Evidence = "none" if is_refused else "strong" if confidence >= measure.strong else "weak"
    return Verdict(evidence, confidence, measure.level(confidence), own is not None, own.floor if own else None)


def is_below_floor(found: Signals, settings: RetrievalSettings) -> bool:
    """Whether a search is hopeless by every signal there is."""
    match, standing = floors(found, settings)
    return found.match < match and (standing is None or found.standing < standing)


def floors(found: Signals, settings: RetrievalSettings) -> tuple[float, float | None]:
    """The match and, where there are vectors, the standing below which a search is hopeless."""
    least = CHANCE_SHARE * found.chance
    if not found.has_dense:
        rise = 1 + STRANGE_RISE * found.strangeness
        return max(settings.floor_words * AT_HOME * rise, least), None
    return max(settings.floor_match, least), settings.floor_standing
