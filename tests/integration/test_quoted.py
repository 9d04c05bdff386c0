"""Whatever a person quotes or forwards is used, or named as unread with the reason; and no bot gets an answer."""

import json
from typing import Any

from feishu.sandbox import AppSettings
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, answer_text, words
from tests.integration.test_bad_luck import using
from tests.integration.test_message_kinds import quiet, send, upload
from tests.integration.test_people_conversation import private_chat, replied, replies
from tests.integration.test_question_to_card import QUESTION
from tests.support.model_server import Reply, running

OTHER = AppSettings("cli_other", "s2", "k2", "t2", name="告警机器人")
ALERT = {
    "schema": "2.0",
    "header": {"title": {"tag": "plain_text", "content": "差旅系统告警"}},
    "body": {"elements": [{"tag": "markdown", "content": "报销接口超时，错误码 EXP-7719"}]},
}
TEMPLATE = {"type": "template", "data": {"template_id": "AAq"}, "elements": []}
FILE = "# 差旅细则\n\n## 海外补贴\n\n海外出差每日补贴八十美元，按自然日计算。\n"


def compact(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)


def left_out(card: dict[str, Any]) -> str:
    """What the card says it did not read."""
    return "\n".join(line for line in words(card["card"]).split("\n") if "没有读" in line or "Not read" in line)


async def quoting(stage: Stage, quoted: str, text: str, *, chat: str = GROUP) -> str:
    """Somebody asks in reply to a message; in a group with a mention."""
    said = await stage.sandbox.say(
        chat, BOB if chat == GROUP else ALICE, text, mention_bot=chat == GROUP, reply_to=quoted
    )
    return said.message_id


async def test_what_other_bots_say_is_a_part_of_the_question(stage: Stage) -> None:
    stage.sandbox.register(OTHER)
    with running() as model:
        model.script(answer=lambda body: Reply("升级网关 [1]。"))
        bot = await stage.bot(**using(model))
        alert = stage.sandbox.bot_says("cli_other", GROUP, compact(ALERT), kind="interactive").message_id
        card = await stage.closed(await quoting(stage, alert, "这个告警是什么意思？差旅报销单"))
        assert "差旅系统告警" in words(card["card"]) and "EXP-7719" in words(card["card"]) and not left_out(card)
        fence = model.chats()[-1].prompt.partition("<attached>\n")[2].partition("\n</attached>")[0]
        assert "EXP-7719" in fence, "quoted material stands in a fence"

        card = await stage.closed(await quoting(stage, alert, ""))
        assert "差旅系统告警" in card["card"]["header"]["title"]["content"], "a bare mention asks what it quotes"

        built = stage.sandbox.bot_says("cli_other", GROUP, compact({"text": "构建失败 MARK-BOT"})).message_id
        assert "MARK-BOT" in words((await stage.closed(await quoting(stage, built, "差旅报销单怎么了？")))["card"])

        sent_on = await stage.sandbox.say(GROUP, ALICE, kind="interactive", content=compact(ALERT))
        card = await stage.closed(await quoting(stage, sent_on.message_id, "差旅报销单怎么了？"))
        assert "EXP-7719" in words(card["card"])

        empty = stage.sandbox.bot_says("cli_other", GROUP, compact(TEMPLATE), kind="interactive").message_id
        assert "没有能读的文字" in left_out(await stage.closed(await quoting(stage, empty, QUESTION)))
        assert "没有能读的文字" in await replied(stage, await quoting(stage, empty, ""))
        await quiet(bot)


async def test_a_card_and_a_rich_text_as_markdown_are_questions(stage: Stage) -> None:
    bot = await stage.bot()
    asked = {**ALERT, "body": {"elements": [{"tag": "markdown", "content": QUESTION}]}}
    card = await stage.closed(await send(stage, "interactive", compact(asked)))
    assert QUESTION in words(card["card"]) and "10 个工作日" in answer_text(card)
    assert "没有我能读的文字" in await replied(stage, await send(stage, "interactive", compact(TEMPLATE)))
    sent_on = await replied(stage, await send(stage, "interactive", compact(card["card"])))
    assert "我自己的" in sent_on, "what we answered elsewhere may come from documents that are closed here"
    name = next(iter(stage.sandbox.world.apps.values())).name
    md = f"@{name} {QUESTION}\n| 项目 | 期限 |\n| --- | --- |\n| 报销 | ? |"
    content = {
        "title": "",
        "content": [[{"tag": "text", "text": f"@{name}"}]],
        "content_v2": [[{"tag": "md", "text": md}]],
    }
    said = await stage.sandbox.say(GROUP, ALICE, kind="post", content=compact(content))
    card = await stage.closed(said.message_id)
    title = card["card"]["header"]["title"]["content"]
    assert title.startswith(QUESTION) and "报销 | ?" in title and "10 个工作日" in answer_text(card)
    await quiet(bot)


