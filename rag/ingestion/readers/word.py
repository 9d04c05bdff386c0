"""Word: paragraphs with their headings and lists, and tables, in the order of the text."""

import io
import re
from typing import Any

from rag.ingestion.readers.parsed import CannotRead, Parsed, markdown_table, one_line, require

_HEADING = re.compile(r"^(?:heading|标题|標題)\s*([1-9])$", re.IGNORECASE)
_LIST = re.compile(r"list|列表|清單", re.IGNORECASE)


def read_docx(content: bytes) -> Parsed:
    """The whole document. Raises CannotRead."""
    require("docs", "docx")
    import docx
    from docx.table import Table

    try:
        document = docx.Document(io.BytesIO(content))
    except (KeyError, ValueError, OSError) as error:
        raise CannotRead("is not a Word document that can be opened") from error
    title = one_line(document.core_properties.title)
    parts: list[str] = []
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            parts.append(markdown_table(_rows(block)))
            continue
        text = block.text.strip()
        style = str(block.style.name) if block.style is not None else ""
        if style in ("Title", "标题", "標題") and text:
            title = title or one_line(text)
            parts.append(f"# {one_line(text)}")
        elif text:
            parts.append(_paragraph(block, text, style))
    text = "\n\n".join(part for part in parts if part)
    first = re.search(r"^# (.+)$", text, re.MULTILINE)
    return Parsed(re.sub(r"(?m)^(- .*)\n\n(?=- )", r"\1\n", text), title or (first.group(1) if first else ""))


def _paragraph(block: Any, text: str, style: str) -> str:
    level = _level(block, style)
    if level:
        return f"{'#' * min(level, 6)} {one_line(text)}"
    if _LIST.search(style) or (block._p.pPr is not None and block._p.pPr.numPr is not None):
        return f"- {one_line(text)}"
    return text


def _level(block: Any, style: str) -> int:
    """The heading's level by its style's name, or by the outline level of the style; 0 for body text."""
    if match := _HEADING.match(style):
        return int(match.group(1))
    for properties in (block._p.pPr, getattr(block.style, "element", None) is not None and block.style.element.pPr):
        outline = properties.find(_OUTLINE) if properties is not None and properties is not False else None
        if outline is not None:
            value = int(outline.get(_VALUE, "9"))
            return value + 1 if value < 9 else 0
    return 0


_NAMESPACE = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OUTLINE, _VALUE = f"{_NAMESPACE}outlineLvl", f"{_NAMESPACE}val"


def _rows(table: Any) -> list[list[str]]:
    """Cells as text; one that is merged over several is said once."""
    rows = []
    for row in table.rows:
        seen: list[Any] = []
        cells = []
        for cell in row.cells:
            is_again = bool(seen) and seen[-1] is cell._tc
            cells.append("" if is_again else cell.text)
            seen.append(cell._tc)
        rows.append(cells)
    return rows
