"""Follow-ups on the web are understood as in the chats: by one function, with `conversation_id` and with messages."""

from rag.events import Exchange
from tests.support.chat_api import ANSWER, QUESTION, Api, events
from tests.support.scripted_library import telling

FOLLOW_UP, UNDERSTOOD = "那住宿呢？", "出差住宿的报销标准是多少？"
EXCHANGE = Exchange(QUESTION, ANSWER, frozenset({"default"}))


def knows(api: Api) -> None:
    api.library.condensed[FOLLOW_UP] = UNDERSTOOD
    api.library.on(UNDERSTOOD, telling("每晚 600 元 [1]。", citations=(1,)))


async def test_a_follow_up_in_a_conversation_is_asked_as_it_was_understood(api: Api) -> None:
    knows(api)
    assert (await api.ask(conversation_id="c"))["understood"] is None
    answer = await api.ask(FOLLOW_UP, conversation_id="c")
    assert (answer["understood"], answer["answered"]) == (UNDERSTOOD, True)
    assert api.library.questions[-1].text == UNDERSTOOD and api.library.questions[-1].history == (EXCHANGE,)
    again = (await api.http.post(f"/chat/{answer['answer_id']}/regenerate")).json()
    assert (again["understood"], again["version"]) == (UNDERSTOOD, 2) and api.library.asked[-1] == UNDERSTOOD
    await api.ask("为什么", conversation_id="c")
    assert [each.question for each in api.library.questions[-1].history] == [QUESTION, UNDERSTOOD]
    told = (await api.http.get("/chat/conversations/c")).json()["turns"]
    assert [turn["question"] for turn in told] == [QUESTION, FOLLOW_UP, "为什么"], "people see their own words"


async def test_what_stands_alone_goes_without_history(api: Api) -> None:
    knows(api)
    await api.ask(conversation_id="c")
    await api.ask("发票抬头是什么", conversation_id="c")
    assert (api.library.asked[-1], api.library.questions[-1].history) == ("发票抬头是什么", ())


async def test_a_stream_says_how_it_was_understood(api: Api) -> None:
    knows(api)
    await api.ask(conversation_id="c")
    asked = {"question": FOLLOW_UP, "conversation_id": "c"}
    told = events((await api.http.post("/chat/stream", json=asked)).text)
    assert told[-1][0] == "done" and told[-1][1]["understood"] == UNDERSTOOD


async def test_messages_of_an_openai_client_are_a_conversation(api: Api) -> None:
    knows(api)
    said = [("user", QUESTION), ("assistant", ANSWER), ("user", "好的"), ("assistant", "🙂"), ("user", FOLLOW_UP)]
    messages = [{"role": role, "content": content} for role, content in said]
    reply = (await api.http.post("/v1/chat/completions", json={"messages": messages})).json()
    assert "600 元" in reply["choices"][0]["message"]["content"]
    assert (api.library.asked[-1], api.library.questions[-1].history) == (UNDERSTOOD, (Exchange(QUESTION, ANSWER),))
