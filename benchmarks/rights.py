"""What it costs to search within what people may open, beside the same search without rights.

    python benchmarks/rights.py            (ten minutes, most of them to build the index)
    python benchmarks/rights.py --quick    a fiftieth of the documents; half a minute

100 000 documents of one or two chunks of random Chinese words, with random vectors of 512 numbers, in the local store;
10 000 principals. *Usual* rights: each document belongs to one of 300 wiki spaces of very different sizes, whose
readers are the space and a few departments, and three documents in ten are open to a few people besides. *All
distinct*: every document also has people of its own, so that no two have the same readers. The audiences: one person
who may open 0.1, 5 and 60 % of the documents, and groups of 50 and of 500 people of 50 % each, who share most of that.

Each question is asked without rights and within them, in turn; the figures are medians of the ratios of these pairs. In
the first pass nothing is known (an index just opened, an audience that never asked), in the second everything is.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import psutil

from benchmarks.retrieval import ReadyMade, large, said_so
from rag.access_lists import UNCONTROLLED, AccessLists
from rag.index.base.visible import VisibleChunks
from rag.index.index import Index
from rag.index.rights import VisibleDocuments
from rag.retrieval.keyword_search import KeywordSearch
from rag.retrieval.retriever import Retriever
from rag.scope import EVERYTHING, Audience, Scope
from rag.settings import RetrievalSettings
from rag.text.tokenizer import embeddable

PREFIX = "wiki/"
AIM = 1.5
SPACES, DEPARTMENTS = 300, 1_700
CANDIDATES = RetrievalSettings().candidates


@dataclass(frozen=True, slots=True)
class Size:
    """Of a run."""

    documents: int
    principals: int
    questions: int
    groups: tuple[int, int]


FULL = Size(100_000, 10_000, 60, (50, 500))
QUICK = Size(2_000, 2_500, 20, (5, 20))


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one audience: what it sees, the milliseconds of the first choice for it, and medians of the ratios to the
    search without rights, in the first pass (whole, and how many milliseconds it takes longer) and the second."""

    rights: str
    audience: str
    seen: float
    choice_ms: float
    first: float
    first_ms: float
    words: float
    dense: float
    whole: float


class Company:
    """Which space each document belongs to, and people who are in some of the spaces."""

    def __init__(self, size: Size) -> None:
        self.size = size
        rng = np.random.default_rng(1)
        shares = 1 / np.arange(1, SPACES + 1)
        self.spaces = rng.choice(SPACES, size.documents, p=shares / shares.sum())
        self.shares = np.bincount(self.spaces, minlength=SPACES) / size.documents

    def lists(self, *, distinct: bool) -> AccessLists:
        """A snapshot of the readers of all documents."""
        chance = random.Random(2)
        people = [f"user:{number}" for number in range(self.size.principals - SPACES - DEPARTMENTS)]
        of_space = [
            frozenset([f"space:{number}", *(f"department:{chance.randrange(DEPARTMENTS)}" for _ in range(4))])
            for number in range(SPACES)
        ]
        readers = {}
        for number, space in enumerate(self.spaces.tolist()):
            own = chance.sample(people, 8 if distinct else chance.randint(1, 5) * (chance.random() < 0.3))
            readers[f"{PREFIX}{number}"] = of_space[space].union(own) if own else of_space[space]
        return AccessLists(readers, controlled=PREFIX, version="benchmark")

    def person(self, share: float, chance: random.Random, within: Sequence[int] = ()) -> frozenset[str]:
        """Somebody who is in spaces that hold this share of the documents, these spaces first."""
        rest = [number for number in range(SPACES) if number not in set(within)]
        chosen, held = [], 0.0
        for number in (*within, *chance.sample(rest, len(rest))):
            if held + self.shares[number] <= share * 1.1:
                chosen.append(number)
                held += self.shares[number]
        return frozenset(["anyone", "tenant", *(f"space:{number}" for number in chosen)])

    def audiences(self) -> Iterator[tuple[str, Audience]]:
        """By what they are called."""
        chance = random.Random(3)
        for share in (0.001, 0.05, 0.6):
            yield f"one, {100 * share:g} %", frozenset({self.person(share, chance)})
        shared = [number for number in range(SPACES) if number % 3 == 0]
        for count in self.size.groups:
            yield f"{count}", frozenset(self.person(0.5, chance, shared) | {f"user:{at}"} for at in range(count))


def beside(texts: Sequence[str], bare: Callable[[str], object], kept: Callable[[str], object]) -> tuple[float, float]:
    """Of two ways to do the same, in turn: the medians of their ratios, and of how many milliseconds are added."""
    ratios, added = [], []
    for at, text in enumerate(texts):
        seconds = {}
        for work in (bare, kept) if at % 2 else (kept, bare):
            started = time.perf_counter()
            work(text)
            seconds[work] = time.perf_counter() - started
        ratios.append(seconds[kept] / seconds[bare])
        added.append(1000 * (seconds[kept] - seconds[bare]))
    return statistics.median(ratios), statistics.median(added)


