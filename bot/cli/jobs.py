"""`feishu-rag jobs`: the inbox in a terminal, for whoever looks after the bot."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.terminal import open_console, show
from bot.errors import BotError

if TYPE_CHECKING:
    from bot.inbox.admin import Entry, JobList

app = typer.Typer(
    help="The inbox: what waits, what failed, and putting it right.", no_args_is_help=True, rich_markup_mode=None
)

State = Annotated[
    list[str] | None, typer.Option("--state", help="queued, running, done, failed, cancelled, buried; may be repeated")
]
Config = Annotated[str, typer.Option("--config", help="Settings file; config.yaml of this folder if there is one")]
JobId = Annotated[int, typer.Argument(help="The number that `jobs list` shows")]


class UnknownState(BotError):
    """A state that no job has."""


@app.command("list")
def list_jobs(
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON a job")] = False,
    config: Config = "",
) -> None:
    """Jobs, open ones first, then the newest; and how many there are of each state."""
    from bot.job import ENDED_STATES, OPEN_STATES

    states = tuple(state or ())
    if unknown := set(states) - {*OPEN_STATES, *ENDED_STATES}:
        raise UnknownState(
            f"no job is ever {', '.join(sorted(unknown))}; states: {', '.join(OPEN_STATES + ENDED_STATES)}"
        )

    async def work(job_list: "JobList") -> None:
        entries = await job_list.entries(states, limit=limit)  # type: ignore[arg-type]  # checked above
        if as_json:
            _print_json_lines(entries)
        else:
            _print_table(entries, await job_list.counts())

    _with_jobs(config, work)


@app.command("show")
def show_job(job_id: JobId, config: Config = "") -> None:
    """All that is stored of a job, its turn and its answer, as JSON. It holds people's words."""

    async def work(job_list: "JobList") -> None:
        import orjson

        everything = await job_list.everything(job_id)
        sys.stdout.buffer.write(orjson.dumps(everything, option=orjson.OPT_INDENT_2) + b"\n")

    _with_jobs(config, work)


@app.command("retry")
def retry_job(job_id: JobId, config: Config = "") -> None:
    """Answer a failed, buried or cancelled job again, on the card it has."""

    async def work(job_list: "JobList") -> None:
        await job_list.retry(job_id)
        typer.echo(f"job {job_id} is queued again")

    _with_jobs(config, work)


@app.command("cancel")
def cancel_job(job_id: JobId, config: Config = "") -> None:
    """End a job that has not ended; a card that is open says so."""

    async def work(job_list: "JobList") -> None:
        at_once = await job_list.cancel(job_id)
        typer.echo(f"job {job_id} is cancelled" if at_once else f"job {job_id} is being stopped")

    _with_jobs(config, work)


def _with_jobs(config: str, work: "Callable[[JobList], Awaitable[None]]") -> None:
    import asyncio
    from pathlib import Path

    from bot.inbox.admin import JobList
    from bot.observability.logs import configure_logs
    from bot.settings import load_settings, secret_values
    from bot.storage.database import Database

    settings = load_settings(Path(config) if config else None)
    configure_logs("ERROR", secrets=secret_values(settings))

    async def run() -> None:
        database = Database(settings.bot.database_url)
        try:
            await asyncio.to_thread(database.migrate)
            await work(JobList(database))
        finally:
            await asyncio.to_thread(database.close)

    asyncio.run(run())


def _print_json_lines(entries: "list[Entry]") -> None:
    import orjson

    for entry in entries:
        sys.stdout.buffer.write(orjson.dumps(entry) + b"\n")


def _print_table(entries: "list[Entry]", counts: dict[str, int]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("job", "kind", "state", "tries", "age", "conversation", "waits for", "again in", "reason"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        cells: tuple[Any, ...] = (entry.id, entry.kind, _state(entry), entry.attempt, age(entry.age_s))
        again = age(entry.again_in_s) if entry.again_in_s else ""
        table.add_row(*(Text(str(cell)) for cell in (*cells, entry.conversation, entry.waits_for, again, entry.reason)))
    out = open_console()
    show(table, out)
    out.print(Text(", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no jobs"))


def _state(entry: "Entry") -> str:
    if entry.given_up:
        return f"given up ({entry.given_up}), notice owed"
    return f"{entry.state}, stopping" if entry.is_stopping else entry.state


def age(seconds: float) -> str:
    """`42 s`, `7 min`, `3 h`, `2 d`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
