"""Whether a question leans on what was said before it, and what may stand for it then. Pure.

A question leans by a pronoun (它, that), by a connective at its start (那, and), by an ellipsis (上海呢, for interns?),
or because it holds nothing that names a subject (怎么申请, how long?). A short question with a subject of its own
stands alone (年假几天, sick leave): the text before it would only mislead the search.
"""

import re
import unicodedata

from rag.events import Question
from rag.text import stopwords
from rag.text.tokenizer import characters, pieces, simplified, terms, width, word_terms

LONGEST_REWRITE_CHARS = 200
LONGEST_ELLIPSIS_CHARS = 14
LONGEST_FRAGMENT = 8
LONGEST_PHRASE = 28
"""In the width of `rag.text.tokenizer.width`: a Chinese character is 1, an ASCII one half."""
LONGEST_ABOUT_WORDS = 5
LONGEST_PREPOSITION_WORDS = 3

# Said before a question, or after it, without being a part of it.
_POLITE = re.compile(
    r"^(?:(?:请问|想问|问一?下|麻烦|你好|您好|嗯|哦|噢|好的|好吧|好|ok|okay|谢谢|thanks|hi|hello|please)(?:一下)?[\s,，。.!！~、:：]*)+(?=\S)"
)
_MARKS = re.compile(r"[\s?？!！。.…~,，;；]+$")

_SELF_NAMED_CHARS = 4
"""Of a subject before a pronoun, which is then what the pronoun stands for."""

# Pronouns. What they may also be is left out: a time (这个月, this year), a place where one is (这里), a name, IT.
_POINTING = re.compile(
    r"(?<!其)[它他她](?![乡山人])|这(?!里(?![说写问提讲面的])|[边儿周月年天次季几]|个?(?:周|星期|月|季度|年|学期))|那(?:个(?!时候)|些|种|样|次|份|张|类)"
    r"|前者|后者|两者|二者|对方|其中"
)
_POINTING_BACK = re.compile(
    r"上面(?=的?(?:说|提|讲|第|那|这|内容|步骤|规定|表|条))|上述(?=.{0,6}(?:吗|呢|什么|怎|哪|是))|^以上|刚才|刚刚说|前面(?=说|提|讲|那|的)|之前[说提讲]"
    r"|^第[一二三四五1-5][点条步个项种](?=是|呢|怎|什|指|具|$)|\b(?:mentioned|said|listed) (?:above|before|earlier)\b"
)
_QUOTED = re.compile(r"《[^》]*》|“[^”]*”|「[^」]*」|\"[^\"]*\"")
_POINTING_EN = re.compile(
    r"\b(?:its?|they|them|their|theirs|he|she|him|his|hers?|(?:which|another|each|the \w+) ones?|same for|above"
    r"|the (?:same|others?|latter|former|first|second|third|last)(?= (?:one|apply|applies)\b|$))\b"
    r"|\b(?:this|that|these|those)\b(?! (?:year|week|month|quarter|morning|afternoon|evening|summer|winter)\b)"
    r"(?! (?:time|days?|company|office|building)\b)"
)
_EXPLETIVE = re.compile(
    r"\bis it (?:\w+ )?(?:possible|ok|okay|allowed|necessary|fine|true|mandatory|required) (?:to|that|for|if)\b"
)
_IT_DEPARTMENT = re.compile(r"\bIT\b")

_CONNECTED = re.compile(
    r"^(?:那(?!不勒斯|达慕|曲市|坡县|霸|么多)|然后|接着|接下来|另外|此外|除此|除了[这那它]|还有[,，]|所以|但是?(?=[^\w\s]|我|如|没)|可是|不过|而且|并且|比如|例如|具体[一点来]|再[说讲]|继续[说讲吧]?$)"
)
_CONNECTED_EN = re.compile(r"^(?:and|but|so|or|then|also|otherwise|in (?:that|this) case|besides)\b")
_ABOUT_EN = re.compile(r"^(?:what|how) about\b(.*)", re.DOTALL)
_PREPOSITION_EN = re.compile(r"^(?:for|in|with|without|until|only|not|if|unless|even)\b")
_MORE_EN = re.compile(r"\b(?:more details?|tell me more|anything else|what else|for example|an example)\b")

_ASKS = re.compile(r"怎|什么|啥|多少|多久|哪|谁|几|吗|为何|如何|是否|多[大长高]")
_ASKS_EN = re.compile(
    r"(?:and |but |so |in \w+, |for \w+, )?"
    r"(?:how|what|when|where|who|whom|whose|why|which|can|could|do|does|did|is|are|was|were|will|would|should|may|must|has|have)\b"
)
_TOO = re.compile(r"也(?![许门])")
_COMPARES = re.compile(r"(?:区别|差别|不同|一样|相同|同样)(?:吗|么|嘛)?$")
_COMPARED = re.compile(r"[和与跟]|(?<!不)同(?!样)")
_NO_SUBJECT = re.compile(r"^(?:是(?!谁|什么|否|不是|哪)(?=.*还是)|包括|包含|只有.*才)")

