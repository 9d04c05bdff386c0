"""Every kind of message gets an answer or a kind sentence, and bad input never an exception in the log."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bot.texts import ZH
from feishu.sandbox.server.uploads import take_upload
from tests.integration.conftest import ALICE, BOB, GROUP, Stage, answer_text, button, words
from tests.integration.test_bad_luck import using
from tests.integration.test_people_conversation import private_chat, replied, replies
from tests.support.bot_process import REPOSITORY, BotProcess
from tests.support.model_server import Reply, running
from tests.support.ocr import needs_ocr
from tests.support.office_files import picture_of


def upload(stage: Stage, name: str, content: bytes, media_type: str = "application/octet-stream") -> str:
    return take_upload(stage.sandbox.world, ALICE, name, base64.b64encode(content).decode(), media_type).key


async def send(stage: Stage, kind: str, content: Any, *, chat: str = "") -> str:
    raw = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    said = await stage.sandbox.say(chat or private_chat(stage), ALICE, kind=kind, content=raw)
    return said.message_id


async def quiet(bot: BotProcess) -> None:
    """No exception was logged, and nothing as an error, up to the end of the process."""
    await bot.logged("job_ended")
    await bot.terminate()
    loud = ("error", "critical")
    bad = [line for line in bot.lines if {"exception", "exc_info"} & line.keys() or line.get("level") in loud]
    bad += [line for line in bot.lines if "Traceback" in str(line)]
    assert bad == []


async def test_a_file_is_read_and_answered_about_in_its_conversation_only(stage: Stage) -> None:
    bot = await stage.bot()
    text = "# 露营须知\n\n## 帐篷押金\n\n帐篷押金为每顶 320 元，归还时检查无损后退还。\n"
    key = upload(stage, "露营须知.md", text.encode())
    sent = await send(stage, "file", {"file_key": key, "file_name": "露营须知.md"})
    assert "已读完《露营须知.md》" in await replied(stage, sent)
    card = await stage.closed(await stage.ask("帐篷押金是多少？", chat=private_chat(stage), mention=False))
    assert "320" in answer_text(card)
    elsewhere = await stage.closed(
        await stage.ask("帐篷押金是多少？", chat=private_chat(stage, BOB), person=BOB, mention=False)
    )
    assert "320" not in answer_text(elsewhere)
    usual = await stage.closed(await stage.ask("出差回来多久内要报销？", chat=private_chat(stage), mention=False))
    assert "10 个工作日" in answer_text(usual)
    await replied(stage, await stage.ask("/新对话", chat=private_chat(stage), mention=False))
    forgotten = await stage.closed(await stage.ask("帐篷押金是多少？", chat=private_chat(stage), mention=False))
    assert "320" not in answer_text(forgotten)
    await quiet(bot)


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            archive.writestr(f"word/{number}.xml", b"0" * 200_000_000)
    return packed.getvalue()


async def test_bad_files_get_a_sentence_each(stage: Stage) -> None:
    cases = {
        "empty.md": (b"", "空文件"),
        "movie.mp4": (b"x" * 100, "格式我读不了"),
        "broken.docx": (b"not a zip", "读不出来"),
        "bomb.docx": (bomb(), "读不出来"),
        "large.txt": (b"x" * 20_000_001, "太大了"),
    }
    bot = await stage.bot()
    for name, (content, expected) in cases.items():
        sent = await send(stage, "file", {"file_key": upload(stage, name, content), "file_name": name})
        assert expected in await replied(stage, sent), name
    gone = await send(stage, "file", {"file_key": "file_that_never_was", "file_name": "a.md"})
    assert "下载不了" in await replied(stage, gone)
    await quiet(bot)


@pytest.mark.parametrize("kind", ["audio", "sticker", "location", "share_chat", "hongbao", "never_heard_of_it"])
async def test_other_kinds_get_a_kind_sentence(stage: Stage, kind: str) -> None:
    bot = await stage.bot()
    sent = await send(stage, kind, {"file_key": "x"})
    assert "文字" in await replied(stage, sent)
    await quiet(bot)


async def test_a_rich_text_with_links_code_and_mentions_is_a_question(stage: Stage) -> None:
    await stage.bot()
    nodes = [
        [
            {"tag": "text", "text": "请看", "style": ["bold"]},
            {"tag": "a", "text": "制度", "href": "https://wiki.example.com"},
        ],
        [{"tag": "text", "text": "出差回来多久内要报销？"}, {"tag": "emotion", "emoji_type": "SMILE"}],
        [{"tag": "code_block", "language": "PYTHON", "text": "print(1)"}, {"tag": "hr"}],
    ]
    for content in ({"title": "请教", "content": nodes}, {"zh_cn": {"title": "请教", "content": nodes}}):
        card = await stage.closed(await send(stage, "post", content))
        asked = card["card"]["header"]["title"]["content"]
        assert "出差回来多久内要报销？" in asked and "制度" in asked and "print(1)" in asked


async def test_a_merged_forward_is_flattened_with_names(stage: Stage) -> None:
    app = next(iter(stage.sandbox.world.apps.values()))
    app.scopes = {*app.scopes, "contact:user.base:readonly"}
    await stage.bot()
    one = await stage.sandbox.say(GROUP, ALICE, "出差回来多久内要报销？")
    two = await stage.sandbox.say(GROUP, BOB, "逾期了怎么办？")
    fixed = json.dumps({"content": "Merged and Forwarded Message"})
    said = await stage.sandbox.say(private_chat(stage), ALICE, kind="merge_forward", content=fixed)
    stage.sandbox.world.messages[said.message_id].forwarded = (one.message_id, two.message_id)
    card = await stage.closed(said.message_id)
    shown = words(card["card"])
    assert "林小满: 出差回来" in shown and "周明: 逾期了" in shown


async def test_an_image_of_any_size_gets_a_sentence_or_its_words(stage: Stage) -> None:
    bot = await stage.bot()
    from PIL import Image

    drawn = {}
    for name, size in (("tiny", (1, 1)), ("vast", (20_000, 20_000))):
        written = io.BytesIO()
        Image.new("1", size).save(written, "PNG")
        drawn[name] = written.getvalue()
    cases = {
        "tiny": (drawn["tiny"], "没有认出文字"),
        "vast": (drawn["vast"], "图片太大了"),
        "cut off": (drawn["vast"][:2000], "图片太大了"),
        "lying about its size": (drawn["tiny"][:16] + (20_000).to_bytes(4, "big") * 2 + drawn["tiny"][24:], "打不开"),
        "no image": (b"no image at all", "打不开"),
        "empty": (b"", "打不开"),
        "too many bytes": (b"x" * 10_000_001, "图片太大了"),
    }
    for name, (content, expected) in cases.items():
        sent = await send(stage, "image", {"image_key": upload(stage, "a.png", content, "image/png")})
        card = await stage.closed(sent)
        assert expected in words(card["card"]) and card["card"]["header"]["template"] == "grey", name
        assert (len(stage.cards(sent)), replies(stage, sent)) == (1, []), name
        assert button(card, "up") is None, "there is nothing to vote on"
    await quiet(bot)


async def test_empty_mentions_get_a_sentence(stage: Stage) -> None:
    bot = await stage.bot()
    for text in ("", "  ", "\u200b\u2060", "\u202e"):
        assert "我在" in await replied(
            stage, (await stage.sandbox.say(GROUP, ALICE, text, mention_bot=True)).message_id
        )
    names = "@林小满 @周明"
    said = await stage.sandbox.say(GROUP, ALICE, names, mention_bot=True)
    await stage.closed(said.message_id)
    await quiet(bot)


async def test_a_model_that_sees_gets_the_picture_itself_and_its_reading_is_shown(stage: Stage) -> None:
    from PIL import Image

    with running() as model:
        seen = "出差回来多久内要报销？"

        def look(body: dict[str, Any]) -> Reply:
            asked = body["messages"][-1]["content"]
            return Reply(seen if isinstance(asked, list) or "New question:" in asked else "10 个工作日内 [1]。")

        model.script(answer=look)
        bot = await stage.bot(**using(model), RAG__LLM__VISION="true")
        vast, huge = io.BytesIO(), io.BytesIO()
        Image.new("RGBA", (4000, 1000), (255, 255, 255, 0)).save(vast, "PNG")
        sent = await send(stage, "image", {"image_key": upload(stage, "a.png", vast.getvalue(), "image/png")})
        card = await stage.closed(sent)
        assert "👀 我读到的内容" in words(card["card"]) and seen in words(card["card"])
        (asked,) = [request for request in model.chats() if request.pictures]
        (picture,) = asked.pictures
        with Image.open(io.BytesIO(picture)) as arrived:
            assert arrived.format == "JPEG" and max(arrived.size) == 1568
        assert seen in model.chats()[-1].prompt, "what was read is a part of the question"
        Image.new("1", (20_000, 20_000)).save(huge, "PNG")
        sent = await send(stage, "image", {"image_key": upload(stage, "b.png", huge.getvalue(), "image/png")})
        assert "图片太大了" in words((await stage.closed(sent))["card"])
        sent = await send(stage, "image", {"image_key": upload(stage, "c.png", b"no image", "image/png")})
        assert "打不开" in words((await stage.closed(sent))["card"])
        nodes = [[{"tag": "text", "text": "这是什么意思？"}], [{"tag": "img", "image_key": "{key}"}]]
        key = upload(stage, "d.png", vast.getvalue(), "image/png")
        content = json.dumps({"title": "", "content": nodes}, ensure_ascii=False).replace("{key}", key)
        card = await stage.closed(await send(stage, "post", content))
        assert card["card"]["header"]["title"]["content"] == "这是什么意思？" and seen in words(card["card"])
        await quiet(bot)


@needs_ocr
async def test_words_in_a_screenshot_are_read_and_asked_about(stage: Stage, font: Path) -> None:
    bot = await stage.bot()
    drawn = picture_of(["出差回来多久内要报销？"], stage.folder / "page.png", font=font, size=40, tilt=0)
    key = upload(stage, "page.png", drawn.read_bytes(), "image/png")
    card = await stage.closed(await send(stage, "image", {"image_key": key}))
    assert "👀 我读到的内容" in words(card["card"]) and "多久内要报销" in words(card["card"])
    assert "10 个工作日" in answer_text(card)
    await quiet(bot)


async def test_without_a_reader_the_sentence_says_who_can_make_it_work(stage: Stage) -> None:
    hidden = stage.folder / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'rapidocr' else find(name, package)\n"
    )
    bot = await stage.bot(PYTHONPATH=f"{hidden}:{REPOSITORY}")
    sent = await send(stage, "image", {"image_key": upload(stage, "a.png", b"x", "image/png")})
    said = await replied(stage, sent)
    assert said == ZH.image_no_reader and "管理员" in said
    await quiet(bot)


ODD_TEXTS = {
    "long": "报销" * 50_000,
    "invisible": "\u200b\u200d\ufeff",
    "right to left": "\u202eشحالك؟ 出差报销 \u202d多久",
    "mention only": "@_user_1",
    "controls": "\x01\x02 报销 \x1f",
}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
async def test_odd_texts_are_answered(stage: Stage, text: str) -> None:
    bot = await stage.bot()
    sent = await send(stage, "text", {"text": text})
    world = stage.sandbox.world
    await stage.sandbox.wait_for(
        lambda: any(each.parent_id == sent for each in list(world.messages.values()) if each.sender_type == "app"), 60.0
    )
    await quiet(bot)


@pytest.mark.parametrize("raw", ["not json", "[]", "null", '{"text": 7}', "{", ""])
async def test_content_that_is_not_what_it_should_be_gets_a_sentence(stage: Stage, raw: str) -> None:
    bot = await stage.bot()
    sent = await send(stage, "text", raw)
    assert await replied(stage, sent)
    for kind in ("image", "file", "post", "merge_forward", "audio", "sticker", "interactive", "never_heard_of_it"):
        assert await replied(stage, await send(stage, kind, raw)), kind
    await quiet(bot)
