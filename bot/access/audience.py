"""Who reads an answer, each as the principals that rights are given to: a person in private, everybody in a group.

Asked of the platform when a question comes, and remembered for a bounded time; events make it forget sooner. Whoever
the platform does not tell the app about is taken for somebody from outside, who may read what anyone may; what it fails
to tell is no principal. So every mistake closes. Sources: open.feishu.cn/document contact-v3/user,
contact-v3/department, contact-v3/group, im-v1/chat-members.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from bot.settings.access import AccessSettings
from feishu.api.client import FeishuClient
from feishu.api.endpoints import CHAT_MEMBERS, DEPARTMENT_PARENTS, USER, USER_GROUPS
from feishu.clock import Clock
from feishu.documents.paging import entries
from feishu.documents.rights import ANYONE, OUTSIDE, TENANT
from feishu.errors import ApiError, Forbidden, InvalidRequest, TargetGone
from feishu.events.types import PeopleChanged
from rag.access_lists import AccessLists
from rag.scope import Audience, Principal

log = structlog.get_logger(__name__)
T = TypeVar("T")

GROUP_AGE_S = 30.0
"""How long the members of a group are taken to be the same without an event that says so: not every replica gets it."""
DEPARTMENT_AGE_S = 3600.0
MOST_MEMBERS = 1_000
"""Of a larger group nobody is looked at: it sees what is shared with it and what everybody may read."""
AT_ONCE = 8
TRIES = 3
"""Looks at somebody about whom changes are heard meanwhile; then they are nobody until the next question."""
MOST_KEPT = 20_000
NOBODY: Audience = frozenset({frozenset()})
"""Somebody who stands for no principal, and so may read nothing that has rights of its own."""
EVERYBODY_INSIDE: frozenset[Principal] = frozenset({ANYONE, TENANT})
_REFUSED = frozenset({40004, 40014, 41012, 41050, 43010, 232006, 232009, 232010, 232011, 232025, 232033, 232034})
"""Outside the app's contact range, unknown, or a chat that the bot is not in or may not look into."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the rights of all documents are given to, so that nothing else is asked of the platform."""

    chats: frozenset[str] = frozenset()
    departments: bool = False
    groups: bool = False

    @classmethod
    def of(cls, readers: Mapping[str, frozenset[Principal]]) -> "Needs":
        """By the principals that occur."""
        every = {principal.removeprefix(OUTSIDE) for each in readers.values() for principal in each}
        return cls(
            frozenset(each.removeprefix("chat:") for each in every if each.startswith("chat:")),
            any(each.startswith("department:") for each in every),
            any(each.startswith("group:") for each in every),
        )


@dataclass(frozen=True, slots=True)
class _Known(Generic[T]):
    value: T
    at: float