def measure(
    folder: Path, texts: Sequence[str], ready: ReadyMade, lists: AccessLists, audience: Audience
) -> list[float]:
    """For one audience, on an index just opened: share seen, choice in ms, then the ratios."""
    index = Index.open(folder)
    assert index.dense is not None
    scope, rights = Scope(None, audience), VisibleDocuments(index.chunks, lists)
    uncontrolled = VisibleDocuments(index.chunks, UNCONTROLLED)
    index.chunks.table()
    VisibleDocuments(index.chunks, lists).within(Scope(None, frozenset({frozenset({"nobody"})})))
    rights.within(Scope(None, frozenset({frozenset({"somebody"})})))  # what is built once for all audiences
    started = time.perf_counter()
    visible = rights.within(scope)
    choice_ms = 1000 * (time.perf_counter() - started)
    assert isinstance(visible, VisibleChunks)
    dense = index.dense
    with ThreadPoolExecutor(2) as legs:
        settings = RetrievalSettings()
        retrievers = [
            Retriever(settings, index, embedder=ready, legs=legs, rights=lambda now=now: now)
            for now in (uncontrolled, rights)
        ]
        bare, kept = (
            (lambda text, by=by: by.search_now(text, scope if by is retrievers[1] else EVERYTHING)) for by in retrievers
        )
        bare(texts[0])
        first = beside(texts[1:], bare, kept)
        words = [KeywordSearch(index.lexical, index.chunks, within) for within in (None, visible)]
        by_words = [(lambda text, by=by: by.search(text, by.coverage(text), settings.candidates)) for by in words]
        by_vectors = [
            (lambda text, within=within: dense.search(ready.embed_question(embeddable(text)), CANDIDATES, within))
            for within in (None, visible)
        ]
        ratios = [beside(texts, *pair)[0] for pair in (by_words, by_vectors, (bare, kept))]
    index.chunks.close()
    return [visible.count / len(visible.shown), choice_ms, *first, *ratios]


def built_once(folder: Path, lists: AccessLists) -> tuple[float, float, float]:
    """Milliseconds to number the documents of an index, and to sort a snapshot's lists; megabytes that both take."""
    index = Index.open(folder)
    process = psutil.Process()
    before, started = process.memory_info().rss, time.perf_counter()
    index.chunks.table()
    between = time.perf_counter()
    rights = VisibleDocuments(index.chunks, lists)
    rights.within(Scope(None, frozenset({frozenset({"nobody"})})))
    ended, after = time.perf_counter(), process.memory_info().rss
    index.chunks.close()
    return 1000 * (between - started), 1000 * (ended - between), (after - before) / 1e6


def run(size: Size) -> dict[str, object]:
    """Everything, printed as it comes."""
    company = Company(size)
    count = size.documents * 3 // 2
    measured: list[Measured] = []
    once = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rng = np.random.default_rng(0)
        index, texts = large(folder, count, rng, lambda at: f"{PREFIX}{at * 2 // 3}")
        index.chunks.close()
        texts = texts[: size.questions]
        vectors = rng.standard_normal((len(texts), 512)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        ready = ReadyMade(dict(zip(map(embeddable, texts), vectors, strict=True)))
        print(
            f"{size.documents} documents, {count} chunks, {size.principals} principals, {len(texts)} questions",
            flush=True,
        )
        for name, distinct in (("usual", False), ("all distinct", True)):
            lists = company.lists(distinct=distinct)
            once[name] = built_once(folder, lists)
            of_index, of_snapshot, megabytes = once[name]
            print(
                f"{name}: {len(set(lists.readers.values()))} different lists; once for an index {of_index:.0f} ms, "
                f"for a snapshot {of_snapshot:.0f} ms, {megabytes:.0f} MB"
            )
            for who, audience in company.audiences():
                measured.append(Measured(name, who, *measure(folder, texts, ready, lists, audience)))
                show(measured[-1])
    worst = max(each.whole for each in measured)
    print(f"whole search, second pass, at most {worst:.2f} × (aim {AIM} ×): {said_so(worst <= AIM)}")
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, CPython {platform.python_version()}")
    return {"once": once, "measured": [asdict(each) for each in measured], "load": os.getloadavg()[0]}


def show(of: Measured) -> None:
    print(
        f"  {of.audience:12} sees {of.seen:6.1%}  chosen in {of.choice_ms:5.1f} ms  first {of.first:5.2f} ×, "
        f"{of.first_ms:5.1f} ms more  then words {of.words:5.2f} ×  dense {of.dense:5.2f} ×  whole {of.whole:5.2f} ×",
        flush=True,
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(given)
    results = run(QUICK if chosen.quick else FULL)
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
