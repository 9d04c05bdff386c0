"""How two rankings are best made one: the constant of reciprocal rank fusion, and when a dense leg has no voice.

    python benchmarks/fusion.py            (five minutes of CPU)

This is where `rrf_k` and `MOST_UNKNOWN` were chosen, so that they are chosen on nothing that `retrieval.py` measures:

- `en-docstrings`: made here of the Python standard library. A docstring's first sentence asks for the rest of it.
  Words, and all-MiniLM-L6-v2 as the dense leg.
- `en-renamed`: the same, with a share of the words spelled in a script the model cannot read, in questions and passages
  alike, as product names are. What it knows of a question falls, what words find does not.
- `zh-trial`: zh-cmrc2018-trial from SHARED_DIR (no text in common with what is measured; skipped when absent) with
  vectors of latent semantic analysis in 16, 48 and 128 dimensions: dense legs of three strengths that read Chinese.
- `handbook`: tests/quality/handbook.jsonl over knowledge/, the same vectors.
"""

import argparse
import ast
import random
import re
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.retrieval import SHARED, Questions, hits, minilm, read_set, reciprocal_rank
from rag.documents import Document, Passage
from rag.evaluation.dataset import read_cases
from rag.index.local.bm25 import TantivyIndex, TantivyWriter
from rag.ingestion.read_ahead import read_ahead
from rag.ingestion.selection import select
from rag.retrieval.retriever import fuse
from rag.settings import RagSettings, ReadingSettings, RetrievalSettings
from rag.text.chunking import split
from rag.text.tokenizer import terms

ROOT = Path(__file__).parents[1]
CONSTANTS = (1, 3, 5, 10, 20, 30, 60, 120)
DEPTH = 30
MOST = 1500
Ranks = list[list[int]]


def docstrings() -> Questions:
    """First sentences of the standard library's docstrings, and what follows them."""
    found: dict[str, str] = {}
    root = Path(sysconfig.get_path("stdlib"))
    for file in sorted(root.rglob("*.py")):
        if {"site-packages", "test", "tests", "idlelib", "lib2to3"} & set(file.relative_to(root).parts):
            continue
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module | ast.AsyncFunctionDef):
                first, _, rest = (ast.get_docstring(node) or "").partition("\n\n")
                question, rest = " ".join(first.split()), rest.strip()[:1200]
                if 4 <= len(question.split()) <= 20 and len(rest) >= 80 and rest not in found.values():
                    found.setdefault(question, rest)
    chosen = random.Random(0).sample(sorted(found.items()), min(MOST, len(found)))
    return Questions([("", text) for _, text in chosen], [question for question, _ in chosen], _own(len(chosen)))


def renamed(questions: Questions, share: float) -> Questions:
    """A share of all words (four letters and more), each everywhere the same way, in letters of the Cherokee script."""
    rng = random.Random(1)
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        word = match.group().lower()
        if word not in names:
            spelled = "".join(chr(0x13A0 + rng.randrange(80)) for _ in word)
            names[word] = spelled if rng.random() < share else ""
        return names[word] or match.group()

    def text(of: str) -> str:
        return re.sub(r"[A-Za-z]{4,}", name, of)

    passages = [(title, text(body)) for title, body in questions.passages]
    return Questions(passages, [text(question) for question in questions.texts], questions.right)


def handbook() -> Questions:
    """The sample handbook in chunks, and the questions kept for it."""
    items = select(RagSettings(knowledge=[ROOT / "knowledge"]), None, prune=True).items
    read = [document for _, _, document in read_ahead([(item, "") for item in items], ReadingSettings())]
    documents = [document for document in read if isinstance(document, Document)]
    chunks = [chunk for document in documents for chunk in split(document)]
    cases = [case for case in read_cases(ROOT / "tests/quality/handbook.jsonl").cases if case.has_target]
    right = [{at for at, chunk in enumerate(chunks) if case.is_right(Passage(chunk, 0.0))} for case in cases]
    kept = [at for at, wanted in enumerate(right) if wanted]
    passages = [(chunk.heading_path, chunk.text) for chunk in chunks]
    return Questions(passages, [cases[at].question for at in kept], [right[at] for at in kept])


def by_words(questions: Questions) -> Ranks:
    with tempfile.TemporaryDirectory() as place:
        writer = TantivyWriter(Path(place))
        writer.add((at, "default", f"{title}\n{text}") for at, (title, text) in enumerate(questions.passages))
        writer.close()
        index = TantivyIndex(Path(place))
        return [[at for at, _ in index.search(text, DEPTH)] for text in questions.texts]


