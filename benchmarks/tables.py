"""Questions about tables, measured: sums and counts computed, rows found, and what only looks like a sum left alone.

    python benchmarks/tables.py                        both halves, without a model
    python benchmarks/tables.py --half test --show     every question that was not answered as it should be

Eight tables of a company that does not exist (benchmarks/data/tables, as CSV) are written as Excel books, web pages,
Markdown and CSV beside the sample handbook, and ingested. The questions (benchmarks/data/tables.jsonl) were written
before the rules; a half of them, drawn by a fixed seed, was looked at while the rules were written (`tune`), the other
(`test`) only once they had been measured by it, and `fresh` ones, from id 1000 on, were written before that look and
measured after it. `expect` was computed from the CSV files by other code.
"""

import argparse
import asyncio
import csv
import html
import io
import json
import random
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from rag.events import Finished, Question  # noqa: E402
from rag.ingestion.pipeline import ingest  # noqa: E402
from rag.knowledge_base import KnowledgeBase  # noqa: E402
from rag.scope import EVERYTHING  # noqa: E402
from rag.settings import RagSettings  # noqa: E402
from rag.tables.wording import COMPUTED_NOTES, UNCOUNTED  # noqa: E402

FOLDER = ROOT / "benchmarks" / "data" / "tables"
SEED = 14
FRESH = 1000
HALVES = ("tune", "test", "fresh")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, its answer without a model, and the verdict: `right`, `wrong`, `left` (not computed, or the row not
    shown alone) and for what looks like a sum `alone`, `hijacked` or `declined` (said that it cannot be counted)."""

    item: dict[str, Any]
    text: str
    outcome: str
    verdict: str


def halves() -> dict[str, list[dict[str, Any]]]:
    """The questions, by half."""
    lines = (ROOT / "benchmarks" / "data" / "tables.jsonl").read_text("utf-8").splitlines()
    items = [json.loads(line) for line in lines]
    first = [item for item in items if item["id"] < FRESH]
    random.Random(SEED).shuffle(first)
    return {"tune": first[::2], "test": first[1::2], "fresh": [item for item in items if item["id"] >= FRESH]}


def write_files(folder: Path) -> None:
    """The tables in the formats that people keep them in."""
    for file in sorted(FOLDER.glob("*.csv")):
        rows = list(csv.reader(io.StringIO(file.read_text("utf-8"))))
        match file.stem:
            case "固定资产":
                lines = ["| " + " | ".join(row) + " |" for row in rows]
                lines.insert(1, "|" + " --- |" * len(rows[0]))
                (folder / f"{file.stem}.md").write_text(f"# {file.stem}\n\n" + "\n".join(lines), "utf-8")
            case "Help desk tickets":
                cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
                body = "".join(f"<tr>{each}</tr>" for each in cells)
                (folder / f"{file.stem}.html").write_text(
                    f"<html><head><title>{file.stem}</title></head><body><h1>{file.stem}</h1><table>{body}</table></body>"
                )
            case "供应商名单" | "采购明细" | "部门预算" | "Training courses":
                (folder / f"{file.stem}.xlsx").write_bytes(_book(rows, titled=file.stem in ("采购明细", "部门预算")))
            case _:
                (folder / file.name).write_text(file.read_text("utf-8"), "utf-8")


def _book(rows: Rows, *, titled: bool) -> bytes:
    from tests.support.spreadsheets import xlsx

    values = [[_value(cell) for cell in row] for row in rows]
    return xlsx([["2025年度"], *values] if titled else values)


def _value(cell: str) -> object:
    plain = re.fullmatch(r"[1-9]\d*(?:\.\d+)?|0", cell)
    return (float(cell) if "." in cell else int(cell)) if plain else cell or None


async def asked(library: KnowledgeBase, item: dict[str, Any]) -> Answered:
    """The answer and its verdict."""
    events = [event async for event in library.answer(Question(item["question"], EVERYTHING))]
    end = next(event for event in events if isinstance(event, Finished))
    judge = {"aggregate": _of_aggregate, "row": _of_row, "lookalike": _of_lookalike}[item["kind"]]
    return Answered(item, end.text, end.outcome, judge(item, end))


def is_computed(end: Finished) -> bool:
    return end.text.endswith(tuple(COMPUTED_NOTES.values()))


def _of_aggregate(item: dict[str, Any], end: Finished) -> str:
    if not is_computed(end):
        return "wrong" if end.outcome == "answered" else "left"
    wanted, told = item["expect"], end.text.replace(",", "")
    if len(wanted) == 1:
        return "right" if any(_same(wanted[0], bold) for bold in _BOLD.findall(told)) else "wrong"
    numbers = {float(number) for number in _NUMBER.findall(told)}
    found = [each in told if isinstance(each, str) else any(abs(each - n) < 0.011 for n in numbers) for each in wanted]
    return "right" if all(found) else "wrong"


def _same(wanted: object, bold: str) -> bool:
    if isinstance(wanted, str):
        return wanted == bold or _day(wanted) == _day(bold)
    number = _NUMBER.search(bold)
    return number is not None and abs(float(number.group()) - float(str(wanted))) < 0.011


def _day(text: str) -> object:
    return tuple(map(int, re.findall(r"\d+", text))) if re.fullmatch(r"[\d年月日/-]+", text) else text


def _of_row(item: dict[str, Any], end: Finished) -> str:
    lines = [line for line in end.text.split("\n") if line.startswith("- ")]
    text = end.text.replace(",", "")
    cells = [re.sub(r"^(\d+)\.0+$", r"\1", cell.replace(",", "")) for cell in item["row"] if cell]
    is_there = all(cell in text for cell in cells)
    if end.outcome == "answered" and not is_there:
        return "wrong"
    return "right" if is_there and len(lines) == 1 and end.outcome == "answered" else "left"


def _of_lookalike(_item: dict[str, Any], end: Finished) -> str:
    if is_computed(end):
        return "hijacked"
    return "declined" if end.text.startswith(tuple(UNCOUNTED.values())) else "alone"


async def measured(items: Sequence[dict[str, Any]]) -> list[Answered]:
    """All of them, asked one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        files, index = Path(folder) / "files", Path(folder) / "index"
        files.mkdir()
        write_files(files)
        settings = RagSettings.model_validate(
            {
                "knowledge": [str(files), str(ROOT / "knowledge")],
                "index_dir": str(index),
                "embedding": {"provider": "none"},
                "llm": {"provider": "extractive", "typing_pause_s": 0.0},
            }
        )
        await asyncio.to_thread(ingest, settings)
        library = await KnowledgeBase.open(settings)
        try:
            return [await asked(library, item) for item in items]
        finally:
            await library.aclose()


def main() -> None:
    """Print the table, and what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, help="these only")
    parser.add_argument("--show", action="store_true", help="print what was not answered as it should be")
    arguments = parser.parse_args()
    wanted = [arguments.half] if arguments.half else list(HALVES)
    by_half = {name: asyncio.run(measured(halves()[name])) for name in wanted}
    print(f"| | {' | '.join(wanted)} |\n|---|{'---|' * len(wanted)}")
    for kind, verdicts in (
        ("aggregate", ("right", "wrong", "left")),
        ("row", ("right", "wrong", "left")),
        ("lookalike", ("alone", "declined", "hijacked")),
    ):
        for verdict in verdicts:
            counts = [[each.verdict for each in by_half[name] if each.item["kind"] == kind] for name in wanted]
            print(f"| {kind}: {verdict} | {' | '.join(f'{each.count(verdict)} of {len(each)}' for each in counts)} |")
    for each in [each for name in wanted for each in by_half[name]] if arguments.show else []:
        if each.verdict not in ("right", "alone"):
            print(f"\n{each.verdict} {each.item['question']} {each.item.get('expect', '')}\n{each.text[:600]}")


if __name__ == "__main__":
    main()
