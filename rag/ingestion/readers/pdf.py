"""PDF: text in reading order by page, ruled tables, what is filled in and written on, OCR for what is picture."""

import logging
import re
from collections.abc import Callable
from typing import Any

from rag.documents import Place
from rag.ingestion.readers.ocr import can_ocr
from rag.ingestion.readers.parsed import CannotRead, Pages, Parsed, one_line, require
from rag.ingestion.readers.pdf_characters import Box, Character, PageText, Sheet, page_text, upright
from rag.ingestion.readers.pdf_forms import written_on
from rag.ingestion.readers.pdf_layout import Block, Line, Run, blocks, joined, runs_of
from rag.ingestion.readers.pdf_pictures import MOST_PICTURES, Pictures, pictures_on, to_read, words_in, words_of_page
from rag.ingestion.readers.pdf_repeats import without_repeats
from rag.ingestion.readers.pdf_tables import TableFinder

MOST_PAGES = 5000
LEAST_TEXT = 0.025
"""Of a page, the share that letters cover for a page that is mostly picture to count as a page of text."""
LEAST_HIDDEN_TEXT = 0.04
_MOST_PICTURE = 0.5
_MOST_UNREADABLE = 0.3
_NOWHERE = (0.0, float("inf"))
"""Top and bottom of what is not a line of the page: never taken for a header."""
_APART = "\ue0d9"
"""Before a line that is joined to no other."""
_TABLE = "\ue0da"
_TABLE_PLACE = re.compile(f"{_TABLE}(\\d+){_TABLE}")
"""Stands for a table while lines are put in order."""
_SENTENCE_END = "。！？；：.!?;:"
_BULLET = re.compile(r"^\s*(?:[-•·●▪◆*☑☐]|[(（]?\d{1,3}[)）.、]|[一二三四五六七八九十]+、)")
_OFFICE_TITLE = re.compile(r"^(?:Microsoft \w+ - |untitled|无标题)|\.(?:docx?|pptx?|xlsx?|indd)$", re.IGNORECASE)


def read_pdf(content: bytes) -> Parsed:
    """All pages. Raises CannotRead."""
    require("docs", "pypdfium2", "pdfplumber")
    import pypdfium2

    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise CannotRead("is a password-protected PDF; remove the password and save it again") from error
        raise CannotRead("is not a PDF that can be opened: it is damaged or cut off; download it again") from error
    if len(document) > MOST_PAGES:
        raise CannotRead(f"has more than {MOST_PAGES} pages")
    return _Reading(document, content).parsed()


