"""What jobs carry: every kind has its type, and rows that earlier versions wrote are still read."""

import json
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from bot.job import PAYLOADS, AnswerPayload, ContinuePayload, JobKind, PressedPayload, RefusePayload
from feishu.events.types import Mention, MessageReceived

ROWS = [json.loads(line) for line in (Path(__file__).parent / "stored_jobs.jsonl").read_text("utf-8").splitlines()]


def test_every_kind_has_a_payload_and_a_row_of_an_earlier_version() -> None:
    assert set(PAYLOADS) == set(get_args(JobKind)) == {row["kind"] for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['kind']}-{number}" for number, row in enumerate(ROWS)])
def test_a_stored_row_is_read_and_written_without_a_loss(row: dict[str, Any]) -> None:
    read = PAYLOADS[row["kind"]].read(row["payload"])
    written = orjson.loads(orjson.dumps(read))
    assert row["payload"].items() <= written.items()
    assert PAYLOADS[row["kind"]].read(written) == read


def test_what_was_not_stored_has_the_value_that_was_meant() -> None:
    assert PressedPayload.read({"by": "ou_a"}) == PressedPayload("ou_a", "", "group")
    assert ContinuePayload.read({"by": "ou_a", "answer_id": "t.1", "of_a_later_version": 1}).answer_id == "t.1"
    with pytest.raises(TypeError, match="by"):
        PressedPayload.read({})


def test_a_message_comes_back_whole() -> None:
    message = AnswerPayload.read(ROWS[0]["payload"]).message
    assert isinstance(message, MessageReceived) and message.mentions == (Mention("@_user_1", "ou_bot", "Bot"),)
    assert message.content == '{"text": "@_user_1 年假有几天？"}'
    assert RefusePayload.read({"why": "not_here", "message": None}).message is None
