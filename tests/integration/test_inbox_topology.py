"""What `deploy/` describes: the files are well-formed, and the same topology runs as processes."""

import asyncio
import contextlib
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import yaml

from bot.settings import Settings
from bot.settings_fields import leaves
from feishu.sandbox import SandboxSettings
from tests.integration.conftest import DEADLINE_S, Stage
from tests.integration.test_bad_luck import QUESTION, using
from tests.support.bot_process import REPOSITORY
from tests.support.crowd import Crowd
from tests.support.model_server import Reply, running
from tests.support.postgres import Postgres

DEPLOY = REPOSITORY / "deploy"
ANSWER = "返回后 **10 个工作日内**提交报销单 [1]。"


def compose() -> dict[str, Any]:
    """The compose file with its anchors merged."""
    whole: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return whole


def test_the_compose_file_keeps_to_the_compose_specification() -> None:
    schema = json.loads((REPOSITORY / "tests/support/compose_schema.json").read_text("utf-8"))
    errors = [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(compose())]
    assert errors == []


def test_the_compose_file_names_only_what_exists() -> None:
    services = compose()["services"]
    volumes = compose()["volumes"]
    known = {"__".join(leaf.key.upper().split(".")) for leaf in leaves(Settings)}
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in volumes or (DEPLOY / source).exists(), f"{name}: {source}"
        ours = {key for key in service.get("environment", {}) if "__" in key}
        assert ours <= known, name


def test_the_proxy_passes_on_to_both_replicas() -> None:
    replicas = {name for name in compose()["services"] if name.startswith("bot-")}
    named = set(re.findall(r"server (bot-\d):8000", (DEPLOY / "nginx.conf").read_text("utf-8")))
    assert named == replicas == {"bot-1", "bot-2"}


def test_the_image_copies_only_what_is_there() -> None:
    for line in (DEPLOY / "Dockerfile").read_text("utf-8").splitlines():
        if line.startswith("COPY "):
            *sources, _ = line.split()[1:]
            assert all((REPOSITORY / source).exists() for source in sources), line


@contextlib.asynccontextmanager
async def nginx(folder: Path, replicas: list[str]) -> AsyncIterator[str]:
    """The deployed proxy before these replicas; its address."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (DEPLOY / "nginx.conf").read_text("utf-8").replace("listen 8080", f"listen 127.0.0.1:{port}")
    for number, url in enumerate(replicas, start=1):
        text = text.replace(f"bot-{number}:8000", url.removeprefix("http://"))
    folder.chmod(0o755)
    (folder / "nginx.conf").write_text(text, "utf-8")
    own = f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;"
    arguments = ["-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", own]
    process = await asyncio.create_subprocess_exec(program, *arguments)
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient(trust_env=False) as http:
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
            async with httpx.AsyncClient(base_url=proxy, trust_env=False) as http:
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
