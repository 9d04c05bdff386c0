"""How long the command line and the bot take to start, beside a bare FastAPI app on the same server.

Each measurement is a new process, and rounds are interleaved, so that a noisy minute hits all of them:

- python: `python -c pass`, which nothing can be faster than;
- help, version: `feishu-rag --help` and `--version`, until the process has ended;
- bare: a FastAPI app with one route in uvicorn, until `/health` answers;
- serve: the bot with an index of the sample handbook, words only (no torch), a store that is there, and the long
  connection to a platform that is not there, until `/health` answers;
- serve, first: the same with an empty folder, where store and index are still to be made.

One start before the first round is not counted: it compiles the modules. CPU time is that of the whole process, with
its end, and tells on a busy machine what the time by the clock does not.

    python benchmarks/start.py [--rounds 7] [--json FILE]
"""

import argparse
import http.client
import json
import os
import platform
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.005
OURS = ("FEISHU__", "RAG__", "BOT__")
AIMS = {"help": 0.3, "serve": 2.0}
BARE = """
import sys
import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""


def environment(**more: str) -> dict[str, str]:
    """Without settings of this machine, and with compiled modules kept."""
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(OURS)}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**inherited, "PYTHONPATH": str(REPOSITORY), **more}


def own(port: int) -> dict[str, str]:
    """The settings of a bot that needs nobody."""
    return environment(
        FEISHU__APP_ID="cli_benchmark",
        FEISHU__APP_SECRET="unused",
        FEISHU__BASE_URL="http://127.0.0.1:9",
        FEISHU__TRANSPORT="websocket",
        RAG__EMBEDDING__PROVIDER="none",
        RAG__LLM__PROVIDER="extractive",
        RAG__KNOWLEDGE=json.dumps([str(REPOSITORY / "knowledge")]),
        BOT__HOST="127.0.0.1",
        BOT__PORT=str(port),
        BOT__WEB_PORT="0",
        BOT__LOG_LEVEL="ERROR",
    )


@dataclass(frozen=True, slots=True)
class Start:
    """What one start took, in seconds."""

    clock_s: float
    cpu_s: float


def children_cpu_s() -> float:
    """CPU time of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ended(*command: str) -> Start:
    """Until a command has ended."""
    began, used = time.perf_counter(), children_cpu_s()
    subprocess.run([sys.executable, *command], env=environment(), stdout=subprocess.DEVNULL, check=True)
    return Start(time.perf_counter() - began, children_cpu_s() - used)


def healthy(command: list[str], port: int, folder: Path, env: dict[str, str]) -> Start:
    """Until a server's `/health` answers 200; the server is ended afterwards."""
    began, used = time.perf_counter(), children_cpu_s()
    process = subprocess.Popen([sys.executable, *command], cwd=folder, env=env, stderr=subprocess.DEVNULL)
    try:
        while not answers(port):
            if process.poll() is not None or time.perf_counter() - began > PATIENCE_S:
                raise RuntimeError(f"{command} did not start")
            time.sleep(LOOK_EVERY_S)
        clock_s = time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
    return Start(clock_s, children_cpu_s() - used)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def bare(folder: Path) -> Start:
    port = free_port()
    return healthy(["-c", BARE, str(port)], port, folder, environment())


def serve(folder: Path) -> Start:
    port = free_port()
    return healthy(["-m", "bot.cli", "serve"], port, folder, own(port))


def serve_first(folder: Path) -> Start:
    with tempfile.TemporaryDirectory(dir=folder) as empty:
        return serve(Path(empty))


def measured(rounds: int, folder: Path) -> dict[str, list[Start]]:
    """Each start, by what was started."""
    subprocess.run(
        [sys.executable, "-m", "bot.cli", "ingest"], cwd=folder, env=own(0), check=True, stdout=subprocess.DEVNULL
    )
    kinds: dict[str, Callable[[], Start]] = {
        "python": lambda: ended("-c", "pass"),
        "help": lambda: ended("-m", "bot.cli", "--help"),
        "version": lambda: ended("-m", "bot.cli", "--version"),
        "bare": lambda: bare(folder),
        "serve": lambda: serve(folder),
        "serve, first": lambda: serve_first(folder),
    }
    for start in kinds.values():
        start()
    took: dict[str, list[Start]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, start in kinds.items():
            took[name].append(start())
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        took = measured(arguments.rounds, Path(folder))
    loads = f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    print(f"{platform.python_implementation()} {platform.python_version()}, {arguments.rounds} rounds, {loads}")
    print(f"{'':14}{'median s':>10}{'best s':>10}{'worst s':>10}{'CPU s':>10}{'aim s':>8}")
    for name, starts in took.items():
        clock = [each.clock_s for each in starts]
        cpu_s = statistics.median(each.cpu_s for each in starts)
        aim = f"{AIMS[name]:8.1f}" if name in AIMS else ""
        print(f"{name:14}{statistics.median(clock):10.2f}{min(clock):10.2f}{max(clock):10.2f}{cpu_s:10.2f}{aim}")
    if arguments.json:
        rounds = {name: [asdict(each) for each in starts] for name, starts in took.items()}
        arguments.json.write_text(json.dumps({"load": load, "rounds": rounds}, indent=2) + "\n")


if __name__ == "__main__":
    main()
