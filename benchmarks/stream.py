"""How an answer reaches its card: ours beside the official SDK's streamer, on the sandbox with 80 ms a call.

The model writes 1 000 characters, 4 at a time, 50 times a second, after 0.3 s. Each contender runs in a process of its
own, and the sandbox in another; what a person can see is read from the sandbox's record of accepted writes.

- ours: `bot.delivery.outbox`, `bot.cards.streaming_view` and `feishu.streaming.stream` with the real client; only the
store is left out;
- sdk: `FeishuChannel.stream({"markdown": …})` of lark-oapi.

One answer: how far the visible text lags behind the model, calls, and when the whole text stands on the closed card.
Forty answers at once in forty private chats: how many are whole, refusals, the worst ending, and the CPU time of the
contender for each accepted write (the model's simulation is measured alone and taken off). Each three times, in turn:
the median, but the worst of whole, refused and the worst ending.

    python benchmarks/stream.py [--json FILE]
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import statistics
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

LATENCY_S = 0.08
FIRST_TOKEN_S, CHUNKS_PER_S, CHUNK_CHARS, ANSWER_CHARS = 0.3, 50, 4, 1000
CROWD, ROUNDS = 40, 3
# Paragraphs of 100 characters. No character comes twice, since the SDK takes repetition for an overlap of pieces.
TEXT = "".join("\n" if at % 100 > 97 else chr(0x4E00 + at * 7919 % 20_000) for at in range(ANSWER_CHARS - 2))

Told = list[tuple[float, int]]  # when the model had written so many characters
Writer = Callable[[str, AsyncIterator[str]], Awaitable[str]]  # (chat, pieces) → card id


async def model(told: Told) -> AsyncIterator[str]:
    """The scripted model; notes when it wrote what."""
    began = time.monotonic() + FIRST_TOKEN_S
    for number, at in enumerate(range(0, len(TEXT), CHUNK_CHARS)):
        await asyncio.sleep(max(0.0, began + number / CHUNKS_PER_S - time.monotonic()))
        told.append((time.time(), min(at + CHUNK_CHARS, len(TEXT))))
        yield TEXT[at : at + CHUNK_CHARS]


# The contenders. Each gives a function that answers in one chat.


@contextlib.asynccontextmanager
async def ours(url: str, refused: list[str], questions: dict[str, str]) -> AsyncIterator[Writer]:
    """Our stream path."""
    from functools import partial

    from pydantic import SecretStr

    from bot.cards import streaming_view as views
    from bot.cards.final_view import final
    from bot.cards.progress import Completed, Progress, conclude, ended, fold
    from bot.delivery.outbox import CardDelivery
    from bot.job import Job
    from bot.models import Answer, CardState, Turn
    from bot.texts import texts
    from feishu.api.cardkit import CardKit
    from feishu.api.client import CallRecord, FeishuClient
    from feishu.api.messages import Messages
    from feishu.clock import SystemClock
    from feishu.settings import FeishuSettings
    from rag.events import Delta, Retrieved

    def observe(record: CallRecord) -> None:
        if record.outcome != "ok":
            refused.append(record.outcome)

    class NoStore:
        async def remember_card(self, *_: Any, **__: Any) -> None:
            """The store is measured elsewhere."""

    settings = FeishuSettings(app_id="cli_sandbox", app_secret=SecretStr("sandbox-secret"), base_url=url)
    client = FeishuClient(settings, observe=observe)
    clock, wording = SystemClock(), texts("zh")
    outbox = CardDelivery(
        Messages(client),
        CardKit(client),
        NoStore(),
        frame_interval_s=settings.frame_interval_s,
        clock=clock,  # type: ignore[arg-type]
    )
    job = dict.fromkeys(Job.__dataclass_fields__) | {"id": 1, "app_id": "a", "attempt": 1, "kind": "answer"}

    async def answer(chat: str, pieces: AsyncIterator[str]) -> str:
        turn = Turn("t" + chat[-24:], "a", chat, chat, "p2p", questions[chat], "ou_x", "多久内要报销？")
        open_answer = Answer("a" + chat[-24:], turn.id, 1, "open")
        cards: list[str] = []
        delivery = await outbox.open(Job(**job), turn, views.opening_card(turn, open_answer, wording, resumed=False))
        cards.append(delivery._stream._card_id)  # type: ignore[attr-defined]
        progress, began = fold(Progress(), Retrieved((), 0.1)), clock.monotonic()
        async for piece in pieces:
            progress = fold(progress, Delta(piece))
            delivery.show(partial(views.frame, progress, wording, elapsed_s=clock.monotonic() - began))
        done = conclude(open_answer, ended(progress, Completed()), wording, seconds=5.3, first_token_s=0.3)
        await delivery.finish(final(CardState(turn, done, (done.id,)), wording))
        await delivery.aclose()
        return cards[0]

    await client.bot_identity()  # a running bot has its token already
    try:
        yield answer
    finally:
        await client.aclose()


@contextlib.asynccontextmanager
async def sdk(url: str, refused: list[str], _questions: dict[str, str]) -> AsyncIterator[Writer]:
    """The official SDK's channel."""
    import logging

    from lark_oapi.channel import FeishuChannel

    logging.disable(logging.CRITICAL)
    channel = FeishuChannel(app_id="cli_sandbox", app_secret="sandbox-secret", domain=url)
    create = channel.create_card_instance

    async def answer(chat: str, pieces: AsyncIterator[str]) -> str:
        cards: list[str] = []

        async def noted(spec: dict[str, Any]) -> str:
            cards.append(await create(spec))
            return cards[-1]

        async def producer(stream: Any) -> None:
            stream._create_card_instance = noted
            async for piece in pieces:
                await stream.append(piece)

        try:
            await channel.stream(chat, {"markdown": producer})
        except Exception as error:  # whatever it raises, the card shows what it shows
            refused.append(type(error).__name__)
        return cards[0] if cards else ""

    yield answer


