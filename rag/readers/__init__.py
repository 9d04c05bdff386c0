"""Files to text in a process of their own, so that a bad one costs its time limit and never the ingest."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from rag.documents import Place
from rag.errors import Unreadable
from rag.readers.parsed import Parsed
from rag.settings import ReadingSettings

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH")


class Readers:
    """Starts the reading process when the first file needs it, and again after one that broke it. Close it."""

    def __init__(self, settings: ReadingSettings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None

    def read(self, file: Path, source: str) -> Parsed:
        """What a reader makes of the file. Raises Unreadable."""
        process = self._running()
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            process.kill()

        watch = threading.Timer(self._settings.timeout_s, stop)
        watch.start()
        try:
            answer = self._ask(process, file)
        finally:
            watch.cancel()
        if answer is None:
            self.close()
            if timed_out.is_set():
                raise Unreadable(source, f"took longer than {self._settings.timeout_s:g} s (rag.reading.timeout_s)")
            raise Unreadable(source, "made its reader crash; it is damaged, or rag.reading.memory_mb is too little")
        if "reason" in answer:
            raise Unreadable(source, str(answer["reason"]), too_large=bool(answer.get("too_large")))
        places = tuple((offset, Place(**place)) for offset, place in answer.pop("places"))
        return Parsed(**{**answer, "places": places, "notes": tuple(answer["notes"])})

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
            environment["PYTHONPATH"] = str(Path(__file__).parents[2])
            environment["OMP_NUM_THREADS"] = environment["OPENBLAS_NUM_THREADS"] = "1"
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no argument of a person's
                [sys.executable, "-m", "rag.readers.worker", str(self._settings.memory_mb)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                encoding="utf-8",
            )
        return self._process

    def _ask(self, process: "subprocess.Popen[str]", file: Path) -> dict[str, Any] | None:
        """The process's answer; None when it died."""
        if process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(json.dumps({"file": os.fsencode(file.absolute()).hex()}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            return json.loads(line) if line else None
        except (OSError, ValueError):
            return None


def image_text(content: bytes, settings: ReadingSettings, *, name: str = "image") -> str:
    """The words in a PNG, JPEG, WebP, BMP, GIF or TIFF, line by line; "" when there are none. Blocking, seconds.

    Each picture gets a process of its own, so that one person's cannot reach another's. Raises Unreadable, which names
    the extra `ocr` when it is missing and says `too_large` for too many pixels.
    """
    return _read_picture(content, settings, name, ".image").strip()


def picture_url(content: bytes, settings: ReadingSettings, *, name: str = "image") -> str:
    """The picture, shrunk and written anew, as a `data:` URL for a model that sees. Blocking; otherwise like
    `image_text`, with the extra `vision`."""
    return _read_picture(content, settings, name, ".picture")


def _read_picture(content: bytes, settings: ReadingSettings, name: str, suffix: str) -> str:
    with tempfile.TemporaryDirectory(prefix="feishu-rag-") as folder, contextlib.closing(Readers(settings)) as readers:
        file = Path(folder) / f"picture{suffix}"
        file.write_bytes(content)
        return readers.read(file, name).text
