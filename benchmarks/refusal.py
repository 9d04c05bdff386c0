"""Refusal, measured: for half of the questions the passages that answer are taken out of the corpus.

    python benchmarks/refusal.py

Confidence is calibrated on one half of the questions and judged on the other. Precision, recall and F1 are printed for
both classes, answering and refusing, and the mean of the two F1s (macro-F1). A floor refuses what is hopeless and
leaves the rest to the model, so its recall of refusals is low by intention, its precision should not be. Always
answering is the line to beat; "confidence ≥ 0.5" is what a gate would do; "gold in first five" is a judge that sees
whether the search found a right passage: what no confidence made of the search can better. Sets are read from
SHARED_DIR, or from ../shared beside the repository; without them this is skipped. Words only.
"""

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._measures import auroc
from rag.evaluation.dataset import Cases, read_cases
from rag.evaluation.evaluate import Outcome, calibrate, evaluate
from rag.evaluation.trial import build_trial
from rag.index.calibration import Calibration
from rag.knowledge_base import KnowledgeBase
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[2] / "shared")) / "data"
SETS = ("zh-cmrc2018-dev", "zh-stard-train")
GATE = 0.5


def halved(cases: Cases) -> Cases:
    """Every question's right passages are taken out for a random half of them, and for others that share those."""
    rng = random.Random(0)
    gone: set[str] = set()
    chosen = rng.sample(cases.cases, len(cases.cases))
    for case in chosen:
        without = sum(not each.sources - gone for each in cases.cases) if len(gone) % 25 == 0 else 0
        if without * 2 >= len(cases.cases):
            break
        gone |= case.sources
    kept = tuple(document for document in cases.documents or () if document.source not in gone)
    judged = [replace(case, sources=case.sources - gone, answerable=bool(case.sources - gone)) for case in cases.cases]
    return Cases(cases.name, tuple(judged), kept)


async def outcomes_of(cases: Cases) -> list[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        settings = RagSettings(
            knowledge=[],
            index_dir=Path(folder),
            embedding=EmbeddingSettings(provider="none"),
            llm=LlmSettings(provider="extractive"),
        )
        await asyncio.to_thread(build_trial, settings, cases.documents or ())
        library = await KnowledgeBase.open(settings)
        try:
            return await evaluate(library, cases)
        finally:
            await library.aclose()


def rates(chosen: Sequence[bool], right: Sequence[bool]) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    both = sum(a and r for a, r in zip(chosen, right, strict=True))
    precision, recall = both / max(1, sum(chosen)), both / max(1, sum(right))
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0


def confidences(outcomes: Sequence[Outcome], calibration: Calibration) -> list[float]:
    return [
        calibration.confidence(outcome.finding.signals.values) if outcome.finding.signals is not None else 0.0
        for outcome in outcomes
    ]


def measure(name: str) -> None:
    cases = halved(read_cases(SHARED / name))
    outcomes = asyncio.run(outcomes_of(cases))
    order = random.Random(1).sample(range(len(outcomes)), len(outcomes))
    half = len(order) // 2
    learn, test = [outcomes[at] for at in order[:half]], [outcomes[at] for at in order[half:]]
    right = [bool(outcome.case.answerable) for outcome in test]
    calibration = calibrate(learn)
    calibrated = confidences(test, calibration)
    plain = [outcome.finding.confidence for outcome in test]
    found = [bool(outcome.case.answerable) and any(rank <= 5 for rank in outcome.ranks) for outcome in test]
    print(f"{name}: calibrated on {len(learn)}, judged on {len(test)} questions, {sum(right)} of them answerable")
    print(f"  {'':19}{'answers P     R    F1':>22}{'refusals P     R    F1':>24}{'macro-F1':>10}{'AUROC':>7}")
    for label, answered, scores in (
        ("always answer", [True] * len(test), [1.0] * len(test)),
        ("floor", [outcome.finding.is_evidence for outcome in test], plain),
        ("calibrated floor", [value >= calibration.floor for value in calibrated], calibrated),
        ("confidence ≥ 0.5", [value >= GATE for value in calibrated], calibrated),
        ("gold in first five", found, list(map(float, found))),
    ):
        answers = rates(answered, right)
        refusals = rates([not each for each in answered], [not each for each in right])
        figures = "".join(f"{value:6.3f}" for value in answers) + "      " + "".join(f"{v:6.3f}" for v in refusals)
        print(f"  {label:19}    {figures}{(answers[2] + refusals[2]) / 2:10.3f}{auroc(scores, right) or 0:7.3f}")


def main() -> None:
    for name in SETS:
        if (SHARED / name).is_dir():
            measure(name)
        else:
            print(f"{name}: skipped, shared/data/{name} is not there (set SHARED_DIR)")


if __name__ == "__main__":
    main()
