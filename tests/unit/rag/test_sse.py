"""The body of a model's answer, in the shapes that servers give it."""

import json
from typing import Any

import pytest

from rag.events import Usage
from rag.generation.completion import AnswerError, Part, read_part
from rag.generation.finish_reasons import ending_of, normal
from rag.generation.sse import DONE, BodyReader, NotAModelServer

ONE, TWO = {"a": "一"}, {"b": 2}


def read(body: bytes, size: int) -> list[dict[str, Any]]:
    reader = BodyReader()
    found = [each for at in range(0, len(body), size) for each in reader.feed(body[at : at + size])]
    return found + reader.finish()


def text(*objects: dict[str, Any]) -> list[str]:
    return [json.dumps(each, ensure_ascii=False) for each in objects]


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize(
    "body",
    [
        "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
        "data:{}\r\n\r\ndata:{}\r\n\r\ndata:[DONE]\r\n\r\n",
        ": OPENROUTER PROCESSING\n\nid: 1\nevent: message\ndata: {}\n\n\n\n: ping\n\ndata: {}\n\ndata: [DONE]",
        "data: {}\ndata: {}\ndata: [DONE]\n",
        "data: ping\n\ndata:\n\ndata: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
    ],
)
def test_events_are_read_whatever_their_form(body: str, size: int) -> None:
    first, second = text(ONE, TWO)
    filled = body.replace("{}", first, 1).replace("{}", second, 1).encode()
    found = read(filled, size)
    assert found[:2] == [ONE, TWO] and found[2] is DONE and len(found) == 3


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize(
    "body",
    [
        json.dumps(ONE, ensure_ascii=False, indent=2),
        "\n\n" + text(ONE)[0],
        "\ufeff" + text(ONE)[0],
        f"[{text(ONE)[0]}]",
    ],
)
def test_one_object_is_read_whole(body: str, size: int) -> None:
    assert read(body.encode(), size) == [ONE]


def test_an_object_over_several_lines_of_an_event_is_one() -> None:
    assert read(b'data: {"a":\ndata: 1}\n\n', 5) == [{"a": 1}]


def test_an_object_between_events_is_read_too() -> None:
    assert read(b'data: {"a": 1}\n\n{"error": "x"}\n', 7) == [{"a": 1}, {"error": "x"}]


@pytest.mark.parametrize(
    "body", [b"<!doctype html><html></html>", b"upstream timed out", b"data: hello\n\n", b"{broken"]
)
def test_a_page_or_a_text_is_no_answer(body: bytes) -> None:
    with pytest.raises(NotAModelServer):
        read(body, 10_000)


def test_an_empty_body_is_told_apart() -> None:
    reader = BodyReader()
    assert reader.feed(b"\n: ping\n") == [] and reader.finish() == [] and reader.empty


def chunk(delta: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, **more}]}


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (chunk({"content": "好"}), Part("好")),
        (chunk({"content": None, "reasoning": "想"}), Part("", "想")),
        (chunk({"content": [{"type": "text", "text": "好"}, {"type": "text", "text": "的"}]}), Part("好的")),
        (chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "想"}]}]}), Part("", "想")),
        (chunk(None, finish_reason="stop"), Part(finish_reason="stop")),
        (chunk({}, finish_reason="MAX_TOKENS"), Part(finish_reason="max_tokens")),
        (chunk({}, content_filter_results={"hate": {"filtered": True}}), Part(finish_reason="content_filter")),
        (chunk({"content": "好"}, content_filter_results={"hate": {"filtered": False}}), Part("好")),
        (chunk({"refusal": "no"}), Part(finish_reason="refusal")),
        (
            {**chunk({}, finish_reason="stop"), "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
            Part("", "", Usage(3, 2), "stop"),
        ),
        (chunk({}, usage={"prompt_tokens": 3, "completion_tokens": 2}), Part(usage=Usage(3, 2))),
        ({"choices": None, "usage": {"prompt_tokens": 3, "completion_tokens": 2}}, Part(usage=Usage(3, 2))),
        (
            {"choices": [{"message": {"content": "好", "reasoning_content": "想"}, "finish_reason": "stop"}]},
            Part("好", "想", None, "stop"),
        ),
        ({"type": "ping"}, Part()),
    ],
)
def test_an_object_is_read_as_servers_write_it(content: dict[str, Any], part: Part) -> None:
    assert read_part(content) == part


def test_a_whole_message_behind_its_stream_is_not_said_twice() -> None:
    whole = {"choices": [{"delta": {}, "message": {"content": "好"}, "finish_reason": "stop"}]}
    assert read_part(whole, has_text=True) == Part(finish_reason="stop")


@pytest.mark.parametrize(
    ("content", "event", "said"),
    [
        ({"error": {"message": "no credit", "code": "insufficient_quota"}}, "", "insufficient_quota"),
        ({"error": "model not found"}, "", "model not found"),
        ({"object": "error", "message": "x", "code": 404}, "", "404"),
        ({"code": "DataInspectionFailed", "message": "x"}, "", "DataInspectionFailed"),
        ({"code": "x"}, "error", "x"),
        (
            {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}, "choices": None},
            "",
            "insufficient balance",
        ),
        ({"detail": "Not Found"}, "", "Not Found"),
        ({"choices": [{"error": {"message": "upstream"}, "delta": {}}]}, "", "upstream"),
    ],
)
def test_an_error_is_known_in_many_shapes(content: dict[str, Any], event: str, said: str) -> None:
    with pytest.raises(AnswerError) as caught:
        read_part(content, event=event)
    assert said in str(caught.value.body) and said not in str(caught.value)


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        *((each, "") for each in ("stop", "STOP", "eos", "end_turn", "tool_calls", "whatever")),
        *((each, "length") for each in ("length", "max_tokens", "MAX_TOKENS", "model_length")),
        *(
            (each, "filtered")
            for each in ("content_filter", "sensitive", "SAFETY", "data_inspection_failed", "refusal")
        ),
        *((each, "overloaded") for each in ("insufficient_system_resource", "engine_overloaded")),
        *((each, "broken") for each in ("", "null", "error", "network_error", "abort")),
    ],
)
def test_a_reason_to_end_means_an_ending(reason: str, ending: str) -> None:
    assert ending_of(normal(reason)) == ending
