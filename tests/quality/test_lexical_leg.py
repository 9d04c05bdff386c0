"""The lexical leg on shared question sets: not below plain BM25 over bigrams. Printed with `pytest -s`."""

import json
import os
from pathlib import Path

import pytest

from rag.index.local.bm25 import TantivyIndex, TantivyWriter

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[3] / "shared")) / "data"


def read_lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def judgements(file: Path) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines()[1:]:
        query, passage, _ = line.split("\t")
        wanted.setdefault(query, set()).add(passage)
    return wanted


def hit_rates(folder: Path, index_folder: Path) -> tuple[float, float, int]:
    """hit@1, hit@5 and the number of questions."""
    corpus = read_lines(folder / "corpus.jsonl")
    writer = TantivyWriter(index_folder)
    writer.add((number, "default", f"{row['title']}\n{row['text']}") for number, row in enumerate(corpus))
    writer.close()
    index = TantivyIndex(index_folder)
    wanted = judgements(folder / "qrels.tsv")
    questions = [row for row in read_lines(folder / "queries.jsonl") if row["id"] in wanted]
    found = [
        ([corpus[number]["id"] for number, _ in index.search(row["text"], 5)], wanted[row["id"]]) for row in questions
    ]
    first = sum(bool(set(ids[:1]) & right) for ids, right in found)
    among_five = sum(bool(set(ids) & right) for ids, right in found)
    return first / len(found), among_five / len(found), len(found)


@pytest.mark.parametrize(
    ("name", "least_at_1", "least_at_5"),
    [("zh-cmrc2018-trial", 0.96, 0.98), ("zh-dolphin-faq", 0.30, 0.44), ("en-dolphin-faq", 0.26, 0.52)],
)
def test_hit_rates_hold(tmp_path: Path, name: str, least_at_1: float, least_at_5: float) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip(f"shared/data/{name} is not beside the repository (set SHARED_DIR)")
    at_1, at_5, questions = hit_rates(SHARED / name, tmp_path)
    print(f"{name}: {questions} questions, hit@1 {at_1:.3f}, hit@5 {at_5:.3f}")  # noqa: T201
    assert at_1 >= least_at_1
    assert at_5 >= least_at_5
