"""A document (docx) as HTML: each block an element whose id is the block's, which links name."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from feishu.sandbox.document_store import DocumentStore
from feishu.sandbox.server import blocks as kinds
from feishu.sandbox.server.viewer.files import figure
from feishu.sandbox.server.viewer.frame import Reader

_HEADINGS = range(3, 12)
_LISTS = {kinds.BULLET: "ul", kinds.ORDERED: "ol", kinds.TODO: "ul"}
_TEXTS = {kinds.TEXT: "p", kinds.QUOTE: "blockquote", kinds.BULLET: "li", kinds.ORDERED: "li"}


def document_html(store: DocumentStore, token: str, names: Mapping[str, str], reader: Reader) -> str:
    """The blocks of a document; `names` are people's by their open ids."""
    title, markdown = store.documents[token]
    listed = kinds.blocks_of(token, title, markdown)
    writer = _Writer(store, {block["block_id"]: block for block in listed}, names, reader)
    body = writer.run(listed[0].get("children", ()))
    return f'<article class="markdown">{body or reader.notice("empty")}</article>'


class _Writer:
    def __init__(
        self, store: DocumentStore, blocks: Mapping[str, kinds.Block], names: Mapping[str, str], reader: Reader
    ) -> None:
        self._store, self._blocks, self._names, self._reader = store, blocks, names, reader

    def run(self, ids: Sequence[str]) -> str:
        """Blocks one after the other; the points of a list stand in one."""
        found = []
        for name, group in groupby(ids, lambda each: _LISTS.get(self._blocks[each]["block_type"], "")):
            made = "".join(map(self._block, group))
            found.append(f"<{name}>{made}</{name}>" if name else made)
        return "".join(found)

    def _block(self, block_id: str) -> str:
        block = self._blocks[block_id]
        kind, inside = block["block_type"], block.get("children", ())
        if kind in _HEADINGS:  # the title of the page is the first level
            return self._element(block, f"h{min(kind - 1, 6)}", self._words(block))
        if name := _TEXTS.get(kind):
            return self._element(block, name, self._words(block) + self.run(inside))
        match kind:
            case kinds.TODO:
                mark = "☑" if block["todo"]["style"].get("done") else "☐"
                return self._element(block, "li", f"{mark} {self._words(block)}")
            case kinds.CODE:
                return self._element(block, "pre", f"<code>{self._words(block)}</code>")
            case kinds.DIVIDER:
                return self._element(block, "hr", "")
            case kinds.TABLE:
                return self._element(block, "div", self._table(block), "table-scroll")
            case kinds.VIEW:
                return self._element(block, "div", self.run(inside))
        return self._embedded(block, kind)

    def _embedded(self, block: kinds.Block, kind: int) -> str:
        match kind:
            case kinds.IMAGE:
                image = block["image"]
                caption = image.get("caption", {}).get("content", "")
                return self._element(block, "figure", figure(self._store, image["token"], caption, self._reader))
            case kinds.FILE:
                token, name = block["file"]["token"], block["file"]["name"]
                link = self._to("📎", "file", token, name or token, is_there=token in self._store.resources)
            case kinds.SHEET:
                token, _, part = block["sheet"]["token"].rpartition("_")
                sheets = self._store.spreadsheets.get(token, [])
                names = [each.title for each in sheets if each.sheet_id == part]
                link = self._to("📊", "sheets", token, self._named(token, names), is_there=bool(names), sheet=part)
            case kinds.BITABLE:
                token, _, part = block["bitable"]["token"].rpartition("_")
                tables = self._store.bases[token].tables if token in self._store.bases else []
                names = [each.name for each in tables if each.table_id == part]
                link = self._to("🗂", "base", token, self._named(token, names), is_there=bool(names), table=part)
            case kinds.SYNCED:
                token, part = (block["reference_synced"][name] for name in ("source_document_id", "source_block_id"))
                names = [self._reader.word("synced")]
                is_there = token in self._store.documents
                link = self._to("🔗", "docx", token, self._named(token, names), is_there=is_there, fragment=part)
            case _:
                link = f"{self._reader.word('unknown')} {kind}"
        return self._element(block, "p", link, "embedded")

    def _table(self, block: kinds.Block) -> str:
        cells, columns = block["table"]["cells"], block["table"]["property"]["column_size"]
        rows = []
        for at in range(0, len(cells), columns):
            name = "td" if at else "th"
            made = (
                self._element(self._blocks[each], name, self.run(self._blocks[each]["children"]))
                for each in cells[at : at + columns]
            )
            rows.append(f"<tr>{''.join(made)}</tr>")
        return f"<table>{''.join(rows)}</table>"

    def _words(self, block: kinds.Block) -> str:
        body: Mapping[str, Any] = next((each for each in block.values() if isinstance(each, dict)), {})
        return "".join(map(self._piece, body.get("elements", ())))

    def _piece(self, element: Mapping[str, Any]) -> str:
        if person := element.get("mention_user"):
            open_id = person["user_id"]
            return f'<span class="at-name">@{escape(self._names.get(open_id, open_id))}</span>'
        run = element["text_run"]
        words, style = escape(run["content"]), run["text_element_style"]
        if style.get("bold"):
            words = f"<strong>{words}</strong>"
        if style.get("inline_code"):
            words = f"<code>{words}</code>"
        url = unquote(style.get("link", {}).get("url", ""))
        return self._reader.link(url, words) if url else words

    def _named(self, token: str, parts: Sequence[str]) -> str:
        """What is linked to, by its title and that of its part."""
        return " · ".join([self._store.titles.get(token, ("", token))[1], *parts])

    def _to(self, mark: str, kind: str, token: str, name: str, *, is_there: bool, **place: str) -> str:
        if not is_there:
            return f"{self._reader.word('gone')} {escape(name)}"
        return f'{mark} <a href="{self._reader.href(kind, token, **place)}">{escape(name)}</a>'

    def _element(self, block: kinds.Block, name: str, inside: str, style: str = "") -> str:
        start = f'<{name} id="{escape(block["block_id"])}"{f" class={style}" if style else ""}>'
        return start if name == "hr" else f"{start}{inside}</{name}>"
