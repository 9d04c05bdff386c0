"""The words of a PowerPoint slide's shapes: texts with their visible numbers, tables, charts, SmartArt."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.numbering_formats import formatted
from rag.ingestion.readers.office_drawings import graphic_text, paragraph_text, shown_branch
from rag.ingestion.readers.office_package import Part, attribute, child, children, is_on, local, whole
from rag.ingestion.readers.parsed import markdown_table, one_line

MOST_COLUMNS = 500
_TITLES = frozenset({"title", "ctrTitle"})
_REPEATED = frozenset({"dt", "ftr", "hdr", "sldNum"})
_SHAPES = frozenset({"sp", "grpSp", "graphicFrame", "pic", "cxnSp", "contentPart"})
_WORDLESS = frozenset({"pic", "contentPart"})
_KINDS = {
    "arabic": "decimal", "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
    "romanUc": "upperRoman", "circleNum": "decimalEnclosedCircle", "ea1Chs": "chineseCountingThousand",
    "ea1Cht": "chineseCountingThousand", "ea1Jpn": "ideographDigital",
}  # fmt: skip
_ENDINGS = {"ParenBoth": ("(", ")"), "ParenR": ("", ")"), "Period": ("", "."), "Minus": ("- ", " -")}


@dataclass(frozen=True, slots=True)
class Box:
    """A shape and where it stands."""

    element: Any
    top: int = 0
    left: int = 0
    height: int = 0


class Slide:
    """Reads one slide; `layouts` are its layout and its master, which say where placeholders stand."""

    def __init__(self, part: Part, layouts: tuple[Part, ...], left: LeftOut, *, include_hidden: bool) -> None:
        self._part = part
        self._left = left
        self._include_hidden = include_hidden
        self._holders = [each for layout in layouts for each in _holders(layout.root)]

    def texts(self) -> tuple[str, list[str]]:
        """The title, and the other texts from top to bottom and from left to right."""
        tree = child(self._part.root, "cSld", "spTree")
        title = ""
        boxes = []
        for box in self._boxes(tree) if tree is not None else ():
            if not title and _placeholder(box.element) in _TITLES:
                title = one_line(" ".join(_lines(child(box.element, "txBody"))))
            else:
                boxes.append(box)
        return title, [text for box in reading_order(boxes) for text in self._text(box.element) if text]

    def _boxes(self, tree: Any) -> Iterator[Box]:
        for shape in _shapes(tree):
            if not self._include_hidden and _is_hidden(shape):
                self._left.add("shapes")
            elif _placeholder(shape) in _REPEATED:
                has_text = _placeholder(shape) != "sldNum" and any(_lines(child(shape, "txBody")))
                self._left.add("footers", has_text)
            else:
                yield self._box(shape)

    def _box(self, shape: Any) -> Box:
        for each in (shape, *self._models(shape)):
            place = child(each, "xfrm")
            for kind in ("spPr", "grpSpPr"):
                place = child(each, kind, "xfrm") if place is None else place
            offset, size = child(place, "off"), child(place, "ext")
            if offset is not None:
                height = whole(attribute(size, "cy")) if size is not None else 0
                return Box(shape, whole(attribute(offset, "y")), whole(attribute(offset, "x")), height)
        return Box(shape)

    def _models(self, shape: Any) -> Iterator[Any]:
        """The placeholders of the layout and the master that a placeholder has its place from."""
        own = _holder(shape)
        if own is None:
            return
        for model, holder in self._holders:
            same_place = attribute(own, "idx", "0") == attribute(holder, "idx", "0")
            if same_place or attribute(own, "type", "obj") == attribute(holder, "type", "obj"):
                yield model

    def _text(self, shape: Any) -> Iterator[str]:
        name = local(shape)
        if name == "grpSp":
            for box in reading_order(list(self._boxes(shape))):
                yield from self._text(box.element)
        elif name in _WORDLESS:
            self._left.add("pictures")
        elif name == "graphicFrame":
            yield from self._graphic(child(shape, "graphic", "graphicData"))
        else:
            lines = list(_lines(child(shape, "txBody")))
            yield "\n".join(_item(line) for line in lines) if len(lines) > 1 else "".join(lines)

    def _graphic(self, graphic: Any) -> Iterator[str]:
        if graphic is None:
            return
        table = child(graphic, "tbl")
        if table is not None:
            yield _table(table)
            return
        text = graphic_text(graphic, self._part)
        if text is None:
            self._left.add("objects")
        yield text or ""


def reading_order(boxes: list[Box]) -> list[Box]:
    """From top to bottom, and from left to right what stands beside each other: overlaps by half of the lower one."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda each: (each.top, each.left)):
        first = rows[-1][0] if rows else None
        if first is not None and box.top - first.top <= min(first.height, box.height) / 2:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda each: each.left)]


