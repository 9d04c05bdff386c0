"""▶ on an answer that was cut: it goes on in the same card, from the text that stands there, and nothing is lost."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from feishu.events.types import CardAction
from rag.ingestion.pipeline import ingest
from rag.settings import EmbeddingSettings, RagSettings
from tests.integration.conftest import ALICE, BOB, GROUP, Stage, answer_text, button, words
from tests.integration.test_bad_luck import using
from tests.integration.test_crash import killed
from tests.support.bot_process import REPOSITORY
from tests.support.model_server import ModelServer, Reply, running
from tests.support.scene import QUESTION, Message, Scene, new_scene

BEGUN = "出差回来后要在返回之日起 10 个工作日内提交差旅报销单 [1]。报销单要附上发票、行程单"
REST = "和住宿清单，逾期还要说明原因，并由部门负责人审批 [1]。审批通过以后，款项随下一个发薪日一起到账。"
ANSWER, CUT = BEGUN + REST, len(BEGUN)
CUT_OFF = Reply(BEGUN, end="length")
GOES_ON = Reply(REST, delay_s=0.01)
DAY_S = 86_400.0


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server whose first answer is cut at its limit."""
    with running() as server:
        server.script(CUT_OFF, GOES_ON)
        yield server


@pytest.fixture
async def scene(tmp_path: Path, handbook_index: Path, model: ModelServer) -> AsyncIterator[Scene]:
    async with new_scene(tmp_path, handbook_index, model) as scene:
        yield scene


async def cut_off(scene: Scene, **how: object) -> Message:
    """The closed card of an answer that was cut."""
    await scene.start(**how)
    return await scene.closed(await scene.ask())


async def shown_version(scene: Scene, card: Message, version: str) -> Message:
    """The card once it is closed with this version on it."""
    return await scene.closed(card["parent_id"], containing=version)


async def said(scene: Scene, card: Message, kind: str = "continue", person: str = ALICE) -> str:
    shown = await scene.press(card, kind, person)
    assert shown.toast is not None
    return str(shown.toast["content"])


async def from_another_screen(scene: Scene, card: Message) -> str:
    """What ▶ says on a client that still shows an earlier state of the card."""
    assert scene.bot is not None
    value = {**(button(card, "regenerate") or {}), "act": "continue"}
    click = CardAction("cli_sandbox", "", "ev_late", 0.0, ALICE, GROUP, card["message_id"], value, {}, "", "button")
    return str((await scene.bot.handlers.admit(click)).body["toast"]["content"])


async def test_a_cut_answer_goes_on_in_the_same_card(scene: Scene, model: ModelServer) -> None:
    released: list[bool] = []
    model.script(CUT_OFF, Reply(REST, once=lambda: bool(released)))
    card = await cut_off(scene)
    assert answer_text(card) == BEGUN
    assert "长度上限" in words(card["card"]) and button(card, "regenerate") and button(card, "continue")
    assert await said(scene, card) == "好的，接着写"
    growing = await scene.growing(card["parent_id"], chars=CUT)
    assert answer_text(growing).startswith(BEGUN) and button(growing, "stop")
    released.append(True)
    whole = await shown_version(scene, card, "2/2")
    assert answer_text(whole) == ANSWER
    assert "长度上限" not in words(whole["card"]) and button(whole, "continue") is None
    assert "第 2 版" in words(whole["card"]) and "&#91;1&#93;" in words(whole["card"])
    assert len(scene.replies(card["parent_id"])) == 1
    assert BEGUN in model.chats()[-1].prompt
    await scene.press(whole, "show")
    assert answer_text(await shown_version(scene, card, "1/2")) == BEGUN
    scene.assert_lawful()


async def test_what_is_cut_again_goes_on_again(scene: Scene, model: ModelServer) -> None:
    model.script(CUT_OFF, Reply(ANSWER[CUT : CUT + 20], end="length"), Reply(ANSWER[CUT + 20 :]))
    card = await cut_off(scene)
    await scene.press(card, "continue")
    second = await shown_version(scene, card, "2/2")
    assert answer_text(second) == ANSWER[: CUT + 20] and "长度上限" in words(second["card"])
    await scene.press(second, "continue")
    assert answer_text(await shown_version(scene, card, "3/3")) == ANSWER


async def test_pressed_twice_it_goes_on_once(scene: Scene, model: ModelServer) -> None:
    released: list[bool] = []
    model.script(CUT_OFF, Reply(REST, once=lambda: bool(released)))
    card = await cut_off(scene)
    assert await said(scene, card) == "好的，接着写"
    assert await said(scene, card, person=BOB) == "已经在写了，请稍等"
    assert await said(scene, card, "regenerate") == "已经在重新生成了"
    released.append(True)
    await shown_version(scene, card, "2/2")
    await scene.idle()
    assert await from_another_screen(scene, card) == "这里没有可以接着写的内容了"
    await scene.idle()
    assert len(model.chats()) == 2


