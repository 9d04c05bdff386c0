"""The process in which untrusted files are parsed: one JSON line in for each file, one JSON line out.

Run as `python -m rag.readers.worker MEMORY_MB`. It has no secret in its environment, a limit on its memory, and its
parent has a watch on its time; what the libraries print goes nowhere.
"""

import json
import os
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rag.errors import Unreadable
from rag.readers.html import read_html
from rag.readers.ocr import read_image
from rag.readers.parsed import CannotRead, Parsed, TooLarge
from rag.readers.pdf import read_pdf
from rag.readers.pictures import read_picture
from rag.readers.sheets import read_csv, read_xlsx
from rag.readers.slides import read_pptx
from rag.readers.word import read_docx

MOST_UNPACKED_BYTES = 500_000_000
READERS: dict[str, Callable[[Path], Parsed]] = {
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".pptx": read_pptx,
    ".xlsx": read_xlsx,
    ".xlsm": read_xlsx,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".image": read_image,
    ".picture": read_picture,
}
_ZIPPED = frozenset({".docx", ".pptx", ".xlsx", ".xlsm"})


def main() -> None:
    """Serve until the parent closes our input."""
    _limit_memory(int(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line)["file"])) + "\n")
        answers.flush()


def _answer(name: str) -> dict[str, object]:
    file = Path(os.fsdecode(bytes.fromhex(name)))
    try:
        _check_size(file)
        return asdict(READERS[file.suffix.lower()](file))
    except CannotRead as error:
        return {"reason": str(error), "too_large": isinstance(error, TooLarge)}
    except Unreadable as error:
        return {"reason": error.reason}
    except MemoryError:
        return {"reason": "needs more memory than rag.reading.memory_mb allows"}
    except Exception as error:  # the libraries fail in a hundred ways on a bad file; each is that file's reason
        return {"reason": f"cannot be read ({type(error).__name__})"}


def _check_size(file: Path) -> None:
    if file.suffix.lower() not in _ZIPPED:
        return
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise CannotRead("is damaged, or not what its name says") from error
    if unpacked > MOST_UNPACKED_BYTES:
        raise CannotRead(f"unpacks to more than {MOST_UNPACKED_BYTES // 1_000_000} MB")


def _limit_memory(megabytes: int) -> None:
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows has no such limit
        return
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20, megabytes * 2**20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
