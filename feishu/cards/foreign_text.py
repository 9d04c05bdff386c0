"""Text that is not ours: nobody is mentioned in it, and its links say where they lead. Pure.

`<at id=all></at>` in a card, `<at user_id="all"></at>` in a text: whether the platform reads them inside of code, and
before or after it decodes entities, is not documented (open.feishu.cn/document feishu-cards rich text component), so
that neither spelling may leave here with a sign that opens a tag.
"""

import re
import unicodedata
from html import unescape
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from feishu.visible_text import visible_text

OPENER = "＜"
"""Stands for the sign that opened the tag: it looks like it, and is none for any reader."""

_SIGN = r"(?:<|&(?:amp;?|#0*38;?|#x0*26;?)*(?:lt;?|#0*60;?|#x0*3c;?))"
_MENTION = re.compile(rf"{_SIGN}(?=[ \t]*/?[ \t]*(?:at|person)(?![a-z0-9]))", re.IGNORECASE)
_MAYBE = re.compile(r"(?:<|&[a-z0-9#;]{0,40})[ \t]*/?[ \t]*(?:a|at|p|pe|per|pers|perso|person)?\Z", re.IGNORECASE)
_LONGEST_START = 80
_URL_SAFE = "-._~:/?#@!$&'*+,;=%"
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?", re.IGNORECASE)
_ADDRESS = re.compile(
    r"https?://(?:[^\s/?#@]*@)?(?P<host>[\w.-]+)"
    r"|(?P<name>(?:[\w-]+\.)+(?P<top>[a-z]{2,}|xn--[\w-]+|中国|公司|网络|中文网|集团|商城|网址|在线))(?![a-z0-9-])"
    r"|(?<![\d.])(?P<number>\d{1,3}(?:\.\d{1,3}){3})(?![\d.])"
)
_FILES = re.compile(
    r"(?:docx?|xlsx?|pptx?|pdf|wps|et|dps|txt|[ct]sv|log|html?|json|xml|ya?ml|toml|ini|png|jpe?g|gif|svg|js|css|gz)"
)
"""Endings of file names that are no top-level domains."""
_NOT_TEXT = str.maketrans({"。": ".", "｡": ".", **dict.fromkeys("*_~`\\<>", None)})
_MARKDOWN_LINK = re.compile(r"\[(?P<text>[^\[\]\n]{1,500})\]\((?P<url>https?://[^\s()]{1,2000})\)", re.IGNORECASE)
_USER_INFO = re.compile(r"(https?://)[^\s/?#\\]*@", re.IGNORECASE)


def without_mentions(text: str) -> str:
    """One line of text in which nobody is mentioned, and else nothing changed."""
    return _MENTION.sub(OPENER, text) if "<" in text or "&" in text else text


def decided_length(line: str) -> int:
    """How much of a line that may go on is decided: what follows may be the start of a mention."""
    start = max(0, len(line) - _LONGEST_START)
    found = _MAYBE.search(line, start)
    return found.start() if found else len(line)


def web_url(target: str) -> str:
    """The target as a plain URL, without a user name in it and with its host in ASCII; "" unless it is http or https
    with a host that every reader reads alike."""
    try:
        parts = urlsplit(target)
        host = _ascii_host(parts.hostname or "")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not host:
        return ""
    if "@" in parts.netloc or not parts.netloc.isascii():
        target = urlunsplit(SplitResult(parts.scheme, host + port, parts.path, parts.query, parts.fragment))
    return quote(target, safe=_URL_SAFE)


def other_host(text: str, url: str) -> str:
    """The host of the URL where the link's text looks like the address of another one, else ""."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    plain = unicodedata.normalize("NFKC", visible_text(unescape(text))).translate(_NOT_TEXT).casefold()
    for found in _ADDRESS.finditer(plain):
        if found["top"] and _FILES.fullmatch(found["top"]) and "/" not in plain:
            continue
        if not _is_of(found["host"] or found["name"] or found["number"], host):
            return host
    return ""


def with_host(text: str, host: str) -> str:
    """A link's text that says where it leads; as it is without a host."""
    return f"{text} ({host})" if host else text


def honest_text(text: str) -> str:
    """Plain text whose links say where they lead: a text message knows `[text](url)` and finds bare addresses."""

    def shown(found: re.Match[str]) -> str:
        url = web_url(found["url"])
        return f"[{with_host(found['text'], other_host(found['text'], url))}]({url})" if url else found["text"]

    return _USER_INFO.sub(r"\1", _MARKDOWN_LINK.sub(shown, text)) if "://" in text else text


def _ascii_host(host: str) -> str:
    """In the form that is looked up; "" for what is none, and for addresses of IPv6, which nobody links to."""
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return ""
    return host if _HOST.fullmatch(host) else ""


def _is_of(name: str, host: str) -> bool:
    """Whether a name in a text is that of the host or of a domain above it. Chinese before it belongs to the text."""
    host = host.removeprefix("www.")
    plain = (_ascii_host(name) or name).rstrip(".").removeprefix("www.")
    if host == plain or host.endswith(f".{plain}"):
        return True
    before = name.removesuffix(host)
    return before != name and bool(before) and not before.isascii() and unicodedata.category(before[-1]) == "Lo"
