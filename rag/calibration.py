"""What the team's own questions taught about confidence: the weights of the signals and the threshold, in one file.

Kept beside the index (`calibration.json`), not in it: a new ingest does not forget it. Made by `rag.evaluation`.
"""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import IngestError

FILE = "calibration.json"
FORMAT = 1
SIGNALS = 7
"""How many signals `rag.evidence` reads."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic function of the signals of `rag.evidence`, in their order, and the confidence that is enough."""

    weights: tuple[float, ...]
    bias: float
    threshold: float
    with_dense: bool
    questions: int
    made_at: float
    format: int = FORMAT

    def confidence(self, signals: Sequence[float]) -> float:
        """From 0 to 1."""
        value = self.bias + sum(weight * signal for weight, signal in zip(self.weights, signals, strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def read_calibration(index_dir: Path) -> Calibration | None:
    """The calibration; None when there is none, or it is another version's."""
    try:
        content = json.loads((index_dir / FILE).read_text(encoding="utf-8"))
        calibration = Calibration(**{**content, "weights": tuple(map(float, content["weights"]))})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return calibration if calibration.format == FORMAT and len(calibration.weights) == SIGNALS else None


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
