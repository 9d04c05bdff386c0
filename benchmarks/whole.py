"""What a whole answer costs: the bot as a process, on the sandbox with 150 ms a call and a scripted model, beside a
bot of about 70 lines that does nothing but stream (`_minimal_bot.py`).

The model writes 1 000 characters, 4 at a time, 50 times a second. Sandbox, model and bot are processes of their own;
the bot searches the sample handbook by words, stores on SQLite, and answers so many people at once, each in private:

- CPU: of the bot's process, all threads, from the first event to the last closed card and two seconds after; an idle
  bot's share of that time is taken off and told beside it;
- calls: to the platform, an answer; what the sandbox refused;
- lag: from the model's writing of characters to the accepted call that shows them, p50 and p95 over all characters;
- closing: from the model's end to the closed card, median and worst;
- RSS: the most, of the process.

`--parts` runs the bot once more with a sampler in it, and tells which part of the program the CPU time is spent in. The
contenders take turns in each round; medians are shown.

    python benchmarks/whole.py [--rounds 3] [--crowds 1,10,40,200] [--parts] [--json FILE]
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

LATENCY_S = 0.15
FIRST_TOKEN_S, CHUNKS_PER_S, CHUNK_CHARS, ANSWER_CHARS = 0.3, 50, 4, 1000
CROWDS = (1, 10, 40, 200)
QUIET_S = 2.0
QUESTION = "出差回来多久内要报销？"
TEXT = "".join("\n" if at % 100 > 97 else chr(0x4E00 + at * 7919 % 20_000) for at in range(ANSWER_CHARS - 5)) + " [1]。"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SPAWN = multiprocessing.get_context("spawn")
Figures = dict[str, float]


# The model and the platform, each in a process of its own.


def serve_model(pipe: Connection) -> None:
    """An OpenAI-compatible server; its writing is told by the number that is in each question."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    told: dict[str, list[tuple[float, int]]] = {}

    async def chat(request: Request) -> Response:
        body = await request.json()
        number = str(body["messages"][-1]["content"]).rsplit("#", 1)[-1].split()[0]
        return StreamingResponse(written(told.setdefault(number, [])), media_type="text/event-stream")

    async def written(steps: list[tuple[float, int]]) -> Any:
        began = time.monotonic() + FIRST_TOKEN_S
        envelope = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        for number, at in enumerate(range(0, len(TEXT), CHUNK_CHARS)):
            await asyncio.sleep(max(0.0, began + number / CHUNKS_PER_S - time.monotonic()))
            steps.append((time.time(), min(at + CHUNK_CHARS, len(TEXT))))
            delta = {"index": 0, "delta": {"content": TEXT[at : at + CHUNK_CHARS]}, "finish_reason": None}
            yield f"data: {json.dumps({**envelope, 'choices': [delta]})}\n\n"
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        yield f"data: {json.dumps({**envelope, 'choices': [end]})}\n\ndata: [DONE]\n\n"

    async def tell(_request: Request) -> Response:
        return JSONResponse(told)

    app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/told", tell)])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        pipe.send(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
        await serving

    asyncio.run(run())


def serve_platform(pipe: Connection) -> None:
    """The sandbox. Each order on the pipe is a webhook address, or how many people are to ask at once; the reply is
    sent once all their cards are closed."""

    async def run() -> None:
        from feishu.sandbox import Sandbox, SandboxSettings, running
        from tests.support.crowd import Crowd

        sandbox = Sandbox(SandboxSettings(latency_s=LATENCY_S))
        asked_so_far = 0
        async with running(sandbox) as url:
            pipe.send(url)
            while True:
                order = await asyncio.to_thread(pipe.recv)
                if isinstance(order, str):
                    sandbox.set_webhook(order)
                    pipe.send(None)
                    continue
                crowd = Crowd(sandbox, order)
                first = sandbox.journal.entries[-1].id if sandbox.journal.entries else 0
                for _ in range(order):
                    asked_so_far += 1
                    await crowd.ask(f"{QUESTION} #{asked_so_far} ")
                cards = await sandbox.wait_for(lambda crowd=crowd: closed(sandbox, crowd), 300.0)
                await asyncio.sleep(QUIET_S)
                pipe.send(
                    {
                        "cards": cards,
                        "numbers": range(asked_so_far - order + 1, asked_so_far + 1),
                        "calls": [
                            (entry.name, entry.ok)
                            for entry in sandbox.journal.entries
                            if entry.id > first and entry.kind == "api"
                        ],
                    }
                )

    import uvloop

    uvloop.run(run())


