"""Whether two questions ask the same, by their words alone. Pure, and careful: a wrong answer with somebody's name on
it is worse than none.

Each question is brought into a form: how it asks (who, when, how much …), whether it may or must, its figures, and the
words that are left once politeness, articles and the like are gone. Two questions are the same where all of these are.
Nothing is weighed: with one word more (*第一年*, *for contractors*), another number, another name or a *not*, it is
another question. Words count as equal only where they mean the same in every company (`_EQUAL_CHINESE`,
`_EQUAL_ENGLISH`); the looser ones of `rag.text.synonyms` help a search, and would be wrong here (护照, 签证).
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from rag.text.figures import figures
from rag.text.tokenizer import cut_word, normalise, runs

MOST_CHARS = 400
"""Of a question that is compared at all: what is longer tells a story."""

_CHINESE_POLITE = re.compile(
    r"请问一?下?|想问一?下?|想请教|请教一?下?|问一?下|麻烦|你好|您好|谢谢|告诉我|帮我|想知道|知道"
)
_ENGLISH_POLITE = re.compile(
    r"\b(?:please|hi|hello|hey|thanks|thank you"
    r"|(?:can|could|would) you (?:please )?(?:tell|explain)(?: to)?(?: me| us)?|tell (?:me|us)"
    r"|i (?:would|'d) like to know|do you know|i wonder)\b"
)
_EQUAL_CHINESE = {
    "带薪年假": "年假",
    "年休假": "年假",
    "报账": "报销",
    "辞职": "离职",
    "计算机": "电脑",
    "口令": "密码",
    "维修": "修",
    "修理": "修",
    "计算": "算",
    "预订": "订",
    "预定": "订",
    "审批": "批",
    "批准": "批",
    "递交": "提交",
    "领取": "领",
    "更换": "换",
    "查看": "看",
    "使用": "用",
    "连接不上": "连不上",
    "连接不了": "连不上",
    "连不了": "连不上",
    "没有": "没",
    "未": "没",
    "之前": "前",
    "以前": "前",
    "之后": "后",
    "以后": "后",
    "之内": "内",
    "以内": "内",
    "礼拜": "星期",
    "号码": "号",
}
_EQUAL_CHINESE_PATTERN = re.compile("|".join(sorted(_EQUAL_CHINESE, key=len, reverse=True)))
_EQUAL_ENGLISH = {
    "kept": "keep",
    "paid": "pay",
    "sent": "send",
    "taken": "take",
    "took": "take",
    "given": "give",
    "bought": "buy",
    "lost": "lose",
    "held": "hold",
    "made": "make",
    "left": "leave",
    "told": "tell",
    "written": "write",
    "chosen": "choose",
    "broken": "break",
    "begun": "begin",
    "carried": "carry",
    "spent": "spend",
    "cannot": "not",
    "never": "not",
    "no": "not",
    "telephone": "phone",
    "e-mail": "email",
    "wi-fi": "wifi",
    "vacations": "vacation",
}
_CONTRACTIONS = (
    (re.compile(r"\bcan[’']?t\b"), "can not"),
    (re.compile(r"\bwon[’']?t\b"), "will not"),
    (re.compile(r"n[’']t\b"), " not"),
    (re.compile(r"\b(what|who|where|when|how|it|that|there)[’']s\b"), r"\1 is"),
    (re.compile(r"[’'](?:re|m|ve|ll|d)\b"), ""),
)

_CHINESE_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("meaning", re.compile(r"(?:是|代表|表示|指的?是?)?(?:什么|啥)(?:意思|含义)")),
    ("why", re.compile(r"为什么|为何|为啥|怎么会|什么原因")),
    ("weekday", re.compile(r"(?:周|星期)几")),
    ("clock", re.compile(r"几点钟?")),
    ("date", re.compile(r"几月几?[日号]?|几号|哪一?天|什么日子")),
    ("when", re.compile(r"什么时候|什么时间|何时")),
    ("within", re.compile(r"在?(?:多长时间|多久)内")),
    ("duration", re.compile(r"多长时间|多久|多长")),
    ("where", re.compile(r"[在去到]?(?:哪里|哪儿|什么地方|哪个地方|(?<!如)何处)|[在去到]哪(?=$|[^些个种位天])")),
    ("who", re.compile(r"谁|哪位|哪个人|哪些人|什么人")),
    ("plight", re.compile(r"(?:怎么|怎样|如何|咋)(?:处理|解决|办)$")),
    ("like", re.compile(r"(?:怎么样|怎样|如何)$")),
    ("how", re.compile(r"怎么样|怎么|怎样|如何|咋")),
    ("amount", re.compile(r"多少|几(?=[^乎率何])")),
    ("whether", re.compile(r"是不是|是否|有没|吗|(?<![什怎那这])么$")),
    ("what", re.compile(r"什么|哪些|哪个|哪种|哪|啥|何种")),
)
WHO = "谁"
"""Stays among the words: who approves is not whom somebody approves."""
_PEOPLE = re.compile(
    r"员工|经理|总监|主管|领导|老板|上级|下属|实习生|外包|供应商|客户|访客|同事|新人|人员|财务|人事|行政|老师|学生|导师|hr"
)
"""Where one of these changes its place, it may be another who does it, or to whom it is done."""
_CHOICE = re.compile(r"(.)[不没](?:\1(?=可以)可以|\1)|可不可以|能否|可否")
"""能不能, 支不支持, 可不可以: a whether that says its verb twice."""
_CHINESE_MAY = re.compile(r"可以|能够|能|允许|可(?!能)")
_CHINESE_MUST = re.compile(r"需要|必须|应该|应当|该|要(?!求)|得(?!到)|须")
_CHINESE_FILLERS = re.compile(
    r"我们|咱们|你们|公司的?(?!章|网|车)|一下|[的了呢啊呀吧嘛哦是有在由来想我你您请就都也和与从]|会(?![议员计场费])"
)
_BOTH_WAYS = re.compile(r"[到至给转换改比]|\bfrom\b|\bto\b|\bthan\b|\binto\b")
"""What stands before these and after them may not change places."""

_ENGLISH_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("meaning", re.compile(r"\bwhat do(?:es)?\b(?=.*\bmean\b)|\bmeaning of\b")),
    ("duration", re.compile(r"\b(?:for )?how long\b")),
    ("often", re.compile(r"\bhow often\b")),
    ("soon", re.compile(r"\bhow (?:soon|early|late|far in advance)\b")),
    ("amount", re.compile(r"\bhow (?:much|many)\b")),
    ("clock", re.compile(r"\b(?:at |by )?what time\b")),
    ("date", re.compile(r"\b(?:on |by )?(?:what|which) (?:day|date)\b")),
    ("when", re.compile(r"\bwhen\b")),
    ("where", re.compile(r"\bwhere\b")),
    ("who", re.compile(r"\b(?:who|whom|whose)\b")),
    ("why", re.compile(r"\bwhy\b|\bhow come\b")),
    ("how", re.compile(r"\bhow\b")),
    ("what", re.compile(r"\b(?:what|which)\b")),
    (
        "whether",
        re.compile(
            r"^(?:and |so )?(?:can|could|may|might|is|are|was|were|do|does|did|will|would|should|shall|must|has|have"
            r"|had|am)\b|\bwhether\b"
        ),
    ),
)
_ENGLISH_MAY = re.compile(r"\b(?:can|could|may|might|allowed|permitted|possible)\b")
_ENGLISH_MUST = re.compile(r"\b(?:must|should|shall|have to|has to|need to|needs to|required|obliged)\b")
_FILLERS = """
    a an the of for in on at to that it its is are was were be been being am do does did have has had will would i me my
    we us our you your one there this allowed permitted possible required obliged can could may might must should
    shall need needs
