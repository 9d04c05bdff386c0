"""PowerPoint: each slide with its title, its texts and tables from top to bottom, and the speaker's notes."""

import io
from collections.abc import Iterator
from typing import Any

from rag.documents import Place
from rag.ingestion.readers.parsed import CannotRead, Pages, Parsed, markdown_table, one_line, require


def read_pptx(content: bytes) -> Parsed:
    """All slides. Raises CannotRead."""
    require("docs", "pptx")
    import pptx
    from pptx.exc import PackageNotFoundError

    try:
        deck = pptx.Presentation(io.BytesIO(content))
    except (PackageNotFoundError, KeyError, ValueError) as error:
        raise CannotRead("is not a PowerPoint file that can be opened") from error
    pages = Pages()
    for number, slide in enumerate(deck.slides, start=1):
        title = slide.shapes.title
        heading = one_line(title.text_frame.text) if title is not None else ""
        parts = [f"## {heading or number}"]
        shapes = [shape for shape in _shapes(slide.shapes) if title is None or shape.shape_id != title.shape_id]
        parts += [text for shape in sorted(shapes, key=_position) if (text := _text(shape))]
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            parts.append(slide.notes_slide.notes_text_frame.text.strip())
        pages.add("\n\n".join(part for part in parts if part), Place("slide", str(number)))
    return pages.parsed(one_line(deck.core_properties.title).replace("PowerPoint Presentation", ""))


def _shapes(shapes: Any) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _position(shape: Any) -> tuple[int, int]:
    return shape.top or 0, shape.left or 0


def _text(shape: Any) -> str:
    if getattr(shape, "has_table", False):
        return markdown_table([[cell.text for cell in row.cells] for row in shape.table.rows])
    if not shape.has_text_frame:
        return ""
    lines = [one_line(paragraph.text) for paragraph in shape.text_frame.paragraphs]
    filled = [line for line in lines if line]
    return "\n".join(f"- {line}" for line in filled) if len(filled) > 1 else "".join(filled)
