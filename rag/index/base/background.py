"""Where chance begins in an index: how near questions that its documents are not about come to it.

A cosine means something else for every embedding model and every index, and for every pair of languages: most models
find a text of the question's own language nearer than a better one of another. Ingest searches the questions of
`rag.retrieval.background_questions` and keeps, for each language of questions, the mean and spread of their cosines to
the chunks of each language, and of their best score; a real question is measured against both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_DEVIATION = 1e-3
"""A smaller standard deviation is taken for this one: a model that finds everything alike proves nothing."""
LEAST_SAMPLE = 8
"""Chunks of a language below this number say nothing about it; they are measured as all chunks are."""
SAMPLED = 1_000
"""Chunks of a language that the questions are compared with."""
ANY = "*"
"""Stands for all languages together, of questions and of chunks."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation."""

    mean: float
    deviation: float

    def standardised(self, value: float) -> float:
        """How many standard deviations a value is above the mean."""
        return (value - self.mean) / max(self.deviation, LEAST_DEVIATION)


@dataclass(frozen=True, slots=True)
class Background:
    """Of the questions of one language: their cosines by the language of chunks, and their best standardised score."""

    cosines: Mapping[str, Spread] = field(default_factory=dict)
    best: Spread = Spread(0.0, 1.0)

    def score(self, cosine: float, language: str) -> float:
        """A cosine to a chunk of a language, in standard deviations above chance."""
        return (self.cosines.get(language) or self.cosines[ANY]).standardised(cosine)


def background_of(content: Mapping[str, Any]) -> dict[str, Background]:
    """From JSON, as `dataclasses.asdict` wrote it. Raises KeyError and TypeError."""
    return {
        language: Background(
            {name: Spread(**spread) for name, spread in stored["cosines"].items()}, Spread(**stored["best"])
        )
        for language, stored in content.items()
    }


def spread_of(values: "NDArray[np.float32]") -> Spread:
    """Of all the values in an array."""
    return Spread(float(values.mean()), float(values.std()))


def spreads(questions: "NDArray[np.float32]", sampled: Mapping[str, "NDArray[np.float32]"]) -> dict[str, Spread]:
    """Of cosines between questions, shape (n, d), and sampled chunks of each language, shape (m, d)."""
    import numpy as np

    together = np.concatenate(list(sampled.values()))
    known = {name: vectors for name, vectors in sampled.items() if len(vectors) >= LEAST_SAMPLE}
    return {name: spread_of(questions @ vectors.T) for name, vectors in {**known, ANY: together}.items()}
