"""Ends a process that takes too long, by one thread for all its answers: one for each would cost more than they do."""

import contextlib
import math
import subprocess
import threading
import time
from collections.abc import Iterator


class Watchdog:
    """Watches one process until it has ended or `close` is called."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._changed = threading.Condition()
        self._due = self._wakes_at = math.inf
        self._is_closed = False
        self.has_killed = False
        threading.Thread(target=self._watch, name="rag-reader-watchdog", daemon=True).start()

    @contextlib.contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """The process is killed when what happens inside takes longer."""
        with self._changed:
            self._due = time.monotonic() + seconds
            if self._due < self._wakes_at:  # otherwise the thread wakes in time, and need not be told
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._due = math.inf

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closed:
                left_s = self._due - time.monotonic()
                if left_s <= 0:
                    self.has_killed = True
                    self._process.kill()
                    return
                self._wakes_at = self._due
                self._changed.wait(None if left_s == math.inf else min(left_s, threading.TIMEOUT_MAX))
