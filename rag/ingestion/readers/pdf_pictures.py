"""Which part of a PDF page is picture, and the words in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rag.ingestion.readers.ocr import text_of_image
from rag.ingestion.readers.pdf_characters import Box, Character, Sheet

MOST_OBJECTS = 5000
MOST_PICTURES = 40
"""Pictures on pages of text that are read in one file: a page that is a picture is always read."""
LEAST_PICTURE = 0.12
"""Of the page, for a picture on a page of text to be read."""
_MOST_LARGE = 12
_GRID = 50
_SCALE = 2.0
_LONGEST_SIDE = 2400
_LEAST_PIXELS = 60


@dataclass(frozen=True, slots=True)
class Pictures:
    """A page's pictures as they are shown, and the share of the page that they cover."""

    boxes: tuple[Box, ...]
    share: float
    drawn: bool
    """Whether there is much that is drawn with lines: letters may be, too."""


def pictures_on(page: Any, sheet: Sheet) -> Pictures:
    """The pictures of a page."""
    import pypdfium2.raw as raw

    width, height = sheet.size
    boxes, paths = [], 0
    for item in _objects(page):
        if item.type == raw.FPDF_PAGEOBJ_PATH:
            paths += 1
        elif item.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, top, right, bottom = sheet.shown(*_bounds(item))
            box = (max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height))
            if box[2] > box[0] and box[3] > box[1]:
                boxes.append(box)
    return Pictures(tuple(boxes), _covered(boxes, width, height), paths >= 50)


def _objects(page: Any) -> Iterator[Any]:
    import pypdfium2.raw as raw

    kinds = [raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH]
    for count, item in enumerate(page.get_objects(filter=kinds, max_depth=4)):
        if count >= MOST_OBJECTS:
            return
        yield item


def _bounds(item: Any) -> Box:
    """Where an object stands on its page, through the forms that it lies in."""
    left, bottom, right, top = item.get_bounds()
    holder = item.container
    while holder is not None:
        matrix = holder.get_matrix()
        corners = [matrix.on_point(x, y) for x in (left, right) for y in (bottom, top)]
        left, right = min(x for x, _ in corners), max(x for x, _ in corners)
        bottom, top = min(y for _, y in corners), max(y for _, y in corners)
        holder = holder.container
    return left, bottom, right, top


def _covered(boxes: list[Box], width: float, height: float) -> float:
    """The share of the page that boxes cover together."""
    cells = bytearray(_GRID * _GRID)
    for left, top, right, bottom in boxes:
        first, last = round(left / width * _GRID), min(_GRID, round(right / width * _GRID))
        for row in range(round(top / height * _GRID), min(_GRID, round(bottom / height * _GRID))):
            cells[row * _GRID + first : row * _GRID + last] = b"\x01" * max(0, last - first)
    return sum(cells) / len(cells)


def to_read(pictures: Pictures, characters: list[Character], sheet: Sheet) -> list[Box]:
    """The pictures of a page of text that may hold words: large ones with no text over them."""
    width, height = sheet.size
    found = []
    for box in sorted(pictures.boxes, key=lambda box: (box[0] - box[2]) * (box[3] - box[1]))[:_MOST_LARGE]:
        left, top, right, bottom = box
        if (right - left) * (bottom - top) < LEAST_PICTURE * width * height:
            continue
        over = sum(
            (each.right - each.left) * (each.bottom - each.top)
            for each in characters
            if left < (each.left + each.right) / 2 < right and top < (each.top + each.bottom) / 2 < bottom
        )
        if over < 0.05 * (right - left) * (bottom - top):
            found.append(box)
    return sorted(found, key=lambda box: box[1])


def words_of_page(page: Any) -> str:
    """All of a page by OCR."""
    return text_of_image(_image(page))


def words_in(page: Any, boxes: list[Box], sheet: Sheet) -> list[str]:
    """The words in each of these parts of a page, by OCR."""
    image = _image(page)
    scale = image.width / sheet.size[0]
    crops = [image.crop(tuple(round(edge * scale) for edge in box)) for box in boxes]
    return [text_of_image(crop) if min(crop.size) >= _LEAST_PIXELS else "" for crop in crops]


def _image(page: Any) -> Any:
    scale = min(_SCALE, _LONGEST_SIDE / max(page.get_width(), page.get_height(), 1.0))
    return page.render(scale=scale).to_pil()
