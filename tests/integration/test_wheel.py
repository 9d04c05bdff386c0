"""The wheel in an empty environment, from an empty folder: what a new admin types, in this order, with plain pip.

Nothing is downloaded: the libraries are those of the environment that runs the tests, seen through a .pth file, which
shows them without their own .pth files, so that only the wheel gives bot, feishu and rag.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feishu.sandbox import Sandbox, running
from tests.integration.conftest import ALICE, GROUP, PATIENT_PLATFORM, Stage
from tests.support.bot_process import OURS, REPOSITORY, SECRETS

DEADLINE_S = 170
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`feishu-rag` of an environment in which nothing but the wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if name.startswith(("bot/", "feishu/", "rag/", "knowledge/")) or "/" not in name:
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, folder / "source" / name)
    offline = ["--no-deps", "--no-index", "--disable-pip-version-check", "--quiet"]
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        *offline,
        "--no-build-isolation",
        "-w",
        str(folder),
        str(folder / "source"),
    )
    run(sys.executable, "-m", "venv", str(folder / "env"))
    (wheel,) = folder.glob("*.whl")
    python = folder / "env/bin/python"
    run(str(python), "-m", "pip", "install", *offline, str(wheel))
    (site,) = (folder / "env/lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "env/bin/feishu-rag"


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stdout + done.stderr


def environment(**more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(OURS)}
    return {**inherited, "PYTHONPATH": "", "RAG__EMBEDDING__PROVIDER": "none", **more}


async def typed(program: Path, folder: Path, *arguments: str, given: str = "", **more: str) -> tuple[int, str]:
    """Exit code, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        str(program),
        *arguments,
        cwd=folder,
        env=environment(**more),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(DEADLINE_S):
        printed, _ = await process.communicate(given.encode())
    assert process.returncode is not None
    return process.returncode, printed.decode()


@asynccontextmanager
async def started(program: Path, folder: Path, event: str, *arguments: str, **more: str) -> AsyncIterator[list[str]]:
    """A command that stays, once it has logged `event`; what it said until then. Ended by SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        str(program), *arguments, cwd=folder, env=environment(**more), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not any(f'"event": "{event}"' in line or f'"event":"{event}"' in line for line in said):
                line = await process.stderr.readline()
                assert line, said
                said.append(line.decode())
        draining = asyncio.create_task(process.stderr.read())
        yield said
        process.terminate()
        async with asyncio.timeout(DEADLINE_S):
            await draining
            assert await process.wait() in (0, -signal.SIGTERM)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_demo_reads_the_handbook_that_comes_with_it(program: Path, tmp_path: Path) -> None:
    async with started(program, tmp_path, "demo_open", "demo", "--port", "0", "--speed", "0") as said:
        handbook = next(line for line in said if line.startswith("handbook:"))
    files = list((REPOSITORY / "knowledge").glob("*.md"))
    assert int(handbook.split()[1]) >= len(files), "with the sandbox's own documents it is more"


async def test_a_bot_is_set_up_and_answers(program: Path, tmp_path: Path) -> None:
    sandbox = Sandbox(replace(PATIENT_PLATFORM))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
    own = {"BOT__HOST": "127.0.0.1", "BOT__PORT": port, "BOT__WEB_PORT": "0", "RAG__LLM__PROVIDER": "extractive"}
    async with running(sandbox) as url:
        own["FEISHU__BASE_URL"] = url
        flags = ("--yes", "--stdin", "--public-url", f"http://127.0.0.1:{port}")
        lines = "\n".join(f"{name}={value}" for name, value in SECRETS.items())
        assert (await typed(program, tmp_path, "init", *flags, given=lines, **own))[0] == 0
        assert {path.name for path in tmp_path.iterdir()} >= {".env", "config.yaml", "knowledge"}
        code, told = await doctor(program, tmp_path, **own)
        assert code == 1 and told["index"] == "fail" and told["knowledge"] == "fail" and told["scopes"] == "ok"
        (tmp_path / "knowledge/leave.md").write_text("# 年假\n\n年假每年五天，可以跨年休到三月底。\n", "utf-8")
        code, printed = await typed(program, tmp_path, "ingest", **own)
        assert code == 0, printed
        async with started(program, tmp_path, "serving", "serve", **own, BOT__LOG_FORMAT="json"):
            await asked_and_voted(sandbox, f"http://127.0.0.1:{port}/feishu/webhook")
            code, told = await doctor(program, tmp_path, **own)
            assert {name: state for name, state in told.items() if state in ("fail", "unknown")} == {}
            assert code == 0 and told["webhook"] == told["events"] == told["callbacks"] == "ok"
    code, printed = await typed(program, tmp_path, "ask", "年假几天？", **own)
    assert code == 0 and "五天" in printed


async def doctor(program: Path, folder: Path, **own: str) -> tuple[int, dict[str, str]]:
    """Its exit code, and the state of each part."""
    code, printed = await typed(program, folder, "doctor", "--json", "--timeout", "120", **own)
    told: dict[str, Any] = json.loads(printed)
    assert told["exit_code"] == code
    return code, {each["name"]: each["state"] for each in told["findings"]}


async def asked_and_voted(sandbox: Sandbox, address: str) -> None:
    """A question in a group, its closed card, and a click on 👍."""
    sandbox.set_webhook(address)
    stage = Stage(sandbox, "", Path(), Path(), None)  # type: ignore[arg-type]  # no bot is started by it
    said = await sandbox.say(GROUP, ALICE, "年假几天？", mention_bot=True)
    card = await stage.closed(said.message_id, containing="五天")
    shown = await stage.click(card, "up")
    assert shown.error_code is None, shown.why
