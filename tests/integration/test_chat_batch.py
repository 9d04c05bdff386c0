"""`POST /chat/batch`: each question on its own, as many at once as allowed, and hanging up."""

import asyncio
import json

from rag.errors import (
    ModelUnavailable,
)
from tests.support.chat_api import ANSWER, DEADLINE_S, QUESTION, Api
from tests.support.scripted_library import Gate, dying


async def test_a_batch_answers_each_question_on_its_own(api: Api) -> None:
    api.library.on("坏", dying(ModelUnavailable("the model is away")))
    answer = await api.http.post("/chat/batch", json={"questions": [QUESTION, "坏", "", "月亮上有食堂吗", "x" * 4001]})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = {line["index"]: line for line in map(json.loads, answer.text.splitlines())}
    assert sorted(lines) == [0, 1, 2, 3, 4]
    assert lines[0]["answer"] == ANSWER
    assert lines[1]["error"]["type"] == "ModelUnavailable"
    assert lines[2]["error"]["type"] == lines[4]["error"]["type"] == "InvalidRequest"
    assert lines[3]["answered"] is False


async def test_batch_lines_come_as_they_are_ready_and_concurrency_is_bounded(api: Api) -> None:
    slow = Gate(["慢"])
    api.library.on("慢", slow.script)
    body = {"questions": ["慢", QUESTION, QUESTION], "max_concurrency": 2}
    async with api.http.stream("POST", "/chat/batch", json=body) as answer:
        lines = answer.aiter_lines()
        first_two = [json.loads(await anext(lines))["index"] for _ in range(2)]
        for _ in range(3):
            slow.open()
        assert first_two == [1, 2]
        assert json.loads(await anext(lines))["index"] == 0


async def test_hanging_up_on_a_batch_stops_its_questions(api: Api) -> None:
    slow = Gate(["慢"])
    api.library.otherwise = slow.script
    async with api.http.stream("POST", "/chat/batch", json={"questions": ["一", "二", "三"], "max_concurrency": 1}):
        async with asyncio.timeout(DEADLINE_S):
            while not api.library.asked:
                await asyncio.sleep(0)
    await asyncio.wait_for(slow.closed.wait(), DEADLINE_S)
    assert api.library.asked == ["一"] and not slow.finished
