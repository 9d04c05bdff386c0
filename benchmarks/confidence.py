"""The built-in confidence and the floor: fitted on one half of the questions, judged on the other.

    python benchmarks/confidence.py            words only, then with real multilingual-e5-small (extra `bench`)
    python benchmarks/confidence.py --words --quick

Every set's own questions and those of other corpora are searched in an index of its documents. **The confidence** (that
a passage that answers is in front of the model) is fitted on the half `tune`; weights, AUROC, Brier score and bins of
both the fit and what `rag.index.calibration` ships are printed for `test`. **The floor**: what the shipped rule and its
neighbours refuse of each set's own questions, which costs an answer, and of foreign ones, which saves a call of the
model; then, for every set, the strictest rule that the other sets alone would have chosen, and what it does here.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._measures import auroc, brier, reliability, told
from benchmarks._modes import modes, overrides_of, parser_of
from benchmarks._overrides import Overrides
from benchmarks._searched import Rule, Searched, comparable, confidences, fitted, refused, searches_of, strictest
from benchmarks._sets import HALVES, Size, read_sets, retriever_of
from rag.evaluation.fitting import fitted_floor
from rag.index.calibration import Calibration, built_in
from rag.retrieval.confidence import AT_HOME, STRANGE_RISE, Signals, is_below_floor
from rag.settings import RetrievalSettings

FULL, QUICK = Size(400, None, 200), Size(80, 150, 80)
WORDS, RISES = (0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.22), (0.0, 1.5, 2.5, 3.5, 4.75)
STANDINGS, MATCHES = (1.0, 1.25, 1.5, 1.75, 2.0), (0.3, 0.4, 0.5, 0.6)
MOST_OWN = 0.005
"""The share of each set's own questions whose passage was found that a floor may refuse."""
BINS = 10


def gathered(arguments: argparse.Namespace, mode: str, embedding: Overrides) -> list[Searched]:
    """The searches of all chosen sets."""
    size = QUICK if arguments.quick else FULL
    sets = read_sets(size)
    rows: list[Searched] = []
    for name, questions in sets.items():
        if arguments.sets and name not in arguments.sets:
            continue
        started = time.monotonic()
        with retriever_of(questions, embedding, overrides_of(arguments)) as retriever:
            found = searches_of(retriever, questions, sets, size.foreign)
        seconds = time.monotonic() - started
        print(f"{mode}, {name}: {len(found)} questions, {seconds:.0f} s, load average {os.getloadavg()[0]:.1f}")
        sys.stdout.flush()
        rows += found
    return rows


def print_confidence(rows: Sequence[Searched]) -> None:
    """The shipped confidence and the fit of the first half, on the second."""
    rows = comparable(rows)
    tune, test = ([row for row in rows if row.half == half] for half in HALVES)
    if not tune or not test:
        return
    shipped = built_in(tune[0].signals.has_dense)
    measures = {"shipped": shipped, "fitted": fitted(tune, [row.is_found for row in tune])}
    for label, measure in measures.items():
        weights = ", ".join(f"{weight:.2f}" for weight in measure.weights)
        print(f"\n{label}: weights {weights}; bias {measure.bias:.2f}")
    print("\n| | questions | found | " + " | ".join(f"{each}: AUROC | own alone | Brier" for each in measures) + " |")
    print("|---|---|---|" + "---|" * 3 * len(measures))
    for name in ("all, tune", "all", *dict.fromkeys(row.set for row in test)):
        part = tune if name == "all, tune" else [row for row in test if name in ("all", row.set)]
        figures = [told(figure) for measure in measures.values() for figure in judged(measure, part)]
        found = sum(row.is_found for row in part)
        print(f"| {name} | {len(part)} | {found} | {' | '.join(figures)} |")
    for label, measure in measures.items():
        print(f"\n{label}, bins on test:")
        for each in reliability(confidences(measure, test), [row.is_found for row in test], bins=BINS):
            said = f"{each.count:4} questions, said {each.confidence:.2f}, so {each.right:.2f}"
            print(f"  {each.low:.1f}–{each.high:.1f}: {said}")


