"""Blocks of a document (docx) written as Markdown; what is embedded keeps its place among the pieces. Pure."""

import re
from collections import Counter
from collections.abc import Mapping

from feishu.documents import blocks as kinds
from feishu.documents.blocks import Block, body_of, children_of, kind_of, words_of
from feishu.documents.parts import Anchor, Attached, Embedded, Part, Pieces, Text

MOST_PICTURES, MOST_FILES, MOST_EMBEDDED = 100, 20, 20
SMALLEST_PX = 40
"""Pictures that are narrower or lower are ornaments."""
MOST_DEPTH = 40
_LISTS = (kinds.BULLET, kinds.ORDERED, kinds.TODO)
_UNREAD = {
    20: "group card",
    21: "diagram",
    28: "widget",
    29: "mind map",
    35: "task",
    36: "OKR",
    40: "widget",
    41: "Jira issue",
    43: "whiteboard",
    48: "link preview",
    52: "AI template",
    999: "block that the platform does not give",
}
_MOST = {"picture": MOST_PICTURES, "attachment": MOST_FILES, "sheet": MOST_EMBEDDED, "table": MOST_EMBEDDED}

_NOT_MARKUP = re.compile(r"^([ \t]*)(#{1,6}(?=\s)|```|~~~)", re.MULTILINE)
"""What would be a heading or a fence, in a block that is neither."""

Blocks = Mapping[str, Block]


class BlockWriter:
    """Writes one document, from the page down."""

    def __init__(self, blocks: Blocks, synced: Mapping[str, Blocks], names: Mapping[str, str]) -> None:
        """`synced` are the blocks of the documents whose synced blocks stand in this one, `names` those of people by
        their open ids."""
        self._blocks = blocks
        self._synced = synced
        self._names = names
        self._parts: list[Part] = []
        self._files: list[Part] = []
        self._written: list[str] = []
        self._anchor: Anchor | None = None
        self._left_out: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._numbers: dict[str, int] = {}
        self._seen: set[str] = set()

    def content(self) -> Pieces:
        """The whole document. Blocks that hang on none come last, as they are listed."""
        roots = [key for key, block in self._blocks.items() if kind_of(block) == kinds.PAGE]
        loose = [key for key, block in self._blocks.items() if block.get("parent_id") not in self._blocks]
        for key in (*roots, *loose):
            self._write(self._blocks, key, "", 0)
        self._flush()
        self._parts += self._files  # they have headings of their own, which would take what follows
        left_out = ", ".join(f"{name} ({count})" for name, count in sorted(self._left_out.items()))
        return Pieces(tuple(self._parts), (f"left out: {left_out}",) if left_out else ())

    def _write(self, blocks: Blocks, key: str, indent: str, depth: int) -> None:
        block = blocks.get(key)
        if block is None or key in self._seen or depth > MOST_DEPTH:
            return
        self._seen.add(key)
        kind = kind_of(block)
        if kind == kinds.TABLE:
            self._table(blocks, block, depth)
        elif kind == kinds.SYNCED_REFERENCE:
            self._reference(block, indent, depth)
        else:
            if kind in kinds.HEADINGS:
                self._heading(block, key, kind)
            elif not self._embedded(block, key, kind, indent):
                self._text(block, key, kind, indent)
            self._inside(blocks, block, indent + ("    " if kind in _LISTS else ""), depth)

    def _inside(self, blocks: Blocks, block: Block, indent: str, depth: int) -> None:
        number = 0
        quoted_from = len(self._written)
        for child in children_of(block):
            below = blocks.get(child)
            number = _next_number(below, number)
            self._numbers[child] = number
            self._write(blocks, child, indent, depth + 1)
        if kind_of(block) == kinds.QUOTE_CONTAINER:
            self._written[quoted_from:] = [_quoted(each) for each in self._written[quoted_from:]]

    def _heading(self, block: Block, key: str, kind: int) -> None:
        name = " ".join(words_of(block, self._names, plain=True).split())
        if not name:
            return
        self._flush()
        self._anchor = Anchor("heading", name, key)
        level = min(kind - kinds.HEADINGS.start + 1, kinds.MOST_LEVEL)
        self._written.append(f"{'#' * level} {name}\n\n")

    def _text(self, block: Block, key: str, kind: int, indent: str) -> None:
        if kind == kinds.PAGE:  # its words are the title
            return
        if kind in _UNREAD:
            self._left_out[_UNREAD[kind]] += 1
            return
        if kind == kinds.DIVIDER:
            self._written.append("---\n\n")
            return
        words = words_of(block, self._names, plain=kind == kinds.CODE).strip("\n")
        if kind == kinds.IFRAME and (url := body_of(body_of(block, "iframe"), "component").get("url")):
            words = str(url)
        if words.strip():
            self._written.append(_line(words, block, kind, indent, self._numbers.get(key) or 1))

    def _embedded(self, block: Block, key: str, kind: int, indent: str) -> bool:
        """Whether the block is something to be read by itself; it becomes a piece then."""
        here = Anchor("heading", self._anchor.name if self._anchor else "", key)
        if kind == kinds.IMAGE:
            image = body_of(block, "image")
            if caption := str(body_of(image, "caption").get("content") or "").strip():
                self._written.append(f"{indent}{caption}\n\n")
            if _is_ornament(image):
                self._left_out["ornament"] += 1
            elif token := str(image.get("token") or ""):
                self._add("picture", Attached("picture", token, caption or "picture", "media", anchor=here))
        elif kind == kinds.FILE:
            file = body_of(block, "file")
            name = str(file.get("name") or "file")
            self._written.append(f"{indent}📎 {name}\n\n")
            if token := str(file.get("token") or ""):
                self._add("attachment", Attached("file", token, name, "media", title=name, anchor=here))
        elif kind in (kinds.SHEET, kinds.BITABLE):
            name = "sheet" if kind == kinds.SHEET else "bitable"
            token, _, part = str(body_of(block, name).get("token") or "").rpartition("_")
            if token:
                found = Embedded("sheet" if kind == kinds.SHEET else "bitable", token, part, here)
                self._add("sheet" if kind == kinds.SHEET else "table", found)
        else:
            return False
        return True

    def _add(self, what: str, part: Part) -> None:
        self._counts[what] += 1
        if self._counts[what] > _MOST[what]:
            self._left_out[f"{what} after the first {_MOST[what]}"] += 1
            return
        if what == "attachment":
            self._files.append(part)
            return
        self._flush()
        self._parts.append(part)

    def _reference(self, block: Block, indent: str, depth: int) -> None:
        reference = body_of(block, "reference_synced")
        blocks = self._synced.get(str(reference.get("source_document_id") or ""))
        source = blocks.get(str(reference.get("source_block_id") or "")) if blocks else None
        if blocks is None or source is None:
            self._left_out["synced block of a closed document"] += 1
            return
        for child in children_of(source):
            self._seen.discard(child)  # in one document it stands in both places
            self._write(blocks, child, indent, depth + 1)

    def _table(self, blocks: Blocks, block: Block, depth: int) -> None:
        """A table of the document. What is embedded in a cell follows the table."""
        body = body_of(block, "table")
        shape = body_of(body, "property")
        columns = shape.get("column_size")
        cells = body.get("cells")
        keys = [str(each) for each in cells] if isinstance(cells, list) else children_of(block)
        if not isinstance(columns, int) or columns < 1 or not keys:
            return
        embedded: list[Part] = []
        texts = [self._cell(blocks, key, depth, embedded) for key in keys]
        rows = _filled(texts, columns, shape.get("merge_info"))
        self._written.append(_markdown(rows))
        if embedded:
            self._flush()
            self._parts += embedded

    def _cell(self, blocks: Blocks, key: str, depth: int, embedded: list[Part]) -> str:
        """The words of a cell on one line."""
        inner = BlockWriter(blocks, self._synced, self._names)
        inner._anchor, inner._counts = self._anchor, self._counts
        inner._write(blocks, key, "", depth + 1)
        self._left_out += inner._left_out
        self._seen |= inner._seen
        inner._flush()
        embedded += [part for part in inner._parts if not isinstance(part, Text)]
        self._files += inner._files
        return " ".join(" ".join(part.text for part in inner._parts if isinstance(part, Text)).split())

    def _flush(self) -> None:
        text = "".join(self._written)
        self._written = []
        if text.strip():
            self._parts.append(Text(text, self._anchor))


