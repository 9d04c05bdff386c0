"""A citation opens at its place: a Feishu document at the heading above the passage, a PDF at its page."""

import importlib.util
import json
from pathlib import Path

import httpx
import pytest

from bot.ingestion import ingest_all
from bot.settings import Settings
from feishu.sandbox.server.blocks import blocks_of
from feishu.settings import FeishuSettings
from rag.settings import EmbeddingSettings, RagSettings
from tests.integration.conftest import Stage, answer_markup, words
from tests.support.office_files import write_pdf

needs_docs = pytest.mark.skipif(importlib.util.find_spec("pypdfium2") is None, reason="the extra docs is not installed")

TOKEN, ORIGIN = "doxcnTravel", "https://example.feishu.cn"
DOCUMENT = (
    "# 差旅制度\n\n本制度适用于全体员工。\n\n## 报销时限\n\n适用于国内出差。出差结束后十五个自然日内提交报销单。"
    "逾期需说明原因。\n\n## 住宿标准\n\n北京的住宿标准是每晚六百元。\n"
)


async def indexed(stage: Stage) -> dict[str, str]:
    """A Feishu document and a PDF in the stage's index; gives the settings of a bot that answers from them."""
    stage.sandbox.platform.documents.write(TOKEN, "差旅制度", DOCUMENT)
    folder, index = stage.folder / "knowledge", stage.folder / "index"
    folder.mkdir()
    write_pdf(folder / "班车.pdf", [["班车的封面。"], ["园区班车早上七点半从地铁站发车。"], ["夜间班车十点发车。"]])
    rag = RagSettings(
        knowledge=[folder],
        links=[f"{ORIGIN}/docx/{TOKEN}"],
        index_dir=index,
        embedding=EmbeddingSettings(provider="none"),
    )
    app = stage.sandbox.settings
    feishu = FeishuSettings.model_validate({"app_id": app.app_id, "app_secret": app.app_secret, "base_url": stage.url})
    report = await ingest_all(Settings(feishu=feishu, rag=rag))
    assert report.documents == 2
    return {"RAG__INDEX_DIR": str(index), "RAG__KNOWLEDGE": json.dumps([str(folder)])}


@needs_docs
async def test_a_citation_of_a_feishu_document_opens_at_the_heading_above_the_passage(stage: Stage) -> None:
    await stage.bot(**await indexed(stage))
    card = await stage.closed(await stage.ask("出差结束后多久内提交报销单？"))
    blocks = blocks_of(TOKEN, "差旅制度", DOCUMENT)
    [heading] = [
        block
        for block in blocks
        if block.get("heading2", {}).get("elements", [{}])[0].get("text_run", {}).get("content") == "报销时限"
    ]
    link = f"{ORIGIN}/docx/{TOKEN}#{heading['block_id']}"
    assert f"[&#91;1&#93;]({link})" in answer_markup(card)
    said = words(card["card"])
    assert f"[差旅制度 › 报销时限]({link})" in said
    assert "适用于国内出差。 **出差结束后十五个自然日内提交报销单。** 逾期需说明原因。" in said
    assert stage.sandbox.violations == []


@needs_docs
async def test_a_pdf_is_cited_with_its_page_and_opened_there_on_the_web(stage: Stage) -> None:
    bot = await stage.bot(**await indexed(stage))
    card = await stage.closed(await stage.ask("园区班车早上几点发车？"))
    assert "班车 · 第 2 页" in words(card["card"])
    async with httpx.AsyncClient(base_url=bot.web, timeout=60) as http:
        answer = (await http.post("/chat", json={"question": "园区班车早上几点发车？"})).json()
        cited = next(source for source in answer["sources"] if source["metadata"]["cited"])
        assert cited["place"] == {"kind": "page", "name": "2"} and cited["link_at_place"] is None
        opened = (await http.get(f"/chat/{answer['answer_id']}/sources/{cited['metadata']['number']}")).json()
        assert opened["original"].endswith("/file#page=2")
        given = await http.get(opened["original"])
        text = (await http.get(opened["original"].partition("/file")[0] + "/text")).json()
    file = Path(stage.folder / "knowledge" / "班车.pdf")
    assert given.content == file.read_bytes() and given.headers["content-type"] == "application/pdf"
    assert given.headers["content-disposition"].startswith("inline; filename*=UTF-8''%E7%8F%AD%E8%BD%A6.pdf")
    assert [part["is_passage"] for part in text["parts"]] == [True] and "七点半" in text["parts"][0]["text"]
