"""The demo as a process: its scripted model answers, hedges nothing away, refuses, and gives way to another model."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo import SCRIPTED
from tests.support.bot_process import BotProcess
from tests.support.caller import caller
from tests.support.model_server import Reply, running

QUESTION = "出差回来多久内要报销？"


@contextlib.asynccontextmanager
async def demo(folder: Path, *options: str, **environment: str) -> AsyncIterator[BotProcess]:
    settings = {"BOT__PORT": "0", "BOT__WEB_PORT": "0", "RAG__EMBEDDING__PROVIDER": "none", **environment}
    bot = BotProcess(folder, settings, ("demo", "--port", "0", "--data", str(folder / "data"), *options))
    try:
        await bot.start()
        await bot.logged("demo_open")
        yield bot
        assert await bot.terminate() == 0
    finally:
        await bot.kill()


async def asked(bot: BotProcess, question: str, **more: str) -> dict[str, Any]:
    async with caller(bot.web) as http:
        response = await http.post("/chat", json={"question": question, **more})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


def told(bot: BotProcess) -> str:
    """What the terminal shows, without the frame."""
    return " ".join(" ".join(str(line["event"]) for line in bot.lines).replace("│", " ").split())


async def test_the_scripted_model_answers_with_citations_and_refuses(tmp_path: Path) -> None:
    async with demo(tmp_path, "--speed", "0") as bot:
        assert "A scripted model stands in for yours; set RAG__LLM__BASE_URL" in told(bot)
        answer = await asked(bot, QUESTION)
        assert answer["outcome"] == "answered" and answer["model"] == SCRIPTED
        assert "10 个工作日内" in answer["answer"] and "[1]" in answer["answer"]
        assert answer["usage"]["completion"] > 0
        follow_up = await asked(bot, "那打车费呢？", conversation_id=answer["conversation_id"])
        assert follow_up["outcome"] == "answered" and "80 元" in follow_up["answer"]
        for question in ("今天天气怎么样", "what is the weather like today"):
            assert (await asked(bot, question))["outcome"] == "no_evidence"


async def test_an_answer_is_cut_at_the_limit_of_tokens(tmp_path: Path) -> None:
    async with demo(tmp_path, "--speed", "0", RAG__LLM__MAX_TOKENS="60") as bot:
        answer = await asked(bot, "请详细说明报销时限")
        assert answer["ending"] == "length" and answer["outcome"] == "answered"


async def test_without_a_model_the_bot_quotes(tmp_path: Path) -> None:
    async with demo(tmp_path, "--no-model", RAG__LLM__TYPING_PAUSE_S="0") as bot:
        assert "No model: the bot quotes the documents." in told(bot)
        answer = await asked(bot, QUESTION)
        assert answer["model"] is None and "10 个工作日内" in answer["answer"]


@pytest.mark.parametrize("name", ["qwen3"])
async def test_a_model_of_ones_own_goes_before_it(tmp_path: Path, name: str) -> None:
    with running() as server:
        server.script(Reply("自己的模型说：10 个工作日内 [1]。"))
        async with demo(tmp_path, RAG__LLM__BASE_URL=server.base_url, RAG__LLM__MODEL=name) as bot:
            assert f"Answers by {name}." in told(bot)
            answer = await asked(bot, QUESTION)
            assert answer["model"] == name and answer["answer"].startswith("自己的模型说")
