"""The model says that the passages do not answer: by the mark that the prompt asks for, or in its own words.

`MarkFilter` takes the mark out of a stream, `OpeningFilter` keeps back a beginning as long as it reads like a refusal.
Both give the same text whatever the cuts were, and neither delays a text that is nothing of the kind.
"""

import re
from typing import Literal

from rag.generation.refusal_phrases import LONGEST_REFUSAL, folded, is_blank, is_courtesy, refuses, says_no

MARK = "[[NO_ANSWER]]"
LONGEST_SENTENCE = 160

_DECORATION = r"[*_`~\\]"
_BEFORE = rf"{_DECORATION}{{0,6}}"
_OPEN = r"(?:\\?[\[【［〔「『〖]){1,3}"
_CLOSE = r"(?:\\?[\]】］〕」』〗]){1,3}"
_GAP = r"[\s*_`\\\-＿－]{0,4}"
_MARK = re.compile(rf"{_BEFORE}{_OPEN}{_GAP}no{_GAP}answer{_GAP}{_CLOSE}", re.IGNORECASE)
_PLAIN = re.compile(r"[^*_`~\\\[【［〔「『〖]*")
_TAIL = frozenset("*_`~\\]】］〕」』〗。.！!")
_LONGEST_TAIL = 12


def _beginning() -> re.Pattern[str]:
    """What the mark may begin with: the decoration, then each further letter only after those before it."""
    letters = ""
    for letter in reversed("answer"):
        letters = f"(?:{letter}{letters or f'(?:{_GAP}(?:{_CLOSE})?)?'})?"
    return re.compile(rf"{_BEFORE}(?:{_OPEN}{_GAP}(?:n(?:o(?:{_GAP}{letters})?)?)?)?\\?", re.IGNORECASE)


_BEGINNING = _beginning()


class MarkFilter:
    """Takes every mark out of a stream, with the decoration around it. `seen` tells whether there was one, `is_first`
    whether it stood before all text; then nothing that follows is given (`ends`)."""

    def __init__(self, *, ends: bool = True) -> None:
        self._ends = ends
        self._held = ""
        self._tail = 0  # how many characters behind a mark may still belong to it
        self._has_text = False
        self.seen = False
        self.is_first = False

    def feed(self, text: str) -> str:
        """The text that is certain now; what may be the start of a mark is kept back."""
        if self._ends and self.is_first:
            return ""
        if not self._held and not self._tail and _PLAIN.fullmatch(text):
            self._has_text = self._has_text or not is_blank(text)
            return text  # nearly all pieces are such
        given = "".join(self._take(character) for character in text)
        self._has_text = self._has_text or not is_blank(given)
        return given

    def finish(self) -> str:
        """What was kept back: it was no mark."""
        held, self._held = self._held, ""
        return held

    def _take(self, character: str) -> str:
        if self._ends and self.is_first:
            return ""
        if self._tail and character in _TAIL:
            self._tail -= 1
            return ""
        self._tail = 0
        grown = self._held + character
        if _MARK.fullmatch(grown):
            self.is_first = self.is_first or not (self.seen or self._has_text)
            self._held, self._tail, self.seen = "", _LONGEST_TAIL, True
            return ""
        if _BEGINNING.fullmatch(grown):
            self._held = grown
            return ""
        # The held start was none; a later part of it may be one together with this character.
        for at in range(1, len(grown) + 1):
            if _BEGINNING.fullmatch(grown[at:]):
                self._held = grown[at:]
                given = grown[:at]
                break
        self._has_text = self._has_text or not is_blank(given)
        return given


class OpeningFilter:
    """Keeps back the beginning of a text while it reads like a refusal: until its first sentence is something else,
    what follows it is an answer, or it is too long for a refusal. What `finish` gives was never released."""

    def __init__(self) -> None:
        self._held = ""
        self._sentence_at = 0
        self._state: Literal["opening", "refused", "released"] = "opening"

    def feed(self, text: str) -> str:
        """The text that is released now."""
        if self._state == "released":
            return text
        for at, character in enumerate(text):
            self._held += character
            if self._is_released(character):
                self._state = "released"
                released, self._held = self._held, ""
                return released + text[at + 1 :]
        return ""

    def finish(self) -> str:
        """What was kept back until the end."""
        held, self._held, self._state = self._held, "", "released"
        return held

    def _is_released(self, character: str) -> bool:
        if self._state == "refused":
            return self._goes_on(character)
        sentence = self._held[self._sentence_at :]
        if not _may_open(sentence):
            return True
        if not self._ends_sentence(character, sentence):
            return len(sentence) > LONGEST_SENTENCE or bool(_CITATION.search(sentence))
        self._sentence_at = len(self._held)
        said = folded(sentence)
        if refuses(said.rstrip("。.!！?？;； ")):
            self._state = "refused"
            return False
        return not (is_blank(said) or is_courtesy(said))

    def _goes_on(self, character: str) -> bool:
        """Whether what follows a refusing sentence is an answer."""
        if len(self._held) > LONGEST_REFUSAL:
            return True
        is_judged = character in "]】" or self._ends_sentence(character, self._held)
        return is_judged and not says_no(self._held)

    def _ends_sentence(self, character: str, sentence: str) -> bool:
        return character in "。！？!?\n；;" or (character.isspace() and sentence[-2:-1] == ".")


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase for phrase in (each.strip() for each in text.replace("\n", "|").split("|")) if phrase)


