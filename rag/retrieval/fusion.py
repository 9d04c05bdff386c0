"""Two rankings made one, and whether the dense one has a voice at all.

Reciprocal rank fusion: 1 / (k + rank), summed. With a k above the lists' depth, whatever stands in both, even last in
both, goes before what is first in one of them. k and the share below were chosen by benchmarks/fusion.py.
"""

import statistics
from collections.abc import Sequence

Hits = list[tuple[int, float]]

LEAST_SPREAD = 0.005
MOST_UNKNOWN = 0.25
"""Above this share of tokens that are not in its vocabulary, a model reads another question than the one asked."""


def fuse(*rankings: Sequence[int], k: int, weights: Sequence[float] = ()) -> list[tuple[int, float]]:
    """Ids by the sum of weight / (k + rank), best first; ties keep first-seen order. Without weights each is 1."""
    scores: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, chunk_id in enumerate(ranking, start=1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda item: -item[1])


def spread(cosines: Sequence[float]) -> float:
    """How far the best stands out from the list."""
    return max(cosines) - statistics.median(cosines) if cosines else 0.0


def says_something(dense: Hits) -> bool:
    """Whether the dense order means anything: with all cosines alike it is chance."""
    return spread([score for _, score in dense]) >= LEAST_SPREAD