class _Reading:
    """One file on its way to text."""

    def __init__(self, document: Any, content: bytes) -> None:
        self._document = document
        document.init_forms()
        self._finder = TableFinder(content)
        self._headings = _headings(document)
        self._scans = self._hidden_layers = self._hidden_parts = 0
        self._pictures_read = 0
        self._turned = 0
        """Quarters by which the text of the last page stands on it."""
        self._pages_with_pictures: list[str] = []

    def parsed(self) -> Parsed:
        contents: list[list[Block]] = []
        heights: list[float] = []
        try:
            for number, page in enumerate(self._document, start=1):
                sheet = Sheet.of(page)
                contents.append(self._page(page, sheet, number))
                heights.append(sheet.size[self._turned % 2 == 0])
                page.close()
        finally:
            self._finder.close()
        if self._scans == len(contents):
            raise CannotRead(self._on_scans())
        contents, repeated = without_repeats(contents, heights)
        pages = Pages()
        for number, content in enumerate(contents, start=1):
            text = "\n\n".join(filter(str.strip, map(self._text, content)))
            if text.strip():
                pages.add(text, Place("page", str(number)))
        title = one_line(self._document.get_metadata_dict().get("Title", ""))
        return pages.parsed("" if _OFFICE_TITLE.search(title) else title, self._notes(repeated))

    def _page(self, page: Any, sheet: Sheet, number: int) -> list[Block]:
        pictures = pictures_on(page, sheet)
        text = page_text(page, sheet, look_for_hidden=bool(pictures.boxes))
        if _is_picture(pictures, text):
            return self._scan(page, sheet, text)
        if pictures.share >= _MOST_PICTURE and text.area < LEAST_TEXT:
            self._hidden_layers += 1
        main, others, self._turned = upright(text.characters, sheet)
        content = self._laid_out(page, sheet, main, number) + blocks(runs_of(others))
        return content + self._in_pictures(page, sheet, pictures, text, number)

    def _laid_out(self, page: Any, sheet: Sheet, main: list[Character], number: int = 0) -> list[Block]:
        """Text and tables from the top of the page down, with what is written onto it in its place; tables are looked
        for where there is a page's number."""
        plain = runs_of(main)
        written = written_on(page, self._document.formenv, sheet, _beside(plain))
        self._hidden_parts += written.hidden
        filled_in = [Character(*run[:5]) for run in written.runs]
        has_tables = number and not self._turned
        tables = self._finder.tables(page, sheet, number, [*main, *filled_in]) if has_tables else []
        runs = runs_of(_outside(main, [table.box for table in tables])) if tables else plain
        runs = runs + [run for run in written.runs if not any(_inside(run, table.box) for table in tables)]
        runs += [Run(f"{_TABLE}{at}{_TABLE}", *table.box, True) for at, table in enumerate(tables)]
        found = [part for block in blocks(runs) for part in _with_tables(block, [table.text for table in tables])]
        return [*found, *([Line(f"> {one_line(note)}", *_NOWHERE)] for note in written.notes)]

    def _scan(self, page: Any, sheet: Sheet, text: PageText) -> list[Block]:
        """A page that is a picture: its words by OCR, and those of its own that are not among them."""
        main, _, _ = upright(text.characters, sheet)
        own = self._laid_out(page, sheet, main)
        if not can_ocr():
            self._scans += 1
            return own
        read = words_of_page(page)
        known = _plain(read)
        own = [[line for line in block if not _is_in(_plain(line.text), known)] for block in own]
        return [[Line(line, *_NOWHERE) for line in read.split("\n") if line.strip()], *filter(None, own)]

    def _in_pictures(self, page: Any, sheet: Sheet, pictures: Pictures, text: PageText, number: int) -> list[Block]:
        """The words of large pictures on a page of text."""
        boxes = to_read(pictures, text.characters, sheet)
        if pictures.share >= _MOST_PICTURE and not boxes and text.area < 4 * LEAST_TEXT and not text.hidden_area:
            width, height = sheet.size
            boxes = [(0.0, 0.0, width, height)]
        if not boxes:
            return []
        if not can_ocr() or self._pictures_read + len(boxes) > MOST_PICTURES:
            self._pages_with_pictures.append(str(number))
            return []
        self._pictures_read += len(boxes)
        known = _plain("".join(each.text for each in text.characters))
        read = [words.split("\n") for words in words_in(page, boxes, sheet)]
        lines = [[Line(line, *_NOWHERE) for line in words if line.strip()] for words in read]
        return [kept for block in lines if (kept := [line for line in block if not _is_in(_plain(line.text), known)])]

    def _text(self, block: Block) -> str:
        if len(block) == 1 and block[0].text.startswith(("| ", "> ")):
            return block[0].text
        return self._with_headings(
            joined_lines("\n".join(f"{_APART}{line.text}" if line.apart else line.text for line in block))
        )

    def _with_headings(self, text: str) -> str:
        """Lines that the document's outline names become Markdown headings."""
        return "\n".join(
            f"\n{'#' * level} {line.strip()}\n" if (level := self._headings.get(_plain(line))) else line
            for line in text.split("\n")
        )

    def _on_scans(self) -> str:
        count = len(self._document)
        return f"{self._scans} of {count} pages hold pictures only; pip install 'feishu-rag[ocr]' to read them"

    def _notes(self, repeated: int) -> list[str]:
        notes = [self._on_scans()] if self._scans else []
        if self._pages_with_pictures:
            pages = ", ".join(self._pages_with_pictures[:20]) + (" …" if len(self._pages_with_pictures) > 20 else "")
            why = f"only {MOST_PICTURES} of a file are" if can_ocr() else "pip install 'feishu-rag[ocr]' to read them"
            notes.append(f"pictures on {len(self._pages_with_pictures)} pages ({pages}) were not read; {why}")
        if self._hidden_layers:
            notes.append(f"{self._hidden_layers} scanned pages have a text of their own, which was read")
        if repeated:
            notes.append(f"{repeated} headers or footers that repeat were read once at most")
        if self._hidden_parts:
            notes.append(f"{self._hidden_parts} hidden fields or annotations were left out")
        if self._finder.failed:
            notes.append(f"tables on {self._finder.failed} pages could not be told from their text")
        return notes


