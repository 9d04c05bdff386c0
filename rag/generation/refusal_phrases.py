"""Whether a model's text says that the documents do not answer: the phrasings that models really use.

By kinds, in Chinese (both scripts) and English: "I cannot answer from this", "the documents do not mention it",
"nothing relevant was found", "this is not what the documents are about". Conservative: a no that is an answer ("no, gym
fees are not paid [3]") is none of them, and neither is a cited answer that says of one part that it is missing.
"""

import re

from rag.text.tokenizer import simplified

LONGEST_REFUSAL = 600
"""Characters; what is longer has more to say than that it cannot say anything."""

_MARKUP = re.compile(r"[*_`~#>]+|^\s*(?:[-•]|\d+[.)、])\s+", re.MULTILINE)
_QUOTES = str.maketrans("’‘“”", "''\"\"")
_SENTENCE = re.compile(r"(?<=[。！？!?\n；;])|(?<=\.)(?=\s|$|\[)|(?<=\.\")(?=\s)")
_ONLY_MARKS = re.compile(r"(?:\s|[\W_]|\[\d+\])*")
_CITED = re.compile(r"\[\d{1,3}\]")
_TURN = re.compile(
    r"(?:^|[，,。；;\s])(?:但是?|不过|然而|只是|可是|而|(?:however|but|although|nevertheless|that said)\b)"
)
_LEADING_TURN = re.compile(r"^(?:但是?|不过|然而|只是|可是|however|but|that said)[\s，,]*")

_DOCUMENTS = (
    r"(?:资料|文档|知识库|数据库|上下文|段落|片段|原文|文章|检索结果|搜索结果|参考(?:资料|内容|信息|材料|文件))"
)
_GIVEN = r"(?:提供|给定|给出|所给|现有|目前|当前|已有|已知|上述|以上|这些|检索到|查到|手头|相关|可用|该|此|这份|这段)"
_SOURCE = rf"(?:{_DOCUMENTS}|{_GIVEN}的?[^。，,的]{{0,4}}?(?:信息|内容|文件|材料|手册|文本|来源|制度))"
_NOT = r"(?:没有|没|未|未曾|未能|并未|并没有|并没|并不|尚未|尚无|均未|都没有|都未|也没有|也未|不|无|中无|缺乏|缺少)"
_CANNOT = r"(?:无法|不能|没法|没办法|没有办法|难以|未能|无从|不足以|不能够|无力)"
_SAY = (
    r"(?:回答|解答|作答|答复|回复您|回应|给出.{0,12}?(?:答案|回答|答复|解答|结论)|提供.{0,16}?(?:答案|回答|解答|答复|信息)"
    r"|得出|得到.{0,8}?(?:答案|结论)|找到.{0,8}?答案)"
)
_TELL = r"(?:确定|确认|判断|判定|得知|获知|推断|推知|知道|了解|看出|查到|找到|获取|获得|说明|支持|告诉|提供|支撑)"
_SPEAK = (
    r"(?:明确|具体|直接|详细|专门|单独|任何|足够|充分|进一步|地|有|做|对此|对该问题|就此)*"
    r"(?:提到|提及|提供|包含|包括|涉及|涵盖|覆盖|说明|给出|指出|写明|写到|写|记载|记录|描述|介绍|讨论|谈到|谈及|讲到|讲|"
    r"规定|列出|列明|显示|出现|解释|阐述|交代|标明|注明|收录|收入|载明|看到|查到|检索到|找到|关于|与|相关|有关|对应|答案|足够|支持|回答|解答|此|这|该|信息|内容)"
)
_ASKED = r"(?:这个|该|此|您的?|你的?|上述|这一|本|以上|用户的?|所问的?|提出的)?"

_IN = (
    r"(?:passages?|documents?|context|knowledge base|sources?|materials?|text|excerpts?|files?|(?:search )?results?"
    r"|information|handbook|content|articles?|data)"
)
_FACTS = r"(?:information|mention|details?|answer|data|content|references?|passages?|documents?|evidence|results?)"
_MENTIONED = (
    r"(?:mentioned|answered|provided|specified|covered|included|contained|stated|addressed|found|discussed|available|given"
    r"|described|listed|documented)"
)
_MENTION = (
    r"(?:mention|contain|include|provide|specify|specified|address|answer|cover|say|state|give|discuss|have|offer"
    r"|describe|indicate|reference|list|explain|detail|disclose|related?|relevant|about)\w*"
)
_UNABLE = r"(?:cannot|can't|can not|could not|couldn't|unable to|not able to)"
_DONT = r"(?:do|does|did|is|are|was|were)(?: not|n't)"

