"""What one question and one click enter: the files and functions of the bot, counted by a profiler.

The bot runs in this process with the sandbox platform, without a language model (`extractive`) and without an embedding
model. `sys.setprofile` reports every call of a Python function; a call counts only if a context variable says that it
is part of the measured request. This is how it is set:

- an ASGI layer around the bot's application sets it for the webhook request;
- a wrapper of `Jobs.claim_up_to` sets it during a claim (which counts if it returns a job), and a task factory sets it
  in the tasks that the worker starts with what was claimed;
- further tasks inherit it; wrappers of `ThreadPoolExecutor.submit` and `Database.write` carry it into the threads.

So the loops that run without a question (heartbeat, polling, queue positions, retention, replicas, the outage probe) do
not count: their tasks began before the measurement and have no mark. Imports, comprehensions and lambdas do not count
either. What is entered at start (settings, migrations, opening the index) is not part of a request.

Run this in a process of its own: what an earlier question has put into a cache is not computed again, and not counted.
`python -m tests.support.request_path` measures both and writes the lists of files into docs/architecture.md.
"""

import asyncio
import contextlib
import inspect
import itertools
import json
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, ContextVar, copy_context
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.app import Bot
from bot.inbox.claim import Room
from bot.inbox.queue import Jobs
from bot.job import Job
from bot.observability.tracing import TraceStore
from bot.settings import Settings
from bot.storage.database import Database
from feishu.sandbox import Sandbox, running
from rag.ingestion.pipeline import ingest
from rag.settings import EmbeddingSettings, LlmSettings, RagSettings
from tests.integration.conftest import ALICE, DEADLINE_S, GROUP, PATIENT_PLATFORM, button
from tests.support.bot_inside import bot_inside, idle, settings_of
from tests.support.bot_process import REPOSITORY
from tests.support.scene import QUESTION, is_final

PACKAGES = ("bot", "feishu", "rag")
LEFT_OUT = "feishu/sandbox/"
PAGE = REPOSITORY / "docs" / "architecture.md"
BEGIN, END = "<!-- request path: begin -->", "<!-- request path: end -->"

Calls = dict[CodeType, None]
"""Functions in the order in which they were first entered."""

_calls: ContextVar[Calls | None] = ContextVar("calls", default=None)
"""Where calls are recorded; None outside of a measured request."""
_calls_of_job: ContextVar[Calls | None] = ContextVar("calls_of_job", default=None)
"""In the worker's claim loop: where the tasks that it starts record their calls."""


@dataclass
class Recording:
    """The calls of one request, by where they were made."""

    request: Calls = field(default_factory=dict)
    job: Calls = field(default_factory=dict)


@dataclass(frozen=True)
class RequestPath:
    """The files that were entered in the webhook request, and those that were first entered in the job, both in the
    order of entry; and the number of functions entered in both."""

    request: list[str]
    job: list[str]
    functions: int

    @property
    def files(self) -> int:
        """How many files were entered."""
        return len(self.request) + len(self.job)


