"""Half an hour of mixed traffic with faults: is anything lost or doubled, and does the process stay the same size?

    python benchmarks/soak.py                       30 minutes, SQLite
    python benchmarks/soak.py --minutes 3 --store postgresql --plot soak.png --json soak.json

One bot as a process of its own, on the sandbox platform and a scripted model. Forty people ask, follow up, vote, press
🔄 and ⏹, send files (whole, broken, empty), recall, and are told twice by the platform; meanwhile calls fail, arrive
late, lose their answers, tokens are revoked, the model refuses, stalls and breaks off, and twice the whole platform is
away for a while. At the end everything is well again, and the bot has `--rest` seconds without progress to finish.

Judged are: questions without a closed card (lost), with more than one (doubled), and cards that stay open. Memory,
descriptors, threads and CPU of the process are sampled every five seconds; growth is the slope of the second half. Ends
with 1 where something was lost, doubled or left open.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from feishu.sandbox import Sandbox, SandboxSettings, running  # noqa: E402 - beside this one
from feishu.sandbox.server.uploads import take_upload  # noqa: E402
from tests.support.bot_process import BotProcess, environment  # noqa: E402
from tests.support.crowd import Crowd  # noqa: E402
from tests.support.model_server import ModelServer, Reply  # noqa: E402
from tests.support.model_server import running as model_running  # noqa: E402
from tests.support.postgres import running_postgres  # noqa: E402

PEOPLE, SAMPLE_S, EVENT_S = 40, 5.0, 0.7
OUTAGE_S = 20.0
QUESTIONS = (
    "出差回来多久内要报销？",
    "年假有几天？",
    "打车费能报吗",
    "How do I reset my password?",
    "访客怎么登记",
    "那去年的呢？",
    "发票丢了怎么办",
    "谢谢",
    "今天天气怎么样",
    "/help",
)
ANSWER = "返回后 **10 个工作日内**提交报销单 [1]。逾期要说明原因，并由部门负责人审批 [1]。" * 4
REPLIES = (
    *[Reply(ANSWER, delay_s=0.02)] * 12,
    Reply("[[NO_ANSWER]]"),
    Reply(ANSWER, delay_s=0.01, end="length"),
    Reply(ANSWER[:60], end="disconnect"),
    Reply(status=500),
    Reply(status=429),
    Reply(ANSWER, reasoning="想一想。" * 20, delay_s=0.01),
    Reply(ANSWER, first_delay_s=3.0, delay_s=0.05),
)
FAULTS: tuple[dict[str, Any], ...] = (
    {"endpoint": "card.*", "times": 3, "status": 502, "html": "<html>Bad Gateway</html>"},
    {"endpoint": "card.*", "times": 2, "code": 2200},
    {"endpoint": "message.*", "times": 2, "status": 503, "html": "<html></html>"},
    {"endpoint": "*", "times": 5, "delay_s": 1.5},
    {"endpoint": "*", "times": 3, "drop": True, "applied": True},
    {"endpoint": "card.*", "times": 2, "drop": True},
    {"endpoint": "*", "times": 1, "revoke_token": True},
    {"endpoint": "*", "times": 4, "code": 99991400, "status": 429},
)
FILES = {
    "须知.md": "# 露营须知\n\n帐篷押金为每顶 320 元。\n".encode(),
    "empty.md": b"",
    "broken.docx": b"not a zip",
    "merge.md": b"---\na: &a [1]\nb: &b {<<: [*a, *a]}\n---\n\n# x\n",
    "table.csv": "名称,价格\n帐篷,320\n".encode("gb18030"),
}


@dataclass(frozen=True)
class Sample:
    """The process at a moment: seconds since the start, MB, counts, CPU seconds used."""

    at_s: float
    memory_mb: float
    descriptors: int
    threads: int
    cpu_s: float
    asked: int


@dataclass
class Traffic:
    """People and faults, at random (seeded), until told to stop."""

    sandbox: Sandbox
    crowd: Crowd
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)

    async def run(self, minutes: float) -> None:
        """Something happens every `EVENT_S` seconds on average; a fault about every twenty seconds."""
        ends_at = time.monotonic() + minutes * 60
        outages = [ends_at - minutes * 60 * share for share in (0.7, 0.35)]
        while (now := time.monotonic()) < ends_at:
            if outages and now >= outages[0]:
                outages.pop(0)
                await self._outage()
            await self._happens()
            if self.chance.random() < EVENT_S / 20:
                self.sandbox.faults.plan(**self.chance.choice(FAULTS))
                self.counts["faults"] += 1
            await asyncio.sleep(self.chance.expovariate(1 / EVENT_S))
        self.sandbox.faults.clear()

    async def _outage(self) -> None:
        """The platform's API is away; people go on asking."""
        fault = self.sandbox.faults.plan("*", times=None, status=502, html="<html>Bad Gateway</html>")
        ends_at = time.monotonic() + OUTAGE_S
        while time.monotonic() < ends_at:
            await self._ask()
            await asyncio.sleep(1.0)
        self.sandbox.faults.planned.remove(fault)
        self.counts["outages"] += 1

    async def _happens(self) -> None:
        doing: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (60, self._ask),
            (15, self._click),
            (4, self._file),
            (3, self._again),
        ]
        weights = [weight for weight, _ in doing]
        await self.chance.choices([each for _, each in doing], weights)[0]()

    async def _ask(self) -> None:
        await self.crowd.ask(self.chance.choice(QUESTIONS))
        self.counts["asked"] += 1

    async def _click(self) -> None:
        """Any button of one of the last cards, pressed by its asker."""
        cards = [message for message in self._replies()[-30:] if message["card"]]
        values = [(card, value) for card in cards for value in _buttons(card["card"])]
        if values:
            card, value = self.chance.choice(values)
            with contextlib.suppress(Exception):  # a card that changed under the finger, or a callback that timed out
                await self.sandbox.click(card["message_id"], self._asker_of(card["parent_id"]), value=value)
            self.counts[f"pressed {value.get('act')}"] += 1

    async def _file(self) -> None:
        name, content = self.chance.choice(list(FILES.items()))
        chat, person = self.chance.choice(self.crowd.chats)
        key = take_upload(self.sandbox.world, person, name, _base64(content), "application/octet-stream").key
        sent = {"file_key": key, "file_name": name}
        await self.sandbox.say(chat, person, kind="file", content=json.dumps(sent, ensure_ascii=False))
        self.counts["files"] += 1

    async def _again(self) -> None:
        """The platform delivers one of the last events a second time."""
        if events := list(self.sandbox.push.events)[-20:]:
            self.sandbox.push.again(self.chance.choice(events))
            self.counts["delivered again"] += 1

    def _replies(self) -> list[dict[str, Any]]:
        asked = set(self.crowd.asked)
        messages = list(self.sandbox.world.messages.values())[-400:]
        return [self.sandbox.shown(each.message_id) for each in messages if each.parent_id in asked]

    def _asker_of(self, message_id: str) -> str:
        return self.crowd.chats[self.crowd.asked.index(message_id) % self.crowd.size][1]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a card, depth first."""
    children = node if isinstance(node, list) else list(node.values()) if isinstance(node, dict) else []
    if isinstance(node, dict):
        yield node
    for child in children:
        yield from _nodes(child)


def _buttons(card: Any) -> list[dict[str, Any]]:
    """The callback values of a card's buttons."""
    values = (node.get("value") for node in _nodes(card) if node.get("type") == "callback")
    return [value for value in values if isinstance(value, dict)]


