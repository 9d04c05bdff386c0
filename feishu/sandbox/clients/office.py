"""What the people of an organisation's office do: hire, move, let go, arrange departments and user groups, and decide
what apps may see of it. Apps hear of what their range holds (contact-v3 events)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from feishu.sandbox.organisation import ROOT, ContactRange, Department, UserGroup
from feishu.sandbox.push import Push
from feishu.sandbox.refusal import Impossible
from feishu.sandbox.rules.contact_range import sees_department, sees_person, visible_groups
from feishu.sandbox.rules.platform import Platform
from feishu.sandbox.view import department_view, person_view
from feishu.sandbox.world import App, Person

PARTNER = "partner_tenant"
CONTACT_SCOPES = {
    "contact:contact.base:readonly",
    "contact:contact:readonly_as_app",
    "contact:contact:access_as_app",
}


class Office:
    """Changes the organisation. Raises Impossible for people, departments and groups that are not there."""

    def __init__(self, platform: Platform, push: Push) -> None:
        self._platform = platform
        self._push = push

    def hire(self, open_id: str, name: str, *departments: str) -> Person:
        """A new colleague, directly at the root where no department is named. Every bot gets a chat with them."""
        for each in departments:
            self._department(each)
        person = self._person_of(open_id, name, departments=departments or (ROOT,))
        for app in self._platform.world.apps.values():
            self._platform.world.private_chat(app, open_id)
        return person

    def outsider(self, open_id: str, name: str, tenant_key: str = PARTNER) -> Person:
        """Somebody of another organisation, who is in no department and in no chat yet."""
        return self._person_of(open_id, name, tenant_key=tenant_key, departments=())

    def move(self, open_id: str, *departments: str) -> Person:
        """A person goes to other departments; to the root where none is named."""
        for each in departments:
            self._department(each)
        person = self._person(open_id)
        if person.is_external:
            raise Impossible("somebody of another organisation is in no department here")
        moved = replace(person, departments=departments or (ROOT,))
        self._platform.world.people[open_id] = moved
        for app in self._hearing():
            if sees_person(self._platform.world, app, moved):
                self._push.event(app, "contact.user.updated_v3", _changed_person(person, moved, app))
        self._redraw()
        return moved

    def resign(self, open_id: str) -> Person:
        """A person leaves: they are in no chat, no department and no user group any more."""
        world, person = self._platform.world, self._person(open_id)
        for app in self._hearing():
            if sees_person(world, app, person):
                old = {"open_id": open_id, "department_ids": list(person.departments)}
                body = {"object": person_view(person, app.scopes), "old_object": old}
                self._push.event(app, "contact.user.deleted_v3", body)
        for chat in world.chats.values():
            if chat.kind == "group" and open_id in chat.people:
                chat.people.remove(open_id)
        for group in world.organisation.groups.values():
            group.members.discard(open_id)
        world.people[open_id] = replace(person, departments=(), is_resigned=True)
        self._redraw()
        return world.people[open_id]

    def department(self, department: str, name: str, *, parent: str = ROOT, custom_id: str = "") -> Department:
        """A new department, or a change of one: its name, or where it belongs."""
        organisation = self._platform.world.organisation
        if parent != ROOT and department in organisation.line(self._department(parent).open_department_id):
            raise Impossible("a department cannot lie below itself")
        before = organisation.departments.get(department)
        made = Department(department, name, parent, custom_id or (before.custom_id if before else ""))
        organisation.departments[department] = made
        if before is not None:
            body = {"object": department_view(made), "old_object": department_view(before)}
            self._tell_of(department, "contact.department.updated_v3", body)
        self._redraw()
        return made

    def close_department(self, department: str) -> None:
        """A department that holds nobody and nothing is removed."""
        organisation, found = self._platform.world.organisation, self._department(department)
        if any(each.parent == department for each in organisation.departments.values()):
            raise Impossible("there are departments below it")
        if any(department in each.departments for each in self._platform.world.people.values()):
            raise Impossible("there are people in it")
        old = {"open_department_id": department, "status": {"is_deleted": False}}
        body = {"object": department_view(found), "old_object": old}
        self._tell_of(department, "contact.department.deleted_v3", body)
        del organisation.departments[department]
        self._redraw()

    def user_group(self, group_id: str, name: str, *members: str, is_dynamic: bool = False) -> UserGroup:
        """A user group with exactly these members. Nobody is told of changes of user groups."""
        people = {self._person(each).open_id for each in members}
        group = UserGroup(group_id, name, people, is_dynamic)
        self._platform.world.organisation.groups[group_id] = group
        self._redraw()
        return group

    def show_to(self, app_id: str, limits: ContactRange | None) -> None:
        """Decide what an app may see of the organisation; None is all."""
        app = self._platform.world.apps[app_id]
        before = _seen(self._platform, app)
        app.contact_range = limits
        after = _seen(self._platform, app)
        added, removed = _without(self._platform, after, before), _without(self._platform, before, after)
        if app in self._hearing():
            self._push.event(app, "contact.scope.updated_v3", {"added": added, "removed": removed})

    def _person_of(self, open_id: str, name: str, **more: Any) -> Person:
        if open_id in self._platform.world.people:
            raise Impossible("there is somebody with this open id")
        plain = open_id.removeprefix("ou_")
        person = Person(open_id, name, plain, f"on_{plain}", **more)
        self._platform.world.people[open_id] = person
        self._redraw()
        return person

    def _person(self, open_id: str) -> Person:
        person = self._platform.world.people.get(open_id)
        if person is None or person.is_resigned:
            raise Impossible("no such person")
        return person

    def _department(self, department: str) -> Department:
        found = self._platform.world.organisation.departments.get(department)
        if department == ROOT:
            return Department(ROOT, "")
        if found is None:
            raise Impossible("no such department")
        return found

    def _hearing(self) -> list[App]:
        """The apps that may hear of the organisation at all."""
        apps = self._platform.world.apps.values() if self._push.is_started else ()
        return [app for app in apps if app.scopes & CONTACT_SCOPES]

    def _tell_of(self, department: str, event_type: str, body: dict[str, Any]) -> None:
        for app in self._hearing():
            if sees_department(self._platform.world, app, department):
                self._push.event(app, event_type, body)

    def _redraw(self) -> None:
        self._platform.journal.publish("reload")


def _changed_person(before: Person, after: Person, app: App) -> dict[str, Any]:
    """The person, and of what they were before only what has changed."""
    old, new = person_view(before, app.scopes), person_view(after, app.scopes)
    changed = {key: value for key, value in old.items() if new[key] != value}
    return {"object": new, "old_object": {"open_id": before.open_id, **changed}}


def _seen(platform: Platform, app: App) -> dict[str, set[str]]:
    """What an app's range names, by what it is."""
    world, limits = platform.world, app.contact_range
    groups = {each.group_id for each in visible_groups(world, app)}
    if limits is None:
        top = {each.open_department_id for each in world.organisation.departments.values() if each.parent == ROOT}
        people = {each.open_id for each in world.people.values() if not each.is_external and ROOT in each.departments}
        return {"departments": top, "users": people, "user_groups": groups}
    return {"departments": set(limits.departments), "users": set(limits.people), "user_groups": groups}


def _without(platform: Platform, these: dict[str, set[str]], those: dict[str, set[str]]) -> dict[str, list[Any]]:
    """What is in the one range and not in the other, as the event tells it."""
    organisation, people = platform.world.organisation, platform.world.people
    left = {key: sorted(these[key] - those[key]) for key in these}
    departments: Iterable[Department] = (
        organisation.departments[each] for each in left["departments"] if each in organisation.departments
    )
    groups = (organisation.groups[each] for each in left["user_groups"] if each in organisation.groups)
    return {
        "departments": [department_view(each) for each in departments],
        "users": [people[each].ids() for each in left["users"] if each in people],
        "user_groups": [
            {"user_group_id": each.group_id, "name": each.name, "type": 2 if each.is_dynamic else 1} for each in groups
        ],
    }
