"""Questions on buttons: below an answer from the headings of its sources, in a welcome from the whole library. Pure.

A question out of a heading is worded as a colleague would ask it. The wording stands in `bot.texts`; here is which of
them a heading asks for, by how it ends (申请 asks how, 时限 how long); English ones: `bot.intake.english_headings`.
What names no subject of its own (天数, 例外, Limits) takes it from the heading above or from the title, or is left out.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.models import Answer, Source, Turn, behind, joined
from bot.repositories.chat_facts import Suggestion
from bot.texts import ZH, Texts, language_of
from rag.index.outline import Title

LONGEST_CHARS = 40
SHORT_CHARS = 4
LONGEST_LACKING_CHARS = 8
"""A longer heading has its subject in it."""

_NUMBERING = re.compile(
    r"^\s*(?:(?:第\s*[一二三四五六七八九十百\d]+\s*[章节条款部篇]|[（(]?[一二三四五六七八九十百]+[）)、.．]|[（(]\d+[）)]"
    r"|\d+(?:\.\d+)*[、.．)）:：]?|[A-Za-z][、.)]|附[录件]\s*[A-Z一二三四五六七八九十\d]*[:：]?)(?=\D)\s*)+"
)
_BRACKETS = re.compile(r"\s*(?:（[^）]*）|\([^)]*\)|【[^】]*】|\[[^\]]*\])")
_ENDING = re.compile(r"[\s:：。.;；,，、\-—]+$")
_CJK = re.compile(r"[\u3400-\u9fff]")
_BETWEEN_SCRIPTS = re.compile(r"(?<=[\u3400-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[\u3400-\u9fff])")

_TITLE_ENDING = re.compile(
    r"(?:(?:的)?(?:管理|操作|使用|办理|实施|入门|快速)?(?:规定|标准|制度|规范|指南|流程|手册|办法|细则|须知|说明|总则|政策|指引|教程|条例|守则|文档)"
    r"|常见问题(?:解答)?|问答|管理|FAQ|faq)$"
)
_IS_POLICY = re.compile(
    r"规定|制度|规范|标准|管理|办法|政策|细则|守则|条例|流程|须知|会议室|访客|办公|用品|员工|人事|行政|考勤|休假|请假|差旅|出差|报销|福利|薪|入职|离职|采购|合同|安全|档案"
)
_ASKS = re.compile(r"怎么|怎样|如何|什么|哪些|哪里|哪个|多少|多久|几[天个次]|谁|是否|[吗呢]$|为何|有没有|能不能")
_VAGUE = re.compile(
    r"^(?:概述|概要|简介|介绍|总述|总则|附则|附录|附件|其他|其它|说明|背景|目的|前言|引言|参考|参考资料|相关文档|相关链接|更新记录|修订记录|变更记录|版本历史"
    r"|目录|示例|例子|举例|范围|适用范围|适用对象|术语|定义|名词解释|小结|总结|反馈|补充|备注|内容|正文|基本信息|一般规定|通用)$"
)
_LACKS_SUBJECT = re.compile(
    r"^(?:日常|使用|预订|预约|申请|审批|办理|归还|领用|提交|安装|连接|操作|处理|基本|具体|详细|一般|主要|相关|收发|发放|参与|开通|升级|付款|供应|开放|营业|服务|受理|有效)$"
)
_WORDS_ACTIONS = """
    申请 办理 开通 预订 预约 领取 领用 归还 安装 连接 激活 注册 登录 绑定 提交 上报 报告 申诉 复核 交接 停用 启用
    付款 升级 回滚 合并 打卡 补偿 调休 销假 报到 维修 打印 复印 扫描 使用 结转 灰度 部署 发布 复盘 备份 恢复 导出
    导入 更换 变更 解锁 重置 转正 续签 报销 退款 开票 评审 验收 上线 下线 收发 处理 处置 告警 求助 上传 下载 采购
    招聘 借用 验证 测试
