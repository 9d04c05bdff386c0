"""Answers, measured: what comes before the model, what is refused, and whether what is said is right.

    python benchmarks/answers.py                  words only, then with real multilingual-e5-small (extra `bench`)
    python benchmarks/answers.py --words --sets everyday
    python benchmarks/answers.py --e5 --set rag.retrieval.passages=8 --json FILE

Asked are the everyday questions on the sample handbook (benchmarks/data; halves `tune` to choose by and `test` to
report) and the sets of SHARED_DIR, or of ../shared beside the repository, that are there. Every question is searched
for, put to a scripted model that obeys (it quotes the first passage that answers, or refuses), and answered without a
model. Questions that the documents do not answer, and those of other corpora, should be refused. `--set` overrides
settings, so that variants can be compared.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks._asking import OUTCOMES, Asked, Item, QuestionSet, asked, searched  # noqa: E402 - beside this one
from benchmarks._measures import Share, auroc, brier, reliability, told  # noqa: E402
from benchmarks._modes import modes, overrides_of, parser_of  # noqa: E402
from benchmarks._overrides import Overrides, settings_for  # noqa: E402
from benchmarks._sets import Size, build, foreign_to, read_sets  # noqa: E402
from rag.knowledge_base import KnowledgeBase  # noqa: E402
from tests.support.model_server import ModelServer, running  # noqa: E402

FULL, QUICK = Size(400, None, 200), Size(100, 400, 60)
Figure = Callable[[Sequence[Asked]], Share | float | None]


async def measured(
    questions: QuestionSet, foreign: Sequence[Item], embedding: Overrides, server: ModelServer, overrides: Overrides
) -> tuple[list[Asked], list[Asked]]:
    """What became of the set's own questions, and of those of other corpora."""
    with tempfile.TemporaryDirectory() as folder:
        modelled = {"provider": "openai", "base_url": server.base_url, "model": "obedient"}
        quoting = {"provider": "extractive", "typing_pause_s": 0.0}
        both = [settings_for(Path(folder), embedding, llm, overrides) for llm in (modelled, quoting)]
        await asyncio.to_thread(build, both[0], questions)
        libraries = [await KnowledgeBase.open(settings) for settings in both]
        try:
            own = [await asked(libraries[0], libraries[1], server, item) for item in questions.items]
            others = [await searched(libraries[0], item) for item in foreign]
        finally:
            for library in libraries:
                await library.aclose()
    return own, others


def _share(counts: Callable[[Asked], bool], of: Callable[[Asked], bool]) -> Figure:
    return lambda rows: Share.of([counts(row) for row in rows if of(row)])


def _on_presented(measure: Callable[[Sequence[float], Sequence[bool]], float | None]) -> Figure:
    def figure(rows: Sequence[Asked]) -> float | None:
        told = presented(rows)
        return measure([score for score, _ in told], [is_right for _, is_right in told])

    return figure


def presented(rows: Sequence[Asked]) -> list[tuple[float, bool]]:
    """Confidence and rightness of what is shown as an answer or as the closest passages, without a model."""
    return [
        (row.confidence, row.without_model_right)
        for row in rows
        if row.confidence is not None and row.without_model != "no_evidence"
    ]


def answerable(row: Asked) -> bool:
    return row.answerable


def unanswerable(row: Asked) -> bool:
    return not row.answerable


def figures() -> list[tuple[str, Figure]]:
    """The lines of a table."""
    lines: list[tuple[str, Figure]] = [
        ("right passage in front of the model", _share(lambda row: row.is_given, answerable)),
        ("  among the passages found, refused or not", _share(lambda row: bool(row.ranks), answerable)),
        ("  hit@1", _share(lambda row: 1 in row.ranks, answerable)),
        ("  hit@5", _share(lambda row: any(rank <= 5 for rank in row.ranks), answerable)),
        ("answerable, refused by the floor", _share(lambda row: row.is_refused, answerable)),
        ("not there, refused by the floor", _share(lambda row: row.is_refused, unanswerable)),
    ]
    for outcome in OUTCOMES:
        lines.append((f"model: answerable → {outcome}", _share(_is("with_model", outcome), answerable)))
    lines.append(("model: answerable and right", _share(lambda row: row.with_model_right, answerable)))
    for outcome in OUTCOMES:
        lines.append((f"model: not there → {outcome}", _share(_is("with_model", outcome), unanswerable)))
    for outcome in OUTCOMES:
        lines.append((f"no model: answerable → {outcome}", _share(_is("without_model", outcome), answerable)))
    for outcome in OUTCOMES:
        lines.append((f"no model: not there → {outcome}", _share(_is("without_model", outcome), unanswerable)))
    for outcome in OUTCOMES[:2]:
        is_it = _is("without_model", outcome)
        lines.append((f"no model: {outcome}, right", _share(lambda row: row.without_model_right, is_it)))
        lines.append((f"  of the answerable {outcome}", _share(lambda row: row.without_model_right, _both(is_it))))
    lines.append(("no model: AUROC of the confidence", _on_presented(auroc)))
    lines.append(("no model: Brier score of the confidence", _on_presented(brier)))
    return lines


