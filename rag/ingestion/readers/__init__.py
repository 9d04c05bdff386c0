"""Files to text in a process of their own, so that a bad one costs its time limit and never the ingest."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.documents import PLACE_KINDS, Place
from rag.errors import ReadersUnavailable, Unreadable
from rag.ingestion.readers.isolation import PACKAGE, has_own_user
from rag.ingestion.readers.parsed import MOST_CHARS, Parsed
from rag.ingestion.readers.watchdog import Watchdog

if TYPE_CHECKING:
    from rag.settings import ReadingSettings

WORKER = "rag.ingestion.readers.worker"
START_S = 120.0
MOST_ANSWER_BYTES = 5 * MOST_CHARS
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH")
_NOT_READY = (
    "The process that reads files ended before it could read any; see feishu-rag doctor, and set "
    "rag.reading.isolate: false if it needs rights that were taken from it"
)


class Readers:
    """Starts the reading process when the first file needs it, and again after one that broke it. Close it, at last.

    It reads one file at a time: not for several threads at once.
    """

    def __init__(self, settings: "ReadingSettings") -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: Watchdog | None = None
        self._is_closed = False

    def read(self, content: bytes, kind: str, source: str) -> Parsed:
        """What a reader makes of a file's bytes; `kind` is its suffix, in lower case.

        Raises Unreadable, whatever happened to the process; ReadersUnavailable where none can be started.
        """
        answer = self._answer(content, kind, source)
        if "reason" in answer:
            raise Unreadable(source, str(answer["reason"])[:500], too_large=bool(answer.get("too_large")))
        try:
            return _parsed(answer)
        except (KeyError, TypeError, ValueError) as error:
            self.end_process()
            raise Unreadable(source, "made its reader answer nonsense") from error

    def isolation(self) -> dict[str, bool]:
        """What a reader cannot reach, found out by trying: `network`, the bot's `environment` and `files`, `programs`;
        `user` where it has one of its own. Raises RagError."""
        with tempfile.NamedTemporaryFile(prefix="feishu-rag-") as secret:
            secret.write(b"secret")
            secret.flush()
            answer = self._answer(os.fsencode(secret.name), "probe", "probe")
            return {**{name: bool(held) for name, held in answer.items()}, "user": self._has_own_user()}

    def _has_own_user(self) -> bool:
        with contextlib.suppress(OSError, AttributeError):
            return self._process is not None and has_own_user(Path(f"/proc/{self._process.pid}").stat().st_uid)
        return False

    def close(self) -> None:
        """End the process, also while another thread waits for it. Reading afterwards raises ReadersUnavailable."""
        self._is_closed = True
        self.end_process()

    def end_process(self) -> None:
        """The next file gets a new one."""
        process, self._process = self._process, None
        watchdog, self._watchdog = self._watchdog, None
        if process is None or watchdog is None:
            return
        watchdog.close()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _answer(self, content: bytes, kind: str, source: str) -> dict[str, Any]:
        """The process's answer. Raises Unreadable when it took too long or ended.

        A process may end late of what an earlier file did to it: a file is blamed for what it does to a new one.
        """
        is_new = self._process is None
        process, watchdog = self._running()
        request = json.dumps({"kind": kind, "size": len(content)}).encode() + b"\n"
        with watchdog.limit(self._settings.timeout_s):
            answer = _ask(process, request, content)
        if answer is None or answer.get("is_last"):
            self.end_process()
        if answer is not None:
            return answer
        if watchdog.has_killed:
            raise Unreadable(source, f"took longer than {self._settings.timeout_s:g} s (rag.reading.timeout_s)")
        if not is_new:
            return self._answer(content, kind, source)
        raise Unreadable(source, "made its reader crash; it is damaged, or rag.reading.memory_mb is too little")

    def _running(self) -> "tuple[subprocess.Popen[bytes], Watchdog]":
        if self._process is None or self._watchdog is None or self._process.poll() is not None:
            self.end_process()
            self._check_open()
            process = self._started()
            watchdog = Watchdog(process)
            self._process, self._watchdog = process, watchdog
            self._check_open()
            with watchdog.limit(START_S):
                is_ready = _ask(process, b"", b"") is not None
            if not is_ready:
                self.end_process()
                self._check_open()
                raise ReadersUnavailable(_NOT_READY)
            return process, watchdog
        return self._process, self._watchdog

    def _check_open(self) -> None:
        if self._is_closed:
            self.end_process()
            raise ReadersUnavailable("No more files are read")

    def _started(self) -> "subprocess.Popen[bytes]":
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment["PYTHONPATH"] = str(PACKAGE.parent)
        environment["OMP_NUM_THREADS"] = environment["OPENBLAS_NUM_THREADS"] = "1"
        settings = self._settings
        limits = (str(settings.memory_mb), str(settings.timeout_s), str(settings.isolate), str(settings.include_hidden))
        try:
            return subprocess.Popen(  # noqa: S603 - our own module, no argument of a person's
                [sys.executable, "-P", "-B", "-m", WORKER, *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            raise ReadersUnavailable(f"No process can be started to read files ({error.strerror})") from error


def _ask(process: "subprocess.Popen[bytes]", request: bytes, content: bytes) -> dict[str, Any] | None:
    """The process's next answer; None when it ended or sends what is none."""
    if process.stdin is None or process.stdout is None:
        return None
    try:
        process.stdin.write(request)
        process.stdin.write(content)
        process.stdin.flush()
        size = int.from_bytes(_exactly(process.stdout, 4), "big")
        if size > MOST_ANSWER_BYTES:
            return None
        answer = json.loads(_exactly(process.stdout, size))
        return answer if isinstance(answer, dict) else None
    except (OSError, EOFError, ValueError, RecursionError):
        return None


def _exactly(stream: Any, size: int) -> bytes:
    content = bytes(stream.read(size))
    if len(content) < size:
        raise EOFError
    return content


def _parsed(answer: dict[str, Any]) -> Parsed:
    """The answer with its types checked: what sent it had a foreign file in it. Raises KeyError, TypeError,
    ValueError."""
    text, title, link = (answer[name] for name in ("text", "title", "link"))
    places = tuple((int(offset), Place(*fields)) for offset, *fields in answer["places"])
    texts = [text, title, link, *answer["notes"]]
    texts += [each for _, place in places for each in (place.name, place.anchor, place.link)]
    if not all(isinstance(each, str) for each in texts) or not all(place.kind in PLACE_KINDS for _, place in places):
        raise TypeError
    return Parsed(text, title, link, places, tuple(answer["notes"]))


def image_text(content: bytes, settings: "ReadingSettings", *, name: str = "image") -> str:
    """The words in a PNG, JPEG, WebP, BMP, GIF or TIFF, line by line; "" when there are none. Blocking, seconds.

    Each picture gets a process of its own, so that one person's cannot reach another's. Raises Unreadable, which names
    the extra `ocr` when it is missing and says `too_large` for too many pixels; ReadersUnavailable.
    """
    return _read_picture(content, settings, name, ".image").strip()


def picture_url(content: bytes, settings: "ReadingSettings", *, name: str = "image") -> str:
    """The picture, shrunk and written anew, as a `data:` URL for a model that sees. Blocking; otherwise like
    `image_text`, with the extra `vision`."""
    return _read_picture(content, settings, name, ".picture")


def _read_picture(content: bytes, settings: "ReadingSettings", name: str, kind: str) -> str:
    with contextlib.closing(Readers(settings)) as readers:
        return readers.read(content, kind, name).text
