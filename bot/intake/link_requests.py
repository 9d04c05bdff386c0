"""Whether the words around a link ask anything: "read this" and "看看这个文档" do not."""

import re

_BARE_REQUEST = re.compile(
    r"(?:请|麻烦|帮我|帮忙|你|先|来)*(?:读|看|阅读|查看|浏览|记住|学习|了解)?(?:一?下|一?看|一?读)?"
    r"(?:这个|这篇|这份|这张|这些|这|以下)?"
    r"(?:文档|链接|表格|多维表格|资料|文件|页面|网页)?|"
    r"(?:please |pls |can you |could you )*(?:read|look at|see|open|check|remember|have a look at)?"
    r"(?: ?(?:this|these|the))?"
    r"(?: ?(?:doc|docs|document|documents|link|links|sheet|base|page|file))?(?: please)?",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[\s:：,，.。!！?？、…>》\-—~]+")


def is_bare_request(words: str) -> bool:
    """Whether a message says no more than that a link is to be read."""
    said = _SIGNS.sub(" ", words).strip()
    return _BARE_REQUEST.fullmatch(said) is not None