async def test_a_quoted_file_is_read_for_its_question_or_named(stage: Stage) -> None:
    bot = await stage.bot()
    asked = "这个文件里海外出差每日补贴是多少？"
    for chat in (GROUP, private_chat(stage)):
        content = {"file_key": upload(stage, "x", FILE.encode()), "file_name": "差旅\u202e细则.md"}
        file = await stage.sandbox.say(chat, ALICE, kind="file", content=compact(content))
        card = await stage.closed(await quoting(stage, file.message_id, asked, chat=chat))
        assert "八十美元" in answer_text(card) and "📄 差旅细则.md" in words(card["card"])
        if chat == GROUP:
            assert "写下问题" in await replied(stage, await quoting(stage, file.message_id, ""))
            other = await stage.closed(await stage.ask("海外出差每日补贴是多少？", person=BOB))
            assert "八十美元" not in answer_text(other), "it is kept for its question alone"

    bad = {
        "movie.mp4": (b"x", "格式"),
        "broken.docx": (b"not a zip", "打不开"),
        "large.txt": (b"x" * 20_000_001, "太大"),
    }
    for name, (bytes_, why) in bad.items():
        content = {"file_key": upload(stage, name, bytes_), "file_name": name}
        file = await stage.sandbox.say(GROUP, ALICE, kind="file", content=compact(content))
        card = await stage.closed(await quoting(stage, file.message_id, QUESTION))
        assert name in left_out(card) and why in left_out(card), name
        assert "10 个工作日" in answer_text(card), "the question itself is answered"
    await quiet(bot)


async def test_a_merged_forward_is_read_with_names_and_what_is_not_read_is_named(stage: Stage) -> None:
    stage.sandbox.register(OTHER)
    bot = await stage.bot()
    say = stage.sandbox.say
    image = upload(stage, "a.png", b"x", "image/png")
    inside = [
        (await say(GROUP, ALICE, "@周明 差旅报销单几天内交？")).message_id,
        stage.sandbox.bot_says("cli_other", GROUP, compact(ALERT), kind="interactive").message_id,
        (
            await say(GROUP, ALICE, kind="file", content=compact({"file_key": "f", "file_name": "差旅细则.docx"}))
        ).message_id,
        (await say(GROUP, ALICE, kind="image", content=compact({"image_key": image}))).message_id,
        (await say(GROUP, ALICE, kind="audio", content=compact({"file_key": "f"}))).message_id,
    ]
    private = await stage.sandbox.forward(private_chat(stage), ALICE, inside)
    in_group = await stage.sandbox.forward(GROUP, ALICE, inside)
    for asked in (private.message_id, await quoting(stage, in_group.message_id, "差旅报销单谁能回答？")):
        card = await stage.closed(asked)
        shown = words(card["card"])
        assert "@周明 差旅报销单几天内交？" in shown and "@_user_" not in shown
        assert "EXP-7719" in shown
        for named in ("《差旅细则.docx》", "1 张图片", "1 条语音或视频"):
            assert named in left_out(card), named
        assert "合并转发里" in left_out(card)
    only = await stage.sandbox.forward(private_chat(stage), ALICE, inside[2:])
    said = await replied(stage, only.message_id)
    assert "没有我能读的文字" in said and "《差旅细则.docx》" in said
    await quiet(bot)


async def test_what_cannot_be_fetched_or_is_of_another_kind_is_named(stage: Stage) -> None:
    bot = await stage.bot()
    say = stage.sandbox.say
    kinds = {"audio": "语音或视频", "sticker": "表情", "location": "其他消息"}
    quoted = {kind: await say(GROUP, ALICE, kind=kind, content=compact({"file_key": "x"})) for kind in kinds}
    for kind, named in kinds.items():
        assert named in await replied(stage, await quoting(stage, quoted[kind].message_id, "")), kind
    card = await stage.closed(await quoting(stage, quoted["audio"].message_id, QUESTION))
    assert kinds["audio"] in left_out(card) and "10 个工作日" in answer_text(card)
    gone = await say(GROUP, ALICE, "差旅")
    stage.sandbox.hands.recall(gone.message_id, ALICE)
    assert "取不到" in await replied(stage, await quoting(stage, gone.message_id, ""))
    english = "How soon must I file a travel expense claim?"
    assert "may be recalled" in left_out(await stage.closed(await quoting(stage, gone.message_id, english)))
    await quiet(bot)


async def test_bots_that_mention_each_other_get_no_answer(stage: Stage) -> None:
    """Their messages do arrive: with `include_bot`, or where the app hears the whole group."""
    stage.sandbox.register(OTHER)
    ours = stage.sandbox.world.apps["cli_sandbox"]
    ours.scopes = {*ours.scopes, "im:message.group_at_msg.include_bot:readonly", "im:message.group_msg"}
    bot = await stage.bot()
    card = await stage.closed(await stage.ask(QUESTION))
    mention = f'<at user_id="{ours.open_id}"></at> {QUESTION}'
    heard = [
        stage.sandbox.bot_says("cli_other", GROUP, compact({"text": mention})).message_id,
        stage.sandbox.bot_says("cli_other", GROUP, compact({"text": mention}), reply_to=card["message_id"]).message_id,
        stage.sandbox.bot_says("cli_other", GROUP, compact({"text": mention}), reply_to=card["parent_id"]).message_id,
    ]
    await stage.sandbox.wait_for(
        lambda: (
            sum(entry.name == "im.message.receive_v1" and entry.ok for entry in stage.sandbox.journal.of("event")) == 4
        ),
        DEADLINE_S,
    )
    last = await stage.closed(await stage.ask("VPN 连不上应该先检查什么？", person=BOB))
    assert last["card"], "whoever asked later has an answer"
    assert [(stage.cards(each), replies(stage, each)) for each in heard] == [([], [])] * 3
    await quiet(bot)
