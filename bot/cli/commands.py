"""`feishu-rag`: one command for everything. Heavy imports happen inside the commands, so that `--help` is instant."""

import contextlib
import gc
import os
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.jobs import app as jobs_app
from bot.cli.terminal import prepare_streams

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from bot.settings import Settings

app = typer.Typer(
    name="feishu-rag",
    help="A Feishu (Lark) knowledge bot: ask in a chat, a card streams an answer grounded in your documents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its help needs no rich, whose import takes longer than everything else in `--help`
)


class Platform(Enum):
    """Feishu and Lark are two platforms: apps and ids of one are unknown to the other."""

    FEISHU = "feishu"
    LARK = "lark"


feedback_app = typer.Typer(help="Votes of the people who asked.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(feedback_app, name="feedback")
app.add_typer(jobs_app, name="jobs")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file; config.yaml of this folder if there is one")
]


def main() -> None:
    """The console script: every expected failure is one sentence on stderr and a non-zero exit code."""
    prepare_streams()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not _is_expected(error):
            raise
        fail(str(error))


def _is_expected(error: Exception) -> bool:
    """Whether an error's text says to its reader what to mend."""
    from bot.errors import BotError
    from feishu.errors import FeishuError
    from rag.errors import RagError

    return isinstance(error, BotError | FeishuError | RagError)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        typer.echo(f"feishu-rag {version('feishu-rag')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit"),
    ] = False,
) -> None:
    """A Feishu (Lark) knowledge bot: ask in a chat, a card streams an answer grounded in your documents."""


def fail(sentence: str) -> None:
    """Prints why and exits with 1."""
    typer.secho(sentence, fg=typer.colors.RED, err=True)
    sys.exit(1)


def _load(config: Path | None) -> "Settings":
    from bot.settings import load_settings

    _keep_private()
    return load_settings(config)


def _keep_private() -> None:
    """What is written from now on (store, index, exports) holds people's words: it is for this user only."""
    os.umask(0o077)


def _run(work: "Coroutine[Any, Any, None]") -> None:
    """Runs on uvloop where there is one."""
    import asyncio

    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


def _run_and_leave(work: "Coroutine[Any, Any, int | None]") -> None:
    """Ends the process with the code of `work`, at once: threads that its checks have left behind (a model that loads,
    a host that does not answer) would be waited for."""
    import asyncio

    async def end() -> None:
        code = await work or 0
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    asyncio.run(end())


