"""How much of a question a text speaks to: the IDF-weighted share of its terms, from 0 to 1.

Without a dictionary a Chinese bigram may straddle two words (差回 in 出差回来), and such a pair is in no document, whatever
is asked. So the weight sits on the characters: one counts as covered when a bigram that holds it is in the text,
less when only the character itself is; question words and particles weigh nothing; a word weighs as two characters.
This is the default measure of evidence, and how sentences are picked from passages.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from rag.terms import bigrams, characters, normalise, runs, terms, word_terms

LONE_CHARACTER_SHARE = 0.4
WORD_WEIGHT = 2.0

# What a question says about itself, not about its subject. Longest first, so that 什么时候 goes before 什么.
_CHINESE_FILLERS = sorted(
    """
    什么时候 什么样 什么 为什么 为何 怎么样 怎么办 怎么 怎样 如何 哪里 哪儿 哪些 哪个 哪天 哪 谁 多久 多长时间 多长
    多少 多大 几天 几个 几次 几点 几号 几 是否 是不是 能不能 可不可以 可以 能否 有没有 要不要 需不需要 请问 请教 想问
    告诉我 知道 帮我 我们 你们 咱们 应该 应当 需要 必须 的话 一下 一个 这个 那个 这些 那些 时候 关于 对于 以及 或者
    还是 如果 之内 以内 之前 之后 吗 呢 吧 啊 呀 嘛 么 的 了 着 过 是 在 有 我 你 您 他 她 它 要 会 能 可 请 问 和 与
    或 及 把 被 让 给 对 从 到 向 就 都 也 还 又 再 才 不 没 这 那 个 些 内 里 上 下 中 后 前 时 为 以 于 得 地 做 去
    来 该 想 说 用 一
    """.split(),
    key=len,
    reverse=True,
)
_FILLER = re.compile("|".join(_CHINESE_FILLERS))
_ENGLISH_FILLERS = frozenset(
    """
    a an the of to in on at by for from with and or but if then than as is are was were be been being am do does did
    done have has had can could may might must shall should will would i me my we us our you your he she it its they
    them their this that these those there here what which who whom whose when where why how much many long often soon
    please tell about any some not no so into out up s t d ll re ve get got need want
    """.split()
)

Idf = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class _Unit:
    """One weighted piece of the question: covered by any of `by`, or in part by `partly`."""

    weight: float
    by: frozenset[str]
    partly: str = ""
    partly_share: float = LONE_CHARACTER_SHARE


class Coverage:
    """A question made ready to be held against many texts."""

    def __init__(self, question: str, *, term_idf: Idf, character_idf: Idf) -> None:
        self._units = _units(question, term_idf, character_idf)
        self._total = sum(unit.weight for unit in self._units)

    def __bool__(self) -> bool:
        """False when the question holds nothing that could be looked for."""
        return self._total > 0

    def of(self, text: str) -> float:
        """The share, 0 to 1."""
        return self.of_terms(*present(text))

    def of_terms(self, found: frozenset[str], found_characters: frozenset[str]) -> float:
        """The share for a text already cut by `present`."""
        if not self._total:
            return 0.0
        covered = 0.0
        for unit in self._units:
            if unit.by & found:
                covered += unit.weight
            elif unit.partly and unit.partly in found_characters:
                covered += unit.weight * unit.partly_share
        return covered / self._total


def present(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """A text's terms and single characters, as `Coverage.of_terms` wants them."""
    return frozenset(terms(text)), frozenset(characters(text))


def _units(question: str, term_idf: Idf, character_idf: Idf) -> list[_Unit]:
    units: dict[str, _Unit] = {}
    for run, _, _, is_cjk in runs(normalise(question)):
        for unit_name, unit in _of_characters(run, character_idf) if is_cjk else _of_word(run, term_idf):
            units.setdefault(unit_name, unit)
    return list(units.values())


def _of_characters(run: str, idf: Idf) -> list[tuple[str, _Unit]]:
    idle = {at for match in _FILLER.finditer(run) for at in range(*match.span())}
    pairs = bigrams(run)
    found = []
    for at, character in enumerate(run):
        if at not in idle:
            by = pairs[max(0, at - 1) : at + 1]
            share = LONE_CHARACTER_SHARE if len(run) > 1 else 1.0
            found.append((character, _Unit(idf(character), frozenset(by), character, share)))
    return found


def _of_word(run: str, idf: Idf) -> list[tuple[str, _Unit]]:
    names = [name for name in word_terms(run) if name not in _ENGLISH_FILLERS]
    return [(name, _Unit(idf(name) * WORD_WEIGHT, frozenset({name}))) for name in names]