def closed(sandbox: Any, crowd: Any) -> list[list[dict[str, Any]]] | None:
    """The writes of each question's card, once all of them are closed with the whole text on them."""
    found = []
    for replies in crowd.replies().values():
        entities = [sandbox.world.entities[reply.card_id] for reply in replies if reply.card_id]
        if not entities or entities[0].streaming or not is_whole(json.dumps(entities[0].card, ensure_ascii=False)):
            return None
        frames = entities[0].frames
        found.append([{"at": each.at, "operation": each.operation, "content": each.content} for each in frames])
    return found if len(found) == crowd.size else None


def is_whole(card: str) -> bool:
    """Whether the answer's end stands on it: citations in it are links on our cards."""
    return TEXT[-60:-5].replace("\n", "\\n") in card


@contextlib.contextmanager
def process_of(serve: Any) -> Iterator[tuple[Connection, str]]:
    """The pipe, and the address that the process gave."""
    mine, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield mine, mine.recv()
    finally:
        process.kill()
        process.join()


# The contenders.


@contextlib.contextmanager
def ours(platform: str, model: str, folder: Path, *, sampler: Path | None = None) -> Iterator[tuple[int, str]]:
    """The bot by its command line: process id and webhook."""
    from tests.support.bot_process import environment

    more = {"RAG__LLM__BASE_URL": f"{model}/v1", "RAG__LLM__MODEL": "m", "RAG__LLM__API_KEY": "k"}
    more |= {"BOT__LOG_LEVEL": "INFO", "BOT__LOG_FORMAT": "json", "PYTHONPATH": str(REPOSITORY)}
    more |= {"BOT__PEOPLE__SUGGESTIONS": "headings"}
    env = {**os.environ, **environment(platform, folder, **more)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [sys.executable, "-m", "bot.cli", "ingest"], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL
    )
    command = [sys.executable, "-m", "bot.cli", "serve"]
    if sampler is not None:
        command = [sys.executable, str(REPOSITORY / "benchmarks" / "_sampled.py"), str(sampler)]
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        public = next(json.loads(line)["public"] for line in process.stderr if '"serving"' in line)
        drain = multiprocessing.get_context("fork")  # the pipe must not fill up
        reader = drain.Process(target=lambda: [None for _ in process.stderr or ()], daemon=True)
        reader.start()
        yield process.pid, f"{public}/feishu/webhook"
        reader.kill()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextlib.contextmanager
def minimal(platform: str, model: str, folder: Path) -> Iterator[tuple[int, str]]:
    """The bot of 70 lines."""
    port = 20_000 + os.getpid() % 20_000
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "_minimal_bot.py"), platform, f"{model}/v1", str(port)]
    process = subprocess.Popen(command, cwd=folder, env=env)
    try:
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/docs", timeout=1)
                break
            time.sleep(0.05)
        yield process.pid, f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


CONTENDERS: dict[str, Any] = {"ours": ours, "minimal": minimal}


# What it cost.


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def measured(name: str, crowds: list[int]) -> dict[int, Figures]:
    """One run of a contender: the figures of each crowd."""
    with (
        tempfile.TemporaryDirectory() as folder,
        process_of(serve_model) as (_, model),
        process_of(serve_platform) as (pipe, platform),
        CONTENDERS[name](platform, model, Path(folder)) as (pid, webhook),
    ):
        ordered(pipe, webhook)
        ordered(pipe, 1)  # what is made once (tokens, connections, the model's client) counts for nobody
        idle = cpu_s(pid)
        time.sleep(5)
        idle_share = (cpu_s(pid) - idle) / 5
        found = {}
        for crowd in crowds:
            before, began = cpu_s(pid), time.monotonic()
            told = ordered(pipe, crowd)
            spent, took = cpu_s(pid) - before, time.monotonic() - began
            found[crowd] = {
                "cpu_s": (spent - idle_share * took) / crowd,
                "idle_percent": idle_share * 100,
                "rss_mb": rss_mb(pid),
                **figures(told, fetched(f"{model}/told"), crowd),
            }
        return found


def ordered(pipe: Connection, order: str | int) -> Any:
    pipe.send(order)
    return pipe.recv()


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url) as reply:
        return json.load(reply)


