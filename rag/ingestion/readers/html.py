"""Web pages: what is to be read as Markdown, without navigation, scripts, footers and what is hidden."""

import codecs
import re
from typing import Any

from rag.ingestion.readers.encoding import Decoded, decoded
from rag.ingestion.readers.headings import places_by_order
from rag.ingestion.readers.html_tables import HtmlTables
from rag.ingestion.readers.inline_pictures import data_note, without_data
from rag.ingestion.readers.parsed import CannotRead, Parsed, one_line, require

_NEVER_CONTENT = ["script", "style", "template", "iframe", "svg", "datalist"]
_NOT_CONTENT = ["noscript", "nav", "footer", "aside", "button", "[role=navigation]"]
_HIDDEN = re.compile(r"(?:display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden)", re.IGNORECASE)
_DECLARED = re.compile(
    rb"""<meta[^>]{0,300}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w-]{1,40})|<\?xml[^>]{0,200}?encoding=["']([\w-]{1,40})""",
    re.IGNORECASE,
)
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "ascii": "",
    "utf-8": "",
}
"""What pages mean by what they declare; UTF-8 needs no declaration."""
_PRIVATE = re.compile("[\ue0d7\ue0d8]")
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_LEAST_MAIN = 0.5
"""Of the page's characters, for an article to stand for all of it."""
_TYPED = frozenset(
    {"text", "search", "email", "number", "tel", "url", "date", "time", "month", "week", "datetime-local"}
)


def read_html(content: bytes) -> Parsed:
    """One page. Raises CannotRead."""
    require("docs", "bs4", "lxml", "markdownify")
    read = _decoded(content)
    markup = _PRIVATE.sub("", read.text)
    page = _Page(markup, _NOT_CONTENT)
    if not page.text.strip():
        page = _Page(markup, [])
        page.notes.append("holds nothing beside navigation, footers or asides; these were read")
    if not page.text.strip() and page.hidden:
        raise CannotRead(f"shows no text: its {page.hidden} parts with text are hidden")
    cleaned = without_data(page.text)
    notes = (*read.notes, *page.notes, *cleaned.notes)
    text = re.sub(r"\n{3,}", "\n\n", cleaned.text).strip()
    return Parsed(text, page.title, page.link, places_by_order(text, page.headings), notes)


class _Page:
    """One page, cleaned of the elements that `left_out` selects and converted."""

    def __init__(self, markup: str, left_out: list[str]) -> None:
        from bs4 import BeautifulSoup
        from markdownify import MarkdownConverter

        soup = BeautifulSoup(markup, "lxml")
        self.notes: list[str] = []
        canonical = soup.find("link", rel="canonical")
        self.link = str(canonical.get("href", "")) if canonical else ""
        title = one_line(soup.title.get_text()) if soup.title else ""
        for element in soup([*_NEVER_CONTENT, "head"]):
            element.decompose()
        self.hidden = _without_hidden(soup)
        if self.hidden:
            self.notes.append(f"{self.hidden} hidden parts were left out")
        for element in soup.select(", ".join(left_out)) if left_out else []:
            if not element.decomposed:
                element.decompose()
        self._simplify(soup)
        body = _main(soup)
        heading = body.find("h1")
        self.title = title or (one_line(heading.get_text()) if heading else "")
        self.headings = [(one_line(each.get_text()), _anchor(each)) for each in body(_HEADINGS)]
        converter = MarkdownConverter(heading_style="ATX", bullets="-")
        tables = HtmlTables(converter.convert_soup, self.notes)
        try:
            soup.smooth()
            tables.take(soup)
            self.text = tables.put_back(converter.convert_soup(body)).strip()
        except RecursionError:
            self.text = body.get_text("\n", strip=True)
            self.notes.append("is nested too deeply for its headings, lists and tables; its words were read")

    def _simplify(self, soup: Any) -> None:
        """Pictures become their alternative texts, controls what is in them, lists of terms plain lists."""
        sizes = [len(src) for image in soup("img") if (src := str(image.get("src", "")))[:5].lower() == "data:"]
        if sizes:
            self.notes.append(data_note(len(sizes), sum(sizes)))
        for image in soup("img"):
            image.replace_with(f" {one_line(image.get('alt', ''))} ")
        for link in soup("a", href=re.compile(r"^\s*(?:data|javascript):", re.IGNORECASE)):
            link.unwrap()
        _simplify_controls(soup)
        for element in soup(["summary", "details"]):
            element.name = "p" if element.name == "summary" else "div"
        for terms in reversed(soup("dl")):
            _simplify_terms(soup, terms)


