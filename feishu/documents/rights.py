"""Who may read a document, rebuilt from what the platform tells: it answers "may this person read that" to nobody else.

A document's own list of members leaves out what it inherits. A wiki page has the members of the pages above it up to
and including the first one that does not inherit any more (`lock_switch`), and where none is, those of its space; a
file has the members of the folders around it. Whatever cannot be read adds nobody, so that every mistake closes.
Sources: open.feishu.cn/document drive-v1/permission-member/list, drive-v2/permission-public/get, wiki-v2/space,
wiki-v2/space-member.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from feishu.api.client import FeishuClient
from feishu.api.endpoints import BITABLE, MEMBERS, PUBLIC_SETTING, SPACE, SPACE_MEMBERS, WIKI_NODE, Endpoint
from feishu.documents.listing import Page
from feishu.documents.paging import entries
from feishu.documents.refusals import scopes_named, why_refused
from feishu.errors import ApiError

T = TypeVar("T")
Member = dict[str, Any]

ANYONE, TENANT = "anyone", "tenant"
"""Principals: whoever has the link, and everybody in the app's organisation."""
OUTSIDE = "outside:"
"""Begins the principals of people of other organisations, who may read what is shared with them only where the document
lets them (`external_access_entity`)."""
MOST_ABOVE = 60
MEMBERS_PAGE = "50"
_KINDS = {
    "openid": "user",
    "unionid": "union",
    "userid": "employee",
    "email": "email",
    "openchat": "chat",
    "opendepartmentid": "department",
    "groupid": "group",
}
_REFUSED = frozenset({1063001, 1063003, 1063004, 1063005, 131101, 99992402})
_NOT_OUTSIDE = (TENANT, "department:", "group:")
_EVERY_ROLE = ({"wiki_space_member"}, {"wiki_space_viewer", "wiki_space_editor"})