_STRONG = (
    r"^no ?answer$",
    rf"{_CANNOT}(?!.{{0,6}}的(?:订单|员工|人|情况)).{{0,24}}?{_SAY}",
    rf"(?:问题|提问).{{0,12}}?{_CANNOT}.{{0,12}}?(?:回答|解答|作答|确定|得出)",
    r"(?:没有|缺乏|缺少|没)足够的?.{0,6}(?:信息|资料|内容|依据).{0,12}(?:回答|解答|作答|判断|确定)",
    r"(?:回答不了|答不了|答不上来|解答不了)",
    r"(?:信息|资料|内容|文档|证据|依据|上下文).{0,6}(?:不足|不够|有限|缺失).{0,16}(?:回答|解答|作答|判断|确定|$)",
    rf"\b(?:i|we)(?: am| are|'m|'re| was| were)?(?: sorry)?(?:,? but)?(?: i| we)?(?: am| are|'m|'re)? ?{_UNABLE}\b"
    r".{0,40}?\b(?:answer|determine|find|provide|tell|say|locate|confirm|respond|help|derive|conclude|give)\b",
    rf"^(?:sorry,? |unfortunately,? )?(?:{_UNABLE}|not possible to)"
    r" (?:answer|determine|find|provide|respond|say|locate|conclude|derive)\b",
    rf"\b(?:question|query|this|it|that|answer)\b.{{0,30}}?\b{_UNABLE}"
    r" be (?:answered|determined|found|derived|established|inferred|concluded)\b",
    r"\b(?:it is|it's) (?:not possible|impossible)\b.{0,20}\bto (?:answer|determine|say|tell)\b",
    rf"\b{_DONT}\b.{{0,12}}\b(?:enough|sufficient)\b.{{0,20}}\b(?:information|context|details?|data|evidence)\b",
    r"\b(?:insufficient|not enough) (?:information|context|details?|data|evidence)\b",
    r"^(?:sorry,? |unfortunately,? )?(?:but )?i (?:do not|don't)"
    r" (?:know|have (?:the|any|that|this|enough|sufficient)\b)",
    r"\bi (?:do not|don't) have (?:\w+ )?(?:information|details?|data|an answer)\b",
)
_WEAK = (
    rf"{_SOURCE}(?:中|里|内|里面|当中|之中)?[^。！？]{{0,40}}?{_NOT}{_SPEAK}",
    rf"{_NOT}(?:在|从|于).{{0,16}}?{_SOURCE}.{{0,10}}?(?:找到|查到|检索到|发现|看到|得到|获取|获得|提到|提及|见到)",
    rf"(?:根据|从|依据|基于|由|凭|按照|就|在|以).{{0,16}}?{_SOURCE}.{{0,24}}?{_CANNOT}.{{0,24}}?(?:{_SAY}|{_TELL})",
    rf"{_CANNOT}(?:在|从|根据|依据|基于|通过|由).{{0,16}}?{_SOURCE}.{{0,16}}?(?:{_SAY}|{_TELL})",
    rf"{_SOURCE}.{{0,8}}?找不到",
    r"^(?:抱歉|对不起|很抱歉)?[，,]?我?(?:未|没有|没)(?:能)?提供(?:足够|充分|任何)?的?(?:相关|有关)的?(?:信息|内容|资料)$",
    r"(?:未|没有|没|未能|无法|并未|尚未)(?:能)?(?:找到|查到|查询到|检索到|搜索到|搜到|发现|获取到|获取|匹配到)"
    r".{0,40}?(?:信息|内容|资料|文档|答案|记录|说明|规定|条款|记载|数据|依据|段落|结果)",
    r"^(?:抱歉|对不起)?[，,]?(?:目前|暂时|当前|这里)?(?:暂无|并无|尚无|查无|找不到|无|没有)(?:任何|找到)?"
    r"(?:与.{1,30}?)?(?:相关|有关|对应|匹配|此类|关于.{1,30}?)的?"
    r"(?:信息|内容|资料|文档|答案|说明|记录|数据|结果)[^，,的]{0,4}$",
    rf"{_SOURCE}.{{0,20}}?(?:与|和|跟).{{0,30}}?(?:无关|不相关|没有关系|没有关联|不匹配|不相符)",
    r"(?:问题|提问|询问).{0,20}?(?:超出|不在|不属于).{0,20}?(?:范围|之内|资料|文档|知识库)",
    r"^(?:抱歉|对不起|很抱歉|不好意思)?[，,]?我?(?:不知道|不清楚|不了解)"
    r"(?:答案|这个问题.{0,6}|该问题.{0,6}|您.{0,12})?$",
    rf"\b{_IN}\b.{{0,60}}?\b{_DONT}\b.{{0,20}}?\b{_MENTION}",
    rf"\b{_IN}\b.{{0,30}}?\b(?:lacks?|(?:makes?|contains?|provides?|ha(?:ve|s)|offers?|gives?|includes?) no"
    r"|says? nothing)\b",
    r"\b(?:there is|there's|there are|there was|i (?:have|found|find|see)|we (?:have|found)|i could find)\b.{0,6}"
    rf"\b(?:no|not any)\b.{{0,30}}\b{_FACTS}\b",
    rf"\b(?:none of|nothing in|neither of) (?:the|these|those|your)\b.{{0,30}}\b{_IN}\b",
    rf"\banswer (?:is not|isn't|cannot be found|is nowhere)\b.{{0,20}}\b{_IN}\b",
    r"\b(?:isn't|is not|aren't|are not|wasn't|not) any (?:information|mention|details?|data|reference)\b",
    rf"^no (?:relevant |related |specific |such |matching )*{_FACTS}\b.{{0,60}}$",
    rf"\b(?:is|are|was|were)(?: not|n't) (?:\w+ )?{_MENTIONED}\b.{{0,30}}\b(?:in|by|within|from)\b.{{0,20}}\b{_IN}\b",
    r"\b(?:could not|couldn't|cannot|can't|unable to|did not|didn't) find\b.{0,60}"
    rf"\b(?:{_FACTS}|anything|context)\b",
    rf"\b(?:outside|beyond) the scope\b.{{0,30}}\b{_IN}\b",
    r"\b(?:unrelated|not related|not relevant|irrelevant) to (?:the|your|this) (?:question|query)\b",
)
# A cited no may be the answer itself ("documents without a signature are rejected [1]"), so it has to be about what was
# given, and about its being mentioned.
_PLAINLY = re.compile(
    rf"^.{{0,12}}?{_SOURCE}(?:中|里|内|里面|当中|之中)?[，,]?(?:都|均|也|并|目前|对此)*{_NOT}{_SPEAK}(?!.{{0,20}}(?:的(?!.{{0,6}}"
    r"(?:信息|内容|资料|规定|说明|标准|要求|答案)).{1,20}(?:不|会|将|须|应)|时[，,会将须应]|也可以|即可))"
    rf"|(?:这个|该|此|您的?|你的?|上述|以上|本|这一)(?:问题|提问)|(?:根据|从|依据|基于).{{0,8}}?{_SOURCE}.{{0,8}}?{_CANNOT}"
    rf"|^(?:(?:sorry|unfortunately|i'm sorry),? )?(?:but )?(?:none of )?(?:the|these|your) (?:\w+ ){{0,3}}?{_IN}"
    r"(?: \w+)? (?:(?:do|does|did)(?: not|n't)|makes? no|contains? no|provides? no|have no|has no|mention)"
    r"|\b(?:this|the|your) (?:question|query)\b|\b(?:based on|from) (?:the|these)\b"
)
_CONDITION = re.compile(
    r"^(?:如果|若|如(?!上|下)|假如|当|一旦|凡|对于?(?:无法|未)|if\b|when\b|where\b|unless\b|in case)"
)
_COURTESY = re.compile(
    r"^(?:非常|十分|很|真的?)?(?:抱歉|对不起|不好意思|遗憾|您好|你好|谢谢|感谢)\W*$"
    r"|^(?:i'm |i am |we're )?(?:so |very )?(?:sorry|apologies|hello|hi|unfortunately)\W*$|^i apologi[sz]e\W*$"
)
_ADVICE = re.compile(
    r"^(?:因此|所以|故|如果|若|如(?:需|有|您)|建议|请|欢迎|您?可以|您?可|您也?可以|也可以|不妨|为了|若您|希望|需要您"
    r"|您能否|能否|您是否|是否需要|please\b|you (?:may|can|could|might|should)\b|i (?:suggest|recommend|would suggest)"
    r"|if you|if there|for (?:more|further)|consider\b|try\b|could you|would you|let me know|feel free"
    r"|therefore\b|so\b|thus\b)"
)
_ABOUT_SOURCES = re.compile(
    rf"(?:{_SOURCE}|它们|其中|这些).{{0,12}}?(?:只|仅|主要|都是|均|集中|讨论的|介绍的|涉及的|讲的|说的)"
    r"|\b(?:they|it|these|(?:passages?|documents?|context|sources?|materials?|text|excerpts?|information)\b.{0,20}?)\s*"
    r"(?:only|mainly|primarily|mostly|just|focus|discuss|cover|describe|deal|relate|are about|is about)"
)