"""
_ACTIONS = _WORDS_ACTIONS.split()
_ACTION = re.compile(f"^(?:{'|'.join(_ACTIONS)})(?:[与和、](?:{'|'.join(_ACTIONS)}))*$")
_ENDS_IN_ACTION = re.compile(f"^(.+?)((?:{'|'.join(_ACTIONS)})(?:[与和、](?:{'|'.join(_ACTIONS)}))*)$")
_BEGINS_WITH_ACTION = re.compile(
    r"^(?:申请|提出|归还|结清|办理|开通|预订|预约|领取|提交|安装|连接|激活|登录|重置|恢复|导出|导入|更换|联系|填写|查询|查看|创建|删除|修改|配置|绑定)"
    r"(?!.*(?:规则|要求|流程|标准|时限|期限|条件|说明|示例|步骤|方法|方式|材料|时间|记录|提前量)$)[^与和、]{2,}$"
)
_COUNTED = "材料|原因|事项|义务|福利|假期|节假日|工具|系统|电话|渠道|文件|错误码|职责|费用|术语|物品"
_SPEAKS_FOR_ITSELF = re.compile(r"^(?:打卡|打印|复印|扫描|复盘|报到|调休|销假|求助)")
_AMOUNT_STEM = re.compile(r"(?:住宿|餐|补|费|伙食|薪|津|补贴)$")
_CHECKED = re.compile(r"^.+(?:前|后|时|期间)(?:的)?(?:检查|准备|工作)$")
_TROUBLE = re.compile(r"^((?:忘记|丢失|遗失|损坏|弄丢|超出|连不上|打不开|收不到)[^与和、]*)")
_ENDINGS = (  # how a heading ends, what that asks, and whether the ending is a part of the question
    (re.compile(r"^(.*?)的?(例外情况|例外|特例)$"), ZH.ask_exceptions, False),
    (re.compile(r"^(.*?)的?(申请示例|申请)$"), ZH.ask_how_it.format(subject="{subject}", action="申请"), False),
    (re.compile(r"^(.*?)的?(天数)$"), ZH.ask_how_many_days, False),
    (re.compile(r"^(.*?)的?(时限|期限|有效期|周期|时长|提前量)$"), ZH.ask_how_long, True),
    (re.compile(r"^(.*?)的?(限额|额度|上限|金额|费率|补贴|补助|津贴|价格|单价|比例)$"), ZH.ask_how_much, True),
    (re.compile(r"^(.*?)的?(标准)$"), ZH.ask_what_is, True),
    (re.compile(r"^(.*?)的?(要求|条件|资格)$"), ZH.ask_demands, False),
    (re.compile(r"^(.*?)的?(规则|原则|规定|规范|纪律)$"), ZH.ask_rules, False),
    (re.compile(r"^(.*?)的?(窗口|日期)$"), ZH.ask_when, True),
    (re.compile(r"^(.*?)的?(时间)$"), ZH.ask_arranged, True),
    (re.compile(r"^(.*?)的?(安排|值班表|排班)$"), ZH.ask_arranged, False),
    (re.compile(r"^(.*?)(分级|分类|定级)$"), ZH.ask_graded, False),
    (re.compile(r"^(.*?)的?(清单)$"), ZH.ask_what_in, True),
    (re.compile(r"^(.*?)的?(流程|步骤|方法|方式|办法|机制|制度|组成|架构|结构|格式)$"), ZH.ask_works, True),
    (re.compile(r"^()(技术支持|求助|联系方式|联系人|联系我们|帮助与支持)$"), ZH.ask_who, False),
    (re.compile(r"^((?:常用|常见|其他|其它|法定|注意).+)()$"), ZH.ask_what_are, True),
    (re.compile(rf"^(.*?)的?({_COUNTED})$"), ZH.ask_what_are, True),
    (re.compile(r"^(.+的)(.{2,4})$"), ZH.ask_rules, True),
)
MOST = 3
SEPARATOR = " › "


def question_about(title: str, path: Sequence[str]) -> str:
    """The question that a section answers, given its document's title and its headings from the top; "" for none."""
    names = [name for name in map(plain, path) if name]
    title = plain(title)
    if names and names[-1] == title:
        names.pop()
    is_chinese = bool(_CJK.search(title) or any(map(_CJK.search, names)))
    ask = _chinese_question if is_chinese else _english_question()
    question = _spaced(ask(title, names), [*names, title, topic_of(title)])
    is_fit = bool(question) and len(question) <= LONGEST_CHARS
    return question if is_fit and not question.startswith(("？", "?")) else ""


