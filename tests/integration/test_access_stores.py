"""Random corpora in random collections under random rules: what is outside of a scope is in nothing that comes back."""

import contextlib
import importlib.util
import logging
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.access.rules import Access
from bot.cards.progress import Completed, Progress, conclude, ended, fold
from bot.intake.suggestions import below, examples
from bot.models import Answer, Turn
from bot.settings.access import AccessSettings
from bot.texts import ZH
from rag.events import Exchange, Question
from rag.ingestion.pipeline import ingest
from rag.knowledge_base import KnowledgeBase
from rag.scope import EVERYTHING, Scope
from rag.settings import CollectionSettings, EmbeddingSettings, LlmSettings, MilvusSettings, RagSettings
from tests.support.model_server import ModelServer, running

HAS_MILVUS = all(importlib.util.find_spec(name) is not None for name in ("pymilvus", "milvus_lite"))
needs_milvus = pytest.mark.skipif(not HAS_MILVUS, reason="pymilvus or milvus-lite is not installed (extra milvus)")
CASES = [*(("faiss", seed) for seed in range(4)), pytest.param(("milvus", 7), marks=needs_milvus)]
NAMES = ("甲", "b", "c 1", 'd"]', "default", "六'六")
WORDS = ("报销", "年假", "审批", "VPN", "ERR_1042", "出差", "发票", "住宿", "会议室", "门禁", "工资", "入职")
QUESTIONS = 25


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with running() as server:
        yield server


def mark(name: str) -> str:
    """A word that stands in every title, heading, text, source and link of a collection, and nowhere else."""
    return f"记号{name.encode().hex()}号"


def write(chance: random.Random, folder: Path) -> dict[str, CollectionSettings]:
    """A few documents in each of a few collections; some texts stand in several of them."""
    shared = [" ".join(chance.choices(WORDS, k=12)) for _ in range(3)]
    collections = {}
    for number, name in enumerate(chance.sample(NAMES, chance.randint(2, len(NAMES)))):
        own = folder / str(number)
        own.mkdir(parents=True)
        for document in range(chance.randint(0, 4)):
            parts = [f"---\nlink: https://wiki.example.com/{mark(name)}\n---\n\n# {chance.choice(WORDS)}{mark(name)}\n"]
            for _ in range(chance.randint(1, 4)):
                said = chance.choice([*shared, " ".join(chance.choices(WORDS, k=12))])
                also = "" if chance.random() < 0.5 else mark(name)
                parts.append(f"## {chance.choice(WORDS)}{mark(name)}\n\n{said} {also}\n")
            (own / f"{document}{mark(name)}.md").write_text("\n".join(parts), encoding="utf-8")
        collections[name] = CollectionSettings(folders=[own], public=chance.random() < 0.4)
    return collections


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, server: ModelServer) -> Iterator[RagSettings]:
    store, seed = request.param
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    logging.getLogger("milvus_lite").setLevel(logging.CRITICAL)
    collections = write(random.Random(seed), tmp_path)
    (tmp_path / "0" / f"one{mark(next(iter(collections)))}.md").write_text("# 年假\n\n年假五天。\n", encoding="utf-8")
    yield RagSettings(
        knowledge=[],
        collections=collections,
        index_dir=tmp_path / "index",
        embedding=EmbeddingSettings(provider="openai", base_url=server.base_url, model="bge-test"),
        llm=LlmSettings(provider="extractive", typing_pause_s=0),
        store=store,
        milvus=MilvusSettings(uri=str(tmp_path / "milvus.db")),
    )
    if store == "milvus":
        from milvus_lite.server_manager import server_manager_instance

        with contextlib.suppress(Exception):
            server_manager_instance.release_server(str(tmp_path / "milvus.db"))


def rules(chance: random.Random, known: list[str]) -> AccessSettings:
    """For some chats and some people."""

    def some(prefix: str) -> dict[str, list[str]]:
        return {
            f"{prefix}{at}": chance.sample(known, chance.randint(0, len(known))) for at in range(chance.randint(0, 3))
        }

    return AccessSettings(chats=some("oc_"), people=some("ou_"))


async def everything_told(library: KnowledgeBase, question: Question) -> tuple[list[Any], Answer]:
    """Every event of an answer, and the answer as it is stored."""
    progress, events = Progress(), []
    async with contextlib.aclosing(library.answer(question)) as told:
        async for event in told:
            events.append(event)
            progress = fold(progress, event)
    answer = Answer("a", "t", 1, "open")
    return events, conclude(answer, ended(progress, Completed()), ZH, seconds=1, first_token_s=None)


@pytest.mark.parametrize("settings", CASES, indirect=True, ids=str)
async def test_nothing_from_outside_of_the_scope_comes_back(settings: RagSettings) -> None:
    ingest(settings)
    chance = random.Random(len(settings.collections))
    known = sorted(settings.collections)
    library = await KnowledgeBase.open(settings)
    await library.warm_up()
    found = 0
    for _ in range(QUESTIONS):
        access = Access(rules(chance, known), settings)
        person, chat = f"ou_{chance.randint(0, 3)}", f"oc_{chance.randint(0, 3)}"
        scope = access.in_chat(chat, chance.choice(["p2p", "group"]), person)
        assert scope.names is not None
        hidden = [mark(name) for name in known if name not in scope.names]
        asked = " ".join([*chance.choices(WORDS, k=3), *chance.choices([*map(mark, known), ""], k=1)])
        earlier = Exchange(chance.choice(WORDS), "x", frozenset(name for name in scope.names if chance.random() < 0.5))
        events, answer = await everything_told(library, Question(asked, scope, (earlier,)))
        finding, titles = await library.search(asked, scope), await library.titles(scope)
        turn = Turn("t", "a", "c", chat, "group", "m", person, "？")
        offered = below(turn, replace(answer, outcome="answered"), ZH)
        welcomed = examples(titles, ZH)
        for each in (*events, answer, finding, titles, offered, welcomed):
            # What the asker typed is theirs: only the rest may not speak of what is hidden.
            told = repr(each).replace(asked, "")
            assert not [secret for secret in hidden if secret in told], (scope, each)
        assert answer.behind <= scope.names
        assert {each.collection for each in offered} | {each for _, each in welcomed} <= scope.names
        found += len(finding.passages)
    assert found, "something has to be found for the absence of the rest to mean anything"
    await library.aclose()


@pytest.mark.parametrize("settings", CASES, indirect=True, ids=str)
async def test_an_empty_scope_sees_nothing_and_a_whole_one_everything(settings: RagSettings) -> None:
    ingest(settings)
    library = await KnowledgeBase.open(settings)
    await library.warm_up()
    for scope in (Scope.of(()), Scope.of(["no such", ""])):
        assert await library.titles(scope) == ()
        assert (await library.search("年假五天", scope)).passages == ()
        _, answer = await everything_told(library, Question("年假五天", scope))
        assert (answer.outcome, answer.sources) == ("no_evidence", ())
    whole = Scope.of(settings.collections)
    assert set(await library.titles(whole)) == set(await library.titles(EVERYTHING)) != set()
    seen, all_of_it = [await library.search("年假五天", scope) for scope in (whole, EVERYTHING)]
    assert [each.chunk.id for each in seen.passages] == [each.chunk.id for each in all_of_it.passages] != []
    await library.aclose()
