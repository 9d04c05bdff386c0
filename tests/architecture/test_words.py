"""What a chat user reads stands in `bot/texts/`, in Chinese and in English; nothing else speaks to them."""

import ast
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from bot.texts import EN, ZH, Texts
from tests.architecture.spoken import Module, parsed_text

ROOT = Path(__file__).parents[2]
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
SENTENCE = re.compile(r"[A-Za-z]{2,}['’]?[a-z]*,? [A-Za-z]{2,}")
MARKUP = re.compile(r"</?[a-z]+[^>]*")
# Words that are read, not said: what people type, how headings are numbered and end, what the platform writes on a card
# that it does not give, top-level domains; and how the values of a table read that has Chinese columns.
READ_NOT_SAID = {
    "bot/intake/commands.py",
    "bot/intake/linked_documents.py",
    "bot/intake/suggestions.py",
    "feishu/events/card_text.py",
    "feishu/cards/foreign_text.py",
    "feishu/documents/bitable_values.py",
}
# These speak to administrators and to programs, in English, with the console's own Chinese names beside it.
SPEAKS_TO_ADMINS = re.compile(
    r"bot/(doctor|setup|settings|cli|demo|server?\.|web|repositories/(analytics|gap_report|admin_))"
)


def sources() -> list[tuple[str, str]]:
    """What may speak to chat users: the bot and the platform's client, without the texts and the sandbox."""
    files = sorted([*(ROOT / "bot").rglob("*.py"), *(ROOT / "feishu").rglob("*.py")])
    named = [(file.relative_to(ROOT).as_posix(), file) for file in files]
    return [
        (name, file.read_text("utf-8"))
        for name, file in named
        if not name.startswith(("feishu/sandbox/", "bot/texts")) and not SPEAKS_TO_ADMINS.match(name)
    ]


def docstrings(tree: ast.Module) -> set[int]:
    """The nodes that are documentation."""
    found = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                found.add(id(statement.value))
    return found


def chinese(source: str) -> list[ast.Constant]:
    """Every literal with Chinese, Japanese or Korean in it, also within f-strings and sums."""
    tree = parsed_text(source)
    skipped = docstrings(tree)
    literals = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in skipped)
    return [node for node in literals if isinstance(node.value, str) and CJK.search(node.value)]


def sentences(source: str) -> list[ast.Constant]:
    """Every literal that is said and reads like English."""
    return [node for node in Module.of(source).spoken() if SENTENCE.search(MARKUP.sub("", str(node.value)))]


def test_no_chinese_is_said_outside_of_the_texts() -> None:
    assert len(sources()) > 60
    bad = [
        f"{name}:{node.lineno} {node.value!r}"
        for name, source in sources()
        if name not in READ_NOT_SAID
        for node in chinese(source)
    ]
    assert bad == []


def test_no_sentence_is_passed_to_what_people_see() -> None:
    bad = [f"{name}:{node.lineno} {node.value!r}" for name, source in sources() for node in sentences(source)]
    assert bad == []


@pytest.mark.parametrize(
    "source",
    [
        "voice.reply(job, message, 'Please try again')",
        "voice.reply(job, message, text='Please try again')",
        "voice.reply(job, message, f'Please try {again}')",
        "voice.send(chat, 'Please try' + ' it again')",
        "voice.send(chat, 'Please try %s' % again)",
        "voice.send(chat, 'Please try {}'.format(again))",
        "voice.send(chat, ' '.join(['Please try', again]))",
        "voice.tell(who, words or 'Please try again')",
        "voice.tell(who, words if words else 'Please try again')",
        "LATER = 'Please try again'\nasync def later():\n    await voice.tell(who, LATER)",
        "def later():\n    said = ''\n    said += 'Please try again'\n    voice.tell(who, said.strip())",
        "def words():\n    return 'Please try again'\ndef later():\n    voice.reply(job, message, words())",
        "class A:\n    def words(self):\n        return f'Please try {self}'\n    async def b(self):\n"
        "        said = await self.words()\n        await self._voice.reply(job, message, said)",
        "card = {'tag': 'plain_text', 'content': 'Please try again'}",
        "build.note(f'{when}: please try again')",
    ],
)
def test_a_sentence_is_found_however_it_is_put_together(source: str) -> None:
    assert sentences(source)


@pytest.mark.parametrize(
    "source",
    [
        "x = '请再试'",
        "x = f'{a}请再试'",
        "x = 'a' + '请再试'",
        "x = ['\\u8bf7']",
        "x = ('a' 'かな')",
        "x = b if c else '请'",
    ],
)
def test_chinese_is_found_wherever_it_stands(source: str) -> None:
    assert chinese(source)


def test_what_nobody_reads_is_left_alone() -> None:
    quiet = "log.info('went quite wrong')\nraise ValueError('must be one of these')\nreturned = 'two words'"
    assert sentences(quiet) == [] and chinese('"""说明文字"""\nx = "plain"') == []


def test_both_languages_fill_the_same_gaps() -> None:
    gaps = re.compile(r"\{(\w+)")
    zh, en = asdict(ZH), asdict(EN)
    assert {key: sorted(gaps.findall(text)) for key, text in zh.items()} == {
        key: sorted(gaps.findall(text)) for key, text in en.items()
    }
    assert [key for key, text in {**zh, **en}.items() if not text] == []


@pytest.mark.parametrize("wording", [ZH, EN])
def test_no_text_names_a_setting_or_a_package(wording: Texts) -> None:
    """People in a chat can change none: what an admin has to do stands in the log, in doctor and in docs/."""
    named = re.compile(
        r"\b(?:rag|bot|feishu)\.[a-z_]+|\b(?:RAG|BOT|FEISHU)__|\bpip install\b|\bextra\b|扩展|config\.yaml"
    )
    assert [key for key, text in asdict(wording).items() if named.search(text)] == []


def test_no_text_is_left_that_nobody_says() -> None:
    files = [file for file in (ROOT / "bot").rglob("*.py") if "texts" not in file.relative_to(ROOT).parts]
    said = {word for file in files for word in re.findall(r"\w+", file.read_text("utf-8"))}
    built = ("refused_", "toast_", "failed_", "reason_", "left_", "why_", "link_", "summary_")  # named by their ending
    unused = [key for key in asdict(ZH) if key not in said and not key.startswith(built)]
    assert unused == []
