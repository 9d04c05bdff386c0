"""How signals become a confidence: a logistic function, with where it refuses, quotes, and calls itself high or medium.

The built-in ones were fitted by benchmarks/confidence.py. What the team's own questions taught is kept beside the index
(`calibration.json`), not in it: a new ingest does not forget it. Made by `rag.evaluation.evaluate`.
"""

import json
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import IngestError
from rag.events import Level

FILE = "calibration.json"
FORMAT = 3
WORD_SIGNALS, DENSE_SIGNALS = 5, 7
"""How many signals `rag.retrieval.confidence` reads, by words alone and with embeddings."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic function of the signals of `rag.retrieval.confidence`, in their order, and the confidences that mean
    something.

    Below `floor` a search is refused, from `strong` on it is quoted without a model; `high` and `medium` begin the
    levels.
    """

    weights: tuple[float, ...]
    bias: float
    floor: float
    strong: float
    high: float
    medium: float
    with_dense: bool
    questions: int = 0
    made_at: float = 0.0
    format: int = FORMAT

    def confidence(self, signals: Sequence[float]) -> float:
        """From 0 to 1."""
        value = self.bias + sum(weight * signal for weight, signal in zip(self.weights, signals, strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))

    def level(self, confidence: float) -> Level:
        """A confidence in words."""
        return "high" if confidence >= self.high else "medium" if confidence >= self.medium else "low"


WORDS = Calibration((4.6, 1.3, -1.3, 2.5, 2.6), -4.7, floor=0.0, strong=0.85, high=0.8, medium=0.5, with_dense=False)
DENSE = Calibration(
    (3.0, 1.8, -0.7, 0.0, 2.2, 0.75, 0.35), -5.4, floor=0.0, strong=0.85, high=0.8, medium=0.5, with_dense=True
)


def built_in(with_dense: bool) -> Calibration:
    """The one that serves until the team makes its own. Its floor is not in it
    (`rag.retrieval.confidence.is_below_floor`)."""
    return DENSE if with_dense else WORDS


def read_calibration(index_dir: Path) -> Calibration | None:
    """The calibration; None when there is none, or it is another version's, which the log says."""
    try:
        content = json.loads((index_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    try:
        calibration = Calibration(**{**content, "weights": tuple(map(float, content["weights"]))})
    except (TypeError, KeyError, ValueError, AttributeError):
        calibration = None
    if calibration is None or calibration.format != FORMAT or len(calibration.weights) != _wanted(calibration):
        logger.warning("%s is of another version and not used; make it anew: feishu-rag eval --calibrate", FILE)
        return None
    return calibration


def _wanted(calibration: Calibration) -> int:
    return DENSE_SIGNALS if calibration.with_dense else WORD_SIGNALS


def write_calibration(index_dir: Path, calibration: Calibration) -> Path:
    """Replace the file at once. Raises IngestError."""
    file = index_dir / FILE
    try:
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(calibration), indent=1), encoding="utf-8")
        os.replace(draft, file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise IngestError(f"{file} cannot be written ({reason}); set RAG__INDEX_DIR") from error
    return file
