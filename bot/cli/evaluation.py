"""The figures of an evaluation in the terminal, and the reliability of the confidence as a picture."""

import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.terminal import show
from rag.errors import IngestError, RagError
from rag.evaluation.evaluate import Report
from rag.evaluation.reliability import Bin

QUESTIONS_SHOWN = 20
RATES = {
    "hit_at_1": "hit at 1",
    "hit_at_5": "hit at 5",
    "hit_at_10": "hit at 10",
    "mrr": "mrr",
    "ndcg_at_10": "ndcg at 10",
    "answered": "above the floor",
    "weak": "weak evidence",
    "strong": "strong evidence",
    "refusal_precision": "refusal precision",
    "refusal_recall": "refusal recall",
    "brier": "Brier score",
}
CLASSES = {"none": "refused by the floor", "weak": "weak: a model decides", "strong": "strong: enough without a model"}
NO_PLOTS = "--plot needs matplotlib: pip install 'feishu-rag[plots]'"


def print_evaluation(made: Report, before: Report | None, console: Console) -> None:
    """The figures beside those of the last time, what the search says, how reliable its confidence is, and the
    questions that went wrong."""
    for table in (_figures(made, before), _classes(made), _reliability(made)):
        show(table, console)
    lists = (
        ("no right passage", made.missed),
        ("refused by the floor, though the documents answer", made.wrongly_refused),
        ("strong evidence, though the documents do not answer", made.wrongly_answered),
        ("to be judged", made.unjudged),
    )
    for title, questions in lists:
        for question in questions[:QUESTIONS_SHOWN]:
            console.print(Text(f"{title}: {question}", style="yellow"))
        if len(questions) > QUESTIONS_SHOWN:
            more = len(questions) - QUESTIONS_SHOWN
            console.print(Text(f"{title}: and {more} more, see the report", style="yellow"))


def _figures(made: Report, before: Report | None) -> Table:
    table = Table("", "now", *(["last time"] if before else []), title=f"{made.questions} questions of {made.name}")
    for name, title in {**RATES, "p50_ms": "p50 ms", "p95_ms": "p95 ms"}.items():
        values = [getattr(report, name) for report in (made, before) if report is not None]
        form = "{:.1f}" if name.endswith("_ms") else "{:.3f}"
        table.add_row(title, *("–" if value is None else form.format(value) for value in values))
    return table


def _classes(made: Report) -> Table:
    heads = ("what the search says", "answerable", "right passage in front", "not answerable")
    table = Table(*heads, title="Evidence", title_justify="left")
    for name, row in made.classes.items():
        table.add_row(CLASSES[name], str(row.answerable), str(row.in_front), str(row.unanswerable))
    return table


def _reliability(made: Report) -> Table:
    how = "calibrated" if made.is_calibrated else "not calibrated"
    title = f"Confidence that a right passage is in front ({how})"
    table = Table("confidence", "predicted", "observed", "questions", title=title, title_justify="left")
    for each in made.reliability:
        span = f"{each.low:.1f} – {each.high:.1f}"
        table.add_row(span, f"{each.predicted:.2f}", f"{each.observed:.2f}", str(each.count))
    return table


def write_plot(made: Report, file: Path) -> None:
    """The reliability as a PNG. Raises `RagError` without matplotlib, or where the file cannot be written."""
    try:
        picture = plotted(made.reliability, _plot_title(made))
    except ModuleNotFoundError as error:
        raise RagError(NO_PLOTS) from error
    try:
        file.write_bytes(picture)
    except OSError as error:
        raise IngestError(f"{file} cannot be written ({error.strerror}); choose another file for --plot") from error


def _plot_title(made: Report) -> str:
    """Without the file's name: the fonts that matplotlib brings have no Chinese."""
    how = "calibrated" if made.is_calibrated else "not calibrated"
    score = "–" if made.brier is None else f"{made.brier:.3f}"
    return f"{sum(each.count for each in made.reliability)} questions, {how}, Brier score {score}"


def plotted(bins: Sequence[Bin], title: str) -> bytes:
    """Observed against predicted, with the diagonal of a perfect confidence, and how many questions each point stands
    for. Raises `ModuleNotFoundError` without the extra `plots`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 7), layout="constrained")
    figure.set_canvas(FigureCanvasAgg(figure))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    upper.plot([0, 1], [0, 1], color="#8a90a0", linestyle="--", label="perfect")
    predicted, observed = [each.predicted for each in bins], [each.observed for each in bins]
    upper.plot(predicted, observed, color="#3457d5", marker="o", label="observed")
    upper.set_xlim(0, 1)
    upper.set_ylim(-0.02, 1.02)
    upper.set_ylabel("right passage in front (observed)")
    upper.set_title(title, fontsize=10)
    upper.legend()
    middles, widths = [(each.low + each.high) / 2 for each in bins], [0.9 * (each.high - each.low) for each in bins]
    lower.bar(middles, [each.count for each in bins], width=widths, color="#3457d5")
    lower.set_xlabel("confidence (predicted)")
    lower.set_ylabel("questions")
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