def _english_question() -> Callable[[str, list[str]], str]:
    """Imported when it is needed: compiling its patterns is a twentieth of a start."""
    from bot.intake.english_headings import english_question

    return english_question


def plain(heading: str) -> str:
    """Without numbering, brackets and marks at the end."""
    text = _BRACKETS.sub("", unicodedata.normalize("NFC", " ".join(heading.split())))
    return _ENDING.sub("", _NUMBERING.sub("", text)).strip("#*_` ")


def topic_of(title: str) -> str:
    """What a Chinese title is about, without the words that say what kind of document it is."""
    found = _TITLE_ENDING.sub("", title).strip()
    return found if len(found) >= 2 else title


def _chinese_question(title: str, names: list[str]) -> str:
    topic = topic_of(title)
    if not names:
        return ZH.ask_rules.format(subject=topic) if _IS_POLICY.search(title) else ZH.ask_about.format(subject=topic)
    name, above = names[-1], [each for each in names[:-1] if not _VAGUE.match(each)]
    subject = above[-1] if above else topic
    if name.endswith(("?", "？")):
        return name
    if _VAGUE.match(name):
        return ""
    if _ASKS.search(name):
        return f"{_before(name, subject)}{name}？"
    if _BEGINS_WITH_ACTION.match(name):
        return ZH.ask_how.format(action=name)
    if _CHECKED.match(name):
        return ZH.ask_when_do.format(when=name)
    return _by_ending(name, subject) or _by_kind(name, subject, above, bool(_IS_POLICY.search(title)))


def _by_ending(name: str, subject: str) -> str:
    """By what the heading ends in; what it says before that is its own subject, if it is one."""
    for ending, template, keeps in _ENDINGS:
        if not (match := ending.match(name)):
            continue
        stem, tail = match.group(1), match.group(2) if keeps else ""
        if not stem:
            return template.format(subject=f"{subject}的{tail}" if tail else subject)
        if _LACKS_SUBJECT.match(stem) and (whose := _before(stem, subject)):
            stem = f"{whose}的{stem}" if tail else f"{whose}{stem}"
            return template.format(subject=f"{stem}{tail}")
        if keeps and tail == "标准" and _AMOUNT_STEM.search(stem):
            template = ZH.ask_how_much
        return template.format(subject=name if keeps else stem)
    return ""


def _by_kind(name: str, subject: str, above: list[str], is_policy: bool) -> str:
    if trouble := _TROUBLE.match(name):
        return ZH.ask_trouble.format(subject=trouble.group(1))
    if _ACTION.match(name):
        whose = "" if _SPEAKS_FOR_ITSELF.match(name) and not above else _before(name, subject)
        return ZH.ask_how_it.format(subject=whose, action=_and(name))
    if (match := _ENDS_IN_ACTION.match(name)) and not re.search(r"[与和、]", match.group(1)):
        return ZH.ask_how_it.format(subject=match.group(1), action=_and(match.group(2)))
    if above and above[-1].endswith(("标准", "要求", "限额")):
        template = ZH.ask_how_much if _AMOUNT_STEM.search(name) else ZH.ask_what_is
        return template.format(subject=f"{name}的{above[-1]}")
    if not _CJK.search(name):
        return ZH.ask_what_is.format(subject=name)
    return ZH.ask_rules.format(subject=name) if is_policy else ZH.ask_about.format(subject=_of(name, above))


def _of(name: str, above: list[str]) -> str:
    """A name that is short belongs to the heading above it."""
    whose = _before(name, above[-1]) if above and len(name) <= SHORT_CHARS else ""
    return f"{whose}的{name}" if whose else name


def _before(name: str, subject: str) -> str:
    """The subject as it stands before a name that lacks one (of two, the first); "" where the name has it."""
    first = re.split("[与和、]", subject)[0].strip()
    pairs = {subject[at : at + 2] for at in range(len(subject) - 1)}
    return "" if len(name) > LONGEST_LACKING_CHARS or any(pair in name for pair in pairs) else first


def _and(actions: str) -> str:
    return re.sub("[与、]", "和", actions)


def _spaced(text: str, names: Sequence[str]) -> str:
    """With a space where Chinese and what is not meet; names stay as they are written."""
    spaced = _BETWEEN_SCRIPTS.sub(" ", " ".join(text.split()))
    for name in sorted(filter(None, names), key=len, reverse=True):
        spaced = spaced.replace(_BETWEEN_SCRIPTS.sub(" ", name), name)
    return spaced


