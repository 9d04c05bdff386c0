"""A page of the viewer: what stands around a document, its words in both languages, and links from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, urlencode, urlsplit

HOST = "sandbox.feishu.cn"
VIEWER = "/sandbox/documents"
RESOURCES = "/sandbox/resources"
LANGUAGE = "language"
PERSON = "person"
WORDS = {
    "zh": {
        "back": "← 返回聊天",
        "docx": "文档",
        "sheet": "电子表格",
        "bitable": "多维表格",
        "file": "文件",
        "missing": "没有这份文档",
        "missing_text": "沙盒里没有这个链接所指的文档：它可能已被删除，或者链接不完整。",
        "other": "沙盒只保存这类文档的标题，没有内容可显示。",
        "no_sheet": "链接所指的工作表不在这里或已隐藏，下面是另一张工作表。",
        "no_table": "链接所指的数据表不在这里，下面是第一张数据表。",
        "no_record": "链接所指的记录不在这张数据表里。",
        "view": "沙盒不保存视图，这里显示全部记录。链接所指的视图：",
        "empty": "这里还没有内容。",
        "synced": "同步块的来源",
        "gone": "内容已不在：",
        "unknown": "沙盒显示不了的内容块：",
        "download": "下载",
        "no_preview": "这种文件不能在这里预览。",
        "closed": "没有权限",
        "closed_text": "你不能打开这份文档。可以请它的所有者把它分享给你。",
    },
    "en": {
        "back": "← Back to the chat",
        "docx": "Document",
        "sheet": "Spreadsheet",
        "bitable": "Bitable",
        "file": "File",
        "missing": "No such document",
        "missing_text": "The sandbox holds no document at this link: it was deleted, or the link is not complete.",
        "other": "The sandbox keeps only the title of documents of this kind; there is no content to show.",
        "no_sheet": "The sheet that the link names is not there or is hidden; this is another one.",
        "no_table": "The table that the link names is not there; this is the first one.",
        "no_record": "The record that the link names is not in this table.",
        "view": "The sandbox keeps no views; all records are shown. The link names the view",
        "empty": "Nothing is written here yet.",
        "synced": "Source of the synced block",
        "gone": "No longer there:",
        "unknown": "A block that the sandbox cannot show:",
        "download": "Download",
        "no_preview": "This kind of file has no preview here.",
        "closed": "No permission",
        "closed_text": "You may not open this document. Ask its owner to share it with you.",
    },
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page: in which language, which parameters their link has (`sheet`, `table`, `view`, `record`), and as
    which person ("" where nobody is named)."""

    language: str
    asked: Mapping[str, str]
    person: str = ""

    def word(self, key: str) -> str:
        """A text of the page, safe in HTML."""
        return escape(WORDS[self.language][key])

    def href(self, kind: str, token: str, fragment: str = "", **parameters: str) -> str:
        """The address of a document in the viewer, safe in an attribute."""
        query = urlencode(parameters | {LANGUAGE: self.language} | self._named())
        at = f"#{quote(fragment, safe='')}" if fragment else ""
        return escape(f"{VIEWER}/{kind}/{quote(token, safe='')}?{query}{at}")

    def link(self, url: str, words: str) -> str:
        """A link of a document, `words` being HTML: to the viewer where it is one of the sandbox, and only its words
        where it is none of the web."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return words
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return words
        if parts.netloc == HOST:
            query = f"{parts.query}&" if parts.query else ""
            url = f"{VIEWER}{parts.path}?{query}{urlencode({LANGUAGE: self.language} | self._named())}"
            url += f"#{parts.fragment}" if parts.fragment else ""
        return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{words}</a>'

    def resource(self, token: str) -> str:
        """The address of the bytes of a file or picture, safe in an attribute."""
        query = f"?{urlencode(self._named())}" if self.person else ""
        return escape(f"{RESOURCES}/{quote(token, safe='')}{query}")

    def _named(self) -> dict[str, str]:
        return {PERSON: self.person} if self.person else {}

    def notice(self, key: str, what: str = "") -> str:
        """A line that says what is not as the link says."""
        return f'<p class="notice" role="note">{self.word(key)} {escape(what)}</p>'


def address_of(path: str, asked: Mapping[str, str]) -> str:
    """The platform's own address of a page of the viewer."""
    return f"https://{HOST}{quote(path)}{'?' + urlencode(asked) if asked else ''}"


def page(reader: Reader, *, title: str, kind: str, address: str, body: str) -> str:
    """The whole page; `body` is HTML, all else text."""
    lang = "zh-CN" if reader.language == "zh" else "en"
    badge = f'<span class="tag t-blue">{reader.word(kind)}</span>' if kind in WORDS["en"] else ""
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/style.css">
<link rel="stylesheet" href="/page/card.css">
<link rel="stylesheet" href="/page/viewer.css">
<script type="module" src="/page/viewer.js"></script>
</head>
<body class="viewer">
<header><a href="/" data-testid="back">{reader.word("back")}</a><span class="address">{escape(address)}</span></header>
<main data-testid="document">
<h1>{escape(title)} {badge}</h1>
{body}
</main>
</body>
</html>
"""