@contextlib.asynccontextmanager
async def nobody(_url: str, _refused: list[str], _questions: dict[str, str]) -> AsyncIterator[Writer]:
    """The model alone: its share of the CPU time."""

    async def answer(_chat: str, pieces: AsyncIterator[str]) -> str:
        async for _piece in pieces:
            pass
        return ""

    yield answer


CONTENDERS: dict[str, Any] = {"ours": ours, "sdk": sdk, "nobody": nobody}


def contend(name: str, url: str, chats: dict[str, str], pipe: Connection) -> None:
    """In a process of its own: one answer in each chat, all at once."""

    async def run() -> dict[str, Any]:
        refused: list[str] = []
        async with CONTENDERS[name](url, refused, chats) as answer:
            told: dict[str, Told] = {chat: [] for chat in chats}
            cpu = time.process_time()
            cards = await asyncio.gather(*(answer(chat, model(told[chat])) for chat in chats))
            cpu_s = time.process_time() - cpu
        return {"cpu_s": cpu_s, "refused": refused, "cards": dict(zip(chats, cards, strict=True)), "told": told}

    import uvloop

    pipe.send(uvloop.run(run()))


# The platform.


def serve_platform(pipe: Connection) -> None:
    """The sandbox, with a private chat and a question for each answer that will be asked for."""

    async def run() -> None:
        from feishu.sandbox import Sandbox, SandboxSettings, running
        from feishu.sandbox.world import Person

        sandbox = Sandbox(SandboxSettings(latency_s=LATENCY_S))
        app = sandbox.world.apps["cli_sandbox"]
        chats: dict[str, str] = {}
        async with running(sandbox) as url:
            for number in range(CROWD):
                person = Person(f"ou_bench{number}", f"P{number}", f"u{number}", f"on_bench{number}")
                sandbox.world.people[person.open_id] = person
                chat = sandbox.world.private_chat(app, person.open_id)
                chats[chat.chat_id] = (await sandbox.say(chat.chat_id, person.open_id, "多久内要报销？")).message_id
            pipe.send((url, chats))
            await asyncio.to_thread(pipe.recv)

    import uvloop

    uvloop.run(run())


@contextlib.contextmanager
def platform() -> Any:
    """A fresh sandbox in its own process: (url, chat → question)."""
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve_platform, args=(theirs,), daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        process.kill()
        process.join()


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url) as reply:
        return json.load(reply)


# What came of it.


def play(name: str, answers: int) -> dict[str, Any]:
    """So many answers at once; the figures."""
    with platform() as (url, questions):
        chats = dict(list(questions.items())[:answers])
        mine, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=contend, args=(name, url, chats, theirs), daemon=True
        )
        process.start()
        theirs.close()  # a contender that dies ends the wait
        result = mine.recv()
        process.join()
        if name == "nobody":
            return {"cpu_s": result["cpu_s"]}
        log = [entry for entry in fetched(f"{url}/sandbox/log")["entries"] if entry["kind"] == "api"]
        shown = {chat: fetched(f"{url}/sandbox/cards/{card}") for chat, card in result["cards"].items() if card}
    return figures(result, log, shown)


