"""The process in which foreign files are parsed. Run as `python -m rag.ingestion.readers.worker MEMORY_MB TIMEOUT_S
FULLY INCLUDE_HIDDEN`.

In: a JSON line with `kind` (a suffix) and `size`, then that many bytes, for each file. Out: four bytes with the length
of an answer (big-endian), then the answer, a JSON object in UTF-8; the first one says that the process is ready. It has
no secret in its environment, and it gives up what `rag.ingestion.readers.isolation` names before the first file
arrives. Its parent has a watch on its time; what the libraries print goes nowhere.
"""

import inspect
import io
import json
import os
import signal
import sys
import zipfile
from collections.abc import Callable
from dataclasses import astuple, replace
from functools import partial
from typing import BinaryIO

from rag.errors import Unreadable
from rag.ingestion.readers.delimited import read_csv
from rag.ingestion.readers.e_book import read_epub
from rag.ingestion.readers.file_kinds import OPEN_XML, VARIANTS, actual_kind, note_on
from rag.ingestion.readers.html import read_html
from rag.ingestion.readers.isolation import isolate, isolation
from rag.ingestion.readers.ocr import read_image
from rag.ingestion.readers.open_sheets import read_ods
from rag.ingestion.readers.open_slides import read_odp
from rag.ingestion.readers.open_text import read_odt
from rag.ingestion.readers.parsed import MOST_CHARS, CannotRead, Parsed, TooLarge
from rag.ingestion.readers.pdf import read_pdf
from rag.ingestion.readers.pictures import read_picture
from rag.ingestion.readers.rich_text import read_rtf
from rag.ingestion.readers.sheets import read_xlsx
from rag.ingestion.readers.slides import read_pptx
from rag.ingestion.readers.text import read_markdown, read_text
from rag.ingestion.readers.word import read_docx

MOST_UNPACKED_BYTES = 500_000_000
PROBE = "probe"
READERS: dict[str, Callable[..., Parsed]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".pptx": read_pptx,
    ".xlsx": read_xlsx,
    ".odt": read_odt,
    ".ods": read_ods,
    ".odp": read_odp,
    ".epub": read_epub,
    ".rtf": read_rtf,
    ".csv": read_csv,
    ".tsv": partial(read_csv, fallback="\t"),
    ".image": read_image,
    ".picture": read_picture,
}
"""By suffix; what has none here is plain text. Kinds that can hide something take `include_hidden` as well."""
READERS |= {suffix: READERS[kind] for suffix, kind in VARIANTS.items()}
_OURS = frozenset({".image", ".picture"})
"""What is asked for by name, not by a file's suffix."""
_ZIPPED = frozenset({*OPEN_XML, ".odt", ".ods", ".odp", ".epub"})
_ALARM_DELAY_S = 5.0
"""The parent's watch comes first; ours ends a process whose parent was killed."""


def main() -> None:
    """Serve until the parent closes our input."""
    memory_mb, timeout_s = int(sys.argv[1]), float(sys.argv[2])
    fully, include_hidden = (flag == "True" for flag in sys.argv[3:5])
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    isolate(memory_mb, fully=fully)
    _write(answers, b'{"ready": true}')
    for line in iter(requests.readline, b""):
        request = json.loads(line)
        content = requests.read(request["size"])
        signal.setitimer(signal.ITIMER_REAL, timeout_s + _ALARM_DELAY_S)
        answer = _answer(request, content, include_hidden=include_hidden)
        _write(answers, answer)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _write(answers: BinaryIO, answer: bytes) -> None:
    answers.write(len(answer).to_bytes(4, "big") + answer)
    answers.flush()


def _answer(request: dict[str, str], content: bytes, *, include_hidden: bool) -> bytes:
    """The answer; with `is_last` where this process is not as it was before."""
    try:
        if request["kind"] == PROBE:
            return _encoded({**isolation(os.getppid(), content.decode())})
        return _encoded(_read(request["kind"], content, include_hidden=include_hidden))
    except CannotRead as error:
        return _encoded({"reason": str(error), "too_large": isinstance(error, TooLarge)})
    except Unreadable as error:
        return _encoded({"reason": error.reason})
    except MemoryError:
        return _encoded({"reason": "needs more memory than rag.reading.memory_mb allows", "is_last": True})
    except PermissionError as error:  # the file came as bytes: it is something of ours that may not be opened
        what = f"the reading process may not open {error.filename}; see rag.reading.isolate"
        return _encoded({"reason": f"cannot be read: {what}"})
    except Exception as error:  # the libraries fail in a hundred ways on a bad file; each is that file's reason
        return _encoded({"reason": f"cannot be read ({type(error).__name__})"})
    except BaseException as error:  # a library that wants to end the process: as good as a crash, but with a name
        return _encoded({"reason": f"cannot be read ({type(error).__name__})", "is_last": True})


def _encoded(answer: dict[str, object]) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")


def parse(suffix: str, content: bytes, *, include_hidden: bool = False) -> Parsed:
    """A file's text, read as what its bytes are where that is certain, otherwise by its suffix. Raises CannotRead,
    Unreadable, and what the libraries raise."""
    kind = suffix if suffix in _OURS else actual_kind(content, suffix)
    if kind in _ZIPPED:
        _check_size(content)
    reader = READERS.get(kind, read_text)
    if include_hidden and "include_hidden" in inspect.signature(reader).parameters:
        reader = partial(reader, include_hidden=True)
    parsed = reader(content)
    notes = () if suffix in _OURS else note_on(kind, suffix)
    return replace(parsed, notes=(*notes, *parsed.notes)) if notes else parsed


def _read(kind: str, content: bytes, *, include_hidden: bool) -> dict[str, object]:
    parsed = parse(kind, content, include_hidden=include_hidden)
    if len(parsed.text) > MOST_CHARS:
        raise CannotRead(f"holds more than {MOST_CHARS // 1_000_000} million characters")
    places = [(offset, *astuple(place)) for offset, place in parsed.places]
    return {"text": parsed.text, "title": parsed.title, "link": parsed.link, "places": places, "notes": parsed.notes}


def _check_size(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise CannotRead("is damaged, or not what its name says") from error
    if unpacked > MOST_UNPACKED_BYTES:
        raise CannotRead(f"unpacks to more than {MOST_UNPACKED_BYTES // 1_000_000} MB")


if __name__ == "__main__":
    main()
