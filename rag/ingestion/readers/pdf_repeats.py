"""Headers, footers and page numbers: lines that stand in the same place on most pages are read once, or not at all."""

import re
from collections import defaultdict
from dataclasses import dataclass

from rag.ingestion.readers.pdf_layout import Block, Line

LEAST_PAGES = 3
_EDGE = 0.14
"""Of a page's height, at the top and at the bottom."""
_LEAST_SHARE = 0.4
"""Of the pages: headers of left and right pages differ."""
_NUMBER = re.compile(r"\d{1,9}")
_WORDS = re.compile(r"[^\W\d_]+")
_PAGE_WORDS = frozenset(
    {"page", "pages", "of", "p", "pp", "seite", "第", "页", "共", "頁", "第页", "共页", "页共", "页共页"}
)


@dataclass(frozen=True, slots=True)
class _Found:
    page: int
    line: Line
    numbers: tuple[int, ...]


def without_repeats(pages: list[list[Block]], heights: list[float]) -> tuple[list[list[Block]], int]:
    """The pages without their headers and footers, and how many different ones there were.

    One whose words stand nowhere else stays where it comes first.
    """
    if len(pages) < LEAST_PAGES:
        return pages, 0
    groups: dict[tuple[str, int], list[_Found]] = defaultdict(list)
    for number, (page, height) in enumerate(zip(pages, heights, strict=True)):
        for line in (line for block in page for line in block):
            if line.bottom < height * _EDGE or line.top > height * (1 - _EDGE):
                place = 0 if _is_page_number(line.text) else round(line.top / 6)
                key = (_NUMBER.sub("#", "".join(line.text.split())), place)
                found = _NUMBER.findall(line.text)
                groups[key].append(_Found(number, line, tuple(map(int, found))))
    repeated = [group for group in groups.values() if _repeats(group, len(pages))]
    gone = {id(each.line) for group in repeated for each in group}
    if not gone:
        return pages, 0
    rest = "".join(line.text for page in pages for block in page for line in block if id(line) not in gone)
    rest = "".join(rest.split())
    for group in repeated:
        words = "".join(group[0].line.text.split())
        if not _is_page_number(group[0].line.text) and words not in rest:
            gone.discard(id(group[0].line))
            rest += words
    kept = [[[line for line in block if id(line) not in gone] for block in page] for page in pages]
    return kept, len(repeated)


def _repeats(group: list[_Found], pages: int) -> bool:
    """Whether a line is on many pages, with the same numbers or with such as count the pages."""
    found = {each.page: each.numbers for each in group}
    least = 0.0 if _is_page_number(group[0].line.text) else pages * _LEAST_SHARE
    if len(found) < max(LEAST_PAGES, least):
        return False
    for position in range(len(group[0].numbers)):
        values = {page: numbers[position] for page, numbers in found.items()}
        if len(set(values.values())) > 1 and len({value - page for page, value in values.items()}) > 1:
            return False
    return True


def _is_page_number(text: str) -> bool:
    return bool(_NUMBER.search(text)) and all(word.lower() in _PAGE_WORDS for word in _WORDS.findall(text))