@dataclass
class Audiences:
    """Looks people up. `lists` gives the rights that they are looked up for.

    `unresolved`: for an admin, whom or what the platform did not tell about, and why.
    """

    client: FeishuClient
    settings: AccessSettings
    lists: Callable[[], AccessLists]
    clock: Clock
    unresolved: dict[str, str] = field(default_factory=dict)
    _people: dict[str, _Known[frozenset[Principal]]] = field(default_factory=dict)
    """Without the groups that they are in."""
    _chats: dict[str, _Known[frozenset[str] | None]] = field(default_factory=dict)
    _heard: int = 0
    """Rises with each change that is heard of: what was asked before it may be the answer of before."""
    _of_one_tenant: set[str] = field(default_factory=set)
    """Groups whose members are all of one organisation."""
    _departments: dict[str, _Known[tuple[str, ...]]] = field(default_factory=dict)
    _needs: tuple[AccessLists | None, Needs] = (None, Needs())
    _running: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    async def know(self, chat_id: str, chat_type: str, person: str) -> None:
        """Looks up who reads what is said there, so that `of` knows. Raises `FeishuError` where asking again helps."""
        needs = self._needed()
        await asyncio.gather(*(self._chat(each) for each in needs.chats))
        if chat_type == "p2p":
            await self._person(person)
            return
        await self._chat(chat_id, at_most_s=GROUP_AGE_S)
        known = self._chats.get(chat_id)
        members = (known.value if known else None) or frozenset()
        if len(members) > MOST_MEMBERS:
            await self._person(person)
        else:
            gate = asyncio.Semaphore(AT_ONCE)

            async def look(open_id: str) -> None:
                async with gate:
                    await self._person(open_id)

            await asyncio.gather(*(look(each) for each in members))

    def of(self, chat_id: str, chat_type: str, person: str) -> Audience:
        """Who reads what is said there; nobody that may read anything where it is not known, or not any more."""
        if chat_type == "p2p":
            return frozenset({self._principals(person)})
        members = self._fresh_members(chat_id, GROUP_AGE_S * 2)
        outside = frozenset({OUTSIDE + ANYONE, f"{OUTSIDE}chat:{chat_id}"})
        if members is None:
            return frozenset({outside})
        if len(members) > MOST_MEMBERS:
            inside = EVERYBODY_INSIDE | {f"chat:{chat_id}"}
            are_ours = chat_id in self._of_one_tenant and TENANT in self._principals(person)
            return frozenset({inside}) if are_ours else frozenset({inside, outside})
        return frozenset(self._in_chat(open_id, chat_id) for open_id in members) or NOBODY

    def heard(self, event: PeopleChanged) -> None:
        """Something about a group, somebody or everybody changed; only this process hears of it."""
        if event.chat_id:
            self.forget_chat(event.chat_id)
        elif event.open_id:
            self.forget_person(event.open_id)
        else:
            self.forget_all()
        log.info("people_changed", chat_id=event.chat_id, person=event.open_id)

    def forget_person(self, open_id: str) -> None:
        """Something about somebody changed."""
        self._heard += 1
        self._people.pop(open_id, None)

    def forget_chat(self, chat_id: str) -> None:
        """Who is in a group changed."""
        self._heard += 1
        self._chats.pop(chat_id, None)

    def forget_all(self) -> None:
        """Departments or the app's range changed."""
        self._heard += 1
        self._people.clear()
        self._chats.clear()
        self._departments.clear()

    def _in_chat(self, open_id: str, chat_id: str) -> frozenset[Principal]:
        own = self._principals(open_id)
        if not own:
            return own
        return own | {f"chat:{chat_id}" if TENANT in own else f"{OUTSIDE}chat:{chat_id}"}

    def _principals(self, open_id: str) -> frozenset[Principal]:
        known = self._people.get(open_id)
        age_s = self.settings.people_max_age_min * 60
        if known is None or not known.value or self.clock.monotonic() - known.at > age_s * 2:
            return frozenset()
        prefix = "" if TENANT in known.value else OUTSIDE
        chats = (each for each in self._needed().chats if open_id in (self._fresh_members(each, age_s * 2) or ()))
        return known.value.union(f"{prefix}chat:{chat_id}" for chat_id in chats)

    def _fresh_members(self, chat_id: str, at_most_s: float) -> frozenset[str] | None:
        known = self._chats.get(chat_id)
        return known.value if known and self.clock.monotonic() - known.at <= at_most_s else None

    def _needed(self) -> Needs:
        """What the rights of now are given to. Where they changed, people are looked up anew."""
        try:
            lists = self.lists()
        except Exception:  # the library closes what it does not know; people are looked up once it does
            return Needs()
        if self._needs[0] is not lists:
            needs = Needs.of(lists.readers)
            if (needs.departments, needs.groups) != (self._needs[1].departments, self._needs[1].groups):
                self._people.clear()
            self._needs = (lists, needs)
        return self._needs[1]

    async def _person(self, open_id: str) -> None:
        for _ in range(TRIES):
            if self._is_young(self._people.get(open_id), self.settings.people_max_age_min * 60):
                return
            await self._once(("person", open_id), lambda: self._look_up(open_id))

    async def _chat(self, chat_id: str, *, at_most_s: float | None = None) -> None:
        most_s = self.settings.people_max_age_min * 60 if at_most_s is None else at_most_s
        for _ in range(TRIES):
            if self._is_young(self._chats.get(chat_id), most_s):
                return
            await self._once(("chat", chat_id), lambda: self._look_into(chat_id))

    def _is_young(self, known: _Known[Any] | None, most_s: float) -> bool:
        return known is not None and self.clock.monotonic() - known.at <= most_s

    async def _once(self, key: tuple[str, str], look: Callable[[], Awaitable[None]]) -> None:
        """What several wait for is asked once."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.ensure_future(look())
            task.add_done_callback(lambda _done: self._running.pop(key, None))
        await asyncio.shield(task)

    async def _look_up(self, open_id: str) -> None:
        began = self.clock.monotonic(), self._heard
        principals = await self._asked_about(open_id)
        if len(self._people) >= MOST_KEPT:
            self._people.clear()
        if began[1] == self._heard:
            self._people[open_id] = _Known(principals, began[0])

    async def _asked_about(self, open_id: str) -> frozenset[Principal]:
        """Whatever stands for somebody, their groups left out."""
        needs = self._needed()
        params = {"user_id_type": "open_id", "department_id_type": "open_department_id"}
        outside = frozenset({OUTSIDE + ANYONE, f"{OUTSIDE}user:{open_id}"})
        try:
            user = (await self.client.call(USER, path={"user_id": open_id}, params=params)).get("user")
        except ApiError as error:
            _raise_what_heals(error)
            self.unresolved[f"user:{open_id}"] = str(error)
            return outside
        if not isinstance(user, dict) or user.get("open_id") != open_id:
            return outside
        status = user.get("status")
        if isinstance(status, dict) and (status.get("is_resigned") or status.get("is_exited")):
            return frozenset()
        own = {ANYONE, TENANT, f"user:{open_id}", "department:0"}
        for kind, name in (("union", "union_id"), ("employee", "user_id"), ("email", "email")):
            if user.get(name):
                own.add(f"{kind}:{user[name]}")
        if needs.departments:
            own |= await self._departments_of(user.get("department_ids"))
        if needs.groups:
            own |= await self._groups_of(open_id)
        self.unresolved.pop(f"user:{open_id}", None)
        return frozenset(own)

    async def _departments_of(self, told: object) -> set[Principal]:
        """Somebody's departments and those above them."""
        if not isinstance(told, list):
            self.unresolved["departments"] = "the app may not see whose department is which"
            return set()
        self.unresolved.pop("departments", None)
        lines = await asyncio.gather(*(self._line(str(each)) for each in told if each and str(each) != "0"))
        return {f"department:{each}" for line in lines for each in line}

    async def _line(self, department: str) -> tuple[str, ...]:
        known = self._departments.get(department)
        if known and self.clock.monotonic() - known.at <= DEPARTMENT_AGE_S:
            return known.value
        params = {"department_id": department, "department_id_type": "open_department_id", "page_size": "50"}
        try:
            found = [each async for each in entries(self.client, DEPARTMENT_PARENTS, "items", params=params)]
        except ApiError as error:
            _raise_what_heals(error)
            self.unresolved[f"department:{department}"] = str(error)
            return (department,)
        line = (department, *(str(each.get("open_department_id", "")) for each in found))
        self._departments[department] = _Known(line, self.clock.monotonic())
        return line

    async def _groups_of(self, open_id: str) -> set[Principal]:
        params = {"member_id": open_id, "member_id_type": "open_id", "page_size": "1000"}
        found: set[Principal] = set()
        token = ""
        try:
            while True:
                asked = params | ({"page_token": token} if token else {})
                reply = await self.client.call(USER_GROUPS, params=asked)
                found |= {f"group:{each}" for each in reply.get("group_list") or []}
                token = str(reply.get("page_token") or "")
                if not reply.get("has_more") or not token:
                    return found
        except ApiError as error:
            _raise_what_heals(error)
            self.unresolved["groups"] = str(error)
            return found

    async def _look_into(self, chat_id: str) -> None:
        began = self.clock.monotonic(), self._heard
        members = await self._members(chat_id)
        if began[1] == self._heard:
            self._chats[chat_id] = _Known(members, began[0])

    async def _members(self, chat_id: str) -> frozenset[str] | None:
        """The people in a group; None where the bot may not look into it."""
        params = {"member_id_type": "open_id", "page_size": "100"}
        try:
            listing = entries(self.client, CHAT_MEMBERS, "items", params=params, path={"chat_id": chat_id})
            told = [each async for each in listing]
        except ApiError as error:
            _raise_what_heals(error)
            self.unresolved[f"chat:{chat_id}"] = str(error)
            return None
        self.unresolved.pop(f"chat:{chat_id}", None)
        if len({str(each.get("tenant_key") or number) for number, each in enumerate(told)}) == 1:
            self._of_one_tenant.add(chat_id)
        else:
            self._of_one_tenant.discard(chat_id)
        return frozenset(str(each.get("member_id", "")) for each in told)


def _raise_what_heals(error: ApiError) -> None:
    """A refusal is an answer; anything else is asked again later."""
    if not isinstance(error, Forbidden | InvalidRequest | TargetGone) and error.code not in _REFUSED:
        raise error
