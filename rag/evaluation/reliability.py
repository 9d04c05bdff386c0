"""Whether a confidence means what it says: the Brier score, and what was observed at each share of confidence."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

FEW = 100
"""Below as many questions there are five bins and not ten."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions whose confidence lies between `low` and `high` (the upper end belongs to the next bin, but for 1):
    what was predicted of them, the mean confidence, and what was observed, the share of them for which it was so."""

    low: float
    high: float
    predicted: float
    observed: float
    count: int


def brier(confidences: Sequence[float], observed: Sequence[bool]) -> float | None:
    """The mean squared distance of confidence and truth: 0 is perfect, 0.25 is always one half; None for none."""
    pairs = zip(confidences, observed, strict=True)
    return statistics.fmean((confidence - was_so) ** 2 for confidence, was_so in pairs) if observed else None


def reliability(confidences: Sequence[float], observed: Sequence[bool]) -> tuple[Bin, ...]:
    """Bins of equal width from 0 to 1, the empty ones left out."""
    count = 5 if len(confidences) < FEW else 10
    members: list[list[tuple[float, bool]]] = [[] for _ in range(count)]
    for confidence, was_so in zip(confidences, observed, strict=True):
        members[min(count - 1, int(confidence * count))].append((confidence, was_so))
    return tuple(
        Bin(
            low=at / count,
            high=(at + 1) / count,
            predicted=statistics.fmean(confidence for confidence, _ in part),
            observed=statistics.fmean(was_so for _, was_so in part),
            count=len(part),
        )
        for at, part in enumerate(members)
        if part
    )
