"""The rights of documents as apps read them: members, public settings, what the app itself may do
(drive-v1/permission-member, drive-v2/permission-public)."""

from dataclasses import asdict
from typing import Any

from feishu.sandbox.document_store import DocumentStore
from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.rules.rates import Window
from feishu.sandbox.rules.rights import app_perm
from feishu.sandbox.server.drive import kind_fits
from feishu.sandbox.sharing import PERMS, Member, Perm, Sharing
from feishu.sandbox.world import TENANT_KEY, World

AUTH_WINDOW = Window(100, 60.0)
KINDS = ("doc", "sheet", "file", "wiki", "bitable", "docx", "mindnote", "minutes", "slides")
ACTIONS = ("view", "edit", "share", "comment", "export", "copy", "print", "manage_public")
NAME_SCOPES = {"contact:user.base:readonly", "contact:contact:readonly", "contact:contact:readonly_as_app"}
_ID_TYPES = {"chat": "openchat", "department": "opendepartmentid", "group": "groupid"}
_NEEDED: dict[str, Perm] = {
    "collaborator_can_view": "view",
    "collaborator_can_edit": "edit",
    "collaborator_full_access": "full_access",
    "anyone_can_view": "view",
    "anyone_can_edit": "edit",
    "only_full_access": "full_access",
}


def members(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /drive/v1/permissions/:token/members: those of the document itself, without what it inherits; no pages."""
    perm_type = call.query.get("perm_type", "container")
    if perm_type not in ("container", "single_page"):
        raise Refused(1063001, "Invalid parameter", "parameters")
    is_folder = call.query.get("type") == "folder"
    if is_folder and not platform.settings.folder_members:
        raise field_violation("type")
    token = _document(platform, call, *(["folder"] if is_folder else []))
    sharing = platform.documents.sharing(token)
    if not _lets_list(platform, call, token, sharing):
        raise Refused(1063002, "Permission denied", None, 403)
    found = [each for each in sharing.members if _is_listed(call, each, perm_type)]
    if platform.settings.owner_among_members:
        found.insert(0, Member("user", sharing.owner, "full_access"))
    return {"data": {"items": [_member(platform, call, each) for each in found]}}


def public(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /drive/v2/permissions/:token/public."""
    token = _document(platform, call)
    return {"data": {"permission_public": asdict(platform.documents.sharing(token).public)}}


def auth(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /drive/v1/permissions/:token/members/auth: whether the app itself may do something."""
    refusal = Refused(1063006, "Too many request", "auth_rate", 429)
    platform.rates.take(("auth", call.app.app_id), AUTH_WINDOW, lambda _wait_s: refusal)
    action = call.query.get("action", "")
    if action not in ACTIONS:
        raise Refused(1063001, "Invalid parameter", "parameters")
    token = _known(platform, call)
    perm = _perm(platform, call, token) if _lets_in(platform, call, token) else None
    needed = _needed(platform.documents.sharing(token), action)
    return {"data": {"auth_result": perm is not None and PERMS.index(perm) >= PERMS.index(needed)}}


def _document(platform: Platform, call: Call, *more_kinds: str) -> str:
    """The document of the path, which the app may read."""
    token = _known(platform, call, *more_kinds)
    if not _lets_in(platform, call, token):
        raise Refused(1063002, "Permission denied", None, 403)
    return token


def _known(platform: Platform, call: Call, *more_kinds: str) -> str:
    """The object of the path's token, which has to be of the kind that is said."""
    store, token, kind = platform.documents, call.path["token"], call.query.get("type", "")
    if token in store.deleted:
        raise Refused(1063005, "Resource is deleted", None, 404)
    known = store.object_of(token)
    if kind not in (*KINDS, *more_kinds) or known is None or not kind_fits(store, token, kind):
        raise Refused(1063001, "Invalid parameter", "parameters")
    return known


def _lets_in(platform: Platform, call: Call, token: str) -> bool:
    return platform.lets_in(call.app, token) and platform.lets_in(call.app, call.path["token"])


def _perm(platform: Platform, call: Call, token: str) -> Perm:
    """What the app may do with a document that it may read."""
    store = platform.documents
    if token in store.managed:
        return "full_access"
    by_link: Perm = "edit" if store.sharing(token).public.link_share_entity.endswith("_editable") else "view"
    return max(by_link, app_perm(platform.world, store, call.app, token) or "view", key=PERMS.index)


def _lets_list(platform: Platform, call: Call, token: str, sharing: Sharing) -> bool:
    """Whether the app may see the collaborators: by its right, and by whose organisation the document is."""
    is_ours = platform.world.tenant_of(sharing.owner) == TENANT_KEY
    if sharing.public.share_entity == "same_tenant" and not is_ours:
        return False
    needed = _NEEDED[sharing.public.manage_collaborator_entity]
    return PERMS.index(_perm(platform, call, token)) >= PERMS.index(needed)


def _needed(sharing: Sharing, action: str) -> Perm:
    own: dict[str, Perm] = {"view": "view", "edit": "edit", "manage_public": "full_access"}
    entities = {"share": "manage_collaborator_entity", "comment": "comment_entity", "copy": "copy_entity"}
    entity = entities.get(action, "security_entity")
    return own.get(action) or _NEEDED[str(getattr(sharing.public, entity))]


def _is_listed(call: Call, member: Member, perm_type: str) -> bool:
    """Which role is asked for matters in wikis alone."""
    return call.query.get("type") != "wiki" or member.perm_type == perm_type


def _member(platform: Platform, call: Call, member: Member) -> dict[str, Any]:
    """A member with the fields that were asked for; names have a scope of their own."""
    id_type, member_id = _named(platform, member)
    shown: dict[str, Any] = {"member_type": id_type, "member_id": member_id, "perm": member.perm}
    shown["perm_type"] = member.perm_type
    may_name = bool(NAME_SCOPES & call.app.scopes)
    told: dict[str, Any] = {"type": member.kind, "external_label": _is_external(platform, member)}
    name = member_name(platform.world, platform.documents, member.kind, member.id)
    told |= {"name": name, "avatar": ""} if may_name else {}
    asked = call.query.get("fields", "").split(",")
    return shown | {key: value for key, value in told.items() if "*" in asked or key in asked}


def _named(platform: Platform, member: Member) -> tuple[str, str]:
    """The type of a member's id, and the id: of a person by the one that the platform keeps."""
    if member.kind != "user":
        return _ID_TYPES.get(member.kind, "wikispaceid"), member.id
    person = platform.world.people.get(member.id)
    if person is None:
        return "openid", member.id
    email = f"{person.user_id}@example.com"
    ids = {"openid": member.id, "unionid": person.union_id, "userid": person.user_id, "email": email}
    return member.id_type, ids[member.id_type]


def _is_external(platform: Platform, member: Member) -> bool:
    chat = platform.world.chats.get(member.id)
    if member.kind == "chat" and chat is not None:
        return platform.world.is_external(chat)
    return platform.world.tenant_of(member.id) != TENANT_KEY


def member_name(world: World, store: DocumentStore, kind: str, member_id: str) -> str:
    """The name of somebody with whom a document is shared; "" where there is none."""
    organisation = world.organisation
    match kind:
        case "user":
            return world.name_of(member_id)
        case "chat":
            return world.chats[member_id].name if member_id in world.chats else ""
        case "department":
            department = organisation.find(member_id)
            return department.name if department else ""
        case "group":
            return organisation.groups[member_id].name if member_id in organisation.groups else ""
        case _:
            return store.space(member_id).name