_STRONGLY = re.compile("|".join(f"(?:{each})" for each in _STRONG))
_WEAKLY = re.compile("|".join(f"(?:{each})" for each in _WEAK))


def says_no(text: str) -> bool:
    """Whether a whole text, with its citations as `[n]`, is a refusal and nothing else."""
    if len(text) > LONGEST_REFUSAL:
        return False
    sentences = [each for each in _sentences(text) if not _COURTESY.search(each)]
    if not sentences:
        return False
    is_cited = bool(_CITED.search(text))
    if _refuses(sentences[0], _STRONGLY, is_cited):
        return not any(_turns(each, is_cited) for each in sentences)
    return any(refuses(each, is_cited) for each in sentences) and all(
        _adds_nothing(each, is_cited) for each in sentences
    )


def refuses(sentence: str, is_cited: bool = False) -> bool:
    """Whether one sentence (folded, see `folded`) says that the documents do not answer. `is_cited`: in a text with
    citations, where a no may be the answer."""
    return _refuses(sentence, _STRONGLY, is_cited) or _refuses(sentence, _WEAKLY, is_cited)


def folded(text: str) -> str:
    """A text as it is compared: simplified, in small letters, without markup."""
    plain = simplified(text).lower().translate(_QUOTES).replace("资讯", "信息").replace("档案", "文档")
    return _MARKUP.sub("", plain).strip()


