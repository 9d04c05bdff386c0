"""What the README and the documents tell people to type exists."""

import re
from pathlib import Path

import pytest
import typer.main

from bot.cli.commands import app
from bot.settings import Settings
from bot.settings.fields import leaves

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
VARIABLES = {leaf.variable for leaf in leaves(Settings)}
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def code_of(path: Path) -> str:
    return "\n".join(block or inline for block, inline in CODE.findall(path.read_text("utf-8")))


def test_the_readme_is_there_in_both_languages() -> None:
    assert {"README.md", "README.zh.md"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    asked = set(re.findall(r"(?:^|[\s;&$])make ([a-z][a-z-]*)", code_of(ROOT / name)))
    assert asked <= targets


@pytest.mark.parametrize("name", NAMES)
def test_commands_exist(name: str) -> None:
    group = typer.main.get_command(app)
    commands: set[str] = set(getattr(group, "commands", {}))
    assert "doctor" in commands
    asked = set(re.findall(r"(?:^|[\s/])feishu-rag +([a-z][a-z-]+)", code_of(ROOT / name)))
    assert asked <= commands


@pytest.mark.parametrize("name", NAMES)
def test_options_exist(name: str) -> None:
    group = typer.main.get_command(app)
    known: dict[str, set[str]] = {}
    for command, inner in getattr(group, "commands", {}).items():
        parts = [inner, *getattr(inner, "commands", {}).values()]
        known[command] = {option for part in parts for parameter in part.params for option in parameter.opts}
    for command, rest in re.findall(r"feishu-rag +([a-z][a-z-]+)([^\n`]*)", code_of(ROOT / name)):
        asked = set(re.findall(r"(?<=\s)--[a-z][a-z-]+", rest))
        assert asked <= known.get(command, set()) | {"--help"}, command


@pytest.mark.parametrize("name", NAMES)
def test_variables_exist(name: str) -> None:
    asked = set(re.findall(r"\b(?:FEISHU|RAG|BOT)__[A-Z0-9_]*[A-Z0-9]\b", (ROOT / name).read_text("utf-8")))
    sections = {f"{variable.rsplit('__', 1)[0]}" for variable in VARIABLES}
    assert {variable for variable in asked if variable not in VARIABLES | sections} == set()


@pytest.mark.parametrize("name", NAMES)
def test_links_to_files_lead_somewhere(name: str) -> None:
    path = ROOT / name
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", path.read_text("utf-8"))
    links += re.findall(r"""(?:src|href)=["'](?!https?:|#)([^"'#]+)""", path.read_text("utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []
