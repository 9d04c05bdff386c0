"""What arrives of documents' words, beside public parsers: how much, in order, in its row; what is hidden and leaks.

python benchmarks/reading.py                                      ours alone
python benchmarks/reading.py --python markitdown=/envs/m/bin/python --python docling=/envs/d/bin/python
python benchmarks/reading.py --files FOLDER …                     also real files, by what parsers agree about
python benchmarks/reading.py --missing                            which words were lost, which leaked

Each parser is installed in an environment of its own, whose python is named by `--python NAME=PATH` (ours: this one,
unless named); what pip installs there is in PARSERS of benchmarks/_reading_worker.py and is printed for the absent.
Every parser runs in a process of its own. The files are those of shared/cases (SHARED_DIR, or ../shared beside the
repository) and others that public writers make on the spot: python-docx, openpyxl, python-pptx (extra dev) and
reportlab (extra bench).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import _reading_files, _reading_open, _reading_pdfs  # noqa: E402 - a script beside these
from benchmarks._reading_cases import CASES  # noqa: E402
from benchmarks._reading_measures import Expected, Found, agreed, judged, missing, words_of  # noqa: E402
from benchmarks._reading_worker import NOT_READ, PARSERS  # noqa: E402

SHARED = Path(os.environ.get("SHARED_DIR", ROOT.parent / "shared"))
WORKER = ROOT / "benchmarks" / "_reading_worker.py"
MOST_S = 300.0
KINDS = frozenset({".docx", ".xlsx", ".pptx", ".pdf", ".html", ".htm", ".csv", ".md", ".txt", ".odt", ".ods", ".odp"})
KINDS |= {".epub", ".rtf"}


@dataclass
class Run:
    """One parser over all files."""

    start_s: float = 0.0
    installed_mb: float = 0.0
    texts: dict[Path, str] = field(default_factory=dict)
    seconds: dict[Path, float] = field(default_factory=dict)
    errors: dict[Path, str] = field(default_factory=dict)
    peak_mb: float = 0.0


def main() -> None:
    """Parse, judge, print."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        expected = {**_shared_cases(), **_made(Path(folder))}
        real = sorted(each for top in arguments.files for each in top.rglob("*") if each.suffix.lower() in KINDS)
        runs = {name: run for name in PARSERS if (run := _run(name, arguments.python, [*expected, *real])) is not None}
        results = {name: _by_kind(expected, run) for name, run in runs.items()}
        print(f"\n{len(expected)} files with known words; load average {os.getloadavg()[0]:.1f}\n")
        _print_words(results, runs, expected)
        _print_cost(runs, list(expected))
        if arguments.missing:
            _print_missing(expected, runs)
        if real:
            _print_agreement(real, runs, show=arguments.missing)
    if arguments.json:
        told = {name: {kind: asdict(found) for kind, found in kinds.items()} for name, kinds in results.items()}
        arguments.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--python", action="append", default=[], type=_named, metavar="NAME=PATH")
    parser.add_argument("--files", action="append", default=[], type=Path, metavar="FOLDER")
    parser.add_argument("--missing", action="store_true", help="name what was lost and what leaked")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    arguments.python = {"ours": sys.executable, **dict(arguments.python)}
    return arguments


def _named(text: str) -> tuple[str, str]:
    name, _, path = text.partition("=")
    if name not in PARSERS or not path:
        raise argparse.ArgumentTypeError(f"NAME=PATH, where NAME is one of {', '.join(PARSERS)}")
    return name, path


def _shared_cases() -> dict[Path, Expected]:
    folder = SHARED / "cases"
    if not folder.is_dir():
        print(f"{folder} is not there (SHARED_DIR): skipped")
    return {folder / name: expected for name, expected in CASES.items() if (folder / name).is_file()}


def _made(folder: Path) -> dict[Path, Expected]:
    found = {}
    for name, write in {**_reading_files.WRITERS, **_reading_open.WRITERS, **_reading_pdfs.WRITERS}.items():
        try:
            found[folder / name] = write(folder / name)
        except ImportError as error:
            print(f"{name}: {error.name} is not installed (extras dev and bench): skipped")
    return found


def _run(name: str, pythons: Mapping[str, str], files: Sequence[Path]) -> Run | None:
    """A parser over the files; None where it is not installed."""
    if name not in pythons:
        print(f"{name} is skipped: pip install '{PARSERS[name][1]}' in an environment, then --python {name}=…")
        return None
    run = Run()
    process: subprocess.Popen[str] | None = None
    for file in (each for each in files if each.suffix.lower() not in NOT_READ.get(name, ())):
        if process is None:
            process = _started(pythons[name])(name)
            ready = _answer(process, "")
            if ready is None or "absent" in ready:
                print(f"{name} is skipped: {(ready or {}).get('absent', 'its process ends')}; {PARSERS[name][1]}")
                process.kill()
                return None
            run.start_s, run.installed_mb = run.start_s or ready["ready"], ready["installed_mb"]
        answer = _answer(process, f"{file}\n")
        if answer is None:
            process.kill()
            process, answer = None, {"text": "", "seconds": MOST_S, "error": "ended, or took too long"}
        run.texts[file], run.seconds[file] = answer["text"], answer["seconds"]
        run.peak_mb = max(run.peak_mb, answer.get("peak_mb", 0.0))
        if "error" in answer:
            run.errors[file] = answer["error"]
    if process is not None and process.stdin is not None:
        process.stdin.close()
        process.wait()
    return run