async def test_only_who_may_press_regenerate_may_press_it(scene: Scene) -> None:
    card = await cut_off(scene, bot={"people": {"regenerate_by": "asker"}})
    assert await said(scene, card, person=BOB) == "只有提问的人可以操作"
    assert await said(scene, card, person=ALICE) == "好的，接着写"


@pytest.mark.parametrize("first_words", [True, False], ids=["after its first words", "before them"])
async def test_a_stop_keeps_all_that_is_there(scene: Scene, model: ModelServer, first_words: bool) -> None:
    more = Reply(REST[:10], end="stall") if first_words else Reply(REST, first_delay_s=60)
    model.script(CUT_OFF, more)
    card = await cut_off(scene)
    await scene.press(card, "continue")
    growing = await scene.growing(card["parent_id"], chars=CUT + 5 if first_words else CUT)
    await scene.press(growing, "stop")
    stopped = await scene.closed(card["parent_id"], containing="已停止")
    assert ANSWER.startswith(answer_text(stopped)) and len(answer_text(stopped)) >= CUT
    assert button(stopped, "continue") and "&#91;1&#93;" in words(stopped["card"])
    model.script(Reply(ANSWER[len(answer_text(stopped)) :]))
    await scene.press(stopped, "continue")
    assert answer_text(await shown_version(scene, card, "3/3")) == ANSWER
    scene.assert_lawful()


async def test_a_model_that_fails_leaves_the_text_and_says_so(scene: Scene, model: ModelServer) -> None:
    model.script(CUT_OFF, *[Reply(status=500)] * 3, GOES_ON)
    card = await cut_off(scene)
    await scene.press(card, "continue")
    failed = await shown_version(scene, card, "2/2")
    assert answer_text(failed) == BEGUN
    assert failed["card"]["header"]["template"] == "red"
    assert "可能不完整" in words(failed["card"]) and "费用报销" in words(failed["card"])
    await scene.press(failed, "continue")
    assert answer_text(await shown_version(scene, card, "3/3")) == ANSWER


async def test_an_answer_that_was_not_cut_has_nothing_to_go_on_with(scene: Scene, model: ModelServer) -> None:
    model.script(Reply(ANSWER))
    card = await cut_off(scene)
    assert button(card, "continue") is None
    assert await from_another_screen(scene, card) == "这里没有可以接着写的内容了"


async def test_an_old_card_goes_on_as_a_new_one(scene: Scene) -> None:
    card = await cut_off(scene)
    scene.advance(15 * DAY_S)
    await scene.press(card, "continue")
    whole = await shown_version(scene, card, "2/2")
    assert whole["message_id"] != card["message_id"] and answer_text(whole) == ANSWER


async def test_where_the_documents_have_changed_it_is_answered_anew_and_said(
    tmp_path: Path, model: ModelServer
) -> None:
    """The numbers in the text would name other passages."""
    knowledge, index = tmp_path / "knowledge", tmp_path / "index"
    shutil.copytree(REPOSITORY / "knowledge", knowledge)
    settings = RagSettings(knowledge=[knowledge], index_dir=index, embedding=EmbeddingSettings(provider="none"))
    ingest(settings)
    async with new_scene(tmp_path, index, model) as scene:
        card = await cut_off(scene)
        cited = next(
            file for file in knowledge.rglob("*.md") if f"# {title_of_first_source(card)}" in file.read_text("utf-8")
        )
        cited.write_text(cited.read_text("utf-8").replace("工作日", "自然日"), "utf-8")
        ingest(settings)
        model.script(Reply("现在是 10 个自然日 [1]。"))
        await scene.press(card, "continue")
        anew = await shown_version(scene, card, "2/2")
        assert answer_text(anew) == "现在是 10 个自然日 [1]。"
        assert "已重新回答" in words(anew["card"])
        assert len(scene.replies(card["parent_id"])) == 1
        scene.assert_lawful()


def title_of_first_source(card: Message) -> str:
    """Of the document that the answer cites."""
    line = next(line for line in words(card["card"]).splitlines() if line.startswith("**&#91;1&#93;**"))
    return line.split("[", 1)[1].split(" › ")[0].split("]")[0]


@pytest.mark.parametrize("place", ["mid-stream", "before-final"])
async def test_killed_in_between_it_goes_on_from_the_cut_again(
    stage: Stage, model: ModelServer, store_url: str, place: str
) -> None:
    settings = using(model, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3")
    first = await stage.bot(**settings)
    asked = await stage.ask(QUESTION)
    card = await stage.closed(asked)
    assert answer_text(card) == BEGUN
    await first.terminate()
    model.script(Reply(REST, delay_s=0.03))
    second = await stage.bot(**settings, BOT_TEST_KILL_AT=place)
    await stage.click(card, "continue")
    await killed(second)
    await stage.bot(**settings)
    whole = await stage.closed(asked, containing="2/2")
    assert answer_text(whole) == ANSWER
    assert [each["message_id"] for each in stage.cards(asked)] == [card["message_id"]]
    assert stage.sandbox.violations == []
