"""Who may open a document: what a person would find in the client. Nothing of it is taken from what reads these rights.

The rules are those of drive-v1/permission-member, drive-v2/permission-public and wiki-v2. What they do not say is read
narrowly: owners of what lies above a page, and folder owners, get nothing of it by that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from feishu.sandbox.document_store import DocumentStore
from feishu.sandbox.organisation import ROOT
from feishu.sandbox.sharing import PERMS, Member, Perm, PublicSetting, SpaceMember
from feishu.sandbox.world import TENANT_KEY, App, World

Rule = Literal[
    "owner", "member", "inherited", "space_admin", "space_member", "space_public", "published", "link",
    "nothing", "missing", "resigned", "outside",
]  # fmt: skip
"""Why somebody may open a document, or (the last four) why not."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether somebody may open a document, and by which rule.

    `where` is the token of the page or folder that gives the right, or the wiki space; `by` the member that it is
    given to, as `chat:oc_…`; both "" where the rule needs none.
    """

    allowed: bool
    rule: Rule
    where: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class _Reader:
    """What somebody is, as far as rights are given to it."""

    open_id: str
    tenant_key: str
    chats: frozenset[str]
    departments: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    is_person: bool = True

    @property
    def is_external(self) -> bool:
        return self.tenant_key != TENANT_KEY


@dataclass(frozen=True, slots=True)
class _Grant:
    """A right that reaches a document from somewhere."""

    where: str
    member: Member


def may_open(world: World, store: DocumentStore, open_id: str, token: str) -> Verdict:
    """Whether a person may open a document, a wiki page or a folder, by any of its tokens."""
    person = world.people[open_id]
    found = store.object_of(token)
    if found is None:
        return Verdict(False, "missing")
    if person.is_resigned:
        return Verdict(False, "resigned")
    return _verdict(world, store, _person(world, open_id), found)


def app_may_open(world: World, store: DocumentStore, app: App, token: str) -> bool:
    """Whether a document is shared with an app: by its bot, by a chat that the bot is in, or by its link. A public
    space alone does not admit apps (wiki-v2/wiki-overview)."""
    found = store.object_of(token)
    return found is not None and _verdict(world, store, _bot(world, app), found).allowed


def app_perm(world: World, store: DocumentStore, app: App, token: str) -> Perm | None:
    """The highest right that an app has as a collaborator; None where it is none."""
    found = store.object_of(token)
    reader = _bot(world, app)
    grants = _grants(store, found) if found else iter(())
    perms = [each.member.perm for each in grants if _is_meant(world, store, reader, each)]
    if found and _space_member(world, store, reader, found, "admin"):
        perms.append("full_access")
    return max(perms, key=PERMS.index, default=None)


def app_in_space(world: World, store: DocumentStore, app: App, space_id: str) -> bool:
    """Whether an app is a member or admin of a wiki space, itself or by a chat."""
    reader = _bot(world, app)
    return any(_is_space_member(reader, each) for each in store.space(space_id).members)


def chain(store: DocumentStore, token: str) -> tuple[list[str], bool]:
    """The pages whose rights a wiki page has, from itself upwards to the first locked one; and whether none is."""
    node = store.origin(token)
    found: list[str] = []
    while node is not None and node.obj_token not in found:
        found.append(node.obj_token)
        if store.sharing(node.obj_token).public.lock_switch:
            return found, False
        node = store.origin(node.parent) if node.parent else None
    return found, bool(found)


def _verdict(world: World, store: DocumentStore, reader: _Reader, token: str) -> Verdict:
    """The first rule that admits a reader."""
    sharing = store.sharing(token)
    if reader.open_id == sharing.owner:
        return Verdict(True, "owner", token)
    if published := _published(store, token):
        return published
    if not _lets_out(world, reader, sharing.public):
        return Verdict(False, "outside")
    for grant in _grants(store, token):
        if _is_meant(world, store, reader, grant):
            rule: Rule = "member" if grant.where == token else "inherited"
            return Verdict(True, rule, grant.where, f"{grant.member.kind}:{grant.member.id}")
    by_space = _by_space(world, store, reader, token)
    return by_space or _by_link(world, reader, sharing.public) or Verdict(False, "nothing")


def _grants(store: DocumentStore, token: str) -> Iterator[_Grant]:
    """What a document's own members have, then what it inherits: along the wiki, or from the folders around it."""
    sharing = store.sharing(token)
    yield _Grant(token, Member("user", sharing.owner, "full_access"))
    yield from (_Grant(token, member) for member in sharing.members)
    above, _ = chain(store, token)
    for page in above[1:] or _folders(store, token):
        members = store.sharing(page).members
        yield from (_Grant(page, member) for member in members if member.perm_type == "container")