_LABEL = re.compile(
    r"^(?:\*\*)?(?:(?:改写|重写|补全|完整|独立|新)后?的?(?:问题|提问|问句)|改写后?|问题"
    r"|(?:re-?written|rephrased|stand-?alone|new|condensed)(?: follow-up)?(?: question)?|question)(?:\*\*)?"
    r"\s*[:：]\s*(?:\*\*)?\s*",
    re.IGNORECASE,
)
_QUOTES = ("“”", "「」", "『』", '""', "''", "``", "‘’")
_MARKUP = re.compile(r"\*\*|__|`|^[#>|]|^(?:[-*+•]|\d+[.)、])\s|\]\(|\[\d+\]|</?[a-z]+>")
_REFUSES = re.compile(
    r"无法回答|无法改写|无法确定|抱歉|对不起|没有提供|未提供|根据(?:现有|以上|上述)?资料|作为(?:一个)?AI"
    r"|\bsorry\b|\b(?:cannot|can't|unable to) (?:answer|rewrite|determine)\b|\bas an ai\b"
    r"|\bbased on the (?:passages|documents)\b",
    re.IGNORECASE,
)
_STATES = re.compile(r"(?:是的|不是|可以|不可以|不能|您|你|答)|(?:you|yes|no|it|they|we|there|employees|answer)\b")
_NAME = re.compile(r"[A-Za-z0-9]+(?:[._\-/:@+&'’][A-Za-z0-9]+)*[+#]*")

# Words of a question that name no subject: with nothing beside them, the subject was named before.
_GENERIC = """
    申请 审批 批准 批 办理 代办 办 负责 负责人 提前 提交 生效 例外 特例 区别 差别 要求 条件 材料 资料 流程 步骤 手续
    时间 日期 期限 时限 截止 地方 地点 入口 链接 网址 本人 亲自 代理 延期 延长 逾期 超期 超过 超了 超出 过期 过了
    错过 晚了 纸质 电子版 电子 原件 复印件 扫描件 意思 例子 举例 举 详细 详情 具体 细节 解释 说明 介绍 讲讲 讲 说说
    看懂 看不懂 不懂 懂 明白 清楚 理解 确定 真的 一遍 一次 一点 一些 一定 最晚 最早 最多 最少 最迟 至少 最后 首先
    其次 接下来 接着 然后 之后 以后 后面 继续 再 别的 其他 其它 其余 另外 还有 比如 例如 比方 失败 忘了 忘记 丢了
    没有 没了 没 不行 不了 行 行不行 成功 通过 拒绝 退回 取消 修改 更改 撤回 重新 补 拿 取 填 交 发 传 上传 下载 看
    查 查询 联系 咨询 问谁 谁 钱 费用 免费 收费 贵 大概 大约 左右 每次 每天 每月 每年 次 天 月 年 周 小时 分钟 日 点
    号 份 张 元 块 晚 如果 要是 万一 假如 假设 为啥 啥 干嘛 干什么 方式 办法 方法 怎 咋 咋办 必要 情况 原因 理由
    问题 吧 呗 嘛 哦 麻烦 全部 所有 两 多 少 长 久 快 慢 最 更 很 太 等 即可 行吗 算 包括 支持 那么 那 这 这样 那样
    不同 一样 相同 自己 本身 直接 线上 线下 在线 现场 签字 盖章 打印 一
"""
_GENERIC_CHINESE = re.compile("|".join(sorted(_GENERIC.split(), key=len, reverse=True)))
_WORDS_GENERIC_ENGLISH = """
    apply applied approve approves approved approval sign online exception exceptions deadline example examples more
    detail details else anything something explain again mean means meaning way other another then contact
    responsible first next last step steps document documents form link happens happen fails fail miss missed late
    lost forget forgot extend extended mandatory required optional necessary possible allowed give show say said
    tell find found choose until till day days week weeks hour hours minutes times really sure exactly cost costs
    money paid price free yes ok only both either if unless elaborate continue go on there now also too even still
"""
_GENERIC_ENGLISH = frozenset(_WORDS_GENERIC_ENGLISH.split())


def leans(text: str) -> bool:
    """Whether a question needs what was said before it to be understood. A guess by its form, for both languages."""
    plain = _plain(text)
    if not pieces(plain):
        return False
    return (
        _points(text)
        or bool(_CONNECTED.match(plain) or _CONNECTED_EN.match(plain) or _MORE_EN.search(plain))
        or _is_elliptic(plain)
        or not own_words(text)
    )


def own_words(text: str) -> str:
    """The words of a question that name something, without those that only ask, connect or point; "" for none."""
    plain = _plain(text)
    connected = _CONNECTED.match(plain)
    plain = plain[connected.end() :] if connected else plain
    named = []
    for cjk, word in pieces(_POINTING.sub(" ", plain)):
        if cjk:
            left = _GENERIC_CHINESE.sub(" ", stopwords.CHINESE.sub(" ", _GENERIC_CHINESE.sub(" ", cjk)))
            named += left.split()
        elif word not in stopwords.ENGLISH and word not in _GENERIC_ENGLISH and not _POINTING_EN.fullmatch(word):
            named.append(word)
    return " ".join(named)


