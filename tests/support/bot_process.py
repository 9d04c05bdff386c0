"""The real bot in a process of its own, started by its command line, for tests that kill it."""

import asyncio
import atexit
import contextlib
import functools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.fork_server import Forked, ForkServer

REPOSITORY = Path(__file__).parent.parent.parent
DEADLINE_S = 60.0
SECRETS = {
    "FEISHU__APP_ID": "cli_sandbox",
    "FEISHU__APP_SECRET": "sandbox-secret",
    "FEISHU__ENCRYPT_KEY": "sandbox-encrypt-key",
    "FEISHU__VERIFICATION_TOKEN": "sandbox-verification-token",
}
OURS = ("FEISHU__", "RAG__", "BOT__")


@dataclass
class BotProcess:
    """One run of `feishu-rag serve` (or another `command`). `lines` are its log lines, parsed where they are JSON.
    `launcher` is a command that goes before it; without one, and with the usual path of
    imports, it is forked (`tests.support.fork_server`)."""

    folder: Path
    environment: Mapping[str, str]
    command: tuple[str, ...] = ("serve",)
    launcher: tuple[str, ...] = ()
    lines: list[dict[str, Any]] = field(default_factory=list)
    public: str = ""
    web: str = ""
    process: asyncio.subprocess.Process | Forked | None = None
    _reading: asyncio.Task[None] | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> "BotProcess":
        """Starts it and waits until both doors are open."""
        inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(OURS)}
        given = {**inherited, "PYTHONPATH": str(REPOSITORY), "BOT__LOG_FORMAT": "json", **self.environment}
        if self.launcher or "PYTHONPATH" in self.environment:
            self.process = await asyncio.create_subprocess_exec(
                *(*self.launcher, sys.executable, "-m", "bot.cli", *self.command),
                cwd=self.folder,
                env=given,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        else:
            self.process = await _fork_server().start(self.command, self.folder, given)
        self._reading = asyncio.create_task(self._read())
        serving = await self.logged("serving")
        self.public, self.web = serving["public"], serving["web"]
        return self

    async def logged(self, event: str, *, times: int = 1, **fields: Any) -> dict[str, Any]:
        """The first log line of this event (and these fields), or that after so many `times`, now or later."""

        def found() -> dict[str, Any] | None:
            wanted = {"event": event, **fields}
            lines = [line for line in self.lines if wanted.items() <= line.items()]
            return lines[times - 1] if len(lines) >= times else None

        async with asyncio.timeout(DEADLINE_S):
            while (line := found()) is None:
                self._changed.clear()
                if self._reading is not None and self._reading.done():
                    raise AssertionError(f"the bot ended without logging {event}: {self.lines[-5:]}")
                await self._changed.wait()
        return line

    @contextlib.asynccontextmanager
    async def standing_still(self, at_least_s: float) -> AsyncIterator[None]:
        """SIGSTOP, and SIGCONT after so long: it knows nothing of the time between, as after a frozen machine."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        pause = asyncio.create_task(asyncio.sleep(at_least_s))
        try:
            yield
            await pause
        finally:
            pause.cancel()
            self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """SIGKILL: no goodbye."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """SIGTERM, and its exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE_S):
            code = await self.process.wait()
            if self._reading is not None:
                await self._reading
        return code

    async def _read(self) -> None:
        assert self.process is not None and self.process.stderr is not None
        async for raw in self.process.stderr:
            try:
                line = json.loads(raw)
            except ValueError:
                line = {"event": raw.decode(errors="replace").rstrip()}
            self.lines.append(line if isinstance(line, dict) else {"event": str(line)})
            self._changed.set()
        self._changed.set()


@functools.cache
def _fork_server() -> ForkServer:
    """One for each process of tests."""
    server = ForkServer()
    atexit.register(server.close)
    return server


def environment(platform_url: str, folder: Path, **more: str) -> dict[str, str]:
    """Settings of a bot whose everything lies in `folder` and whose platform is the sandbox at `platform_url`."""
    return {
        **SECRETS,
        "FEISHU__BASE_URL": platform_url,
        "RAG__KNOWLEDGE": json.dumps([str(REPOSITORY / "knowledge")]),
        "RAG__INDEX_DIR": str(folder / "index"),
        "RAG__EMBEDDING__PROVIDER": "none",
        "BOT__DATABASE_URL": f"sqlite:///{folder / 'bot.db'}",
        "BOT__HOST": "127.0.0.1",
        "BOT__PORT": "0",
        "BOT__WEB_PORT": "0",
        **more,
    }


@contextlib.asynccontextmanager
async def bot_process(
    platform_url: str, folder: Path, *, launcher: tuple[str, ...] = (), **more: str
) -> AsyncIterator[BotProcess]:
    """A running bot; killed at the end, however the test ends."""
    bot = BotProcess(folder, environment(platform_url, folder, **more), launcher=launcher)
    try:
        await bot.start()
        yield bot
    finally:
        await bot.kill()