"""
_ENGLISH_FILLERS = frozenset(_FILLERS.split())
_AFTER_PREPOSITION = re.compile(r"\b(?:of|for|in|on|at|to)\b(?: (?:a|an|the|my|our|your))?(?: [\w-]+){1,2}")
_MEASURED = frozenset({"limit", "price", "cost", "fee", "allowance", "rate", "deposit", "fine"})
"""How much is the limit asks what the limit is."""
_LOCATED = re.compile(r"地址|位置")


@dataclass(frozen=True, slots=True)
class Form:
    """A question as it is compared. `modal` is "may", "must" or "" where it says neither; `sequence` are its words and
    characters in their order, `direct` those that no English preposition stands before."""

    kinds: frozenset[str]
    modal: str
    figures: frozenset[str]
    words: tuple[tuple[str, int], ...]
    sequence: tuple[str, ...]
    direct: tuple[str, ...]
    is_directed: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left that names a subject."""
        return not self.words and not self.figures


@lru_cache(maxsize=4_096)
def form_of(question: str) -> Form | None:
    """The form of a question; None for one that is too long, or names no subject."""
    if len(question) > MOST_CHARS:
        return None
    text = " ".join(normalise(question).split()).strip(" ?？!！。.…~,，;；:：")
    is_directed = bool(_BOTH_WAYS.search(text))
    found, text = _figures(text)
    is_chinese = any(is_cjk for _, _, _, is_cjk in runs(text))
    kinds, modal, rest = _chinese(text) if is_chinese else _english(text)
    sequence = _words(rest, is_chinese=is_chinese)
    kinds = _as_named(kinds, sequence, rest)
    if "where" in kinds:
        sequence = tuple(word for word in sequence if word != "find")
    direct = () if is_chinese else _words(_AFTER_PREPOSITION.sub(" ", rest), is_chinese=False)
    form = Form(kinds, modal, found, _counted(sequence), sequence, direct, is_directed)
    return None if form.is_empty else form


