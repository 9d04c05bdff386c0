"""Wiki spaces, their members and their pages, as far as the app may see them (wiki-v2/space, space-member,
space-node)."""

from typing import Any

from feishu.sandbox.document_store import DocumentStore, Node
from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.rules.rates import Window, too_frequent
from feishu.sandbox.rules.rights import app_in_space
from feishu.sandbox.server.paging import gapped_page, page, sized
from feishu.sandbox.sharing import Space, SpaceMember

WIKI_WINDOW = Window(100, 60.0)
MOST_NODES, MOST_MEMBERS = 50, 50
_MEMBER_TYPES = {"user": "openid", "chat": "openchat", "department": "opendepartmentid"}


def space(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /wiki/v2/spaces/:space_id: for its members and admins."""
    _take(platform, call)
    found = _space(platform, call)
    names = ("name", "description", "space_id", "space_type", "visibility", "open_sharing")
    return {"data": {"space": {name: getattr(found, name) for name in names}}}


def space_members(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /wiki/v2/spaces/:space_id/members. A public space has none that could be listed."""
    _take(platform, call)
    found = _space(platform, call)
    if found.visibility == "public":
        raise Refused(131101, "invalid operation", None)
    size = sized(call, most=MOST_MEMBERS, usual=20, code=131002)
    return {"data": page(call, [_member(each) for each in found.members], "members", size, code=131002)}


def space_nodes(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /wiki/v2/spaces/:space_id/nodes: one level, without the pages that the app may not read."""
    _take(platform, call)
    store, space_id, parent = platform.documents, call.path["space_id"], call.query.get("parent_node_token", "")
    platform.require(call.app, parent or space_id, 131006, 400)
    here = [node for node in store.children(space_id, parent) if platform.lets_in(call.app, node.node_token)]
    if not (here or parent or _is_member(platform, call, space_id)):
        raise Refused(131006, "wiki space permission denied", None)
    return gapped_page(store, call, [_node(store, node) for node in here], "items", most=MOST_NODES)


def wiki_node(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /wiki/v2/spaces/get_node: by the token of the node, or with `obj_type` by that of its document."""
    _take(platform, call)
    store, token, kind = platform.documents, call.query.get("token", ""), call.query.get("obj_type", "wiki")
    platform.require(call.app, token, 131006, 400)
    node = store.node_at(token) if kind == "wiki" else store.origin(token)
    if node is None or kind not in ("wiki", node.obj_type):
        raise Refused(131005, "node not found", None)
    return {"data": {"node": _node(store, node)}}


def _take(platform: Platform, call: Call) -> None:
    """100 a minute for each app and API."""
    platform.rates.take(
        ("wiki", call.app.app_id, call.name),
        WIKI_WINDOW,
        lambda wait_s: too_frequent(wait_s, WIKI_WINDOW, rule="wiki_rate"),
    )


def _space(platform: Platform, call: Call) -> Space:
    store, space_id = platform.documents, call.path["space_id"]
    if space_id not in store.spaces and not store.children(space_id, ""):
        raise Refused(131005, "space not found", None)
    platform.require(call.app, space_id, 131006, 400)
    if not _is_member(platform, call, space_id):
        raise Refused(131006, "wiki space permission denied", None)
    return store.space(space_id)


def _is_member(platform: Platform, call: Call, space_id: str) -> bool:
    store = platform.documents
    return store.bot_reads == "all" or app_in_space(platform.world, store, call.app, space_id)


def _member(member: SpaceMember) -> dict[str, str]:
    shown = {"member_type": _MEMBER_TYPES[member.kind], "member_id": member.id}
    return shown | {"member_role": member.role, "type": member.kind}


def _node(store: DocumentStore, node: Node) -> dict[str, Any]:
    names = ("space_id", "node_token", "obj_token", "obj_type", "node_type", "title")
    shown: dict[str, Any] = {name: getattr(node, name) for name in names}
    origin = store.origin(node.node_token) or node
    owner = store.sharing(node.obj_token).owner
    shown |= {"parent_node_token": node.parent, "has_child": bool(store.children(node.space_id, node.node_token))}
    shown |= {"origin_node_token": origin.node_token, "origin_space_id": origin.space_id}
    return shown | {"obj_edit_time": str(node.edited), "creator": owner, "owner": owner, "node_creator": owner}
