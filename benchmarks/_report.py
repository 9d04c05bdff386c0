"""`make report`: runs benchmarks/web.py three times, writes docs/performance.md, its CSV and its latency plot.

python benchmarks/_report.py [--quick]
"""

import argparse
import csv
import io
import json
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import web  # noqa: E402 - a script beside this one
from web import HANG_UPS, QUESTIONS, THINKING_S, TOKENS, lines_of, share  # noqa: E402

from bot.web.chat.coalescing import GATHER_S  # noqa: E402

RUNS = 3
OUT = ROOT / "docs" / "performance"


def run(folder: Path, number: int, quick: bool) -> dict[str, Any]:
    """One run in a fresh process."""
    file = folder / f"{number}.json"
    more = ["--quick"] if quick else []
    command = [sys.executable, str(ROOT / "benchmarks" / "web.py"), "--json", str(file), *more]
    subprocess.run(command, cwd=ROOT, check=True)
    told: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return told


def page(runs: list[dict[str, Any]], quick: bool) -> str:
    """docs/performance.md: the middle of three runs, line by line, with all three beside it."""
    head = runs[0]
    tables = [lines_of(told) for told in runs]
    rows = []
    for lines in zip(*tables, strict=True):
        name = lines[0][0]
        ours = [float(line[1]) for line in lines]
        bare = [float(line[2]) for line in lines if line[2]]
        middle = f"{statistics.median(bare):g}" if bare else ""
        rows.append(
            f"| {name} | {statistics.median(ours):g} | {middle} | {', '.join(f'{value:g}' for value in ours)} |"
        )
    chat = [value for told in runs for value in told["batch"][0]["latencies"]]
    batch = []
    for position in zip(*(told["batch"] for told in runs), strict=True):
        seconds = statistics.median(row["seconds"] for row in position)
        faster = statistics.median(row["faster"] for row in position)
        grown = max(row.get("grown_mb", 0.0) for row in position)
        rate = len(head["batch"][0]["latencies"]) / seconds
        batch.append(f"| {position[0]['how']} | {seconds:.1f} | {rate:.1f} | {faster:.1f} | {grown:.1f} |")
    loads = ", ".join(f"{told['load']:.1f}" for told in runs)
    size = " (quick: a tenth of the size)" if quick else ""
    return f"""# Performance of the web door

Written by `make report` on {date.today().isoformat()}; {RUNS} runs{size}, medians with each run beside them.
Machine: {head["machine"]}; load average at the end of each run: {loads}. Other work on the machine makes every figure
worse; a load well above the number of cores means that these figures are an upper limit.

**Method.** `benchmarks/web.py` starts a local model server that writes {TOKENS} tokens as fast as it can, the whole web
door over the real library and the sample handbook (guard, log, store and traces included), and a bare loop over the
same chain's `astream`. CPU is that of the server process and of the loop's process. A model as fast as that gives
several tokens in {1e3 * GATHER_S:g} ms, and they go out in one write; at reading speed ({web.READERS} readers,
{1 / web.READ_EVERY_S:g} tokens a second each, answers of {web.READ_TOKENS}) every token is a write of its own, and each
answer's share of search, store and HTTP weighs more. The first token of ours includes search, HTTP and whatever else
happens before it. Hang-up is the time from a reader's leaving in mid-answer to the model's server seeing that nobody
listens any more, {HANG_UPS} times.

| | ours | bare chain | each run |
|---|---|---|---|
{chr(10).join(rows)}

## Questions one by one, and in a batch

{QUESTIONS if not quick else 20} questions against a model that thinks for {THINKING_S:g} s. `POST /chat` alone: p50
{share(chat, 50):.3f} s, p95 {share(chat, 95):.3f} s, p99 {share(chat, 99):.3f} s.

| | seconds | questions/s | times faster | memory grown, MB |
|---|---|---|---|---|
{chr(10).join(batch)}

![Time to the first token](performance/first-token.png)

All values: [performance/web.csv](performance/web.csv). To repeat: `make report`.
"""


def csv_of(runs: list[dict[str, Any]]) -> str:
    """Every first-token time of every run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("run", "what", "seconds"))
    for number, told in enumerate(runs, start=1):
        for what in ("ours", "bare"):
            writer.writerows((number, what, f"{value:.6f}") for value in told[what]["first_s"])
        writer.writerows((number, "chat", f"{value:.6f}") for value in told["batch"][0]["latencies"])
    return out.getvalue()


def plot(runs: list[dict[str, Any]], file: Path) -> None:
    """The share of answers whose first token came within a time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    figure.set_canvas(FigureCanvasAgg(figure))
    axes = figure.subplots()
    for what in ("ours", "bare"):
        values = sorted(1e3 * value for told in runs for value in told[what]["first_s"])
        axes.plot(values, [100 * (at + 1) / len(values) for at in range(len(values))], label=what)
    axes.set_xlabel("milliseconds to the first token")
    axes.set_ylabel("% of answers")
    axes.set_xlim(left=0)
    axes.legend()
    figure.savefig(file, format="png", dpi=110)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    quick = arguments.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        runs = [run(Path(folder), number, quick) for number in range(RUNS)]
    OUT.mkdir(exist_ok=True)
    (OUT / "web.csv").write_text(csv_of(runs), "utf-8")
    plot(runs, OUT / "first-token.png")
    (ROOT / "docs" / "performance.md").write_text(page(runs, quick), "utf-8")


if __name__ == "__main__":
    main()
