"""The examples of docs/api.md run, and its status table says what the code does."""

import asyncio
import hashlib
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.errors import StoreError
from bot.settings import BotSettings
from bot.web.errors import MEANINGS, refusal_of
from rag import errors as rag
from tests.support.scripted_library import ScriptedLibrary, telling
from tests.support.web_door import WebDoor, web_door

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["docs/api.md", "docs/api.zh.md"]
RUNNERS = {"sh": ["sh", "-e"], "python": [sys.executable, "-"], "js": ["node", "--input-type=module", "-"]}
DEADLINE_S = 60.0
ANSWERING = (
    *(rag.ModelUnavailable, rag.ModelRejected, rag.ModelTimeout, rag.ContextTooLong, rag.ContentRefused),
    *(rag.IndexMissing, rag.IndexMismatch, rag.IndexCorrupt, rag.EmbeddingFailed, StoreError),
)
"""What answering may raise."""


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[WebDoor]:
    library = ScriptedLibrary()
    library.otherwise = telling("十五个自然日 [1]", citations=(1,))
    key = SecretStr(hashlib.sha256(b"example").hexdigest())
    async with web_door(library, tmp_path, BotSettings(api_keys=[key])) as opened:
        yield opened


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("language", RUNNERS)
async def test_the_examples_run(door: WebDoor, document: str, language: str) -> None:
    command = RUNNERS[language]
    if shutil.which(command[0]) is None or (language == "sh" and shutil.which("curl") is None):
        pytest.skip(f"{command[0]} or curl is not on this machine")
    examples = re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "BASE": door.url, "KEY": "example", "NO_PROXY": "*", "PYTHONUTF8": "1"},
        )
        async with asyncio.timeout(DEADLINE_S):
            out, errors = await process.communicate(example.encode())
        assert process.returncode == 0, errors.decode()
        assert "十五个自然日" in out.decode().replace("\n", ""), out.decode()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_status_table_is_whole(document: str) -> None:
    rows = re.findall(r"^\| (\d{3}) \|", (ROOT / document).read_text("utf-8"), re.MULTILINE)
    assert set(map(int, rows)) == {*MEANINGS, 405, 501}, "501 is that of /mcp, which the schema leaves out"


def test_every_type_and_status_is_explained_for_callers_and_admins() -> None:
    """docs/errors.md has each status with each type that the code gives it, and no other."""
    text = (ROOT / "docs" / "errors.md").read_text("utf-8").partition("## The web door: statuses")[2]
    lines = re.findall(r"^\| (\d{3} .*) \|$", text, re.MULTILINE)
    rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    told = {(int(row[0]), kind) for row in rows for kind in re.findall(r"`(\w+)`", row[1])}
    assert all(len(cells) == 5 and all(cells) for cells in rows)
    raised = {(refusal_of(error("x")).status, error.__name__) for error in ANSWERING}
    written = {
        (int(status), kind)
        for file in (ROOT / "bot").rglob("*.py")
        for status, kind in re.findall(r"""Refused\(\s*(\d{3}),\s*"(\w+)",""", file.read_text("utf-8"))
    }
    assert told == raised | written
