"""The doctor on rules, collections, links and stores that are not as they should be, each with what to do."""

import hashlib
import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.doctor.access import check_access, check_chats, check_links
from bot.doctor.files import check_knowledge
from bot.doctor.findings import Finding
from bot.doctor.library import check_library
from bot.doctor.models import check_rerank
from bot.settings import ApiKey, BotSettings, Settings
from bot.settings.access import AccessSettings
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.settings import FeishuSettings
from rag.ingestion.pipeline import ingest
from rag.settings import (
    CollectionSettings,
    EmbeddingSettings,
    LlmSettings,
    MilvusSettings,
    RagSettings,
    RetrievalSettings,
)
from tests.integration.test_rag_stores import needs_milvus
from tests.support.model_server import running as model_running


@pytest.fixture
def rag(tmp_path: Path) -> RagSettings:
    for name in ("loose/a.md", "hr/b.md", "it/c.md"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(f"# {name}\n\n年假五天。\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    settings = RagSettings(
        knowledge=[tmp_path / "loose"],
        collections={name: CollectionSettings(folders=[tmp_path / name]) for name in ("hr", "it", "empty")},
        index_dir=tmp_path / "index",
        embedding=EmbeddingSettings(provider="none"),
        llm=LlmSettings(provider="extractive"),
    )
    ingest(settings)
    return settings


def whole(rag: RagSettings, chats: dict[str, list[str]], url: str = "", **bot: object) -> Settings:
    feishu = FeishuSettings(app_id="cli_sandbox", app_secret=SecretStr("s"), base_url=url) if url else FeishuSettings()
    return Settings(feishu=feishu, rag=rag, bot=BotSettings(access=AccessSettings(chats=chats), **bot))  # type: ignore[arg-type]


def warned(findings: list[Finding]) -> dict[str, str]:
    return {finding.detail: finding.fix for finding in findings if finding.state != "ok"}


async def test_rules_that_lead_nowhere_and_documents_that_nobody_sees(rag: RagSettings) -> None:
    keys = [ApiKey(hash=SecretStr(hashlib.sha256(b"x").hexdigest()), name="wiki", collections=["hrr"])]
    told = warned(await check_access(whole(rag, {"oc_a": ["empty", "hr"]}, api_keys=keys)))
    assert told == {
        "the rule of oc_a names empty, where there are no documents": "feishu-rag ingest, or correct bot.access.chats",
        "1 documents are in no collection, so nobody sees them in a chat": (
            "put their folders under rag.collections, or say rag.collections: {default: {public: true}}"
        ),
        "nobody sees it in a chat": "name them in bot.access.chats or bot.access.people, or make them public",
        "the API key wiki names hrr, which is no collection": (
            "correct BOT__API_KEYS; collections are default, empty, hr, it"
        ),
    }
    fewer = rag.model_copy(update={"collections": {"it": rag.collections["it"]}})
    told = warned(await check_access(whole(fewer, {"oc_a": ["default", "it"]})))
    assert list(told) == ["the index still holds hr, which rag.collections does not have; nobody sees it"]
    assert await check_access(whole(rag.model_copy(update={"collections": {}}), {})) == []


async def test_chats_with_rules_that_the_bot_is_not_in(rag: RagSettings) -> None:
    sandbox = Sandbox(SandboxSettings(app_id="cli_sandbox", app_secret="s"))
    app = next(iter(sandbox.world.apps.values()))
    app.scopes = {*app.scopes, "im:chat:readonly"}
    async with running(sandbox) as url:
        settings = whole(rag, {"oc_product": ["hr"], "oc_elsewhere": ["hr"]}, url)
        (finding,) = await check_chats(settings)
        app.scopes -= {"im:chat:readonly", "im:chat"}
        (unseen,) = await check_chats(settings)
    assert unseen.state == "unknown" and "auth?q=im:chat:readonly" in unseen.fix
    assert finding.state == "warn" and "oc_elsewhere" in finding.detail and "add the bot" in finding.fix
    assert await check_chats(whole(rag, {"oc_elsewhere": ["hr"]})) == []


async def test_links_without_access_or_sense_are_told(rag: RagSettings) -> None:
    async with running(Sandbox(SandboxSettings(app_id="cli_sandbox", app_secret="s"))) as url:
        shut = f"{url}/wiki/wikcnNoSuchNode"
        linked = {"hr": CollectionSettings(links=[shut, "https://example.com/nothing"])}
        found = await check_links(whole(rag.model_copy(update={"collections": linked}), {}, url))
    assert [finding.state for finding in found] == ["fail", "fail"]
    assert "app" in found[0].fix and "rag.collections.hr.links" in found[1].fix
    (without_app,) = await check_links(whole(rag.model_copy(update={"links": [shut]}), {}))
    assert "FEISHU__APP_ID" in without_app.fix
    assert await check_links(whole(rag, {})) == []


async def test_folders_of_collections_are_looked_at(rag: RagSettings, tmp_path: Path) -> None:
    gone = {"hr": CollectionSettings(folders=[tmp_path / "nowhere"])}
    found = await check_knowledge(whole(rag.model_copy(update={"collections": gone}), {}))
    assert [finding.state for finding in found] == ["fail"]
    assert "rag.collections.hr.folders" in found[0].fix


@needs_milvus
async def test_a_milvus_that_cannot_be_reached_is_no_matter_of_ingesting(rag: RagSettings) -> None:
    milvus = MilvusSettings(uri="http://127.0.0.1:9", timeout_s=1)
    found = await check_library(whole(rag.model_copy(update={"store": "milvus", "milvus": milvus}), {}))
    index = next(finding for finding in found if finding.name == "index")
    assert index.state == "fail" and "RAG__MILVUS__URI" in index.fix and "ingest" not in index.fix


async def test_a_reranker_is_really_asked(rag: RagSettings) -> None:
    def wanting(address: str) -> Settings:
        retrieval = RetrievalSettings(rerank="endpoint", rerank_base_url=address, rerank_model="m")
        return whole(rag.model_copy(update={"retrieval": retrieval}), {})

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        (down,) = await check_rerank(wanting(f"http://127.0.0.1:{unused.getsockname()[1]}"))
    assert (down.name, down.state) == ("rerank", "fail") and "RERANK_API_KEY" in down.fix
    (unset,) = await check_rerank(wanting(""))
    assert "RAG__RETRIEVAL__RERANK_BASE_URL" in unset.fix
    with model_running() as server:
        (strange,) = await check_rerank(wanting(server.base_url))
    assert strange.state == "fail" and "refuses the request" in strange.detail