def judged(measure: Calibration, rows: Sequence[Searched]) -> tuple[float | None, float | None, float | None]:
    """AUROC over all questions and over the set's own alone, and the Brier score."""
    own = [row for row in rows if row.kind == "own"]
    together = confidences(measure, rows), [row.is_found for row in rows]
    return auroc(*together), auroc(confidences(measure, own), [row.is_found for row in own]), brier(*together)


def rules(with_dense: bool) -> dict[str, Rule]:
    """The shipped floor first, then its neighbours, by name."""
    shipped = RetrievalSettings()
    if not with_dense:
        chosen = [(each, rise) for rise in RISES for each in WORDS]
        return {
            f"match < {floor}, rising {rise}": _rule(shipped.model_copy(update={"floor_words": floor / AT_HOME}), rise)
            for floor, rise in ((round(shipped.floor_words * AT_HOME, 3), STRANGE_RISE), *chosen)
        }
    grid = [
        shipped.model_copy(update={"floor_standing": standing, "floor_match": match})
        for match in MATCHES
        for standing in STANDINGS
    ]
    return {f"standing < {each.floor_standing}, match < {each.floor_match}": _rule(each) for each in (shipped, *grid)}


def _rule(settings: RetrievalSettings, rise: float = STRANGE_RISE) -> Rule:
    def refuses(signals: Signals) -> bool:
        strange = signals.strangeness * rise / STRANGE_RISE
        return is_below_floor(replace(signals, strangeness=strange), settings)

    return refuses


def print_floor(rows: Sequence[Searched]) -> None:
    """What each rule refuses, and whether it would have been chosen without the set that it is judged on."""
    with_dense = comparable(rows)[0].signals.has_dense
    every, sets = rules(with_dense), list(dict.fromkeys(row.set for row in rows))
    print("\nRefused by the floor, own / foreign (the first line is shipped):\n")
    print(f"| | {' | '.join(sets)} | missing | other |\n|---|{'---|' * (len(sets) + 2)}")
    for name, rule in every.items():
        cells = [_own_and_foreign(rule, [row for row in rows if row.set == each]) for each in sets]
        cells += [told(refused(rule, rows, "missing")), told(refused(rule, rows, "other"))]
        print(f"| {name} | {' | '.join(cells)} |")
    if len(sets) < 2:
        return
    print(
        f"\nChosen on the other sets (at most {MOST_OWN:.1%} of each one's own that were found), "
        "own / foreign of the one left out:\n"
    )
    print("| left out | rule | does | confidence, floor | does |\n|---|---|---|---|---|")
    for left_out in sets:
        others, part = [row for row in rows if row.set != left_out], [row for row in rows if row.set == left_out]
        chosen = strictest(every, [row for row in others if row.kind != "own" or row.is_found], MOST_OWN)
        measure = learnt_floor(comparable(others))
        by_confidence = _below(measure)
        print(
            f"| {left_out} | {chosen} | {_own_and_foreign(every[chosen], part)} | {measure.floor:.3f} "
            f"| {_own_and_foreign(by_confidence, comparable(part))} |"
        )


def learnt_floor(rows: Sequence[Searched]) -> Calibration:
    """As `eval --calibrate` would make it of own and foreign questions."""
    own = [row.kind == "own" for row in rows]
    measure = fitted(rows, own)
    return replace(measure, floor=fitted_floor(confidences(measure, rows), own))


def _below(measure: Calibration) -> Rule:
    def is_below(signals: Signals) -> bool:
        return measure.confidence(signals.values) < measure.floor

    return is_below


def _own_and_foreign(rule: Rule, rows: Sequence[Searched]) -> str:
    return f"{told(refused(rule, rows, 'own'))} / {told(refused(rule, rows, 'foreign'))}"


def main() -> None:
    arguments = parser_of(__doc__).parse_args()
    for mode, embedding in modes(arguments):
        print(f"\n## {mode}\n")
        rows = gathered(arguments, mode, embedding)
        print_confidence(rows)
        print_floor(rows)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