def _decoded(content: bytes) -> Decoded:
    match = _DECLARED.search(content[:4096])
    name = (match.group(1) or match.group(2)).decode("ascii", "ignore") if match else ""
    try:
        name = codecs.lookup(name).name if name else ""
    except LookupError:
        name = ""
    if name.startswith("utf-16"):  # a page that declares it in ASCII is something else
        name = ""
    return decoded(content, "page", declared=_WIDER.get(name, name))


def _without_hidden(soup: Any) -> int:
    """Take out what a browser does not show; how many parts of that hold text."""
    count = 0
    for element in soup.select("[hidden], [aria-hidden=true], [style], dialog:not([open])"):
        if element.decomposed or element.get("hidden") == "until-found" or element.name in ("html", "body"):
            continue
        is_styled = (
            element.has_attr("style") and not element.has_attr("hidden") and element.get("aria-hidden") != "true"
        )
        if is_styled and element.name != "dialog" and not _HIDDEN.search(str(element["style"])[:2000]):
            continue
        count += bool(element.get_text(strip=True))
        element.decompose()
    return count


def _simplify_controls(soup: Any) -> None:
    for select in soup("select"):
        chosen = [one_line(option.get_text()) for option in select("option") if option.has_attr("selected")]
        select.replace_with(f" {'、'.join(filter(None, chosen))} ")
    for control in soup("input"):
        kind = str(control.get("type", "text")).lower()
        if kind in ("checkbox", "radio"):
            control.replace_with("☑ " if control.has_attr("checked") else "☐ ")
        else:
            control.replace_with(f" {one_line(control.get('value', ''))} " if kind in _TYPED else "")


def _simplify_terms(soup: Any, terms: Any) -> None:
    """<dl> as a list whose items are `term：definition`."""
    items = soup.new_tag("ul")
    names: list[str] = []
    for element in terms.find_all(["dt", "dd"]):
        if element.name == "dt":
            names.append(one_line(element.get_text()))
            continue
        item = soup.new_tag("li")
        name = "、".join(filter(None, names)) or ""
        if name:
            item.append(name + (": " if name.isascii() else "："))
        for child in list(element.contents):
            item.append(child.extract())
        items.append(item)
        following = element.find_next_sibling(["dt", "dd"])
        if following is None or following.name == "dt":
            names = []
    for name in filter(None, names):
        item = soup.new_tag("li")
        item.string = name
        items.append(item)
    terms.replace_with(items)


def _anchor(heading: Any) -> str:
    """What a link to the heading names: its id, that of an anchor in it, or that of the section that it begins."""
    inner = heading.find(["a", "span"], attrs={"id": True}) or heading.find("a", attrs={"name": True})
    section = heading.parent if heading.find_previous_sibling() is None else None
    for each, name in ((heading, "id"), (inner, "id"), (inner, "name"), (section, "id")):
        if each is not None and each.get(name):
            return str(each[name])
    return ""


def _main(soup: Any) -> Any:
    """What holds the page's content: its <main>, its only <article> if that is most of it, or all of it."""
    body = soup.body or soup
    whole = len(body.get_text(strip=True))
    mains = [each for each in soup("main") if each.get_text(strip=True)]
    if len(mains) == 1:
        return mains[0]
    articles = [each for each in soup("article") if each.get_text(strip=True)]
    if len(articles) == 1 and len(articles[0].get_text(strip=True)) >= whole * _LEAST_MAIN:
        return articles[0]
    return body