@contextlib.contextmanager
def _without_collecting() -> "Iterator[None]":
    """Imports make hundreds of thousands of objects that stay: looking for garbage among them is a tenth of the start.
    What is there afterwards is never looked through again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@app.command()
def serve(config: ConfigOption = None) -> None:
    """Run the bot for a real Feishu app."""
    with _without_collecting():
        from bot.serve import serve_bot
        from bot.settings import require_platform

    settings = _load(config)
    require_platform(settings)
    _run(serve_bot(settings))


@app.command()
def demo(
    config: ConfigOption = None,
    port: Annotated[int, typer.Option(help="Port of the sandbox chat page; 0 takes a free one")] = 8002,
    data: Annotated[Path, typer.Option(help="Folder for the demo's own data")] = Path("data/demo"),
    no_model: Annotated[bool, typer.Option("--no-model", help="No model at all: the bot quotes its documents")] = False,
    speed: Annotated[
        float, typer.Option(min=0, help="Tokens a second that the scripted model types; 0 is all at once")
    ] = 45.0,
    rights: Annotated[
        bool, typer.Option("--rights", help="Mirror rights, with people and a wiki that not everybody may open")
    ] = False,
) -> None:
    """Run the bot with a local sandbox platform and its chat page: no account, no key. A scripted model stands in for
    yours unless one is configured (RAG__LLM__BASE_URL, RAG__LLM__MODEL)."""
    from bot.demo import demo_settings, with_rights, without_model
    from bot.serve_demo import serve_demo

    _keep_private()
    settings = demo_settings(config, data)
    settings = with_rights(settings) if rights else settings
    _run(serve_demo(without_model(settings) if no_model else settings, sandbox_port=port, tokens_per_s=speed))


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Only these folders or files; the rest stays. All that is configured if none"),
    ] = None,
    config: ConfigOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and ingest again whenever a document changes")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read and embed everything anew")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop whatever is not given now, by paths or settings")
    ] = False,
) -> None:
    """Read what is new or changed and bring the index up to date. The old one serves until the new one is whole."""
    from bot.cli.ingest import run_ingest

    _run(run_ingest(_load(config), paths or None, watch=watch, rebuild=rebuild, prune=prune))


@app.command("eval")
def evaluate(
    place: Annotated[Path, typer.Argument(help="JSON lines of questions, or a folder of corpus, queries and qrels")],
    config: ConfigOption = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Set confidence and threshold by these questions")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw how reliable the confidence is, as a PNG (needs the extra plots)")
    ] = None,
) -> None:
    """Measure how well questions are answered and refused, and compare with the last time."""
    from bot.cli.ingest import run_eval

    _run(run_eval(_load(config), place, calibrate=calibrate, plot=plot))


@app.command("export-onnx")
def export_onnx(
    folder: Annotated[Path, typer.Argument(help="Where the exported model goes")],
    config: ConfigOption = None,
) -> None:
    """Export the embedding model for provider onnx: no torch where it runs, and several times faster a question."""
    from bot.cli.ingest import run_export
    from bot.settings import load_settings

    _run(run_export(load_settings(config), folder))  # a model is nobody's secret, and often made for another user


@app.command()
def ask(
    question: str,
    config: ConfigOption = None,
    events: Annotated[bool, typer.Option("--events", help="Also print what happens, with times")] = False,
    as_chat: Annotated[
        str, typer.Option(help="See what this group (oc_…) sees, by bot.access and mirrored rights")
    ] = "",
    as_person: Annotated[str, typer.Option(help="See what this person (ou_…) sees in private, likewise")] = "",
) -> None:
    """Ask one question here in the terminal, of all documents or with the eyes of a chat or person."""
    import asyncio

    from bot.cli.ask import run_ask

    if not question.strip():
        raise typer.BadParameter("is empty: write what you want to know, in quotes", param_hint="QUESTION")
    if not asyncio.run(run_ask(_load(config), question, events=events, as_chat=as_chat, as_person=as_person)):
        sys.exit(1)


@app.command()
def doctor(
    config: ConfigOption = None,
    json: Annotated[bool, typer.Option("--json", help="The findings as one JSON object")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Also wait so many seconds for a real event")] = 0.0,
    timeout: Annotated[float, typer.Option(min=1, max=600, help="Longest for all checks together, seconds")] = 5.0,
) -> None:
    """Check settings, platform, documents, models, store and machine; each fault comes with its fix.

    Exit code 0: all is well (warnings allowed), 1: something fails, 2: nothing fails, but something was not looked at.
    """
    from bot.cli.doctor import run_doctor

    _run_and_leave(run_doctor(config, limit_s=timeout, wait_s=wait, json=json))


@app.command()
def init(
    config: ConfigOption = None,
    app_id: Annotated[str, typer.Option(help="App ID (cli_…) from Credentials & Basic Info")] = "",
    platform: Annotated[Platform | None, typer.Option(help="Where the app lives")] = None,
    transport: Annotated[str, typer.Option(help="How events arrive: a value of feishu.transport")] = "",
    public_url: Annotated[str, typer.Option(help="Where the platform reaches the bot, for transport webhook")] = "",
    model_url: Annotated[str, typer.Option(help="OpenAI-compatible endpoint, like http://127.0.0.1:11434/v1")] = "",
    model: Annotated[str, typer.Option(help="Name of the model that writes")] = "",
    scan: Annotated[
        bool, typer.Option("--scan", help="Make a new app by a link to open in Feishu, where the platform offers it")
    ] = False,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the App Secret, or lines of NAME=value, from standard input")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: flags, environment and .env have it all")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Write the files without asking the platform")] = False,
) -> None:
    """Set the bot up: check the app's credentials, write .env and config.yaml, list what to tick in the console.

    Secrets come by a prompt without echo, by the environment or .env, or by --stdin; never by a flag. May be repeated.
    """
    from bot.cli.init import Wishes, run_init, variables_in

    wishes = Wishes(
        app_id=app_id,
        platform=platform.value if platform else "",
        transport=transport,
        public_url=public_url,
        model_url=model_url,
        model=model,
        config=config,
        scan=scan,
        asks=not yes and not stdin and sys.stdin.isatty(),
        offline=offline,
        given=variables_in(sys.stdin.read()) if stdin else {},
    )
    _run_and_leave(run_init(wishes))


@app.command()
def forget(open_id: str, config: ConfigOption = None) -> None:
    """Delete what a person asked, sent, voted and remarked."""
    import asyncio

    from bot.cli.forget import run_forget

    asyncio.run(run_forget(_load(config), open_id))


@feedback_app.command("export")
def feedback_export(
    config: ConfigOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; standard output when not given")
    ] = None,
) -> None:
    """Votes (question, answer, sources, vote, who, when) and words after /feedback, as lines of JSON."""
    import asyncio

    from bot.cli.ask import run_feedback_export

    asyncio.run(run_feedback_export(_load(config), output))


@feedback_app.command("report")
def feedback_report(
    config: ConfigOption = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How far back")] = 30,
    png: Annotated[Path | None, typer.Option(help="Write a picture (needs the extra plots)")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page")] = None,
    whole: Annotated[bool, typer.Option("--all", help="Every day and every row, not only what fits a screen")] = False,
) -> None:
    """What is asked, liked and missing, as /admin shows it, on one screen."""
    import asyncio

    from bot.cli.report import run_report

    asyncio.run(run_report(_load(config), days, png, html, whole=whole))
