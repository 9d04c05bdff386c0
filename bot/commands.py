"""What people type instead of a question: `/help`, `/new` …, in Chinese and in English. Pure."""

from dataclasses import dataclass
from typing import Literal

CommandKind = Literal["help", "new", "sources", "feedback", "stop", "forget"]

WORDS: dict[str, CommandKind] = {
    "help": "help",
    "帮助": "help",
    "new": "new",
    "新对话": "new",
    "重新开始": "new",
    "sources": "sources",
    "资料": "sources",
    "来源": "sources",
    "feedback": "feedback",
    "反馈": "feedback",
    "stop": "stop",
    "停止": "stop",
    "forget": "forget",
    "忘记我": "forget",
}


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what follows it."""

    kind: CommandKind
    rest: str = ""


def parse_command(text: str) -> Command | None:
    """The command a text begins with; None for a question (also one that begins with an unknown `/word`)."""
    text = text.strip()
    if not text.startswith(("/", "／")):
        return None
    word, _, rest = text[1:].partition(" ")
    kind = WORDS.get(word.strip().lower())
    return Command(kind, rest.strip()) if kind else None