def asks_same(one: str, other: str) -> bool:
    """Whether two questions surely ask the same."""
    first, second = form_of(one), form_of(other)
    return first is not None and second is not None and is_same(first, second)


def is_same(one: Form, other: Form) -> bool:
    """The rule, for forms."""
    return agrees(one, other) and one.words == other.words and _is_in_order(one, other)


def agrees(one: Form, other: Form) -> bool:
    """Whether how two questions ask, their modals and their figures let them be the same."""
    if one.kinds != other.kinds or one.figures != other.figures:
        return False
    return one.modal == other.modal or ("whether" not in one.kinds and not (one.modal and other.modal))


def _counted(sequence: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(sequence).items()))


def _is_in_order(one: Form, other: Form) -> bool:
    """Whether the same words may stand in the order of either.

    A Chinese clause may begin with its topic (会议室怎么订, 怎么订会议室): what stands before a place then stands
    behind it. That is not so of people, nor where words say from what to what. In English what follows a preposition
    may move.
    """
    if one.sequence == other.sequence:
        return True
    if one.is_directed or other.is_directed:
        return False
    if any(not word.isascii() for word in one.sequence):
        return _is_turned(one.sequence, other.sequence) and not _PEOPLE.search("".join(one.sequence))
    shared = {*one.direct}.intersection(other.direct) - {"not"}
    first, second = ([word for word in form.direct if word in shared] for form in (one, other))
    return first == second


def _is_turned(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether what stands first in one stands last in the other."""
    return any(one[at:] + one[:at] == other for at in range(1, len(one)))


def _figures(text: str) -> tuple[frozenset[str], str]:
    """The figures of a text, equal where their values are, and the text without their numbers."""
    found = figures(text)
    left, at = [], 0
    for figure in sorted(found, key=lambda each: each.start):
        if figure.start < at:
            continue
        left.append(text[at : figure.lead_at if at <= figure.lead_at else figure.start])
        at = figure.end
    left.append(text[at:])
    return frozenset(figure.terms[-1] for figure in found), " ".join(left)


def _chinese(text: str) -> tuple[frozenset[str], str, str]:
    """How a Chinese question asks, its modal, and what is left of it."""
    text = _CHINESE_POLITE.sub("", text)
    kinds = set()
    if _CHOICE.search(text):
        kinds.add("whether")
        text = _CHOICE.sub(lambda match: match[1] or "可以", text)
    text = _EQUAL_CHINESE_PATTERN.sub(lambda match: _EQUAL_CHINESE[match.group()], text)
    for kind, pattern in _CHINESE_KINDS:
        found = pattern.sub(WHO if kind == "who" else " ", text)
        if found != text:
            kinds.add(kind)
            text = found
    may, must = bool(_CHINESE_MAY.search(text)), bool(_CHINESE_MUST.search(text))
    text = _CHINESE_FILLERS.sub("", _CHINESE_MUST.sub("", _CHINESE_MAY.sub("", text))).replace("办理", "办")
    modal = "may" if may else "must" if must else ""
    return frozenset(kinds), modal, text


def _english(text: str) -> tuple[frozenset[str], str, str]:
    """The same for any other question, which is read as English."""
    for pattern, plain in _CONTRACTIONS:
        text = pattern.sub(plain, text)
    text = _ENGLISH_POLITE.sub(" ", text).strip(" ,.!:")
    kinds: set[str] = set()
    for kind, pattern in _ENGLISH_KINDS:
        found = pattern.search(text)
        if found is None or (kind == "whether" and kinds):
            continue
        kinds.add(kind)
        if kind != "whether":
            text = f"{text[: found.start()]} {text[found.end() :]}".strip()
    modal = "may" if _ENGLISH_MAY.search(text) else "must" if _ENGLISH_MUST.search(text) else ""
    return frozenset(kinds), modal, text


def _words(text: str, *, is_chinese: bool) -> tuple[str, ...]:
    """Chinese characters and the stems of words, in their order, without what says nothing."""
    found: list[str] = []
    for run, _, _, is_cjk in runs(text):
        if is_cjk:
            found.extend(run)
        elif is_chinese or run not in _ENGLISH_FILLERS:
            word = _EQUAL_ENGLISH.get(run, run)
            found.append(_EQUAL_ENGLISH.get(word, cut_word(word).exact[0]))
    return tuple(found)


def _as_named(kinds: frozenset[str], sequence: tuple[str, ...], rest: str) -> frozenset[str]:
    """How much is the limit, what is the limit, the limit: where the noun says what is asked, the question word does
    not matter. A text that does not ask names its subject, and so asks what about it there is to know."""
    is_named = (kinds == {"amount"} and _MEASURED.intersection(sequence)) or (
        kinds == {"where"} and _LOCATED.search(rest)
    )
    return frozenset({"what"}) if is_named or not kinds else kinds