def _folders(store: DocumentStore, token: str) -> list[str]:
    """The folders around something that is no wiki page, nearest first."""
    found: list[str] = []
    waiting = [] if store.origin(token) else store.folders_of(token)
    while waiting:
        folder = waiting.pop(0)
        if folder not in found:
            found.append(folder)
            waiting += store.folders_of(folder)
    return found


def _published(store: DocumentStore, token: str) -> Verdict | None:
    """A page that inherits from a space which is published to the Internet."""
    node = store.origin(token)
    if node is None or not chain(store, token)[1]:
        return None
    is_open = store.space(node.space_id).open_sharing == "open"
    return Verdict(True, "published", node.space_id) if is_open else None


def _by_space(world: World, store: DocumentStore, reader: _Reader, token: str) -> Verdict | None:
    """Admins open every page, members those that inherit from their space, and everybody those of a public one."""
    node = store.origin(token)
    if node is None:
        return None
    if found := _space_member(world, store, reader, token, "admin"):
        return Verdict(True, "space_admin", node.space_id, f"{found.kind}:{found.id}")
    if not chain(store, token)[1]:
        return None
    if found := _space_member(world, store, reader, token, "member"):
        return Verdict(True, "space_member", node.space_id, f"{found.kind}:{found.id}")
    is_public = store.space(node.space_id).visibility == "public"
    return Verdict(True, "space_public", node.space_id) if is_public and _is_colleague(reader) else None


def _by_link(world: World, reader: _Reader, public: PublicSetting) -> Verdict | None:
    """Whoever has the link: of the organisation (apps, too), of associated ones, or anybody."""
    whom = public.link_share_entity.rpartition("_")[0]
    admitted = {
        "tenant": not reader.is_external,
        "partner_tenant": not reader.is_external or reader.tenant_key in world.organisation.partners,
        "anyone": not reader.is_external or public.external_access_entity == "open",
    }
    return Verdict(True, "link", by=public.link_share_entity) if admitted.get(whom) else None


def _lets_out(world: World, reader: _Reader, public: PublicSetting) -> bool:
    """Whether a document may be shared with a reader's organisation at all."""
    partners = world.organisation.partners if public.external_access_entity == "allow_share_partner_tenant" else set()
    return not reader.is_external or public.external_access_entity == "open" or reader.tenant_key in partners


def _is_meant(world: World, store: DocumentStore, reader: _Reader, grant: _Grant) -> bool:
    """Whether a right is given to a reader. To an app that is a member of a folder itself it is given without effect
    (permission-member/create)."""
    member = grant.member
    match member.kind:
        case "user":
            return member.id == reader.open_id and (reader.is_person or grant.where in store.titles)
        case "chat":
            return member.id in reader.chats
        case "department":
            return member.id in reader.departments
        case "group":
            return member.id in reader.groups
        case _:
            return _is_of_space(world, store, reader, member)


def _is_of_space(world: World, store: DocumentStore, reader: _Reader, member: Member) -> bool:
    """Whether a reader is among the members of a wiki space, or among those of them who write. Whoever writes reads."""
    space = store.space(member.id)
    found = [each for each in space.members if _is_space_member(reader, each)]
    if member.kind == "wiki_space_editor":
        return any(each.role == "admin" or each.can_edit for each in found)
    return bool(found) or (space.visibility == "public" and _is_colleague(reader))


def _space_member(
    world: World, store: DocumentStore, reader: _Reader, token: str, role: Literal["admin", "member"]
) -> SpaceMember | None:
    node = store.origin(token)
    members = store.space(node.space_id).members if node else []
    return next((each for each in members if each.role == role and _is_space_member(reader, each)), None)


def _is_space_member(reader: _Reader, member: SpaceMember) -> bool:
    ids = {"user": {reader.open_id}, "chat": reader.chats, "department": reader.departments}
    return member.id in ids[member.kind]


def _is_colleague(reader: _Reader) -> bool:
    return reader.is_person and not reader.is_external


def _person(world: World, open_id: str) -> _Reader:
    person, organisation = world.people[open_id], world.organisation
    chats = frozenset(chat.chat_id for chat in world.chats.values() if open_id in chat.people and not chat.dissolved)
    if person.is_external:
        return _Reader(open_id, person.tenant_key, chats)
    departments = organisation.around(person.departments) | {ROOT}
    return _Reader(open_id, person.tenant_key, chats, departments, organisation.groups_of(open_id))


def _bot(world: World, app: App) -> _Reader:
    chats = (chat for chat in world.chats.values() if app.app_id in chat.apps and not chat.dissolved)
    return _Reader(app.open_id, TENANT_KEY, frozenset(chat.chat_id for chat in chats), is_person=False)
