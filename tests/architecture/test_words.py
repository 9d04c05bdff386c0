"""What a chat user reads stands in `bot/texts.py`, in Chinese and in English; nothing else speaks to them."""

import ast
import re
from dataclasses import asdict
from pathlib import Path

from bot.texts import EN, ZH

ROOT = Path(__file__).parents[2]
CJK = re.compile(r"[\u3400-\u9fff]")
# Words that are read, not said: what people type, and how they lean on what was said before.
READ_NOT_SAID = {"bot/commands.py", "bot/memory.py", "bot/suggesting.py"}
SPEAKS_TO_ADMINS = re.compile(
    r"bot/(doctor|settings|findings|terminal|cli|demo|serve|admin|chat|completions|generate|web)"
)
SENDS = {"reply", "send", "tell", "mention", "text_content", "note", "markdown", "plain", "button", "header", "toast"}


def docstrings(tree: ast.Module) -> set[int]:
    """The nodes that are documentation."""
    found = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                found.add(id(statement.value))
    return found


def test_no_chinese_is_said_outside_of_the_texts() -> None:
    bad = []
    for file in sorted((ROOT / "bot").glob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        if "texts" in name or name in READ_NOT_SAID or SPEAKS_TO_ADMINS.match(name):
            continue
        tree = ast.parse(file.read_text("utf-8"))
        skipped = docstrings(tree)
        bad += [
            f"{name}:{node.lineno} {node.value!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and CJK.search(node.value)
            and id(node) not in skipped
        ]
    assert bad == []


def test_no_sentence_is_passed_to_what_people_see() -> None:
    sentence = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")
    bad = []
    for file in sorted((ROOT / "bot").glob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        if SPEAKS_TO_ADMINS.match(name):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in SENDS:
                said = [each.value for each in node.args if isinstance(each, ast.Constant)]
                bad += [f"{name}:{node.lineno} {text!r}" for text in said if sentence.search(str(text))]
    assert bad == []


def test_both_languages_fill_the_same_gaps() -> None:
    gaps = re.compile(r"\{(\w+)")
    zh, en = asdict(ZH), asdict(EN)
    assert {key: sorted(gaps.findall(text)) for key, text in zh.items()} == {
        key: sorted(gaps.findall(text)) for key, text in en.items()
    }
    assert [key for key, text in {**zh, **en}.items() if not text] == []
