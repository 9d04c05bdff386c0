"""Every word that a chat user reads, in Chinese and in English. Nothing else in the code speaks to people."""

import re
from typing import Literal

from bot.texts.en import EN
from bot.texts.fields import Texts
from bot.texts.zh import ZH

__all__ = ["EN", "ZH", "Language", "Texts", "language_of", "texts"]

Language = Literal["zh", "en"]

_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


def texts(language: Language) -> Texts:
    """The wording of a language."""
    return ZH if language == "zh" else EN


def language_of(text: str, *, preferred: Literal["auto", "zh", "en"] = "auto") -> Language:
    """The language to answer in: the configured one, or that of the question."""
    if preferred != "auto":
        return preferred
    return "zh" if _CJK.search(text) or not re.search(r"[A-Za-z]", text) else "en"