Rule = Literal["owner", "member", "inherited", "space_admin", "space_member", "space_public", "link", "published"]
"""Why somebody may read a document."""
NEAREST = get_args(Rule)
"""The rules from the most personal to the most general one."""
Closed = Literal["", "members_hidden", "scope_missing", "gone", "advanced"]
"""Why nobody is known who may read it: the app may not see its members, or lacks a scope; it is not there any more; its
records have rights of their own."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A principal who may read, by which rule, and the page, folder or space (its token) that gives the right."""

    principal: str
    rule: Rule
    where: str = ""


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may read a document. `incomplete`: tokens of pages, folders and spaces whose part could not be read."""

    grants: tuple[Grant, ...] = ()
    closed: Closed = ""
    lets_out: bool = False
    """Whether people of other organisations may read it where it is shared with them."""
    incomplete: tuple[str, ...] = ()
    missing_scope: str = ""

    @property
    def readers(self) -> frozenset[str]:
        """The principals, those of people from outside with them."""
        return frozenset(each for grant in self.grants for each in reader_of(grant, lets_out=self.lets_out))

    def grants_to(self, reader: Collection[str]) -> tuple[Grant, ...]:
        """By what somebody may read it who stands for these principals: the most personal rule first, none where they
        may not."""
        found = (grant for grant in self.grants if not reader_of(grant, lets_out=self.lets_out).isdisjoint(reader))
        return tuple(sorted(found, key=lambda grant: NEAREST.index(grant.rule)))


def reader_of(grant: Grant, *, lets_out: bool) -> frozenset[str]:
    """The principals that a grant lets read, those of people from outside with them."""
    found = {grant.principal}
    if grant.rule == "published" or (lets_out and not grant.principal.startswith(_NOT_OUTSIDE)):
        found.add(OUTSIDE + (ANYONE if grant.rule == "published" else grant.principal))
    return frozenset(found)


class RightsReader:
    """Reads rights as one app, for one look through the documents, several at once: what they share is read once.

    `by_link`: whether what the organisation may open by its link counts as open to it.
    """

    def __init__(self, client: FeishuClient, *, by_link: bool = True) -> None:
        self._client = client
        self.by_link = by_link
        self._asked: dict[tuple[str, ...], asyncio.Task[Any]] = {}
        self._places: dict[str, tuple[str, str]] = {}

    def learn(self, pages: Iterable[Page]) -> None:
        """Where these pages of wikis stand: to ask for it is allowed a hundred times a minute only."""
        self._places.update({page.node: (page.space, page.above) for page in pages if page.node and page.space})

    async def of(self, page: Page) -> Rights:
        """Who may read a page. Raises `FeishuError` where asking again may help."""
        try:
            return await _Look(self, page).rights()
        except ApiError as error:
            if not is_refusal(error):
                raise
            return _closed(error)

    async def own_members(self, token: str, kind: str) -> list[Member]:
        """The document's own members, in both roles where it is a page of a wiki. Raises `FeishuError`."""
        own = await self.members(token, kind)
        return own + (await self._members(token, kind, "single_page") if kind == "wiki" else [])

    async def members(self, token: str, kind: str) -> list[Member]:
        """Members whose right reaches what is below, too. Raises `FeishuError`."""
        return await self._once(("members", token), lambda: self._members(token, kind, "container"))

    async def setting(self, token: str, kind: str) -> dict[str, Any]:
        """The public setting; empty where the app may not see it."""
        return await self._once(
            ("setting", token),
            lambda: self._told(PUBLIC_SETTING, "permission_public", {"token": token}, {"type": kind}),
        )

    async def is_advanced(self, token: str) -> bool:
        """Whether the records of a base have rights of their own (bitable-v1/advanced-permission); so it is taken to be
        where that cannot be seen."""
        found = await self._once(("base", token), lambda: self._told(BITABLE, "app", {"app_token": token}, None))
        return found.get("is_advanced") is not False

    async def place(self, node: str) -> tuple[str, str]:
        """The space of a wiki page and the page above it ("" for none); two empty ones where the app may not know."""
        if node in self._places:
            return self._places[node]
        asked = {"token": node, "obj_type": "wiki"}
        found = await self._once(("place", node), lambda: self._told(WIKI_NODE, "node", None, asked))
        return str(found.get("space_id", "")), str(found.get("parent_node_token", ""))

    async def space(self, space: str) -> tuple[tuple[Grant, ...], bool]:
        """What a space gives, to its admins everywhere and to its members where a page inherits from it; and whether
        that is all."""
        return await self._once(("space", space), lambda: self._space(space))

    async def _space(self, space: str) -> tuple[tuple[Grant, ...], bool]:
        setting = await self._told(SPACE, "space", {"space_id": space}, None)
        grants, is_whole = [], bool(setting)
        if setting.get("visibility") == "public":
            grants.append(Grant(TENANT, "space_public", space))
        else:
            try:
                grants += await self._space_members(space)
            except ApiError as error:
                if not is_refusal(error):
                    raise
                is_whole = False
        if setting.get("open_sharing") == "open":
            grants += [Grant(ANYONE, "published", space), Grant(TENANT, "published", space)]
        return tuple(grants), is_whole

    async def _space_members(self, space: str) -> list[Grant]:
        grants = []
        listing = entries(
            self._client, SPACE_MEMBERS, "members", params={"page_size": MEMBERS_PAGE}, path={"space_id": space}
        )
        async for member in listing:
            rule: Rule = "space_admin" if member.get("member_role") == "admin" else "space_member"
            if principal := _principal(member):
                grants.append(Grant(principal, rule, space))
        return grants

    async def _members(self, token: str, kind: str, role: str) -> list[Member]:
        params = {"type": kind, "fields": "type,external_label"} | ({"perm_type": role} if kind == "wiki" else {})
        reply = await self._client.call(MEMBERS, path={"token": token}, params=params)
        members = [each for each in reply.get("items") or [] if isinstance(each, dict)]
        return [each for each in members if each.get("perm_type", role) == role] if kind == "wiki" else members

    async def _told(
        self, endpoint: Endpoint, key: str, path: dict[str, str] | None, params: dict[str, str] | None
    ) -> dict[str, Any]:
        """What the platform says; nothing where it refuses the app."""
        try:
            reply = await self._client.call(endpoint, path=path, params=params)
        except ApiError as error:
            if not is_refusal(error):
                raise
            return {}
        found = reply.get(key)
        return found if isinstance(found, dict) else {}

    async def _once(self, key: tuple[str, ...], ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to a question that several documents have; what failed is asked anew."""
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.ensure_future(ask())
        try:
            found: T = await asyncio.shield(task)
        except Exception:
            self._asked.pop(key, None)
            raise
        return found


class _Look:
    """The rights of one page."""

    def __init__(self, reader: RightsReader, page: Page) -> None:
        self._reader = reader
        self._page = page
        self._incomplete: list[str] = []

    async def rights(self) -> Rights:
        page = self._page
        if page.kind == "bitable" and await self._reader.is_advanced(page.token):
            return Rights(closed="advanced")
        token, kind = (page.node, "wiki") if page.node else (page.token, page.kind)
        own = await self._reader.own_members(token, kind)
        setting = await self._reader.setting(token, kind)
        if not setting:
            self._incomplete.append(token)
        grants = [Grant(f"user:{page.owner}", "owner", token)] if page.owner else []
        grants += await self._grants(own, "member", token)
        grants += self._of_link(setting, token)
        grants += await (self._of_wiki(page.node, setting) if page.node else self._of_folders(page.folders))
        lets_out = setting.get("external_access_entity") == "open"
        return Rights(tuple(dict.fromkeys(grants)), "", lets_out, tuple(dict.fromkeys(self._incomplete)))

    def _of_link(self, setting: dict[str, Any], token: str) -> list[Grant]:
        whom = str(setting.get("link_share_entity", "")).rpartition("_")[0]
        if not self._reader.by_link or whom not in ("tenant", "partner_tenant", "anyone"):
            return []
        return [Grant(TENANT, "link", token), *([Grant(ANYONE, "link", token)] if whom == "anyone" else [])]

    async def _of_wiki(self, node: str, setting: dict[str, Any]) -> list[Grant]:
        """What a page has from the pages above it and from its space. Where it is not known whether it inherits, it
        does not."""
        space, above = await self._reader.place(node)
        found: list[Grant] = []
        inherits, steps = setting.get("lock_switch") is False, 0
        while inherits and above:
            at, steps = above, steps + 1
            found += await self._inherited(at, "wiki")
            known, above = await self._reader.place(at)
            setting = await self._reader.setting(at, "wiki")
            inherits = bool(known) and steps < MOST_ABOVE and setting.get("lock_switch") is False
        of_space = await self._space(space) if space else ()
        return [*found, *(grant for grant in of_space if inherits or grant.rule == "space_admin")]

    async def _of_folders(self, folders: Iterable[str]) -> list[Grant]:
        return [grant for folder in folders for grant in await self._inherited(folder, "folder")]

    async def _inherited(self, token: str, kind: str) -> list[Grant]:
        try:
            members = await self._reader.members(token, kind)
        except ApiError as error:
            if not is_refusal(error):
                raise
            self._incomplete.append(token)
            return []
        return await self._grants(members, "inherited", token)

    async def _grants(self, members: Iterable[Member], rule: Rule, where: str) -> list[Grant]:
        """Members of a wiki space are named as one member; of those with one role only it is not known who they are."""
        members = list(members)
        found = [Grant(principal, rule, where) for member in members if (principal := _principal(member))]
        roles: dict[str, set[str]] = {}
        for member in members:
            if member.get("member_type") == "wikispaceid":
                roles.setdefault(str(member.get("member_id", "")), set()).add(str(member.get("type", "")))
        for space, given in roles.items():
            if any(every <= given for every in _EVERY_ROLE):
                of_space = await self._space(space)
                found += [Grant(each.principal, rule, where) for each in of_space if each.rule != "published"]
            else:
                self._incomplete.append(where)
        return found

    async def _space(self, space: str) -> tuple[Grant, ...]:
        grants, is_whole = await self._reader.space(space)
        if not is_whole:
            self._incomplete.append(space)
        return grants


def is_refusal(error: ApiError) -> bool:
    """Whether the platform will say the same the next time: no right, no scope, not there, not for this kind."""
    return why_refused(error) is not None or error.code in _REFUSED


def _principal(member: Member) -> str:
    """A member as a principal; "" for what is none, like an app or a wiki space."""
    kind, member_id = str(member.get("member_type", "")), str(member.get("member_id", ""))
    return f"{_KINDS[kind]}:{member_id}" if kind in _KINDS and member_id else ""


def _closed(error: ApiError) -> Rights:
    why = why_refused(error)
    if why == "scope":
        return Rights(closed="scope_missing", missing_scope=scopes_named(error))
    return Rights(closed="gone" if why == "gone" or error.code in (1063001, 1063005) else "members_hidden")