_CITATION = re.compile(r"[\[【]\^?\d")
_LEADS = _phrases("根据|依据|基于|按照|从|在|就|我在|我从|我根据|我无法从|我无法根据|以")
_GIVEN = _phrases(
    """
    提供的|所提供|给定|给出的|所给|给的|现有|目前|当前|已有|已知|上述|以上|这些|检索|搜索|手头|您提供|你提供
    资料|文档|知识库|数据库|上下文|段落|片段|参考|原文|该资料|该文档|此资料|相关资料|相关文档
    """
)
_ALONE = _phrases(
    """
    抱歉|很抱歉|非常抱歉|十分抱歉|真抱歉|对不起|很对不起|不好意思|很遗憾|遗憾|您好|你好|暂时
    无法回答|无法从|无法根据|无法确定|无法确认|无法判断|无法得|无法在|无法给|无法提供|无法解答|无法找|无法获
    无法依|无法基|无法就|无法对|无法直接|无法准确|不能回答|不能从|不能根据|不能确定|难以|回答不了|超出
    未找到|未能|未检索|未查|未提供|未提及|未提到|没有找到|没找到|没有相关|没有关于|没有足够|没有任何|没有与
    没有检索|没有查|没有提|没能|没有在|没有资料|没有信息|无相关|无可用|无关|暂无|查无|尚无|并无
    我无法|我不能|我没有|我没|我不知|我不清|我未|我暂|我查|我找|不知道|不清楚|找不到|信息不足|资料不足|缺乏|缺少
    该问题|此问题|这个问题|您的问题|你的问题|您所问|您问的
    """
)
_ENGLISH = _phrases(
    """
    i'm sorry|i am sorry|we're sorry|sorry|unfortunately|apologies|i apologi|regrettably
    the provided|the given|the passage|the document|the context|the information|the text|the knowledge base
    the available|the supplied|the source|the material|the excerpt|the answer|the question|the retrieved|the search
    the files|the current|the content|these passage|these document|your document|your question|given the
    based on the|based on these|according to the|from the|in the provided|in the given|in the document|in the passage
    i cannot|i can't|i can not|i could not|i couldn't|i don't|i do not|i did not|i didn't|i am unable|i'm unable
    i am not|i'm not|i was unable|i have no|i'm afraid|i am afraid|i found no|i find no|we cannot|we can't|we don't
    there is no|there's no|there are no|there isn't|there was no|no relevant|no related|no information|no matching
    no answer|no specific|no such|no details|no documents|no passages|no mention|no results|none of|nothing in
    neither of|not enough|insufficient|unable to|cannot answer|cannot be|cannot find|cannot determine|can't answer
    can't find|it is not|it's not|it is impossible|this question|this information|this is not|that information
    not mentioned|not specified|noanswer
    """
)
_OPENINGS = frozenset([*_ALONE, *_GIVEN, *_ENGLISH, *(lead + given for lead in _LEADS for given in _GIVEN)])
_PREFIXES = frozenset(opening[:length] for opening in _OPENINGS for length in range(1, len(opening)))
_LONGEST_OPENING = max(map(len, _OPENINGS))


def _may_open(sentence: str) -> bool:
    """Whether a sentence begins, or may turn out to begin, like a refusal."""
    beginning = folded(sentence.lstrip(" \n\t\r*_`#>~-")[:_LONGEST_OPENING])
    beginning = beginning.lstrip("\"'「“")
    if is_blank(beginning) or beginning in _PREFIXES:
        return True
    return any(beginning[:length] in _OPENINGS for length in range(2, len(beginning) + 1))
