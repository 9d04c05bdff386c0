"""What people type instead of a question: `/help`, `/new` …, a greeting, thanks; in Chinese and in English. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

CommandKind = Literal[
    "help",
    "new",
    "summary",
    "sources",
    "why",
    "feedback",
    "stop",
    "forget",
    "greeting",
    "thanks",
    "farewell",
    "noted",
]

WORDS: dict[str, CommandKind] = {
    "help": "help",
    "帮助": "help",
    "new": "new",
    "新对话": "new",
    "重新开始": "new",
    "summary": "summary",
    "总结": "summary",
    "小结": "summary",
    "sources": "sources",
    "资料": "sources",
    "来源": "sources",
    "why": "why",
    "为什么": "why",
    "依据": "why",
    "feedback": "feedback",
    "反馈": "feedback",
    "stop": "stop",
    "停止": "stop",
    "forget": "forget",
    "忘记我": "forget",
}

# Whole messages out of nothing else, without spaces and signs: whatever says more is a question.
_GREETINGS = """
    你好 您好 你们好 大家好 各位好 哈喽 哈啰 哈罗 嗨 嗨喽 早 早安 早上好 上午好 中午好 下午好 晚上好 晚安 在吗 在么
    在不在 在不 在嘛 有人吗 有人在吗 你是谁 您是谁 新年好 节日快乐 新年快乐 中秋快乐 hi hello hey hiya hallo hithere
    hellothere heythere goodmorning goodafternoon goodevening morning whoareyou areyouthere
"""
_THANKS = """
    谢谢 谢谢你 谢谢您 谢谢大家 谢谢帮忙 谢谢你的帮助 谢谢您的帮助 谢谢回答 谢谢解答 谢谢回复 多谢 谢了 谢啦 谢 感谢
    非常感谢 十分感谢 感谢感谢 太感谢 太感谢了 感谢帮助 感谢回复 感谢解答 感谢您的帮助 感谢你的帮助 感谢您的回复
    感谢你的回复 感谢您的解答 感恩 辛苦 辛苦了 您辛苦了 你辛苦了 麻烦了 麻烦你了 麻烦您了 有劳了 3q thanks thank
    thankyou thanku thankyouverymuch thankyousomuch thankssomuch thanksalot thanksabunch manythanks thx thxs tks tnx
    ty tysm cheers muchappreciated appreciateit appreciated iappreciateit thanksforyourhelp thankyouforyourhelp
    thanksforthehelp thanksforhelping thanksagain
"""
_FAREWELLS = """
    再见 拜拜 拜 回见 回头见 下次见 明天见 先这样 就这样 先走了 886 bye byebye goodbye goodnight seeyou seeya
    seeyoulater cya ttyl haveaniceday
"""
_ACKNOWLEDGED = """
    好 好的 好吧 好滴 好哒 好嘞 好呀 好啊 好哦 好了 好好 行 行吧 行的 可以 可以的 中 嗯 嗯嗯 恩 嗯哼 唔 哦 噢 喔 额
    呃 啊 是 是的 是滴 是啊 对 对的 对对 对啊 没错 不是 不对 不用 不用了 不需要 不需要了 不必 不必了 不要了 没有
    没了 没事 没事了 没关系 没问题 没有了 算了 不了 暂时没有 暂时不用 无所谓 随便 收到 已收到 明白 明白了 知道
    知道了 我知道了 了解 了解了 懂 懂了 我懂了 清楚 清楚了 原来如此 原来这样 原来是这样 这样啊 解决了 搞定 搞定了
    已解决 晓得了 get到了 哈 哈哈 呵呵 嘿嘿 嘻嘻 哇 哇哦 厉害 太厉害了 真厉害 牛 牛啊 牛逼 真棒 太棒了 很棒 棒 赞
    点赞 不错 很好 非常好 太好了 挺好 挺好的 完美 给力 可以啊 优秀 强 加油 真快 微笑 呲牙 鼓掌 玫瑰 爱心 比心 握手
    抱拳 送花 加一 加1 1 666 6 hhh 233 顶 ok oki yesplease okay okok okk kk k yes yep yeah yup ya no nope nah
    nothanks noproblem np sure surething gotit igotit gotcha isee iunderstand understood right alright allright fine
    cool nice great awesome excellent amazing perfect good verygood goodjob welldone greatjob lovely wow noted roger
    copythat done allgood allset itworks thatworks thatsall thatisall nothing nevermind nvm nothanksimgood imgood
    makessense soundsgood sogood lol ha haha hehe lmao yay oh ah hmm hm mhm uh um oops sorry 抱歉 不好意思 对不起
    打扰了
