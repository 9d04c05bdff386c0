"""Simplified questions on documents in traditional Chinese, made by another converter than ours: little is lost."""

import json
import os
from pathlib import Path

import pytest

from rag.index.local.bm25 import TantivyIndex, TantivyWriter

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).parents[3] / "shared")) / "data"
FOLDER = SHARED / "zh-cmrc2018-trial"
zhconv = pytest.importorskip("zhconv", reason="zhconv is not installed (extra dev)")


def hit_rates(folder: Path, script: str) -> tuple[float, float]:
    """hit@1 and hit@5 with the corpus in a script."""
    corpus = [json.loads(line) for line in (FOLDER / "corpus.jsonl").read_text("utf-8").splitlines()]
    queries = [json.loads(line) for line in (FOLDER / "queries.jsonl").read_text("utf-8").splitlines()]
    rows = [line.split("\t") for line in (FOLDER / "qrels.tsv").read_text("utf-8").splitlines()[1:]]
    right = {query: passage for query, passage, _ in rows}
    writer = TantivyWriter(folder)
    writer.add(
        (at, "default", zhconv.convert(f"{row['title']}\n{row['text']}", script)) for at, row in enumerate(corpus)
    )
    writer.close()
    index = TantivyIndex(folder)
    found = [[corpus[at]["id"] for at, _ in index.search(row["text"], 5)] for row in queries]
    wanted = [right[row["id"]] for row in queries]
    first = sum(ids[:1] == [passage] for ids, passage in zip(found, wanted, strict=True))
    five = sum(passage in ids for ids, passage in zip(found, wanted, strict=True))
    return first / len(found), five / len(found)


@pytest.mark.parametrize("script", ["zh-hant", "zh-tw", "zh-hk"])
def test_another_script_costs_two_points_at_most(tmp_path: Path, script: str) -> None:
    if not FOLDER.is_dir():
        pytest.skip("shared/data/zh-cmrc2018-trial is not beside the repository (set SHARED_DIR)")
    same, other = hit_rates(tmp_path / "same", "zh-hans"), hit_rates(tmp_path / "other", script)
    print(f"{script}: hit@1 {other[0]:.3f} and {same[0]:.3f}, hit@5 {other[1]:.3f} and {same[1]:.3f}")  # noqa: T201
    assert same[0] - other[0] <= 0.02 and same[1] - other[1] <= 0.02
