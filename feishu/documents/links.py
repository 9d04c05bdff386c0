"""Links to what is kept on Feishu: what they point to, and those among the words of a message."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, urlsplit

Kind = Literal["space", "wiki", "docx", "folder", "doc", "sheet", "bitable", "file", "mindnote", "slides", "minutes"]
_PATHS: tuple[tuple[Kind, str], ...] = (
    ("space", r"/wiki/(?:space|settings)/(\w+)"),
    ("wiki", r"/wiki/(\w+)"),
    ("docx", r"/docx/(\w+)"),
    ("folder", r"/drive/(?:me/)?(?:shared/)?folder/(\w+)"),
    ("doc", r"/docs/(\w+)"),
    ("sheet", r"/sheets/(\w+)"),
    ("bitable", r"/base/(\w+)"),
    ("file", r"/file/(\w+)"),
    ("mindnote", r"/mindnotes/(\w+)"),
    ("slides", r"/slides/(\w+)"),
    ("minutes", r"/minutes/(\w+)"),
)
_LOCAL = ("127.0.0.1", "localhost")
_HOSTS = (".feishu.cn", ".larksuite.com", ".larkoffice.com")
_LINK = re.compile(
    r"\[(?P<text>[^\]\n]{0,300})\]\((?P<named>https?://[^\s()<>]{1,2000})\)|(?P<bare>https?://[\w!-\[\]-~]{1,2000})",
    re.ASCII,
)
_ENDS = ".,;:!?)]}>'\"*_"


@dataclass(frozen=True, slots=True)
class Target:
    """What a link points to. `origin` is `https://host` of the link, for links to what is found below it; `part` is the
    sheet or table that it opens."""

    kind: Kind
    token: str
    origin: str
    link: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A link in a text: `text[start:end]`, its own words included where it has some."""

    start: int
    end: int
    target: Target


def target_of(link: str) -> Target | None:
    """What a link points to; a bare number is a wiki space's id. None for what is no link to a document."""
    link = link.strip()
    if link.isdecimal():
        return Target("space", link, "", link)
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme != "https" and host not in _LOCAL:
        return None
    asked = parse_qs(parts.query, max_num_fields=20) if parts.query.count("&") < 20 else {}
    for kind, pattern in _PATHS:
        if match := re.match(pattern + r"/?$", parts.path):
            part = next(iter(asked.get("sheet") or asked.get("table") or ()), "")
            return Target(kind, match.group(1), f"{parts.scheme}://{parts.netloc}", link, part)
    return None


def links_in(text: str, hosts: Collection[str] = ()) -> list[Found]:
    """The links to documents in a message, in their order. Only to Feishu's and Lark's own hosts, and to `hosts`: what
    else has such a path is somebody else's page."""
    found = []
    for match in _LINK.finditer(text):
        written = match["named"] or match["bare"].rstrip(_ENDS)
        end = match.end() if match["named"] else match.start() + len(written)
        target = target_of(written)
        host = urlsplit(written).hostname or "" if target else ""
        if target and (f".{host}".endswith(_HOSTS) or host in hosts):
            found.append(Found(match.start(), end, target))
    return found
