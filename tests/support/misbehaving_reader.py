"""The reading process with readers for files that do it harm; tests start it in place of
`rag.ingestion.readers.worker`."""

import ctypes
import json
import os
import sys
import time
from typing import Any

from rag.documents import Place
from rag.ingestion.readers import worker
from rag.ingestion.readers.parsed import Parsed

ANSWERS = os.dup(1)
"""What the parent reads, also after `main` has sent our output nowhere."""
DESCRIPTORS = frozenset(int(name) for name in os.listdir("/dev/fd"))


def _hangs(_content: bytes) -> Parsed:
    while True:
        time.sleep(1)


def _never_ends(_content: bytes) -> Parsed:
    total = 0
    while True:
        total += 1


def _dies(_content: bytes) -> Parsed:
    ctypes.string_at(0)
    raise AssertionError("unreachable")


def _exits(_content: bytes) -> Parsed:
    sys.exit(3)


def _recurses(content: bytes) -> Parsed:
    return _recurses(content)


def _eats_memory(_content: bytes) -> Parsed:
    return Parsed(str(len([bytes(2**26) for _ in range(1_000)])))


def _fails_oddly(_content: bytes) -> Parsed:
    raise ValueError("x" * 100_000)


def _floods(_content: bytes) -> Parsed:
    while True:
        os.write(ANSWERS, b"\xff" * 65_536)


def _says_nonsense(content: bytes) -> Parsed:
    os.write(ANSWERS, len(content).to_bytes(4, "big") + content)
    return Parsed("")


def _swells(_content: bytes) -> Parsed:
    return Parsed("x" * 20_000_001)


def _has_odd_places(_content: bytes) -> Parsed:
    return Parsed("x", places=((0, Place("chapter", "1")),))  # type: ignore[arg-type]


def _dies_later(_content: bytes) -> Parsed:
    """At the next file, as after memory that was damaged."""
    worker.READERS.update(dict.fromkeys(worker.READERS, _dies))
    return Parsed("fine so far")


def _pid(_content: bytes) -> Parsed:
    return Parsed(str(os.getpid()))


def _tells(_content: bytes) -> Parsed:
    told: dict[str, Any] = {"environment": dict(os.environ), "descriptors": sorted(DESCRIPTORS), "path": sys.path}
    return Parsed(json.dumps(told))


worker.READERS.update(
    {
        ".hangs": _hangs,
        ".never-ends": _never_ends,
        ".dies": _dies,
        ".dies-later": _dies_later,
        ".exits": _exits,
        ".recurses": _recurses,
        ".eats-memory": _eats_memory,
        ".fails-oddly": _fails_oddly,
        ".floods": _floods,
        ".says-nonsense": _says_nonsense,
        ".swells": _swells,
        ".odd-places": _has_odd_places,
        ".pid": _pid,
        ".tells": _tells,
    }
)

if __name__ == "__main__":
    worker.main()
