"""How a model's text can end: whatever was written stays on the card, and the stored answer says how it ended."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from bot.storage.tables import answers
from tests.integration.conftest import answer_text, words
from tests.support.model_server import Reply
from tests.support.model_server import running as running_model
from tests.support.plays import PLAYING_S, Played, Plays
from tests.support.scene import ANSWER, Message, Scene

PLAYS = Plays()
PART = ANSWER[:45]
WHOLE = {"object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}}]}


async def ended(scene: Scene, reply: Reply, **timeouts: float) -> tuple[Message, Any]:
    """The closed card and the stored answer, by a model of this play's own."""
    scene.model = scene.stack.enter_context(running_model())
    scene.model.script(reply)
    await scene.start(timeouts=timeouts)
    asked = await scene.ask()
    card = await scene.closed(asked)
    await scene.idle()
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()
    assert scene.bot is not None
    statement = select(answers.c.outcome, answers.c.ending, answers.c.text, answers.c.reasoning)
    (stored,) = await scene.bot.database.read(lambda connection: connection.execute(statement).all())
    return card, stored


@PLAYS.of(
    ("stop", ""),
    ("none", ""),
    ("length", "length"),
    ("max_tokens", "length"),
    ("eof", "broken"),
    ("disconnect", "broken"),
    ("error", "broken"),
    ("stall", "broken"),
    ("content_filter", "filtered"),
    ("sensitive", "filtered"),
    ("insufficient_system_resource", "overloaded"),
)
async def what_was_written_stays(scene: Scene, end: str, ending: str) -> None:
    card, stored = await ended(scene, Reply(PART, end=end), stall_s=6.0 if end == "stall" else 30.0)
    assert (stored.outcome, stored.ending, stored.text) == ("answered", ending, PART)
    assert answer_text(card).startswith(PART[:40])


@PLAYS.of(
    ({"message": "x", "code": "content_filter"}, "filtered"),
    ({"message": "The engine is currently overloaded"}, "overloaded"),
    ({"message": "x", "code": "insufficient_quota"}, "broken"),
)
async def an_error_after_text_is_an_ending(scene: Scene, error: dict[str, Any], ending: str) -> None:
    card, stored = await ended(scene, Reply(PART, end="error", error=error))
    assert (stored.outcome, stored.ending, stored.text) == ("answered", ending, PART)
    assert answer_text(card).startswith(PART[:40])


@PLAYS.of(
    ({"message": "x", "code": "insufficient_quota"}, "余额", 1),
    ({"message": "The model `m` does not exist"}, "模型", 1),
    ({"message": "maximum context length is 4096"}, "长度", 4),  # with 8, 4, 2 passages and one
)
async def an_error_instead_of_text_is_said_in_words(scene: Scene, error: dict[str, Any], said: str, calls: int) -> None:
    card, stored = await ended(scene, Reply(end="error", error=error))
    assert stored.outcome == "failed" and said in words(card["card"])
    assert len(scene.model.chats()) == calls


@PLAYS.of("text/event-stream", "application/json", "text/plain")
async def a_whole_answer_instead_of_a_stream_is_the_answer(scene: Scene, content_type: str) -> None:
    card, stored = await ended(scene, Reply(raw=json.dumps(WHOLE).encode(), content_type=content_type))
    assert (stored.outcome, stored.ending, answer_text(card)) == ("answered", "", ANSWER)
    assert len(scene.model.chats()) == 1


@PLAYS.of()
async def thinking_that_only_closes_is_not_on_the_card(scene: Scene) -> None:
    card, stored = await ended(scene, Reply(f"我先看第一段资料。\n</think>\n\n{ANSWER}", piece_chars=3))
    assert (stored.outcome, stored.text, stored.reasoning) == ("answered", ANSWER, "我先看第一段资料。\n")
    assert answer_text(card) == ANSWER


@PLAYS.of("[[NO_ANSWER]]", "根據現有資料，無法回答該問題。", "The provided passages do not mention that.")
async def a_model_that_refuses_shows_no_word_of_it(scene: Scene, said: str) -> None:
    card, stored = await ended(scene, Reply(said, piece_chars=1))
    assert (stored.outcome, stored.ending) == ("no_evidence", "")
    assert said not in words(card["card"]) and "NO_ANSWER" not in words(card["card"])


@pytest.mark.timeout(PLAYING_S)
@pytest.mark.parametrize("name", PLAYS)
def test_play(name: str, played: Played) -> None:
    played.raise_what_went_wrong(name)
