"""One parser over files: run by benchmarks/reading.py, in the environment that the parser is installed in.

python benchmarks/_reading_worker.py NAME      NAME is one of PARSERS

Imports nothing of this repository beside `rag`, and that for "ours" alone. In: a path a line. Out: a JSON object a
line, first `{"ready": …}` with the size of what is installed, then for each file `text`, `seconds`, `peak_mb` and,
where it failed, `error`.
"""

import contextlib
import importlib.metadata
import json
import logging
import os
import re
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

Read = Callable[[Path], str]


def ours() -> Read:
    """The readers of this repository, without the process around them."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from rag.ingestion.readers.worker import parse

    return lambda path: parse(path.suffix.lower(), path.read_bytes()).text


def markitdown() -> Read:
    """Its default converters, without plugins."""
    from markitdown import MarkItDown

    converter = MarkItDown(enable_plugins=False)
    return lambda path: str(converter.convert(path).text_content)


def docling() -> Read:
    """The backends that need no model; of a PDF the lines that its parser finds: layout and tables need models."""
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.document import InputDocument

    backends = _docling_backends()

    def read(path: Path) -> str:
        suffix = path.suffix.lower()
        if suffix == ".pdf":
            return _docling_pdf(path)
        name, backend = backends[suffix]
        document = InputDocument(path, format=InputFormat(name), backend=backend, filename=path.name)
        if not document.valid:
            raise ValueError("not valid")
        return str(document._backend.convert().export_to_markdown())

    return read


def _docling_backends() -> dict[str, tuple[str, type]]:
    from docling.backend.csv_backend import CsvDocumentBackend
    from docling.backend.html_backend import HTMLDocumentBackend
    from docling.backend.md_backend import MarkdownDocumentBackend
    from docling.backend.msexcel_backend import MsExcelDocumentBackend
    from docling.backend.mspowerpoint_backend import MsPowerpointDocumentBackend
    from docling.backend.msword_backend import MsWordDocumentBackend

    found = {
        ".docx": ("docx", MsWordDocumentBackend),
        ".xlsx": ("xlsx", MsExcelDocumentBackend),
        ".pptx": ("pptx", MsPowerpointDocumentBackend),
        ".html": ("html", HTMLDocumentBackend),
        ".htm": ("html", HTMLDocumentBackend),
        ".md": ("md", MarkdownDocumentBackend),
        ".csv": ("csv", CsvDocumentBackend),
    }
    with contextlib.suppress(ImportError):
        from docling.backend.epub_backend import EpubDocumentBackend

        found[".epub"] = ("epub", EpubDocumentBackend)
    with contextlib.suppress(ImportError):
        from docling.backend.opendocument_backend import (
            OpenDocumentPresentationBackend,
            OpenDocumentSpreadsheetBackend,
            OpenDocumentTextBackend,
        )

        found[".odt"] = ("odt", OpenDocumentTextBackend)
        found[".ods"] = ("ods", OpenDocumentSpreadsheetBackend)
        found[".odp"] = ("odp", OpenDocumentPresentationBackend)
    return found


def _docling_pdf(path: Path) -> str:
    from docling_parse.pdf_parser import DoclingPdfParser

    document = DoclingPdfParser(loglevel="fatal").load(path_or_stream=str(path))
    return "\n".join(cell.text for _, page in document.iterate_pages() for cell in page.textline_cells)


def pymupdf4llm() -> Read:
    """PDF alone."""
    import pymupdf4llm

    return lambda path: str(pymupdf4llm.to_markdown(str(path), show_progress=False))


def kreuzberg() -> Read:
    """Its own parsers, without OCR."""
    from kreuzberg import extract_file_sync

    return lambda path: str(extract_file_sync(str(path)).content)


PARSERS: dict[str, tuple[Callable[[], Read], str]] = {
    "ours": (ours, "feishu-rag[docs]"),
    "markitdown": (markitdown, "markitdown[docx,pdf,pptx,xlsx]"),
    "docling": (docling, "docling-slim[convert-core,format-office,format-opendocument,format-pdf,format-web]"),
    "pymupdf4llm": (pymupdf4llm, "pymupdf4llm<1"),
    "kreuzberg": (kreuzberg, "kreuzberg"),
}
"""By name: what makes its reader, and what pip installs."""
NOT_READ = {"pymupdf4llm": frozenset({".docx", ".xlsx", ".pptx", ".html", ".htm", ".csv", ".md", ".txt", ".rtf"})}
NOT_READ["pymupdf4llm"] |= {".odt", ".ods", ".odp", ".epub"}
NOT_READ["docling"] = frozenset({".txt", ".rtf"})
"""By name: what a parser is not made for, or reads in its commercial version alone."""


def installed_mb(requirement: str) -> float:
    """Megabytes of a distribution and of all that it needs, as installed."""
    names, seen = [requirement], set()
    size = 0
    while names:
        asked = names.pop()
        name = re.split(r"[\[<>=!~; ]", asked, maxsplit=1)[0].lower()
        extras = set(re.findall(r"[\w-]+", asked.partition("[")[2].partition("]")[0]))
        key = (name, frozenset(extras))
        if key in seen:
            continue
        seen.add(key)
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            names += _needs(name, extras)
            if sum(other == name for other, _ in seen) == 1:
                size += _bytes_of(name)
    return size / 1e6


def _needs(name: str, extras: set[str]) -> list[str]:
    found = []
    for line in importlib.metadata.distribution(name).requires or []:
        wanted, _, marker = line.partition(";")
        condition = re.search(r"""extra\s*==\s*["']([\w-]+)["']""", marker)
        if ("darwin" in marker or "win32" in marker) and "!=" not in marker:
            continue
        if name == "feishu-rag" and condition is None:
            continue  # what the bot needs anyway
        if condition is None or condition.group(1) in extras:
            found.append(wanted.strip())
    return found


def _bytes_of(name: str) -> int:
    files = importlib.metadata.distribution(name).files or []
    if name == "feishu-rag":
        return 0
    return sum(os.path.getsize(path) for path in {str(file.locate()) for file in files} if os.path.isfile(path))


def main() -> None:
    """Serve until the parent closes our input."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    make, requirement = PARSERS[sys.argv[1]]
    started = time.perf_counter()
    try:
        read = make()
    except ImportError as error:
        answers.write(json.dumps({"absent": str(error), "pip": requirement}) + "\n")
        answers.flush()
        return
    ready = {"ready": time.perf_counter() - started, "installed_mb": installed_mb(requirement)}
    answers.write(json.dumps(ready) + "\n")
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(_answer(read, Path(line.rstrip("\n")))) + "\n")
        answers.flush()


def _answer(read: Read, path: Path) -> dict[str, object]:
    started = time.perf_counter()
    found: dict[str, object] = {"text": ""}
    try:
        found = {"text": read(path)}
    except BaseException as error:  # a parser that fails is a result
        found["error"] = f"{type(error).__name__}: {error}"[:300]
    found["seconds"] = time.perf_counter() - started
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


if __name__ == "__main__":
    main()
