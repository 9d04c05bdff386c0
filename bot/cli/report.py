"""What /admin shows, for a terminal, a picture and a page: `feishu-rag feedback report`."""

import asyncio
import base64
import html
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.terminal import open_console, show
from bot.errors import SettingsError
from bot.repositories.analytics import Analytics
from bot.repositories.figures import OUTCOMES
from bot.repositories.votes import Feedback
from bot.settings import Settings
from bot.storage.database import Database
from bot.web.admin.routes import gap_body
from feishu.clock import SystemClock

GAPS_SHOWN = 10
REMARKS_SHOWN = 20
ROWS_ON_A_SCREEN = 5
DAYS_ON_A_SCREEN = 10
REPLY_SHOWN = 500
BAR = "█"
BAR_CHARS = 40
COLOURS = {
    "answered": "#2f8f5b",
    "hedged": "#c2a80b",
    "no_evidence": "#b7791f",
    "stopped": "#8a90a0",
    "failed": "#b3372f",
}
NO_PLOTS = "No picture: matplotlib is not installed (pip install 'feishu-rag[plots]')."


async def run_report(
    settings: Settings, days: int, png: Path | None, page: Path | None, *, whole: bool = False
) -> None:
    """Prints the report, with `whole` every row of it, and writes the files that are asked for. Raises `StoreError`,
    `SettingsError`."""
    told = await _read(settings, days)
    console = open_console()
    print_report(told, console, whole=whole)
    if png is None and page is None:
        return
    try:
        picture = await asyncio.to_thread(plotted, told)
    except ModuleNotFoundError:
        console.print(NO_PLOTS, markup=False)
        picture = b""
    if png is not None and picture:
        await asyncio.to_thread(_write, png, picture)
        console.print(f"wrote {png}", markup=False)
    if page is not None:
        await asyncio.to_thread(_write, page, html_of(told, picture).encode())
        console.print(f"wrote {page}", markup=False)


async def _read(settings: Settings, days: int) -> dict[str, Any]:
    database = Database(settings.bot.database_url)
    try:
        await asyncio.to_thread(database.migrate)
        figures = Analytics(database, clock=SystemClock())
        gaps = [gap_body(gap) for gap in (await figures.gaps(days))[:GAPS_SHOWN]]
        said = (await Feedback(database).remarks(days))[:REMARKS_SHOWN]
        return {**await figures.overview(days), "gaps": gaps, "remarks": said}
    finally:
        await asyncio.to_thread(database.close)


def print_report(told: dict[str, Any], console: Console, *, whole: bool = False) -> None:
    """What is missing first, then what is disliked, then the figures; the first rows of each unless `whole`."""
    if not told["asked"] and not told["remarks"]:
        console.print(f"Nobody has asked anything in the last {told['days']} days.")
        return
    most = None if whole else ROWS_ON_A_SCREEN
    tables = (
        ("What is missing", ("question", "asked", "people", "last"), gaps(told)),
        ("Reasons for 👎", ("reason", "votes"), reasons(told)),
        ("Documents behind 👎", ("document", "👎", "👍", "cited"), documents(told)),
        ("Written after /feedback", ("words", "day"), remarks(told)),
    )
    for title, heads, rows in tables:
        more = f", the first {most} of {len(rows)} (--all shows the rest)" if most and len(rows) > most else ""
        show(_table(title + more, heads, rows[:most]), console)
    show(_days(told["by_day"] if whole else _weeks(told["by_day"])), console)
    show(_table(f"Last {told['days']} days", ("", ""), totals(told)), console)


