"""What people type instead of a question: `/help`, `/new` …, a greeting, thanks; in Chinese and in English. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

CommandKind = Literal["help", "new", "sources", "feedback", "stop", "forget", "greeting", "thanks"]

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

# Whole messages, without spaces and signs: whatever says more is a question.
_GREETING_WORDS = """
你好 您好 你好呀 你好啊 大家好 哈喽 哈啰 嗨 早 早安 早上好 上午好 中午好 下午好 晚上好 在吗 在么 在不在 有人吗 你是谁
hi hello hey hiya hithere hellothere goodmorning goodafternoon goodevening whoareyou
"""
_THANKS_WORDS = """
谢谢 谢谢你 谢谢您 谢谢啦 谢谢了 多谢 谢了 谢啦 感谢 非常感谢 辛苦了
好 好的 好的谢谢 收到 明白 明白了 知道了 了解 再见 拜拜
thanks thankyou thankyouverymuch thanksalot manythanks thx ok okay gotit isee bye goodbye
"""
GREETINGS = frozenset(_GREETING_WORDS.split())
THANKS = frozenset(_THANKS_WORDS.split())
LONGEST_PLEASANTRY = 40


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what follows it."""

    kind: CommandKind
    rest: str = ""


def parse_command(text: str) -> Command | None:
    """The command a text begins with, or the pleasantry that it is; None for a question (also one that begins with an
    unknown `/word`)."""
    text = text.strip()
    if not text.startswith(("/", "／")):
        return _pleasantry(text)
    word, _, rest = text[1:].partition(" ")
    kind = WORDS.get(word.strip().lower())
    return Command(kind, rest.strip()) if kind else None


def _pleasantry(text: str) -> Command | None:
    if len(text) > LONGEST_PLEASANTRY:
        return None
    said = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()
    if said in GREETINGS:
        return Command("greeting")
    return Command("thanks") if said in THANKS else None
