"""Links to Feishu documents in a chat: read with the app's rights, answered from, kept for the conversation."""

import pytest

from bot.ingestion import ingest_all
from feishu.sandbox.document_store import DocumentStore
from tests.integration.conftest import BOB, GROUP, Stage, answer_text, words
from tests.integration.test_people_conversation import private_chat, replies
from tests.support.feishu_content import BASE, SHEET, prices, settings_of, tasks

ORIGIN = "https://acme.feishu.cn"
DOCX = f"{ORIGIN}/docx/doxcnCamp"
CAMP = (
    "# 露营须知\n\n## 帐篷押金\n\n帐篷押金为每顶 320 元，归还时检查无损后退还。\n\n## 归还\n\n帐篷在周一归还到前台。\n"
)
QUOTING = {"RAG__LLM__PROVIDER": "extractive"}


def camp(stage: Stage) -> DocumentStore:
    store = stage.sandbox.platform.documents
    store.write("doxcnCamp", "露营须知", CAMP)
    return store


async def test_a_question_with_a_link_is_answered_from_it_and_so_is_what_follows(stage: Stage) -> None:
    camp(stage)
    await stage.bot(**QUOTING)
    chat = private_chat(stage)
    asked = await stage.ask(f"{DOCX} 帐篷押金是多少？", chat=chat, mention=False)
    card = await stage.closed(asked, containing="320")
    assert "《露营须知》" in words(card["card"]), "the link has its title in the question"
    assert f"({DOCX}" in words(card["card"]).replace("\\", ""), "the document is the source"
    assert "更新于 2023-11-" in words(card["card"])
    follow_up = await stage.ask("帐篷什么时候归还？", chat=chat, mention=False)
    assert "周一" in answer_text(await stage.closed(follow_up))


async def test_a_link_alone_is_read_and_asks_for_a_question(stage: Stage) -> None:
    camp(stage)
    bot = await stage.bot(**QUOTING)
    chat = private_chat(stage)
    asked = await stage.ask(f"读一下这个：{DOCX}", chat=chat, mention=False)
    await bot.logged("job_ended", state="done")
    assert any("已读完《露营须知》" in said for said in replies(stage, asked))
    assert stage.cards(asked) == []
    question = await stage.ask("帐篷押金是多少？", chat=chat, mention=False)
    assert "320" in answer_text(await stage.closed(question))


async def test_in_a_group_it_is_there_for_the_question_and_for_replies_to_its_card(stage: Stage) -> None:
    camp(stage)
    await stage.bot(**QUOTING)
    asked = await stage.ask(f"{DOCX} 帐篷押金是多少？")
    card = await stage.closed(asked, containing="320")
    said = await stage.sandbox.say(GROUP, BOB, "帐篷什么时候归还？", mention_bot=True, reply_to=card["message_id"])
    assert "周一" in answer_text(await stage.closed(said.message_id))
    other = await stage.ask("帐篷什么时候归还？")
    assert "周一" not in answer_text(await stage.closed(other)), "nobody else's question has it"


async def test_the_root_of_a_topic_comes_along_with_a_link(stage: Stage) -> None:
    camp(stage)
    await stage.bot(**QUOTING)
    root = await stage.sandbox.say(GROUP, BOB, "团建定在周五，谁去借帐篷？")
    question = f"{DOCX} 帐篷押金是多少？"
    asked = await stage.sandbox.say(GROUP, BOB, question, mention_bot=True, reply_to=root.message_id, in_thread=True)
    card = await stage.closed(asked.message_id, containing="320")
    assert "团建定在周五" in words(card["card"])


async def test_sheets_and_bitables_are_read_by_their_links(stage: Stage) -> None:
    store = stage.sandbox.platform.documents
    prices(store)
    tasks(store)
    await stage.bot(**QUOTING)
    chat = private_chat(stage)
    asked = await stage.ask(f"上海旺季的住宿上限是多少？{ORIGIN}/sheets/{SHEET}", chat=chat, mention=False)
    assert "1,200" in answer_text(await stage.closed(asked)).replace("\\", "")
    asked = await stage.ask(f"更新差旅制度的预算是多少？{ORIGIN}/base/{BASE}?table=tblTasks", chat=chat, mention=False)
    card = await stage.closed(asked)
    assert "12,345.50" in answer_text(card).replace("\\", "")
    assert f"{ORIGIN}/base/{BASE}?table=tblTasks" in words(card["card"]).replace("\\", "")


@pytest.mark.parametrize(("language", "said"), [("zh", "添加文档应用"), ("en", "Add document app")])
async def test_what_the_app_may_not_open_gets_a_sentence_with_what_to_do(
    stage: Stage, language: str, said: str
) -> None:
    store = camp(stage)
    store.hidden.add("doxcnCamp")
    await stage.bot(**QUOTING, BOT__LANGUAGE=language)
    asked = await stage.ask(f"{DOCX} 帐篷押金是多少？", chat=private_chat(stage), mention=False)
    card = await stage.closed(asked, containing=said)
    assert "知识库助手" in words(card["card"]) and "320" not in words(card["card"])


async def test_a_document_of_a_closed_collection_stays_closed(stage: Stage) -> None:
    camp(stage)
    collections = f'{{"hr": {{"links": ["{DOCX}"]}}, "open": {{"folders": [], "public": true}}}}'
    how = {"RAG__COLLECTIONS": collections, "RAG__INDEX_DIR": str(stage.folder / "index"), "RAG__KNOWLEDGE": "[]"}
    assert (await ingest_all(settings_of(stage, how))).documents == 1
    await stage.bot(**QUOTING, **how)
    asked = await stage.ask(f"{DOCX} 帐篷押金是多少？", chat=private_chat(stage), mention=False)
    card = await stage.closed(asked, containing="不开放")
    assert "320" not in words(card["card"]) and "露营" not in words(card["card"])


async def test_a_folder_s_link_and_others_pages_are_told_apart(stage: Stage) -> None:
    bot = await stage.bot(**QUOTING)
    chat = private_chat(stage)
    asked = await stage.ask(f"看看 {ORIGIN}/drive/folder/fldcnTop", chat=chat, mention=False)
    await bot.logged("job_ended", state="done")
    assert any("不是一篇文档" in said for said in replies(stage, asked))
    asked = await stage.ask("https://wiki.example.com/wiki/abc 年假有几天？", chat=chat, mention=False)
    await stage.closed(asked)
    assert [call.name for call in stage.sandbox.calls() if call.name.startswith(("wiki", "docx"))] == []


async def test_it_can_be_switched_off(stage: Stage) -> None:
    camp(stage)
    await stage.bot(**QUOTING, BOT__PEOPLE__READ_LINKS="false")
    asked = await stage.ask(f"{DOCX} 帐篷押金是多少？", chat=private_chat(stage), mention=False)
    assert "320" not in answer_text(await stage.closed(asked))
    assert stage.sandbox.calls("docx.blocks") == []
