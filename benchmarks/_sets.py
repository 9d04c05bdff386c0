"""The question sets that are measured on, those foreign to each, and indexes of their documents.

Sets are read from SHARED_DIR, or from ../shared beside the repository, where they are there; the everyday questions on
the sample handbook always are.
"""

import contextlib
import os
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks._asking import Item, QuestionSet, read_everyday, read_shared
from benchmarks._overrides import Overrides, settings_for
from rag.clock import SystemClock
from rag.evaluation.trial import build_trial
from rag.index.index import open_index
from rag.ingestion.pipeline import ingest
from rag.retrieval.query_embedder import QueryEmbedder
from rag.retrieval.retriever import Retriever
from rag.settings import RagSettings

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("SHARED_DIR", ROOT.parent / "shared")) / "data"
EVERYDAY = ROOT / "benchmarks" / "data" / "everyday.jsonl"
SETS = ("zh-stard-train", "en-dolphin-faq", "zh-dolphin-faq", "zh-cmrc2018-dev")
SIBLINGS = {"zh-dolphin-faq": "en-dolphin-faq", "en-dolphin-faq": "zh-dolphin-faq"}
"""Corpora on the same subject: the one's questions are not foreign to the other."""
HALVES = ("tune", "test")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of the shared sets is used: questions and documents a set (None: all), and foreign questions."""

    questions: int
    documents: int | None
    foreign: int


def read_sets(size: Size, names: Sequence[str] = ()) -> dict[str, QuestionSet]:
    """Those that are there, of `names` where any are given."""
    sets: dict[str, QuestionSet] = {}
    for name in ("everyday", *SETS):
        if names and name not in names:
            continue
        if name == "everyday":
            sets[name] = read_everyday(EVERYDAY)
        elif (SHARED / name).is_dir():
            sets[name] = read_shared(SHARED / name, size.questions, size.documents)
        else:
            print(f"{name}: skipped, shared/data/{name} is not there (set SHARED_DIR)")
    return sets


def foreign_to(name: str, sets: Mapping[str, QuestionSet], count: int) -> list[Item]:
    """Questions of the other corpora, as many of each as there can be (seeded)."""
    others = [each for each in sets.values() if each.name not in (name, SIBLINGS.get(name))]
    chosen: list[Item] = []
    for number, each in enumerate(others):
        aimed = [item for item in each.items if item.case.answerable]
        share = (count - len(chosen)) // (len(others) - number)
        chosen += random.Random(1).sample(aimed, min(share, len(aimed)))
    return chosen


def half_of(item: Item, at: int) -> str:
    """The half that a question belongs to: its own, or by turns. Samples come in random order."""
    return item.half or HALVES[at % 2]


def build(settings: RagSettings, questions: QuestionSet) -> None:
    """The index of a set's documents. Blocking. Raises RagError."""
    if questions.documents is None:
        ingest(settings)
    else:
        build_trial(settings, questions.documents)


@contextlib.contextmanager
def retriever_of(questions: QuestionSet, embedding: Overrides, overrides: Overrides) -> Iterator[Retriever]:
    """A search in an index of the set's documents, until the block ends. Raises RagError."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(Path(folder), embedding, {"provider": "extractive"}, overrides)
        build(settings, questions)
        leg = QueryEmbedder(settings.embedding, SystemClock())
        try:
            index = open_index(settings, None)
            yield Retriever(settings.retrieval, index, embedder=leg.embedder_for(index))
        finally:
            leg.close()
