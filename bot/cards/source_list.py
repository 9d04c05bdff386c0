"""The sources of an answer on its card: each with its place, and unfolding to what the answer leans on."""

from datetime import datetime

from bot.cards.buttons import one_line
from bot.models import UNSUPPORTED, Answer, Source
from bot.texts import Texts
from feishu.cards import elements as build
from feishu.cards.elements import Element
from feishu.cards.foreign_text import other_host, web_url, with_host
from feishu.cards.markdown import escape_text

SOURCES_SHOWN = 8
NAME_CHARS = 120
PLACE_CHARS = 40
QUOTE_TITLE_CHARS = 24


def source_panel(answer: Answer, texts: Texts, *, with_quotes: bool = True) -> list[Element]:
    """A panel with the sources; nothing where none is shown. Without quotes each shows the beginning of its passage."""
    shown = answer.on_card[:SOURCES_SHOWN]
    if not shown:
        return []
    title = (texts.nearest if answer.outcome in UNSUPPORTED else texts.sources).format(count=len(shown))
    lines = [element for source in shown for element in _source(source, texts, with_quotes=with_quotes)]
    return [build.collapsible_panel(title, lines, element_id="sources")]


def plain_source(source: Source, texts: Texts) -> str:
    """One source as a line without markup."""
    return f"[{source.number}] {_name(source, texts)} {web_url(source.best_link or '')}".rstrip()


def _name(source: Source, texts: Texts) -> str:
    path = one_line(" › ".join(part for part in (source.title, source.heading_path) if part), NAME_CHARS)
    return " · ".join(part for part in (path, _place(source, texts)) if part)


def _place(source: Source, texts: Texts) -> str:
    """The page, sheet or record; a heading stands in the path already."""
    wordings = {
        "page": texts.place_page,
        "slide": texts.place_slide,
        "sheet": texts.place_sheet,
        "table": texts.place_table,
        "record": texts.place_record,
    }
    return wordings.get(source.place_kind, "").format(name=one_line(source.place_name, PLACE_CHARS))


def _source(source: Source, texts: Texts, *, with_quotes: bool) -> list[Element]:
    """`[1] Title › heading · page 3`, linked where the document has a link, with its host where the title looks like
    another address, and of when the document is; then the quote in a panel of its own, or the passage's beginning."""
    name, url = _name(source, texts), web_url(source.best_link or "")
    words = escape_text(with_host(name, other_host(name, url)))
    head = f"**&#91;{source.number}&#93;** " + (f"[{words}]({url})" if url else f"**{words}**")
    if source.edited_at:
        head += f" · {texts.source_edited.format(date=_day(source.edited_at))}"
    if not (with_quotes and source.quote):
        return [build.markdown(f"{head}\n{escape_text(one_line(source.snippet, 120))}", size="notation")]
    title = texts.quoted.format(words=one_line(source.quote, QUOTE_TITLE_CHARS))
    parts = (escape_text(source.before), f"**{escape_text(source.quote)}**", escape_text(source.after))
    quote = build.markdown(" ".join(filter(None, parts)), size="notation")
    return [
        build.markdown(head, size="notation"),
        build.collapsible_panel(title, [quote], element_id=f"quote_{source.number}", border=False),
    ]


def _day(at: int) -> str:
    """A date in this machine's time."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d")
