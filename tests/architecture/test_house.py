"""The habits of the house that a machine can check: names, lengths, types, and nothing of anybody's machine."""

import ast
import functools
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.spoken import parsed_text

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "feishu", "rag")
LONGEST_FUNCTION = 60
LONGEST_FILE = 400
FORBIDDEN = {"manager", "helper", "helpers", "util", "utils", "common", "misc", "base", "processor", "service"}
FORBIDDEN |= {"services", "engine", "wrapper", "data", "info"}
SOURCES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))

# Written in pieces, so that this file does not find itself.
PLACES = re.compile(
    "|".join(["/wo" + "rk/", "/ro" + "ot/", "/ho" + r"me/\w", "/Us" + r"ers/\w", r"[A-Z]:\\Us" + "ers"])
)
HOSTS = re.compile(
    "|".join(
        [
            "pypi" + r"\.org",
            "pythonhosted" + r"\.org",
            "registry" + r"\.npmjs",
            "mirror" + r"s?\.[a-z]+\.",
            "jsdel" + "ivr",
            "unp" + "kg",
        ]
    )
)
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".txt",
    ".html",
    ".css",
    ".js",
    ".json",
    ".jsonl",
    ".sh",
    ".cfg",
    ".example",
    "",
}


def tracked() -> list[Path]:
    """All files that git knows."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [file for name in names.split("\0") if name and (file := ROOT / name).is_file()]


def own_texts() -> list[Path]:
    """Text files written here; published minified files of others are left out."""
    own = (file for file in tracked() if "vendor" not in file.parts and ".min." not in file.name)
    return [file for file in own if file.suffix in TEXT]


@functools.cache
def parsed() -> tuple[tuple[Path, ast.Module], ...]:
    return tuple((file.relative_to(ROOT), parsed_text(file.read_text("utf-8"))) for file in SOURCES)


@functools.cache
def defined() -> tuple[tuple[Path, Definition], ...]:
    """Every class and function, however deep it stands."""
    return tuple((path, node) for path, tree in parsed() for node in ast.walk(tree) if isinstance(node, Definition))


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 30


def test_no_module_or_class_has_a_name_that_says_nothing() -> None:
    names = {file: file.stem.replace("knowledge_base", "knowledge") for file in SOURCES}
    bad = [str(file.relative_to(ROOT)) for file, name in names.items() if FORBIDDEN.intersection(name.split("_"))]
    for path, node in defined():
        if isinstance(node, ast.ClassDef):
            words = {word.lower() for word in re.findall(r"[A-Z][a-z]*", node.name.replace("KnowledgeBase", ""))}
            bad += [f"{path}: {node.name}"] if words & FORBIDDEN else []
    assert bad == []


def test_functions_are_short() -> None:
    long = [
        f"{path}:{node.lineno} {node.name} has {lines} lines"
        for path, node in defined()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert long == []


def test_files_are_short() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in SOURCES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_every_module_says_what_it_is() -> None:
    assert [str(path) for path, tree in parsed() if tree.body and not ast.get_docstring(tree)] == []


def test_every_package_is_typed() -> None:
    assert [package for package in PACKAGES if not (ROOT / package / "py.typed").is_file()] == []
    bare = re.compile(r"#\s*type:\s*ignore(?!\[)|#\s*mypy:\s*ignore")
    assert [str(file.relative_to(ROOT)) for file in SOURCES if bare.search(file.read_text("utf-8"))] == []


def test_no_test_sleeps() -> None:
    """A test that sleeps hopes; an event, a deadline or a clock by hand knows."""
    slept = re.compile(r"\btime\.sleep\(|asyncio\.sleep\((?!0\))")
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    assert tests
    assert [str(file.relative_to(ROOT)) for file in tests if slept.search(file.read_text("utf-8"))] == []


@pytest.mark.parametrize("pattern", [PLACES, HOSTS], ids=["machine paths", "registry hosts"])
def test_the_repository_names_nobodys_machine(pattern: re.Pattern[str]) -> None:
    found = []
    for file in own_texts():
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_no_secret_file_is_committed() -> None:
    names = {str(file.relative_to(ROOT)) for file in tracked()}
    assert ".env.example" in names
    assert [name for name in names if Path(name).name == ".env" or name.endswith((".pem", ".key"))] == []


MOST_ARGUMENTS = 7
WIDER = {"MessageIntake": 10, "CardActionHandler": 9, "ChatEventHandler": 8}
"""Constructors that need more arguments for now, and how many; none may grow, and none may join them."""


def test_constructors_need_few_arguments() -> None:
    """Those without a default are counted: the others are options."""
    wide = {}
    for _, node in defined():
        if isinstance(node, ast.ClassDef):
            made = next((each for each in node.body if getattr(each, "name", "") == "__init__"), None)
            if isinstance(made, ast.FunctionDef) and (count := _needed(made.args)) > MOST_ARGUMENTS:
                wide[node.name] = count
    assert wide == WIDER


def _needed(arguments: ast.arguments) -> int:
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults) - 1
    return positional + sum(default is None for default in arguments.kw_defaults)
