"""Folders to documents: text in any encoding here, the rest by `rag.readers`; one bad file never stops the others."""

import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import yaml

from rag.documents import Document
from rag.errors import IngestError, Unreadable

if TYPE_CHECKING:
    from rag.readers import Readers

READING = 1
"""Raised when readers give other text than before for the same file, so that files are read again."""
MARKDOWN = frozenset({".md", ".markdown"})
TEXT = MARKDOWN | {".txt"}
PARSED = frozenset({".html", ".htm", ".pdf", ".docx", ".pptx", ".xlsx", ".xlsm", ".csv", ".tsv"})
OLD_FORMATS = {".doc": ".docx", ".ppt": ".pptx", ".xls": ".xlsx", ".wps": ".docx", ".et": ".xlsx", ".dps": ".pptx"}
SUFFIXES = TEXT | PARSED | frozenset(OLD_FORMATS)
_LIBRARIES = {
    ".html": ("bs4", "lxml", "markdownify"),
    ".pdf": ("pypdfium2", "pdfplumber", "rapidocr"),
    ".docx": ("docx",),
    ".pptx": ("pptx",),
    ".xlsx": ("openpyxl",),
}
MAX_FILE_BYTES = 20_000_000
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_ENCODINGS = ["gb18030", "big5", "big5hkscs", "utf_16_le", "utf_16_be", "shift_jis", "euc_kr", "cp1252"]


def find_files(folders: Sequence[Path]) -> list[tuple[Path, str]]:
    """Every document file below the folders as (file, source), sorted; hidden and temporary files are left out.

    `source` is the path relative to its folder; where two folders hold the same one, the folder's name goes before it.
    A file may stand among the folders. Raises IngestError for one that is not there.
    """
    found: list[tuple[Path, str]] = []
    seen: set[str] = set()
    for folder in folders:
        if not folder.exists():
            raise IngestError(f"The knowledge folder {folder} does not exist; create it or set RAG__KNOWLEDGE")
        for file in _walk(folder) if folder.is_dir() else [folder]:
            source = _printable(file.relative_to(folder)) if folder.is_dir() else _printable(PurePath(file.name))
            if source in seen:
                source = f"{_printable(PurePath(folder.resolve().name))}/{source}"
            seen.add(source)
            found.append((file, source))
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith((".", "~$")) and Path(name).suffix.lower() in SUFFIXES:
                yield Path(root) / name


def _printable(path: PurePath) -> str:
    """A file name as text: bytes that are no UTF-8 are replaced, so that it can be stored and shown."""
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")


def reader_mark(suffix: str) -> str:
    """What would read a file of this kind: changes with our readers and with the libraries that are installed."""
    kind = {".htm": ".html", ".xlsm": ".xlsx"}.get(suffix.lower(), suffix.lower())
    there = [name for name in _LIBRARIES.get(kind, ()) if importlib.util.find_spec(name) is not None]
    return f"{READING} {' '.join(there)}"


def to_document(file: Path, source: str, collection: str, readers: "Readers") -> Document:
    """Read one file of any kind. Raises Unreadable."""
    suffix = file.suffix.lower()
    if suffix in OLD_FORMATS:
        raise Unreadable(source, f"is in an old format; save it as {OLD_FORMATS[suffix]}")
    if suffix not in PARSED:
        return load(file, source, collection)
    parsed = readers.read(file, source)
    if not parsed.text.strip():
        raise Unreadable(source, "holds no text")
    title = parsed.title or PurePath(source).stem
    return Document(source, title, parsed.text, _web_link(parsed.link), collection, parsed.places, parsed.notes)


def load(file: Path, source: str, collection: str = "default") -> Document:
    """Read one Markdown or text file. Raises Unreadable."""
    text = decode(read_bytes(file, source), source)
    front, body = split_front_matter(text)
    if not body.strip():
        raise Unreadable(source, "holds no text")
    title = _text(front.get("title")) or (first_heading(body) if _is_markdown(file) else "") or PurePath(source).stem
    link = _text(front.get("link")) or _text(front.get("url"))
    return Document(source=source, title=title, text=body, link=_web_link(link), collection=collection)


def read_bytes(file: Path, source: str) -> bytes:
    """The file's bytes, within the size limit. Raises Unreadable."""
    try:
        size = file.stat().st_size
        if size > MAX_FILE_BYTES:
            raise Unreadable(source, f"is larger than {MAX_FILE_BYTES // 1_000_000} MB")
        return file.read_bytes()
    except OSError as error:
        raise Unreadable(source, f"cannot be read ({error.strerror or type(error).__name__})") from error


def decode(content: bytes, source: str) -> str:
    """Bytes to text with `\\n` line ends: by BOM, as UTF-8, or by detection. Raises Unreadable."""
    text = _decoded(content)
    if text is None:
        raise Unreadable(source, "has an unknown encoding; save it as UTF-8")
    if "\x00" in text:
        raise Unreadable(source, "is not a text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _strictly(content, encoding)
    return _strictly(content, "utf-8") or ("" if not content else _detected(content))


def _strictly(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _detected(content: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(content, cp_isolation=_ENCODINGS).best()
    return None if best is None else str(best)


def split_front_matter(text: str) -> tuple[dict[str, object], str]:
    """YAML front matter and the text after it; what does not parse as a mapping is text."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        front = yaml.safe_load(match.group(1))
    except yaml.YAMLError:
        return {}, text
    return (front, text[match.end() :]) if isinstance(front, dict) else ({}, text)


def first_heading(text: str) -> str:
    """The first Markdown heading outside code fences, or an empty string."""
    fenced = False
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (match := _HEADING.match(line)):
            return match.group(1)
    return ""


def _is_markdown(file: Path) -> bool:
    return file.suffix.lower() in MARKDOWN


def _text(value: object) -> str:
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""


def _web_link(link: str) -> str | None:
    """Only web addresses become links: a document must not smuggle `javascript:` onto a page."""
    return link if link.lower().startswith(("https://", "http://")) else None
