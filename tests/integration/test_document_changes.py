"""A running bot and documents that change: reported by events where the app manages them, looked for otherwise."""

import pytest

from bot.ingestion import ingest_all
from feishu.sandbox.document_store import DocumentStore
from tests.integration.conftest import DEADLINE_S, Stage, answer_text
from tests.integration.test_people_conversation import private_chat
from tests.support.bot_process import BotProcess
from tests.support.feishu_content import SPACE, settings_of

QUESTION = "帐篷押金是多少？"
BEFORE, AFTER = "帐篷押金为每顶 320 元，归还时退还。", "帐篷押金为每顶 450 元，归还时退还。"


class Camp:
    """A wiki with two documents in the index of a bot."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.store: DocumentStore = stage.sandbox.platform.documents
        self.page = self.store.node(SPACE, "露营须知", BEFORE)
        self.other = self.store.node(SPACE, "班车", "班车七点发车。")
        self.how = {
            "RAG__LINKS": SPACE,
            "RAG__KNOWLEDGE": "[]",
            "RAG__INDEX_DIR": str(stage.folder / "index"),
            "RAG__LLM__PROVIDER": "extractive",
        }

    async def bot(self, **how: str) -> BotProcess:
        """Ingests, and starts the bot."""
        await ingest_all(settings_of(self.stage, self.how))
        return await self.stage.bot(**self.how, **how)

    def reads(self) -> int:
        return len(self.stage.sandbox.calls("docx.blocks"))

    async def answer(self) -> str:
        asked = await self.stage.ask(QUESTION, chat=private_chat(self.stage), mention=False)
        return answer_text(await self.stage.closed(asked))


@pytest.fixture
def camp(stage: Stage) -> Camp:
    return Camp(stage)


async def test_an_edit_that_the_platform_reports_reads_that_document_again(camp: Camp) -> None:
    camp.store.managed.add(camp.page.obj_token)
    bot = await camp.bot(BOT__REFRESH_MIN="0")
    assert set(camp.store.subscribed) == {camp.page.obj_token}, "what it does not manage it cannot subscribe to"
    assert "320" in await camp.answer()
    read = camp.reads()
    camp.store.write(camp.page.obj_token, "露营须知", AFTER)
    await bot.logged("documents_refreshed", changes="0 new, 1 changed, 0 gone")
    assert camp.reads() == read + 1
    assert "450" in await camp.answer()


async def test_a_document_that_is_deleted_leaves_the_index(camp: Camp) -> None:
    camp.store.managed.add(camp.page.obj_token)
    bot = await camp.bot(BOT__REFRESH_MIN="0")
    camp.store.remove(camp.page.obj_token)
    await bot.logged("documents_refreshed", changes="0 new, 0 changed, 1 gone")
    assert "320" not in await camp.answer()


async def test_without_events_the_bot_looks_for_itself(camp: Camp) -> None:
    bot = await camp.bot(BOT__REFRESH_MIN="0.02")
    await bot.logged("documents_refreshed", changes="0 new, 0 changed, 0 gone")
    read = camp.reads()
    camp.store.write(camp.page.obj_token, "露营须知", AFTER)
    camp.store.node(SPACE, "新的一页", "食堂在一楼。")
    await camp.stage.sandbox.wait_for(lambda: camp.reads() == read + 2, DEADLINE_S)
    await bot.logged("documents_refreshed", changes="1 new, 1 changed, 0 gone")
    assert "450" in await camp.answer()


async def test_an_event_about_a_foreign_document_changes_nothing(camp: Camp) -> None:
    bot = await camp.bot(BOT__REFRESH_MIN="0")
    read = camp.reads()
    app = next(iter(camp.stage.sandbox.world.apps.values()))
    camp.stage.sandbox.push.event(app, "drive.file.edit_v1", {"file_token": "doxcnForeign", "file_type": "docx"})
    await bot.logged("job_ended", reason="no document of ours")
    assert camp.reads() == read
