"""The commands about documents: ingest (once, or whenever they change), eval, and export-onnx."""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from bot.cli.terminal import open_console, show
from bot.ingestion import ingest_all
from bot.observability.logs import configure_logs
from bot.settings import Settings, secret_values
from rag.errors import RagError
from rag.evaluation.dataset import Cases
from rag.ingestion.pipeline import IngestReport
from rag.ingestion.selection import watched

Tell = Callable[[str, int, int], None]


async def run_ingest(
    settings: Settings,
    paths: Sequence[Path] | None,
    *,
    watch: bool = False,
    rebuild: bool = False,
    prune: bool = False,
) -> None:
    """Ingests with progress bars and prints a report; with `watch` again after every change. Raises `RagError`."""
    configure_logs("ERROR", secrets=secret_values(settings))
    console = open_console()
    await _ingest_once(settings, paths, console, rebuild=rebuild, prune=prune)
    if watch:
        await _watch(settings, paths, console)


async def _ingest_once(
    settings: Settings,
    paths: Sequence[Path] | None,
    console: Console,
    *,
    rebuild: bool = False,
    prune: bool = False,
) -> None:
    with _bars(console) as tell:
        report = await ingest_all(settings, paths=paths, progress=tell, rebuild=rebuild, prune=prune)
    _print_report(report, console)


async def _watch(settings: Settings, paths: Sequence[Path] | None, console: Console) -> None:
    """Feishu documents have no local change to watch: they are looked through whenever a file changes, and hourly."""
    try:
        import watchfiles
    except ImportError as error:
        raise RagError("Watching needs pip install 'feishu-rag[watch]'") from error
    rag = settings.rag
    folders = list(paths or watched(rag))
    console.print(f"watching {', '.join(map(str, folders))}; Ctrl+C ends", markup=False)
    index_dir = rag.index_dir.resolve()

    def is_document(_change: watchfiles.Change, path: str) -> bool:
        return not Path(path).resolve().is_relative_to(index_dir)

    changes = watchfiles.awatch(
        *folders,
        watch_filter=is_document,
        rust_timeout=WATCH_TIMEOUT_MS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
    async for _changed in changes:
        try:
            await _ingest_once(settings, paths, console)
        except Exception as error:  # whatever one change brought: the next one must still be seen
            kind = "" if isinstance(error, RagError) else f"{type(error).__name__}: "
            console.print(Text(f"the index stays as it was: {kind}{error}", style="red"))


WATCH_TIMEOUT_MS = 3_600_000
WAITING = "waiting"


@contextlib.contextmanager
def _bars(console: Console) -> Iterator[Tell]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        tasks = {}

        def tell(stage: str, done: int, total: int) -> None:
            words = stage
            if stage == WAITING:
                words = f"embedding endpoint busy, waiting {total} s"
                if done == 0 and not console.is_terminal:
                    console.print(words)
            if stage not in tasks:
                tasks[stage] = bar.add_task(words, total=total)
            is_over = stage == WAITING and done >= total
            bar.update(tasks[stage], description=words, completed=done, total=total, visible=not is_over)

        yield tell


def _print_report(report: IngestReport, console: Console) -> None:
    changes = [(report.new, "new"), (report.changed, "changed"), (report.gone, "gone"), (report.unchanged, "unchanged")]
    said = ", ".join(f"{count} {word}" for count, word in changes if count) or "nothing to read"
    reused = f", {report.reused} vectors kept from before" if report.reused else ""
    console.print(
        f"{report.documents} documents, {report.chunks} passages ({said}; {report.embedded} embedded{reused}) "
        f"in {report.seconds:.1f} s → index {report.index}"
    )
    console.print(report.embedding, markup=False)
    if report.skipped:
        table = Table("file", "why it was skipped", title=f"{len(report.skipped)} skipped", title_style="yellow")
        for file in report.skipped:
            table.add_row(Text(file.source), Text(file.reason))
        show(table, console)
    for note in report.notes:
        console.print(Text(f"{note.source}: {note.reason}", style="yellow"))


async def run_eval(settings: Settings, place: Path, *, calibrate: bool = False, plot: Path | None = None) -> None:
    """Asks every question of the file or folder, prints the figures and saves them; with `plot`, draws how reliable the
    confidence is. Raises `RagError`."""
    from bot.cli.evaluation import print_evaluation, write_plot
    from rag.evaluation import evaluate as evaluation
    from rag.evaluation.dataset import read_cases

    configure_logs("ERROR", secrets=secret_values(settings))
    console = open_console()
    cases = await asyncio.to_thread(read_cases, place)
    outcomes = await _outcomes(settings, cases, console)
    made = evaluation.report(cases.name, outcomes, in_front=settings.rag.retrieval.passages)
    file, before = await asyncio.to_thread(evaluation.save, settings.rag.index_dir, made)
    print_evaluation(made, before, console)
    console.print(f"saved in {file}", markup=False)
    if plot is not None:
        await asyncio.to_thread(write_plot, made, plot)
        console.print(f"wrote {plot}", markup=False)
    if calibrate:
        calibration = evaluation.calibrate(outcomes)
        kept = await asyncio.to_thread(evaluation.keep_calibration, settings.rag.index_dir, calibration)
        console.print(
            f"calibrated on {calibration.questions} questions: refuses below {calibration.floor:.2f}, quotes without a "
            f"model from {calibration.strong:.2f} on; "
            f"kept in {kept} (delete it to go back)",
            markup=False,
        )


async def run_export(settings: Settings, folder: Path) -> None:
    """Writes the embedding model as ONNX and says what was kept. Raises `RagError`."""
    from rag.embedding.onnx_export import export

    made = await asyncio.to_thread(export, settings.rag.embedding, folder)
    kinds = {"int8": "eight bits", "mixed": "eight bits, but for the layers that narrow", "full": "full floats"}
    open_console().print(
        f"{made.file}: {kinds[made.kind]}, {made.file.stat().st_size / 1e6:.0f} MB; "
        f"cosine to the original at least {made.cosine:.4f}.\n"
        f"Set RAG__EMBEDDING__PROVIDER=onnx and RAG__EMBEDDING__MODEL={folder}, then run feishu-rag ingest.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


async def _outcomes(settings: Settings, cases: Cases, console: Console) -> list:  # type: ignore[type-arg]
    from rag.evaluation.evaluate import evaluate
    from rag.evaluation.trial import build_trial
    from rag.knowledge_base import KnowledgeBase

    with contextlib.ExitStack() as cleanup:
        rag = settings.rag
        if cases.documents is not None:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
            rag = rag.model_copy(update={"index_dir": folder})
            await asyncio.to_thread(build_trial, rag, cases.documents)
        wider = rag.retrieval.model_copy(update={"passages": max(10, rag.retrieval.passages)})
        library = await KnowledgeBase.open(rag.model_copy(update={"retrieval": wider}))
        try:
            await library.warm_up()
            with _bars(console) as tell:
                return await evaluate(library, cases, progress=lambda done, total: tell("questions", done, total))
        finally:
            await library.aclose()