def _is_picture(pictures: Pictures, text: PageText) -> bool:
    """Whether a page is to be read as a person sees it: what it shows is picture, and its letters are hardly any."""
    has_hidden = text.hidden_area >= LEAST_HIDDEN_TEXT
    if text.unreadable > _MOST_UNREADABLE:
        return True
    if pictures.share >= _MOST_PICTURE:
        return text.area < LEAST_TEXT and not has_hidden
    return not any(each.text.strip() for each in text.characters) and (bool(pictures.boxes) or pictures.drawn)


def _outside(characters: list[Character], boxes: list[Box]) -> list[Character]:
    return [
        each
        for each in characters
        if not any(
            box[0] <= (each.left + each.right) / 2 <= box[2] and box[1] <= (each.top + each.bottom) / 2 <= box[3]
            for box in boxes
        )
    ]


def _inside(run: Run, box: Box) -> bool:
    return box[0] <= (run.left + run.right) / 2 <= box[2] and box[1] <= run.middle <= box[3]


def _beside(runs: list[Run]) -> Callable[[Box], bool]:
    """Whether there are words on the line of a box."""
    return lambda box: any(run.top < (box[1] + box[3]) / 2 < run.bottom for run in runs)


def _with_tables(block: Block, tables: list[str]) -> list[Block]:
    """A block cut where tables stand in it, each of which is a block of its own."""
    found: list[Block] = [[]]
    for line in block:
        parts = _TABLE_PLACE.split(line.text)
        for place, part in enumerate(parts):
            if place % 2:
                found += [[Line(tables[int(part)], *_NOWHERE)], []]
            elif part.strip():
                found[-1].append(line if len(parts) == 1 else line._replace(text=part.strip()))
    return [part for part in found if part]


def _is_in(text: str, known: str) -> bool:
    return not text or text in known


def joined_lines(text: str) -> str:
    """A page's lines as paragraphs: a line that breaks inside a sentence is joined to the next."""
    lines = [line.rstrip() for line in text.split("\n")]
    longest = max(map(len, lines), default=0)
    found: list[str] = []
    last = ""
    for line in map(str.lstrip, lines):
        is_apart, line = line.startswith(_APART), line.lstrip(_APART)
        if found and line and last and not is_apart and _runs_on(last, line, longest):
            found[-1] = _rejoined(found[-1], line, text)
        else:
            found.append(line)
        last = "" if is_apart else line
    return "\n".join(found).replace("\u00ad", "")


def _rejoined(before: str, line: str, text: str) -> str:
    """Two lines as one; the hyphen stays where the same word has one elsewhere."""
    if before[-1] in "-\u00ad\u2010" and before[-2:-1].isalpha() and line[0].islower():
        first = re.split(r"[^\w]", before[:-1])[-1]
        second = re.split(r"[^\w]", line)[0]
        is_compound = f"{first}-{second}" in text or first.lower() in ("well", "self")
        return before[:-1] + ("-" if is_compound else "") + line
    if before[-1] == "\u00ad":
        return before[:-1] + "-" + line
    return joined(before, line)


def _runs_on(before: str, line: str, longest: int) -> bool:
    if before[-1] in "-\u00ad\u2010" and before[-2:-1].isalpha() and line[0].isalnum():
        return True
    if before[-1] in _SENTENCE_END or _BULLET.match(line) or len(before) < longest * 0.6:
        return False
    first = line[0]
    return not before[-1].isascii() if not first.isascii() else first.islower() or before[-1] in ",，、"


def _headings(document: Any) -> dict[str, int]:
    """The outline's titles and their levels, 1 to 6."""
    found: dict[str, int] = {}
    for entry in document.get_toc(max_depth=6):
        if title := _plain(entry.get_title()):
            found.setdefault(title, min(entry.level + 1, 6))
    return found


def _plain(text: str) -> str:
    return "".join(text.split())
