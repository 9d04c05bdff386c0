"""What the code of an earlier commit wrote (`tests/support/written_before`), unpacked and ready to be opened."""

import itertools
import json
import tarfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from feishu.sandbox import Sandbox, SandboxClock
from feishu.sandbox.world import Entity, Message
from tests.integration.conftest import ALICE, BOB, GROUP, PATIENT_PLATFORM
from tests.support.clock import AheadClock

ARCHIVE = Path(__file__).parent / "written_before" / "20c08bf.tar.xz"
LATER_S = 600.0
"""How long after it was written it is opened."""
BOT = {"people": {"owners": {"*": [BOB]}, "admins": [ALICE]}, "digest_chat": GROUP}
"""The bot's settings of then."""


@dataclass(frozen=True)
class Earlier:
    """A copy of it. `told` has the ids of messages, and of an answer, by name."""

    folder: Path
    told: dict[str, Any]

    @property
    def bot_settings(self) -> dict[str, Any]:
        """What `BotSettings` needs."""
        return {**BOT, "database_url": f"sqlite:///{self.folder / 'bot.db'}"}

    def clock(self) -> AheadClock:
        """A clock that says it is soon after."""
        clock = AheadClock()
        clock.ahead_s = self.told["made_at"] + LATER_S - time.time()
        return clock

    def sandbox(self) -> Sandbox:
        """The platform with the messages and cards of then."""
        clock = SandboxClock(start_at=self.told["made_at"] + LATER_S)
        sandbox = Sandbox(replace(PATIENT_PLATFORM), clock=clock)
        world = sandbox.world
        messages = (Message(**{**each, "forwarded": tuple(each["forwarded"])}) for each in self.told["messages"])
        world.messages.update({each.message_id: each for each in messages})
        world.entities.update({each["card_id"]: Entity(**each) for each in self.told["entities"]})
        world._numbers = itertools.count(1_000)
        return sandbox


def unpacked(folder: Path) -> Earlier:
    """A copy in `folder`."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return Earlier(folder, json.loads((folder / "platform.json").read_text("utf-8")))
