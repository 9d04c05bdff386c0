"""PDF: text by page, tables where ruled lines suggest them, OCR for pages that hold a picture only."""

import io
import logging
import re
from typing import Any

from rag.documents import Place
from rag.ingestion.readers.ocr import can_ocr, text_of_image
from rag.ingestion.readers.parsed import CannotRead, Pages, Parsed, markdown_table, one_line, require

LEAST_LINES = 4
LEAST_TEXT_CHARS = 8
MOST_PAGES = 5000
OCR_SCALE = 2.0
_SENTENCE_END = "。！？；：.!?;:"
_BULLET = re.compile(r"^\s*(?:[-•·●▪◆*]|[(（]?\d{1,3}[)）.、]|[一二三四五六七八九十]+、)")
_OFFICE_TITLE = re.compile(r"^(?:Microsoft \w+ - |untitled|无标题)|\.(?:docx?|pptx?|xlsx?|indd)$", re.IGNORECASE)


def read_pdf(content: bytes) -> Parsed:
    """All pages. Raises CannotRead."""
    require("docs", "pypdfium2", "pdfplumber")
    import pypdfium2

    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise CannotRead("is locked with a password" if locked else "is not a PDF that can be opened") from error
    if len(document) > MOST_PAGES:
        raise CannotRead(f"has more than {MOST_PAGES} pages")
    return _Reading(document, content).parsed()


class _Reading:
    """One file on its way to text."""

    def __init__(self, document: Any, content: bytes) -> None:
        self._document = document
        self._content = content
        self._plumber: Any = None
        self._pictures = 0
        self._headings = _headings(document)

    def parsed(self) -> Parsed:
        pages = Pages()
        try:
            for number, page in enumerate(self._document, start=1):
                text = self._page(page, number)
                if text.strip():
                    pages.add(text, Place("page", str(number)))
        finally:
            if self._plumber is not None:
                self._plumber.close()
        notes = []
        if self._pictures:
            count = len(self._document)
            reason = f"{self._pictures} of {count} pages hold pictures only; pip install 'feishu-rag[ocr]' to read them"
            if self._pictures == count:
                raise CannotRead(reason)
            notes.append(reason)
        title = one_line(self._document.get_metadata_dict().get("Title", ""))
        return pages.parsed("" if _OFFICE_TITLE.search(title) else title, notes)

    def _page(self, page: Any, number: int) -> str:
        text_page = page.get_textpage()
        whole = text_page.get_text_range()
        if len(whole.strip()) < LEAST_TEXT_CHARS and _has_picture(page):
            return self._by_ocr(page) or whole
        tables = self._tables(number) if _has_lines(page) else []
        if not tables:
            return self._with_headings(joined_lines(whole))
        parts, top = [], page.get_height()
        for box, rows in tables:  # from the top of the page down, the text between them as it stands
            above = text_page.get_text_bounded(
                left=0, bottom=page.get_height() - box[1], right=page.get_width(), top=top
            )
            parts += [self._with_headings(joined_lines(above)), markdown_table(rows)]
            top = page.get_height() - box[3]
        below = text_page.get_text_bounded(left=0, bottom=0, right=page.get_width(), top=top)
        return "\n\n".join(part for part in (*parts, self._with_headings(joined_lines(below))) if part.strip())

    def _tables(self, number: int) -> list[tuple[tuple[float, float, float, float], list[list[str | None]]]]:
        import pdfplumber

        if self._plumber is None:
            self._plumber = pdfplumber.open(io.BytesIO(self._content))
        page = self._plumber.pages[number - 1]
        found = [(table.bbox, table.extract()) for table in page.find_tables()]
        page.close()
        full = [(box, rows) for box, rows in found if len(rows) > 1 and max(map(len, rows)) > 1]
        return sorted(full, key=lambda table: table[0][1])

    def _by_ocr(self, page: Any) -> str:
        if not can_ocr():
            self._pictures += 1
            return ""
        return text_of_image(page.render(scale=OCR_SCALE).to_pil())

    def _with_headings(self, text: str) -> str:
        """Lines that the document's outline names become Markdown headings."""
        lines = text.split("\n")
        return "\n".join(
            f"\n{'#' * level} {line.strip()}\n" if (level := self._headings.get(_plain(line))) else line
            for line in lines
        )


def joined_lines(text: str) -> str:
    """A page's lines as paragraphs: a line that breaks inside a sentence is joined to the next."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    longest = max(map(len, lines), default=0)
    found: list[str] = []
    for line in lines:
        before = found[-1] if found else ""
        if before and line.strip() and _runs_on(before, line, longest):
            joint = " " if before[-1].isascii() and line.lstrip()[0].isascii() and before[-1] != "-" else ""
            found[-1] = before + joint + line.strip()
        else:
            found.append(line)
    return "\n".join(found)


def _runs_on(before: str, line: str, longest: int) -> bool:
    if before[-1] in _SENTENCE_END or _BULLET.match(line) or len(before.split("\n")[-1]) < longest * 0.6:
        return False
    first = line.lstrip()[0]
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


def _has_lines(page: Any) -> bool:
    """Whether there are vector paths enough for the rules of a table."""
    import pypdfium2.raw as raw

    for count, _ in enumerate(page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=3), start=1):
        if count >= LEAST_LINES:
            return True
    return False


def _has_picture(page: Any) -> bool:
    import pypdfium2.raw as raw

    return next(iter(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)), None) is not None
