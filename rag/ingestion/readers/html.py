"""Web pages: what is to be read as Markdown, without navigation, scripts and footers."""

import re

from rag.ingestion.readers.encoding import decode
from rag.ingestion.readers.parsed import Parsed, one_line, require

_NOT_CONTENT = ["script", "style", "noscript", "template", "nav", "footer", "aside", "form", "iframe", "svg", "button"]
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset=["']?\s*([\w-]+)""", re.IGNORECASE)


def read_html(content: bytes) -> Parsed:
    """One page. Raises CannotRead."""
    require("docs", "bs4", "lxml", "markdownify")
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    soup = BeautifulSoup(_decoded(content), "lxml")
    title = one_line(soup.title.get_text()) if soup.title else ""
    canonical = soup.find("link", rel="canonical")
    link = str(canonical.get("href", "")) if canonical else ""
    for element in soup(_NOT_CONTENT):
        element.decompose()
    for element in soup.select("[hidden], [aria-hidden=true], [role=navigation]"):
        element.decompose()
    body = soup.find("main") or soup.find("article") or soup.body or soup
    heading = body.find("h1")
    text = MarkdownConverter(heading_style="ATX", bullets="-", strip=["img"]).convert_soup(body)
    return Parsed(
        re.sub(r"\n{3,}", "\n\n", text).strip(), title or (one_line(heading.get_text()) if heading else ""), link
    )


def _decoded(content: bytes) -> str:
    declared = _DECLARED.search(content[:4096])
    if declared and declared.group(1).lower() in (b"gb2312", b"gbk", b"gb18030", b"big5"):
        encoding = "big5hkscs" if declared.group(1).lower() == b"big5" else "gb18030"
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            pass  # the page says one thing and is another
    return decode(content, "page")
