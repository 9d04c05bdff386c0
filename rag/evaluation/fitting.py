"""A logistic function fitted to signals: Newton's method, drawn towards weights that are known to work elsewhere.

The fewer questions there are, the nearer the result stays to where it began: ten say little, a few hundred a lot.
"""

from collections.abc import Sequence

import numpy as np

RIDGE = 4.0
"""How many questions, about, a standard deviation's worth of a weight is held to its beginning by; with one, ten
questions turned the weights of correlated signals around."""
STEPS = 50
HIGH, MEDIUM = 0.8, 0.5
"""A calibrated confidence of this much is called high, and medium."""
STRONG_PRECISION = 0.9
"""Of what is quoted as the answer without a model, this share shall be right."""
MISSED = 0.01
"""The share of answerable questions that a fitted floor may refuse."""


def fit_logistic(
    rows: Sequence[Sequence[float]], answers: Sequence[bool], *, towards: Sequence[float] = (), bias: float = 0.0
) -> tuple[tuple[float, ...], float]:
    """Weights for the raw signals, and the bias. Signals that never vary keep the weight they came with (or none)."""
    x = np.asarray(rows, dtype=np.float64)
    y = np.asarray(answers, dtype=np.float64)
    before = np.asarray(towards if len(towards) else np.zeros(x.shape[1]), dtype=np.float64)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    varies = scale > 1e-9
    safe = np.where(varies, scale, 1.0)
    design = np.hstack([np.where(varies, (x - mean) / safe, 0.0), np.ones((len(x), 1))])
    start = np.append(np.where(varies, before * safe, 0.0), bias + before @ mean)
    ridge = np.diag([RIDGE] * x.shape[1] + [RIDGE if len(towards) else 1e-6])
    solution = start.copy()
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ solution, -30, 30)))
        gradient = design.T @ (p - y) + ridge @ (solution - start)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + ridge
        step = np.linalg.solve(hessian, gradient)
        solution -= step
        if np.abs(step).max() < 1e-8:
            break
    weights = np.where(varies, solution[:-1] / safe, before)
    return tuple(float(value) for value in weights), float(solution[-1] - weights @ mean)


def fitted_floor(confidences: Sequence[float], answers: Sequence[bool]) -> float:
    """The confidence below which retrieval refuses: it costs hardly an answerable question (`MISSED`).

    With few questions it is far below the least of them: of others, one in n + 1 will come lower, and how low is
    anybody's guess; taken as equally likely down to 0, this share of the least loses `MISSED` of all.
    """
    wanted = sorted(confidence for confidence, is_right in zip(confidences, answers, strict=True) if is_right)
    if not wanted:
        return 0.0
    allowed = MISSED * (len(wanted) + 1)
    return wanted[max(0, int(allowed) - 1)] * min(1.0, allowed)


def fitted_strong(confidences: Sequence[float], answers: Sequence[bool], default: float) -> float:
    """The least confidence from which on `STRONG_PRECISION` of the questions are right; `default` where none is."""
    pairs = sorted(zip(confidences, answers, strict=True), key=lambda pair: -pair[0])
    best: float | None = None
    right = 0
    for count, (confidence, is_right) in enumerate(pairs, start=1):
        right += is_right
        # One more that is wrong is assumed, so that a lucky first few do not decide.
        if right / (count + 1) >= STRONG_PRECISION:
            best = confidence
    return default if best is None else best
