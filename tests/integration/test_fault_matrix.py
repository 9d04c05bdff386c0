"""Whatever the platform or the model does, the person ends with the whole answer, or a plain reason, on one closed card
(or on the documented fallback), and no law of the platform is broken.

One row, one misfortune. The bot is real and inside the test's loop; sandbox and model are real servers.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from feishu.sandbox import Sandbox, SandboxSettings, running
from feishu.stream import CardStream
from tests.integration.conftest import ALICE, DEADLINE_S, GROUP, answer_text, button, words
from tests.support.bot_inside import bot_inside, idle, settings_of
from tests.support.model_server import ModelServer, Reply
from tests.support.model_server import running as running_model

QUESTION = "出差回来多久内要报销？"
ANSWER = "出差回来后要在返回之日起 **10 个工作日内**提交差旅报销单 [1]。逾期要说明原因，并由部门负责人审批。" * 2
WRITTEN = Reply(ANSWER, delay_s=0.012)
AT_ONCE = 12
HTML = "<html><body>502 Bad Gateway</body></html>"

Message = dict[str, Any]


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """A local OpenAI-compatible server."""
    with running_model() as server:
        yield server


@dataclass
class Scene:
    """A sandbox, a model and a bot between them."""

    sandbox: Sandbox
    url: str
    folder: Path
    index: Path
    model: ModelServer
    stack: AsyncExitStack
    bot: Bot | None = None

    async def start(self, **how: Any) -> None:
        """Starts the bot."""
        how = {**how, "feishu": {"frame_interval_s": 0.15} | how.get("feishu", {})}
        settings = settings_of(self.url, self.folder, self.index, self.model.base_url, **how)
        self.bot, public = await self.stack.enter_async_context(bot_inside(settings))
        self.sandbox.set_webhook(f"{public}/feishu/webhook")

    async def ask(self, text: str = QUESTION) -> str:
        """Asks in the group; gives the message id."""
        return (await self.sandbox.say(GROUP, ALICE, text, mention_bot=True)).message_id

    def replies(self, asked: str) -> list[Message]:
        """What the bot answered, oldest first, as people see it now."""
        shown = [self.sandbox.shown(each.message_id) for each in list(self.sandbox.world.messages.values())]
        return [message for message in shown if message["parent_id"] == asked]

    def cards(self, asked: str) -> list[Message]:
        return [message for message in self.replies(asked) if message["card"]]

    async def until(self, seen: Callable[[], Any]) -> Any:
        """The first truthy value, looked at again after every change."""
        return await self.sandbox.wait_for(seen, DEADLINE_S)

    async def closed(self, asked: str) -> Message:
        """The card, once it is closed with its buttons on it."""

        def done() -> Message | None:
            return next((card for card in self.cards(asked) if is_final(card)), None)

        return await self.until(done)

    async def text(self, asked: str) -> Message:
        """The text message that answers."""
        return await self.until(lambda: next((each for each in self.replies(asked) if not each["card"]), None))

    async def growing(self, asked: str, *, chars: int = 1) -> Message:
        """The card while text stands on it and it is still streaming."""

        def partly() -> Message | None:
            cards = (card for card in self.cards(asked) if card["streaming"])
            return next((card for card in cards if len(answer_text(card)) >= chars), None)

        return await self.until(partly)

    def assert_lawful(self, *, late_twins: bool = False) -> None:
        """`late_twins`: a call we gave up arrives after the one that took its place, and is refused as it should be."""
        broken = [entry for entry in self.sandbox.laws_broken if not (late_twins and entry.name == "sequence")]
        assert broken == []


def is_final(message: Message) -> bool:
    return not message["streaming"] and button(message, "regenerate") is not None


@contextlib.asynccontextmanager
async def new_scene(folder: Path, index: Path, model: ModelServer, **platform: Any) -> AsyncIterator[Scene]:
    """A fresh sandbox; what is started on it ends with it."""
    sandbox = Sandbox(SandboxSettings(**platform))
    async with running(sandbox) as url, AsyncExitStack() as stack:
        yield Scene(sandbox, url, folder, index, model, stack)


@pytest.fixture
async def scene(tmp_path: Path, handbook_index: Path, model: ModelServer) -> AsyncIterator[Scene]:
    """A fresh sandbox, and the model with an ordinary answer."""
    model.script(WRITTEN)
    async with new_scene(tmp_path, handbook_index, model) as scene:
        yield scene


@dataclass(frozen=True)
class Play:
    """One misfortune and what has to come of it. `platform` are readings of the documents that the sandbox follows."""

    run: Callable[[Scene], Awaitable[object]]
    platform: dict[str, Any]


PLAYS: dict[str, Play] = {}
Part = Callable[..., Awaitable[object]]


def plays(*rows: Any, **platform: Any) -> Callable[[Part], Part]:
    """Registers a coroutine function (of a scene and one row's values) as plays, one for each row. Plays run several at
    once, each with its own sandbox and bot, and with the ordinary model: they mostly wait."""

    def register(part: Part) -> Part:
        for row in rows or ((),):
            values = row if isinstance(row, tuple) else (row,)
            name = " ".join([part.__name__, *map(str, values)]).replace(HTML, "html")
            PLAYS[name] = Play(partial(_swapped, part, values), platform)
        return part

    return register


async def _swapped(part: Part, values: tuple[Any, ...], scene: Scene) -> None:
    await part(scene, *values)


async def answered_whole(scene: Scene, asked: str, *, late_twins: bool = False) -> Message:
    """The whole answer, alone, on one closed card."""
    card = await scene.closed(asked)
    assert answer_text(card) == ANSWER
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful(late_twins=late_twins)
    return card


# The platform: a code, or no answer, at a moment of the card's life.

CREATE, REPLY, FRAME, CLOSE, LAST = "card.create", "message.reply", "card.content", "card.settings", "card.update"
MIDDLE = {"skip": 2}


@dataclass(frozen=True)
class Row:
    """A fault, and how often it hits."""

    endpoint: str
    how: dict[str, Any]

    def __str__(self) -> str:
        words = [
            self.endpoint,
            *(f"{key}={value}" for key, value in self.how.items() if key not in ("headers", "html")),
        ]
        return " ".join([*words, "html"] if "html" in self.how else words)


def rows(endpoint: str, *hows: dict[str, Any], **common: Any) -> list[Row]:
    return [Row(endpoint, common | how) for how in hows]


OUTAGES: tuple[dict[str, Any], ...] = (
    {"status": 502, "html": HTML},
    {"status": 500, "code": 2200},
    {"drop": True},
    {"drop": True, "applied": True},
)
RATE = {"code": 99991400, "status": 429, "headers": {"x-ogw-ratelimit-reset": "1"}}

PASSING = [
    # no usable answer, twice, at each step
    *rows(CREATE, *OUTAGES, times=2),
    *rows(REPLY, *OUTAGES, times=2),
    *rows(FRAME, *OUTAGES, times=2, **MIDDLE),
    *rows(CLOSE, *OUTAGES, times=2),
    *rows(LAST, *OUTAGES, times=2),
    # time-outs: the answer comes too late
    Row(CREATE, {"delay_s": 2.0}),
    Row(FRAME, {"delay_s": 2.0, **MIDDLE}),
    Row(CLOSE, {"delay_s": 2.0}),
    Row(LAST, {"delay_s": 2.0}),
    # rates
    *(Row(endpoint, RATE) for endpoint in (CREATE, REPLY, FRAME, CLOSE, LAST)),
    *(Row(endpoint, {"code": 230020}) for endpoint in (REPLY, FRAME, CLOSE, LAST)),
    # somebody clicks, somebody else wrote, the platform stumbles
    *(Row(endpoint, {"code": 200810, "times": 2}) for endpoint in (FRAME, CLOSE, LAST)),
    *(Row(endpoint, {"code": 300317}) for endpoint in (FRAME, CLOSE, LAST)),
    *(Row(FRAME, {"code": code, **MIDDLE}) for code in (300120, 123456)),
    *(Row(LAST, {"code": code}) for code in (300120, 300121, 123456)),
    Row(CLOSE, {"code": 300122}),
    # the stream is over, or the text is not taken: the end brings it
    *(Row(FRAME, {"code": code, **MIDDLE}) for code in (200850, 300309, 200510)),
    Row(FRAME, {"code": 200850, "times": None, **MIDDLE}),
    *(
        Row(FRAME, {"code": code, **MIDDLE})
        for code in (11310, 200570, 200860, 300305, 300313, 300310, 10002, 99992402)
    ),
    # the preview is refused: better closed without it
    Row(CLOSE, {"code": 230022}),
    # tokens
    *(Row(endpoint, {"revoke_token": True}) for endpoint in (CREATE, REPLY, CLOSE, LAST)),
    Row(FRAME, {"revoke_token": True, **MIDDLE}),
    Row(FRAME, {"code": 99991663, "status": 200, **MIDDLE}),
]


@plays(*PASSING)
async def what_passes_leaves_the_whole_answer_on_one_closed_card(scene: Scene, row: Row) -> None:
    fault = scene.sandbox.faults.plan(row.endpoint, **row.how)
    await scene.start(feishu={"timeout_s": 1.0})
    card = await answered_whole(scene, await scene.ask(), late_twins="delay_s" in row.how)
    assert fault.hits, "the row was really played"
    assert QUESTION in words(card["card"])


async def however_the_documents_are_read_the_answer_arrives(scene: Scene, by_put: bool) -> None:
    await scene.start(feishu={"close_by_put": by_put})
    await answered_whole(scene, await scene.ask())
    assert len(scene.sandbox.calls(CLOSE)) == (0 if by_put else 1)


READINGS: list[dict[str, Any]] = [
    {},
    {"card_rate_code": 230020},
    {"invalid_token_status": 200},
    {"put_closes_stream": True},
    {"uuid_repeat": "refused"},
    {"latency_s": 0.1},
]
for by_put in (False, True):
    for reading in READINGS:
        name = f"however_the_documents_are_read_the_answer_arrives {reading} {by_put=}"
        PLAYS[name] = Play(partial(_swapped, however_the_documents_are_read_the_answer_arrives, (by_put,)), reading)


@plays(uuid_repeat="refused")
async def a_card_whose_message_id_never_arrived_is_written_and_can_be_regenerated(scene: Scene) -> None:
    scene.sandbox.faults.plan(REPLY, drop=True, applied=True)
    await scene.start()
    asked = await scene.ask()
    card = await answered_whole(scene, asked)
    await press(scene, card, "regenerate")
    await scene.until(lambda: "第 2 版" in words(scene.cards(asked)[0]["card"]))
    await answered_whole(scene, asked)


async def test_a_stream_that_the_platform_ended_after_ten_minutes_goes_on(scene: Scene) -> None:
    scene.model.script(Reply(ANSWER, delay_s=0.03))
    await scene.start()
    asked = await scene.ask()
    await scene.growing(asked)
    scene.sandbox.advance(601)
    await scene.growing(asked, chars=40)
    card = await answered_whole(scene, asked)
    opened = [entry for entry in scene.sandbox.calls(CLOSE) if "true" in str(entry.detail["request"])]
    assert opened and card


# What does not pass: another way, told in the documents (docs/errors.md).


async def press(scene: Scene, message: Message, kind: str, person: str = ALICE) -> Any:
    return await scene.sandbox.click(message["message_id"], person, value=button(message, kind))


@plays(*[{"code": 99991672}, {"status": 502, "html": HTML}, {"code": 11310}, {"code": 10002}])
async def without_cardkit_the_answer_comes_on_a_raw_card(scene: Scene, how: dict[str, Any]) -> None:
    scene.sandbox.faults.plan("card.*", times=None, **how)
    await scene.start()
    await answered_whole(scene, await scene.ask())


@plays(*[{"code": 230020}, {"status": 502, "html": HTML}, {"drop": True}])
async def a_raw_card_is_finished_too(scene: Scene, how: dict[str, Any]) -> None:
    scene.sandbox.faults.plan(CREATE, code=99991672)
    scene.sandbox.faults.plan("message.patch", skip=1, times=2, **how)
    await scene.start()
    await answered_whole(scene, await scene.ask())


@plays(*[230028, 230099, 200621, 230001])
async def an_opening_card_that_is_refused_is_sent_without_the_question(scene: Scene, code: int) -> None:
    scene.sandbox.faults.plan(REPLY, code=code)
    await scene.start()
    await answered_whole(scene, await scene.ask())


@plays()
async def where_no_card_is_taken_the_answer_is_a_text(scene: Scene) -> None:
    scene.sandbox.faults.plan(REPLY, code=230028, match="interactive", times=None)
    await scene.start()
    asked = await scene.ask()
    message = await scene.text(asked)
    assert ANSWER in str(message)
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()


@plays(*[230011, 231003, 230019, 232009, 230002, 230027, 230053])
async def where_nobody_can_be_answered_nothing_is_said(scene: Scene, code: int) -> None:
    fault = scene.sandbox.faults.plan(REPLY, code=code, times=None)
    await scene.start()
    asked = await scene.ask()
    await scene.until(lambda: fault.hits)
    await ended(scene)
    assert scene.replies(asked) == []
    assert fault.hits == 1, "not tried again"
    scene.assert_lawful()


async def ended(scene: Scene) -> None:
    """Waits until the bot has nothing left to do."""
    assert scene.bot is not None
    async with asyncio.timeout(DEADLINE_S):
        await idle(scene.bot)


@plays(*[200740, 200750, 300311, 99991672])
async def a_card_that_is_lost_while_it_is_written_gets_its_whole_answer_in_a_new_message(
    scene: Scene, code: int
) -> None:
    scene.sandbox.faults.plan("card.[csu]*", skip=3, times=None, code=code)
    await scene.start()
    asked = await scene.ask()
    card = await scene.closed(asked)
    assert answer_text(card) == ANSWER
    await ended(scene)
    assert len(scene.replies(asked)) == 2
    scene.assert_lawful()


@plays(*[230011, 230110, 232009])
async def a_card_that_was_recalled_while_it_is_written_is_left_alone(scene: Scene, code: int) -> None:
    fault = scene.sandbox.faults.plan("card.[csu]*", skip=3, times=None, code=code)
    await scene.start()
    asked = await scene.ask()
    await scene.until(lambda: fault.hits)
    await ended(scene)
    assert fault.hits == 1
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()


@plays(*[11310, 200570, 300305, 200621, 230022, 230028, 300301, 10002, 99992402])
async def a_last_card_that_is_refused_comes_simpler_with_the_same_words(scene: Scene, code: int) -> None:
    scene.sandbox.faults.plan(LAST, code=code)
    await scene.start()
    asked = await scene.ask()
    card = await scene.closed(asked)
    assert ANSWER in words(card["card"])
    await ended(scene)
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()


@plays(*[(200860, 1), (230025, 1), (11310, None), (200800, 1), (300303, 1)])
async def a_last_card_that_no_card_can_replace_comes_as_a_message(scene: Scene, code: int, times: int | None) -> None:
    scene.sandbox.faults.plan(LAST, code=code, times=times)
    await scene.start()
    asked = await scene.ask()
    await ended_after(scene, asked)
    first, second = scene.replies(asked)
    assert not first["streaming"]
    assert ANSWER in (words(second["card"]) if second["card"] else str(second))
    scene.assert_lawful()


async def ended_after(scene: Scene, asked: str) -> None:
    await scene.until(lambda: scene.replies(asked))
    await ended(scene)


@pytest.mark.parametrize("code", [99991401, 99991403, 10014])
async def test_what_an_admin_has_to_mend_is_a_debt_that_is_paid(
    scene: Scene, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.worker.OWED_EVERY_S", 0.5)
    fault = scene.sandbox.faults.plan("card.[su]*", times=3, code=code)
    await scene.start()
    await answered_whole(scene, await scene.ask())
    assert fault.hits == 3


async def test_while_cardkit_stays_down_the_answer_goes_out_apart_and_the_card_is_closed_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.worker.OWED_EVERY_S", 0.5)
    monkeypatch.setitem(CardStream.finish.__kwdefaults__, "budget_s", 1.0)
    fault = scene.sandbox.faults.plan("card.[su]*", times=None, status=502, html=HTML)
    await scene.start(feishu={"debt_s": 1.0})
    asked = await scene.ask()
    apart = await scene.closed(asked)
    assert answer_text(apart) == ANSWER
    fault.times = 0
    await ended(scene)
    cards = scene.cards(asked)
    assert [answer_text(card) for card in cards] == [ANSWER, ANSWER]
    assert not any(card["streaming"] for card in cards)
    scene.assert_lawful()


# The model.


async def noticed(scene: Scene, reply: Reply, *more: Reply, **timeouts: float) -> Message:
    scene.model.script(reply, *more)
    await scene.start(timeouts=timeouts)
    asked = await scene.ask()
    card = await scene.closed(asked)
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()
    return card


@pytest.mark.parametrize("end", ["disconnect", "error", "stall"])
async def test_a_model_that_fails_after_its_first_words_leaves_them_with_a_reason(scene: Scene, end: Any) -> None:
    card = await noticed(scene, Reply(ANSWER[:40], end=end), stall_s=1.0)
    assert ANSWER.startswith(answer_text(card)[:30])
    assert "可能不完整" in words(card["card"])


@pytest.mark.parametrize(
    "reply",
    [Reply(status=429), Reply(status=500), Reply(status=503), Reply("", end="stall"), Reply("", end="disconnect")],
    ids=["429", "500", "503", "stall", "disconnect"],
)
async def test_a_model_that_never_answers_is_said_in_words(scene: Scene, reply: Reply) -> None:
    card = await noticed(scene, reply, first_token_s=1.0, stall_s=1.0, total_s=4.0)
    assert "⚠️" in words(card["card"])
    assert button(card, "regenerate")


async def test_a_model_that_stops_in_the_middle_of_the_total_time_is_told(scene: Scene) -> None:
    card = await noticed(scene, Reply(ANSWER * 20, delay_s=0.05), total_s=2.0)
    assert answer_text(card).startswith(ANSWER[:20])
    assert "可能不完整" in words(card["card"])


@pytest.mark.parametrize(
    "reply", [Reply(status=429), Reply(status=500), Reply("", end="disconnect")], ids=["429", "500", "disconnect"]
)
async def test_a_model_that_fails_once_before_its_first_words_is_asked_again(scene: Scene, reply: Reply) -> None:
    card = await noticed(scene, reply, WRITTEN)
    assert answer_text(card) == ANSWER


# Stop.


@pytest.mark.parametrize("moment", ["before the first words", "at the first words", "in the middle", "in an outage"])
async def test_stop_closes_the_card_and_keeps_what_was_written(scene: Scene, moment: str) -> None:
    reply = Reply(ANSWER, delay_s=0.05, end="stall")
    if moment == "before the first words":
        reply = Reply(ANSWER, first_delay_s=30)
    scene.model.script(reply)
    if moment == "in an outage":
        scene.sandbox.faults.plan(FRAME, skip=3, times=2, status=502, html=HTML)
    await scene.start()
    asked = await scene.ask()
    if moment == "before the first words":
        card = await scene.until(lambda: next((c for c in scene.cards(asked) if button(c, "stop")), None))
    else:
        card = await scene.growing(asked, chars=1 if moment == "at the first words" else 20)
    shown = await press(scene, card, "stop")
    assert shown.toast is not None
    card = await scene.closed(asked)
    assert "已停止" in words(card["card"])
    assert ANSWER.startswith(answer_text(card).removesuffix("**"))
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()


@plays()
async def stop_while_the_end_is_written_changes_nothing(scene: Scene) -> None:
    scene.sandbox.faults.plan(CLOSE, delay_s=1.0)
    await scene.start()
    asked = await scene.ask()
    card = await scene.growing(asked)
    await scene.until(lambda: any(entry.kind == "fault" for entry in scene.sandbox.log))
    await press(scene, card, "stop")
    card = await scene.closed(asked)
    assert answer_text(card) == ANSWER
    scene.assert_lawful()


# What models write.

TABLE = "| 项目 | 标准 |\n|---|---|\n| 住宿 {0} | {0}00 元 |\n"


async def test_six_tables_arrive_whole(scene: Scene) -> None:
    text = "\n".join(f"第 {number} 张表：\n\n{TABLE.format(number)}" for number in range(1, 7)) + "\n完 [1]"
    card = await noticed(scene, Reply(text))
    assert all(f"住宿 {number}" in answer_text(card) for number in range(1, 7))
    assert "完" in answer_text(card)


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](https://evil.example/a.png)",
        "![x](img_v2_made_up)",
        "![x](http://evil.example/a.png 'title')",
        "<at id=all></at>",
        "<at id=ou_linxiaoman></at>",
        "&lt;at id=all&gt;&lt;/at&gt;",
        "&#60;at id=all>&#60;/at>",
        "<AT ids=all></AT>",
        "<person id='ou_x'></person><link url='lark://x'>x</link>",
        "[x](lark://client/mini) [y](javascript:alert(1))",
    ],
)
async def test_hostile_text_arrives_as_harmless_words(scene: Scene, hostile: str) -> None:
    card = await noticed(scene, Reply(f"前言 {hostile} 正文在此，共 15 天 [1]", piece_chars=3))
    shown = answer_text(card)
    assert "正文在此，共 15 天" in shown
    assert "<" not in shown and "](lark" not in shown and "](javascript" not in shown
    assert "![" not in shown


async def test_forty_kilobytes_arrive_whole_on_several_closed_cards(scene: Scene) -> None:
    paragraphs = [f"第 {number} 段：" + "报销单要在十个工作日内提交，逾期要说明原因。" * 6 for number in range(1, 101)]
    scene.model.script(Reply("\n\n".join(paragraphs), piece_chars=200))
    await scene.start()
    asked = await scene.ask()
    await scene.closed(asked)
    await ended(scene)
    cards = scene.cards(asked)
    whole = "\n\n".join(answer_text(card) for card in cards)
    assert [line for line in whole.split("\n") if line.startswith("第 ")] == paragraphs
    assert len(cards) > 1 and not any(card["streaming"] for card in cards)
    scene.assert_lawful()


# Playing.


async def play_all(names: list[str], folder: Path, index: Path, model: ModelServer) -> dict[str, BaseException | None]:
    """How each of these plays ended."""
    model.script(WRITTEN)
    room = asyncio.Semaphore(AT_ONCE)

    async def run(number: int, name: str) -> None:
        own = folder / str(number)
        own.mkdir()
        play = PLAYS[name]
        async with room, new_scene(own, index, model, **play.platform) as scene:
            await play.run(scene)

    ends = await asyncio.gather(*(run(*each) for each in enumerate(names)), return_exceptions=True)
    return dict(zip(names, ends, strict=True))


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, handbook_index: Path, model: ModelServer
) -> dict[str, BaseException | None]:
    """How the plays that were asked for ended."""
    chosen = {item.callspec.params["name"] for item in request.session.items if is_play(item)}
    names = [name for name in PLAYS if name in chosen]
    return asyncio.run(play_all(names, tmp_path_factory.mktemp("plays"), handbook_index, model))


def is_play(item: Any) -> bool:
    return item.name.startswith("test_play[") and hasattr(item, "callspec")


@pytest.mark.parametrize("name", list(PLAYS))
def test_play(name: str, played: dict[str, BaseException | None]) -> None:
    if (failure := played[name]) is not None:
        raise failure
