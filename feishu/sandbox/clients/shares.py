"""What people do with the rights of documents, folders and wiki spaces: share, take back, lock, and look who may open.

Apps hear of people and groups that are added to a document which they own and have subscribed to, and of nothing else:
not of departments and user groups, links, locks, wiki members or folders (drive-v1/event).
"""

from dataclasses import replace
from typing import Any, Literal, get_args

from feishu.sandbox.push import Push
from feishu.sandbox.refusal import Impossible
from feishu.sandbox.rules.platform import Platform
from feishu.sandbox.rules.rights import Verdict, may_open
from feishu.sandbox.sharing import CHOICES, Kind, Member, Perm, PermType, PublicSetting, Sharing, Space, SpaceMember

MEMBER_SCOPES = {"docs:permission.member:retrieve", "drive:drive", "docs:doc", "sheets:spreadsheet"}
SOMEBODY = "ou_zhouming"
"""Who acts where it does not matter."""
Change = Literal["added", "removed"]


class Shares:
    """Changes rights. Takes any token of a document: its own, of its wiki page, of a shortcut to it; or of a folder.
    Raises Impossible for what no client lets a person do."""

    def __init__(self, platform: Platform, push: Push) -> None:
        self._platform = platform
        self._push = push

    def space(self, space_id: str, name: str = "", *members: SpaceMember, **more: Any) -> Space:
        """Describe a wiki space: a private one with these members, unless `visibility` says otherwise."""
        made = Space(space_id, name or space_id, **{"visibility": "private", **more}, members=list(members))
        self._platform.documents.spaces[space_id] = made
        self._redraw()
        return made

    def admit(self, space_id: str, member: SpaceMember) -> None:
        """A new member of a wiki space, or another role of one."""
        space = self._own_space(space_id)
        if space.visibility == "public" and member.role != "admin":
            raise Impossible("a public space takes admins, and no further members")
        kept = [each for each in space.members if (each.kind, each.id) != (member.kind, member.id)]
        space.members = [*kept, member]
        self._redraw()

    def dismiss(self, space_id: str, kind: str, member_id: str) -> None:
        """A wiki space has one member less."""
        space = self._own_space(space_id)
        space.members = [each for each in space.members if (each.kind, each.id) != (kind, member_id)]
        self._redraw()

    def share(self, token: str, *members: Member, owner: str = "", label: str = "", **public: Any) -> Sharing:
        """Give a document or folder these rights and no others: nobody has it by its link unless `public` says so."""
        found = self._object(token)
        setting = _checked(PublicSetting(), public)
        made = Sharing(members=list(members), public=setting, label=label)
        made.owner = owner or self._platform.documents.sharing(found).owner
        self._platform.documents.sharings[found] = made
        self._redraw()
        return made

    def grant(self, token: str, member: Member, *, operator: str = SOMEBODY) -> None:
        """Share a document with one more, or give somebody another right."""
        sharing, found = self._sharing(token), self._object(token)
        self._check(found, member, sharing)
        same = [each for each in sharing.members if _key(each) == _key(member)]
        sharing.members = [*(each for each in sharing.members if each not in same), member]
        if not same:
            self._tell(found, "added", member, operator)
        self._redraw()

    def revoke(self, token: str, kind: Kind, member_id: str, *, operator: str = SOMEBODY) -> None:
        """Take a document away from a member."""
        sharing, found = self._sharing(token), self._object(token)
        gone = [each for each in sharing.members if (each.kind, each.id) == (kind, member_id)]
        sharing.members = [each for each in sharing.members if each not in gone]
        if gone:
            self._tell(found, "removed", gone[0], operator)
        self._redraw()

    def own(self, token: str, open_id: str) -> None:
        """Hand a document over to another owner, who may be a bot."""
        self._sharing(token).owner = open_id
        self._redraw()

    def set_public(self, token: str, **public: Any) -> None:
        """Change public settings. A document that may not leave the organisation is not anybody's by its link."""
        sharing = self._sharing(token)
        sharing.public = _checked(sharing.public, public)
        self._redraw()

    def lock(self, token: str) -> None:
        """A wiki page inherits no longer, and is nobody's by its link."""
        if self._platform.documents.origin(token) is None:
            raise Impossible("only wiki pages inherit along their tree")
        self.set_public(token, lock_switch=True, link_share_entity="closed")

    def unlock(self, token: str) -> None:
        """A wiki page inherits again."""
        self.set_public(token, lock_switch=False)

    def may_open(self, open_id: str, token: str) -> Verdict:
        """Whether a person may open a document, and by which rule."""
        return may_open(self._platform.world, self._platform.documents, open_id, token)

    def readers(self, token: str) -> dict[str, Verdict]:
        """The verdict on everybody, by their open ids."""
        return {open_id: self.may_open(open_id, token) for open_id in self._platform.world.people}

    def _object(self, token: str) -> str:
        found = self._platform.documents.object_of(token)
        if found is None:
            raise Impossible("no such document or folder")
        return found

    def _sharing(self, token: str) -> Sharing:
        """The rights that are kept, so that they can be changed."""
        found = self._object(token)
        return self._platform.documents.sharings.setdefault(found, self._platform.documents.sharing(found))

    def _own_space(self, space_id: str) -> Space:
        store = self._platform.documents
        return store.spaces.setdefault(space_id, store.space(space_id))

    def _check(self, token: str, member: Member, sharing: Sharing) -> None:
        world, store = self._platform.world, self._platform.documents
        chosen = (member.kind, Kind), (member.perm, Perm), (member.perm_type, PermType)
        if any(value not in get_args(choices) for value, choices in chosen):
            raise Impossible(f"no such right: {member.kind} {member.perm} {member.perm_type}")
        known: dict[str, Any] = {"chat": world.chats, "group": world.organisation.groups}
        known["user"] = {*world.people, *(app.open_id for app in world.apps.values())}
        known["department"] = {"0", *world.organisation.departments}
        if member.id not in known.get(member.kind, (member.id,)):
            raise Impossible(f"no such {member.kind}")
        if member.perm_type == "single_page" and store.origin(token) is None:
            raise Impossible("only a wiki page can be shared without the pages below it")
        is_external = member.kind == "user" and world.tenant_of(member.id) != world.tenant_of(sharing.owner)
        if is_external and sharing.public.external_access_entity == "closed":
            raise Impossible("this document may not leave the organisation")

    def _tell(self, token: str, change: Change, member: Member, operator: str) -> None:
        """The apps that own and have subscribed the document; only of people and groups."""
        world, store = self._platform.world, self._platform.documents
        owner = store.sharing(token).owner
        apps = [world.apps[each] for each in store.subscribed.get(token, ()) if self._push.is_started]
        hearing = [app for app in apps if app.open_id == owner and app.scopes & MEMBER_SCOPES]
        if member.kind not in ("user", "chat") or not hearing:
            return
        body = {
            "file_token": token,
            "file_type": store.titles[token][0],
            "operator_id": world.people[operator].ids(),
            "user_list": [world.people[member.id].ids()] if member.id in world.people else [],
            "chat_list": [member.id] if member.kind == "chat" else [],
        }
        for app in hearing:
            about = {"resource_id": token, "user_list": []}
            self._push.event(app, f"drive.file.permission_member_{change}_v1", body, header=about)

    def _redraw(self) -> None:
        self._platform.journal.publish("rights")


def _key(member: Member) -> tuple[str, str, str]:
    return member.kind, member.id, member.perm_type


def _checked(public: PublicSetting, changes: dict[str, Any]) -> PublicSetting:
    """The settings with the changes. What leaves no organisation is nobody's outside."""
    for name, value in changes.items():
        if value not in CHOICES.get(name, ()):
            raise Impossible(f"{name} cannot be {value}")
    made = replace(public, **changes)
    if made.external_access_entity == "open" or not made.link_share_entity.startswith("anyone"):
        return made
    if changes.get("link_share_entity") == made.link_share_entity:
        raise Impossible("this document may not leave the organisation")
    return replace(made, link_share_entity=made.link_share_entity.replace("anyone", "tenant"))