def figures(told: dict[str, Any], written: dict[str, list[tuple[float, int]]], crowd: int) -> Figures:
    """Calls, lag and closing."""
    lags, closing = [], []
    numbers = [str(number) for number in told["numbers"]]
    for frames, number in zip(told["cards"], numbers, strict=True):
        steps = [(frame["at"], visible(frame)) for frame in frames]
        for at, chars in written[number]:
            seen = next((seen_at for seen_at, shown in steps if shown >= len(TEXT[:chars].rstrip("\n"))), None)
            lags += [] if seen is None else [max(0.0, seen - at) * 1000]
        closing.append((frames[-1]["at"] - written[number][-1][0]) * 1000)
    return {
        "calls": sum(1 for _, ok in told["calls"] if ok) / crowd,
        "refused": float(sum(1 for _, ok in told["calls"] if not ok)),
        "lag_p50_ms": percentile(lags, 0.5),
        "lag_p95_ms": percentile(lags, 0.95),
        "closing_ms": statistics.median(closing),
        "worst_closing_ms": max(closing),
    }


def visible(frame: dict[str, Any]) -> int:
    """How many characters of the answer stand on the card after this write."""
    text = str(frame["content"])
    if frame["operation"] == "card.content":
        return len(text) if text and TEXT.startswith(text[:40]) else 0
    return len(TEXT) if is_whole(text) or TEXT[-60:-5] in text else 0


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


def parts(crowd: int) -> Counter[str]:
    """CPU seconds an answer of our bot, by part of the program, once it is warm."""
    with (
        tempfile.TemporaryDirectory() as folder,
        process_of(serve_model) as (_, model),
        process_of(serve_platform) as (pipe, platform),
    ):
        samples = Path(folder) / "samples.json"
        with ours(platform, model, Path(folder), sampler=samples) as (pid, webhook):
            ordered(pipe, webhook)
            ordered(pipe, 1)
            before = sampled(pid, samples)
            ordered(pipe, crowd)
            after = sampled(pid, samples)
    return Counter({name: (seconds - before.get(name, 0.0)) / crowd for name, seconds in after.items()})


def sampled(pid: int, samples: Path) -> dict[str, float]:
    """What was spent so far."""
    samples.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    while not samples.exists():
        time.sleep(0.02)
    found: dict[str, float] = json.loads(samples.read_text())
    return found


ROWS = (
    ("CPU s an answer", "cpu_s", 3),
    ("calls an answer", "calls", 1),
    ("calls refused", "refused", 0),
    ("lag p50 ms", "lag_p50_ms", 0),
    ("lag p95 ms", "lag_p95_ms", 0),
    ("closed after the model's end, median ms", "closing_ms", 0),
    ("closed after the model's end, worst ms", "worst_closing_ms", 0),
    ("RSS MB", "rss_mb", 0),
    ("idle, % of a core", "idle_percent", 2),
)


def show(found: dict[str, dict[int, Figures]], crowds: list[int]) -> None:
    print(f"{LATENCY_S * 1000:.0f} ms a call, load average {os.getloadavg()[0]:.1f}")
    for crowd in crowds:
        print(f"\n{crowd} at once{'':34}" + "".join(f"{name:>10}" for name in found) + f"{'ratio':>8}")
        for title, key, digits in ROWS:
            values = [found[name][crowd][key] for name in found]
            ratio = f"{values[0] / values[1]:8.2f}" if len(values) > 1 and values[1] else f"{'':8}"
            print(f"{title:43}" + "".join(f"{value:10.{digits}f}" for value in values) + ratio)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--crowds", default=",".join(map(str, CROWDS)))
    parser.add_argument("--parts", action="store_true", help="also tell where the CPU time goes")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    crowds = [int(crowd) for crowd in arguments.crowds.split(",")]
    runs: dict[str, list[dict[int, Figures]]] = {name: [] for name in CONTENDERS}
    for _ in range(arguments.rounds):
        for name, told in runs.items():
            told.append(measured(name, crowds))
    found = {
        name: {
            crowd: {key: statistics.median(run[crowd][key] for run in told) for key in told[0][crowd]}
            for crowd in crowds
        }
        for name, told in runs.items()
    }
    show(found, crowds)
    spent = parts(10) if arguments.parts else Counter[str]()
    if spent:
        print("\nCPU ms an answer, by part (10 at once, with the sampler)")
        for name, seconds in spent.most_common(24):
            print(f"{name:40}{seconds * 1000:10.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"found": found, "parts": spent}, indent=2) + "\n")


if __name__ == "__main__":
    main()