@dataclass
class Judged:
    """What became of the questions, by message id."""

    questions: int
    lost: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether each was answered once."""
        return not (self.lost or self.open or self.doubled)


def judged(sandbox: Sandbox, crowd: Crowd) -> Judged:
    """A question is answered by one closed card, or by a text (a command, thanks, too many of them)."""
    result = Judged(len(crowd.asked))
    for asked, replies in crowd.replies().items():
        shown = [sandbox.shown(reply.message_id) for reply in replies]
        cards = [each for each in shown if each["card"]]
        is_open = [each["streaming"] or not _buttons(each["card"]) for each in cards]
        final = [each for each, still in zip(cards, is_open, strict=True) if not still]
        if not shown:
            result.lost.append(asked)
        elif any(is_open):
            result.open.append(asked)
        elif len(final) > 1:
            result.doubled.append(asked)
    return result


async def at_rest(sandbox: Sandbox, crowd: Crowd, rest_s: float) -> Judged:
    """Waits until every question has ended, or nothing has been called for so long."""
    seen, since = -1, time.monotonic()
    while True:
        result = judged(sandbox, crowd)
        if not (result.lost or result.open):
            return result
        last = sandbox.journal.entries[-1].id if sandbox.journal.entries else 0
        if last != seen:
            seen, since = last, time.monotonic()
        if time.monotonic() - since > rest_s:
            return result
        await asyncio.sleep(1.0)


async def sampling(pid: int, crowd: Crowd, samples: list[Sample]) -> None:
    """One sample every `SAMPLE_S` seconds, until cancelled."""
    process, began = psutil.Process(pid), time.monotonic()
    while True:
        with process.oneshot():
            used = process.cpu_times()
            samples.append(
                Sample(
                    at_s=time.monotonic() - began,
                    memory_mb=process.memory_info().rss / 1e6,
                    descriptors=process.num_fds(),
                    threads=process.num_threads(),
                    cpu_s=used.user + used.system,
                    asked=len(crowd.asked),
                )
            )
        await asyncio.sleep(SAMPLE_S)


def growth(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """Slope of the second half, per hour: the first is warming up."""
    half = samples[len(samples) // 2 :]
    if len(half) < 3:
        return 0.0
    return statistics.linear_regression([each.at_s for each in half], [of(each) for each in half]).slope * 3600


def report(result: Judged, counts: Counter[str], samples: Sequence[Sample]) -> dict[str, Any]:
    """All figures, for JSON and for people."""
    return {
        "questions": result.questions,
        "lost": len(result.lost),
        "open": len(result.open),
        "doubled": len(result.doubled),
        "traffic": dict(counts),
        "memory_mb": {
            "start": round(samples[0].memory_mb, 1),
            "most": round(max(each.memory_mb for each in samples), 1),
            "end": round(samples[-1].memory_mb, 1),
            "growth_per_hour": round(growth(samples, lambda each: each.memory_mb), 1),
        },
        "descriptors": {
            "most": max(each.descriptors for each in samples),
            "end": samples[-1].descriptors,
            "growth_per_hour": round(growth(samples, lambda each: each.descriptors), 1),
        },
        "threads": {
            "most": max(each.threads for each in samples),
            "end": samples[-1].threads,
            "growth_per_hour": round(growth(samples, lambda each: each.threads), 1),
        },
        "cpu_s_per_question": round((samples[-1].cpu_s - samples[0].cpu_s) / max(1, result.questions), 3),
    }


def plot(samples: Sequence[Sample], file: Path) -> None:
    """Memory, descriptors and threads over time, one below the other. Needs the extra `plots`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    minutes = [each.at_s / 60 for each in samples]
    rows = {
        "memory, MB": [each.memory_mb for each in samples],
        "descriptors": [each.descriptors for each in samples],
        "threads": [each.threads for each in samples],
        "questions asked": [each.asked for each in samples],
    }
    for axes, (name, values) in zip(figure.subplots(len(rows), 1, sharex=True), rows.items(), strict=True):
        axes.plot(minutes, values, linewidth=1.2)
        axes.set_ylabel(name)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    axes.set_xlabel("minutes")
    figure.savefig(file, dpi=110)


