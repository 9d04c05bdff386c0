"""The topology of `deploy/` as processes: PostgreSQL, two replicas, and the deployed proxy before them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from feishu.sandbox import SandboxSettings
from tests.integration.conftest import DEADLINE_S, Stage
from tests.integration.test_bad_luck import QUESTION, using
from tests.integration.test_inbox_deploy import free_port, nginx_program, proxy_file
from tests.support.caller import caller
from tests.support.crowd import Crowd
from tests.support.model_server import Reply, running
from tests.support.postgres import Postgres

ANSWER = "返回后 **10 个工作日内**提交报销单 [1]。"


@contextlib.asynccontextmanager
async def nginx(folder: Path, replicas: list[str]) -> AsyncIterator[str]:
    """The deployed proxy before these replicas; its address."""
    program, port = nginx_program(), free_port()
    folder.chmod(0o755)
    proxy_file(folder, port, [url.removeprefix("http://") for url in replicas])
    own = f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;"
    arguments = ["-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", own]
    process = await asyncio.create_subprocess_exec(program, *arguments)
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(DEADLINE_S), caller() as http:
            while process.returncode is None:
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get(f"{url}/health")).status_code == 200:
                        break
        assert process.returncode is None, (folder / "nginx.log").read_text("utf-8")
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def test_two_replicas_behind_the_proxy_answer_everything_once_while_one_is_killed(
    stage: Stage, postgres: Postgres, tmp_path: Path
) -> None:
    stage.sandbox.platform.settings = SandboxSettings(redelivery_s=(1.0,) * 60)
    with running() as model:
        model.script(Reply(ANSWER, delay_s=0.02))
        settings = using(model, BOT__DATABASE_URL=postgres.url(), BOT__LEASE_S="3")
        first, second = await stage.bot(**settings), await stage.bot(**settings)
        async with nginx(tmp_path, [first.public, second.public]) as proxy:
            async with caller(proxy) as http:
                assert (await http.get("/metrics")).status_code == 404
                assert (await http.post("/feishu/webhook", content=b"{}")).status_code == 401
            stage.sandbox.set_webhook(f"{proxy}/feishu/webhook")
            crowd = Crowd(stage.sandbox, 10)
            for _ in range(20):
                await crowd.ask(QUESTION)
            await first.logged("job_ended")
            await second.logged("job_ended")
            await first.kill()
            for _ in range(10):
                await crowd.ask(QUESTION)
            await crowd.until_answered(ANSWER, 2 * DEADLINE_S)
            assert {len(texts) for texts in crowd.texts().values()} == {1}