def is_only_connected(text: str) -> bool:
    """Whether a question leans by nothing but the word that it begins with (那食堂几点开门, and where is the gym)."""
    plain = _plain(text)
    connected = _CONNECTED.match(plain) or _CONNECTED_EN.match(plain)
    rest = plain[connected.end() :].lstrip(" ,，、") if connected else ""
    return bool(rest) and bool(_ASKS.search(rest) or _ASKS_EN.match(rest)) and not leans(rest)


def is_fragment(text: str) -> bool:
    """Whether a text is so short and asks so little (上海的, interns) that a reply goes on with what was asked."""
    plain = _plain(text)
    return 0 < width(plain) <= LONGEST_FRAGMENT and not (_ASKS.search(plain) or _ASKS_EN.match(plain))


def in_full(question: Question) -> str:
    """What a question asks, together with the question before it where it leans on that; never with an answer."""
    if not question.history or not leans(question.text):
        return question.text
    return f"{question.history[-1].question} {question.text}"


def standing_alone(written: str, asked: str) -> str:
    """What a model made of a follow-up, ready to take its place; "" where it is not one question that says the same.

    It must be one line without Markdown and citations, at most `LONGEST_REWRITE_CHARS` long, neither an answer nor a
    refusal, and hold the names, numbers and quoted words of the follow-up.
    """
    lines = [line.strip() for line in written.splitlines() if line.strip()]
    text = _bare(lines[0]) if len(lines) == 1 else ""
    if not text or len(text) > LONGEST_REWRITE_CHARS:
        return ""
    if _MARKUP.search(text) and not _MARKUP.search(asked):
        return ""
    if not _sounds_asked(text) or (_REFUSES.search(text) and not _REFUSES.search(asked)):
        return ""
    return text if _keeps_names(text, asked) else ""


def _bare(line: str) -> str:
    """Without a label before it and quotes around it."""
    line = _LABEL.sub("", line).strip()
    for pair in _QUOTES:
        opening, closing = pair[0], pair[1]
        if len(line) > 2 and line.startswith(opening) and line.endswith(closing) and opening not in line[1:-1]:
            line = line[1:-1].strip()
    return _LABEL.sub("", line)


def _sounds_asked(text: str) -> bool:
    """A question by its mark or words, or something as short as a heading; a sentence that ends states something."""
    if text.endswith(("?", "？")):
        return True
    plain = _plain(text)
    if _ASKS.search(plain) or _ASKS_EN.match(plain):
        return True
    states = text.endswith((".", "。", "!", "！", ";", "；", "…")) or _STATES.match(plain)
    return not states and width(text) <= LONGEST_PHRASE


def _keeps_names(text: str, asked: str) -> bool:
    kept, wanted = set(terms(text)), simplified(unicodedata.normalize("NFKC", asked))
    quoted = [match.strip('《》“”「」"') for match in _QUOTED.findall(asked)]
    if not all(quote in text for quote in quoted):
        return False
    is_chinese = bool(characters(wanted))
    for name in _NAME.findall(wanted):
        is_plain = name.isalpha() and (name.islower() or wanted.startswith(name) or name == "I") and not is_chinese
        found = word_terms(name.casefold())
        whole = found[:2] if len(found) > 1 else found  # E-4012 is not E-4013, though both have an E
        if not is_plain and name.casefold() not in stopwords.ENGLISH and kept.isdisjoint(whole):
            return False
    own = own_words(asked)
    return not own or not (kept | characters(text)).isdisjoint({*terms(own), *characters(own)})


def _plain(text: str) -> str:
    """Without what is said around it, in one case and width, in simplified characters."""
    plain = simplified(unicodedata.normalize("NFKC", text)).casefold().strip()
    return _MARKS.sub("", _POLITE.sub("", plain))


def _points(text: str) -> bool:
    """Whether a pronoun stands for something that the question itself does not name before it."""
    plain = _EXPLETIVE.sub(" ", _plain(_QUOTED.sub("…", _IT_DEPARTMENT.sub("computing", text))))
    if _POINTING_BACK.search(plain):
        return True
    found = min(
        (match.start() for match in (_POINTING.search(plain), _POINTING_EN.search(plain)) if match), default=None
    )
    return found is not None and len(own_words(plain[:found])) < _SELF_NAMED_CHARS


def _is_elliptic(plain: str) -> bool:
    """上海呢, 周末也算吗, 有区别吗, for interns: a sentence that lacks what another one has."""
    is_short = len(plain) <= LONGEST_ELLIPSIS_CHARS
    if is_short and plain.endswith("呢") and not _ASKS.search(plain):
        return True
    if is_short and (_TOO.search(plain) or (_COMPARES.search(plain) and not _COMPARED.search(plain))):
        return True
    if _NO_SUBJECT.match(plain):
        return True
    if about := _ABOUT_EN.match(plain):
        return len(about.group(1).split()) <= LONGEST_ABOUT_WORDS
    return bool(_PREPOSITION_EN.match(plain)) and len(plain.split()) <= LONGEST_PREPOSITION_WORDS
