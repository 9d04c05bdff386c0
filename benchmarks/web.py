"""What the web door costs: CPU and first token of `/chat/stream` beside the bare chain, and what `/chat/batch` saves.

Three processes in one run: a local model server that writes as fast as it can, ours (the whole web door over the real
library and the sample handbook), and a bare loop over the same chain's `astream` with the same prompt.

- cpu: seconds of CPU for 1 000 tokens, ours (the server process) and bare (the loop's process): one reader of a model
  that writes as fast as it can, and 20 readers at once of one that writes as fast as people read. In the first case
  several tokens go out in one write, in the second hardly ever.
- first token: from the request to the first piece; ours also searches, stores the question and speaks HTTP.
- hang-up: from the reader's leaving in mid-answer to the model's server seeing that nobody listens any more.
- batch: 100 questions one by one through `/chat`, then through `/chat/batch`; here the model takes its time.

    python benchmarks/web.py [--json FILE] [--quick]
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

QUESTION = "出差回来多久内要报销？"
TOKENS, PIECE_CHARS = 1_000, 2
ANSWERS, FIRST_TOKENS, HANG_UPS, QUESTIONS, THINKING_S = 20, 60, 50, 100, 0.15
CONCURRENCY = (1, 5, 10, 20)
READERS, READ_TOKENS, READ_EVERY_S = 20, 400, 0.02
PATIENCE_S = 30.0


def settings(folder: str, model_url: str) -> Any:
    """The handbook by words, and the local model."""
    from rag.settings import EmbeddingSettings, LlmSettings, RagSettings

    return RagSettings(
        knowledge=[ROOT / "knowledge"],
        index_dir=Path(folder) / "index",
        embedding=EmbeddingSettings(provider="none"),
        llm=LlmSettings(base_url=model_url, model="bench"),
    )


def serve_model(pipe: Connection) -> None:
    """The model; the pipe tells its address, then how it answers from now on: seconds of thinking, "read" or "stall".

    "left" asks when the last reader was found to have left, by the machine's monotonic clock.
    """
    from tests.support.model_server import Reply, running

    long = Reply("好的" * TOKENS, piece_chars=PIECE_CHARS, usage=(500, TOKENS))
    with running() as model:
        model.script(long)
        pipe.send(model.base_url)
        while (how := pipe.recv()) is not None:
            if how == "left":
                model.chats()[-1].hung_up.wait(PATIENCE_S)
                pipe.send(time.monotonic())
                continue
            if how == "stall":
                model.script(Reply("好的。[1]", end="stall"))
            elif how == "read":
                text = "好的" * READ_TOKENS
                model.script(Reply(text, piece_chars=PIECE_CHARS, delay_s=READ_EVERY_S, usage=(500, READ_TOKENS)))
            else:
                model.script(Reply("好的。[1]", first_delay_s=how) if how else long)
            pipe.send(True)


def serve_web(pipe: Connection, folder: str, model_url: str) -> None:
    """The web door, guard and log and all."""
    import uvloop

    from bot.observability.logs import configure_logs
    from rag.knowledge_base import KnowledgeBase
    from tests.support.web_door import web_door

    async def main() -> None:
        with open(os.devnull, "w") as nowhere:
            configure_logs("INFO", "json", stream=nowhere)
            library = await KnowledgeBase.open(settings(folder, model_url))
            await library.warm_up()
            async with web_door(library, Path(folder)) as door:
                pipe.send(door.url)
                await asyncio.to_thread(pipe.recv)

    uvloop.run(main())


def run_bare(pipe: Connection, folder: str, model_url: str) -> None:
    """The chain alone, as often as the pipe says (answers, first tokens, readers): tokens, CPU, first pieces."""
    import uvloop

    from rag.events import Question
    from rag.generation.llm import Model
    from rag.scope import EVERYTHING

    async def main() -> None:
        chosen = settings(folder, model_url)
        model, question = Model(chosen.llm, chosen.prompts), Question(QUESTION, EVERYTHING)

        async def one() -> tuple[int, float]:
            began, count, first = time.perf_counter(), 0, 0.0
            async with contextlib.aclosing(model.stream(question, ())) as pieces:
                async for piece in pieces:
                    if piece.text:
                        first = first or time.perf_counter() - began
                        count += 1
            return count, first

        while (wanted := await asyncio.to_thread(pipe.recv)) is not None:
            pipe.send(await measured(one, time.process_time, *wanted))

    uvloop.run(main())


async def measured(
    one: Callable[[], Awaitable[tuple[int, float]]],
    cpu_s: Callable[[], float],
    answers: int,
    first_tokens: int,
    readers: int,
) -> dict[str, Any]:
    """`answers` answers, `readers` at a time, with the CPU they took; then `first_tokens` times to the first token."""
    await one()
    began, cpu = time.perf_counter(), cpu_s()
    rounds = [await asyncio.gather(*(one() for _ in range(readers))) for _ in range(answers // readers)]
    told = {"cpu_s": cpu_s() - cpu, "seconds": time.perf_counter() - began}
    tokens = sum(count for answered in rounds for count, _ in answered)
    return told | {"tokens": tokens, "first_s": [(await one())[1] for _ in range(first_tokens)]}


async def read_stream(http: Any) -> tuple[int, float]:
    """Tokens of one answer, and the time to the first."""
    began, count, first = time.perf_counter(), 0, 0.0
    async with http.stream("POST", "/chat/stream", json={"question": QUESTION}) as answer:
        async for chunk in answer.aiter_bytes():
            found = chunk.count(b"event: token")
            if found and not first:
                first = time.perf_counter() - began
            count += found
    return count, first


async def measure_stream(url: str, pid: int, answers: int, first_tokens: int, readers: int = 1) -> dict[str, Any]:
    import httpx
    import psutil

    server = psutil.Process(pid)

    def cpu_s() -> float:
        times = server.cpu_times()
        return float(times.user + times.system)

    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=120) as http:
        return await measured(lambda: read_stream(http), cpu_s, answers, first_tokens, readers)


async def measure_hang_ups(url: str, model: Connection, times: int) -> list[float]:
    """Seconds from the reader's leaving after the first token to the model's server knowing it."""
    import httpx

    taken = []
    for _ in range(times):
        http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S)
        async with http, http.stream("POST", "/chat/stream", json={"question": QUESTION}) as answer:
            async for chunk in answer.aiter_bytes():
                if b"event: token" in chunk:
                    break
            left_at = time.monotonic()
        model.send("left")
        taken.append(model.recv() - left_at)
    return taken


async def measure_batch(url: str, pid: int, questions: int) -> list[dict[str, Any]]:
    import httpx
    import psutil

    server, rows = psutil.Process(pid), []
    asked = [QUESTION] * questions
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=600) as http:
        latencies, began = [], time.perf_counter()
        for question in asked:
            at = time.perf_counter()
            (await http.post("/chat", json={"question": question})).raise_for_status()
            latencies.append(time.perf_counter() - at)
        alone_s = time.perf_counter() - began
        rows.append({"how": "one by one", "seconds": alone_s, "faster": 1.0, "latencies": latencies})
        for workers in CONCURRENCY:
            memory, began = server.memory_info().rss, time.perf_counter()
            answer = await http.post("/chat/batch", json={"questions": asked, "max_concurrency": workers})
            seconds = time.perf_counter() - began
            lines = [json.loads(line) for line in answer.text.splitlines()]
            assert len(lines) == questions and not any("error" in line for line in lines)
            grown_mb = (server.memory_info().rss - memory) / 1e6
            rows.append(
                {
                    "how": f"batch, {workers} at once",
                    "seconds": seconds,
                    "faster": alone_s / seconds,
                    "grown_mb": grown_mb,
                }
            )
    return rows


def measure(*, quick: bool) -> dict[str, Any]:
    """One whole run."""
    from rag.ingestion.pipeline import ingest

    answers, first_tokens, questions = (3, 10, 20) if quick else (ANSWERS, FIRST_TOKENS, QUESTIONS)
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        model_pipe, model_end = spawn.Pipe()
        model = spawn.Process(target=serve_model, args=(model_end,), daemon=True)
        model.start()
        model_url = model_pipe.recv()
        ingest(settings(folder, model_url))
        web_pipe, web_end = spawn.Pipe()
        web = spawn.Process(target=serve_web, args=(web_end, folder, model_url), daemon=True)
        web.start()
        url = web_pipe.recv()
        assert web.pid is not None
        bare_pipe, bare_end = spawn.Pipe()
        bare = spawn.Process(target=run_bare, args=(bare_end, folder, model_url), daemon=True)
        bare.start()
        rows: dict[str, Any] = {}
        for name, wanted in (("", (answers, first_tokens, 1)), ("_read", (READERS, 0, READERS))):
            model_pipe.send("read" if name else 0)
            model_pipe.recv()
            rows[f"ours{name}"] = asyncio.run(measure_stream(url, web.pid, *wanted))
            bare_pipe.send(wanted)
            rows[f"bare{name}"] = bare_pipe.recv()
        bare_pipe.send(None)
        model_pipe.send("stall")
        model_pipe.recv()
        hang_ups = asyncio.run(measure_hang_ups(url, model_pipe, HANG_UPS // (5 if quick else 1)))
        model_pipe.send(THINKING_S)
        model_pipe.recv()
        batch = asyncio.run(measure_batch(url, web.pid, questions))
        web_pipe.send(None)
        model_pipe.send(None)
        for process in (web, model, bare):
            process.join(10)
            process.kill()
    return {**rows, "hang_ups": hang_ups, "batch": batch, "machine": machine(), "load": os.getloadavg()[0]}


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {platform.system()}"


def share(values: list[float], percent: int) -> float:
    """A percentile by nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def lines_of(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What is measured: name, ours, bare."""
    ours, bare = told["ours"], told["bare"]
    cpu = {name: 1e6 * row["cpu_s"] / row["tokens"] for name, row in (("ours", ours), ("bare", bare))}
    read = {name: 1e6 * told[f"{name}_read"]["cpu_s"] / told[f"{name}_read"]["tokens"] for name in cpu}
    first = {name: 1e3 * statistics.median(row["first_s"]) for name, row in (("ours", ours), ("bare", bare))}
    rows = [
        ("tokens/s, one reader", f"{ours['tokens'] / ours['seconds']:.0f}", f"{bare['tokens'] / bare['seconds']:.0f}"),
        ("CPU per 1 000 tokens, ms", f"{cpu['ours']:.0f}", f"{cpu['bare']:.0f}"),
        ("… ratio (aim ≤ 1.3)", f"{cpu['ours'] / cpu['bare']:.2f}", ""),
        ("… our part, ms (aim ≤ 40)", f"{cpu['ours'] - cpu['bare']:.0f}", ""),
        (f"{READERS} at reading speed, CPU", f"{read['ours']:.0f}", f"{read['bare']:.0f}"),
        ("… ratio at reading speed", f"{read['ours'] / read['bare']:.2f}", ""),
        ("first token p50, ms", f"{first['ours']:.1f}", f"{first['bare']:.1f}"),
        ("… overhead, ms (aim ≤ 15)", f"{first['ours'] - first['bare']:.1f}", ""),
    ]
    for percent in (95, 99):
        values = [f"{1e3 * share(row['first_s'], percent):.1f}" for row in (ours, bare)]
        rows.append((f"first token p{percent}, ms", *values))
    for name, seconds in (
        ("p50, ms", statistics.median(told["hang_ups"])),
        ("worst, ms (aim ≤ 1 000)", max(told["hang_ups"])),
    ):
        rows.append((f"hang-up {name}", f"{1e3 * seconds:.1f}", ""))
    return rows


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--quick", action="store_true")
    chosen = arguments.parse_args()
    told = measure(quick=chosen.quick)
    print(f"{told['machine']}, load {told['load']:.1f}")
    for name, ours, bare in lines_of(told):
        print(f"{name:<32}{ours:>10}{bare:>10}")
    for row in told["batch"]:
        print(f"{row['how']:<32}{row['seconds']:>9.1f}s{row['faster']:>9.1f}×")
    if chosen.json:
        chosen.json.write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    main()
