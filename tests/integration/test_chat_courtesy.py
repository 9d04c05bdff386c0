"""Greetings and thanks on every way of the web door: kind words, as in the chats, and nothing is searched."""

import json

import pytest

from bot.repositories.analytics import Analytics
from bot.texts import EN, ZH
from feishu.clock import SystemClock
from rag.events import Exchange
from tests.support.chat_api import ANSWER, QUESTION, Api, events

GREETING = "你好！有问题直接问我，我会根据资料回答，并附上出处。"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("你好！", GREETING),
        ("Hello", "Hello! Just ask me: I answer from the documents and name the sources."),
        ("谢谢～", ZH.thanks_reply),
        ("thanks a lot", EN.thanks_reply),
        ("好的，收到 👌", ZH.noted_reply),
        ("不用了", ZH.noted_reply),
        ("👍", ZH.noted_reply),
        ("yes", EN.noted_reply),
        ("拜拜", ZH.farewell_reply),
    ],
)
async def test_kind_words_are_answered_without_a_search(api: Api, said: str, words: str) -> None:
    answer = await api.ask(said)
    assert answer["answer"].splitlines()[0] == words
    assert (answer["answered"], answer["sources"], answer["model"], answer["confidence"]) == (True, [], None, 0.0)
    assert api.library.asked == []


async def test_a_greeting_says_what_could_be_asked_and_no_command_that_is_unknown_here(api: Api) -> None:
    lines = (await api.ask("你好"))["answer"].splitlines()
    assert lines[1] == ZH.welcome_try and len(lines) == 5
    assert lines[2] == "• 差旅报销的时限是多久？"
    assert "/help" not in "".join(lines)


async def test_a_streamed_greeting_has_words_and_an_end_but_no_stages(api: Api) -> None:
    told = events((await api.http.post("/chat/stream", json={"question": "你好"})).text)
    assert [name for name, _ in told] == ["token", "sources", "done"]
    assert told[0][1]["text"].startswith(GREETING)
    assert told[-1][1]["answered"] is True
    assert api.library.asked == []


async def test_batches_and_openai_clients_are_greeted_too(api: Api) -> None:
    batch = (await api.http.post("/chat/batch", json={"questions": ["谢谢", "hi"]})).text
    said = {line["question"]: line["answer"] for line in map(json.loads, batch.splitlines())}
    assert said["谢谢"] == ZH.thanks_reply and said["hi"].startswith("Hello!")
    asked = {"messages": [{"role": "user", "content": "你好"}]}
    whole = (await api.http.post("/v1/chat/completions", json=asked)).json()["choices"][0]["message"]["content"]
    streamed = (await api.http.post("/v1/chat/completions", json={**asked, "stream": True})).text
    chunks = [json.loads(line[6:]) for line in streamed.splitlines() if line.startswith("data: {")]
    assert whole.startswith(GREETING)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == whole
    assert api.library.asked == []


async def test_a_greeting_stays_in_its_conversation_but_is_no_history(api: Api) -> None:
    await api.ask("你好", conversation_id="c")
    await api.ask(conversation_id="c")
    await api.ask("谢谢", conversation_id="c")
    await api.ask("那住宿呢？", conversation_id="c")
    assert api.library.questions[-1].history == (Exchange(QUESTION, ANSWER, frozenset({"default"})),)
    told = (await api.http.get("/chat/conversations/c")).json()["turns"]
    assert [turn["question"] for turn in told] == ["你好", QUESTION, "谢谢", "那住宿呢？"]
    assert told[0]["answers"][0]["answer"].startswith(GREETING)
    messages = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": GREETING}]
    messages.append({"role": "user", "content": QUESTION})
    await api.http.post("/v1/chat/completions", json={"messages": messages})
    assert api.library.questions[-1].history == ()


async def test_a_greeting_once_more_is_a_greeting(api: Api) -> None:
    first = await api.ask("你好")
    again = (await api.http.post(f"/chat/{first['answer_id']}/regenerate")).json()
    assert (again["answer"], again["version"]) == (first["answer"], 2)
    assert api.library.asked == []


async def test_neither_a_gap_nor_a_question_is_counted(api: Api) -> None:
    for said in ("你好", "谢谢", QUESTION, "食堂周末开门吗？"):
        await api.ask(said)
    figures = Analytics(api.door.database, clock=SystemClock())
    assert [gap.question for gap in await figures.gaps(1)] == ["食堂周末开门吗？"]
    overview = await figures.overview(1)
    assert (overview["asked"], overview["outcomes"]["answered"]) == (2, 1)
    counted = (line for line in api.door.metrics.render().decode().splitlines() if "turns_total{" in line)
    assert sum(float(line.split()[-1]) for line in counted) == 2
