"""PowerPoint: each slide with its title, its texts, tables, charts and SmartArt in the order of reading, and the
speaker's notes."""

from collections.abc import Iterator
from typing import Any

from rag.documents import Place
from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.office_package import Package, Part, attribute, child, children, is_on, local, reference
from rag.ingestion.readers.parsed import CannotRead, Pages, Parsed, limited_depth, require
from rag.ingestion.readers.slide_text import Slide, notes_text


def read_pptx(content: bytes, *, include_hidden: bool = False) -> Parsed:
    """All slides that are shown. Raises CannotRead."""
    require("docs", "lxml")
    with limited_depth():
        return _read(Package(content), include_hidden=include_hidden)


def _read(package: Package, *, include_hidden: bool) -> Parsed:
    main = package.main("ppt/presentation.xml")
    left, pages = LeftOut(), Pages()
    if local(main.root) != "presentation":
        raise CannotRead("is not a PowerPoint file")
    for number, part in enumerate(_slides(main), start=1):
        if part is None or part.root is None:
            continue
        if not include_hidden and not is_on(attribute(part.root, "show", "1")):
            left.add("slides")
            continue
        heading, texts = Slide(part, tuple(_layouts(part)), left, include_hidden=include_hidden).texts()
        parts = [f"## {heading or number}", *texts, notes_text(part.first("notesSlide")).strip()]
        pages.add("\n\n".join(filter(None, parts)), Place("slide", str(number)))
        left.add("comments", sum(map(_comments, part.all("comments"))))
    left.add("parts", len(package.broken))
    return pages.parsed(package.title().replace("PowerPoint Presentation", ""), left.notes())


def _slides(main: Part) -> Iterator[Part | None]:
    """In the order of the presentation; a slide without a part keeps its number."""
    for each in children(child(main.root, "sldIdLst"), "sldId"):
        # the attribute `id` without a namespace is another one
        yield main.related(reference(each))


def _layouts(part: Part) -> Iterator[Part]:
    layout = part.first("slideLayout")
    if layout is not None:
        yield layout
        yield from layout.all("slideMaster")


def _comments(part: Part) -> int:
    root: Any = part.root
    return sum(local(each) in ("cm", "reply") for each in root.iter()) if root is not None else 0
