"""The three outcomes and the endings of a text, in every way that the web door tells them; going on with a cut one."""

import json
from typing import Any

import pytest

from rag.events import Ending, Grounding
from tests.support.chat_api import ANSWER, QUESTION, Api, events
from tests.support.scripted_library import PASSAGES, going_on, passages, refusing, telling, turning_down

UNKNOWN = "根据现有资料无法回答此问题"
SSE = {"Accept": "text/event-stream"}


def grounds(body: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(body[name] for name in ("outcome", "answered", "confidence", "confidence_level", "calibrated"))


@pytest.mark.parametrize("outcome", ["answered", "hedged", "no_evidence"])
async def test_every_way_of_asking_tells_the_outcome(api: Api, outcome: Grounding) -> None:
    citations = (1,) if outcome == "answered" else ()
    script = telling(ANSWER, citations=citations, outcome=outcome, confidence=0.8123, level="high", is_calibrated=True)
    api.library.on(QUESTION, script)
    told = (outcome, outcome == "answered", 0.812, "high", True)
    whole = await api.ask()
    assert grounds(whole) == told and whole["ending"] == ""
    done = events((await api.http.post("/chat/stream", json={"question": QUESTION})).text)[-1]
    assert done[0] == "done" and grounds(done[1]) == told
    line = json.loads((await api.http.post("/chat/batch", json={"questions": [QUESTION]})).text)
    assert grounds(line) == told
    again = (await api.http.post(f"/chat/{whole['answer_id']}/regenerate")).json()
    assert grounds(again) == told
    turns = (await api.http.get(f"/chat/conversations/{whole['conversation_id']}")).json()["turns"]
    assert [grounds(answer) for answer in turns[0]["answers"]] == [told, told]


async def test_what_was_never_searched_has_no_level(api: Api) -> None:
    assert grounds(await api.ask("你好")) == ("answered", True, 0.0, None, False)


async def test_a_late_refusal_replaces_what_was_streamed(api: Api) -> None:
    api.library.on(QUESTION, turning_down("抱歉，我看了一下，"))
    told = events((await api.http.post("/chat/stream", json={"question": QUESTION})).text)
    names = [name for name, _ in told]
    assert names[-3:] == ["replace", "sources", "done"]
    assert told[-3][1] == {"text": UNKNOWN}
    assert told[-1][1]["outcome"] == "no_evidence" and told[-1][1]["answered"] is False
    assert len(told[-2][1]["sources"]) == len(PASSAGES)
    api.library.on(QUESTION, telling(ANSWER))
    told = events((await api.http.post("/chat/stream", json={"question": QUESTION})).text)
    assert "replace" not in [name for name, _ in told]


@pytest.mark.parametrize("ending", ["length", "broken", "filtered", "overloaded"])
async def test_a_cut_text_is_kept_and_said_to_be_cut(api: Api, ending: Ending) -> None:
    api.library.on(QUESTION, telling("出差结束后", ending=ending))
    answer = await api.ask()
    assert (answer["answer"], answer["ending"]) == ("出差结束后", ending)
    assert f'feishu_rag_answer_endings_total{{ending="{ending}"}} 1.0' in api.door.metrics.render().decode()
    turns = (await api.http.get(f"/chat/conversations/{answer['conversation_id']}")).json()["turns"]
    assert turns[0]["answers"][0]["ending"] == ending


async def test_a_cut_answer_goes_on_as_its_next_version(api: Api) -> None:
    cut, rest = "出差结束后 [1]，", "15 个自然日内提交。"
    api.library.on(QUESTION, telling(cut, citations=(1,), ending="length"), going_on(cut, rest))
    first = await api.ask()
    went_on = await api.http.post(f"/chat/{first['answer_id']}/continue", headers=SSE)
    assert api.library.questions[-1].so_far == cut
    told = events(went_on.text)
    assert next(body["text"] for name, body in told if name == "token") == cut
    assert "".join(body["text"] for name, body in told if name == "token") == cut + rest
    assert "replace" not in [name for name, _ in told]
    assert (told[-1][1]["version"], told[-1][1]["ending"]) == (2, "")
    turns = (await api.http.get(f"/chat/conversations/{first['conversation_id']}")).json()["turns"]
    assert [answer["answer"] for answer in turns[0]["answers"]] == [cut, cut + rest]


async def test_a_whole_reply_goes_on_too(api: Api) -> None:
    cut = "出差结束后 [1]，"
    api.library.on(QUESTION, telling(cut, citations=(1,), ending="length"), going_on(cut, "完。"))
    first = await api.ask()
    second = (await api.http.post(f"/chat/{first['answer_id']}/continue")).json()
    assert (second["answer"], second["version"]) == (cut + "完。", 2)


async def test_where_other_passages_are_found_the_question_is_answered_anew(api: Api) -> None:
    cut = "出差结束后 [1]，"
    changed = passages(("差旅报销制度", ("差旅报销制度", "三、时限"), "10 个自然日内提交报销单。"))
    api.library.on(
        QUESTION,
        telling(cut, citations=(1,), ending="length"),
        going_on(cut, "15 天。", changed),
        telling("10 个自然日内 [1]。", citations=(1,), retrieved=changed),
    )
    first = await api.ask()
    second = (await api.http.post(f"/chat/{first['answer_id']}/continue")).json()
    assert second["answer"] == "10 个自然日内 [1]。"
    assert [question.so_far for question in api.library.questions[-2:]] == [cut, ""]
    assert second["sources"][0]["text"].startswith("10 个自然日")


async def test_what_is_not_cut_does_not_go_on(api: Api) -> None:
    whole = await api.ask()
    for ending in ("", "filtered"):
        api.library.on(QUESTION, telling(ANSWER, ending=ending))  # type: ignore[arg-type]
        answer = await api.ask()
        refused = await api.http.post(f"/chat/{answer['answer_id']}/continue")
        assert refused.status_code == 409
        assert refused.json()["error"]["type"] == "Conflict" and "regenerate" in refused.json()["error"]["what_to_do"]
    assert (await api.http.post("/chat/a000/continue")).status_code == 404
    turns = (await api.http.get(f"/chat/conversations/{whole['conversation_id']}")).json()["turns"]
    assert len(turns[0]["answers"]) == 1


async def test_the_model_alone_says_how_its_text_ended(api: Api) -> None:
    api.library.writes = telling("从前", ending="length")
    assert (await api.http.post("/generate", json={"prompt": "讲故事"})).json()["ending"] == "length"


def ask(question: str = QUESTION, **more: Any) -> dict[str, Any]:
    return {"model": "feishu-rag", "messages": [{"role": "user", "content": question}], **more}


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("", "stop"),
        ("length", "length"),
        ("broken", "length"),
        ("overloaded", "length"),
        ("filtered", "content_filter"),
    ],
)
async def test_openai_clients_see_the_outcome_and_the_finish_reason(api: Api, ending: Ending, reason: str) -> None:
    api.library.on(QUESTION, telling("大概 15 天。", outcome="hedged", ending=ending, confidence=0.5, level="medium"))
    whole = (await api.http.post("/v1/chat/completions", json=ask())).json()
    assert whole["choices"][0]["finish_reason"] == reason
    assert (whole["outcome"], whole["confidence_level"], whole["ending"]) == ("hedged", "medium", ending)
    assert whole["choices"][0]["message"]["content"].endswith("没有引用资料，请自行核实。")
    streamed = (await api.http.post("/v1/chat/completions", json=ask(stream=True))).text
    chunks = [json.loads(line) for line in streamed.replace("data: ", "").split("\n\n") if line.startswith("{")]
    assert chunks[-1]["choices"][0]["finish_reason"] == reason
    assert (chunks[-1]["outcome"], chunks[-1]["ending"], chunks[-1]["calibrated"]) == ("hedged", ending, False)


async def test_openai_clients_get_the_refusal_as_text_even_where_it_comes_late(api: Api) -> None:
    api.library.on(QUESTION, refusing())
    whole = (await api.http.post("/v1/chat/completions", json=ask())).json()
    assert whole["choices"][0]["message"]["content"] == UNKNOWN and whole["outcome"] == "no_evidence"
    api.library.on(QUESTION, turning_down("抱歉，"))
    streamed = (await api.http.post("/v1/chat/completions", json=ask(stream=True))).text
    chunks = [json.loads(line) for line in streamed.replace("data: ", "").split("\n\n") if line.startswith("{")]
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text == f"抱歉，\n\n{UNKNOWN}"
