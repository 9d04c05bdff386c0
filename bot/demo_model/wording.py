"""The scripted model's own words, in Chinese and in English, and the words by which it reads a question."""

import re
from dataclasses import dataclass

from rag.terms import CJK

_CHINESE = re.compile(f"[{CJK}]")


@dataclass(frozen=True, slots=True)
class Wording:
    """What it says beside the passages' own sentences."""

    other_language: str
    """Before a quotation in another language than the question's."""
    perhaps: str
    """Where it is too unsure to claim anything."""
    alone: str
    """To a prompt without passages."""
    joined: str
    """A follow-up together with the question before it."""


ZH = Wording(
    other_language="这部分资料是英文的，原文如下：",
    perhaps="这一点可能写在《{title}》里，建议先看看“{heading}”这一节，再以原文为准。",
    alone="我是演示用的脚本模型，只会根据给出的资料回答。接入真正的大模型后，这里就由它来写。",
    joined="{earlier}，{question}",
)
EN = Wording(
    other_language="The document is in Chinese; in its words:",
    perhaps="This may be covered in “{title}”: please have a look at “{heading}” and go by what it says.",
    alone="I am the demo's scripted model and only answer from passages. With a real model configured, it writes here.",
    joined="{earlier}: {question}",
)

DETAIL = re.compile(
    r"(?:请|麻烦)?(?:给我)?(?:详细|完整|全面|全部|所有)(?:地|的)?(?:说明|介绍|讲讲|说说|列出|解释|讲|说)?(?:一下)?"
    r"|\b(?:please\s+)?(?:tell me |explain |describe |list )?"
    r"(?:in (?:full )?detail|all (?:the )?details(?: of| on| about)?)\b",
    re.IGNORECASE,
)
"""Asks for a long answer; says nothing about what."""

_LEANS = re.compile(
    r"^\s*(?:那|还有|另外|如果|要是|万一|超过|超出|为什么|怎么办)|[它他她]|这个|那个|这些|那些|上面|刚才|前面|呢\s*[?？]?\s*$"
    r"|^\s*(?:and|but|what about|how about|why|then|so|or)\b|\b(?:it|its|that|this|those|these|they|them)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^\s*(?:那么|那|还有|另外|and|but|so|then)\s*[,，]?\s*", re.IGNORECASE)
_LEAST_CHARS = 4

_NUMBERING = re.compile(r"^\s*(?:第?[一二三四五六七八九十百\d]+[、.．)）章节条]\s*)+(?:[.\d]+\s+)?")
_ASIDE = re.compile(r"\s*[（(][^（）()]*[)）]$")
_SHORT_CHARS = 2
_Endings = tuple[tuple[str, str], ...]
_ENDINGS_ZH: _Endings = (
    (r"[?？]", "{name}"),
    (r"怎么办|怎么做|什么|哪些|多久|多少|如何.*|怎么.*", "{name}？"),
    (r"示例|模板|样例", "有{name}吗？"),
    (r"时限|期限|周期|有效期|时长", "{name}是多久？"),
    (r"标准|额度|上限|金额|比例|价格|天数|数量|限额", "{name}是多少？"),
    (r"时间", "{name}是怎么规定的？"),
    (r"流程|步骤", "{name}怎么走？"),
    (r"原因|要求|费用|条件|范围|情形|材料|例外|方式|规则|类型", "{name}有哪些？"),
    (r"费", "{name}的标准是多少？"),
    (r"求助|支持|服务台", "{name}找谁？"),
    (r"问题|故障|排查|异常|失败", "{name}怎么解决？"),
    (r"假", "{name}怎么请？"),
    (r"申请|审批|办理|开通|预订|借用|领用|更换|归还|变更|注销|付款|借款", "{name}怎么办理？"),
    (r"安装|连接|配置|绑定|设置|重置|登录|使用|调用|部署|回滚", "{name}怎么操作？"),
    (r"", "{name}有什么规定？"),
)
_ENDINGS_EN: _Endings = (
    (r"\?", "{name}"),
    (r"limits?|rates?|quotas?|allowances?|fees?|prices?", "What are the {name}?"),
    (r"", "What do I need to know about {name}?"),
)


def is_chinese(text: str) -> bool:
    """Whether a text holds a CJK character."""
    return _CHINESE.search(text) is not None


def wording(question: str) -> Wording:
    """In the question's language."""
    return ZH if is_chinese(question) else EN


def alone(question: str, earlier: str) -> str:
    """The question, joined with the earlier one where it leans on that."""
    is_leaning = len(question.strip()) <= _LEAST_CHARS or _LEANS.search(question)
    if not earlier or not is_leaning:
        return question
    joined = wording(question).joined
    said = joined.format(earlier=earlier.strip().rstrip("?？。.!！"), question=_LEAD.sub("", question).strip())
    return " ".join(said.split())


def named(path: str) -> str:
    """What a heading path is about, without numbers: its last part, with the one above it where that says little."""
    parts = [" ".join(_ASIDE.sub("", _NUMBERING.sub("", part)).split()) for part in path.split(" > ")]
    short = len(parts) > 2 and len(parts[-1]) <= _SHORT_CHARS and is_chinese(parts[-1])
    return "".join(parts[-2:]) if short else parts[-1]


def question_on(name: str, asked: str) -> str:
    """What a colleague may ask about a heading, in the language of the question that was asked."""
    endings = _ENDINGS_ZH if is_chinese(asked) else _ENDINGS_EN
    form = next(form for ending, form in endings if re.search(rf"(?:{ending})$", name, re.IGNORECASE))
    return form.format(name=name)
