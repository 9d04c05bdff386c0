"""Departments, user groups, and which part of them an app may see (contact-v3). State and its tree, no rules."""

from collections.abc import Iterable
from dataclasses import dataclass, field

ROOT = "0"
"""The department above all others, which is the organisation itself."""


@dataclass(frozen=True, slots=True)
class Department:
    """A department; `custom_id` is the `department_id` that the organisation gave it, "" for none."""

    open_department_id: str
    name: str
    parent: str = ROOT
    custom_id: str = ""


@dataclass(slots=True)
class UserGroup:
    """A user group. Who is in a dynamic one is decided by conditions; here they are named, as in an ordinary one."""

    group_id: str
    name: str
    members: set[str] = field(default_factory=set)
    is_dynamic: bool = False


@dataclass(frozen=True, slots=True)
class ContactRange:
    """What of the organisation an app may see. A department brings its people and its sub-departments."""

    departments: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(slots=True)
class Organisation:
    """Everything by its id. `partners` are the tenant keys of associated organisations."""

    departments: dict[str, Department] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    partners: set[str] = field(default_factory=set)

    def line(self, department: str) -> list[str]:
        """A department and those above it, up to the root; only itself where it is unknown."""
        found = [department]
        while (above := self.departments.get(found[-1])) and above.parent not in found:
            found.append(above.parent)
        return found

    def around(self, departments: Iterable[str]) -> frozenset[str]:
        """These departments with all that are above them."""
        return frozenset(each for department in departments for each in self.line(department))

    def find(self, department: str) -> Department | None:
        """A department by either of its ids."""
        by_custom = (each for each in self.departments.values() if each.custom_id == department != "")
        return self.departments.get(department) or next(by_custom, None)

    def groups_of(self, open_id: str) -> frozenset[str]:
        """The user groups that a person is in."""
        return frozenset(each.group_id for each in self.groups.values() if open_id in each.members)