def _line(words: str, block: Block, kind: int, indent: str, number: int) -> str:
    match kind:
        case kinds.BULLET:
            return f"{indent}- {words}\n\n"
        case kinds.ORDERED:
            return f"{indent}{number}. {words}\n\n"
        case kinds.TODO:
            done = body_of(body_of(block, "todo"), "style").get("done") is True
            return f"{indent}- [{'x' if done else ' '}] {words}\n\n"
        case kinds.CODE:
            fence = "~~~" if "```" in words else "```"
            return f"{fence}\n{words}\n{fence}\n\n"
        case kinds.QUOTE:
            return _quoted(f"{words}\n\n")
        case _:
            return _NOT_MARKUP.sub(r"\1\\\2", f"{indent}{words}\n\n")


def _next_number(block: Block | None, number: int) -> int:
    """The number of an item: the one after the last, or the one that it begins with; 0 where it is no ordered one."""
    if block is None or kind_of(block) != kinds.ORDERED:
        return 0
    sequence = str(body_of(body_of(block, "ordered"), "style").get("sequence") or "auto")
    return int(sequence) if sequence.isdecimal() else number + 1


def _quoted(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.strip("\n").split("\n")) + "\n"


def _filled(texts: list[str], columns: int, merges: object) -> list[list[str]]:
    """Rows in which every cell of a merged span has the words of its first."""
    rows = [texts[at : at + columns] for at in range(0, len(texts), columns)]
    rows[-1] += [""] * (columns - len(rows[-1]))
    for at, merge in enumerate(merges if isinstance(merges, list) else []):
        top, left = divmod(at, columns)
        if not isinstance(merge, dict) or top >= len(rows):
            continue
        down, right = (value if isinstance(value := merge.get(key), int) else 1 for key in ("row_span", "col_span"))
        if down > 1 or right > 1:
            for row in rows[top : top + down]:
                row[left : left + right] = [rows[top][left]] * len(row[left : left + right])
    return rows


def _markdown(rows: list[list[str]]) -> str:
    told = [row for row in rows if any(row)]
    if not told:
        return ""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in told]
    lines = ["| " + " | ".join(row) + " |" for row in escaped]
    rule = "| " + " | ".join(["---"] * len(rows[0])) + " |"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n\n"


def _is_ornament(image: Block) -> bool:
    sizes = [image.get(name) for name in ("width", "height")]
    return any(isinstance(size, int) and 0 < size < SMALLEST_PX for size in sizes)
