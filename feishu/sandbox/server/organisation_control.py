"""The /sandbox API of the organisation and of rights, as the page and tests change them.

GET    /sandbox/organisation   people, groups, departments, user groups, wiki spaces, documents
GET    /sandbox/rights/{token} the rights of a document or folder, and who may open it by which rule
POST   /sandbox/people         {open_id, name, departments?: [id]} or {open_id, name, tenant_key} for an outsider
POST   /sandbox/moves          {open_id, departments: [id]}
POST   /sandbox/resignations   {open_id}
POST   /sandbox/departments    {department, name, parent?, custom_id?}; {department, do: "close"}
POST   /sandbox/user-groups    {group_id, name, members: [open_id], is_dynamic?}
POST   /sandbox/contact-range  {departments?: [id], people?, groups?, app_id?}; without a list everybody
POST   /sandbox/chats          {chat_id, name, people: [open_id], apps?: [app_id]}
POST   /sandbox/chat-members   {chat_id, do: add|remove|withdraw, people: [open_id], operator?}
POST   /sandbox/chat-bots      {chat_id, do: add|remove, app_id, operator?}
POST   /sandbox/disbandings    {chat_id, operator?, keep_history?}
POST   /sandbox/spaces         {space_id, name?, visibility?, open_sharing?, members?: [{kind, id, role?, can_edit?}]}
POST   /sandbox/space-members  {space_id, do: add|remove, kind, id, role?, can_edit?}
POST   /sandbox/rights         {token, do: grant|revoke, kind, id, perm?, perm_type?, operator?}
                               {token, do: share, members: […], owner?, label?, link_share_entity?, …}
                               {token, do: public, link_share_entity?, …}   {token, do: lock|unlock}
                               {token, do: own, open_id}
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from feishu.sandbox.organisation import ContactRange
from feishu.sandbox.sandbox import Sandbox
from feishu.sandbox.server.control import BadRequest, as_json, guarded, only
from feishu.sandbox.server.rights_view import organisation_view, rights_view
from feishu.sandbox.sharing import Member, SpaceMember

Body = dict[str, Any]


class OrganisationControl:
    """Serves the routes above."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """Starlette routes."""
        post: dict[str, Callable[[Body], Awaitable[Body]]] = {
            "people": self._hire,
            "moves": self._move,
            "resignations": self._resign,
            "departments": self._department,
            "user-groups": self._user_group,
            "contact-range": self._contact_range,
            "chats": self._open_chat,
            "chat-members": self._chat_members,
            "chat-bots": self._chat_bots,
            "disbandings": self._disband,
            "spaces": self._space,
            "space-members": self._space_members,
            "rights": self._rights,
        }
        return [
            *(Route(f"/sandbox/{name}", guarded(handler), methods=["POST"]) for name, handler in post.items()),
            Route("/sandbox/organisation", self._organisation),
            Route("/sandbox/rights/{token}", self._rights_of),
        ]

    async def _organisation(self, _request: Request) -> Response:
        return as_json(organisation_view(self._sandbox.world, self._sandbox.platform.documents))

    async def _rights_of(self, request: Request) -> Response:
        token = request.path_params["token"]
        found = rights_view(self._sandbox.world, self._sandbox.platform.documents, token)
        return as_json(found) if found else JSONResponse({"error": "no such document"}, 404)

    async def _hire(self, body: Body) -> Body:
        given = only(body, {"open_id", "name", "departments", "tenant_key"}, ("open_id", "name"))
        departments, tenant_key = given.pop("departments", ()), given.pop("tenant_key", "")
        if tenant_key:
            self._sandbox.office.outsider(**given, tenant_key=tenant_key)
        else:
            self._sandbox.office.hire(given["open_id"], given["name"], *departments)
        return {}

    async def _move(self, body: Body) -> Body:
        given = only(body, {"open_id", "departments"}, ("open_id",))
        self._sandbox.office.move(given["open_id"], *given.get("departments", ()))
        return {}

    async def _resign(self, body: Body) -> Body:
        self._sandbox.office.resign(**only(body, {"open_id"}, ("open_id",)))
        return {}

    async def _department(self, body: Body) -> Body:
        if body.get("do") == "close":
            self._sandbox.office.close_department(**only(_without(body, "do"), {"department"}, ("department",)))
            return {}
        known = {"department", "name", "parent", "custom_id"}
        self._sandbox.office.department(**only(body, known, ("department", "name")))
        return {}

    async def _user_group(self, body: Body) -> Body:
        given = only(body, {"group_id", "name", "members", "is_dynamic"}, ("group_id", "name"))
        members = given.pop("members", ())
        self._sandbox.office.user_group(
            given["group_id"], given["name"], *members, is_dynamic=given.get("is_dynamic") is True
        )
        return {}

    async def _contact_range(self, body: Body) -> Body:
        given = only(body, {"departments", "people", "groups", "app_id"}, ())
        app_id = given.pop("app_id", self._sandbox.settings.app_id)
        limits = ContactRange(**{key: frozenset(ids) for key, ids in given.items()}) if given else None
        self._sandbox.office.show_to(app_id, limits)
        return {}

    async def _open_chat(self, body: Body) -> Body:
        given = only(body, {"chat_id", "name", "people", "apps"}, ("chat_id", "name"))
        people = given.pop("people", ())
        self._sandbox.groups.open(given["chat_id"], given["name"], *people, apps=given.get("apps"))
        return {}

    async def _chat_members(self, body: Body) -> Body:
        groups = self._sandbox.groups
        change = _chosen(body, {"add": groups.add, "remove": groups.remove, "withdraw": groups.withdraw})
        given = only(_without(body, "do"), {"chat_id", "people", "operator"}, ("chat_id",))
        change(given["chat_id"], *given.get("people", ()), operator=given.get("operator", ""))
        return {}

    async def _chat_bots(self, body: Body) -> Body:
        groups = self._sandbox.groups
        change = _chosen(body, {"add": groups.add_bot, "remove": groups.remove_bot})
        change(**only(_without(body, "do"), {"chat_id", "app_id", "operator"}, ("chat_id", "app_id")))
        return {}

    async def _disband(self, body: Body) -> Body:
        self._sandbox.groups.disband(**only(body, {"chat_id", "operator", "keep_history"}, ("chat_id",)))
        return {}

    async def _space(self, body: Body) -> Body:
        given = only(body, {"space_id", "name", "visibility", "open_sharing", "members"}, ("space_id",))
        members = [SpaceMember(**each) for each in given.pop("members", ())]
        self._sandbox.rights.space(given.pop("space_id"), given.pop("name", ""), *members, **given)
        return {}

    async def _space_members(self, body: Body) -> Body:
        given = only(_without(body, "do"), {"space_id", "kind", "id", "role", "can_edit"}, ("space_id", "kind", "id"))
        space_id, rights = given.pop("space_id"), self._sandbox.rights
        if _chosen(body, {"add": True, "remove": False}):
            rights.admit(space_id, SpaceMember(**given))
        else:
            rights.dismiss(space_id, given["kind"], given["id"])
        return {}

    async def _rights(self, body: Body) -> Body:
        rights = self._sandbox.rights
        actions: dict[str, Callable[[str, Body], None]] = {
            "grant": self._grant,
            "revoke": lambda token, given: rights.revoke(token, given.pop("kind"), given.pop("id"), **given),
            "share": self._share,
            "public": lambda token, given: rights.set_public(token, **given),
            "lock": lambda token, _given: rights.lock(token),
            "unlock": lambda token, _given: rights.unlock(token),
            "own": lambda token, given: rights.own(token, given["open_id"]),
        }
        act = _chosen(body, actions)
        act(str(body["token"]), _without(body, "do", "token"))
        return {}

    def _grant(self, token: str, given: Body) -> None:
        operator = {"operator": given.pop("operator")} if "operator" in given else {}
        self._sandbox.rights.grant(token, Member(**given), **operator)

    def _share(self, token: str, given: Body) -> None:
        members = [Member(**each) for each in given.pop("members", ())]
        self._sandbox.rights.share(token, *members, **given)


def _chosen(body: Body, actions: dict[str, Any]) -> Any:
    """What the body asks to be done."""
    if body.get("do") not in actions:
        raise BadRequest(f"do is one of {sorted(actions)}")
    return actions[body["do"]]


def _without(body: Body, *names: str) -> Body:
    return {key: value for key, value in body.items() if key not in names}
