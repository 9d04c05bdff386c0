"""A small organisation on a sandbox, for tests of rights."""

from feishu.sandbox import Sandbox
from feishu.sandbox.sharing import SpaceMember
from tests.support.platform_client import ALICE, BOB

HR, LEAF, OTHER = "od-hr", "od-hr-pay", "od-lab"
CARLA, DAN, EVE = "ou_carla", "ou_dan", "ou_eve"
"""Carla is in pay, below personnel; Dan in the laboratory; Eve is of another organisation."""
STAFF, LEADERS = "oc_staff", "og-leaders"
PRIVATE, PUBLIC = "7300000000000000001", "7300000000000000002"
EVERYBODY = (ALICE, BOB, CARLA, DAN, EVE)


def furnish(sandbox: Sandbox) -> Sandbox:
    """Departments, people, a group of Carla, Eve and the bot, a user group of Dan's, a private and a public wiki."""
    office = sandbox.office
    office.department(HR, "人事部", custom_id="HR")
    office.department(LEAF, "薪酬组", parent=HR)
    office.department(OTHER, "实验室")
    office.hire(CARLA, "卡拉", LEAF)
    office.hire(DAN, "丹", OTHER)
    office.outsider(EVE, "伊芙")
    office.user_group(LEADERS, "组长", DAN)
    office.user_group("og-dynamic", "全体实验员", DAN, is_dynamic=True)
    sandbox.groups.open(STAFF, "外联群", CARLA, EVE)
    sandbox.rights.space(PRIVATE, "人事", SpaceMember("user", ALICE, "admin"), SpaceMember("department", HR))
    sandbox.rights.space(PUBLIC, "手册", SpaceMember("user", ALICE, "admin"), visibility="public")
    return sandbox


def readers(sandbox: Sandbox, token: str) -> set[str]:
    """Who may open a document, by open ids."""
    return {open_id for open_id, verdict in sandbox.rights.readers(token).items() if verdict.allowed}