def nearest(passages: NDArray[np.float32], asked: NDArray[np.float32]) -> Ranks:
    return [[int(at) for at in row[:DEPTH]] for row in np.argsort(-(asked @ passages.T), axis=1)]


def by_meaning(questions: Questions, dimensions: int) -> Ranks:
    """Latent semantic analysis of the passages' terms."""
    rows = [terms(f"{title}\n{text}") for title, text in questions.passages]
    place = {term: at for at, term in enumerate(sorted({term for row in rows for term in row}))}

    def counted(lists: Sequence[list[str]]) -> NDArray[np.float32]:
        table = np.zeros((len(lists), len(place)), dtype=np.float32)
        for at, row in enumerate(lists):
            for term in row:
                if term in place:
                    table[at, place[term]] += 1
        return np.log1p(table)

    table = counted(rows)
    weights = np.log((len(rows) + 1) / ((table > 0).sum(axis=0) + 1))
    _, _, directions = np.linalg.svd(table * weights, full_matrices=False)

    def placed(lists: Sequence[list[str]]) -> NDArray[np.float32]:
        vectors = (counted(lists) * weights) @ directions[:dimensions].T
        unit: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return unit

    return nearest(placed(rows), placed([terms(text) for text in questions.texts]))


def constants(name: str, questions: Questions, words: Ranks, dense: Ranks) -> None:
    """One line for each leg and each constant."""
    print(f"{name}: {len(questions.texts)} questions, {len(questions.passages)} passages")
    legs = {"words": words, "dense": dense}
    legs |= {
        f"k = {k}": [[at for at, _ in fuse(*pair, k=k)] for pair in zip(words, dense, strict=True)] for k in CONSTANTS
    }
    for label, found in legs.items():
        rates = [hits(found, questions.right, depth) / len(found) for depth in (1, 5, 10)]
        figures = "".join(f"{rate:8.3f}" for rate in rates)
        print(f"  {label:8}{figures}{reciprocal_rank([ids[:10] for ids in found], questions.right):8.3f}")


def unknown(questions: Questions, k: int) -> None:
    """By the share of a question's tokens that the model does not know: what fusing gains over words alone."""
    embedder = minilm()
    if embedder is None:
        return
    seen: list[tuple[float, int, int, int]] = []
    for share in (0.0, 0.15, 0.3, 0.5, 0.7):
        spelled = renamed(questions, share)
        words = by_words(spelled)
        passages = embedder.embed_passages([text for _, text in spelled.passages])
        dense = nearest(passages, np.stack([embedder.embed_question(text) for text in spelled.texts]))
        for at, text in enumerate(spelled.texts):
            fused = [found for found, _ in fuse(words[at], dense[at], k=k)]
            is_right = [int(bool(set(found[:5]) & spelled.right[at])) for found in (words[at], dense[at], fused)]
            seen.append((embedder.unknown_share(text), *is_right))
    print("unknown share  questions   words   dense   fused   (hit@5)")
    edges = (0.0, 0.001, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 1.01)
    for low, high in pairwise(edges):
        part = np.array([row[1:] for row in seen if low <= row[0] < high])
        if len(part):
            print(f"  {low:4.2f} – {high:4.2f}{len(part):11}" + "".join(f"{rate:8.3f}" for rate in part.mean(axis=0)))


def _own(count: int) -> list[set[int]]:
    return [{at} for at in range(count)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", choices=["constants", "unknown"])
    only = arguments.parse_args().only
    asked = docstrings()
    if only != "unknown":
        every_constant(asked)
    if only != "constants":
        unknown(Questions(asked.passages[:600], asked.texts[:600], _own(600)), k=RetrievalSettings().rrf_k)


def every_constant(asked: Questions) -> None:
    embedder = minilm()
    if embedder is not None:
        passages = embedder.embed_passages([text for _, text in asked.passages])
        dense = nearest(passages, np.stack([embedder.embed_question(text) for text in asked.texts]))
        constants("en-docstrings, MiniLM", asked, by_words(asked), dense)
    others: dict[str, Callable[[], Questions]] = {"handbook": handbook}
    if (SHARED / "zh-cmrc2018-trial").is_dir():
        others["zh-trial"] = lambda: read_set("zh-cmrc2018-trial")
    for name, made in others.items():
        questions = made()
        words = by_words(questions)
        for dimensions in (16, 48, 128):
            constants(f"{name}, {dimensions} dimensions", questions, words, by_meaning(questions, dimensions))


if __name__ == "__main__":
    main()
