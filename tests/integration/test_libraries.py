"""The snippets of docs/libraries.md, run as they stand there; and the names that both packages offer."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import feishu
import rag
from feishu.api.client import FeishuClient
from feishu.sandbox import Sandbox, running
from feishu.settings import FeishuSettings
from feishu.streaming.text_card import text_card
from tests.integration.conftest import ALICE, GROUP, PATIENT_PLATFORM, walk
from tests.support.bot_process import REPOSITORY, SECRETS

SNIPPETS = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs/libraries.md").read_text("utf-8"), re.DOTALL)


async def run(code: str, folder: Path, **environment: str) -> str:
    """What a script prints, run in a folder by a Python of its own."""
    given = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HF_HUB_OFFLINE": "1", **environment}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), cwd=folder, env=given, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_a_question_is_answered_from_a_folder(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "knowledge", tmp_path / "handbook")
    assert "年假" in await run(SNIPPETS[0], tmp_path)


async def test_rights_are_given_on_the_sandbox(tmp_path: Path) -> None:
    assert await run(SNIPPETS[2], tmp_path) == "['space_member', 'member', 'nothing']\n"


async def test_text_is_streamed_into_a_card(tmp_path: Path) -> None:
    sandbox = Sandbox(PATIENT_PLATFORM)
    async with running(sandbox) as url:
        code = SNIPPETS[1].replace("FeishuSettings(", f"FeishuSettings(base_url={url!r}, ")
        assert code != SNIPPETS[1]
        secrets = {"APP_ID": SECRETS["FEISHU__APP_ID"], "APP_SECRET": SECRETS["FEISHU__APP_SECRET"]}
        await run(code, tmp_path, CHAT_ID=GROUP, **secrets)
        shown = sandbox.shown(sandbox.messages_in(GROUP)[-1].message_id)
    assert not shown["streaming"] and sandbox.violations == []
    assert texts(shown) == ["## 今天\n- 合并了 **3** 个请求\n- 没有故障\n"]
    assert sandbox.calls("card.content"), "it was streamed"


@pytest.fixture
async def client() -> Any:
    sandbox = Sandbox(PATIENT_PLATFORM)
    async with running(sandbox) as url:
        settings = FeishuSettings(
            base_url=url, app_id=SECRETS["FEISHU__APP_ID"], app_secret=SECRETS["FEISHU__APP_SECRET"]
        )
        client = FeishuClient(settings)
        yield sandbox, client
        await client.aclose()


async def test_a_card_whose_writer_fails_is_closed_with_what_there_is(client: tuple[Sandbox, FeishuClient]) -> None:
    sandbox, platform = client
    asked = await sandbox.say(GROUP, ALICE, "今天怎么样？")
    with pytest.raises(RuntimeError, match="out of paper"):
        async with text_card(platform, reply_to=asked.message_id, uuid="one") as card:
            card.write("<at id=all></at>到此")
            raise RuntimeError("out of paper")
    shown = sandbox.shown(card.message_id)
    assert shown["parent_id"] == asked.message_id and not shown["streaming"]
    assert "到此" in texts(shown)[0] and "<at" not in texts(shown)[0]
    with pytest.raises(ValueError, match="either reply_to or chat_id"):
        async with text_card(platform, reply_to=asked.message_id, chat_id=GROUP):
            pass


def texts(message: dict[str, Any]) -> list[str]:
    """The Markdown on a card."""
    return [str(node["content"]) for node in walk(message["card"]) if node.get("tag") == "markdown"]


@pytest.mark.parametrize("package", [rag, feishu], ids=["rag", "feishu"])
def test_every_name_that_is_offered_is_there(package: Any) -> None:
    assert all(getattr(package, name) is not None for name in package.__all__)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = package.nonsense


def test_importing_both_loads_nothing_of_theirs() -> None:
    code = "import sys, rag, feishu; print(*(name for name in sys.modules if name.startswith(('rag.', 'feishu.'))))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