@contextlib.asynccontextmanager
async def soaked(store: str, model: ModelServer) -> AsyncIterator[tuple[Sandbox, Crowd, BotProcess]]:
    """Sandbox, people and bot."""
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        more = {
            "RAG__LLM__PROVIDER": "openai",
            "RAG__LLM__BASE_URL": model.base_url,
            "RAG__LLM__MODEL": "scripted",
            "RAG__LLM__TIMEOUTS__FIRST_TOKEN_S": "20",
        }
        if store == "postgresql":
            more["BOT__DATABASE_URL"] = cleanup.enter_context(running_postgres()).url
        sandbox = Sandbox(SandboxSettings(time_scale=0.02))
        async with running(sandbox) as url:
            bot = BotProcess(folder, environment(url, folder, **more), launcher=("env",))
            crowd = Crowd(sandbox, PEOPLE)
            try:
                await ingested(bot)
                await bot.start()
                sandbox.set_webhook(f"{bot.public}/feishu/webhook")
                yield sandbox, crowd, bot
            finally:
                await bot.kill()


async def ingested(bot: BotProcess) -> None:
    """The sample handbook, indexed by the command line."""
    command = [sys.executable, "-m", "bot.cli", "ingest"]
    given = {**os.environ, "PYTHONPATH": str(ROOT), **bot.environment}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=bot.folder, env=given, stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise SystemExit("the sample handbook could not be ingested")


async def soak(arguments: argparse.Namespace) -> tuple[Judged, dict[str, Any]]:
    """One run: what became of the questions, and its figures."""
    with model_running() as model:
        chance = random.Random(arguments.seed)
        model.script(*chance.choices(REPLIES, k=5000))
        async with soaked(arguments.store, model) as (sandbox, crowd, bot):
            if bot.process is None:
                raise RuntimeError("the bot is not running")
            samples: list[Sample] = []
            watching = asyncio.create_task(sampling(bot.process.pid, crowd, samples))
            traffic = Traffic(sandbox, crowd, chance)
            await traffic.run(arguments.minutes)
            result = await at_rest(sandbox, crowd, arguments.rest)
            watching.cancel()
            if arguments.plot:
                plot(samples, arguments.plot)
            figures = report(result, traffic.counts, samples)
            figures["samples"] = [asdict(each) for each in samples]
            return result, figures


def main() -> None:
    """Reads the arguments, runs, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rest", type=float, default=180.0, help="seconds without a call that end the wait")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE.png")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    result, figures = asyncio.run(soak(arguments))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    samples = figures.pop("samples")
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    print(f"load average {os.getloadavg()[0]:.1f}, {len(samples)} samples")
    sys.exit(0 if result.is_well else 1)


if __name__ == "__main__":
    main()
