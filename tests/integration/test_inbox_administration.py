"""`feishu-rag jobs`, beside a running bot."""

import asyncio
import json
import os
import sys

import pytest

from tests.integration.conftest import DEADLINE_S, Stage, answer_text, words
from tests.integration.test_bad_luck import ANSWER, QUESTION, partly_shown, using
from tests.support.bot_process import REPOSITORY, environment
from tests.support.model_server import Reply, running


async def command(stage: Stage, *arguments: str, url: str) -> tuple[int, str, str]:
    """Exit code and what it printed."""
    ours = environment(stage.url, stage.folder, BOT__DATABASE_URL=url)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "jobs", *arguments),
        cwd=stage.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **ours},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_S):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_a_job_is_listed_shown_cancelled_and_retried(stage: Stage, store_url: str) -> None:
    with running() as model:
        model.script(Reply(ANSWER, delay_s=0.05, end="stall"), Reply(ANSWER))
        await stage.bot(**using(model, BOT__DATABASE_URL=store_url))
        asked = await stage.ask(QUESTION)
        await partly_shown(stage, asked)
        code, listed, _ = await command(stage, "list", "--json", "--state", "running", url=store_url)
        (job,) = [json.loads(line) for line in listed.splitlines()]
        assert (code, job["kind"], job["state"]) == (0, "answer", "running")
        code, shown, _ = await command(stage, "show", str(job["id"]), url=store_url)
        assert code == 0 and json.loads(shown)["turn"]["question"] == QUESTION
        code, said, _ = await command(stage, "cancel", str(job["id"]), url=store_url)
        assert (code, said.strip()) == (0, f"job {job['id']} is being stopped")
        assert "已停止" in words((await stage.closed(asked))["card"])
        code, _, _ = await command(stage, "retry", str(job["id"]), url=store_url)
        assert code == 0

        def whole() -> bool:
            return any(answer_text(card) == ANSWER and not card["streaming"] for card in stage.cards(asked))

        assert await stage.sandbox.wait_for(whole, DEADLINE_S)
        assert len(stage.cards(asked)) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "77"), "there is no job 77"),
        (("retry", "77"), "there is no job 77"),
        (("cancel", "77"), "there is no job 77"),
        (("list", "--state", "lost"), "no job is ever lost"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(stage: Stage, arguments: tuple[str, ...], sentence: str) -> None:
    code, _, errors = await command(stage, *arguments, url=f"sqlite:///{stage.folder}/bot.db")
    assert code == 1
    assert sentence in errors and "Traceback" not in errors


async def test_an_empty_inbox_is_said_to_be_empty(stage: Stage) -> None:
    code, listed, _ = await command(stage, "list", url=f"sqlite:///{stage.folder}/bot.db")
    assert (code, "no jobs" in listed) == (0, True)
