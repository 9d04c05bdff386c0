"""Starts processes of `feishu-rag` from one that has imported all they need: a start takes a tenth of the CPU.

What it forks are processes of their own, which can be stopped, killed and starved like any other; only the start of the
interpreter and the imports are shared. Nothing that is imported here may start threads or read the environment. Run as
`python -m tests.support.fork_server FD`: over that socket come requests, one JSON text each with two descriptors (for
standard error, and for a line with the child's pid and one with its exit code). It ends, with its children, when the
socket is closed.
"""

import asyncio
import atexit
import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

IMPORTED = (
    "bot.cli",
    "bot.serve",
    "bot.serve_demo",
    "bot.demo",
    "rag.generation.llm",
    "rag.generation.llm_generator",
    "rag.index.local.bm25",
    "rag.index.local.faiss",
    "rag.generation.extractive",
    # what these, uvicorn and SQLAlchemy load at the first use
    "h11",
    "httpcore",
    "opencc",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "uvloop",
)
MOST_BYTES = 1_000_000


@dataclass
class Forked:
    """What tests use of `asyncio.subprocess.Process`."""

    pid: int
    stderr: asyncio.StreamReader
    _status: asyncio.StreamReader
    returncode: int | None = None

    def send_signal(self, number: signal.Signals) -> None:
        """Raises ProcessLookupError where it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """The exit code; that of a killed process is minus the signal's number."""
        if self.returncode is None:
            line = await self._status.readline()
            self.returncode = int(line) if line else -signal.SIGKILL
        return self.returncode


class ForkServer:
    """The server's process, as those see it who ask it for processes."""

    def __init__(self) -> None:
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_BYTES)
        with other:
            command = [sys.executable, "-m", "tests.support.fork_server", str(other.fileno())]
            self._process = subprocess.Popen(
                command, pass_fds=[other.fileno()], cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL
            )

    async def start(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Forked:
        """A process of `feishu-rag` with these arguments, in this folder, with this environment and no other."""
        error_read, error_write = os.pipe()
        status_read, status_write = os.pipe()
        request = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [error_write, status_write])
        finally:
            os.close(error_write)
            os.close(status_write)
        error, status = await _reader(error_read), await _reader(status_read)
        return Forked(int(await status.readline()), error, status)

    def close(self) -> None:
        """Ends it and whatever it started."""
        self._socket.close()
        self._process.wait()


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb", 0))
    return reader


class _Serving:
    """The loop in the server's process."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._children: dict[int, int] = {}
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)

    def run(self) -> None:
        """Until the other side is closed."""
        while True:
            ready, _, _ = select.select([self._requests.fileno(), self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            if self._requests.fileno() in ready:
                content, descriptors, _, _ = socket.recv_fds(self._requests, MOST_BYTES, 2)
                if not content:
                    break
                self._fork(json.loads(content), *descriptors)
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _fork(self, request: dict[str, Any], error: int, status: int) -> None:
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (self._requests.fileno(), self._woken, self._wake, status, *self._children.values()):
                os.close(descriptor)
            _become(request, error)
        os.close(error)
        self._children[pid] = status
        _tell(status, pid)

    def _reap(self) -> None:
        while self._children:
            pid, code = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            status = self._children.pop(pid)
            _tell(status, os.waitstatus_to_exitcode(code))
            os.close(status)


def _tell(status: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(status, f"{number}\n".encode())


def _become(request: dict[str, Any], error: int) -> NoReturn:
    """In the child: run the command and end as an interpreter would."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.dup2(error, 2)
    os.close(error)
    os.close(nothing)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["feishu-rag", *request["arguments"]]
    os._exit(_ran())


def _ran() -> int:
    from bot.cli.commands import main

    code = 0
    try:
        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            sys.stderr.write(f"{error.code}\n")
    except BaseException:  # as the interpreter does
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    for module in IMPORTED:
        importlib.import_module(module)
    _Serving(socket.socket(fileno=int(sys.argv[1]))).run()