def figures(result: dict[str, Any], log: list[dict[str, Any]], shown: dict[str, Any]) -> dict[str, Any]:
    """Of one run."""
    ends = {chat: told[-1][0] for chat, told in result["told"].items()}
    lags, finals, frames, whole = [], [], [], 0
    for chat, entity in shown.items():
        steps = [(frame["at"], visible(frame)) for frame in entity["frames"]]
        lags += [lag for at, chars in result["told"][chat] if (lag := lag_of(at, chars, steps)) is not None]
        frames.append(sum(1 for frame in entity["frames"] if frame["operation"] == "card.content"))
        if TEXT in json.dumps(entity["card"], ensure_ascii=False).replace("\\n", "\n") and not entity["streaming"]:
            whole += 1
            finals.append((closed_at(entity, steps) - ends[chat]) * 1000)
    writes = [entry for entry in log if entry["name"].startswith("card.")]
    return {
        "lag_p50_ms": percentile(lags, 0.5),
        "lag_p95_ms": percentile(lags, 0.95),
        "calls_an_answer": len([e for e in log if e["name"] not in ("token", "bot.info")]) / len(ends),
        "frames_an_answer": statistics.mean(frames) if frames else 0.0,
        "final_ms": statistics.median(finals) if finals else float("nan"),
        "worst_final_ms": max(finals, default=float("nan")),
        "whole": whole,
        "refused": len([entry for entry in log if not entry["ok"]]),
        "writes": len([entry for entry in writes if entry["ok"]]),
        "cpu_s": result["cpu_s"],
    }


def visible(frame: dict[str, Any]) -> int:
    """How much of the answer stands on the card after this write."""
    if frame["operation"] == "card.update":
        return len(TEXT) if TEXT in frame["content"] else 0
    text = frame["content"]
    return len(text) if frame["operation"] == "card.content" and TEXT.startswith(text[:40]) and text else 0


def lag_of(at: float, chars: int, steps: list[tuple[float, int]]) -> float | None:
    """Milliseconds until so many characters could be seen."""
    chars = len(TEXT[:chars].rstrip("\n"))
    seen = next((seen_at for seen_at, shown in steps if shown >= chars), None)
    return None if seen is None else max(0.0, (seen - at) * 1000)


def closed_at(entity: dict[str, Any], steps: list[tuple[float, int]]) -> float:
    """When the whole text stood there and streaming was over."""
    text_at = next(at for at, chars in steps if chars >= len(TEXT))
    closing = next(f["at"] for f in reversed(entity["frames"]) if f["operation"] in ("card.settings", "card.update"))
    return max(text_at, closing)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


def measure() -> dict[str, Any]:
    """All runs, the contenders in turn, so that a noisy minute hits both."""
    names = ["ours"]
    try:
        import lark_oapi.channel  # noqa: F401
    except ImportError:
        print("lark-oapi is not installed (extra dev): measured without it")
    else:
        names.append("sdk")
    alone: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    crowds: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        model_cpu_s = play("nobody", CROWD)["cpu_s"]
        for name in names:
            alone[name].append(play(name, 1))
            crowd = play(name, CROWD)
            crowd["cpu_ms_a_write"] = max(0.0, crowd["cpu_s"] - model_cpu_s) * 1000 / max(1, crowd["writes"])
            crowds[name].append(crowd)
    one, many = ({name: together(runs) for name, runs in each.items()} for each in (alone, crowds))
    return {"one": one, "crowd": many, "load": os.getloadavg()}


WORST: dict[str, Callable[[list[float]], float]] = {"whole": min, "refused": max, "worst_final_ms": max}


def together(runs: list[dict[str, Any]]) -> dict[str, float]:
    """The middle of the runs, and the worst of what must never happen."""
    return {key: WORST.get(key, statistics.median)([run[key] for run in runs]) for key in runs[0]}


ROWS = (
    ("one", "lag of visible text, p50 ms", "lag_p50_ms", ""),
    ("one", "lag of visible text, p95 ms", "lag_p95_ms", "≤ 300"),
    ("one", "calls an answer", "calls_an_answer", ""),
    ("one", "refused", "refused", "0"),
    ("one", "whole and closed after the model's end, ms", "final_ms", "≤ 300"),
    ("crowd", f"whole and closed, of {CROWD}", "whole", f"{CROWD}"),
    ("crowd", "refused", "refused", "0"),
    ("crowd", "frames an answer", "frames_an_answer", ""),
    ("crowd", "lag of visible text, p50 ms", "lag_p50_ms", ""),
    ("crowd", "after the model's end, median ms", "final_ms", ""),
    ("crowd", "after the model's end, worst ms", "worst_final_ms", "≤ 2000"),
    ("crowd", "CPU ms an accepted write", "cpu_ms_a_write", "≤ 2"),
)


def show(found: dict[str, Any]) -> None:
    names = list(found["one"])
    print(f"{LATENCY_S * 1000:.0f} ms a call, load average {found['load'][0]:.1f}")
    print(f"{'':6}{'':46}" + "".join(f"{name:>10}" for name in names) + f"{'ratio':>8}  aim")
    for part, title, key, aim in ROWS:
        values = [found[part][name][key] for name in names]
        ratio = f"{values[1] / values[0]:8.1f}" if len(values) > 1 and values[0] else f"{'':8}"
        print(f"{part:6}{title:46}" + "".join(f"{value:10.1f}" for value in values) + f"{ratio}  {aim}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    found = measure()
    show(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


sys.path.insert(0, str(Path(__file__).parent.parent))
if __name__ == "__main__":
    main()