def _shapes(tree: Any) -> Iterator[Any]:
    for each in tree:
        for shape in shown_branch(each) if local(each) == "AlternateContent" else (each,):
            if local(shape) in _SHAPES:
                yield shape


def _holders(root: Any) -> Iterator[tuple[Any, Any]]:
    for shape in root.iter("{*}sp") if root is not None else ():
        if (holder := _holder(shape)) is not None:
            yield shape, holder


def _properties(shape: Any) -> Any:
    return next((each for each in shape if local(each).startswith("nv")), None)


def _holder(shape: Any) -> Any:
    return child(_properties(shape), "nvPr", "ph")


def _placeholder(shape: Any) -> str:
    """The type of a placeholder; "" for another shape."""
    holder = _holder(shape)
    return attribute(holder, "type", "obj") if holder is not None else ""


def _is_hidden(shape: Any) -> bool:
    properties = child(_properties(shape), "cNvPr")
    return properties is not None and is_on(attribute(properties, "hidden", "0"))


def _lines(body: Any) -> Iterator[str]:
    """Paragraphs that hold something, with the numbers that stand before them."""
    counts: dict[int, tuple[str, int]] = {}
    for paragraph in children(body, "p"):
        text = paragraph_text(paragraph)
        properties = child(paragraph, "pPr")
        level = whole(attribute(properties, "lvl")) if properties is not None else 0
        counts = {at: count for at, count in counts.items() if at <= level}
        numbered = child(properties, "buAutoNum")
        if numbered is None:
            counts = {at: count for at, count in counts.items() if at < level or not text}
        elif text:
            kind, start = attribute(numbered, "type"), whole(attribute(numbered, "startAt"), 1)
            before, number = counts.get(level, ("", 0))
            counts[level] = kind, (number + 1 if before == kind else start)
            text = f"{_number(counts[level][1], kind)} {text}"
        if text:
            yield text


def _number(number: int, kind: str) -> str:
    name = next((name for name in _KINDS if kind.startswith(name)), "arabic")
    before, after = next((signs for ending, signs in _ENDINGS.items() if kind.endswith(ending)), ("", ""))
    return f"{before}{formatted(number, _KINDS[name])}{after}"


def _item(line: str) -> str:
    first = line.split(" ", 1)[0]
    return line if first[:-1].isdigit() and first[-1] in ".)" else f"- {line}"


def _table(table: Any) -> str:
    """All rows; a merged cell is said in each of those that it covers."""
    rows: list[list[str]] = []
    for row in children(table, "tr"):
        texts: list[str] = []
        for cell in children(row, "tc")[:MOST_COLUMNS]:
            text = " ".join(_lines(child(cell, "txBody")))
            if is_on(attribute(cell, "hMerge", "0")) and texts:
                text = texts[-1]
            elif is_on(attribute(cell, "vMerge", "0")) and rows and len(rows[-1]) > len(texts):
                text = rows[-1][len(texts)]
            texts.append(text)
        rows.append(texts)
    return markdown_table(rows)


def notes_text(part: Part | None) -> str:
    """What the speaker wrote beneath a slide."""
    tree = child(part.root, "cSld", "spTree") if part is not None else None
    bodies = [shape for shape in tree if _placeholder(shape) == "body"] if tree is not None else []
    return "\n".join(line for shape in bodies for line in _lines(child(shape, "txBody")))
