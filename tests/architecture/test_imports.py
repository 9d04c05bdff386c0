"""Who imports whom, and what importing costs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.spoken import parsed_text

ROOT = Path(__file__).parents[2]
HEAVY = ["torch", "faiss", "tantivy", "transformers", "sentence_transformers", "langchain_core", "langchain_openai"]
HEAVY += ["langchain_text_splitters", "openai", "lark_oapi", "numpy", "onnxruntime", "pymilvus"]
SERVER = ["fastapi", "starlette", "uvicorn", "sqlalchemy", "httpx", "prometheus_client"]


def loaded_after(code: str) -> set[str]:
    """The packages that a fresh interpreter has imported after `code`."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def test_no_module_changes_the_environment() -> None:
    """It belongs to whoever starts the process, and to the other libraries in it."""
    sets = re.compile(r"os\.(?:putenv|unsetenv|environ(?:\[[^\]]*\]\s*=(?!=)|\.(?:setdefault|update|pop)))")
    files = [file for package in ("bot", "feishu", "rag") for file in (ROOT / package).rglob("*.py")]
    assert [str(file) for file in files if sets.search(file.read_text("utf-8"))] == []


@pytest.mark.parametrize("package", ["feishu", "rag", "bot"])
def test_importing_a_package_costs_nothing(package: str) -> None:
    assert not loaded_after(f"import {package}").intersection([*HEAVY, *SERVER, "pydantic"])


def test_importing_the_library_and_the_client_brings_no_runtime() -> None:
    loaded = loaded_after(
        "import feishu.api.client, feishu.events.webhook, feishu.api.cardkit, rag.events, rag.settings, rag.errors"
    )
    assert not loaded.intersection(HEAVY)


def test_help_is_light() -> None:
    run = "import contextlib, sys; sys.argv = ['feishu-rag', '--help']\nfrom bot.cli import main"
    assert not loaded_after(f"{run}\nwith contextlib.suppress(SystemExit):\n    main()").intersection([*HEAVY, *SERVER])


def test_the_bot_starts_without_the_demo() -> None:
    code = "import bot.serve, sys\nprint(*(name for name in sys.modules if name.startswith(('feishu.', 'bot.'))))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "bot.web_app" in loaded and not loaded.intersection(["feishu.sandbox", "bot.demo_model", "bot.demo"])


def test_reading_settings_is_light() -> None:
    code = "from bot.settings import load_settings\nload_settings(None, environ={}, env_file=None)"
    assert not loaded_after(code).intersection([*HEAVY, *SERVER])


def test_the_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "0 broken" in done.stdout


def test_the_sandbox_takes_only_cryptography_from_its_package() -> None:
    foreign = set()
    for file in (ROOT / "feishu" / "sandbox").rglob("*.py"):
        for name in imported_by(file):
            if name.startswith(("feishu.", "rag", "bot")) and not name.startswith("feishu.sandbox"):
                foreign.add(name)
    assert foreign == {"feishu.events.crypto"}


def imported_by(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(parsed_text(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name} imports relatively"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names if node.module == "feishu")
    return names - {"feishu"}