def _weeks(by_day: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Questions by week where there are more days than a screen shows: the last week ends today."""
    if len(by_day) <= DAYS_ON_A_SCREEN:
        return by_day
    weeks = [by_day[max(0, end - 7) : end] for end in range(len(by_day), 0, -7)]
    return [
        {"day": f"{week[0]['day']} …", **{name: sum(day[name] for day in week) for name in OUTCOMES}}
        for week in reversed(weeks)
    ]


def totals(told: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures of the whole period."""
    return [
        ("questions", str(told["asked"])),
        ("people", str(told["people"])),
        *((name, str(told["outcomes"][name])) for name in OUTCOMES),
        ("cut off", _cut_off(told["endings"])),
        ("👍 / 👎", f"{told['votes']['up']} / {told['votes']['down']}"),
        ("first words p50 / p95", _seconds(told["first_token_s"])),
        ("whole answer p50 / p95", _seconds(told["whole_s"])),
    ]


def _cut_off(endings: dict[str, int]) -> str:
    """How many texts were cut off, and how."""
    ways = ", ".join(f"{name} {count}" for name, count in endings.items() if count)
    return f"{sum(endings.values())} ({ways})" if ways else "0"


def reasons(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Reasons for 👎, the most frequent first."""
    ranked = sorted(told["reasons"].items(), key=lambda item: -item[1])
    return [(name or "(not said)", str(count)) for name, count in ranked]


def documents(told: dict[str, Any]) -> list[tuple[str, ...]]:
    """Documents that answers with a 👎 cite."""
    return [
        (row["title"] or row["source"], str(row["down"]), str(row["up"]), str(row["cited"]))
        for row in told["documents"]
    ]


def gaps(told: dict[str, Any]) -> list[tuple[str, ...]]:
    """What the documents do not answer, with what owners replied below the question."""
    return [(_replied(gap), str(gap["count"]), str(gap["people"]), _day(gap["last_at"])) for gap in told["gaps"]]


def _replied(gap: dict[str, Any]) -> str:
    replies = [f"↳ {each['text'][:REPLY_SHOWN]} ({each['by']}, {_day(each['at'])})" for each in gap["replies"]]
    return "\n".join([gap["question"], *replies])


def remarks(told: dict[str, Any]) -> list[tuple[str, ...]]:
    """What people wrote after /feedback, newest first."""
    return [(remark["remark"], _day(remark["at"])) for remark in told["remarks"]]


def plotted(told: dict[str, Any]) -> bytes:
    """Questions a day and speed as a PNG. Raises `ModuleNotFoundError` without the extra `plots`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    figure.set_canvas(FigureCanvasAgg(figure))
    upper, lower = figure.subplots(2, 1, sharex=True)
    days = [row["day"][5:] for row in told["by_day"]]
    below = [0] * len(days)
    for name in OUTCOMES:
        counts = [row[name] for row in told["by_day"]]
        upper.bar(days, counts, bottom=below, label=name, color=COLOURS[name])
        below = [one + other for one, other in zip(below, counts, strict=True)]
    upper.set_title(f"Questions by day, last {told['days']} days")
    upper.legend()
    for key, share in (("first_token_s", "p50"), ("first_token_s", "p95"), ("whole_s", "p95")):
        values = [row[key][share] for row in told["by_day"]]
        shown = [float("nan") if value is None else value for value in values]
        lower.plot(days, shown, marker="o", label=f"{key.removesuffix('_s')} {share}")
    lower.set_title("Seconds")
    lower.legend()
    lower.set_xticks(range(0, len(days), max(1, len(days) // 12)))
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def html_of(told: dict[str, Any], picture: bytes) -> str:
    """One file without anything from outside."""
    image = f'<img alt="" src="data:image/png;base64,{base64.b64encode(picture).decode()}">' if picture else ""
    parts: list[tuple[str, Sequence[str], Sequence[Sequence[str]]]] = [
        ("Totals", ("", ""), totals(told)),
        ("Reasons for 👎", ("reason", "votes"), reasons(told)),
        ("Documents behind 👎", ("document", "👎", "👍", "cited"), documents(told)),
        ("What is missing", ("question", "asked", "people", "last"), gaps(told)),
        ("Written after /feedback", ("words", "day"), remarks(told)),
    ]
    body = "".join(f"<h2>{title}</h2>{_html_table(heads, rows)}" for title, heads, rows in parts)
    style = (
        "body{font:16px/1.6 system-ui,'Noto Sans CJK SC',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "img{max-width:100%}td{white-space:pre-line}"
        "td,th{text-align:left;padding:.2rem 1rem .2rem 0;border-bottom:1px solid #ddd}"
    )
    title = f"feishu-rag · {_day(told['at'])} · {told['days']} days"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{style}</style>'
        f"<h1>{title}</h1>{image}{body}</html>\n"
    )


def _html_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    head = "".join(f"<th>{head}</th>" for head in heads)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=any(heads))
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _days(rows: Sequence[dict[str, Any]]) -> Table:
    """A bar a day, in the colours of the outcomes."""
    table = Table(title="Questions", title_justify="left")
    table.add_column("from")
    table.add_column("questions")
    table.add_column("", justify="right")
    most = max((sum(row[name] for name in OUTCOMES) for row in rows), default=0) or 1
    for row in rows:
        bar = Text()
        for name in OUTCOMES:
            bar.append(BAR * round(row[name] * BAR_CHARS / most), style=COLOURS[name])
        table.add_row(row["day"], bar, str(sum(row[name] for name in OUTCOMES)))
    return table


def _seconds(shares: dict[str, float | None]) -> str:
    return " / ".join("–" if value is None else f"{value:.2f} s" for value in shares.values())


def _day(at: float) -> str:
    return datetime.fromtimestamp(at).date().isoformat()


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise SettingsError(str(path), "command line", "choose a file that can be written", what=reason) from None
