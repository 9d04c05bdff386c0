"""Documents and their rights as JSON for the page: what there is, who may open it, and why."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from feishu.sandbox.document_store import DocumentStore
from feishu.sandbox.organisation import ROOT
from feishu.sandbox.rules.rights import Verdict, chain, may_open
from feishu.sandbox.server.permissions import member_name
from feishu.sandbox.sharing import NOBODY_HERE, Member
from feishu.sandbox.view import person_card
from feishu.sandbox.world import Person, World

_PATHS = {"sheet": "sheets", "bitable": "base", "doc": "docs", "mindnote": "mindnotes"}


def organisation_view(world: World, store: DocumentStore) -> dict[str, Any]:
    """Everything that documents can be shared with, by kind, and all documents."""
    organisation = world.organisation
    groups = [chat for chat in world.chats.values() if chat.kind == "group" and not chat.dissolved]
    return {
        "user": [{"id": person.open_id, **person_card(world, person)} for person in _people(world)],
        "chat": [{"id": chat.chat_id, "name": chat.name, "external": world.is_external(chat)} for chat in groups],
        "department": [
            {"id": ROOT, "name": "", "parent": ""},
            *(
                {"id": each.open_department_id, "name": each.name, "parent": each.parent}
                for each in organisation.departments.values()
            ),
        ],
        "group": [{"id": each.group_id, "name": each.name} for each in organisation.groups.values()],
        "wiki_space_member": [{"id": each, "name": store.space(each).name} for each in _spaces(store)],
        "documents": list(_documents(store)),
    }


def rights_view(world: World, store: DocumentStore, token: str) -> dict[str, Any] | None:
    """The rights of one document or folder; None for what is not there."""
    found = store.object_of(token)
    if found is None:
        return None
    sharing, node = store.sharing(found), store.origin(found)
    above, _ = chain(store, found)
    return {
        "token": found,
        "title": store.title_of(found),
        "url": _url(store, found),
        "owner": "" if sharing.owner == NOBODY_HERE else world.name_of(sharing.owner),
        "members": [_member(world, store, each) for each in sharing.members],
        "public": asdict(sharing.public),
        "label": sharing.label,
        "space": asdict(store.space(node.space_id)) if node else None,
        "inherits": [store.title_of(each) for each in above[1:]],
        "readers": [_reader(world, store, each, found) for each in _people(world)],
    }


def _people(world: World) -> list[Person]:
    """Who is there, colleagues first."""
    return sorted((each for each in world.people.values() if not each.is_resigned), key=lambda each: each.is_external)


def _reader(world: World, store: DocumentStore, person: Person, token: str) -> dict[str, Any]:
    verdict = may_open(world, store, person.open_id, token)
    kind, _, member_id = verdict.by.partition(":")
    by = {"kind": kind, "id": member_id, "name": member_name(world, store, kind, member_id)} if member_id else None
    shown = {"allowed": verdict.allowed, "rule": verdict.rule, "where": _where(store, verdict), "by": by}
    return {**person_card(world, person), **shown}


def _where(store: DocumentStore, verdict: Verdict) -> str:
    """The name of the page, folder or wiki that gives a right."""
    if verdict.rule.startswith("space") or verdict.rule == "published":
        return store.space(verdict.where).name
    return store.title_of(verdict.where) if verdict.where else ""


def _spaces(store: DocumentStore) -> list[str]:
    return list(dict.fromkeys([*store.spaces, *(node.space_id for node in store.nodes)]))


def _documents(store: DocumentStore) -> Iterator[dict[str, Any]]:
    """Wikis with their pages below each other, then folders, then what lies in none."""
    for space_id in _spaces(store):
        yield {"token": "", "title": store.space(space_id).name, "kind": "space", "depth": 0, "locked": False}
        yield from _pages(store, space_id, "", 1)
    for folder in dict.fromkeys(each.folder for each in store.files):
        if not store.folders_of(folder):
            yield from _folder(store, folder, 0)
    loose = (each for each in store.titles if store.origin(each) is None and not store.folders_of(each))
    yield from (_entry(store, each, store.titles[each][0], 0) for each in loose)


def _pages(store: DocumentStore, space_id: str, parent: str, depth: int) -> Iterator[dict[str, Any]]:
    for node in store.children(space_id, parent):
        yield _entry(store, node.node_token, node.obj_type if node.node_type == "origin" else node.node_type, depth)
        yield from _pages(store, space_id, node.node_token, depth + 1)


def _folder(store: DocumentStore, folder: str, depth: int) -> Iterator[dict[str, Any]]:
    yield _entry(store, folder, "folder", depth)
    for file in (each for each in store.files if each.folder == folder):
        if file.kind == "folder":
            yield from _folder(store, file.token, depth + 1)
        else:
            yield _entry(store, file.token, file.kind, depth + 1)


def _entry(store: DocumentStore, token: str, kind: str, depth: int) -> dict[str, Any]:
    found = store.object_of(token) or token
    locked = store.sharing(found).public.lock_switch
    return {"token": token, "title": store.title_of(found), "kind": kind, "depth": depth, "locked": locked}


def _url(store: DocumentStore, token: str) -> str:
    """The platform's link to it; "" for a folder, which the viewer does not show."""
    node, kind = store.origin(token), store.titles.get(token, ("", ""))[0]
    path = f"wiki/{node.node_token}" if node else f"{_PATHS.get(kind, kind)}/{token}" if kind else ""
    return path and f"https://sandbox.feishu.cn/{path}"


def _member(world: World, store: DocumentStore, member: Member) -> dict[str, Any]:
    external = member.kind == "user" and member.id in world.people and world.people[member.id].is_external
    return {**asdict(member), "name": member_name(world, store, member.kind, member.id), "external": external}
