"""What those are called to whom documents are shared: people, departments, chats, user groups, wiki spaces.

Asked of the platform where its scopes are granted, and kept for an hour. A name is a courtesy: where the platform does
not tell, there is none. Whoever is told one has to be allowed to know it; that is not decided here.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import structlog

from bot.intake.user_names import UserNames
from feishu.api.client import FeishuClient
from feishu.api.endpoints import CHAT, DEPARTMENT, SPACE, USER_GROUP, Endpoint
from feishu.clock import Clock
from feishu.documents.rights import OUTSIDE
from feishu.errors import FeishuError
from feishu.visible_text import visible_text

log = structlog.get_logger(__name__)

KEPT_S = 3_600.0
MOST_KEPT = 5_000
MOST_ASKED = 100
"""Names that are asked for at once."""
SPACE_PREFIX = "space:"
"""With a space's id, it is named like a principal."""
_ASKED: dict[str, tuple[Endpoint, str, str, dict[str, str]]] = {
    "department": (DEPARTMENT, "department_id", "department", {"department_id_type": "open_department_id"}),
    "chat": (CHAT, "chat_id", "", {}),
    "group": (USER_GROUP, "group_id", "group", {}),
    "space": (SPACE, "space_id", "space", {}),
}


class PrincipalNames:
    """Names of principals by what they are, like `department:od-…`, and of spaces."""

    def __init__(self, client: FeishuClient, people: UserNames, *, clock: Clock) -> None:
        self._client = client
        self._people = people
        self._clock = clock
        self._known: dict[str, tuple[float, str]] = {}

    async def of_all(self, principals: Iterable[str], *, within_s: float) -> dict[str, str]:
        """The names that are known by then; of those that are not, so many are asked for that the calls of answers do
        not wait. Never raises."""
        wanted = set(principals)
        unknown = sorted(each for each in wanted if not self._is_fresh(each))[:MOST_ASKED]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await asyncio.gather(*map(self.of, unknown))
        return {each: name for each in wanted if (name := self._known.get(each, (0.0, ""))[1])}

    async def of(self, principal: str) -> str:
        """One name; "" where the platform does not tell. Never raises."""
        if self._is_fresh(principal):
            return self._known[principal][1]
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        name = await self._asked(principal.removeprefix(OUTSIDE))
        self._known[principal] = (self._clock.monotonic(), name)
        return name

    def _is_fresh(self, principal: str) -> bool:
        known = self._known.get(principal)
        return known is not None and self._clock.monotonic() - known[0] < KEPT_S

    async def _asked(self, principal: str) -> str:
        kind, _, its_id = principal.partition(":")
        if kind == "user":
            return await self._people.of(its_id)
        if kind not in _ASKED or not its_id:
            return ""
        endpoint, parameter, key, params = _ASKED[kind]
        try:
            reply = await self._client.call(endpoint, path={parameter: its_id}, params=params or None)
        except FeishuError as error:
            log.info("name_unknown", reason=str(error))
            return ""
        found: Any = reply.get(key) if key else reply
        name = found.get("name") if isinstance(found, dict) else ""
        return " ".join(visible_text(str(name or "")).split())
