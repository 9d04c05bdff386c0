"""Refusal, measured: for half of the questions the passages that answer are taken out of the corpus.

    python benchmarks/refusal.py

Confidence is calibrated on one half of the questions and judged on the other. "Positive" is a question that the corpus
answers; always answering is the line to beat. Sets are read from SHARED_DIR, or from ../shared beside the repository;
without them this is skipped. Words only: no model that reads Chinese is to be had here.
"""

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rag.calibration import Calibration
from rag.cases import Cases, read_cases
from rag.evaluation import Outcome, calibrate, evaluate
from rag.library import Library
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings
from rag.trial import build_trial

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[2] / "shared")) / "data"
SETS = ("zh-cmrc2018-dev", "zh-stard-train")


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
        library = await Library.open(settings)
        try:
            return await evaluate(library, cases)
        finally:
            await library.aclose()


def rates(answered: Sequence[bool], right: Sequence[bool]) -> str:
    both = sum(a and r for a, r in zip(answered, right, strict=True))
    precision, recall = both / max(1, sum(answered)), both / max(1, sum(right))
    f1 = 2 * precision * recall / (precision + recall) if both else 0.0
    return f"precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}"


def judged(outcomes: Sequence[Outcome], calibration: Calibration | None) -> list[bool]:
    if calibration is None:
        return [outcome.finding.is_evidence for outcome in outcomes]
    return [
        outcome.finding.signals is not None
        and calibration.confidence(astuple(outcome.finding.signals)) >= calibration.threshold
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
    print(f"{name}: calibrated on {len(learn)}, judged on {len(test)} questions, {sum(right)} of them answerable")
    for label, answered in (
        ("always answer", [True] * len(test)),
        ("default rule", judged(test, None)),
        ("calibrated", judged(test, calibration)),
    ):
        print(f"  answers, {label:14}{rates(answered, right)}")
        if not all(answered):
            refused, wrong = [not each for each in answered], [not each for each in right]
            print(f"  refuses, {label:14}{rates(refused, wrong)}")


def main() -> None:
    for name in SETS:
        if (SHARED / name).is_dir():
            measure(name)
        else:
            print(f"{name}: skipped, shared/data/{name} is not there (set SHARED_DIR)")


if __name__ == "__main__":
    main()
