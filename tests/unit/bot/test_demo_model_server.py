"""The scripted model over HTTP: OpenAI's protocol, whole and streamed, and the limit of tokens."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.demo_model.server import Pace, scripted_model
from rag.generation.prompts import ANSWER

NAME = "demo-model (scripted)"
PASSAGE = (
    '<passage number="1" title="费用报销制度">\n出差回来后，要在返回之日起 10 个工作日内提交差旅报销单。\n</passage>'
)
WHOLE = "出差回来后，要在返回之日起 10 个工作日内提交差旅报销单 [1]。"
ASKED = {"messages": [{"role": "user", "content": ANSWER.format(passages=PASSAGE, question="出差回来多久内要报销？")}]}


@pytest.fixture
async def model() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(scripted_model(NAME, Pace(0, 0)))
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        yield client


async def chunks(model: httpx.AsyncClient, **body: Any) -> list[dict[str, Any]]:
    """The stream's objects; it must end with [DONE]."""
    response = await model.post("/v1/chat/completions", json={**ASKED, "stream": True, **body})
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


async def test_a_whole_answer_has_text_usage_and_a_reason_to_end(model: httpx.AsyncClient) -> None:
    reply = (await model.post("/v1/chat/completions", json={**ASKED, "model": "anything"})).json()
    assert reply["object"] == "chat.completion" and reply["model"] == NAME
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": WHOLE}
    assert reply["choices"][0]["finish_reason"] == "stop"
    usage = reply["usage"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"] > usage["prompt_tokens"] > 0


async def test_a_stream_gives_the_same_text_in_pieces_and_its_usage_when_asked(model: httpx.AsyncClient) -> None:
    found = await chunks(model, stream_options={"include_usage": True})
    usage = found.pop()
    assert usage["choices"] == [] and usage["usage"]["completion_tokens"] > 10
    texts = [each["choices"][0]["delta"].get("content", "") for each in found]
    assert "".join(texts) == WHOLE and len(texts) > 10
    assert [each["choices"][0]["finish_reason"] for each in found if each["choices"][0]["finish_reason"]] == ["stop"]
    assert not any("usage" in each for each in await chunks(model))


@pytest.mark.parametrize("key", ["max_tokens", "max_completion_tokens"])
async def test_the_limit_of_tokens_cuts_the_answer_and_says_so(model: httpx.AsyncClient, key: str) -> None:
    found = await chunks(model, **{key: 8})
    text = "".join(each["choices"][0]["delta"].get("content", "") for each in found)
    assert WHOLE.startswith(text) and 0 < len(text) < len(WHOLE)
    assert found[-1]["choices"][0]["finish_reason"] == "length"
    whole = (await model.post("/v1/chat/completions", json={**ASKED, key: 8})).json()
    assert whole["choices"][0]["finish_reason"] == "length" and whole["usage"]["completion_tokens"] == 8


async def test_a_limit_that_is_just_enough_cuts_nothing(model: httpx.AsyncClient) -> None:
    count = (await model.post("/v1/chat/completions", json=ASKED)).json()["usage"]["completion_tokens"]
    assert (await chunks(model, max_tokens=count))[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"messages": []}', b'{"messages": ["x"]}', b'{"messages": [{}], "max_tokens": "8"}'],
)
async def test_what_is_no_chat_request_is_refused_with_an_error_object(model: httpx.AsyncClient, body: bytes) -> None:
    response = await model.post("/v1/chat/completions", content=body)
    assert response.status_code == 400 and response.json()["error"]["type"] == "invalid_request_error"


async def test_it_names_itself(model: httpx.AsyncClient) -> None:
    assert [each["id"] for each in (await model.get("/v1/models")).json()["data"]] == [NAME]