def is_courtesy(sentence: str) -> bool:
    """Whether a folded sentence only greets or regrets."""
    return _COURTESY.search(sentence.strip()) is not None


def is_blank(text: str) -> bool:
    """Whether a text holds nothing but spaces, signs and citations."""
    return _ONLY_MARKS.fullmatch(text) is not None


def _sentences(text: str) -> list[str]:
    """The sentences of a text, folded; a citation behind a full stop belongs to the sentence before it."""
    found: list[str] = []
    for sentence in _SENTENCE.split(folded(text)):
        if found and is_blank(sentence):
            found[-1] += sentence.strip()
        elif not is_blank(sentence):
            found.append(sentence.strip())
    return [each.rstrip("。.!！?？;；: ：") if not _CITED.search(each) else each for each in found]


def _refuses(sentence: str, words: re.Pattern[str], is_cited: bool) -> bool:
    bare = _CITED.sub("", sentence).strip(" 。.!！?？;；:：")
    if words.search(bare) is None or _CONDITION.search(bare):
        return False
    return not is_cited or _PLAINLY.search(bare) is not None


def _adds_nothing(sentence: str, is_cited: bool) -> bool:
    """Whether a sentence of a refusal is part of it: the refusal itself, or what to do instead."""
    if _turns(sentence, is_cited):
        return False
    if refuses(sentence, is_cited):
        return True
    rest = _LEADING_TURN.sub("", sentence)
    return not _CITED.search(sentence) and bool(_ADVICE.search(rest) or _ABOUT_SOURCES.search(rest))


def _turns(sentence: str, is_cited: bool) -> bool:
    """Whether a sentence goes on to something else: "…, but Y is …". Without a citation that may still be advice, or
    what the documents are about instead."""
    for match in _TURN.finditer(sentence):
        rest = sentence[match.end() :].lstrip(" ，,：:")
        if is_cited and _CITED.search(rest):
            return True
        if rest and not (refuses(rest) or _ADVICE.search(rest) or _ABOUT_SOURCES.search(rest) or _is_own(rest)):
            return match.start() > 0 or not refuses(sentence)
    return False


def _is_own(rest: str) -> bool:
    """The rest of "I'm sorry, but the passages …" is judged with its sentence."""
    return _STRONGLY.search(rest) is not None or _WEAKLY.search(rest) is not None
