"""What docs/ says about the code: paths and names that exist, and the import contracts as they are."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.settings.fields import leaves

ROOT = Path(__file__).parents[2]
PAGES = sorted(file.name for file in (ROOT / "docs").glob("*.md") if file.name != "changelog.md")
SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:bot|feishu|rag|tests|benchmarks|deploy)/[\w./-]+")
MODULE = re.compile(r"(?:bot|feishu|rag)(?:\.\w+)+(?<!\.db)")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@cache
def settings() -> str:
    """Every settings key, one a line."""
    return "\n".join(leaf.key for leaf in leaves(Settings))


def is_known(name: str) -> bool:
    """Whether a dotted name is a setting or its section, a module, or something that stands in a module."""
    if re.search(rf"^{re.escape(name)}(\.|$)", settings(), re.MULTILINE):
        return True
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        place, rest = ROOT.joinpath(*parts[:length]), parts[length:]
        file = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
        if file.is_file():
            return not rest or bool(re.search(rf"\b{rest[0]}\b", file.read_text("utf-8")))
    return False


@pytest.mark.parametrize("name", PAGES)
def test_a_named_path_exists(name: str) -> None:
    named = {span for span in SPAN.findall(page(name)) if PATH.fullmatch(span)}
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_named_module_or_setting_exists(name: str) -> None:
    named = {span for span in SPAN.findall(page(name)) if MODULE.fullmatch(span)}
    assert sorted(each for each in named if not is_known(each)) == []


@pytest.mark.parametrize("root", ["bot", "feishu", "feishu.sandbox", "rag", "rag.index"])
def test_the_architecture_page_draws_the_layers_of_the_contracts(root: str) -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layered = [contract["layers"] for contract in tool["contracts"] if contract["type"] == "layers"]
    [layers] = [each for each in layered if each[0].rpartition(".")[0] == root]
    assert "\n".join([root, *(f"  {layer}" for layer in layers)]) in page("architecture.md")


def test_each_of_the_ten_questions_is_answered_by_a_path() -> None:
    _, _, rest = page("contributing.md").partition("## Ten questions")
    section, _, _ = rest.partition("\n## ")
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    assert len(rows) == 10
    assert [row for row in rows if not any(map(PATH.fullmatch, SPAN.findall(row.split("|")[2])))] == []


def headings(text: str) -> set[str]:
    """The anchors of a page, as the pages of repositories make them of headings outside of code."""
    outside = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^#+ (.+)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.strip().lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("name", [*PAGES, "../README.md", "../README.zh.md", "../benchmarks/README.md"])
def test_code_ends_and_links_lead_somewhere(name: str) -> None:
    text = page(name)
    assert len(re.findall(r"^ *```", text, re.MULTILINE)) % 2 == 0, "a block of code is not closed"
    broken = []
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        file = (ROOT / "docs" / name).parent / target if target else ROOT / "docs" / name
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in headings(file.read_text("utf-8"))):
            broken.append(f"{target}#{anchor}")
    assert broken == []
