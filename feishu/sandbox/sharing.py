"""With whom documents, folders and wiki spaces are shared (drive-v1/permission-member, drive-v2/permission-public,
wiki-v2/space). State, no rules."""

from dataclasses import dataclass, field
from typing import Literal

Perm = Literal["view", "edit", "full_access"]
PermType = Literal["container", "single_page"]
Kind = Literal["user", "chat", "department", "group", "wiki_space_member", "wiki_space_viewer", "wiki_space_editor"]
PERMS: tuple[Perm, ...] = ("view", "edit", "full_access")
NOBODY_HERE = "ou_owner"
"""Who owns what was made without an owner: somebody who is none of the sandbox's people."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with whom a document is shared. `id` is an open id, a chat, a department, a group or a wiki space.

    `perm_type` says whether the pages below are shared, too. `id_type` is how the platform names a person: `openid`,
    `unionid`, `userid` or `email`.
    """

    kind: Kind
    id: str
    perm: Perm = "view"
    perm_type: PermType = "container"
    id_type: Literal["openid", "unionid", "userid", "email"] = "openid"


@dataclass(frozen=True, slots=True)
class PublicSetting:
    """The settings of a document that are about everybody (drive-v2/permission-public/get). `lock_switch`: a wiki page
    that no longer inherits."""

    link_share_entity: str = "closed"
    external_access_entity: Literal["open", "closed", "allow_share_partner_tenant"] = "open"
    security_entity: str = "anyone_can_view"
    copy_entity: str = "anyone_can_view"
    comment_entity: str = "anyone_can_view"
    share_entity: Literal["anyone", "same_tenant"] = "anyone"
    manage_collaborator_entity: str = "collaborator_can_view"
    lock_switch: bool = False


LINK_SHARES = (
    "closed",
    "tenant_readable",
    "tenant_editable",
    "partner_tenant_readable",
    "partner_tenant_editable",
    "anyone_readable",
    "anyone_editable",
)
_WHO_MAY = ("anyone_can_view", "anyone_can_edit", "only_full_access")
CHOICES: dict[str, tuple[str | bool, ...]] = {
    "link_share_entity": LINK_SHARES,
    "external_access_entity": ("open", "closed", "allow_share_partner_tenant"),
    "security_entity": _WHO_MAY,
    "copy_entity": _WHO_MAY,
    "comment_entity": _WHO_MAY[:2],
    "share_entity": ("anyone", "same_tenant"),
    "manage_collaborator_entity": (
        "collaborator_can_view",
        "collaborator_can_edit",
        "collaborator_full_access",
    ),
    "lock_switch": (True, False),
}
"""What each of the public settings may be."""


@dataclass(slots=True)
class Sharing:
    """The rights of a document or folder, without what it inherits. `label` is its security label."""

    owner: str = NOBODY_HERE
    members: list[Member] = field(default_factory=list)
    public: PublicSetting = PublicSetting()
    label: str = ""


@dataclass(frozen=True, slots=True)
class SpaceMember:
    """A member of a wiki space. Members may read; admins may do everything on every page."""

    kind: Literal["user", "chat", "department"]
    id: str
    role: Literal["admin", "member"] = "member"
    can_edit: bool = False


@dataclass(slots=True)
class Space:
    """A wiki space. A public one is everybody's in the tenant; `open_sharing`: published to the Internet."""

    space_id: str
    name: str
    visibility: Literal["public", "private"] = "public"
    members: list[SpaceMember] = field(default_factory=list)
    open_sharing: Literal["open", "closed"] = "closed"
    space_type: Literal["team", "person", "my_library"] = "team"
    description: str = ""
