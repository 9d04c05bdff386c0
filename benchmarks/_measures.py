"""Figures for judgements: shares, and how well a confidence tells right from wrong. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many."""

    part: int
    whole: int

    @classmethod
    def of(cls, flags: Sequence[bool]) -> "Share":
        """The true ones among all."""
        return cls(sum(flags), len(flags))

    @property
    def rate(self) -> float | None:
        """From 0 to 1; None of nothing."""
        return self.part / self.whole if self.whole else None

    def __str__(self) -> str:
        return "–" if self.rate is None else f"{self.rate:.1%} ({self.part}/{self.whole})"


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about one confidence: from `low` to below `high` (the last bin holds 1.0, too)."""

    low: float
    high: float
    count: int
    confidence: float
    """Their mean confidence."""
    right: float
    """The share of them that is right."""


def auroc(confidences: Sequence[float], right: Sequence[bool]) -> float | None:
    """How often a right answer has the higher confidence of a right and a wrong one; ties count half, 0.5 is chance.
    None where all are right or all are wrong."""
    above = [score for score, is_right in zip(confidences, right, strict=True) if is_right]
    below = [score for score, is_right in zip(confidences, right, strict=True) if not is_right]
    if not above or not below:
        return None
    wins = sum((one > other) + (one == other) / 2 for one in above for other in below)
    return wins / (len(above) * len(below))


def brier(confidences: Sequence[float], right: Sequence[bool]) -> float | None:
    """The mean squared distance of the confidence from what came true (1 right, 0 wrong): 0 is perfect, and always
    saying 0.5 gives 0.25. None of nothing."""
    squares = [(score - is_right) ** 2 for score, is_right in zip(confidences, right, strict=True)]
    return sum(squares) / len(squares) if squares else None


def reliability(confidences: Sequence[float], right: Sequence[bool], *, bins: int = 5) -> list[Bin]:
    """Answers in bins of equal width by confidence; bins without an answer are left out. Raises ValueError for a
    confidence outside of 0 to 1."""
    if not all(0 <= score <= 1 for score in confidences):
        raise ValueError("a confidence is from 0 to 1")
    held: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for score, is_right in zip(confidences, right, strict=True):
        held[min(int(score * bins), bins - 1)].append((score, is_right))
    return [
        Bin(
            low=at / bins,
            high=(at + 1) / bins,
            count=len(pairs),
            confidence=sum(score for score, _ in pairs) / len(pairs),
            right=sum(is_right for _, is_right in pairs) / len(pairs),
        )
        for at, pairs in enumerate(held)
        if pairs
    ]


def told(figure: Share | float | None) -> str:
    """A figure as a table's cell."""
    return f"{figure:.3f}" if isinstance(figure, float) else "–" if figure is None else str(figure)