def _is(way: str, outcome: str) -> Callable[[Asked], bool]:
    return lambda row: getattr(row, way) == outcome


def _both(is_it: Callable[[Asked], bool]) -> Callable[[Asked], bool]:
    return lambda row: row.answerable and is_it(row)


def print_set(name: str, mode: str, own: Sequence[Asked], others: Sequence[Asked], seconds: float) -> None:
    print(f"\n## {name}, {mode}: {len(own)} questions, {seconds:.0f} s, load average {os.getloadavg()[0]:.1f}\n")
    columns = {"all": own} | {half: [row for row in own if row.item.half == half] for half in ("tune", "test")}
    columns = {label: rows for label, rows in columns.items() if rows}
    print_table(columns, figures())
    print(f"| other corpora, refused by the floor | {told(Share.of([row.is_refused for row in others]))} |")
    bins = reliability(*zip(*pairs, strict=True)) if (pairs := presented(own)) else []
    for each in bins:
        said = f"{each.count} answers, mean {each.confidence:.2f}, right {each.right:.0%}"
        print(f"  confidence {each.low:.1f}–{each.high:.1f}: {said}")
    kinds = {kind: [row for row in own if row.item.kind == kind] for kind in dict.fromkeys(r.item.kind for r in own)}
    if len(kinds) > 1:
        print("\nBy kind:\n")
        print(
            "| | questions | found | given | floor refuses | model right | no model: answered, right | hedged, right |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for kind, rows in kinds.items():
            print(f"| {kind} | {len(rows)} | {' | '.join(map(told, by_kind(rows)))} |")


def by_kind(rows: Sequence[Asked]) -> Iterator[Share]:
    """The figures of the second table."""
    yield Share.of([bool(row.ranks) for row in rows if row.answerable])
    yield Share.of([row.is_given for row in rows if row.answerable])
    yield Share.of([row.is_refused for row in rows])
    yield Share.of([row.with_model_right for row in rows])
    for outcome in OUTCOMES[:2]:
        yield Share.of([row.without_model_right for row in rows if row.without_model == outcome])


def print_table(columns: dict[str, Sequence[Asked]], lines: Sequence[tuple[str, Figure]]) -> None:
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for label, figure in lines:
        made = [figure(rows) for rows in columns.values()]
        if any(isinstance(each, float) or (each is not None and each.whole) for each in made):
            print(f"| {label} | {' | '.join(map(told, made))} |")


def kept(name: str, mode: str, own: Sequence[Asked], others: Sequence[Asked]) -> dict[str, Any]:
    """For `--json`: the figures, and what became of each question."""
    made = {label.strip(): figure(own) for label, figure in figures()}
    rows = [
        {
            "question": row.item.case.question,
            "answerable": row.answerable,
            **{key: value for key, value in asdict(row).items() if key != "item"},
            **({"kind": row.item.kind, "half": row.item.half} if row.item.kind else {}),
        }
        for row in own
    ]
    return {
        "set": name,
        "mode": mode,
        "figures": {key: each.rate if isinstance(each, Share) else each for key, each in made.items()},
        "reliability": [asdict(each) for each in reliability(*zip(*pairs, strict=True))]
        if (pairs := presented(own))
        else [],
        "others_refused": Share.of([row.is_refused for row in others]).rate,
        "questions": rows,
        "others": [{"question": row.item.case.question, "refused": row.is_refused, **row.signals} for row in others],
    }


def run(arguments: argparse.Namespace, mode: str, embedding: Overrides) -> Iterator[dict[str, Any]]:
    """Every chosen set in one mode."""
    size = QUICK if arguments.quick else FULL
    sets = read_sets(size)
    with running() as server:
        for name, questions in sets.items():
            if arguments.sets and name not in arguments.sets:
                continue
            started = time.monotonic()
            foreign = foreign_to(name, sets, size.foreign)
            own, others = asyncio.run(measured(questions, foreign, embedding, server, overrides_of(arguments)))
            print_set(name, mode, own, others, time.monotonic() - started)
            sys.stdout.flush()
            yield kept(name, mode, own, others)


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--json", type=Path, help="keep figures and every question")
    arguments = parser.parse_args()
    results = [each for mode, embedding in modes(arguments) for each in run(arguments, mode, embedding)]
    if arguments.json:
        arguments.json.write_text(json.dumps(results, ensure_ascii=False, indent=1), "utf-8")


if __name__ == "__main__":
    main()