def _started(python: str) -> Callable[[str], "subprocess.Popen[str]"]:
    """Starts a parser without the programs of this machine, so that none uses an office that happens to be there."""
    environment = {**os.environ, "PATH": str(Path(python).parent), "HF_HUB_OFFLINE": "1"}
    return lambda name: subprocess.Popen(
        [python, str(WORKER), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def _answer(process: "subprocess.Popen[str]", request: str) -> dict[str, Any] | None:
    """The next line of a process; None when it ends or takes too long."""
    if process.stdin is None or process.stdout is None:
        return None
    watch = threading.Timer(MOST_S, process.kill)
    watch.start()
    try:
        process.stdin.write(request)
        process.stdin.flush()
        line = process.stdout.readline()
        found = json.loads(line) if line else None
        return found if isinstance(found, dict) else None
    except (OSError, ValueError):
        return None
    finally:
        watch.cancel()


def _by_kind(expected: Mapping[Path, Expected], run: Run) -> dict[str, Found]:
    found: dict[str, Found] = defaultdict(Found)
    for file, wanted in expected.items():
        if file in run.texts:
            found[file.suffix[1:]] += judged(wanted, run.texts[file])
    return dict(found)


def _print_words(results: Mapping[str, Mapping[str, Found]], runs: Mapping[str, Run], files: Iterable[Path]) -> None:
    by_kind: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        by_kind[file.suffix[1:]].append(file)
    print("| kind | parser | words found | in order | rows whole | hidden words that leak | failed | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, own in by_kind.items():
        for name, kinds in results.items():
            if kind not in kinds:
                print(f"| {kind} ({len(own)} files) | {name} | not read | | | | | |")
                continue
            found, run = kinds[kind], runs[name]
            seconds = sum(run.seconds[file] for file in own)
            ratio = seconds / max(sum(runs["ours"].seconds[file] for file in own), 1e-9) if "ours" in runs else 0
            failed = sum(file in run.errors for file in own)
            cells = (
                *(f"{kind} ({len(own)} files)", name, _share(found.found, found.visible)),
                *(_share(found.in_order, found.ordered), f"{found.rows_whole} of {found.rows}" if found.rows else ""),
                *(f"{found.leaked} of {found.hidden}" if found.hidden else "", failed or "", f"{ratio:.1f} ×"),
            )
            print(f"| {' | '.join(map(str, cells))} |")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _print_cost(runs: Mapping[str, Run], files: Sequence[Path]) -> None:
    print("\n| parser | start | seconds for these files | peak memory | installed |\n|---|---|---|---|---|")
    for name, run in runs.items():
        seconds = sum(run.seconds.get(file, 0.0) for file in files)
        print(f"| {name} | {run.start_s:.1f} s | {seconds:.1f} | {run.peak_mb:.0f} MB | {run.installed_mb:.0f} MB |")


def _print_missing(expected: Mapping[Path, Expected], runs: Mapping[str, Run]) -> None:
    for file, wanted in expected.items():
        for name, run in ((name, run) for name, run in runs.items() if file in run.texts):
            lost, leaked = missing(wanted, run.texts[file])
            if lost or leaked or file in run.errors:
                print(f"{file.name}, {name}: lost {lost}, leaked {leaked} {run.errors.get(file, '')}")


def _print_agreement(files: Sequence[Path], runs: Mapping[str, Run], *, show: bool) -> None:
    """Of the words that at least two other parsers find, how many each finds; the mean over files of a kind."""
    shares: dict[tuple[str, str], list[float]] = defaultdict(list)
    losses: list[tuple[int, str]] = []
    for file in files:
        texts = {name: words_of(run.texts[file]) for name, run in runs.items() if file in run.texts}
        for name in texts:
            others = agreed(texts, name)
            if others:
                shares[file.suffix.lower()[1:], name].append(len(others & texts[name]) / len(others))
                lost = sorted(others - texts[name])
                losses += [(len(lost), f"{file.name}: {lost[:12]}")] if name == "ours" and lost else []
    print("\n| real files | parser | of the words that two others find | files | seconds |\n|---|---|---|---|---|")
    for (kind, name), each in sorted(shares.items()):
        seconds = sum(runs[name].seconds.get(file, 0.0) for file in files if file.suffix.lower()[1:] == kind)
        print(f"| {kind} | {name} | {sum(each) / len(each):.1%} | {len(each)} | {seconds:.0f} |")
    for count, line in sorted(losses, reverse=True)[:40] if show else ():
        print(f"{count} lost in {line}")


if __name__ == "__main__":
    main()