"""
_SUMMARY_RUN_ON = re.compile("(?:总结|小结)(?:一下)?")
"""Chinese is typed without a space behind the command."""
_PARTICLES = frozenset("啊呀啦哦噢喔哈呢嘛吧哟呗嘞咯哒滴的了")
GREETINGS = frozenset(_GREETINGS.split())
PLEASANTRIES = frozenset((*_GREETINGS.split(), *_THANKS.split(), *_FAREWELLS.split(), *_ACKNOWLEDGED.split()))
_LONGEST_WORD = max(map(len, PLEASANTRIES))
_HAS_THANKS = re.compile("谢|感恩|辛苦|麻烦|有劳|3q|than[kx]|thx|tks|tnx|^ty|cheers|appreciate")
_HAS_FAREWELL = re.compile("|".join(sorted(_FAREWELLS.split(), key=len, reverse=True)))
_ADDRESSED = re.compile("(?:老师|大佬|同学|小助手|助手|机器人|亲|哥|姐|guys|everyone|bot|man|mate)$")
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
    word, *rest = re.split(r"\s+", text[1:], maxsplit=1)
    kind = WORDS.get(word.lower())
    if kind is None and (run_on := _SUMMARY_RUN_ON.match(word)):
        return Command("summary", text[1 + run_on.end() :].strip())
    return Command(kind, *rest) if kind else None


def asked_of_thread(question: str) -> str | None:
    """What a question asks of the thread that it stands in: the words after `/summary`, "" for a summary of it all;
    None for any other question."""
    command = parse_command(question)
    return command.rest if command and command.kind == "summary" else None


def says_its_language(text: str, command: Command) -> bool:
    """Whether a command shows which language its author speaks: `/help` is typed in every chat, `/帮助` is Chinese."""
    text = text.strip()
    return bool(command.rest) or not text.startswith(("/", "／")) or not text[1:].isascii()


def _pleasantry(text: str) -> Command | None:
    """A message that says nothing but a greeting, thanks, a farewell, a yes or a no, in words or in emoji."""
    if not text or len(text) > LONGEST_PLEASANTRY:
        return None
    plain = unicodedata.normalize("NFKC", text)
    said = re.sub(r"[\W_]+", "", plain).casefold()
    if not said:
        return Command("noted") if any(unicodedata.category(sign) == "So" for sign in plain) else None
    said = _ADDRESSED.sub("", said) or said
    if _is_made_of(said, GREETINGS):
        return Command("greeting")
    if plain.rstrip().endswith("?") or not _is_made_of(said, PLEASANTRIES):
        return None
    if _HAS_THANKS.search(said):
        return Command("thanks")
    return Command("farewell" if _HAS_FAREWELL.search(said) else "noted")


def _is_made_of(said: str, words: frozenset[str]) -> bool:
    """Whether a text is a row of these words, each perhaps drawn out by particles."""
    reached = {0}
    for at in range(len(said)):
        if at in reached:
            reached.update(at + size for size in range(1, _LONGEST_WORD + 1) if said[at : at + size] in words)
            if at and said[at] in _PARTICLES:
                reached.add(at + 1)
    return len(said) in reached
