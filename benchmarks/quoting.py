"""Answers without a model: what each rule of `rag.generation.sentence_selection` is worth, and when a quotation may be
called an answer.

    python benchmarks/quoting.py                      words only, then with real multilingual-e5-small (extra `bench`)
    python benchmarks/quoting.py --words --sets everyday

Asked are the everyday questions on the sample handbook and, where SHARED_DIR has it, zh-cmrc2018-dev: sets that say
which words a right answer holds. **The rules**: each is taken out in turn; of the questions that have a passage that
answers among those found, how many are quoted rightly, and how long quotations are. **The probability** that a
quotation answers (`rag.generation.extractive`) is fitted on one half of all questions, those that nothing answers among
them, and judged on the other at the level from which it is called an answer: what is then called one, and what of that
is right. Sentences are embedded, too, so that of the shared set a small part is used with e5.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._measures import Share, told
from benchmarks._modes import modes, overrides_of, parser_of
from benchmarks._overrides import Overrides, replaced
from benchmarks._quoted import Fit, Quoted, fit_of, found_of, presented, quoted, shipped_fit
from benchmarks._sets import HALVES, Size, read_sets, retriever_of
from rag.generation.extractive import SURE
from rag.generation.sentence_selection import MAX_ITEMS, Nearness
from rag.generation.sentence_similarity import SentenceNearness
from rag.retrieval.retriever import Retriever

SETS = ("everyday", "zh-cmrc2018-dev")
FULL, QUICK, QUICK_E5 = Size(400, None, 200), Size(120, 330, 120), Size(40, 60, 40)
LEVELS = (0.75, 0.8, SURE, 0.9)
WITHOUT: dict[str, dict[str, Any]] = {
    "figures where one is asked for": {"FIGURE_BONUS": 0.0},
    "less for the other language": {"OTHER_LANGUAGE": 1.0},
    "less for a question": {"QUESTION_SHARE": 1.0},
    "less for code": {"CODE_SHARE": 1.0},
    "lists, steps and rows whole": {"_list_around": lambda *_: []},
    "  the list that is announced": {"_announced": lambda _: []},
    "  only the rows asked for": {"_rows_asked_for": lambda table, *_: table[:MAX_ITEMS]},
    "a second sentence": {"_second": lambda *_: None},
}
"""A rule of `rag.generation.sentence_selection`, and what its names are without it."""
MEANING: dict[str, dict[str, Any]] = {
    "meaning": {"_by_meaning": lambda _question, ranked, _nearness: ranked},
    "meaning at half its weight": {"MEANING_WEIGHT": 0.075},
    "meaning at twice its weight": {"MEANING_WEIGHT": 0.3},
}


def variants(with_dense: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """All the rules, then all but one at a time, as full names and values."""
    yield "all rules", {}
    for label, values in (WITHOUT | MEANING if with_dense else WITHOUT).items():
        prefix = "" if label.startswith("meaning at") else "without "
        yield (
            prefix + label.strip(),
            {f"rag.generation.sentence_selection.{name}": value for name, value in values.items()},
        )


def size_of(mode: str, *, quick: bool) -> Size:
    """How much of a shared set is used."""
    if mode == "words":
        return QUICK if quick else FULL
    return QUICK_E5


def measured(
    arguments: argparse.Namespace, mode: str, embedding: Overrides
) -> tuple[dict[str, list[Quoted]], list[Quoted]]:
    """By variant what is quoted for questions that have a passage that answers in front of them, and what the shipped
    rules quote for all."""
    size = size_of(mode, quick=arguments.quick)
    sets = read_sets(size, SETS)
    by_variant: dict[str, list[Quoted]] = {}
    every: list[Quoted] = []
    for name, questions in sets.items():
        if arguments.sets and name not in arguments.sets:
            continue
        started = time.monotonic()
        with retriever_of(questions, embedding, overrides_of(arguments)) as retriever:
            nearness = _nearness_of(retriever)
            found = found_of(retriever, questions, sets, size.foreign)
            every += [quoted(retriever, nearness, each) for each in found if each.finding.evidence != "none"]
            for label, values in variants(nearness is not None):
                with replaced(values):
                    by_variant.setdefault(label, []).extend(
                        quoted(retriever, nearness, each) for each in found if each.has_right
                    )
        seconds = time.monotonic() - started
        print(f"{mode}, {name}: {len(found)} questions, {seconds:.0f} s, load average {os.getloadavg()[0]:.1f}")
        sys.stdout.flush()
    return by_variant, every


def _nearness_of(retriever: Retriever) -> Nearness | None:
    return None if retriever.embedder is None else SentenceNearness(retriever.embedder)


def print_rules(by_variant: dict[str, list[Quoted]]) -> None:
    """One line a variant: right quotations by set and half, against those with all rules, and their length."""
    rows = by_variant["all rules"]
    columns = list(dict.fromkeys((row.found.set, half) for row in rows for half in HALVES))
    print("\nRight quotations of questions with a right passage, and characters a quotation:\n")
    print(f"| | {' | '.join(f'{name}, {half}' for name, half in columns)} | characters |")
    print(f"|---|{'---|' * (len(columns) + 1)}")
    for label, made in by_variant.items():
        shares = [
            Share.of([row.is_right for row in made if (row.found.set, row.found.half) == column]) for column in columns
        ]
        length = sum(len(row.text) for row in made) / max(1, len(made))
        print(f"| {label} | {' | '.join(map(told, shares))} | {length:.0f} |")


def print_probability(rows: Sequence[Quoted]) -> None:
    """The shipped weights, and those fitted on each half, on the other."""
    rows = comparable(rows)
    for half, other in (HALVES, HALVES[::-1]):
        tune, test = ([row for row in rows if row.found.half == each] for each in (half, other))
        if tune and test:
            print(f"\nFitted on {half}, judged on {other}: of what nothing answers, how much is called an answer\n")
            sets = list(dict.fromkeys(row.found.set for row in test))
            print(f"| | from | {' | '.join(f'{name}: answered | right | not there' for name in sets)} |")
            print(f"|---|---|{'---|' * 3 * len(sets)}")
            for label, fit in (("shipped", shipped_fit(test)), ("fitted", fit_of(tune))):
                print_levels(f"{label}: {weights_told(fit)}", fit, test, sets)
    if rows:
        print(f"\nFitted on all: {weights_told(fit_of(rows))}")


def print_levels(label: str, fit: Fit, rows: Sequence[Quoted], sets: Sequence[str]) -> None:
    """At each level and for each set: the share of answerable questions that are answered, of these answers the right
    ones, and the share of the others that are answered all the same."""
    for level in LEVELS:
        cells: list[str] = []
        for name in sets:
            part = [row for row in rows if row.found.set == name]
            cells += map(told, presented(fit, part, level))
        print(f"| {label} | {level} | {' | '.join(cells)} |")


def weights_told(fit: Fit) -> str:
    """For a table."""
    return f"{', '.join(f'{weight:.2f}' for weight in fit.weights)}; {fit.bias:.2f}"


def comparable(rows: Sequence[Quoted]) -> list[Quoted]:
    """Those that were searched in the same way as most: a dense leg that is not heard leaves words alone."""
    most = max((len(row.readings) for row in rows), default=0)
    return [row for row in rows if len(row.readings) == most]


def main() -> None:
    arguments = parser_of(__doc__).parse_args()
    for mode, embedding in modes(arguments):
        print(f"\n## {mode}\n")
        by_variant, every = measured(arguments, mode, embedding)
        if by_variant:
            print_rules(by_variant)
            print_probability(every)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