def below(turn: Turn, answer: Answer, texts: Texts, asked: Iterable[str] = ()) -> list[Suggestion]:
    """Up to three questions about what the sources speak of beside what was asked, now and before (`asked`). Below the
    closest passages, too: one of these questions may be what was meant."""
    if answer.outcome not in ("answered", "hedged"):
        return []
    known = _known(turn, asked)
    now = f"{turn.question} {turn.standalone}"
    is_unsure = answer.outcome == "hedged"  # then what is shown goes first, otherwise what is not
    parts = [_part(source) for source in sorted(answer.sources, key=lambda each: each.cited is not is_unsure)]
    found = _questions([part for part in parts if not part.is_named_in(now)], texts)
    kept = [each for each in found if _same_form(each[0]) not in known]
    return [_suggestion(turn, answer, f"{number}", *each) for number, each in enumerate(kept[:MOST])]


def proposed(
    turn: Turn, answer: Answer, questions: Sequence[str], collection: str, asked: Iterable[str] = ()
) -> list[Suggestion]:
    """The model's questions as suggestions, without those that were asked already. Their ids are of their own: the
    buttons that stood on the card before them may still be pressed."""
    known = _known(turn, asked)
    fresh = [each for each in dict.fromkeys(questions) if _same_form(each) not in known]
    return [_suggestion(turn, answer, f"m{number}", each, collection) for number, each in enumerate(fresh[:MOST])]


def examples(titles: Sequence[Title], texts: Texts) -> list[tuple[str, str]]:
    """Up to three questions, each with what is behind it (`bot.models.joined`), from different documents where there
    are that many; documents in the reader's language first."""
    ordered = sorted(titles, key=lambda title: not _is_in(title.title, texts))
    own = sum(_is_in(title.title, texts) for title in titles)
    step = max(1, (own if own >= MOST else len(ordered)) // MOST)
    spread = [*ordered[: own or None : step], *ordered]
    found: dict[str, tuple[str, str]] = {}
    for title in spread:
        first = next((question for path in title.headings or ("",) if (question := _of_path(title.title, path))), "")
        if first and title.title not in found and first not in (question for question, _ in found.values()):
            found[title.title] = (first, _behind(title))
    more = _questions([_Part(t.title, path, _behind(t)) for t in ordered for path in t.headings], texts)
    return list(dict.fromkeys((*found.values(), *more)))[:MOST]


def _behind(title: Title) -> str:
    return joined(behind(title.collection, title.source))


@dataclass(frozen=True, slots=True)
class _Part:
    """What a question may be about."""

    title: str
    path: str
    collection: str

    def is_named_in(self, text: str) -> bool:
        """Whether a text names the heading itself."""
        name = _same_form(plain(self.path.split(SEPARATOR)[-1]))
        return bool(name) and name in _same_form(text)


def _part(source: Source) -> _Part:
    return _Part(source.title, source.heading_path, joined(behind(source.collection, source.source)))


def _of_path(title: str, path: str) -> str:
    return question_about(title, [name for name in path.split(SEPARATOR) if name])


def _questions(parts: Iterable[_Part], texts: Texts) -> list[tuple[str, str]]:
    """Each question once, with the collection that it speaks of, one for a heading; those in the reader's language
    first."""
    found: dict[str, str] = {}
    for part in parts:
        if part.title and (question := _of_path(part.title, part.path)):
            found.setdefault(question, part.collection)
    return sorted(found.items(), key=lambda each: not _is_in(each[0], texts))


def _is_in(text: str, texts: Texts) -> bool:
    return (language_of(text) == "zh") == (texts is ZH)


def _known(turn: Turn, asked: Iterable[str]) -> set[str]:
    return {_same_form(each) for each in (turn.question, turn.standalone, *asked)} - {""}


def _same_form(text: str) -> str:
    """What two ways of writing one question have in common."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _suggestion(turn: Turn, answer: Answer, number: str, question: str, collection: str) -> Suggestion:
    where = (turn.app_id, turn.chat_id, turn.chat_type, turn.conversation, turn.id)
    return Suggestion(f"{answer.id}-{number}", *where, question, collection)
