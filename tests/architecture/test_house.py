"""The habits of the house that a machine can check: names, lengths, types, and nothing of anybody's machine."""

import ast
import functools
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.architecture.spoken import parsed_text

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "feishu", "rag")
OF_COLLECTIONS_ALONE = {
    "bot/handlers/card_actions.py",  # the job asks again
    "bot/intake/linked_documents.py",  # asks the platform about the document itself
    "bot/jobs/card_extras.py",  # whom to ask for help
    "bot/web/chat/routes.py",  # names of collections
}
LONGEST_FUNCTION = 60
LONGEST_FILE = 500
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
    """All modules by their paths from the root of the repository."""
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


def test_what_is_behind_an_answer_is_judged_in_one_place() -> None:
    """`Scope.shows` says nothing of the rights of single documents: whoever shows something asks `Access.shows`."""
    asked = re.compile(r"\bscope\.shows\(")
    elsewhere = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "bot").rglob("*.py")
        if asked.search(file.read_text("utf-8")) and file.parent.name != "access"
    }
    assert elsewhere == OF_COLLECTIONS_ALONE


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
MOST_IMPORTS = 20
COMPOSITIONS = {"bot.composition", "bot.web_app", "rag.knowledge_base"}
"""They put parts together, and so know many."""
FEWEST_LINES = 40
SMALL = {
    "bot.cli.__main__": "what `python -m bot.cli` runs",
    "bot.cli.forget": "imported only when its command is typed",
    "bot.jobs.ask_reason": "one handler for each kind of job",
    "bot.jobs.registry": "what a handler of jobs is, and which of them runs: the table of contents of its folder",
    "bot.public_app": "the platform's ASGI application, as bot.web_app is the web server's",
    "bot.web.csv_export": "a file format with rules of its own",
    "rag.evaluation.trial": "imported only where an index is tried",
    "rag.generation.context_window": "a calculation without the model",
    "rag.generation.suggestions": "the questions of the model without the model",
    "rag.ingestion.readers.text": "one reader for each kind of file",
    "rag.reranking.cross_encoder": "the one door of its library",
}
"""Modules of few lines that one other imports, and why they stand alone."""
SHARED_NAMES = {
    "Answers": "the same protocol: whatever answers questions",
    "Cell": "of a table in Word, and of a worksheet",
    "Clock": "the same protocol; rag and feishu do not import each other",
    "LeftOut": "what was not read: of messages, of folders, of a file",
    "Line": "of a Word file, and of a PDF page",
    "Pace": "of the scripted model, and of a rate limit",
    "Part": "of an API's message, of a model's stream, of an office file, of the health report",
    "Pictures": "of messages, and of a PDF file",
    "Quote": "of a message, and of a document",
    "Refused": "an answer that may not be given, and a request that may not be made",
    "Run": "of an answer, and of characters on a PDF page",
    "Section": "of a text, and of a number format",
    "SystemClock": "the same clock; rag and feishu do not import each other",
    "TooLarge": "a webhook's body, and a file",
    "Unknown": "an event, and a name in a formula",
    "Unread": "an answer without its pictures, and a document that could not be read",
    "Usage": "of a person's bounds, and of a model's tokens",
    "Verdict": "on a failed job, and on the evidence",
    "Writer": "of an answer, and of an index",
}
"""Class names with more than one meaning, and which; there shall be no further ones."""


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported_by() -> dict[str, set[str]]:
    """Module → our own modules that it imports, also inside of functions."""
    trees = {module_of(path): tree for path, tree in parsed()}
    found: dict[str, set[str]] = {}
    for module, tree in trees.items():
        named = found.setdefault(module, set())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{each.name}" for each in node.names}
                named |= (inner & trees.keys()) or ({node.module} & trees.keys())
            elif isinstance(node, ast.Import):
                named |= {each.name for each in node.names} & trees.keys()
    return found


def test_constructors_need_few_arguments() -> None:
    """Those without a default are counted: the others are options."""
    wide = {}
    for _, node in defined():
        if isinstance(node, ast.ClassDef):
            made = next((each for each in node.body if getattr(each, "name", "") == "__init__"), None)
            if isinstance(made, ast.FunctionDef) and (count := _needed(made.args)) > MOST_ARGUMENTS:
                wide[node.name] = count
    assert wide == {}


def test_modules_import_few_others() -> None:
    wide = {module: len(names) for module, names in imported_by().items() if len(names) > MOST_IMPORTS}
    assert {module: count for module, count in wide.items() if module not in COMPOSITIONS} == {}


def test_a_small_module_has_more_than_one_importer() -> None:
    """Otherwise it belongs to its importer, unless there is a reason; packages' own files are left out."""
    importers = Counter(name for names in imported_by().values() for name in names)
    small = {
        module_of(file.relative_to(ROOT))
        for file in SOURCES
        if file.name != "__init__.py" and len(file.read_text("utf-8").splitlines()) < FEWEST_LINES
    }
    assert sorted(name for name in small if importers[name] < 2 and name not in SMALL) == []


def test_a_class_name_has_one_meaning() -> None:
    """In all three packages; the sandbox is left out, which names what the platform has by the same words."""
    places: dict[str, list[str]] = {}
    for path, tree in parsed():
        if not path.is_relative_to("feishu/sandbox"):
            names = (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
            for name in names:
                if not name.startswith("_"):
                    places.setdefault(name, []).append(str(path))
    twice = {name: where for name, where in places.items() if len(where) > 1 and name not in SHARED_NAMES}
    assert twice == {}


def _needed(arguments: ast.arguments) -> int:
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults) - 1
    return positional + sum(default is None for default in arguments.kw_defaults)
