"""A logistic function fitted to signals: Newton's method with a little ridge, a few hundred questions are enough."""

from collections.abc import Sequence

import numpy as np

RIDGE = 1.0
STEPS = 50


def fit_logistic(rows: Sequence[Sequence[float]], answers: Sequence[bool]) -> tuple[tuple[float, ...], float]:
    """Weights for the raw signals, and the bias. Signals that never vary get no weight."""
    x = np.asarray(rows, dtype=np.float64)
    y = np.asarray(answers, dtype=np.float64)
    mean, scale = x.mean(axis=0), x.std(axis=0)
    varies = scale > 1e-9
    scaled = np.where(varies, (x - mean) / np.where(varies, scale, 1.0), 0.0)
    design = np.hstack([scaled, np.ones((len(x), 1))])
    ridge = np.diag([RIDGE] * x.shape[1] + [1e-6])
    solution = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ solution, -30, 30)))
        gradient = design.T @ (p - y) + ridge @ solution
        hessian = (design * (p * (1 - p))[:, None]).T @ design + ridge
        step = np.linalg.solve(hessian, gradient)
        solution -= step
        if np.abs(step).max() < 1e-8:
            break
    weights = np.where(varies, solution[:-1] / np.where(varies, scale, 1.0), 0.0)
    return tuple(float(value) for value in weights), float(solution[-1] - (weights * mean).sum())


def best_threshold(confidences: Sequence[float], answers: Sequence[bool]) -> float:
    """The confidence from which answering is best: by the mean of the F1 of answers and the F1 of refusals.

    (By that of answers alone, answering everything wins wherever the signals are weak.) It lies between two confidences
    that occur, so that neither is on the edge.
    """
    pairs = sorted(zip(confidences, answers, strict=True), key=lambda pair: -pair[0])
    wanted, unwanted = sum(answers), len(answers) - sum(answers)
    best, threshold, right = -1.0, 0.5, 0
    for count, (confidence, is_right) in enumerate(pairs, start=1):
        right += is_right
        refused = len(pairs) - count
        rightly = unwanted - (count - right)
        score = 2 * right / (count + wanted) + (2 * rightly / (refused + unwanted) if refused + unwanted else 0.0)
        if score > best and (count == len(pairs) or pairs[count][0] < confidence):
            following = pairs[count][0] if count < len(pairs) else 0.0
            best, threshold = score, (confidence + following) / 2
    return threshold