class Profiler:
    """Records requests while `recording` is open; install it with `installed` before the bot starts its threads."""

    def __init__(self) -> None:
        self._current: Recording | None = None

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Profiles this thread and those started meanwhile, and carries the mark into the bot's threads."""

        async def claim(jobs: Jobs, most: int, room: Room) -> list[Job]:
            recording, calls = self._current, dict[CodeType, None]()
            _calls.set(calls if recording else None)
            claimed = await claim_up_to(jobs, most, room)
            _calls.set(None)
            _calls_of_job.set(recording.job if recording and claimed else None)
            if recording and claimed:
                recording.job.update(calls)
            return claimed

        def submit(executor: ThreadPoolExecutor, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
            return submit_to(executor, copy_context().run, work, *args, **named)

        async def write(database: Database, work: Callable[[Connection], Any]) -> Any:
            context = copy_context()
            return await write_to(database, lambda connection: context.run(work, connection))

        asyncio.get_running_loop().set_task_factory(_new_task)  # type: ignore[arg-type]  # Python 3.13 passes more
        claim_up_to, submit_to, write_to = Jobs.claim_up_to, ThreadPoolExecutor.submit, Database.write
        threading.setprofile(_profile)
        sys.setprofile(_profile)
        try:
            with (
                patch.object(Jobs, "claim_up_to", claim),
                patch.object(ThreadPoolExecutor, "submit", submit),
                patch.object(Database, "write", write),
            ):
                yield
        finally:
            asyncio.get_running_loop().set_task_factory(None)
            sys.setprofile(None)
            threading.setprofile(None)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application, with its requests marked while `recording` is open."""

        async def marked(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and self._current:
                _calls.set(self._current.request)
            await app(scope, receive, send)

        return marked

    @contextlib.contextmanager
    def recording(self) -> Iterator[Recording]:
        """Records every request that comes in, and every job that is claimed, until it is left."""
        self._current = Recording()
        try:
            yield self._current
        finally:
            self._current = None


def _profile(frame: FrameType, event: str, _argument: object) -> None:
    if event == "call" and (calls := _calls.get()) is not None:
        calls.setdefault(frame.f_code)


def _new_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], *, context: Context | None = None, **named: Any
) -> asyncio.Task[Any]:
    """A task; one that the claim loop starts records its calls as those of the job."""
    context = context or copy_context()
    if (calls := context.get(_calls_of_job)) is not None:
        context.run(_calls.set, calls)
        context.run(_calls_of_job.set, None)
    return asyncio.Task(work, loop=loop, context=context, **named)


def _file_of(code: CodeType) -> str:
    """The path of its file below the repository; "" for files elsewhere."""
    file = Path(code.co_filename)
    return file.relative_to(REPOSITORY).as_posix() if file.is_relative_to(REPOSITORY) else ""


def _is_counted(code: CodeType) -> bool:
    name = _file_of(code)
    is_function = bool(code.co_flags & inspect.CO_OPTIMIZED) and not code.co_name.startswith("<")
    return is_function and name.startswith(tuple(f"{each}/" for each in PACKAGES)) and not name.startswith(LEFT_OUT)


def _path_of(recording: Recording) -> RequestPath:
    request, job = (list(filter(_is_counted, list(calls))) for calls in (recording.request, recording.job))
    names = list(dict.fromkeys(map(_file_of, request)))
    more = [name for name in dict.fromkeys(map(_file_of, job)) if name not in names]
    return RequestPath(names, more, len({*request, *job}))


def _settings(platform_url: str, folder: Path, index: Path) -> Settings:
    settings = settings_of(platform_url, folder, index, "")
    rag = settings.rag.model_copy(update={"llm": LlmSettings(provider="extractive")})
    return settings.model_copy(update={"rag": rag})


async def measured(folder: Path, index: Path) -> tuple[RequestPath, RequestPath]:
    """What one question in a group enters, from the webhook request to the closed card and the stored trace; and what
    one 👍 enters, from the callback to the redrawn card. `folder` is for the store; `index` holds an index of words."""
    profiler, sandbox = Profiler(), Sandbox(PATIENT_PLATFORM)
    async with running(sandbox) as url:
        with profiler.installed():
            async with bot_inside(_settings(url, folder, index), around=profiler.around) as (bot, public):
                await _ready(bot)
                sandbox.set_webhook(f"{public}/feishu/webhook")
                with profiler.recording() as question:
                    said = await sandbox.say(GROUP, ALICE, QUESTION, mention_bot=True)
                    card = await sandbox.wait_for(lambda: _closed(sandbox, said.message_id), DEADLINE_S)
                    await idle(bot)
                    await _traced(bot)
                with profiler.recording() as click:
                    shown = await sandbox.click(card["message_id"], ALICE, value=button(card, "up"))
                    assert shown.toast, shown.why
                    await idle(bot)
    return _path_of(question), _path_of(click)


async def _ready(bot: Bot) -> None:
    """Waits for what is loaded at start, which is no part of a request."""
    while bot.identity.known is None or not (await bot.ready())[0]:
        await asyncio.sleep(0.05)


async def _traced(bot: Bot) -> None:
    """Waits until the trace of the store's first job is there: it is stored some seconds after the answer's end."""
    store = TraceStore(bot.database, clock=bot.clock)
    while await store.get(1) is None:
        await asyncio.sleep(0.05)


def _closed(sandbox: Sandbox, asked: str) -> dict[str, Any] | None:
    shown = (sandbox.shown(message.message_id) for message in list(sandbox.world.messages.values()))
    return next((each for each in shown if each["parent_id"] == asked and each["card"] and is_final(each)), None)


def listed(question: RequestPath, click: RequestPath) -> str:
    """The part of docs/architecture.md between the markers: both lists of files, in the order of entry."""
    lines = [BEGIN]
    for title, path in (("One question", question), ("One click on 👍", click)):
        lines += ["", f"**{title}: {path.files} files.**"]
        numbers = itertools.count(1)
        for stage, names in (("webhook request", path.request), ("job", path.job)):
            lines += ["", f"In the {stage}:", "", *(f"{next(numbers)}. `{name}`" for name in names)]
    return "\n".join([*lines, "", END])


def documented() -> list[list[str]]:
    """The lists of files in docs/architecture.md, in the order of the page, which is that of `listed`."""
    part = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    return [re.findall(r"^\d+\. `([^`]+)`$", stage, re.MULTILINE) for stage in part.split("\nIn the ")[1:]]


async def _measured_once() -> tuple[RequestPath, RequestPath]:
    with tempfile.TemporaryDirectory() as store, tempfile.TemporaryDirectory() as index:
        words = EmbeddingSettings(provider="none")
        settings = RagSettings(knowledge=[REPOSITORY / "knowledge"], index_dir=Path(index), embedding=words)
        await asyncio.to_thread(ingest, settings)
        return await measured(Path(store), Path(index))


def main() -> None:
    """Writes the page; with `--json`, changes nothing and prints the two paths as one line of JSON instead."""
    question, click = asyncio.run(_measured_once())
    if sys.argv[1:] == ["--json"]:
        sys.stdout.write(f"{json.dumps([asdict(question), asdict(click)])}\n")
        return
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(before + listed(question, click) + rest.partition(END)[2], "utf-8")
    for name, path in (("question", question), ("click", click)):
        sys.stdout.write(f"one {name}: {path.files} files, {path.functions} functions\n")


if __name__ == "__main__":
    main()
