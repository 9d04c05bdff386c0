"""The chat API over real HTTP, before a library that answers by script: answers, streams, votes, the model alone."""

from rag.errors import (
    ModelTimeout,
)
from rag.events import Exchange
from rag.scope import Scope
from tests.support.chat_api import ANSWER, QUESTION, Api, events
from tests.support.scripted_library import dying, refusing, telling


async def test_a_whole_answer_has_everything_the_schema_promises(api: Api) -> None:
    answer = await api.ask()
    assert answer["answer"] == ANSWER and answer["answered"] is True
    assert set(answer["sources"][0]) == {"id", "title", "text", "link", "place", "link_at_place", "metadata"}
    assert answer["sources"][0]["metadata"]["cited"] is True
    assert len(answer["sources"][0]["text"]) <= 200
    assert answer["usage"] == {"prompt": 300, "completion": 56}
    assert 0 <= answer["confidence"] <= 1


async def test_a_stream_tells_its_stages_text_sources_and_end(api: Api) -> None:
    answer = await api.http.post("/chat/stream", json={"question": QUESTION})
    told = events(answer.text)
    assert told[0] == ("stage", {"stage": "retrieving", "found": 0})
    assert told[1] == ("stage", {"stage": "retrieved", "found": 3})
    assert told[2] == ("stage", {"stage": "generating", "found": 3})
    assert "".join(body["text"] for name, body in told if name == "token") == ANSWER
    assert [name for name, _ in told[-2:]] == ["sources", "done"]
    assert {"answer_id", "usage", "seconds"} <= set(told[-1][1])
    assert told[-1][1]["answer_id"] == answer.headers["x-answer-id"]
    assert answer.headers["cache-control"] == "no-store"


async def test_event_source_can_ask_with_get(api: Api) -> None:
    answer = await api.http.get("/chat/stream", params={"question": QUESTION})
    assert events(answer.text)[-1][0] == "done"
    assert (await api.http.get("/chat/stream", params={"question": " "})).status_code == 422
    assert (await api.http.get("/chat/stream")).status_code == 422


async def test_reasoning_has_its_own_event(api: Api) -> None:
    api.library.on(QUESTION, telling(ANSWER, reasoning="想一想"))
    told = events((await api.http.post("/chat/stream", json={"question": QUESTION})).text)
    assert ("reasoning", {"text": "想一想"}) in told


async def test_what_the_documents_do_not_know_is_no_error(api: Api) -> None:
    answer = await api.ask("食堂周末开门吗？")
    assert (answer["answered"], answer["confidence"], answer["model"]) == (False, 0.0, None)
    told = events((await api.http.post("/chat/stream", json={"question": "食堂周末开门吗？"})).text)
    assert told[-1][1]["answered"] is False


async def test_a_conversation_carries_its_history(api: Api) -> None:
    first = await api.ask()
    await api.ask("那住宿呢？", conversation_id=first["conversation_id"])
    assert api.library.questions[-1].history == (Exchange(QUESTION, ANSWER, frozenset({"default"})),)
    await api.ask("那住宿呢？")
    assert api.library.questions[-1].history == ()
    told = (await api.http.get(f"/chat/conversations/{first['conversation_id']}")).json()
    assert [turn["question"] for turn in told["turns"]] == [QUESTION, "那住宿呢？"]


async def test_regenerate_adds_a_version_whole_or_streamed(api: Api) -> None:
    first = await api.ask()
    second = (await api.http.post(f"/chat/{first['answer_id']}/regenerate")).json()
    assert (second["version"], second["answer_id"] != first["answer_id"]) == (2, True)
    headers = {"Accept": "text/event-stream"}
    third = await api.http.post(f"/chat/{second['answer_id']}/regenerate", headers=headers)
    assert events(third.text)[-1][1]["version"] == 3
    assert api.library.questions[-1].history == ()
    turns = (await api.http.get(f"/chat/conversations/{first['conversation_id']}")).json()["turns"]
    assert [answer["version"] for answer in turns[0]["answers"]] == [1, 2, 3]


async def test_votes_are_stored_changed_and_shown(api: Api) -> None:
    answer = await api.ask()
    path = f"/chat/{answer['answer_id']}/feedback"
    down = await api.http.post(path, json={"vote": "down", "reason": "outdated", "comment": "去年的"})
    assert down.json() == {"answer_id": answer["answer_id"], "vote": "down", "up": 0, "down": 1}
    assert (await api.http.post(path, json={"vote": "up"})).json()["up"] == 1
    turns = (await api.http.get(f"/chat/conversations/{answer['conversation_id']}")).json()["turns"]
    assert turns[0]["answers"][0]["vote"] == "up"
    assert (await api.http.post(path, json={"vote": "up", "reason": "outdated"})).status_code == 422
    assert (await api.http.post("/chat/a000/feedback", json={"vote": "up"})).status_code == 404
    assert (await api.http.post("/chat/a000/regenerate")).status_code == 404


async def test_a_null_character_reaches_nobody(api: Api) -> None:
    await api.ask("a\x00b")
    assert api.library.asked == ["ab"]


async def test_collections_are_passed_on(api: Api) -> None:
    await api.ask(collections=["finance"])
    assert api.library.questions[-1].scope == Scope.of({"finance"})


async def test_the_model_alone_has_its_defaults_and_limits(api: Api) -> None:
    whole = (await api.http.post("/generate", json={"prompt": "你好"})).json()
    assert whole["text"] == "你好" and whole["usage"] and whole["latency"] >= 0
    prompt = api.library.prompts[-1]
    assert (prompt.max_tokens, prompt.temperature, prompt.top_p) == (512, 0.7, 0.9)
    streamed = events((await api.http.post("/generate/stream", json={"prompt": "你好"})).text)
    assert [name for name, _ in streamed] == ["token", "done"]
    for wrong in (
        {"prompt": ""},
        {"prompt": "x" * 2049},
        {"prompt": "x", "max_tokens": 0},
        {"prompt": "x", "max_tokens": 2049},
        {"prompt": "x", "temperature": 2.1},
        {"prompt": "x", "top_p": 1.1},
    ):
        assert (await api.http.post("/generate", json=wrong)).status_code == 422
    api.library.writes = dying(ModelTimeout("slow"))
    assert (await api.http.post("/generate", json={"prompt": "x"})).status_code == 408


async def test_large_whole_answers_are_compressed_and_streams_are_not(api: Api) -> None:
    api.library.on(QUESTION, telling("长" * 5000))
    whole = await api.http.post("/chat", json={"question": QUESTION})
    assert whole.headers["content-encoding"] == "gzip"
    streamed = await api.http.post("/chat/stream", json={"question": QUESTION})
    assert "content-encoding" not in streamed.headers


async def test_refusing_is_stored_like_in_a_chat(api: Api) -> None:
    api.library.on(QUESTION, refusing())
    answer = await api.ask()
    turns = (await api.http.get(f"/chat/conversations/{answer['conversation_id']}")).json()["turns"]
    assert turns[0]["answers"][0]["outcome"] == "no_evidence"
