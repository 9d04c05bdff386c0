"""How well questions are answered and refused: measured on the team's own cases, kept, and compared with the last time.

Hit rates, MRR and nDCG count passages as the model gets them. What the search says of each question has three classes
(`rag.retrieval.confidence.Evidence`): refused by the floor, weak (a model decides), strong (enough without one).
Refusal precision is the share of the floor's refusals that were right, recall the share of unanswerable questions that
it refused. The confidence is held against what it foretells: that a right passage is in front of the model.
"""

import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args

from rag.errors import IngestError
from rag.evaluation.dataset import Case, Cases
from rag.evaluation.reliability import Bin, brier, reliability
from rag.index.calibration import Calibration, built_in, write_calibration
from rag.knowledge_base import KnowledgeBase
from rag.private_files import make_private_folder
from rag.retrieval.confidence import Evidence
from rag.retrieval.retriever import SearchResult
from rag.scope import Scope

DEPTHS = (1, 5, 10)
LEAST_FOR_CALIBRATION = 5
FOLDER = "evaluations"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case and what became of it: the ranks of right passages, from 1."""

    case: Case
    finding: SearchResult
    seconds: float

    @property
    def ranks(self) -> list[int]:
        return [at for at, passage in enumerate(self.finding.passages, start=1) if self.case.is_right(passage)]

    def is_in_front(self, passages: int) -> bool | None:
        """Whether a right passage is among the first ones; None where nobody can tell."""
        if self.case.answerable is False:
            return False
        return any(rank <= passages for rank in self.ranks) if self.case.has_target else None


@dataclass(frozen=True, slots=True)
class EvidenceCounts:
    """Questions of which the search says the same: how many the documents answer, for how many of these a right passage
    is in front of the model, and how many they do not answer."""

    answerable: int
    in_front: int
    unanswerable: int


@dataclass(frozen=True, slots=True)
class Report:
    """Rates from 0 to 1; None where no case allows one, or where an earlier version did not measure it. Times in ms.
    `answered` is what the floor lets through, `weak` and `strong` together."""

    name: str
    made_at: float
    questions: int
    unanswerable: int
    hit_at_1: float | None
    hit_at_5: float | None
    hit_at_10: float | None
    mrr: float | None
    ndcg_at_10: float | None
    answered: float
    refusal_precision: float | None
    refusal_recall: float | None
    p50_ms: float
    p95_ms: float
    weak: float | None = None
    strong: float | None = None
    brier: float | None = None
    reliability: tuple[Bin, ...] = ()
    is_calibrated: bool = False
    classes: dict[Evidence, EvidenceCounts] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    wrongly_refused: tuple[str, ...] = ()
    wrongly_answered: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()


async def evaluate(
    library: KnowledgeBase, cases: Cases, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Outcome]:
    """Search for every question, one after the other. Raises RagError."""
    outcomes = []
    for done, case in enumerate(cases.cases):
        progress(done, len(cases.cases))
        started_at = time.perf_counter()
        finding = await library.search(case.question, Scope(case.collections))
        outcomes.append(Outcome(case, finding, time.perf_counter() - started_at))
    progress(len(cases.cases), len(cases.cases))
    return outcomes


def report(name: str, outcomes: Sequence[Outcome], *, in_front: int = DEPTHS[-1]) -> Report:
    """The figures. `in_front` is how many passages the model gets."""
    aimed = [outcome for outcome in outcomes if outcome.case.has_target]
    judged = [outcome for outcome in outcomes if outcome.case.answerable is not None]
    refused = [outcome for outcome in judged if not outcome.finding.is_evidence]
    unanswerable = [outcome for outcome in judged if not outcome.case.answerable]
    rightly = sum(not outcome.case.answerable for outcome in refused)
    milliseconds = sorted(1000 * outcome.seconds for outcome in outcomes)
    classes = {evidence: _counts(judged, evidence, in_front) for evidence in get_args(Evidence)}
    known = [
        (outcome.finding.confidence, so) for outcome in judged if (so := outcome.is_in_front(in_front)) is not None
    ]
    foretold, seen = [confidence for confidence, _ in known], [so for _, so in known]
    hits = [_mean([any(rank <= depth for rank in outcome.ranks) for outcome in aimed]) for depth in DEPTHS]
    return Report(
        name=name,
        made_at=time.time(),
        questions=len(outcomes),
        unanswerable=len(unanswerable),
        hit_at_1=hits[0],
        hit_at_5=hits[1],
        hit_at_10=hits[2],
        mrr=_mean([1 / min(outcome.ranks) if outcome.ranks else 0.0 for outcome in aimed]),
        ndcg_at_10=_mean([_ndcg(outcome) for outcome in aimed]),
        answered=1 - len(refused) / len(judged) if judged else 0.0,
        refusal_precision=rightly / len(refused) if refused else None,
        refusal_recall=rightly / len(unanswerable) if unanswerable else None,
        weak=_share(judged, "weak"),
        strong=_share(judged, "strong"),
        brier=brier(foretold, seen),
        reliability=reliability(foretold, seen),
        is_calibrated=any(outcome.finding.is_calibrated for outcome in judged),
        classes=classes,
        p50_ms=statistics.median(milliseconds),
        p95_ms=milliseconds[min(len(milliseconds) - 1, int(0.95 * len(milliseconds)))],
        missed=tuple(outcome.case.question for outcome in aimed if not outcome.ranks),
        wrongly_refused=tuple(outcome.case.question for outcome in refused if outcome.case.answerable),
        wrongly_answered=tuple(
            outcome.case.question for outcome in unanswerable if outcome.finding.evidence == "strong"
        ),
        unjudged=tuple(outcome.case.question for outcome in outcomes if outcome.case.answerable is None),
    )


def calibrate(outcomes: Sequence[Outcome]) -> Calibration:
    """The weights and threshold by which these outcomes are best told apart. Raises IngestError for too few."""
    from rag.evaluation.fitting import HIGH, MEDIUM, fit_logistic, fitted_floor, fitted_strong

    read = [
        (outcome.finding.signals, bool(outcome.case.answerable))
        for outcome in outcomes
        if outcome.case.answerable is not None and outcome.finding.signals is not None
    ]
    answers = [answer for _, answer in read]
    fewest = min(sum(answers), len(answers) - sum(answers))
    if fewest < LEAST_FOR_CALIBRATION:
        raise IngestError(
            f"To calibrate, give at least {LEAST_FOR_CALIBRATION} questions that the documents answer and as many that "
            f'they do not ("answerable": false); there are {sum(answers)} and {len(answers) - sum(answers)}'
        )
    with_dense = sum(found.has_dense for found, _ in read) * 2 > len(read)
    kept = [(found.values, answer) for found, answer in read if found.has_dense == with_dense]
    rows, answers = [values for values, _ in kept], [answer for _, answer in kept]
    before = built_in(with_dense)
    weights, bias = fit_logistic(rows, answers, towards=before.weights, bias=before.bias)
    fitted = replace(before, weights=weights, bias=bias, questions=len(rows), made_at=time.time())
    confidences = [fitted.confidence(row) for row in rows]
    return replace(
        fitted,
        floor=fitted_floor(confidences, answers),
        strong=fitted_strong(confidences, answers, before.strong),
        high=HIGH,
        medium=MEDIUM,
    )


def keep_calibration(index_dir: Path, calibration: Calibration) -> Path:
    """Running bots take it up with their next question."""
    return write_calibration(index_dir, calibration)


def save(index_dir: Path, made: Report) -> tuple[Path, Report | None]:
    """Write the report beside the index; gives its file, and the last report of the same cases when there is one."""
    folder = index_dir / FOLDER
    earlier = sorted(folder.glob(f"{_safe(made.name)}-*.json"))
    before = _read(earlier[-1]) if earlier else None
    file = folder / f"{_safe(made.name)}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(made.made_at))}.json"
    try:
        make_private_folder(folder)
        file.write_text(json.dumps(asdict(made), ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise IngestError(f"{file} cannot be written ({error.strerror}); set RAG__INDEX_DIR") from error
    return file, before


def _read(file: Path) -> Report | None:
    """A saved report, also an earlier version's: what it does not have is not known of it."""
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
        bins = tuple(Bin(**row) for row in saved.get("reliability", ()))
        counts = {name: EvidenceCounts(**row) for name, row in saved.get("classes", {}).items()}
        known = {each.name: _frozen(saved[each.name]) for each in fields(Report) if each.name in saved}
        return Report(**{**known, "reliability": bins, "classes": counts})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _counts(judged: Sequence[Outcome], evidence: Evidence, in_front: int) -> EvidenceCounts:
    members = [outcome for outcome in judged if outcome.finding.evidence == evidence]
    return EvidenceCounts(
        answerable=sum(bool(outcome.case.answerable) for outcome in members),
        in_front=sum(bool(outcome.is_in_front(in_front)) for outcome in members),
        unanswerable=sum(not outcome.case.answerable for outcome in members),
    )


def _share(judged: Sequence[Outcome], evidence: Evidence) -> float | None:
    return _mean([outcome.finding.evidence == evidence for outcome in judged])


def _ndcg(outcome: Outcome) -> float:
    ranks = [rank for rank in outcome.ranks if rank <= 10]
    wanted = min(max(len(outcome.case.sources), len(ranks), 1), 10)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, wanted + 1))
    return sum(1 / math.log2(rank + 1) for rank in ranks) / ideal


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _safe(name: str) -> str:
    return "".join(character if character.isalnum() or character in "._-" else "_" for character in name)[:80]
