"""What people are called. Asked of the platform where its scope is granted, and kept for an hour."""

import structlog

from feishu.api.client import FeishuClient
from feishu.api.endpoints import USERS
from feishu.clock import Clock, SystemClock
from feishu.errors import FeishuError
from feishu.visible_text import visible_text

log = structlog.get_logger(__name__)

KEPT_S = 3_600.0
MOST_KEPT = 5_000


class UserNames:
    """Display names by open id; "" where the platform does not tell."""

    def __init__(self, client: FeishuClient, *, clock: Clock | None = None) -> None:
        self._client = client
        self._clock = clock or SystemClock()
        self._known: dict[str, tuple[float, str]] = {}

    async def of(self, open_id: str) -> str:
        """Never raises: a name is a courtesy."""
        at, name = self._known.get(open_id, (-KEPT_S, ""))
        if self._clock.monotonic() - at < KEPT_S:
            return name
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        name = await self._asked(open_id)
        self._known[open_id] = (self._clock.monotonic(), name)
        return name

    async def _asked(self, open_id: str) -> str:
        try:
            reply = await self._client.call(USERS, params={"user_ids": open_id, "user_id_type": "open_id"})
        except FeishuError as error:
            log.info("name_unknown", reason=str(error))
            return ""
        items = reply.get("items")
        first = items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
        return " ".join(visible_text(str(first.get("name") or "")).split())
