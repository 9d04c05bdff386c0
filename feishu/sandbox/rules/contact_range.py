"""What an app may see of the organisation: its contact range (contact-v3/scope/scope_authority)."""

from feishu.sandbox.organisation import ROOT, UserGroup
from feishu.sandbox.world import App, Person, World


def sees_department(world: World, app: App, department: str) -> bool:
    """Whether a department, or one above it, is in the app's range. The root is in none."""
    if department == ROOT or department not in world.organisation.departments:
        return False
    limits = app.contact_range
    return limits is None or not limits.departments.isdisjoint(world.organisation.line(department))


def sees_person(world: World, app: App, person: Person) -> bool:
    """Whether a person is in the app's range, themselves or by one of their departments. Outsiders are in none."""
    limits = app.contact_range
    if person.is_external or limits is None:
        return not person.is_external
    around = world.organisation.around(person.departments)
    in_groups = world.organisation.groups_of(person.open_id) & limits.groups
    return person.open_id in limits.people or not limits.departments.isdisjoint(around) or bool(in_groups)


def visible_groups(world: World, app: App) -> list[UserGroup]:
    """The user groups in the app's range."""
    limits, groups = app.contact_range, world.organisation.groups
    return [each for each in groups.values() if limits is None or each.group_id in limits.groups]
