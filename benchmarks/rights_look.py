"""How long a look through the rights of many documents takes within the platform's limits, by the sandbox's clock.

    python benchmarks/rights_look.py            (10 000 pages of ten wikis; a minute or two of CPU)
    python benchmarks/rights_look.py --quick    (200 pages)

Client and sandbox share a clock that jumps whenever everybody waits, and each call takes 150 ms on it; the sandbox
keeps its windows for each API and counts what it refuses. A fifth of the pages do not inherit, and half are shared
with somebody besides.
"""

import argparse
import asyncio
import heapq
import itertools
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx

from bot.documents.rights_reading import RightsFound, rights_of_links
from bot.settings import Settings
from bot.settings.models import BotSettings
from feishu.api.client import CallRecord, FeishuClient
from feishu.sandbox import Sandbox, SandboxSettings
from feishu.sandbox.clock import SandboxClock
from feishu.sandbox.server.app import app_of
from feishu.sandbox.sharing import Member, SpaceMember
from feishu.settings import FeishuSettings
from rag.settings import RagSettings

CALL_S = 0.15
SPACES = 10
PEOPLE = ("ou_linxiaoman", "ou_zhouming")
QUIET_ROUNDS = 5
"""Rounds of the event loop in which nothing was ready: then everybody waits for the clock."""


class JumpingClock(SandboxClock):
    """Stands still while anybody works, and jumps to the next who waits when nobody does."""

    def __init__(self) -> None:
        super().__init__(frozen=True, start_at=1_700_000_000.0)
        self.now = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return 1_700_000_000.0 + self.now

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        due: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.now + max(seconds, 0.0), next(self._order), due))
        await due

    async def run(self, work: "asyncio.Task[RightsFound]") -> RightsFound:
        """The result of a task, with time moved on for it."""
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        quiet = 0
        while not work.done():
            await asyncio.sleep(0)
            quiet = 0 if ready else quiet + 1
            if quiet >= QUIET_ROUNDS and self._waiting:
                self.now, _, due = heapq.heappop(self._waiting)
                quiet = 0
                if not due.done():
                    due.set_result(None)
        return work.result()


class Far(httpx.AsyncBaseTransport):
    """The sandbox in this process, as far away as a platform."""

    def __init__(self, sandbox: Sandbox, clock: JumpingClock) -> None:
        self._inner = httpx.ASGITransport(app=cast(Any, app_of(sandbox)))
        self._clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._clock.sleep(CALL_S)
        return await self._inner.handle_async_request(request)


def filled(sandbox: Sandbox, pages: int) -> list[str]:
    """Wikis of four levels; their links."""
    chance, store = random.Random(1), sandbox.platform.documents
    store.page_size = 50
    spaces = [f"73000000000000001{number:02}" for number in range(SPACES)]
    for space in spaces:
        sandbox.rights.space(space, space, SpaceMember("user", chance.choice(PEOPLE), "admin"))
        parents = [""]
        for number in range(pages // SPACES):
            node = store.node(space, f"Page {number}", "Words.", parent=parents[number // 12 % len(parents)])
            if len(parents) < 40:
                parents.append(node.node_token)
            if chance.random() < 0.5:
                sandbox.rights.share(
                    node.node_token, Member("user", chance.choice(PEOPLE)), lock_switch=chance.random() < 0.4
                )
    return [f"https://sandbox.feishu.cn/wiki/settings/{space}" for space in spaces]


async def look(pages: int) -> dict[str, Any]:
    """One look; its figures."""
    clock = JumpingClock()
    sandbox = Sandbox(SandboxSettings(), clock=clock)
    links = filled(sandbox, pages)
    app, calls, outcomes = sandbox.settings, Counter[str](), Counter[str]()

    def note(call: CallRecord) -> None:
        calls[call.endpoint] += 1
        outcomes[call.outcome] += 1

    feishu = FeishuSettings.model_validate(
        {"app_id": app.app_id, "app_secret": app.app_secret, "base_url": "http://127.0.0.1"}
    )
    bot = BotSettings.model_validate({"access": {"rights": "mirror"}})
    settings = Settings(feishu=feishu, rag=RagSettings(links=links), bot=bot)
    async with httpx.AsyncClient(transport=Far(sandbox, clock)) as http:
        client = FeishuClient(feishu, http=http, clock=clock, observe=note)
        cpu_s = time.process_time()
        found = await clock.run(asyncio.ensure_future(rights_of_links(settings, client)))
        cpu_s = time.process_time() - cpu_s
    return {
        "pages": len(found.found),
        "closed": sum(not rights.readers for _, rights in found.found.values()),
        "failed": found.failed,
        "minutes": round(clock.now / 60, 1),
        "calls": dict(calls.most_common()),
        "refused": sum(count for outcome, count in outcomes.items() if outcome != "ok"),
        "cpu_s": round(cpu_s, 1),
    }


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="200 pages")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    given = parser.parse_args()
    figures = asyncio.run(look(200 if given.quick else 10_000))
    print(
        f"{figures['pages']} pages: {figures['minutes']} minutes on the platform's clock, {figures['cpu_s']} s of CPU"
    )
    print(f"refused: {figures['refused']}, failed: {figures['failed']}, closed: {figures['closed']}")
    for name, count in figures["calls"].items():
        print(f"  {count:6} {name}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
