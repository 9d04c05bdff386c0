"""Traditional Chinese to simplified, character by character, for what is searched and never for what is shown.

OpenCC's conversion tables without its phrases: both sides are folded, so a character needs the same image everywhere
more than the right one, and a text keeps its length. The only module that imports opencc.
"""

import functools
import re

_RANGES = ((0x3400, 0x4DC0), (0x4E00, 0xA000))
_CONFIGURATIONS = ("t2s", "tw2s", "hk2s")  # the standard table first; the others add regional variants


def simplified(text: str) -> str:
    """The text with every traditional character replaced by its simplified one; of the same length."""
    if text.isascii() or not _traditional().search(
        text
    ):  # to look costs a tenth of translating, and most text has none
        return text
    return text.translate(_table())


@functools.cache
def _traditional() -> re.Pattern[str]:
    return re.compile(f"[{''.join(map(chr, _table()))}]")


@functools.cache
def _table() -> dict[int, str]:
    from opencc import OpenCC

    characters = [chr(code) for begin, end in _RANGES for code in range(begin, end)]
    joined = "\n".join(characters)
    image: dict[int, str] = {}
    for name in _CONFIGURATIONS:
        converted = OpenCC(name).convert(joined).split("\n")
        for old, new in zip(characters, converted, strict=True):
            if new != old and len(new) == 1:
                image.setdefault(ord(old), new)
    images = {ord(new) for new in image.values()}
    return {old: new for old, new in image.items() if old not in images}  # 么 is simplified, though 幺 once wrote it
