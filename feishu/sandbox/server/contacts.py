"""People, departments and user groups as far as the app may see them (contact-v3)."""

from collections.abc import Callable
from typing import Any

from feishu.sandbox.organisation import ROOT, Department
from feishu.sandbox.refusal import Refused
from feishu.sandbox.rules.contact_range import sees_department, sees_person, visible_groups
from feishu.sandbox.rules.platform import Call, Platform
from feishu.sandbox.server.paging import page, sized
from feishu.sandbox.view import department_view, person_view
from feishu.sandbox.world import Person

MOST_PARENTS, MOST_GROUPS, MOST_IN_RANGE = 50, 1000, 100
DEPARTMENT_NAMES = {
    "contact:department.base:readonly",
    "contact:contact:readonly_as_app",
    "contact:contact:access_as_app",
}
_ID_TYPES = ("open_id", "union_id", "user_id")
_PAGE_SIZE, _PAGE_TOKEN = 40011, 40012


def users_batch(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /contact/v3/users/batch; people out of range are silently missing."""
    wanted = call.query.get("user_ids", "").split(",")
    known = (platform.world.people[each] for each in wanted if each in platform.world.people)
    people = [person for person in known if sees_person(platform.world, call.app, person)]
    return {"data": {"items": [{"open_id": p.open_id, "union_id": p.union_id, "name": p.name} for p in people]}}


def user(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /contact/v3/users/:user_id."""
    person = _person(platform, call.query.get("user_id_type", "open_id"), call.path["user_id"])
    if person is None:
        raise Refused(41012, "user id invalid error", "parameters")
    if not sees_person(platform.world, call.app, person):
        raise Refused(41050, "no user authority", None)
    shown = person_view(person, call.app.scopes)
    if "department_ids" in shown:
        shown["department_ids"] = [_named(platform, call)(each) for each in shown["department_ids"]]
    return {"data": {"user": shown}}


def department(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /contact/v3/departments/:department_id; the root for apps alone that may see everybody."""
    asked = call.path["department_id"]
    if asked == ROOT and call.app.contact_range is None:
        return {"data": {"department": {"open_department_id": ROOT}}}
    organisation = platform.world.organisation
    found = organisation.find(asked)
    if found is None and asked != ROOT:
        raise Refused(40015, "department not exist", "parameters")
    if found is None or not sees_department(platform.world, call.app, found.open_department_id):
        raise Refused(40004, "no dept authority error", None, 403)
    shown = {**department_view(found), "parent_department_id": _named(platform, call)(found.parent)}
    hidden = set() if call.app.scopes & DEPARTMENT_NAMES else {"name", "department_id", "status"}
    return {"data": {"department": {key: value for key, value in shown.items() if key not in hidden}}}


def parent_departments(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /contact/v3/departments/parent: what is above a department, the nearest first, as far as the app may see;
    never the root."""
    asked = call.query.get("department_id", "")
    if not asked:
        raise Refused(44102, "miss department_id error", "parameters")
    if asked == ROOT:
        raise Refused(40002, "process root dept error", "parameters")
    organisation = platform.world.organisation
    found = organisation.find(asked)
    if found is None or not sees_department(platform.world, call.app, found.open_department_id):
        raise Refused(40004, "no dept authority error", None, 403)
    size = sized(call, most=MOST_PARENTS, usual=20, code=_PAGE_SIZE)
    above = organisation.line(found.open_department_id)[1:]
    seen = [organisation.departments[each] for each in above if sees_department(platform.world, call.app, each)]
    name = _named(platform, call)
    shown = [{**department_view(each), "parent_department_id": name(each.parent)} for each in seen]
    return {"data": page(call, shown, "items", size, code=_PAGE_TOKEN)}


def groups_of_member(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /contact/v3/group/member_belong: the user groups of a person, those in the app's range alone."""
    id_type, kind = call.query.get("member_id_type", "open_id"), call.query.get("group_type", "")
    if id_type not in _ID_TYPES:
        raise Refused(41071, "invalid member_id_type", "parameters")
    if kind not in ("", "1", "2"):
        raise Refused(41074, "invalid member_type", "parameters")
    person = _person(platform, id_type, call.query.get("member_id", ""))
    if person is None:
        raise Refused(41073, "invalid member_id", "parameters")
    if not sees_person(platform.world, call.app, person):
        raise Refused(41050, "no user authority error", None, 403)
    size = sized(call, most=MOST_GROUPS, usual=500, code=_PAGE_SIZE)
    seen = [each for each in visible_groups(platform.world, call.app) if person.open_id in each.members]
    found = [each.group_id for each in seen if kind in ("", "2" if each.is_dynamic else "1")]
    return {"data": page(call, found, "group_list", size, code=_PAGE_TOKEN)}


def user_group(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /contact/v3/group/:group_id, of those in the app's range."""
    seen = {each.group_id: each for each in visible_groups(platform.world, call.app)}
    found = seen.get(call.path["group_id"])
    if found is None:
        raise Refused(42002, "invalid group_id", "parameters")
    return {"data": {"group": {"id": found.group_id, "name": found.name, "type": 2 if found.is_dynamic else 1}}}


def contact_range(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /contact/v3/scopes: what the range names; of a range of everybody what stands directly below the root, and
    every user group."""
    world, limits = platform.world, call.app.contact_range
    size = sized(call, most=MOST_IN_RANGE, usual=50, code=_PAGE_SIZE)
    if limits is None:
        departments = [
            each.open_department_id for each in world.organisation.departments.values() if each.parent == ROOT
        ]
        people = [each.open_id for each in world.people.values() if _is_at_root(each)]
    else:
        departments, people = sorted(limits.departments), sorted(limits.people)
    groups = [each.group_id for each in visible_groups(world, call.app)]
    keys = [*(("department_ids", each) for each in departments), *(("user_ids", each) for each in people)]
    found = page(call, [*keys, *(("group_ids", each) for each in groups)], "entries", size, code=_PAGE_TOKEN)
    entries = found.pop("entries")
    lists = {
        key: [each for name, each in entries if name == key] for key in ("department_ids", "user_ids", "group_ids")
    }
    return {"data": {**lists, **found}}


def _is_at_root(person: Person) -> bool:
    return not person.is_external and not person.is_resigned and ROOT in person.departments


def _person(platform: Platform, id_type: str, asked: str) -> Person | None:
    people = platform.world.people.values()
    return next((each for each in people if id_type in _ID_TYPES and getattr(each, id_type) == asked), None)


def _named(platform: Platform, call: Call) -> Callable[[str], str]:
    """How the call wants departments to be named."""
    known = platform.world.organisation.departments
    nobody = Department("", "")
    if call.query.get("department_id_type", "open_department_id") == "open_department_id":
        return lambda department: department
    return lambda department: known.get(department, nobody).custom_id or department
